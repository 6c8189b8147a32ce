import { type Instant, instant, plus } from '../core/xmpp/time.ts';
import type { Session } from './session.ts';

/** How long a lease lasts after it was asked for last, in milliseconds. */
export const leaseMs = 2_400;
/** A page that is reloaded is back so soon. */
const reloadMs = 1_800;

/**
 * Who may run the nodes of a network: one page at a time. It asks again before the lease is over. Each page names itself by a
 * token, so that one that was reloaded need not wait for its own lease to end.
 */
export class Lease {
  #token: string | undefined;
  #holder: Session | undefined;
  #until: Instant | undefined;
  /** The session of its holder has ended. */
  #isClosing = false;

  /** @returns whether the session has it now, and whether it had it before */
  ask(session: Session, token: string, now: Instant): 'new' | 'kept' | 'taken' {
    const isGone = this.#holder?.alive === false;
    if (isGone && this.#until !== undefined && !this.#isClosing) {
      this.#isClosing = true;
      this.#until = instant(Math.min(this.#until, now + reloadMs));
    }
    const isLive = this.#until !== undefined && this.#until > now;
    if (session === this.#holder && token === this.#token && isLive) {
      this.#until = plus(now, leaseMs);
      return 'kept';
    }
    if (isLive && !(isGone && token === this.#token)) return 'taken';
    this.#isClosing = false;
    this.#token = token;
    this.#holder = session;
    this.#until = plus(now, leaseMs);
    return 'new';
  }

  /** Nothing happens if another session has it. */
  giveUp(session: Session): void {
    if (session === this.#holder) this.#until = undefined;
  }
}
