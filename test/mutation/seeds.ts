import { expect, it } from 'vitest';
import { digestOf } from '../../src/headless/trace-digest.ts';
import type { Mode } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';
import { ledgerEvents, ofLedger, readRuns } from '../ledger/ledger.ts';

/** The simulator's first seeds in one mode, two tests for each; how many, MUTATION_SEEDS says. */
export function seedsOf(mode: Mode): void {
  const seeds = Array.from({ length: Number(process.env['MUTATION_SEEDS']) }, (_, i) => i + 1);
  const ledger = readRuns()[mode];
  for (const seed of seeds) {
    let digest: string | undefined;
    const simulate = () => {
      const { violations, trace } = run(seed, { mode, events: ledgerEvents });
      digest = digestOf(trace);
      return violations;
    };
    it(`simulator, mode ${mode}, seed ${seed}`, () => {
      expect(simulate().slice(0, 1)).toEqual([]);
    });
    if (seed <= ledger.length)
      it(`${ofLedger} mode ${mode}, seed ${seed}`, () => {
        // By itself, where somebody asks whether it is so without the change, too.
        if (digest === undefined) simulate();
        expect(digest).toBe(ledger[seed - 1]);
      });
  }
}
