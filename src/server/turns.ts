import { type Instant, instant } from '../core/xmpp/time.ts';

/** A sender that would rest for less goes on: a few stanzas at once are nothing unusual. */
const slackMs = 30;
/** Nobody rests for longer at a time, whatever it was; what is dearer is owed to its own share (shares.ts). */
const restMaxMs = 1000;

/**
 * Turns of those who cause work: a sender rests as long as its last stanza keeps the server and the rooms busy, times how
 * many rest at the moment. So all of them together take no more than their part of the time, each of them as much as the
 * others, and who has said nothing lately is heard at once.
 */
export class Turns {
  readonly #perSecond: number;
  readonly #until = new Map<object, Instant>();

  /** @param perSecond  bytes that all who rest may cause together; 0: unlimited */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @param weight  in bytes, of what the sender has caused */
  take(sender: object, weight: number, now: Instant): void {
    if (this.#perSecond === 0) return;
    for (const [one, until] of this.#until) if (until <= now) this.#until.delete(one);
    const from = this.#until.get(sender) ?? now;
    this.#until.set(sender, from);
    const restMs = (weight / this.#perSecond) * 1000 * this.#until.size;
    this.#until.set(sender, instant(Math.min(from + restMs, now + restMaxMs)));
  }

  /** How long until it is the sender's turn, in milliseconds. */
  waitMs(sender: object, now: Instant): number {
    const ms = (this.#until.get(sender) ?? now) - now;
    return ms > slackMs ? Math.ceil(ms) : 0;
  }
}
