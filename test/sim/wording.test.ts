import { describe, expect, it } from 'vitest';
import { plantedBugs } from '../../src/headless/planted-bugs.ts';
import { bundleThread, type Patch } from '../../src/headless/sim-bundle.ts';
import { SimPool } from '../../src/headless/sim-pool.ts';
import type { Outcome } from '../../src/headless/sim-thread.ts';
import { type Mode, modes } from '../../src/sim/plan.ts';
import { howMany } from '../support/long.ts';

/** Every note of a node, and every act and fault, is told in other words. */
const reworded: Patch = {
  file: 'src/sim/world.ts',
  find: 'this.trace.push(record)',
  replace: "this.trace.push('what' in record ? { ...record, what: 'something' } : record)",
};

interface Verdict {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly exercised: Outcome['exercised'];
  readonly events: number;
}

/** Runs seeds on a core with patches; what is asked of it is all that it does. */
async function withPatches<T>(
  patches: readonly Patch[],
  ask: (judge: (mode: Mode, seeds: readonly number[]) => Promise<readonly Verdict[]>) => Promise<T>,
): Promise<T> {
  // One thread: for so few runs a second one would compile more than it runs.
  const pool = new SimPool(await bundleThread(...patches), 1);
  try {
    return await ask(async (mode, seeds) => {
      const jobs = seeds.map((seed) => ({ kind: 'run', seed, options: { mode, events: 120 } }) as const);
      const outcomes = (await pool.all(jobs)) as readonly Outcome[];
      return outcomes.map(({ violations, exercised, events }, i) => ({
        seed: seeds[i] as number,
        // What checkers say, but for the words they say it in.
        violations: violations.map(({ invariant, at }) => `${invariant} at ${at}`),
        exercised,
        events,
      }));
    });
  } finally {
    await pool.stop();
  }
}

const from = (start: number, count: number) => Array.from({ length: count }, (_, i) => start + i);

describe('Checkers read signs and no text: with every note, act and fault reworded they say the same', () => {
  it('of every mode', async () => {
    const all = (patches: readonly Patch[]) =>
      withPatches(patches, async (judge) => {
        const verdicts: Verdict[] = [];
        for (const mode of modes.slice(0, howMany(3, modes.length)))
          verdicts.push(...(await judge(mode, from(1, howMany(1, 4)))));
        return verdicts;
      });
    expect(await all([reworded])).toEqual(await all([]));
  }, 60_000);

  const bugs = [
    ['any error is a split', '0282', 'D-13'],
    ['timer-only liveness after a freeze', '0282', 'D-3'],
    ['any error is a lost link', '0289pp', 'F-h'],
  ] as const;

  it.each(bugs.slice(0, howMany(1, bugs.length)))(
    'also of a planted bug: %s',
    async (name, mode, invariant) => {
      const bug = plantedBugs.find((one) => one.name === name) as Patch;
      const caught = await withPatches([bug], async (judge) => {
        for (let seed = 1; seed <= 100; seed++) {
          const [verdict] = await judge(mode, [seed]);
          if (verdict?.violations.some((one) => one.startsWith(`${invariant} at`))) return verdict;
        }
        return undefined;
      });
      expect(caught).toBeDefined();
      const { seed } = caught as Verdict;
      expect(await withPatches([bug, reworded], (judge) => judge(mode, [seed]))).toEqual([caught]);
    },
    60_000,
  );
});
