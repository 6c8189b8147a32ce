import { NS } from './namespaces.ts';
import { childOf, el, elementsOf, textOf, type XmlElement } from './xml.ts';

/** Defined conditions of RFC 6120 §8.3.3. */
export const conditions = [
  'bad-request',
  'conflict',
  'feature-not-implemented',
  'forbidden',
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'not-acceptable',
  'not-allowed',
  'not-authorized',
  'policy-violation',
  'recipient-unavailable',
  'redirect',
  'registration-required',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'service-unavailable',
  'subscription-required',
  'undefined-condition',
  'unexpected-request',
] as const;
export type Condition = (typeof conditions)[number];
export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** A fault of a remote party, as data: sent with `errorReply`, never thrown. RFC 6120 §8.3. */
export interface StanzaError {
  readonly type: ErrorType;
  readonly condition: Condition;
  readonly text?: string;
  /** JID of the entity that set the error: a room says so in its own (XEP-0045 §7.2.1). */
  readonly by?: string;
  /** The new address, of `redirect` and `gone` (§8.3.3.5, §8.3.3.14). */
  readonly to?: string;
}

/** @param text  for people; it may quote what somebody sent, so it is cut where it gets too long for that */
export function stanzaError(type: ErrorType, condition: Condition, text?: string, by?: string): StanzaError {
  return {
    type,
    condition,
    ...(text === undefined ? {} : { text: shortened(text) }),
    ...(by === undefined ? {} : { by }),
  };
}

const textMax = 512;

/** Cut between characters, since half a surrogate pair may not stand in XML. */
function shortened(text: string): string {
  if (text.length <= textMax) return text;
  const last = text.charCodeAt(textMax - 1);
  return `${text.slice(0, last >= 0xd800 && last < 0xdc00 ? textMax - 1 : textMax)}…`;
}

/** Our own fault: a caller in this code base broke a rule of the code base. */
export class LocalProtocolError extends Error {
  override readonly name = 'LocalProtocolError';
}

/** Closes a switch over a union: the compiler proves that nothing arrives here. */
export function assertNever(value: never): never {
  throw new LocalProtocolError(`unexpected ${JSON.stringify(value)}`);
}

export function writeError(error: StanzaError): XmlElement {
  const children = [el(error.condition, NS.stanzas, {}, ...(error.to === undefined ? [] : [error.to]))];
  if (error.text !== undefined) children.push(el('text', NS.stanzas, {}, error.text));
  return el('error', NS.client, { type: error.type, by: error.by }, ...children);
}

/** Reads `<error/>`; an unknown or missing condition reads as undefined-condition (RFC 6120 §8.3.2). */
export function readError(element: XmlElement): StanzaError {
  const named = elementsOf(element).find((child) => child.xmlns === NS.stanzas && child.name !== 'text');
  const condition = conditions.find((known) => known === named?.name) ?? 'undefined-condition';
  const type = (['auth', 'cancel', 'continue', 'modify', 'wait'] as const).find((t) => t === element.attrs['type']);
  const text = childOf(element, 'text', NS.stanzas);
  const to = named && (condition === 'redirect' || condition === 'gone') ? textOf(named).trim() : '';
  return {
    type: type ?? 'cancel',
    condition,
    ...(text ? { text: textOf(text) } : {}),
    ...(element.attrs['by'] ? { by: element.attrs['by'] } : {}),
    ...(to ? { to } : {}),
  };
}
