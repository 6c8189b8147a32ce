import { readHint } from '../xep/xep0334.ts';
import { NS } from '../xmpp/namespaces.ts';
import type { XmlElement } from '../xmpp/xml.ts';

/** Namespaces of payloads that are kept without a body and a hint, too: they say something of other messages, or are the message itself. */
const lasting: ReadonlySet<string> = new Set([
  // XEP-0424, XEP-0444, XEP-0308, XEP-0422
  'urn:xmpp:message-retract:1',
  'urn:xmpp:reactions:0',
  'urn:xmpp:message-correct:0',
  'urn:xmpp:fasten:0',
  // XEP-0384, XEP-0373, XEP-0027
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:2',
  'urn:xmpp:openpgp:0',
  'jabber:x:encrypted',
]);

/**
 * Whether a message to all is kept, for those who enter later and for the archive: it has something to read, or its author
 * wants it kept (decision #110). What is of the moment (a chat state, a marker, a receipt) is not. XEP-0045 §7.2.13,
 * XEP-0313 §6.1.2, XEP-0334 §4.
 */
export function isKept(payloads: readonly XmlElement[]): boolean {
  const hint = readHint(payloads);
  if (hint !== undefined) return hint === 'store';
  for (const { name, xmlns } of payloads)
    if (xmlns === NS.client ? name === 'body' || name === 'subject' : isLasting(xmlns)) return true;
  return false;
}

/** Whether a payload of this namespace has the message kept that it is in. */
export function isLasting(xmlns: string): boolean {
  return lasting.has(xmlns);
}
