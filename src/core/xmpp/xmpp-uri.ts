/** RFC 5122: an address as a URI or IRI, such as `xmpp:theroom@rooms.macbeth.lit?join` (XEP-0147). */
import { type Jid, parseJid, partsOf } from './jid.ts';

/** The address that a text names, alone or as such a URI; undefined: it names none. What is to be done there is left out. */
export function readAddress(text: string): Jid | undefined {
  const uri = /^xmpp:(?:\/\/[^/?#]*\/)?([^?#]*)/i.exec(text);
  if (uri === null) return parseJid(text);
  const path = decoded(uri[1] ?? '');
  return path === undefined ? undefined : parseJid(path);
}

/** §2.6: octets in hexadecimal, of a text in UTF-8. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The URI of a room. */
export function roomUri(room: Jid): string {
  const { local, domain } = partsOf(room);
  const host = domain.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  return `xmpp:${encodeURIComponent(local)}@${host}`;
}
