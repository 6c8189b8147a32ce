import { readFileSync } from 'node:fs';

/** A file that was named on a command line. @returns its text, or why it cannot be read */
export function readTextFile(file: string): string | { readonly error: string } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return { error: (error as Error).message };
  }
}
