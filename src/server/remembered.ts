import type { Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';

/** What says no more than a new one is forgotten when there is so much. */
const pruneAt = 1000;

/** What is kept for each of many addresses, as long as it matters. */
export class Remembered<V> {
  readonly #make: (now: Instant) => V;
  readonly #isUnused: (value: V, now: Instant) => boolean;
  readonly #values = new Map<Jid, V>();
  #pruneAt = pruneAt;

  /** @param isUnused  whether a new one would say the same */
  constructor(make: (now: Instant) => V, isUnused: (value: V, now: Instant) => boolean) {
    this.#make = make;
    this.#isUnused = isUnused;
  }

  get(address: Jid): V | undefined {
    return this.#values.get(address);
  }

  /** Makes it if there is none. */
  of(address: Jid, now: Instant): V {
    const known = this.#values.get(address);
    if (known !== undefined) return known;
    if (this.#values.size >= this.#pruneAt) {
      for (const [one, value] of this.#values) if (this.#isUnused(value, now)) this.#values.delete(one);
      this.#pruneAt = Math.max(pruneAt, 2 * this.#values.size);
    }
    const value = this.#make(now);
    this.#values.set(address, value);
    return value;
  }
}
