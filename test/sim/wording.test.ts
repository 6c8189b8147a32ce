import { describe, expect, it } from 'vitest';
import { plantedBugs } from '../../src/headless/planted-bugs.ts';
import { bundleThread, type Patch } from '../../src/headless/sim-bundle.ts';
import { SimPool } from '../../src/headless/sim-pool.ts';
import type { Outcome } from '../../src/headless/sim-thread.ts';
import { type Mode, modes } from '../../src/sim/plan.ts';

/** Every note of a node, and every act and fault, is told in other words. */
const reworded: Patch = {
  file: 'src/sim/world.ts',
  find: 'this.trace.push(record)',
  replace: "this.trace.push('what' in record ? { ...record, what: 'something' } : record)",
};

/** What checkers say of some seeds, but for the words they say it in. */
async function verdicts(mode: Mode, seeds: readonly number[], ...patches: readonly Patch[]) {
  const pool = new SimPool(await bundleThread(...patches), 2);
  try {
    const jobs = seeds.map((seed) => ({ kind: 'run', seed, options: { mode, events: 120 } }) as const);
    const outcomes = (await pool.all(jobs)) as readonly Outcome[];
    return outcomes.map(({ violations, exercised, events }) => ({
      violations: violations.map(({ invariant, at }) => `${invariant} at ${at}`),
      exercised,
      events,
    }));
  } finally {
    await pool.stop();
  }
}

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i + 1);

describe('Checkers read signs and no text: with every note, act and fault reworded they say the same', () => {
  it.each(modes)(
    '%s',
    async (mode) => {
      expect(await verdicts(mode, upTo(6), reworded)).toEqual(await verdicts(mode, upTo(6)));
    },
    60_000,
  );

  it.each([
    ['any error is a split', '0282', 'D-13'],
    ['timer-only liveness after a freeze', '0282', 'D-3'],
    ['any error is a lost link', '0289pp', 'F-h'],
  ] as const)(
    'also of a planted bug: %s',
    async (name, mode, invariant) => {
      const bug = plantedBugs.find((one) => one.name === name) as Patch;
      const found = await verdicts(mode, upTo(30), bug);
      expect(found.flatMap(({ violations }) => violations).join()).toContain(`${invariant} at`);
      expect(await verdicts(mode, upTo(30), bug, reworded)).toEqual(found);
    },
    60_000,
  );
});
