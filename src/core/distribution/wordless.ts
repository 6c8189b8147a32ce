import { isLasting } from '../room/keeping.ts';
import { NS } from '../xmpp/namespaces.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import { elementsOf, type XmlElement } from '../xmpp/xml.ts';

/**
 * Whether nobody would miss this message: a chat state (XEP-0085), a marker (XEP-0333), a receipt (XEP-0184), or another that
 * says nothing to a person. While a room is split it is dropped, and its author does not hear of it. Decision #133.
 */
export function isWordless({ name, payloads }: Stanza): boolean {
  return name === 'message' && !payloads.some(isMissed);
}

function isMissed(payload: XmlElement): boolean {
  const { name, xmlns } = payload;
  switch (xmlns) {
    case NS.client:
      return name === 'body' || name === 'subject';
    // XEP-0334: its author wants it to be kept.
    case 'urn:xmpp:hints':
      return name === 'store';
    // An invitation, or a refusal of one (XEP-0045 §7.8.2). Empty, it marks a private message (§7.5).
    case NS.mucUser:
      return elementsOf(payload).length > 0;
    // A request for voice (§7.13), a direct invitation (XEP-0249).
    case NS.dataForms:
    case 'jabber:x:conference':
      return true;
    default:
      return isLasting(xmlns);
  }
}
