import type { Instant } from '../core/xmpp/time.ts';

/** So long at most at a time, and a tenth of the time: what is said meanwhile comes that much later. */
const restMaxMs = 100;
const share = 0.1;

/** How long the nodes of a network rest for readers who are behind, be they one or many who take turns at it. */
export class Patience {
  #leftMs = restMaxMs;
  #at: Instant;
  #isResting = false;

  constructor(now: Instant) {
    this.#at = now;
  }

  /** @returns whether it is still worth resting, where there is a reason */
  lasts(isReason: boolean, now: Instant): boolean {
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#leftMs = this.#isResting ? this.#leftMs - passed : Math.min(restMaxMs, this.#leftMs + passed * share);
    // Once it is gone nobody rests until half of it is back: a few long rests cost less than many short ones.
    this.#isResting = isReason && this.#leftMs > (this.#isResting ? 0 : restMaxMs / 2);
    return this.#isResting;
  }
}
