/**
 * How large a stanza may be, so that everything the room makes of it keeps to what servers take (decisions #120, #121). It
 * is asked before anything is recorded: what is in the log is sent again and again.
 */
import { readError, stanzaError, writeError } from '../xmpp/errors.ts';
import type { Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { excess, nodeLimits, type StanzaSize } from '../xmpp/size.ts';
import { make, payloadOf, type Stanza, withParts, withPayloads } from '../xmpp/stanza.ts';
import { escapeText, ownText, serializedLength, utf8Length, type XmlElement } from '../xmpp/xml.ts';
import type { HistoryItem, Occupant, Subject } from './event.ts';
import { type Refusal, refusal } from './refusal.ts';

/**
 * What a room takes. The rest of what a server takes is left for what is added on the widest way out: addresses (each up to
 * 8 KiB as it is written), a reason, ids, delays, what nodes tell each other, and the answer of an archive around it all
 * (XEP-0313 §4: three elements).
 */
export const roomLimits: StanzaSize = {
  bytes: nodeLimits.bytes - 64 * 1024,
  depth: nodeLimits.depth - 3,
  attributes: nodeLimits.attributes,
  children: nodeLimits.children - 8,
  declarations: nodeLimits.declarations - 16,
};

const spec = 'decision#120';

/** Why a stanza is too large to be taken; undefined: it is not. */
export function tooLarge(stanza: Stanza): Refusal | undefined {
  const why = excess(stanza, roomLimits);
  return why === undefined ? undefined : refusal('modify', 'policy-violation', spec, why);
}

/**
 * The stanza as the room takes it. A leave and an answer count in any case, so of those that are too large something is left:
 * of a leave that somebody goes, of an error its condition, and of a result that there was an answer which cannot be passed
 * on (RFC 6120 §8.2.3: the user who asked gets one).
 *
 * @returns why it is refused, if it is
 */
export function bounded(stanza: Stanza): Stanza | Refusal {
  if (stanza.type === 'error' || (stanza.name === 'iq' && stanza.type === 'result')) return boundedAnswer(stanza);
  const no = tooLarge(stanza);
  if (no === undefined) return stanza;
  return stanza.name === 'presence' && stanza.type === 'unavailable' ? withPayloads(stanza, []) : no;
}

/** The same of an error or a result. */
export function boundedAnswer(answer: Stanza): Stanza {
  const no = tooLarge(answer);
  if (no === undefined) return answer;
  if (answer.type !== 'error')
    return withParts(answer, { type: 'error', payloads: [writeError(stanzaError(no.type, no.condition, no.text))] });
  const error = payloadOf(answer, 'error', NS.client);
  const { type, condition } = error ? readError(error) : stanzaError('cancel', 'undefined-condition');
  return withPayloads(answer, [writeError({ type, condition })]);
}

/** The same payloads where a presence may have so many; else none. */
export function boundedPayloads(payloads: Occupant['presence']): Occupant['presence'] {
  return fits(payloads) ? payloads : [];
}

/** The subject, empty where no message can hold it. */
export function boundedSubject(subject: Subject): Subject {
  return utf8Length(escapeText(subject.text)) > roomLimits.bytes ? { ...subject, text: '' } : subject;
}

/** Whether a message that is kept can be sent. */
export function isSendable({ payloads, stanzaId, lang }: HistoryItem): boolean {
  return fits(payloads, { id: stanzaId, lang });
}

/** Bytes of payloads as they are written. */
export function bytesOf(payloads: readonly XmlElement[]): number {
  let bytes = measured.get(payloads);
  if (bytes === undefined) {
    bytes = payloads.reduce((sum, element) => sum + serializedLength(element), 0);
    measured.set(payloads, bytes);
  }
  return bytes;
}

/** Bytes of a message as the room keeps it: the texts that somebody chose beside its payloads may be as long as those. */
export function itemBytes({ id, stanzaId = '', lang = '', payloads }: HistoryItem): number {
  return utf8Length(id) + utf8Length(stanzaId) + utf8Length(lang) + bytesOf(payloads);
}

// What a room keeps is measured again and again.
const measured = new WeakMap<readonly XmlElement[], number>();

/** The same payloads on their own: engines keep the whole of a text in memory for as long as a piece that was cut from it. */
export function detached(payloads: readonly XmlElement[]): readonly XmlElement[] {
  return payloads.length === 0 ? payloads : payloads.map(detachedElement);
}

function detachedElement({ name, xmlns, attrs, children }: XmlElement): XmlElement {
  return {
    name: ownText(name),
    xmlns: ownText(xmlns),
    attrs: Object.fromEntries(Object.entries(attrs).map(([key, value]) => [ownText(key), ownText(value)])),
    children: children.map((child) => (typeof child === 'string' ? ownText(child) : detachedElement(child))),
  };
}

// A history is asked for again and again.
const known = new WeakMap<readonly XmlElement[], boolean>();

function fits(payloads: readonly XmlElement[], rest: Pick<Stanza, 'id' | 'lang'> = {}): boolean {
  let fit = known.get(payloads);
  if (fit === undefined) {
    fit = excess(make('message', nobody, nobody, rest, payloads), roomLimits) === undefined;
    known.set(payloads, fit);
  }
  return fit;
}

const nobody = '' as Jid;
