/** The only file that makes something happen to a room: it records a change, tells it and spreads it. */

import type { Spec } from '../turn/spec.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import { type Change, type ChangeOf, eventOf } from './change.ts';
import type { Happening, Occupant } from './event.ts';
import type { Refusal } from './refusal.ts';
import type { RoomTurn } from './room-turn.ts';
import { withoutSession } from './sessions.ts';
import {
  refuse,
  tell,
  tellLeaver,
  tellOfSessions,
  tellOfSight,
  tellOthersOfLeave,
  tellOthersOfPresence,
} from './tell.ts';
import type { PresenceParts } from './visibility.ts';

/** How a change is committed that is not simply a user's wish which this room grants at once. */
export interface Manner {
  /** The rule by which this node's users are told, where that is not XEP-0045's own. */
  readonly spec?: Spec | undefined;
  /** Its position in the room's sequence, if another node gave it one; `none`: it has no position; absent: it gets the next. */
  readonly n?: number | 'none' | undefined;
  /** What the log keeps of it, where that is not the change's own event. */
  readonly as?: Happening | undefined;
  /** It is part of a whole state that was recorded just now (`stateReplaced`); what is left is to tell of it. */
  readonly recorded?: true | undefined;
  /**
   * For others who must hear of it only after something else (§8.2, §8.3: the moderator's result): what tells them is put
   * here instead.
   */
  readonly later?: (() => void)[] | undefined;
}

const atOnce: Manner = {};

/** A change happens: recorded, told to this node's own users, spread to the peers. */
export function commit(turn: RoomTurn, wish: Change, manner: Manner = atOnce): void {
  const { room, distribution } = turn;
  const change = distribution.placed?.(turn, wish) ?? wish;
  const { spec, later } = manner;
  const before = change.kind === 'presence' ? room.occupants.get(change.occupant.nick) : undefined;
  const n = manner.n === undefined ? room.n + 1 : manner.n === 'none' ? undefined : manner.n;
  const happening = manner.recorded ? undefined : (manner.as ?? eventOf(change, n));
  if (happening) turn.record(happening);
  switch (change.kind) {
    case 'left': {
      // The user who leaves waits for this answer, so it comes before anybody else's (§8.2).
      tellLeaver(turn, change, spec);
      distribution.spread(turn, change);
      return inTime(later, () => tellOthersOfLeave(turn, change, spec));
    }
    case 'presence':
      inTime(later, () => tellPresence(turn, before, change, spec));
      break;
    case 'sessionLeft':
      tell(turn, change, spec);
      tellOfSessions(turn, change.before, change.after, spec);
      break;
    case 'affiliated':
      if (change.placed) distribution.spread(turn, change);
      return inTime(later, () => tell(turn, change, spec));
    default:
      tell(turn, change, spec);
      // What a moderator took back (XEP-0425) is not to be found on the disk either.
      if (change.kind === 'message' && change.item.nick === '') turn.compact();
  }
  distribution.spread(turn, change);
  if ((change.kind === 'presence' || change.kind === 'renamed') && change.join) {
    const occupant = change.kind === 'presence' ? change.occupant : change.after;
    commit(turn, { kind: 'returned', occupant, join: change.join }, manner);
  }
}

export function commitAll(turn: RoomTurn, changes: readonly Change[], manner?: Manner): void {
  for (const change of changes) commit(turn, change, manner);
}

function inTime(later: (() => void)[] | undefined, telling: () => void): void {
  if (later) later.push(telling);
  else telling();
}

function tellPresence(turn: RoomTurn, before: Occupant | undefined, change: ChangeOf<'presence'>, spec?: Spec): void {
  const { occupant } = change;
  if (change.before) return tellOfSessions(turn, change.before, occupant, spec);
  // They get their own presence at its place in the answer to the join (§17.3, §7.1).
  if (change.join) tellOthersOfPresence(turn, change, spec);
  else tell(turn, change, spec);
  if (before && before.role !== occupant.role) tellOfSight(turn, before, occupant);
}

/** What a user asked for, once it is checked: it is refused, held by the distribution for later, or committed. */
export function submit(turn: RoomTurn, stanza: Stanza, wish: Change | Refusal): void {
  if (wish.kind === 'refusal') return refuse(turn, stanza, wish);
  const decision = turn.distribution.decide(turn, wish, stanza);
  if (decision === 'commit') commit(turn, wish);
  else if (decision !== 'held') refuse(turn, stanza, decision);
}

/**
 * The same for a request that takes several changes, all of them or none, and is answered with a result.
 *
 * @returns whether they are to be committed; else the request is answered, or will be
 */
export function decided(turn: RoomTurn, stanza: Stanza, changes: readonly Change[]): boolean {
  for (const change of changes) {
    const decision = turn.distribution.decide(turn, change, stanza);
    if (decision === 'commit') continue;
    if (decision !== 'held') refuse(turn, stanza, decision);
    return false;
  }
  return true;
}

/** Leaving, for any reason. XEP-0045 §7.14; §8.2 and §9.1 if it was a moderator's wish, §11.1 if it was nobody's (333). */
export function leave(turn: RoomTurn, occupant: Occupant, parts: PresenceParts, manner?: Manner): void {
  commit(turn, { kind: 'left', occupant, parts }, manner);
}

/** The same for one session of a user, who stays as long as there is another under their nick (decision #140). */
export function leaveSession(turn: RoomTurn, session: Occupant, parts: PresenceParts, manner?: Manner): void {
  const { jid, nick } = session;
  const before = turn.room.occupants.get(nick);
  const after = before && jid !== undefined ? withoutSession(before, jid) : undefined;
  if (before === undefined || after === undefined) leave(turn, session, parts, manner);
  else commit(turn, { kind: 'sessionLeft', occupant: session, before, after, parts }, manner);
}
