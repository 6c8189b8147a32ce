/** XEP-0153: vCard-Based Avatars, version 1.1.1, over the photos of XEP-0054: vcard-temp. */
import { readBase64 } from '../xmpp/base64.ts';
import { sha1 } from '../xmpp/sha1.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';

export const vcardNs = 'vcard-temp';
const updateNs = 'vcard-temp:x:update';

/** The hash of each photo that is inside the vCard (§3); undefined if one is no base64. XEP-0486 §5.1: there may be several. */
export function avatarHashes(vcard: XmlElement): readonly string[] | undefined {
  const hashes: string[] = [];
  for (const photo of childrenOf(vcard, 'PHOTO', vcardNs)) {
    const binary = childOf(photo, 'BINVAL', vcardNs);
    const bytes = binary && readBase64(textOf(binary));
    if (binary && bytes === undefined) return undefined;
    if (bytes !== undefined && bytes.length > 0) hashes.push(sha1(bytes));
  }
  return hashes;
}

/** §4.1: which photo it is, by its hash; undefined: there is none. */
export function writeUpdate(hash: string | undefined): XmlElement {
  return el('x', updateNs, {}, el('photo', updateNs, {}, ...(hash === undefined ? [] : [hash])));
}
