/** What a primary's room says of its replicas: which of them can be reached, and whom they serve. */
import type { Occupant, PeerRecord } from '../../room/event.ts';
import { sessionsOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import { replicaPeers } from '../peers.ts';

/** Whether broadcasts go to it. */
export function reachable<P extends PeerRecord>(record: P | undefined): record is P {
  return record?.state === 'live' || record?.state === 'syncing';
}

/** Whom the primary counts as a replica's users: nick and JID, of each session. */
export function usersOf(room: RoomView, replica: Jid): readonly (readonly [nick: string, jid: Jid])[] {
  const users: (readonly [string, Jid])[] = [];
  for (const occupant of room.occupants.values())
    for (const { home, jid } of sessionsOf(occupant)) if (home === replica) users.push([occupant.nick, jid]);
  return users;
}

/** Whether a session of theirs is served by this replica. */
export function isBehind(occupant: Occupant, replica: Jid): boolean {
  return occupant.home === replica || occupant.sessions?.some(({ home }) => home === replica) === true;
}

/** The replica that serves this user's domain, if it is in one of these states. */
export function servedBy(room: RoomView, user: Jid, states: readonly PeerRecord['state'][]): Jid | undefined {
  const domain = domainOf(user);
  for (const [replica, record] of replicaPeers(room)) {
    if (states.includes(record.state) && record.serves.includes(domain)) return replica;
  }
  return undefined;
}
