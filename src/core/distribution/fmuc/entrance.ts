/** Users who ask to enter while this node waits for another room's answer: decision #21, and the order of XEP-0045 §7.1. */
import { entry, mayEnter, rankOf } from '../../room/checks.ts';
import { commit } from '../../room/commit.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { refuse, tellLeaver, tellUser } from '../../room/tell.ts';
import type { Trail } from '../../xep/fmuc-sync.ts';
import { type JoinRequest, writeJoin } from '../../xep/xep0045.ts';
import { type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { presence, type Stanza } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import { Pending } from '../pending.ts';
import { otherNick } from './collision.ts';
import type { Known } from './reading.ts';

export interface Waiting {
  readonly occupant: Known;
  readonly join: JoinRequest;
  /** Absent: a user of this node. */
  readonly by?: ByNode | undefined;
  /** The way on which they came by another node. */
  readonly way?: Trail | undefined;
  /** They asked for another nick, which is taken on the joined side. */
  readonly renamed?: true;
}

/** Something that came by a node that joined this one, and waits: a user who wants to enter, or what one of them does. */
export interface ByNode {
  readonly peer: Jid;
  /** It happens. */
  admit(turn: RoomTurn): void;
  /** It does not, and that node is told. */
  refuse(turn: RoomTurn, why: Refusal): void;
  /** What asked to enter first, where that node has told of the user again since. */
  readonly first?: ByNode;
}

/** The nick is somebody else's. */
export const conflict = refusal('cancel', 'conflict', '0045#7.2.8');
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
  hold({ env }: RoomTurn, waiting: Waiting): 'held' | Refusal {
    const { occupant, by } = waiting;
    const before = this.#waiting.get(occupant.jid, env.now);
    // Decision #23: a session is at one node.
    if (before && before.by?.peer !== by?.peer) return { ...conflict, spec: 'decision#23' };
    const isAnothers = (other: Waiting) => other.occupant.nick === occupant.nick && !isOf(other.occupant, occupant.jid);
    if (this.#waiting.find(env.now, isAnothers)) return conflict;
    if (this.#waiting.full) return crowded;
    this.#waiting.add(occupant.jid, waiting, env.now);
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

  /** All who wait, in the order in which they came. */
  all(now: Instant): readonly Waiting[] {
    const all: Waiting[] = [];
    this.#waiting.find(now, (waiting) => all.push(waiting) < 0);
    return all;
  }

  get(user: Jid, now: Instant): Waiting | undefined {
    return this.#waiting.get(user, now);
  }

  /** @returns undefined: this user waits no more */
  take(user: Jid, now: Instant): Waiting | undefined {
    return this.#waiting.take(user, now);
  }

  /** Whether this user waits. */
  awaits(user: Jid, now: Instant): boolean {
    return this.#waiting.get(user, now) !== undefined;
  }

  /** Whether anybody waits who comes by that node. */
  awaitsAnyBy(peer: Jid, now: Instant): boolean {
    return this.#waiting.find(now, ({ by }) => by?.peer === peer) !== undefined;
  }

  /**
   * They changed their mind.
   *
   * @param peer  the node that says so; absent: the user
   * @returns undefined: they were not waiting
   */
  withdraw(user: Jid, now: Instant, peer?: Jid): Waiting | undefined {
    const waiting = this.#waiting.get(user, now);
    return waiting?.by?.peer === peer ? this.#waiting.take(user, now) : undefined;
  }

  /** Another room says that somebody there has their nick (decision #23). @returns whether they were waiting */
  yield(turn: RoomTurn, user: Jid): boolean {
    const { env, room } = turn;
    const waiting = this.#waiting.take(user, env.now);
    const nick = waiting && waiting.by === undefined ? otherNick(room, waiting.occupant) : undefined;
    // Decision #185: the same user, who asks for another nick.
    if (waiting && nick !== undefined)
      this.#waiting.add(user, { ...waiting, occupant: { ...waiting.occupant, nick }, renamed: true }, env.now);
    else if (waiting) refuseEntry(turn, waiting, { ...conflict, spec: 'decision#23' });
    return waiting !== undefined;
  }

  /** None of them may enter. */
  refuseAll(turn: RoomTurn, why: Refusal): void {
    for (const waiting of this.#waiting.takeAll()) refuseEntry(turn, waiting, why);
  }

  /**
   * Nobody has to wait any longer.
   *
   * @param first  those in whose names this node asked: who had their nick in the meantime may not be said to have it before
   * @param word  what those who enter are told by the room, each for themselves (decision #180)
   */
  admitAll(turn: RoomTurn, first: readonly Known[], word: readonly string[] = []): void {
    const ahead = first.flatMap(({ jid }) => this.#waiting.take(jid, turn.env.now) ?? []);
    for (const waiting of [...ahead, ...this.#waiting.takeAll()])
      if (admit(turn, waiting)) for (const text of word) tellUser(turn, waiting.occupant.jid, text, 'decision#180');
  }
}

/** A user who waited has left. Nobody else ever heard of them, and the nick may be somebody's by now. */
export function tellWithdrawn(turn: RoomTurn, { from, to, id }: Stanza): void {
  const { room } = turn;
  const rank = { affiliation: room.affiliationOf(from), role: 'none' } as const;
  const occupant: Known = { nick: resourceOf(to), jid: from, ...rank, occupantId: '', presence: [] };
  tellLeaver(turn, { kind: 'left', occupant, parts: { id } });
}

/** Decision #21: by the rules of now, and with the rank they have now. @returns whether they are a user of this node, and in */
export function admit(turn: RoomTurn, waiting: Waiting): boolean {
  const { room } = turn;
  const { occupant, join, by } = waiting;
  const no = room.occupantByJid(occupant.jid) ? conflict : mayEnter(room, occupant.jid, occupant.nick, join);
  if (by) by.admit(turn);
  else if (no) refuseEntry(turn, waiting, no);
  if (by || no) return false;
  // Another session of theirs may have entered before, under whatever nick.
  const occupantId = room.occupantIdOf(occupant.jid) ?? occupant.occupantId;
  const change = entry(room, { ...occupant, ...rankOf(room, occupant.jid), occupantId }, join);
  const isRenamed = waiting.renamed && change.kind === 'entered';
  commit(turn, isRenamed ? { ...change, statuses: [...change.statuses, 210] } : change);
  return true;
}

/** The answer to the presence that asked (XEP-0045 §7.2), as if it had come at once. */
export function refuseEntry(turn: RoomTurn, waiting: Waiting, why: Refusal): void {
  const { by } = waiting;
  if (by) by.refuse(turn, why);
  else refuse(turn, joinOf(turn.room, waiting), why);
}

/** The presence of a user who waits, as far as an answer to it needs it. */
export function joinOf(room: RoomView, { occupant: { nick, jid, presence: said }, join }: Waiting): Stanza {
  return presence(jid, occupantJid(room.jid, nick), { id: join.id }, ...said, writeJoin({}));
}
