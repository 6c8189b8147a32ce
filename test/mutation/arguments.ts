import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { badArgument } from '../../src/headless/arguments.mjs';

export const help = `npm run mutation -- [--sample N] [--seed S] [--only TEXT] [--seeds N] [--threads N]

Would the tests notice? Makes small changes to the core, one at a time and in memory alone (a turned comparison, && for ||, a
dropped !, an off-by-one, true for false, a dropped early return, swapped arguments of a condition, a removed call), and runs
the tests of the core on each, then the simulator, in every mode that comes by the place. Names the changes that
nobody noticed. Status 1 if fewer than 95 of 100 are noticed.

  --sample N   how many changes (default 100)
  --seed S     which ones: the same seed takes the same from the same source (default 1)
  --only TEXT  only in files with TEXT in their path
  --seeds N    how many seeds the simulator runs in each mode (default 150); with few it is quicker, and with 0 left out
  --threads N  how many at a time (default: one for each core)
  --list       names the changes, and tries none
  --help       this text`;

export interface Arguments {
  readonly sample: number;
  readonly seed: number;
  /** Part of a path. */
  readonly only: string;
  readonly seeds: number;
  readonly threads: number;
  readonly list: boolean;
}

/** @returns the options, 'help', or one line that says what is wrong */
export function readArguments(args: readonly string[]): Arguments | 'help' | { readonly error: string } {
  const string = { type: 'string' } as const;
  let values: { [name in 'sample' | 'seed' | 'only' | 'seeds' | 'threads']?: string } & {
    list?: boolean;
    help?: boolean;
  };
  try {
    const boolean = { type: 'boolean' } as const;
    const options = { sample: string, seed: string, only: string, seeds: string, threads: string, list: boolean };
    ({ values } = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    return { error: badArgument(error) };
  }
  if (values.help === true) return 'help';
  const numbers = { sample: 100, seed: 1, seeds: 150, threads: availableParallelism() };
  const ranges = { sample: [1, 100_000], seed: [0, 2 ** 32 - 1], seeds: [0, 100_000], threads: [1, 256] } as const;
  for (const name of ['sample', 'seed', 'seeds', 'threads'] as const) {
    const text = values[name];
    if (text === undefined) continue;
    const [least, most] = ranges[name];
    numbers[name] = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(numbers[name] >= least && numbers[name] <= most))
      return { error: `--${name}: ${JSON.stringify(text)} is no number from ${least} to ${most}` };
  }
  return { ...numbers, only: values.only ?? '', list: values.list === true };
}
