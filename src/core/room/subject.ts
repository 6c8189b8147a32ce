import { NS } from '../xmpp/namespaces.ts';
import { childrenOf, el, sameElements, textOf, type XmlElement } from '../xmpp/xml.ts';
import type { HistoryItem, Subject } from './event.ts';

/** The subject that a message sets, in all its languages. XEP-0045 §8.1. */
export function subjectOf({ by, id, nick, occupantId, at, lang, payloads, via }: HistoryItem): Subject {
  const texts = childrenOf({ children: payloads }, 'subject', NS.client);
  const [first] = texts;
  const plain = texts.length <= 1 && first?.attrs['xml:lang'] === undefined;
  return {
    text: first === undefined ? '' : textOf(first),
    nick,
    ...(occupantId === '' ? {} : { occupantId }),
    at,
    ...(plain ? {} : { texts }),
    ...(lang === undefined ? {} : { lang }),
    ...(id === '' ? {} : { by, id }),
    ...(via === undefined ? {} : { via }),
  };
}

/** Its elements, of which there is always one: an empty one says that there is no subject (§7.2.15). */
export function writeSubject(subject: Subject | undefined): readonly XmlElement[] {
  if (subject?.texts !== undefined) return subject.texts;
  return [el('subject', NS.client, {}, ...(subject && subject.text !== '' ? [subject.text] : []))];
}

/** Whether it is one change of subject, of which another room may have another time: clocks differ. */
export function sameChange(a: Subject | undefined, b: Subject | undefined): boolean {
  return a?.id !== undefined && a.id === b?.id && a.by === b.by && sameSubject(a, b);
}

/** Whether a reader sees no difference. */
export function sameSubject(a: Subject | undefined, b: Subject | undefined): boolean {
  return sameElements(writeSubject(a), writeSubject(b));
}
