import { bareOf, type Jid } from '../xmpp/jid.ts';
import { hasSession, isOf } from './sessions.ts';
import { skeleton } from './skeleton.ts';
import type { RoomView } from './state.ts';

/**
 * Whether this session may have `nick`: nobody else uses or has reserved it, or a nick that is confusable with it. A user's
 * several sessions may have one nick (XEP-0045 §7.2.8, decision #140).
 */
export function nickIsFree(room: RoomView, nick: string, session: Jid): boolean {
  const holder = room.occupants.get(nick);
  const own = holder !== undefined && isOf(holder, session);
  const taken = !own && room.occupantsByShape(skeleton(nick)).some((other) => !hasSession(other, session));
  return !taken && !nickIsReserved(room, nick, bareOf(session));
}

/** Whether a user other than this one (a bare JID) uses `nick` or has reserved it. */
export function nickIsAnothers(room: RoomView, nick: string, user: Jid): boolean {
  const holders = room.occupantsByShape(skeleton(nick));
  const used = holders.some((holder) => !isOf(holder, user));
  return used || nickIsReserved(room, nick, user);
}

export function nickIsReserved(room: RoomView, nick: string, user: Jid): boolean {
  const shape = skeleton(nick);
  for (const [owner, reserved] of room.reservedNicks) {
    if (owner !== user && skeleton(reserved) === shape) return true;
  }
  return false;
}
