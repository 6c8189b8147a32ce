/** XEP-0045 §17.4: what a user of another node asks one who is here. */
import { isForAccount } from '../room/account-iq.ts';
import type { Occupant } from '../room/event.ts';
import { asks } from '../room/passed.ts';
import type { RoomTurn } from '../room/room-turn.ts';
import { passOn } from '../room/tell.ts';
import { bareOf, type Jid, occupantJid } from '../xmpp/jid.ts';
import { type Stanza, withParts } from '../xmpp/stanza.ts';

/**
 * Their client is asked, or their account (decision #111); the answer goes back to the node.
 *
 * @param question  as the user asked it
 * @param isOpen  whether the user may see the real JID of who answers
 */
export function handOver(turn: RoomTurn, node: Jid, from: Occupant, to: Jid, question: Stanza, isOpen: boolean): void {
  const ids = { id: turn.env.newId(), from: occupantJid(turn.room.jid, from.nick) };
  const isAccounts = isForAccount(question);
  const asked = asks(question, { node, mark: [] }, isAccounts && !isOpen ? true : undefined);
  passOn(turn, withParts(question, { ...ids, to: isAccounts ? bareOf(to) : to }), asked, '0045#17.4');
}
