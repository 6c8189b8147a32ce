import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Stanza } from '../../core/xmpp/stanza.ts';
import { serialize, type XmlElement } from '../../core/xmpp/xml.ts';
import type { Person } from '../trace.ts';

/**
 * Finds real JIDs (bare) in the payloads of stanzas, but for elements that somebody sent who may know every name.
 *
 * @param knowing  stanzas of theirs
 */
export function canaries(
  people: readonly Person[],
  knowing: () => readonly Stanza[],
): (stanza: Stanza) => readonly Jid[] {
  const escaped = [...new Set(people.map(({ jid }) => bareOf(jid)))].map((jid) => jid.replaceAll('.', '\\.'));
  const anybody = new RegExp(escaped.join('|'), 'g');
  // What is found in an element; nothing in what was spoken by those. Filled at the first question: not all runs have one.
  let known: Map<XmlElement, readonly Jid[]> | undefined;
  const namedIn = (payload: XmlElement): readonly Jid[] => {
    known ??= new Map(knowing().flatMap(({ payloads }) => payloads.map((spoken) => [spoken, none])));
    let found = known.get(payload);
    if (found === undefined) {
      // Most payloads hold no address at all, and need not be written to be searched.
      const names = holds(payload, '@') ? serialize(payload).match(anybody) : null;
      found = names === null ? none : ([...new Set(names)] as Jid[]);
      known.set(payload, found);
    }
    return found;
  };
  return ({ payloads }) => {
    let all = none;
    for (const payload of payloads) {
      const found = namedIn(payload);
      if (found.length > 0) all = all.length === 0 ? found : [...all, ...found];
    }
    return all;
  };
}

const none: readonly Jid[] = [];

/** Whether a character that is never escaped is anywhere in the text or the attributes of an element. */
function holds(element: XmlElement, char: string): boolean {
  for (const key in element.attrs) if ((element.attrs[key] as string).includes(char)) return true;
  for (const child of element.children)
    if (typeof child === 'string' ? child.includes(char) : holds(child, char)) return true;
  return false;
}
