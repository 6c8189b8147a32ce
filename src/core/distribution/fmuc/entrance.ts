/** Users who ask to enter while this node waits for another room's answer: decision #21, and the order of XEP-0045 §7.1. */
import { entry, mayEnter, rankOf } from '../../room/checks.ts';
import { commit } from '../../room/commit.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import { refuse, tellUser } from '../../room/tell.ts';
import { type JoinRequest, writeJoin } from '../../xep/xep0045.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { presence } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import { Pending } from '../pending.ts';
import type { Known } from './reading.ts';

export interface Waiting {
  readonly occupant: Known;
  readonly join: JoinRequest;
}

/** The nick is somebody else's. */
const conflict = refusal('cancel', 'conflict', '0045#7.2.8');
/** More users wait than a room should hold back. */
const crowded = refusal('wait', 'resource-constraint', 'decision#21', 'too many are waiting to enter');
/** Users who may wait at once. */
const waitingMax = 10_000;

export class Entrance {
  readonly #waiting = new Pending<Jid, Waiting>(waitingMax);

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** @returns why they may not even wait, if so */
  hold({ env }: RoomTurn, { occupant, join }: Waiting): 'held' | Refusal {
    const isAnothers = (other: Waiting) => other.occupant.nick === occupant.nick && !isOf(other.occupant, occupant.jid);
    if (this.#waiting.find(env.now, isAnothers)) return conflict;
    if (this.#waiting.full) return crowded;
    this.#waiting.add(occupant.jid, { occupant, join }, env.now);
    return 'held';
  }

  /** Who has waited longest, of those for whom `which` is true. */
  first(now: Instant, which?: (waiting: Waiting) => boolean): Waiting | undefined {
    return this.#waiting.find(now, which);
  }

  /** Whether somebody waits, and nobody for whom `which` is not true. */
  holdsOnly(which: (user: Jid) => boolean): boolean {
    return !this.isEmpty && this.#waiting.every(({ occupant }) => which(occupant.jid));
  }

  /** Whether this user waits. */
  awaits(user: Jid, now: Instant): boolean {
    return this.#waiting.get(user, now) !== undefined;
  }

  /** They changed their mind. @returns whether they were waiting */
  withdraw(user: Jid): boolean {
    return this.#waiting.delete(user);
  }

  /** Another room says that somebody there has their nick (decision #23). @returns whether they were waiting */
  yield(turn: RoomTurn, user: Jid): boolean {
    const waiting = this.#waiting.take(user, turn.env.now);
    if (waiting) refuseEntry(turn, waiting, { ...conflict, spec: 'decision#23' });
    return waiting !== undefined;
  }

  /**
   * Nobody has to wait any longer.
   *
   * @param first  those in whose names this node asked: who had their nick in the meantime may not be said to have it before
   * @param word  what those who enter are told by the room, each for themselves (decision #180)
   */
  admitAll(turn: RoomTurn, first: readonly Known[], word: readonly string[] = []): void {
    const { room, env } = turn;
    const ahead = first.flatMap(({ jid }) => this.#waiting.take(jid, env.now) ?? []);
    for (const waiting of [...ahead, ...this.#waiting.takeAll()]) {
      const { occupant, join } = waiting;
      // Decision #21: by the rules of now, and with the rank they have now.
      const no = mayEnter(room, occupant.jid, occupant.nick, join);
      if (room.occupantByJid(occupant.jid) !== undefined) refuseEntry(turn, waiting, conflict);
      else if (no !== undefined) refuseEntry(turn, waiting, no);
      else {
        // Another session of theirs may have entered before, under whatever nick.
        const occupantId = room.occupantIdOf(occupant.jid) ?? occupant.occupantId;
        commit(turn, entry(room, { ...occupant, ...rankOf(room, occupant.jid), occupantId }, join));
        for (const text of word) tellUser(turn, occupant.jid, text, 'decision#180');
      }
    }
  }
}

/** The answer to the presence that asked (XEP-0045 §7.2), as if it had come at once. */
function refuseEntry(turn: RoomTurn, { occupant: { nick, jid }, join }: Waiting, why: Refusal): void {
  refuse(turn, presence(jid, occupantJid(turn.room.jid, nick), { id: join.id }, writeJoin({})), why);
}
