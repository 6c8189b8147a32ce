import { describe, expect, it } from 'vitest';
import { checkers } from '../../src/sim/checkers/all.ts';
import { modes, noFaults } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';
import { simulations } from '../support/simulations.ts';

const from = (start: number, count: number) => Array.from({ length: count }, (_, i) => start + i);

describe('A network of its own for every seed', () => {
  const simulate = simulations();

  it.each(modes)('%s: same seed, same run', (mode) => {
    const [one, two] = [run(8, { mode, events: 60 }), run(8, { mode, events: 60 })];
    expect(JSON.stringify(two.trace)).toBe(JSON.stringify(one.trace));
    expect(one.trace.length).toBeGreaterThan(500);
  });

  it.each(modes)(
    '%s: without faults nothing is ever wrong',
    async (mode) => {
      for (const seed of from(1, 10)) {
        const { violations } = await simulate(seed, { mode, events: 120, faults: noFaults });
        expect(violations, `seed ${seed}`).toEqual([]);
      }
    },
    60_000,
  );

  // More of them: npm run sim.
  it.each(modes)(
    '%s: with faults, then healed: everybody sees everybody, and every last word arrives; each checker has something to check',
    async (mode) => {
      const sums: Record<string, number> = {};
      for (const seed of from(1, 20)) {
        const { violations, exercised } = await simulate(seed, { mode, events: 120 });
        expect(violations, `seed ${seed}`).toEqual([]);
        for (const [name, times] of Object.entries(exercised)) sums[name] = (sums[name] ?? 0) + times;
      }
      expect(Object.keys(sums)).toEqual(expect.arrayContaining(Object.keys(checkers)));
      expect(Object.entries(sums).filter(([, times]) => times === 0)).toEqual([]);
    },
    60_000,
  );
});
