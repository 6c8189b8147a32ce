/** XEP-0359: Unique and Stable Stanza IDs, version 0.7.0. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { childOf, element, type XmlElement, type XmlNode } from '../xmpp/xml.ts';

/** The room that assigned the id, and the id. Together they are a message's identity. */
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

/**
 * The id that its author gave a message (§3.2), inside a stanza from node to node: the stanza itself has an id of the
 * node that sends it, by which it knows a bounce (decision #10).
 */
export function readOriginId(parent: { readonly children: readonly XmlNode[] } | undefined): string | undefined {
  return parent && childOf(parent, 'origin-id', NS.sid)?.attrs['id'];
}
export function writeOriginId(id: string | undefined): readonly XmlElement[] {
  return id === undefined ? [] : [element('origin-id', NS.sid, { id })];
}

export function writeStanzaId({ by, id }: StanzaId): XmlElement {
  return element('stanza-id', NS.sid, { by, id });
}
