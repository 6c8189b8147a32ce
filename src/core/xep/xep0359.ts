/** XEP-0359: Unique and Stable Stanza IDs, version 0.7.0. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { element, type XmlElement } from '../xmpp/xml.ts';

/** Who assigned the id, and the id: together a message's identity. */
export interface StanzaId {
  readonly by: Jid;
  readonly id: string;
}

/** The first well-formed `<stanza-id/>` among the payloads, or the first that `assigner` gave. */
export function readStanzaId(payloads: readonly XmlElement[], assigner?: Jid): StanzaId | undefined {
  for (const payload of payloads) {
    if (payload.name !== 'stanza-id' || payload.xmlns !== NS.sid) continue;
    const by = parseJid(payload.attrs['by'] ?? '');
    const id = payload.attrs['id'];
    if (by !== undefined && id && (assigner === undefined || by === assigner)) return { by, id };
  }
  return undefined;
}

export function writeStanzaId({ by, id }: StanzaId): XmlElement {
  return element('stanza-id', NS.sid, { by, id });
}
