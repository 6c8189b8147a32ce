/** What a primary's room says of its replicas: which of them can be reached, and whom they serve. */
import type { PeerRecord } from '../../room/event.ts';
import type { RoomView } from '../../room/state.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import { replicaPeers } from '../peers.ts';

/** Whether broadcasts go to it. */
export function reachable<P extends PeerRecord>(record: P | undefined): record is P {
  return record?.state === 'live' || record?.state === 'syncing';
}

/** Whom the primary counts as a replica's users: nick and JID. */
export function usersOf(room: RoomView, replica: Jid): readonly (readonly [nick: string, jid: Jid])[] {
  const users: (readonly [string, Jid])[] = [];
  for (const { home, nick, jid } of room.occupants.values())
    if (home === replica && jid !== undefined) users.push([nick, jid]);
  return users;
}

/** The replica that serves this user's domain, if it is in one of these states. */
export function servedBy(room: RoomView, user: Jid, states: readonly PeerRecord['state'][]): Jid | undefined {
  const domain = domainOf(user);
  for (const [replica, record] of replicaPeers(room)) {
    if (states.includes(record.state) && record.serves.includes(domain)) return replica;
  }
  return undefined;
}
