import { readdirSync, readFileSync } from 'node:fs';
import { Prng } from '../../src/sim/prng.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

/**
 * All changes that the source files of a folder have room for.
 *
 * @param folder  from the project's folder, with a slash at its end
 */
export function candidates(root: string, folder: string): Mutant[] {
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => folder + name.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .sort()
    .flatMap((file) => mutantsOf(file, readFileSync(root + file, 'utf8')));
}

/** So many of them, each as likely as any other, in the order of the files. The same seed chooses the same. */
export function sampleOf(all: readonly Mutant[], count: number, seed: number): Mutant[] {
  const places = all.map((_, i) => i);
  return new Prng(seed)
    .shuffled(places)
    .slice(0, count)
    .sort((a, b) => a - b)
    .map((i) => all[i] as Mutant);
}
