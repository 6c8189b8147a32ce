/** XEP-0334: Message Processing Hints, version 1.0.0. */
import type { XmlElement } from '../xmpp/xml.ts';

const hintsNs = 'urn:xmpp:hints';

/**
 * What the author wishes for a message: `store` keeps what would not be kept otherwise (§4.4), and `no-store` is stronger
 * than that (§4.2). A room's history and archive are one and last, so `no-permanent-store` (§4.1) means the same here.
 */
export function readHint(payloads: readonly XmlElement[]): 'store' | 'no-store' | undefined {
  let hint: 'store' | undefined;
  for (const { name, xmlns } of payloads) {
    if (xmlns !== hintsNs) continue;
    if (name === 'no-store' || name === 'no-permanent-store') return 'no-store';
    if (name === 'store') hint = 'store';
  }
  return hint;
}
