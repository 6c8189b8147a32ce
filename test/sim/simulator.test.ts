import { describe, expect, it } from 'vitest';
import { checkers } from '../../src/sim/checkers/all.ts';
import { noFaults } from '../../src/sim/ground.ts';
import { modes } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';
import { ledgerEvents, readRuns } from '../ledger/ledger.ts';
import { howMany, isLong } from '../support/long.ts';
import { simulations } from '../support/simulations.ts';

/** Seeds that are run in any case. Those with many faults beyond them: `npm run sim`. */
const some = howMany(2, 25);

describe('A network of its own for every seed', () => {
  const simulate = simulations();
  const ledger = readRuns();

  it.each(modes)('%s: same seed, same run', (mode) => {
    const [one, two] = [run(8, { mode, events: 60 }), run(8, { mode, events: 60 })];
    expect(JSON.stringify(two.trace)).toBe(JSON.stringify(one.trace));
    expect(one.trace.length).toBeGreaterThan(500);
  });

  it.each(modes)(
    '%s: without faults nothing is ever wrong',
    async (mode) => {
      for (let seed = 1; seed <= some; seed++) {
        const { violations } = await simulate(seed, { mode, events: 120, faults: noFaults });
        expect(violations, `seed ${seed}`).toEqual([]);
      }
    },
    120_000,
  );

  it.each(modes)(
    '%s: with faults, then healed: everybody sees everybody, and every last word arrives; each checker has something to check; all is as in the ledger',
    async (mode) => {
      const sums: Record<string, number> = Object.fromEntries(Object.keys(checkers).map((name) => [name, 0]));
      const idle = () => Object.keys(sums).filter((name) => sums[name] === 0);
      for (let seed = 1; seed <= some; seed++) {
        const { violations, exercised, digest } = await simulate(seed, { mode, events: ledgerEvents });
        expect(violations, `seed ${seed}`).toEqual([]);
        expect(
          digest,
          `seed ${seed}: nodes do what they did not do before; if they are meant to, see test/README.md`,
        ).toBe(ledger[mode][seed - 1]);
        for (const [name, times] of Object.entries(exercised)) sums[name] = (sums[name] ?? 0) + times;
      }
      // A checker that none of so many has anything to check for is as good as none.
      if (isLong) expect(idle()).toEqual([]);
    },
    120_000,
  );
});
