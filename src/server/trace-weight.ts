import type { StatusRecord, StepRecord } from '../core/node/trace.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { el, ownText, textOf, type XmlElement } from '../core/xmpp/xml.ts';

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

/** What is kept, and what it takes in memory. */
interface Kept<T> {
  readonly kept: T;
  readonly bytes: number;
  readonly isCut: boolean;
}

/** Of a payload that is cut, so much of its text is left. */
const textLeft = 1000;

/**
 * The payloads as the trace keeps them: where they are beyond `bytesMax`, the large ones are cut to the beginning of their text,
 * with a `<cut/>` where more was.
 */
export function keptPayloads(payloads: Stanza['payloads'], bytesMax: number): Kept<Stanza['payloads']> {
  const whole = heapBytes(payloads);
  if (whole <= bytesMax) return { kept: payloads, bytes: whole, isCut: false };
  let left = bytesMax;
  const kept: XmlElement[] = [];
  for (const payload of payloads) {
    const bytes = heapBytes(payload);
    const isWhole = bytes <= Math.min(left, bytesMax / 4);
    const one = isWhole ? payload : beginningOf(payload);
    left -= isWhole ? bytes : heapBytes(one);
    if (left < 0) {
      kept.push(cut);
      break;
    }
    kept.push(one);
  }
  return { kept, bytes: heapBytes(kept), isCut: true };
}

const cut = el('cut', NS.trace);

function beginningOf(payload: XmlElement): XmlElement {
  const text = textOf(payload);
  const attrs = heapBytes(payload.attrs) <= textLeft ? payload.attrs : {};
  const start = ownText(text.slice(0, textLeft).replace(/[\ud800-\udbff]$/, ''));
  return { ...payload, attrs, children: start === '' ? [cut] : [start, cut] };
}

/** Of a step that is cut, so many stanzas and notes are left. */
const itemsLeft = 100;
const wordsLeft = 100;

/**
 * A report as the trace keeps it: of a step that is beyond `bytesMax`, the first stanzas and notes, marked as `cut`. Our nodes
 * report statuses in parts that are not, and those of others are what the server took.
 */
export function keptReport(record: StepRecord | StatusRecord, bytesMax: number): Kept<StepRecord | StatusRecord> {
  const bytes = record.kind === 'step' ? stepBytes(record) : heapBytes(record);
  if (record.kind !== 'step' || bytes <= bytesMax) return { kept: record, bytes, isCut: false };
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
  const own = JSON.parse(JSON.stringify(kept)) as StepRecord;
  return { kept: own, bytes: heapBytes(own), isCut: true };
}

/** A step without what it says, and one of its stanzas. */
const stepRest = 400;
const sentRest = 80;

/** As `heapBytes`, quicker: of a message to a thousand, a step has a thousand stanzas. */
function stepBytes({ node, stream, input = '', notes, tx }: StepRecord): number {
  const letters = node.length + stream.length + input.length;
  return tx.reduce((bytes, { spec }) => bytes + sentRest + 2 * spec.length, stepRest + 2 * letters + heapBytes(notes));
}
