/**
 * XEP-0033: Extended Stanza Addressing, version 1.2.1: one stanza for many, between a node and its own server. How many addresses
 * there may be is how much a stanza of a node may be (size.ts): §9 would have less than 100, for a service that is anybody's.
 */

import type { Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { attributeLength, childrenOf, el, type XmlElement } from '../xmpp/xml.ts';
import type { Form } from './xep0004.ts';

/** What a server advertises that passes such stanzas on. Here it is a stream feature, too: nobody has to ask for it. */
export function multicastFeature(): XmlElement {
  return el('addresses', NS.address);
}

/** §9: a service may refuse more. */
const leastMost = 20;
/** More are no gain. */
const mostMost = 1000;

/** How many addresses a stanza of each kind may have. */
export type MulticastLimits = Readonly<Record<'message' | 'presence', number>>;

/**
 * How many addresses a service takes.
 *
 * @param info  what it says of itself (XEP-0030)
 * @param form  its form of that (XEP-0128), in which ejabberd has its limits
 * @returns undefined if it is no such service
 */
export function readLimits(info: XmlElement, form: Form | undefined): MulticastLimits | undefined {
  if (!childrenOf(info, 'feature', NS.discoInfo).some(({ attrs }) => attrs['var'] === NS.address)) return undefined;
  const most = (kind: string) => {
    const field = form?.formType === NS.address ? form.fields.find(({ var: name }) => name === kind) : undefined;
    const said = field?.values[0];
    if (said === 'infinite') return mostMost;
    return said !== undefined && /^\d{1,9}$/.test(said) ? Math.min(Number(said), mostMost) : leastMost;
  };
  return { message: most('message'), presence: most('presence') };
}

/** §4.6, `bcc`: no addressee learns who else is one. */
export function writeAddresses(to: readonly Jid[]): XmlElement {
  return el('addresses', NS.address, {}, ...to.map((jid) => el('address', NS.address, { type: 'bcc', jid })));
}

/** Bytes of one address, as it is written. */
export function addressLength(to: Jid): number {
  return '<address type="bcc" jid=""/>'.length + attributeLength(to);
}

/**
 * The addresses as they were sent: not yet JIDs. Without those that somebody has delivered to (§4.5).
 *
 * @returns undefined where one is of another type, or there is none
 */
export function readAddresses(addresses: XmlElement): readonly string[] | undefined {
  const all = childrenOf(addresses, 'address', NS.address);
  if (all.length === 0 || all.some(({ attrs }) => attrs['type'] !== 'bcc' || attrs['jid'] === undefined))
    return undefined;
  return all.flatMap(({ attrs: { jid, delivered } }) => (jid === undefined || delivered === 'true' ? [] : [jid]));
}
