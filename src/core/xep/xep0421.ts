/** XEP-0421: Occupant identifiers for semi-anonymous MUCs, version 1.0.1. */
import { NS } from '../xmpp/namespaces.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';

/** The id, or empty if there is none. */
export function readOccupantId(payloads: readonly XmlElement[]): string {
  return payloads.find(({ name, xmlns }) => name === 'occupant-id' && xmlns === NS.occupantId)?.attrs['id'] ?? '';
}

/** No element for an occupant of a node that gives none. */
export function writeOccupantId(id: string): readonly XmlElement[] {
  return id === '' ? [] : [el('occupant-id', NS.occupantId, { id })];
}
