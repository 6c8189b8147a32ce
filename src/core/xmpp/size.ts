import { stanzaError, writeError } from './errors.ts';
import { NS } from './namespaces.ts';
import { errorReply, type Stanza, stanzaLength, withParts } from './stanza.ts';
import type { XmlElement } from './xml.ts';

/** How much one stanza may be, or is, as it is written on a stream. */
export interface StanzaSize {
  /** UTF-8 bytes. */
  readonly bytes: number;
  readonly depth: number;
  /** Of one element, namespace declarations included. */
  readonly attributes: number;
  /** Child elements of one element. */
  readonly children: number;
  /** Namespace declarations in all. */
  readonly declarations: number;
}

/**
 * What a server takes from a node. Our own server ends the stream of a node that sends more (RFC 6120 §4.9.3.14), and all
 * its rooms with it. The bytes are Prosody's own limit for components and between servers.
 */
export const nodeLimits: StanzaSize = {
  bytes: 512 * 1024,
  depth: 64,
  attributes: 64,
  children: 2000,
  declarations: 128,
};

/** What a server takes from a user's client, as Prosody and ejabberd have it. */
export const clientLimits: StanzaSize = { ...nodeLimits, bytes: 256 * 1024 };

/** The namespace that a frame declares (RFC 7395 §3.3.3) and a stanza on a TCP stream does not. */
const declaration = ` xmlns="${NS.client}"`.length;

/**
 * The limit that a stanza is beyond, in words for its sender; undefined: it keeps to all.
 *
 * A stanza may be more when it is written than when it was read: a character becomes a reference, and a prefix that was
 * declared once becomes a declaration at each element.
 */
export function excess(stanza: Stanza, limits: StanzaSize): string | undefined {
  const { depth, attributes, children, declarations, units } = shapeOf(stanza.payloads);
  // Most stanzas are far below, and need not be written to see that.
  if (bytesMost * (units + envelopeOf(stanza)) > limits.bytes) {
    const bytes = stanzaLength(stanza) + declaration;
    if (bytes > limits.bytes) return `the stanza is ${bytes} bytes long as it is sent on, and may be ${limits.bytes}`;
  }
  if (depth > limits.depth) return `the stanza is nested ${depth} elements deep, and may be ${limits.depth}`;
  if (children > limits.children) return `an element has ${children} children, and may have ${limits.children}`;
  if (attributes > limits.attributes)
    return `an element has ${attributes} attributes as it is sent on, and may have ${limits.attributes}`;
  if (declarations > limits.declarations)
    return `the stanza has ${declarations} namespace declarations as it is sent on, and may have ${limits.declarations}`;
  return undefined;
}

/**
 * What a link does with a stanza that is beyond a limit: an answer goes out all the same, as an error (RFC 6120 §8.2.3), and
 * anything else comes back to the node, as from a server that could not pass it on. No rule of the core makes such a stanza.
 */
export function insteadOf(stanza: Stanza, why: string): { readonly answer?: Stanza; readonly bounce?: Stanza } {
  const error = stanzaError('cancel', 'policy-violation', why);
  if (stanza.name === 'iq' && stanza.type === 'result')
    return { answer: withParts(stanza, { type: 'error', payloads: [writeError(error)] }) };
  const bounce = errorReply(stanza, error);
  return bounce ? { bounce } : {};
}

/** What one UTF-16 unit becomes at most: a quotation mark is `&quot;`. */
const bytesMost = 6;

/** UTF-16 units around the payloads, at most. */
function envelopeOf({ from, to, id = '', type = '', lang = '' }: Stanza): number {
  return 200 + from.length + to.length + id.length + type.length + lang.length;
}

/** `units`: of UTF-16, at most, before anything is written in another way. */
type Shape = { -readonly [K in Exclude<keyof StanzaSize, 'bytes'> | 'units']: number };

/** A stanza with these payloads. */
function shapeOf(payloads: Stanza['payloads']): Readonly<Shape> {
  // Copies of one message share their payloads and leave one after the other.
  if (last?.payloads === payloads) return last.shape;
  // Of the stanza itself: from, to, id, type, xml:lang and its namespace.
  const shape: Shape = { depth: 1, attributes: 6, children: payloads.length, declarations: 1, units: 0 };
  for (const payload of payloads) measure(payload, NS.client, 2, shape);
  last = { payloads, shape };
  return shape;
}

let last: { readonly payloads: Stanza['payloads']; readonly shape: Readonly<Shape> } | undefined;

function measure({ name, xmlns, attrs, children }: XmlElement, inherited: string, depth: number, shape: Shape): void {
  let attributes = xmlns === inherited ? 0 : 1;
  shape.declarations += attributes;
  // Both tags, and the namespace.
  shape.units += 2 * name.length + xmlns.length + 16;
  for (const key in attrs) {
    attributes++;
    shape.units += key.length + (attrs[key]?.length ?? 0) + 4;
  }
  if (attributes > shape.attributes) shape.attributes = attributes;
  if (depth > shape.depth) shape.depth = depth;
  let elements = 0;
  for (const child of children) {
    if (typeof child === 'string') {
      shape.units += child.length;
      continue;
    }
    elements++;
    measure(child, xmlns, depth + 1, shape);
  }
  if (elements > shape.children) shape.children = elements;
}
