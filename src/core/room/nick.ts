import { bareOf, type Jid } from '../xmpp/jid.ts';
import { skeleton } from './skeleton.ts';
import type { RoomView } from './state.ts';

/**
 * Whether this session may have `nick`: nobody else uses or has reserved it, or a nick that is confusable with it. A nick
 * is for one session: another session of the same user is somebody else (XEP-0045 §7.2.8 leaves it to us).
 */
export function nickIsFree(room: RoomView, nick: string, session: Jid): boolean {
  const own = room.occupants.get(nick)?.jid === session;
  const taken = !own && room.occupantsByShape(skeleton(nick)).some(({ jid }) => jid !== session);
  return !taken && !isReserved(room, nick, bareOf(session));
}

/** Whether a user other than this one (a bare JID) uses `nick` or has reserved it. */
export function nickIsAnothers(room: RoomView, nick: string, user: Jid): boolean {
  const holders = room.occupantsByShape(skeleton(nick));
  const used = holders.some(({ jid }) => jid === undefined || bareOf(jid) !== user);
  return used || isReserved(room, nick, user);
}

function isReserved(room: RoomView, nick: string, user: Jid): boolean {
  const shape = skeleton(nick);
  for (const [owner, reserved] of room.reservedNicks) {
    if (owner !== user && skeleton(reserved) === shape) return true;
  }
  return false;
}
