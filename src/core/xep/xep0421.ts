/** XEP-0421: Occupant identifiers for semi-anonymous MUCs, version 1.0.1. */
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import { element, type XmlElement } from '../xmpp/xml.ts';

/** The id, or empty if there is none. */
export function readOccupantId(payloads: readonly XmlElement[]): string {
  return payloadIn(payloads, 'occupant-id', NS.occupantId)?.attrs['id'] ?? '';
}

/** These payloads and, behind them, the id of the occupant from whom they come. */
export function withOccupantId(payloads: readonly XmlElement[], id: string): readonly XmlElement[] {
  return id === '' ? payloads : [...payloads, element('occupant-id', NS.occupantId, { id })];
}

/** No element for an occupant of a node that gives none. */
export function writeOccupantId(id: string): readonly XmlElement[] {
  return id === '' ? [] : [element('occupant-id', NS.occupantId, { id })];
}
