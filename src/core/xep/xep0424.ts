/** XEP-0424: Message Retraction, version 0.4.2. */
import { payloadIn } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import { el, type XmlElement, type XmlNode } from '../xmpp/xml.ts';
import { writeStamp } from './xep0082.ts';

export const retractNs = 'urn:xmpp:message-retract:1';

/** §2, §4: the room keeps retractions, and of what was retracted a tombstone. */
export const retractFeatures = [retractNs, `${retractNs}#tombstone`] as const;

/** `<retract id/>`: in a room the id is the one that the room gave (§5.1). */
export function readRetract(payloads: readonly XmlElement[]): string | undefined {
  return payloadIn(payloads, 'retract', retractNs)?.attrs['id'];
}

/** §4: whether it is what is left of a message. */
export function isTombstone(payloads: readonly XmlElement[]): boolean {
  return payloadIn(payloads, 'retracted', retractNs) !== undefined;
}

/** @param id  of the message that retracted it, by which clients know the two belong together */
export function writeTombstone(id: string, stamp: Instant, ...why: readonly XmlNode[]): XmlElement {
  return el('retracted', retractNs, { id, stamp: writeStamp(stamp) }, ...why);
}
