import { type Condition, readError, type StanzaError, writeError } from './errors.ts';
import type { Jid } from './jid.ts';
import { NS } from './namespaces.ts';
import {
  attributeLength,
  el,
  escapeAttribute,
  isXmlText,
  serialize,
  serializedLength,
  textOf,
  type XmlElement,
} from './xml.ts';

/** A stanza with both addresses known (RFC 6120 §8), as plain readonly data. */
export interface Stanza {
  readonly name: 'message' | 'presence' | 'iq';
  readonly from: Jid;
  readonly to: Jid;
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  /** xml:lang of the stanza. */
  readonly lang?: string | undefined;
  readonly payloads: readonly XmlElement[];
}

type Rest = Pick<Stanza, 'id' | 'type' | 'lang'>;

/**
 * Copies a stanza with some parts replaced; of those that may be absent, one given as `undefined` is removed.
 *
 * Every stanza is made here, by `make` or as one of the copies below, with all seven parts, be they undefined: so the
 * engine sees one shape, which a spread would not give it. The one exception, server/incoming.ts, keeps to that shape.
 */
export function withParts(stanza: Stanza, parts: { [K in keyof Stanza]?: Stanza[K] | undefined }): Stanza {
  const { name = stanza.name, from = stanza.from, to = stanza.to, payloads = stanza.payloads } = parts;
  const id = 'id' in parts ? parts.id : stanza.id;
  const type = 'type' in parts ? parts.type : stanza.type;
  const lang = 'lang' in parts ? parts.lang : stanza.lang;
  return { name, from, to, id, type, lang, payloads };
}

/** The same stanza for somebody else: every copy of a message is one of these. */
export function readdressed({ name, from, id, type, lang, payloads }: Stanza, to: Jid): Stanza {
  return { name, from, to, id, type, lang, payloads };
}

/** The same stanza with other payloads. */
export function withPayloads({ name, from, to, id, type, lang }: Stanza, payloads: Stanza['payloads']): Stanza {
  return { name, from, to, id, type, lang, payloads };
}

/** The same stanza with one more behind its payloads. */
export function withMore(stanza: Stanza, more: XmlElement): Stanza {
  return withPayloads(stanza, [...stanza.payloads, more]);
}

/** A stanza whose payloads are a list already; `message` and its like are for those that are written one by one. */
export function make(
  name: Stanza['name'],
  from: Jid,
  to: Jid,
  rest: { [K in keyof Rest]?: Rest[K] | undefined },
  payloads: readonly XmlElement[],
): Stanza {
  return { name, from, to, id: rest.id, type: rest.type, lang: rest.lang, payloads };
}

/** @example message(room, user, { type: 'groupchat' }, el('body', NS.client, {}, 'hi')) */
export function message(
  from: Jid,
  to: Jid,
  rest: { [K in keyof Rest]?: Rest[K] | undefined },
  ...payloads: readonly XmlElement[]
): Stanza {
  return make('message', from, to, rest, payloads);
}
export function presence(
  from: Jid,
  to: Jid,
  rest: { [K in keyof Rest]?: Rest[K] | undefined },
  ...payloads: readonly XmlElement[]
): Stanza {
  return make('presence', from, to, rest, payloads);
}
export function iq(
  from: Jid,
  to: Jid,
  rest: { [K in keyof Rest]?: Rest[K] | undefined },
  ...payloads: readonly XmlElement[]
): Stanza {
  return make('iq', from, to, rest, payloads);
}

/** The first payload with that name and namespace. */
export function payloadOf(stanza: Stanza, name: string, xmlns: string): XmlElement | undefined {
  return payloadIn(stanza.payloads, name, xmlns);
}

/** The same, of the payloads alone. */
export function payloadIn(payloads: Stanza['payloads'], name: string, xmlns: string): XmlElement | undefined {
  for (const payload of payloads) if (payload.name === name && payload.xmlns === xmlns) return payload;
  return undefined;
}

/** Text of the first `<body/>`, if the stanza has one. */
export function bodyOf(stanza: Stanza): string | undefined {
  const body = payloadOf(stanza, 'body', NS.client);
  return body && textOf(body);
}

/** The stanza's `<error/>`, read. */
export function errorOf(stanza: Stanza): StanzaError | undefined {
  const error = payloadOf(stanza, 'error', NS.client);
  return error && readError(error);
}

// Conditions that mean "this address is gone", not "this one stanza was refused".
const gone: ReadonlySet<Condition> = new Set<Condition>([
  'gone',
  'internal-server-error',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
]);

/** Whether a bounce says that its sender cannot be reached any more. */
export function saysGone(stanza: Stanza): boolean {
  const error = errorOf(stanza);
  return error !== undefined && gone.has(error.condition);
}

/**
 * Answers a stanza with an error, addresses swapped. RFC 6120 §8.3.1.
 *
 * @returns undefined where no error may be sent: to an error, or to an iq result
 */
export function errorReply(stanza: Stanza, error: StanzaError, ...extra: readonly XmlElement[]): Stanza | undefined {
  if (stanza.type === 'error' || (stanza.name === 'iq' && stanza.type === 'result')) return undefined;
  // XEP-0045 §7.2: a user who may not enter gets the join's element back, without the password. slixmpp waits for it.
  const join = stanza.name === 'presence' && payloadOf(stanza, 'x', NS.muc) ? [el('x', NS.muc)] : [];
  const payloads = [...join, ...extra, writeError(error)];
  return make(stanza.name, stanza.to, stanza.from, { id: stanza.id, type: 'error' }, payloads);
}

/** Answers an iq get or set with its result, addresses swapped. RFC 6120 §8.2.3. */
export function iqResult(request: Stanza, ...payloads: readonly XmlElement[]): Stanza {
  return make('iq', request.to, request.from, { id: request.id, type: 'result' }, payloads);
}

/** The stanza as one element of the `jabber:client` namespace. */
export function stanzaElement(stanza: Stanza): XmlElement {
  return el(
    stanza.name,
    NS.client,
    { from: stanza.from, to: stanza.to, id: stanza.id, type: stanza.type, 'xml:lang': stanza.lang },
    ...stanza.payloads,
  );
}

/** The stanza as text; its UTF-8 length is what every counter counts. */
export function stanzaText(stanza: Stanza): string {
  return `<${stanza.name}${afterNamespace(stanza)}`;
}

/** The same with its namespace declared, as a frame of RFC 7395 §3.3.3 must. */
export function stanzaFrame(stanza: Stanza): string {
  return `<${stanza.name} xmlns="${NS.client}"${afterNamespace(stanza)}`;
}

/** What follows the stanza's name, and its namespace where that is declared. */
function afterNamespace(stanza: Stanza): string {
  const shared = copyOf(stanza);
  shared.before ??= ` from="${escapeAttribute(stanza.from)}" to="`;
  shared.after ??= `"${afterTo(stanza)}`;
  return shared.before + escapeAttribute(stanza.to) + shared.after;
}

function afterTo({ name, id, type, lang, payloads }: Stanza): string {
  let text = '';
  if (id !== undefined) text += ` id="${escapeAttribute(id)}"`;
  if (type !== undefined) text += ` type="${escapeAttribute(type)}"`;
  if (lang !== undefined) text += ` xml:lang="${escapeAttribute(lang)}"`;
  return payloads.length === 0 ? `${text}/>` : `${text}>${textOfPayloads(name, payloads)}</${name}>`;
}

/** `utf8Length(stanzaText(stanza))`, if only the length of the text is needed. */
export function stanzaLength(stanza: Stanza): number {
  const shared = copyOf(stanza);
  shared.bytes ??= lengthWithoutTo(stanza);
  return shared.bytes + attributeLength(stanza.to);
}

function lengthWithoutTo({ name, from, id, type, lang, payloads }: Stanza): number {
  let bytes = '< from="" to=""/>'.length + name.length + attributeLength(from);
  if (id !== undefined) bytes += ' id=""'.length + attributeLength(id);
  if (type !== undefined) bytes += ' type=""'.length + attributeLength(type);
  if (lang !== undefined) bytes += ' xml:lang=""'.length + attributeLength(lang);
  if (payloads.length === 0) return bytes;
  const all = writtenOf(name, payloads);
  all.bytes ??= payloads.reduce((sum, payload) => sum + serializedLength(payload, NS.client), 0);
  return bytes + '<>'.length + name.length + all.bytes;
}

/** What copies share that differ in the address of their reader alone. */
interface Copy {
  readonly like: Stanza;
  before?: string;
  after?: string;
  bytes?: number;
}

// The copies of a room's message leave one after the other.
let lastCopy: Copy | undefined;

function copyOf(stanza: Stanza): Copy {
  if (lastCopy === undefined || !isCopy(stanza, lastCopy.like)) lastCopy = { like: stanza };
  return lastCopy;
}

/** Whether they differ in the address of their reader alone: all copies of a stanza are made of one list of payloads. */
export function isCopy(one: Stanza, other: Stanza): boolean {
  return (
    one.payloads === other.payloads &&
    one.name === other.name &&
    one.from === other.from &&
    one.id === other.id &&
    one.type === other.type &&
    one.lang === other.lang
  );
}

/** Whether every character may stand in XML (addresses were prepared: they hold no others). */
export function isStanzaText({ name, id, type, lang, payloads }: Stanza): boolean {
  const all = writtenOf(name, payloads);
  all.isText ??= isXmlText(textOfPayloads(name, payloads));
  return all.isText && isXmlText(`${id ?? ''} ${type ?? ''} ${lang ?? ''}`);
}

/** What copies share that differ in their addresses alone. */
interface Written {
  readonly payloads: Stanza['payloads'];
  text?: string;
  bytes?: number;
  isText?: boolean;
}

// The copies of a room's message leave one after the other, and are forgotten with the next.
let last: Written | undefined;
// What an occupant looks like is told to all who enter, now and later.
const presences = new WeakMap<Stanza['payloads'], Written>();

function writtenOf(name: Stanza['name'], payloads: Stanza['payloads']): Written {
  if (last?.payloads === payloads) return last;
  last = name === 'presence' ? presences.get(payloads) : undefined;
  if (last !== undefined) return last;
  last = { payloads };
  if (name === 'presence') presences.set(payloads, last);
  return last;
}

function textOfPayloads(name: Stanza['name'], payloads: Stanza['payloads']): string {
  const all = writtenOf(name, payloads);
  if (all.text === undefined) {
    let text = '';
    for (const payload of payloads) text += serialize(payload, NS.client);
    all.text = text;
  }
  return all.text;
}
