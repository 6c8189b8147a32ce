import { dispensable, troubles } from './reduction.ts';
import { type RunOptions, type RunResult, run } from './simulator.ts';

export interface Shrunk {
  /** What is left of the run: the same violation, from as few steps, people and nodes as were found. */
  readonly options: RunOptions;
  readonly result: RunResult;
  /** Steps before and after. */
  readonly from: number;
  readonly to: number;
  /** Runs that it took. */
  readonly runs: number;
}

/** Runs that shrinking may take: minutes are better spent on reading what is left. */
const runsMax = 300;
/** And events in all of them, for a run whose traffic does not stop is a long one. */
const eventsMax = 3_000_000;

/**
 * The smallest run, in steps, people, nodes and circumstances, in which the same invariant does not hold. Everything else
 * of the seed's plan stays, so that what is left can be run again by the numbers of its steps. A function of its arguments:
 * the bounds count runs and events, not seconds.
 *
 * @throws RangeError if the run does not violate the invariant
 */
export function shrink(seed: number, options: RunOptions, invariant: string, most = runsMax): Shrunk {
  const first = run(seed, options);
  if (!violates(first, invariant)) throw new RangeError(`seed ${seed} does not violate ${invariant}`);
  let best = { options, result: first };
  let runs = 1;
  let events = first.events;
  const better = (change: Partial<RunOptions>): boolean => {
    if (runs >= most || events >= eventsMax) return false;
    const tried = { ...best.options, ...change };
    const result = run(seed, tried);
    runs++;
    events += result.events;
    if (!violates(result, invariant)) return false;
    best = { options: tried, result };
    return true;
  };
  const { plan } = first;
  const all = [...plan.steps, ...plan.afterwards].map((_, n) => n);
  const steps = () => all.filter((n) => best.options.only?.has(n) ?? true);
  const from = steps().length;
  const fewerSteps = () => ddmin(steps(), (kept) => better({ only: new Set(kept) }));

  // What comes after the violation cannot have led to it.
  const at = best.result.violations.find((violation) => violation.invariant === invariant)?.at;
  const end = at === undefined ? undefined : best.result.trace[at]?.t;
  if (end !== undefined) {
    const { start } = best.result;
    better({ only: new Set(steps().filter((n) => start + (plan.steps[n]?.at ?? 0) <= end)) });
  }
  fewerSteps();
  for (const calm of troubles(best.result.plan)) better({ calm: new Set([...(best.options.calm ?? []), calm]) });
  for (const node of dispensable(best.result.plan)) better({ absent: new Set([...(best.options.absent ?? []), node]) });
  const everybody = best.result.plan.people.map((_, n) => n).filter((n) => !best.options.without?.has(n));
  const others = (kept: readonly number[]) => new Set(everybody.filter((n) => !kept.includes(n)));
  ddmin(everybody, (kept) => better({ without: new Set([...(options.without ?? []), ...others(kept)]) }));
  fewerSteps();
  return { ...best, from, to: steps().length, runs };
}

function violates(result: RunResult, invariant: string): boolean {
  return result.violations.some((violation) => violation.invariant === invariant);
}

/**
 * Delta debugging (Zeller and Hildebrandt 2002, ddmin): a part of a list that still fails, and of which no single element
 * can be left out.
 *
 * @param fails  whether a part fails; the whole list does
 */
export function ddmin<T>(list: readonly T[], fails: (part: readonly T[]) => boolean): readonly T[] {
  if (list.length === 0 || fails([])) return [];
  let left = list;
  for (let parts = 2; left.length > 1; ) {
    const size = Math.ceil(left.length / parts);
    let found: readonly T[] | undefined;
    for (let from = 0; from < left.length && found === undefined; from += size) {
      const without = [...left.slice(0, from), ...left.slice(from + size)];
      if (without.length > 0 && fails(without)) found = without;
    }
    if (found !== undefined) {
      left = found;
      parts = Math.max(2, parts - 1);
    } else if (parts >= left.length) break;
    else parts = Math.min(left.length, parts * 2);
  }
  return left;
}
