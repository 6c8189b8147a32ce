/** XEP-0289 §5.4, §5.1: before a join that is one again, for a node that may still hold the link of before. Decision #192. */
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Instant } from '../../xmpp/time.ts';
import { occupantPresence } from './stanzas.ts';

/** How long such a node has for its `<left/>`, in milliseconds. */
export const partMs = 5_000;

/** So often in so many milliseconds a node may say that we left, and is joined again at once. */
const leftsMax = 5;
const aWhileMs = 60_000;
/** How many of those who left are remembered. */
const goneMax = 100;

/**
 * A node without our extension answers no join as long as it holds a link, and it holds it until each user of this room has left,
 * whatever became of the link itself.
 */
export class Parting {
  readonly #peer: Jid;
  /** Those whom it may still have. */
  readonly #users = new Map<Jid, Occupant>();
  /** Those who left lately, and when. */
  readonly #gone = new Map<Jid, readonly [Occupant, Instant]>();
  #lefts: { readonly since: Instant; n: number } | undefined;
  /** Whether it was told before, and nothing came of it. */
  #again = false;

  constructor(peer: Jid) {
    this.#peer = peer;
  }

  get isDue(): boolean {
    return this.#users.size > 0;
  }

  /** @param heard  when the peer was heard for the last time: of what happened since it may have missed all */
  mayHave(users: readonly Occupant[], heard?: Instant): void {
    const missed = [...this.#gone.values()].flatMap(([user, at]) => (heard === undefined || at >= heard ? [user] : []));
    for (const user of [...missed, ...users].map(asFirst)) if (user.jid !== undefined) this.#users.set(user.jid, user);
  }

  /** A user of this room leaves while the link seems to be there. */
  leaves(user: Occupant, at: Instant): void {
    const { jid } = asFirst(user);
    if (jid === undefined) return;
    this.#gone.delete(jid);
    this.#gone.set(jid, [user, at]);
    for (const oldest of this.#gone.keys()) if (this.#gone.size > goneMax) this.#gone.delete(oldest);
  }

  /** Each of them leaves. Whoever was taken out there is announced before, or their leave would come to nothing. */
  send(turn: RoomTurn): void {
    for (const user of this.#users.values()) {
      if (this.#again) turn.send(occupantPresence(turn.room, user, this.#peer), 'decision#192', this.#peer);
      const parts = { type: 'unavailable', payloads: [] } as const;
      turn.send(occupantPresence(turn.room, user, this.#peer, parts), 'decision#192', this.#peer);
    }
    this.#again = true;
  }

  /** It says by `<left/>` that we left. @returns whether it has not done so again and again, lest each asked the other for ever */
  isTold(now: Instant): boolean {
    if (this.#lefts === undefined || now - this.#lefts.since > aWhileMs) this.#lefts = { since: now, n: 0 };
    return ++this.#lefts.n <= leftsMax;
  }

  /** It holds no link, or has made another. */
  done(): void {
    this.#users.clear();
    this.#gone.clear();
    this.#again = false;
  }
}
