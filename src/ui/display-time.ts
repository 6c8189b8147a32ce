import type { ModelEvent } from './fold/event.ts';

/** When an event is on the screen, in the time of the page's clock (ms). */
export interface Shown {
  readonly start: number;
  readonly end: number;
}

/**
 * Shortest time that a leg takes on the screen at pace 1, in ms. Over loopback a real one takes 1 or 2, which nobody can see.
 * Legs between servers take longest, because those are what people compare.
 */
export const leastMs = { in: 260, link: 620, out: 340 } as const;

/** A chain more than this far behind the trace is shown faster. */
const patienceMs = 6_000;
/** More tokens at once than anybody can follow: further ones are not shown moving. */
export const crowd = 240;

export interface Timing {
  /** Server time of the event on the page's clock. */
  readonly at: number;
  /** End of the display of what it has to follow, if that is shown. */
  readonly causeEnd: number | undefined;
  /** Factor on all durations: 1 normal, 2 slow, 0 none. */
  readonly pace: number;
  /** Tokens on the screen at that moment. */
  readonly busy: number;
  /** No leg takes longer, in ms; default 10 s. */
  readonly mostMs?: number;
}

/**
 * Start and end of one leg on the screen: never before the trace says, never before its cause has ended, and stretched
 * to the least time. A pure function: the same trace looks the same each time.
 */
export function displayTime(event: Pick<ModelEvent, 'leg' | 't' | 'arrives' | 'kind'>, timing: Timing): Shown {
  const start = Math.max(timing.at, timing.causeEnd ?? Number.NEGATIVE_INFINITY);
  if (event.leg === undefined) return { start, end: start };
  const behind = start - timing.at;
  const hurry = behind > patienceMs ? Math.max(0.1, 1 - (behind - patienceMs) / patienceMs) : 1;
  const least = timing.busy >= crowd ? 0 : leastMs[event.leg] * timing.pace * hurry;
  const real = event.leg === 'link' && event.arrives !== undefined ? event.arrives - event.t : 0;
  return { start, end: start + (timing.pace === 0 ? 0 : Math.max(least, Math.min(real, timing.mostMs ?? 10_000))) };
}
