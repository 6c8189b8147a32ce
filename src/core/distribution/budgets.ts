/** How much a peer may make this room do (F13): decision #160. throttle.ts says what becomes of more. */
import type { Jid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';

/** The most users whom other nodes may bring in. Decision #64. */
export const usersMax = 10_000;

export type Kind = 'message' | 'past' | 'presence' | 'iq' | 'join' | 'notice' | 'word';

/** So many a second, and so many at once after a while of less. */
const rates: Readonly<Record<Kind, { readonly perSecond: number; readonly burst: number }>> = {
  message: { perSecond: 50, burst: 500 },
  // What was missed comes at once.
  past: { perSecond: 10, burst: 10_000 },
  presence: { perSecond: 50, burst: 500 },
  iq: { perSecond: 10, burst: 100 },
  // Each is answered with all that is here.
  join: { perSecond: 0.2, burst: 20 },
  // A kick there of a user of ours.
  notice: { perSecond: 0.2, burst: 10 },
  // What we say of it: to the peer, and to people.
  word: { perSecond: 1, burst: 5 },
};

/** If so much too much comes within a minute, the link is given up, and for so long no other takes its place (in ms). */
export const excessMax = 500;
const minuteMs = 60_000;
export const penaltyMs = 60_000;
/** A node that joins names all its users at once: for how long, and how often (in ms). */
const namingMs = 60_000;
const namingEveryMs = 600_000;

interface Account {
  readonly tokens: Map<Kind, { left: number; at: Instant }>;
  /** What was too much since `since`. */
  excess: number;
  since: Instant;
  /** Users whom it may still name beside the others, and when it began to. */
  unnamed: number;
  named: Instant | undefined;
  /** Until when it is cut off. */
  until: Instant | undefined;
}

export class Budgets {
  readonly #accounts = new Map<Jid, Account>();

  /** A link begins. */
  begin(peer: Jid, now: Instant): void {
    const account = this.#of(peer, now);
    if (account.named !== undefined && now - account.named < namingEveryMs) return;
    account.named = now;
    account.unnamed = usersMax;
  }

  /** Whether a link was given up, and it is too early for another. */
  isCut(peer: Jid, now: Instant): boolean {
    return now < (this.#of(peer, now).until ?? now);
  }

  /** Whether a peer may have this done. */
  spend(peer: Jid, kind: Kind, now: Instant): boolean {
    const account = this.#of(peer, now);
    if (kind === 'presence' && account.unnamed > 0 && now - (account.named ?? now) < namingMs) {
      account.unnamed--;
      return true;
    }
    const { perSecond, burst } = rates[kind];
    const before = account.tokens.get(kind) ?? { left: burst, at: now };
    const left = Math.min(burst, before.left + ((now - before.at) / 1000) * perSecond);
    account.tokens.set(kind, { left: left < 1 ? left : left - 1, at: now });
    return left >= 1;
  }

  /** A join was answered with nothing that is here: it cost no more than any other presence. */
  joinedNothing(peer: Jid, now: Instant): void {
    const join = this.#of(peer, now).tokens.get('join');
    if (join && this.spend(peer, 'presence', now)) join.left++;
  }

  /** It was too much. @returns how much that was within the minute */
  exceed(peer: Jid, now: Instant): number {
    const account = this.#of(peer, now);
    if (now - account.since > minuteMs) {
      account.excess = 0;
      account.since = now;
    }
    return ++account.excess;
  }

  /** The link is given up. */
  cut(peer: Jid, now: Instant): void {
    const account = this.#of(peer, now);
    account.excess = 0;
    account.until = (now + penaltyMs) as Instant;
  }

  #of(peer: Jid, now: Instant): Account {
    const known = this.#accounts.get(peer);
    if (known !== undefined) return known;
    const tokens: Account['tokens'] = new Map();
    const fresh: Account = { tokens, excess: 0, since: now, unnamed: 0, named: undefined, until: undefined };
    this.#accounts.set(peer, fresh);
    return fresh;
  }
}
