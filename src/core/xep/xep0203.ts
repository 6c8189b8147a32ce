/** XEP-0203: Delayed Delivery, version 2.0. */
import type { Jid } from '../xmpp/jid.ts';
import { parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import type { Instant } from '../xmpp/time.ts';
import { element, type XmlElement } from '../xmpp/xml.ts';
import { readStamp, writeStamp } from './xep0082.ts';

export interface Delay {
  readonly from?: Jid;
  readonly stamp: Instant;
}

export function readDelay(element: XmlElement | undefined): Delay | undefined {
  if (element?.name !== 'delay' || element.xmlns !== NS.delay) return undefined;
  const stamp = readStamp(element.attrs['stamp'] ?? '');
  const from = parseJid(element.attrs['from'] ?? '');
  if (stamp === undefined) return undefined;
  return from === undefined ? { stamp } : { from, stamp };
}

export function writeDelay(delay: Delay): XmlElement {
  const stamp = writeStamp(delay.stamp);
  return element('delay', NS.delay, delay.from === undefined ? { stamp } : { from: delay.from, stamp });
}
