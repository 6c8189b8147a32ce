import { bareOf, type Jid, resourceOf } from '../xmpp/jid.ts';
import type { RoomView } from './state.ts';

/**
 * Whom an address means that is given an affiliation (XEP-0045 §9, §10) or invited (§7.8.2): a user, by bare JID, or a
 * domain. The address of an occupant means the user who has that nick. Decision #102.
 *
 * @returns undefined for an occupant who is not here, or not known, and for the room itself
 */
export function userMeant(room: RoomView, address: Jid): Jid | undefined {
  if (bareOf(address) !== room.jid) return bareOf(address);
  const jid = room.occupants.get(resourceOf(address))?.jid;
  return jid === undefined ? undefined : bareOf(jid);
}
