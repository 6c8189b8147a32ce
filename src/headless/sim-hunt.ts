import type { Mode } from '../sim/plan.ts';
import type { PlantedBug } from './planted-bug.ts';
import { plantedBugs } from './planted-bugs.ts';
import type { SimArguments } from './sim-arguments.ts';
import { bundleThread } from './sim-bundle.ts';
import { SimPool } from './sim-pool.ts';

interface Catch {
  readonly invariant: string;
  readonly seed: number;
  readonly mode: Mode;
}

/**
 * Plants one bug after another, each in a copy of the program of its own, and runs seeds until an invariant breaks that
 * holds without the bug.
 *
 * @param say  takes a line for each bug, in the order of the list
 * @returns how many were caught, of how many
 */
export async function huntPlantedBugs(
  { from, to, modes, options, threads }: SimArguments,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<{ readonly caught: number; readonly planted: number }> {
  const sound = await bundleThread();
  const bugs = plantedBugs.filter((bug) => bug.modes.some((mode) => modes.includes(mode)));
  const lines: string[] = [];
  let [next, said, caught] = [0, 0, 0];
  const hunter = async () => {
    const reference = new SimPool(sound, 1);
    const stop = () => void reference.stop();
    signal.addEventListener('abort', stop);
    while (next < bugs.length && !signal.aborted) {
      const i = next++;
      const bug = bugs[i] as PlantedBug;
      const found = await hunt(bug, reference);
      if (signal.aborted) break;
      if (found) caught++;
      lines[i] =
        `${found ? 'caught' : 'missed'}  ${bug.name}${found ? `: ${found.invariant}, seed ${found.seed}, mode ${found.mode}` : ''}`;
      for (; lines[said] !== undefined; said++) say(lines[said] as string);
    }
    signal.removeEventListener('abort', stop);
    await reference.stop();
  };

  async function hunt(bug: PlantedBug, reference: SimPool): Promise<Catch | undefined> {
    const pool = new SimPool(await bundleThread(bug, ...(bug.also ? [bug.also] : [])), 1);
    const stop = () => void pool.stop();
    signal.addEventListener('abort', stop);
    try {
      for (let seed = from; seed <= to; seed++)
        for (const mode of bug.modes.filter((one) => modes.includes(one))) {
          const job = {
            kind: 'run',
            seed,
            options: { ...options, mode },
          } as const;
          const [outcome] = await pool.all([job]);
          if (outcome === undefined) return undefined;
          const [violation] = outcome.violations;
          // A bug that throws is no test of the invariants.
          if (violation === undefined || violation.invariant === 'no exception') continue;
          const [without] = await reference.all([job]);
          if (without?.violations.length === 0) return { invariant: violation.invariant, seed, mode };
        }
      return undefined;
    } finally {
      signal.removeEventListener('abort', stop);
      await pool.stop();
    }
  }

  await Promise.all(Array.from({ length: Math.min(threads, bugs.length) }, hunter));
  return { caught, planted: bugs.length };
}
