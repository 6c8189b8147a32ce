/** XEP-0249: Direct MUC Invitations, version 1.2. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';

const conferenceNs = 'jabber:x:conference';

/** @param room  the bare JID of the room; `reason` is for people */
export function writeDirectInvitation(room: Jid, reason: string): XmlElement {
  return el('x', conferenceNs, { jid: room, reason });
}

/** The room to which the message invites, if it does. */
export function readDirectInvitation(payloads: readonly XmlElement[]): Jid | undefined {
  return parseJid(payloadIn(payloads, 'x', conferenceNs)?.attrs['jid'] ?? '');
}
