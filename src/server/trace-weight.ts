import type { StatusRecord, StepRecord } from '../core/node/trace.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { make, type Stanza } from '../core/xmpp/stanza.ts';
import { el, textOf, type XmlElement } from '../core/xmpp/xml.ts';

const twoByte = /[^\0-\xff]/;

/** Bytes that a string takes in memory. */
export function stringBytes(text: string): number {
  return 16 + text.length * (twoByte.test(text) ? 2 : 1);
}

/** About what plain data takes in memory, in bytes: more rather than less. */
export function heapBytes(value: unknown): number {
  if (typeof value === 'string') return stringBytes(value);
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 32;
  // Names of fields are shared by all objects.
  if (Array.isArray(value)) for (const item of value) bytes += 8 + heapBytes(item);
  else for (const key in value) bytes += 8 + heapBytes((value as Record<string, unknown>)[key]);
  return bytes;
}

/** Of a payload that is cut, so much of its text is left. */
const textLeft = 1000;

/**
 * The payloads as the trace keeps them: on their own, since engines keep the whole of a frame in memory for as long as a piece
 * that was cut from it; and where they are beyond `bytesMax`, the large ones cut to the beginning of their text, with a `<cut/>`
 * where more was.
 */
export function keptPayloads(
  payloads: Stanza['payloads'],
  bytesMax: number,
): { readonly kept: Stanza['payloads']; readonly isCut: boolean } {
  if (payloads.length === 0) return { kept: payloads, isCut: false };
  if (heapBytes(payloads) <= bytesMax) return { kept: detached(payloads), isCut: false };
  let left = bytesMax;
  const kept: XmlElement[] = [];
  for (const payload of payloads) {
    const bytes = heapBytes(payload);
    const whole = bytes <= Math.min(left, bytesMax / 4);
    const one = whole ? payload : beginningOf(payload);
    left -= whole ? bytes : heapBytes(one);
    if (left < 0) {
      kept.push(cut);
      break;
    }
    kept.push(one);
  }
  return { kept: detached(kept), isCut: true };
}

const cut = el('cut', NS.trace);

function beginningOf(payload: XmlElement): XmlElement {
  const text = textOf(payload);
  const attrs = heapBytes(payload.attrs) <= textLeft ? payload.attrs : {};
  const start = text.slice(0, textLeft).replace(/[\ud800-\udbff]$/, '');
  return { ...payload, attrs, children: start === '' ? [cut] : [start, cut] };
}

function detached(payloads: Stanza['payloads']): Stanza['payloads'] {
  return payloads.map(ownElement);
}

function ownElement({ name, xmlns, attrs, children }: XmlElement): XmlElement {
  const own: Record<string, string> = {};
  for (const key in attrs) own[ownText(key)] = ownText(attrs[key] as string);
  return {
    name: ownText(name),
    xmlns: ownWord(xmlns),
    attrs: own,
    children: children.map((child) => (typeof child === 'string' ? ownText(child) : ownElement(child))),
  };
}

/** The same text on its own. */
export function ownText<T extends string>(text: T): T {
  // Short texts are copied as it is. Of a longer one this makes a text of its own, and cuts that, which is next to nothing.
  return text.length < 13 ? text : (` ${text}`.slice(1) as T);
}

/** A stanza whose payloads are kept, on its own. */
export function keptStanza({ name, from, to, id, type, lang }: Stanza, payloads: Stanza['payloads']): Stanza {
  const rest = { id: id && ownText(id), type: type && ownText(type), lang: lang && ownText(lang) };
  return make(name, ownWord(from), ownWord(to), rest, payloads);
}

/** Addresses and namespaces come again and again. */
const words = new Map<string, string>();
const wordsMax = 20_000;

function ownWord<T extends string>(word: T): T {
  let own = words.get(word);
  if (own === undefined) {
    own = ownText(word);
    if (words.size >= wordsMax) words.clear();
    words.set(own, own);
  }
  return own as T;
}

/** Of a step that is cut, so many stanzas and notes are left. */
const itemsLeft = 100;
const wordsLeft = 100;

/**
 * A report as the trace keeps it: of a step that is beyond `bytesMax`, the first stanzas and notes, marked as `cut`. Our nodes
 * report statuses in parts that are not, and those of others are what the server took.
 */
export function keptReport<R extends StepRecord | StatusRecord>(record: R, bytesMax: number): R {
  if (record.kind !== 'step' || heapBytes(record) <= bytesMax) return record;
  const { input, tx, notes } = record;
  const kept = {
    ...record,
    ...(input === undefined ? {} : { input: input.slice(0, wordsLeft) }),
    tx: tx.slice(0, itemsLeft).map(({ n, spec }) => ({ n, spec: spec.slice(0, wordsLeft) })),
    notes: notes
      .slice(0, itemsLeft)
      .map(({ spec, what }) => ({ spec: spec.slice(0, wordsLeft), what: what.slice(0, wordsLeft) })),
    cut: true,
  };
  return JSON.parse(JSON.stringify(kept)) as R;
}
