import { type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { make, type Stanza } from '../core/xmpp/stanza.ts';
import { elementsOf, type XmlElement, type XmlNode } from '../core/xmpp/xml.ts';

/** An element of ltx, the parser of @xmpp/client. Its methods are not used, since they do not survive a clone. */
export interface LtxElement {
  readonly name: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly children: readonly (LtxElement | string)[];
}

/** Deeper than any stanza of the protocols spoken here; our own server refuses such stanzas long before. */
const depthMax = 64;

type Scope = ReadonlyMap<string, string>;
const rootScope: Scope = new Map([
  ['', NS.client],
  ['xml', NS.xml],
]);

/**
 * An ltx element as plain data, prefixes resolved.
 *
 * Attributes with a prefix are dropped, save `xml:lang`: nothing here reads them. A child whose prefix is bound nowhere
 * (ltx accepts that, XML does not) is dropped too.
 *
 * @returns undefined if the element itself has an unbound prefix, or is nested too deeply
 */
export function xmlFrom(element: LtxElement): XmlElement | undefined {
  return convert(element, rootScope, 0);
}

function convert(element: LtxElement, outer: Scope, depth: number): XmlElement | undefined {
  if (depth > depthMax) return undefined;
  const scope = declared(element, outer);
  const colon = element.name.indexOf(':');
  const xmlns = scope.get(colon < 0 ? '' : element.name.slice(0, colon));
  if (xmlns === undefined) return undefined;
  const attrs: Record<string, string> = {};
  for (const key in element.attrs) {
    const value = element.attrs[key];
    if (typeof value !== 'string' || key === 'xmlns') continue;
    if (!key.includes(':') || key === 'xml:lang') attrs[key] = value;
  }
  const children: XmlNode[] = [];
  for (const child of element.children) {
    const node = typeof child === 'string' ? child : convert(child, scope, depth + 1);
    if (node === undefined || node === '') continue;
    const last = children.length - 1;
    // The parser splits text at entities and at chunk borders.
    if (typeof node === 'string' && typeof children[last] === 'string') children[last] += node;
    else children.push(node);
  }
  return { name: colon < 0 ? element.name : element.name.slice(colon + 1), xmlns, attrs, children };
}

function declared(element: LtxElement, outer: Scope): Scope {
  let scope: Map<string, string> | undefined;
  for (const key in element.attrs) {
    const value = element.attrs[key];
    if (typeof value !== 'string') continue;
    if (key !== 'xmlns' && !key.startsWith('xmlns:')) continue;
    scope ??= new Map(outer);
    scope.set(key === 'xmlns' ? '' : key.slice(6), value);
  }
  return scope ?? outer;
}

/**
 * A received ltx element as a stanza.
 *
 * @param absent  the addresses to assume where the server left them out: a stanza of the server itself has no `from`,
 *                one to the connected entity may have no `to` (RFC 6120 §8.1)
 * @returns undefined if it is no stanza, or an address is missing or malformed
 */
export function stanzaFrom(
  element: LtxElement,
  absent: { readonly from?: Jid; readonly to?: Jid } = {},
): Stanza | undefined {
  const { name } = element;
  if (name !== 'message' && name !== 'presence' && name !== 'iq') return undefined;
  const xml = xmlFrom(element);
  if (xml === undefined || xml.xmlns !== NS.client) return undefined;
  const { from: fromText, to: toText, id, type, 'xml:lang': lang } = xml.attrs;
  const from = fromText === undefined ? absent.from : parseJid(fromText);
  const to = toText === undefined ? absent.to : parseJid(toText);
  if (from === undefined || to === undefined) return undefined;
  return make(name, from, to, { id, type, lang }, elementsOf(xml));
}
