import type { Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { message, type Stanza } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';
import type { RoomView } from './state.ts';

/**
 * A mediated invitation, with the password that is needed to enter. XEP-0045 §7.8.2, §9.5.
 *
 * @param kept  what the inviter said beside it: reason, continue
 */
export function invitation(
  room: RoomView,
  to: Jid,
  inviter: Jid,
  id: string | undefined,
  kept: readonly XmlElement[] = [],
): Stanza {
  const { password } = room.config;
  const secret = password === '' ? [] : [el('password', NS.mucUser, {}, password)];
  const invite = el('invite', NS.mucUser, { from: inviter }, ...kept);
  return message(room.jid, to, { id }, el('x', NS.mucUser, {}, invite, ...secret));
}
