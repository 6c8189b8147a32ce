import type { RoomView } from '../room/state.ts';
import type { Jid } from '../xmpp/jid.ts';
import { partsOf } from '../xmpp/jid.ts';

/** What the processes of a service tell each other, where its rooms are spread over several (decision #240). */
export interface Holdings {
  /** Public rooms, with the names under which they are listed. */
  readonly open: readonly OpenRoom[];
  /** All rooms. */
  readonly rooms: number;
  /** How many of them each user has made who has made any. */
  readonly made: ReadonlyMap<Jid, number>;
}

export interface OpenRoom {
  readonly jid: Jid;
  readonly name: string;
}

export const nothingHeld: Holdings = { open: [], rooms: 0, made: new Map() };

/** XEP-0045 §6.3: what of the rooms is listed. */
export function openRooms(rooms: Iterable<RoomView>): readonly OpenRoom[] {
  const open: OpenRoom[] = [];
  for (const { jid, config } of rooms)
    if (config.publicRoom) open.push({ jid, name: config.name === '' ? partsOf(jid).local : config.name });
  return open;
}
