/** Decision #9: users of a replica who left here, of which the primary has yet to hear. */
import type { LocalOccupant, Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { servedElsewhere } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Tickets } from './tickets.ts';

/** Those of whom the primary is about to hear; not those who ask to come back. */
export function leftHere(turn: RoomTurn, tickets: Tickets): ReadonlySet<Jid> {
  const left = new Set<Jid>();
  for (const { kind, jid } of turn.room.divergence) if (kind === 'left' && !tickets.waits(turn, jid)) left.add(jid);
  return left;
}

/** Whether somebody had this nick and left, of which the primary is about to hear. */
export function leftUnder(turn: RoomTurn, tickets: Tickets, nick: string): boolean {
  const { divergence } = turn.room;
  if (divergence.length === 0) return false;
  const left = leftHere(turn, tickets);
  return divergence.some((act) => act.kind === 'left' && act.nick === nick && !act.unserved && left.has(act.jid));
}

/** Whether somebody left, of which the primary is about to hear, and asks to come back. */
export function comesBack(turn: RoomTurn, tickets: Tickets): boolean {
  return turn.room.divergence.some(({ kind, jid }) => kind === 'left' && tickets.waits(turn, jid));
}

/** A session that is not this replica's to serve any more; who serves it the primary knows. */
export function givenUp(room: RoomView, { nick, jid }: LocalOccupant): Occupant {
  return servedElsewhere(room.occupants.get(nick) as Occupant, jid, room.jid);
}

/** Whom the primary should count as this replica's users: those served here, and those of whose leave it is to hear. */
export function counted(turn: RoomTurn, tickets: Tickets): readonly (readonly [nick: string, jid: Jid])[] {
  const { room } = turn;
  const left = leftHere(turn, tickets);
  const served = room.locals.filter(({ provisional }) => !provisional);
  const gone = room.divergence.flatMap((act) =>
    act.kind === 'left' && !act.unserved && left.has(act.jid) ? [act] : [],
  );
  return [...served, ...gone].map(({ nick, jid }) => [nick, jid]);
}
