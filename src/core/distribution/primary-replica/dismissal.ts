/** The end of a session between a primary and a replica: the primary serves the replica's users itself from there on. Decision #40. */
import { leaveSession } from '../../room/commit.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { sessionsOf, withHome } from '../../room/sessions.ts';
import { readAck, writeDestroy } from '../../xep/sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { iq, type Stanza } from '../../xmpp/stanza.ts';
import { replicaPeer } from '../peers.ts';
import type { Replicas } from './replicas.ts';
import { reachable, usersOf } from './served.ts';

/**
 * The replica's users notice nothing if it had everything up to here; whether it had, its answer says. Those of a replica that
 * is split are out: they have missed what was since then.
 */
export function dismiss(turn: RoomTurn, replicas: Replicas, replica: Jid): void {
  const { room, env } = turn;
  const record = replicaPeer(room, replica);
  if (record === undefined) return;
  const users = usersOf(room, replica).map(([, user]) => user);
  if (reachable(record)) {
    const { epoch, n } = room;
    const id = `destroy-${n}`;
    replicas.takenOver.add(takingOver(replica, id), { n, users }, env.now);
    const destroy = iq(room.jid, replica, { type: 'set', id }, writeDestroy({ epoch, n }));
    replicas.of(turn, replica, record).link.request(turn, destroy, 'decision#40');
  }
  end(turn, replicas, replica);
  if (record.state === 'split') putOut(turn, users);
}

/** The session is over: direct delivery. */
export function end(turn: RoomTurn, replicas: Replicas, replica: Jid): void {
  const { room } = turn;
  turn.record({ kind: 'peerChanged', peer: replica, record: undefined });
  turn.note('decision#40', `${replica} is no replica any more: its users are served directly`, {
    peer: replica,
  });
  for (const occupant of [...room.occupants.values()]) {
    let direct = occupant;
    for (const { jid, home } of sessionsOf(occupant)) if (home === replica) direct = withHome(direct, jid, undefined);
    if (direct !== occupant) turn.record({ kind: 'occupantChanged', occupant: direct });
  }
  replicas.end(turn, replica);
  turn.clearTimer(`hold:${replica}`);
}

/**
 * What a replica that was dismissed answers: users of one that had missed something are out, and know it.
 *
 * @returns false if it is no such answer
 */
export function takeAnswer(turn: RoomTurn, replicas: Replicas, replica: Jid, stanza: Stanza): boolean {
  const { env } = turn;
  const { name, type, id } = stanza;
  if (replicas.takenOver.size === 0 || name !== 'iq' || (type !== 'result' && type !== 'error')) return false;
  const taken = replicas.takenOver.take(takingOver(replica, id), env.now);
  if (taken === undefined) return false;
  if (type === 'error' || readAck(stanza.payloads)?.h === taken.n) return true;
  putOut(turn, taken.users);
  return true;
}

/** Users whom this room serves itself by now, and who lack something. */
function putOut(turn: RoomTurn, users: readonly Jid[]): void {
  for (const user of users) {
    const occupant = turn.room.occupantByJid(user);
    if (occupant && occupant.home === undefined) leaveSession(turn, occupant, { statuses: [333], payloads: [] });
  }
}

/** @param id  of the `<destroy/>` */
function takingOver(replica: Jid, id: string | undefined): string {
  return `${replica} ${id}`;
}
