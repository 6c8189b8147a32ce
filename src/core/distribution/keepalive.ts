import type { Env } from '../turn/env.ts';
import type { Instant } from '../xmpp/time.ts';

/** Seconds of silence before a ping, and for its answer (XEP-0282 §4.10). */
export interface KeepaliveTimes {
  readonly interval: number;
  readonly timeout: number;
}

/** What to do now that the timer of a neighbour fired. */
export type Due =
  /** It was heard lately: look again in `ms`. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** Ping it with this id, and look again in `ms`. */
  | { readonly kind: 'ping'; readonly id: string; readonly ms: number }
  /** Two pings went unanswered. */
  | { readonly kind: 'lost' };

/**
 * When to ping a silent neighbour. XEP-0282 §4.10 leaves the times open: decision #3 says 60 s of silence (give or take
 * 20 %, so that a room's replicas do not ping in step), 15 s for an answer, two misses mean that it is lost.
 */
export class Keepalive {
  #heard: Instant;
  #ping: string | undefined;
  #pinged: Instant;
  #misses = 0;
  /** Whether it looks at what came while the node slept, before it counts a miss. */
  #woken = false;
  readonly #times: KeepaliveTimes;

  /** @param times  what both ends agreed on (XEP-0282 §4.2); absent: decision #3 */
  constructor(now: Instant, times: KeepaliveTimes = defaultTimes) {
    this.#heard = now;
    this.#pinged = now;
    this.#times = times;
  }

  get times(): KeepaliveTimes {
    return this.#times;
  }

  /** Anything at all came from the neighbour. */
  heard(now: Instant): void {
    this.#heard = now;
    this.#ping = undefined;
    this.#misses = 0;
    this.#woken = false;
  }

  /** Whether this id is the one of the ping in flight. */
  isPing(id: string | undefined): boolean {
    return id !== undefined && id === this.#ping;
  }

  /** Whether a ping is in flight, and nothing has come since. */
  get isWaiting(): boolean {
    return this.#ping !== undefined;
  }

  lastHeard(): Instant {
    return this.#heard;
  }

  due(env: Env): Due {
    // A timer of before that a sleeping page had kept fires with the rest: the ping since has its full time all the same.
    const waited = env.now - this.#pinged;
    const timeoutMs = this.#times.timeout * 1000;
    if (this.#ping !== undefined && waited < timeoutMs) return { kind: 'wait', ms: timeoutMs - waited };
    // A page that slept finds its timers first, and the answer may be among what it finds next.
    if (this.#ping !== undefined && waited > timeoutMs + wakeMs && !this.#woken) {
      this.#woken = true;
      return { kind: 'wait', ms: wakeMs };
    }
    this.#woken = false;
    if (this.#ping !== undefined && ++this.#misses >= 2) return { kind: 'lost' };
    const silence = env.now - this.#heard;
    const intervalMs = this.#times.interval * 1000;
    if (this.#ping === undefined && silence < intervalMs)
      return { kind: 'wait', ms: jitter(env, intervalMs - silence) };
    return this.ping(env);
  }

  /** A ping now, whatever the silence. */
  ping(env: Env): Due & { kind: 'ping' } {
    this.#ping = env.newId();
    this.#pinged = env.now;
    return { kind: 'ping', id: this.#ping, ms: this.#times.timeout * 1000 };
  }
}

/** A timer that comes later than that was slept through; and how long what waited then has to be looked at. Decision #3. */
const wakeMs = 1_000;
export const keepaliveMs = 60_000;
export const timeoutMs = 15_000;
export const defaultTimes: KeepaliveTimes = { interval: keepaliveMs / 1000, timeout: timeoutMs / 1000 };

/** Milliseconds until the next try to reach a neighbour, by the number of tries so far: 5, 10, 20, 40, then 60 s. Decision #3. */
export function backoffMs(tries: number): number {
  return Math.min(60_000, 5_000 * 2 ** tries);
}

/** The same, give or take 20 %, and never more than the agreed interval: XEP-0282 §4.11.1.1 "with a higher frequency". */
export function probeMs(env: Env, tries: number, { interval }: KeepaliveTimes): number {
  return jitter(env, Math.min((interval * 1000) / 1.2, backoffMs(tries)));
}

/** `ms` give or take 20 %, from the only randomness there is. */
export function jitter(env: Env, ms: number): number {
  let hash = 0;
  const id = env.newId();
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) % 401;
  return Math.max(1, Math.round(ms * (0.8 + hash / 1000)));
}
