import { readdirSync, readFileSync } from 'node:fs';
import { readScript, type Script } from './script.ts';

const directory = new URL('scripts/', import.meta.url);

/** All scripts, in order of their sections. */
export function allScripts(): readonly Script[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.script'))
    .sort()
    .map((file) => readScript(file, readFileSync(new URL(file, directory), 'utf8')));
}
