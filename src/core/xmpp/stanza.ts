import { readError, type StanzaError, writeError } from './errors.ts';
import type { Jid } from './jid.ts';
import { NS } from './namespaces.ts';
import { el, serialize, textOf, type XmlElement } from './xml.ts';

/** A stanza with both addresses known (RFC 6120 §8), as plain readonly data. */
export interface Stanza {
  readonly name: 'message' | 'presence' | 'iq';
  readonly from: Jid;
  readonly to: Jid;
  readonly id?: string;
  readonly type?: string;
  /** xml:lang of the stanza. */
  readonly lang?: string;
  readonly payloads: readonly XmlElement[];
}

type Rest = Pick<Stanza, 'id' | 'type' | 'lang'>;

/** Copies a stanza with some parts replaced; a part given as `undefined` is removed. */
export function withParts(stanza: Stanza, parts: { [K in keyof Stanza]?: Stanza[K] | undefined }): Stanza {
  const copy = { ...stanza, ...parts } as Record<string, unknown>;
  for (const key in copy) if (copy[key] === undefined) delete copy[key];
  return copy as unknown as Stanza;
}

function make(
  name: Stanza['name'],
  from: Jid,
  to: Jid,
  rest: { [K in keyof Rest]?: Rest[K] | undefined },
  payloads: readonly XmlElement[],
): Stanza {
  return withParts({ name, from, to, payloads }, rest);
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
  for (const payload of stanza.payloads) if (payload.name === name && payload.xmlns === xmlns) return payload;
  return undefined;
}

/** Text of the first `<body/>`, if the stanza has one. */
export function bodyOf(stanza: Stanza): string | undefined {
  const body = payloadOf(stanza, 'body', NS.client);
  return body && textOf(body);
}

/** Text of the first `<subject/>`, if the stanza has one. */
export function subjectOf(stanza: Stanza): string | undefined {
  const subject = payloadOf(stanza, 'subject', NS.client);
  return subject && textOf(subject);
}

/** The stanza's `<error/>`, read. */
export function errorOf(stanza: Stanza): StanzaError | undefined {
  const error = payloadOf(stanza, 'error', NS.client);
  return error && readError(error);
}

/**
 * Answers a stanza with an error, addresses swapped. RFC 6120 §8.3.1.
 *
 * @returns undefined where no error may be sent: to an error, or to an iq result
 */
export function errorReply(stanza: Stanza, error: StanzaError, ...extra: readonly XmlElement[]): Stanza | undefined {
  if (stanza.type === 'error' || (stanza.name === 'iq' && stanza.type === 'result')) return undefined;
  // XEP-0045 §7.2: who may not enter gets the join's element back, without the password. slixmpp waits for it.
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
  return serialize(stanzaElement(stanza), NS.client);
}
