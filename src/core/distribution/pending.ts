import type { Instant } from '../xmpp/time.ts';

/** What is held back. */
export interface Held<Asked> {
  /** Who asked, and for what. It is done, or refused, once it is decided. */
  readonly asked: Asked;
  /** When it is too late; absent: it waits until it is taken out. */
  readonly until?: Instant | undefined;
}

/**
 * What a node holds back until another node has decided about it (`Distribution.decide`: `held`), in the order in which it
 * was asked for. It is bounded: beyond `max` the oldest is dropped, and so is everything that is too late.
 */
export class Pending<Key, Asked> {
  readonly #max: number;
  readonly #held = new Map<Key, Held<Asked>>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Whether another one would push out the oldest. */
  get full(): boolean {
    return this.#held.size >= this.#max;
  }

  /**
   * Holds back what was asked for under this key, behind all others. What was asked for under it before is forgotten.
   *
   * @returns what is no longer held, because it was too late or there was no room: those who asked may have to be told
   */
  add(key: Key, asked: Asked, now: Instant, until?: Instant): readonly Asked[] {
    this.#held.delete(key);
    this.#held.set(key, { asked, until });
    const out: Asked[] = [];
    for (const [oldest, held] of this.#held) {
      if (!isLate(held, now) && this.#held.size <= this.#max) break;
      this.#held.delete(oldest);
      out.push(held.asked);
    }
    return out;
  }

  /** What is held under this key, if it is not too late. */
  get(key: Key, now: Instant): Asked | undefined {
    const held = this.#held.get(key);
    return held === undefined || isLate(held, now) ? undefined : held.asked;
  }

  /** The same, taken out. */
  take(key: Key, now: Instant): Asked | undefined {
    const asked = this.get(key, now);
    this.#held.delete(key);
    return asked;
  }

  /** The oldest of those that are not too late, and for which `which` is true. */
  find(now: Instant, which: (asked: Asked) => boolean = () => true): Asked | undefined {
    for (const held of this.#held.values()) if (!isLate(held, now) && which(held.asked)) return held.asked;
    return undefined;
  }

  /** Whether `which` is true for all that is held, late or not. */
  every(which: (asked: Asked) => boolean): boolean {
    for (const { asked } of this.#held.values()) if (!which(asked)) return false;
    return true;
  }

  /** @returns whether it was held */
  delete(key: Key): boolean {
    return this.#held.delete(key);
  }

  /** Takes out what is too late. */
  takeLate(now: Instant): readonly Asked[] {
    return this.#take((held) => isLate(held, now));
  }

  /** Takes out everything, oldest first. */
  takeAll(): readonly Asked[] {
    return this.#take(() => true);
  }

  #take(which: (held: Held<Asked>) => boolean): readonly Asked[] {
    const out: Asked[] = [];
    for (const [key, held] of this.#held) {
      if (!which(held)) continue;
      this.#held.delete(key);
      out.push(held.asked);
    }
    return out;
  }
}

function isLate({ until }: Held<unknown>, now: Instant): boolean {
  return until !== undefined && until < now;
}
