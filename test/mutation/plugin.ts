import type { Plugin } from 'vite';
// It adds Vitest's hook to those of a plugin.
import type {} from 'vitest/config';
import { changed, type Mutant } from './mutants.ts';

/** What a run of Vitest is to do, for vitest.config.ts. */
export interface Order {
  readonly root: string;
  /** Paths from `root`, in the order in which they run; globs where the order makes no difference. */
  readonly tests: readonly string[];
  readonly mutants: readonly Mutant[];
  /** The one that is made, by its place in the list. None: the tests say which of them they come by. */
  readonly active: number | undefined;
  /** Takes a line for each file of tests that says what it came by. */
  readonly reachedFile: string;
  /** Where the runs of one command keep what they made of the other files. */
  readonly cacheFolder: string;
  /** How many seeds the simulator runs in each mode. */
  readonly seeds: number;
}

/** A line of `reachedFile`. */
export interface Reached {
  readonly test: string;
  readonly mutants: readonly number[];
}

/** Makes one change, or notes by which of all the places the tests come. Everything happens in memory. */
export function mutating({ root, mutants, active }: Order): Plugin {
  const placesIn = (id: string) =>
    mutants.flatMap((mutant, i) =>
      id === root + mutant.file && (active === undefined || active === i) ? [{ ...mutant, i }] : [],
    );
  return {
    name: 'mutation',
    enforce: 'pre',
    configureVitest({ experimental_defineCacheKeyGenerator }) {
      experimental_defineCacheKeyGenerator(({ id }) => (placesIn(id).length > 0 ? false : undefined));
    },
    transform(code, id) {
      const places = placesIn(id);
      const [first] = places;
      if (first === undefined) return undefined;
      return active === undefined ? withProbes(code, places) : changed(code, first);
    },
  };
}

/** The same program, which in `globalThis.reached` notes where it came by. */
export function withProbes(code: string, places: readonly (Mutant & { readonly i: number })[]): string {
  const inserts: { readonly at: number; readonly rank: number; readonly text: string }[] = [];
  for (const { start, end, isStatement, i } of places) {
    const probe = `globalThis.reached?.add(${i})`;
    const length = end - start + i / 1e6;
    // Where several begin the longest is outside; where they end it ends last.
    inserts.push({ at: start, rank: 1 / length, text: isStatement ? `{ ${probe}; ` : `(${probe}, ` });
    inserts.push({ at: end, rank: length - 1e9, text: isStatement ? ' }' : ')' });
  }
  inserts.sort((a, b) => a.at - b.at || a.rank - b.rank);
  let [out, from] = ['', 0];
  for (const { at, text } of inserts) {
    out += code.slice(from, at) + text;
    from = at;
  }
  return out + code.slice(from);
}
