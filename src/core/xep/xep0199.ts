/** XEP-0199: XMPP Ping, version 2.0.1. */
import type { Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { iq, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';

export function ping(from: Jid, to: Jid, id: string): Stanza {
  return iq(from, to, { type: 'get', id }, el('ping', NS.ping));
}

export function isPing(stanza: Stanza): boolean {
  return stanza.name === 'iq' && stanza.type === 'get' && payloadOf(stanza, 'ping', NS.ping) !== undefined;
}
