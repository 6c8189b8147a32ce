/** What a replica has passed on to its primary, and shows only when it comes back: XEP-0289 §8, decisions #151 and #152. */
import type { Change } from '../../room/change.ts';
import { bareOf, type Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Instant, plus } from '../../xmpp/time.ts';
import { Pending } from '../pending.ts';
import type { ByNode } from './entrance.ts';
import type { Asked } from './spreading.ts';

/** How long an echo may take before the user is told, in milliseconds; and how much longer one that is late is waited for. */
export const echoMs = 10_000;
const lateMs = 600_000;
/** What may wait at once: in one room, and of one user. */
const roomMax = 1_000;
const userMax = 50;

export type Wish =
  /** Of a user of this node. `isOver`: who asked for it has left since. */
  | { readonly kind: 'change'; readonly change: Change; readonly stanza: Stanza; isOver?: true }
  /** Of a node that joined this one. */
  | { readonly kind: 'relayed'; readonly by: ByNode }
  /** A user who waits at the entrance, of this node or of one that joined it. */
  | { readonly kind: 'entry' };

export interface Awaited extends Asked {
  /** The user whom it is of, as the primary knows them. */
  readonly author: Jid;
  readonly name: Stanza['name'];
  /** The nick that they want to have; undefined: the one that they have. */
  readonly nick?: string | undefined;
  readonly wish: Wish;
}

interface Numbered extends Awaited {
  readonly n: number;
  readonly at: Instant;
}

export class AwaitedEchoes {
  /** Their order is that in which they were asked for. */
  readonly #waiting = new Pending<number, Numbered>(roomMax);
  /** Their users have been told that nobody knows what became of them. */
  readonly #late = new Pending<number, Numbered>(roomMax);
  #n = 0;

  /** Whether this user, or the room, has as much waiting as may wait. */
  isFull(user: Jid, now: Instant): boolean {
    let count = 0;
    const bare = bareOf(user);
    this.#waiting.find(now, ({ author }) => bareOf(author) === bare && ++count >= userMax);
    return this.#waiting.full || count >= userMax;
  }

  add(awaited: Awaited, now: Instant): void {
    const n = ++this.#n;
    this.#waiting.add(n, { ...awaited, n, at: now }, now);
  }

  /** The oldest that is like this, taken out. */
  take(now: Instant, like: (awaited: Awaited) => boolean): Awaited | undefined {
    for (const list of [this.#waiting, this.#late]) {
      const found = list.find(now, like);
      if (found && list.delete(found.n)) return found;
    }
    return undefined;
  }

  /** All that are like this, taken out. */
  takeEach(now: Instant, like: (awaited: Awaited) => boolean): readonly Awaited[] {
    const taken: Awaited[] = [];
    for (let one = this.take(now, like); one; one = this.take(now, like)) taken.push(one);
    return taken;
  }

  /** Whether one is like this. */
  has(now: Instant, like: (awaited: Awaited) => boolean): boolean {
    return (this.#waiting.find(now, like) ?? this.#late.find(now, like)) !== undefined;
  }

  /** Whether anybody like that has asked for this nick, and waits. */
  wants(nick: string, now: Instant, like: (author: Jid) => boolean): boolean {
    return this.#waiting.find(now, (one) => one.nick === nick && like(one.author)) !== undefined;
  }

  /** A session is not in any more: its nick and how available it was are not those of the time after. What it said is said. */
  end(now: Instant, session: Jid): void {
    for (const list of [this.#waiting, this.#late])
      list.find(now, ({ wish }) => {
        const isIts = wish.kind === 'change' && wish.stanza.from === session;
        if (isIts && (wish.change.kind === 'presence' || wish.change.kind === 'renamed')) wish.isOver = true;
        return false;
      });
  }

  /** When the oldest must have come back; undefined: nothing is waited for. */
  due(now: Instant): Instant | undefined {
    const oldest = this.#waiting.find(now);
    return oldest && plus(oldest.at, echoMs);
  }

  /** Takes out what must have come back by now. */
  takeOverdue(now: Instant): readonly Awaited[] {
    const overdue: Awaited[] = [];
    for (;;) {
      const oldest = this.#waiting.find(now);
      if (oldest === undefined || plus(oldest.at, echoMs) > now) return overdue;
      this.#waiting.delete(oldest.n);
      overdue.push(oldest);
    }
  }

  /** It is waited for no more, but should it come back after all, it counts. */
  keepLate(awaited: Awaited, now: Instant): void {
    const n = ++this.#n;
    this.#late.add(n, { ...awaited, n, at: now }, now, plus(now, lateMs));
  }

  /** Takes out everything: first, in their order, those that are late and like this, then those that are waited for. */
  takeAll(like: (late: Awaited) => boolean): readonly Awaited[] {
    return [...this.#late.takeAll().filter(like), ...this.#waiting.takeAll()];
  }
}
