/** XEP-0297: Stanza Forwarding, version 1.0. */

import { el, type XmlElement } from '../xmpp/xml.ts';
import { type Delay, writeDelay } from './xep0203.ts';

export function writeForwarded(stanza: XmlElement, delay: Delay): XmlElement {
  return el('forwarded', 'urn:xmpp:forward:0', {}, writeDelay(delay), stanza);
}
