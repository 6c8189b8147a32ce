import { NS } from '../core/xmpp/namespaces.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { elementsOf, type XmlElement } from '../core/xmpp/xml.ts';

/** A stanza as a session hands it in: the addresses are text yet, and either may be missing. */
export interface Incoming extends Omit<Stanza, 'from' | 'to'> {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** @returns undefined if the element is no stanza of the client namespace (RFC 6120 §4.8.2) */
export function readIncoming(element: XmlElement): Incoming | undefined {
  const { name, xmlns, attrs } = element;
  if (xmlns !== NS.client || (name !== 'message' && name !== 'presence' && name !== 'iq')) return undefined;
  const { from, to, id, type, 'xml:lang': lang } = attrs;
  // All seven parts of a stanza, in its order: where the addresses are whole, this is the stanza (stanza.ts, `make`).
  return {
    name,
    from,
    to,
    id,
    type,
    lang,
    // The very array where that can be: copies of a message share it (parser.ts), and are written once.
    payloads: element.children.some((child) => typeof child === 'string')
      ? elementsOf(element)
      : (element.children as XmlElement[]),
  };
}

/** RFC 6120 §8.2.3: an iq has an id and a type; a request has one payload, a result at most one. */
export function iqFault(stanza: {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly payloads: readonly XmlElement[];
}): string | undefined {
  if (stanza.id === undefined || stanza.id === '') return 'an iq needs an id';
  switch (stanza.type) {
    case 'get':
    case 'set':
      return stanza.payloads.length === 1 ? undefined : `an iq ${stanza.type} needs exactly one child`;
    case 'result':
      return stanza.payloads.length <= 1 ? undefined : 'an iq result may have one child';
    case 'error':
      return undefined;
    default:
      return 'an iq needs a type: get, set, result or error';
  }
}
