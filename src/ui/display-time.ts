import type { ModelEvent } from './fold/event.ts';
import type { Model } from './fold/model.ts';

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
const crowd = 240;

export interface Timing {
  /** Server time of the event on the page's clock. */
  readonly at: number;
  /** End of the display of its cause, if that is shown. */
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

/** An event that has no time on the screen yet. */
interface Offered {
  readonly event: ModelEvent;
  /** When it came, by the page's clock. */
  readonly seen: number;
}

/** A leg that is moving. */
export interface Flight {
  readonly event: ModelEvent;
  readonly start: number;
  readonly end: number;
}

/** Longest time of a leg while a recording plays, in ms: a slow link looks slow, but nobody has to wait for it. */
const recordedMostMs = 1_500;

/** How long a leg that a node sent may wait for the node's own record, which says what caused it. */
const explanationMs = 700;

/**
 * Hands out display times in the order of the trace, and says what is on the screen at an instant.
 * Holds nothing once everything has been shown, so an idle page does no work.
 */
export class Display {
  readonly #model: Model;
  readonly #recorded: boolean;
  readonly #shown = new Map<number, Shown>();
  #waiting: Offered[] = [];
  #flights: Flight[] = [];
  #skew = Number.POSITIVE_INFINITY;
  pace = 1;

  /** @param recorded  events begin to move as soon as they are offered: a recording sets its own pace */
  constructor(model: Model, recorded = false) {
    this.#model = model;
    this.#recorded = recorded;
  }

  /** Takes new hops. `now` is the page's clock; the server's may differ, and the smallest difference seen is subtracted. */
  offer(events: readonly ModelEvent[], now: number): void {
    for (const event of events) {
      if (!['hop', 'act', 'append', 'fault'].includes(event.kind)) continue;
      if (event.id >= 0) this.#skew = Math.min(this.#skew, now - event.t);
      this.#waiting.push({ event, seen: now });
    }
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#flights.length === 0;
  }

  /** Everything that moves at `now`, or has ended at most `afterglowMs` ago. */
  at(now: number, afterglowMs: number): readonly Flight[] {
    this.#schedule(now);
    this.#flights = this.#flights.filter((flight) => flight.end + afterglowMs > now || this.held(flight.event));
    if (this.#shown.size > 30_000) for (const id of [...this.#shown.keys()].slice(0, 10_000)) this.#shown.delete(id);
    return this.#flights;
  }

  /** Whether the paused links hold a stanza back: it stands in the middle of its link. */
  held(event: ModelEvent): boolean {
    return (
      this.#model.paused &&
      event.leg === 'link' &&
      !event.outcome &&
      this.#model.events.effectsOf(event.id).length === 0
    );
  }

  #schedule(now: number): void {
    const later: Offered[] = [];
    for (const entry of this.#waiting) {
      const { event, seen } = entry;
      const fromNode = event.leg === 'in' && this.#model.network.nodeOf(event.from) !== undefined;
      const cause = event.cause === undefined ? undefined : this.#model.events.get(event.cause);
      const patient = !this.#recorded && now - seen < explanationMs;
      if (patient && fromNode && event.cause === undefined) later.push(entry);
      else if (patient && cause && !this.#shown.has(cause.id) && later.some((other) => other.event === cause)) {
        later.push(entry);
      } else {
        const skew = Number.isFinite(this.#skew) ? this.#skew : 0;
        const shown = displayTime(event, {
          at: this.#recorded ? seen : event.t + skew,
          ...(this.#recorded ? { mostMs: recordedMostMs } : {}),
          causeEnd: cause ? this.#shown.get(cause.id)?.end : undefined,
          pace: this.pace,
          busy: this.#flights.length,
        });
        this.#shown.set(event.id, shown);
        if (event.leg && shown.end > now) this.#flights.push({ event, ...shown });
      }
    }
    this.#waiting = later;
  }
}
