import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Stanza } from '../../core/xmpp/stanza.ts';
import { serialize, type XmlElement } from '../../core/xmpp/xml.ts';
import type { Person } from '../trace.ts';

/** Real JIDs (bare) that a stanza names and should not. */
export type Leaks = (stanza: Stanza, allowed: (jid: Jid) => boolean) => readonly Jid[];

/**
 * Finds real JIDs in all that a stanza carries, but for elements that somebody sent who may know every name.
 *
 * @param knowing  stanzas of theirs
 */
export function canaries(people: readonly Person[], knowing: () => readonly Stanza[]): Leaks {
  const escaped = [...new Set(people.map(({ jid }) => bareOf(jid)))].map((jid) => jid.replaceAll('.', '\\.'));
  const anybody = new RegExp(escaped.join('|'), 'g');
  // Addresses come again and again, and so do the payloads of what goes to many.
  const inText = new Map<string, readonly Jid[]>();
  const inPayloads = new Map<Stanza['payloads'], readonly Jid[]>();
  const search = (text: string, found: Set<Jid>) => {
    // Not escaped in XML, as no character of these addresses is: nothing needs to be written to be searched.
    if (!text.includes('@')) return;
    let names = inText.get(text);
    if (names === undefined) {
      names = (text.match(anybody) ?? []) as Jid[];
      inText.set(text, names);
    }
    for (const name of names) found.add(name);
  };
  const look = ({ attrs, children }: XmlElement, found: Set<Jid>) => {
    for (const key in attrs) search(attrs[key] as string, found);
    for (const child of children)
      if (typeof child === 'string') search(child, found);
      else look(child, found);
  };
  const namesIn = (payloads: readonly XmlElement[]): readonly Jid[] => {
    const found = new Set<Jid>();
    for (const payload of payloads) look(payload, found);
    return found.size === 0 ? none : [...found];
  };
  // Looked up only when needed: in many runs no user is told what they may not know.
  let spoken: ReadonlySet<string> | undefined;
  return ({ payloads }, allowed) => {
    let names = inPayloads.get(payloads);
    if (names === undefined) {
      names = namesIn(payloads);
      inPayloads.set(payloads, names);
    }
    if (names.every(allowed)) return none;
    spoken ??= new Set(knowing().flatMap((stanza) => stanza.payloads.map((payload) => serialize(payload))));
    return namesIn(payloads.filter((payload) => !spoken?.has(serialize(payload)))).filter((jid) => !allowed(jid));
  };
}

const none: readonly Jid[] = [];
