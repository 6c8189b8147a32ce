/** Users whom the room takes for occupants and who are gone, or who take themselves for occupants: XEP-0045 §7.2.18, §11.1. */
import { writeMucUser } from '../xep/xep0045.ts';
import type { Condition } from '../xmpp/errors.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, message, presence, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';
import { leaveSession } from './commit.ts';
import type { Occupant } from './event.ts';
import { handBack } from './hand-back.ts';
import { invitationBounced } from './invite.ts';
import type { RoomTurn } from './room-turn.ts';

/**
 * Decision #125. The XEP calls the first six "delivery-related" (§18.1.2, "Ghost Users"). The last is what a server says of a
 * session that is gone (RFC 6121 §8.5.3.2.1). All others are about that one stanza.
 */
const gone: ReadonlySet<Condition> = new Set<Condition>([
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
]);

/** Whether an error of an occupant, about presence or a message of the room, says that they are gone. */
export function saysGhost(stanza: Stanza): boolean {
  const error = errorOf(stanza);
  return stanza.name !== 'iq' && error !== undefined && gone.has(error.condition);
}

/**
 * Something we sent came back. If it was somebody's, it is theirs to know. If it was the room's own, a ghost is taken out of
 * the room. XEP-0045 §11.1, status 333.
 */
export function bounced(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): void {
  if (stanza.name === 'message' && (handBack(turn, stanza) || invitationBounced(turn, stanza))) return;
  if (occupant !== undefined && saysGhost(stanza)) leaveSession(turn, occupant, { statuses: [333], payloads: [] });
}

/** Of the timer that asks; and how long users have to come back before that, in milliseconds. */
export const ghostTimer = 'ghosts';
const comeBackMs = 30_000;

/** The stream is a new one: who left meanwhile could tell nobody. Decision #223. */
export function awaitGhosts(turn: RoomTurn): void {
  if (turn.room.locals.length > 0) turn.setTimer(ghostTimer, comeBackMs);
}

/** Each session gets a message that says nothing, and that comes back if it is gone (RFC 6121 §8.5.3.2.1). */
export function seekGhosts(turn: RoomTurn): void {
  const { room, env } = turn;
  for (const { jid } of room.locals) {
    const nothing = el('x', NS.mucUser);
    turn.send(message(room.jid, jid, { type: 'groupchat', id: env.newId() }, nothing), 'decision#223');
  }
}

/** Presence of a user who is not in and does not ask to enter: they believe that they are in. XEP-0045 §7.2.18. */
export function kickStranger(turn: RoomTurn, stanza: Stanza): void {
  const user = { affiliation: turn.room.affiliationOf(stanza.from), role: 'none', statuses: [110, 307, 333] } as const;
  const gone = { type: 'unavailable', id: stanza.id };
  turn.send(presence(stanza.to, stanza.from, gone, writeMucUser(user)), '0045#7.2.18');
}
