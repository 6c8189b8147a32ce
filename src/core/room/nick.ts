import { bareOf, type Jid, parseNick } from '../xmpp/jid.ts';
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

/** Numbers that are tried behind a nick. */
const numbersMax = 100;

/** The nick with the first number behind it that makes it free, from 2 on. @returns undefined if there is none */
export function numbered(nick: string, isFree: (other: string) => boolean): string | undefined {
  for (let i = 2; i <= numbersMax; i++) {
    const other = parseNick(`${nick} (${i})`);
    if (other !== undefined && isFree(other)) return other;
  }
  return undefined;
}
