/** XEP-0199: XMPP Ping, version 2.0.1. */
import type { Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { iq, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';

/** @param within  what our own nodes tell each other by the way; to everybody else it is a ping */
export function ping(from: Jid, to: Jid, id: string, ...within: readonly XmlElement[]): Stanza {
  return iq(from, to, { type: 'get', id }, el('ping', NS.ping, {}, ...within));
}

export function isPing(stanza: Stanza): boolean {
  return stanza.name === 'iq' && stanza.type === 'get' && payloadOf(stanza, 'ping', NS.ping) !== undefined;
}
