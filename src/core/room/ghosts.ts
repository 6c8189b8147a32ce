/** Users whom the room takes for occupants and who are gone, or who take themselves for occupants: XEP-0045 §7.2.18, §11.1. */
import { writeMucUser } from '../xep/xep0045.ts';
import { presence, type Stanza, saysGone } from '../xmpp/stanza.ts';
import { leaveSession } from './commit.ts';
import type { Occupant } from './event.ts';
import type { RoomTurn } from './room-turn.ts';

/** Something we sent came back: a ghost is taken out of the room. XEP-0045 §11.1, status 333. */
export function bounced(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): void {
  if (occupant === undefined || stanza.name === 'iq' || !saysGone(stanza)) return;
  // This may be a private message, which is not the room's own delivery. It says the same about the session.
  leaveSession(turn, occupant, { statuses: [333], payloads: [] });
}

/** Presence of a user who is not in and does not ask to enter: they believe that they are in. XEP-0045 §7.2.18. */
export function kickStranger(turn: RoomTurn, stanza: Stanza): void {
  const user = { affiliation: turn.room.affiliationOf(stanza.from), role: 'none', statuses: [110, 307, 333] } as const;
  const gone = { type: 'unavailable', id: stanza.id };
  turn.send(presence(stanza.to, stanza.from, gone, writeMucUser(user)), '0045#7.2.18');
}
