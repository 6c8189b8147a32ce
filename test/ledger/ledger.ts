import { readFileSync } from 'node:fs';
import type { Mode } from '../../src/sim/plan.ts';

/** Seeds in each mode of which is written down what they come to. */
export const ledgerSeeds = 150;
/** Steps of a run, with all faults that its seed chooses. */
export const ledgerEvents = 120;
/** How complaints begin that say no more than that something is different. */
export const ofLedger = 'ledger,';

export const runsFile = new URL('./runs.json', import.meta.url);
export const saidFile = new URL('./said.json', import.meta.url);

/** What each seed came to when somebody last meant to change what nodes do: by mode, the first seeds in order. */
export function readRuns(): Readonly<Record<Mode, readonly string[]>> {
  return JSON.parse(readFileSync(runsFile, 'utf8'));
}

/** The same of tests, by file and title: a part of the SHA-256 of what nodes did in it. */
export function readSaid(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return JSON.parse(readFileSync(saidFile, 'utf8'));
}
