import { NS } from '../../xmpp/namespaces.ts';
import { serialize, type XmlElement } from '../../xmpp/xml.ts';

/** Messages of one split that a replica may bring, and their size in characters. Decision #42. */
export const splitMessagesMax = 200;
export const splitCharactersMax = 512 * 1024;

/** Size of a message as both ends count it. */
export function sizeOf(payloads: readonly XmlElement[]): number {
  return payloads.reduce((sum, payload) => sum + serialize(payload, NS.client).length, 0);
}
