import {
  type HopRecord,
  type LinkRecord,
  type PauseRecord,
  type SessionRecord,
  type StatusRecord,
  type StepRecord,
  type TraceRecord,
  tracedStanza,
} from '../core/node/trace.ts';
import type { Spec } from '../core/turn/spec.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { nodeLimits } from '../core/xmpp/size.ts';
import { type Stanza, stanzaLength, withPayloads } from '../core/xmpp/stanza.ts';
import { plus } from '../core/xmpp/time.ts';
import { escapeText, utf8Length } from '../core/xmpp/xml.ts';
import type { Cancel, ServerHost } from './host.ts';
import { PastState } from './trace-past.ts';
import { heapBytes, keptPayloads, keptReport, stringBytes } from './trace-weight.ts';

/** A hop with the stanza itself: its text is made when somebody watches. */
interface KeptHop extends Pick<HopRecord, 'kind' | 'seq' | 't' | 'leg' | 'from' | 'to'> {
  readonly stanza: Stanza;
  /** Of the stanza as it was sent, where it is kept cut. */
  readonly bytes: number | undefined;
  readonly cause: number | undefined;
  readonly spec: Spec | undefined;
  readonly way: { readonly stream: string; readonly n: number } | Pick<HopRecord, 'server' | 'arrives' | 'outcome'>;
}
/** Records without what the log itself gives them. */
type Unnumbered<R> = R extends unknown ? Omit<R, 'seq' | 't'> : never;
type NumberedRecord = SessionRecord | LinkRecord | PauseRecord;
type KeptRecord = Exclude<TraceRecord, HopRecord> | KeptHop;

/** Takes one batch as the text of a JSON array; returns false while it is full. */
export interface TraceSink {
  ready(): boolean;
  batch(json: string): void;
}

const ringRecords = 5000;
/** A record may take so much of the ring; of more, the beginning is kept. */
const share = 1 / 256;
/** And no more than that, in bytes: it is up to ten times as much in a message, where `&` is `&amp;amp;`. */
const shareMax = 48 * 1024;
/** Records wait this long to share one message. */
const flushMs = 50;
const recordsPerBatch = 200;
/** Of one message, as XML. */
const bytesPerBatch = 100_000;
/** What a hop takes in memory beside its stanza. */
const hopBytes = 400;
/** Of one record in it: the rest of what is taken from a node is for what is around it. */
const recordMax = nodeLimits.bytes - 8 * 1024;

/** Payloads that several records share, be it that each is about another copy of one message. */
interface SharedPayloads {
  readonly payloads: Stanza['payloads'];
  readonly kept: Stanza['payloads'];
  /** Of memory. */
  readonly bytes: number;
  readonly isCut: boolean;
  records: number;
}

interface Entry {
  /** Absent once it is text and says nothing about a state. */
  record: KeptRecord | undefined;
  shared: SharedPayloads | undefined;
  /** Serialised once, for every subscriber. */
  text: RecordText | undefined;
  /** What it takes in memory, but for what it shares. */
  bytes: number;
}

interface RecordText {
  readonly json: string;
  /** As XML has it. */
  readonly bytes: number;
}

interface Subscriber {
  readonly sink: TraceSink;
  /** What it gets before the live records. */
  snapshot: KeptRecord[];
  /** Number of the next record of the log that it wants. */
  next: number;
}

/**
 * The trace of one network: numbers the records, keeps the last of them, and hands them to those who watch.
 * A watcher that reads too slowly misses records, but not what became of the state; it holds nobody else up.
 */
export class TraceLog {
  readonly #host: ServerHost;
  readonly #ringBytes: number;
  readonly #recordBytes: number;
  #seq = 0;
  /** The ring, oldest first; `#offset` is the log number of `#entries[0]`, and what is before `#begin` is empty. */
  #entries: (Entry | undefined)[] = [];
  #offset = 0;
  #begin = 0;
  /** What the ring keeps in memory, about. */
  #bytes = 0;
  /** The copies of a message come one after the other. */
  #last: SharedPayloads | undefined;
  readonly #subscribers = new Set<Subscriber>();
  #flushTimer: Cancel | undefined;
  /** What the records amount to that the ring has no more. */
  readonly #past = new PastState();

  /** @param ringBytes  how much of memory the records may take that wait for those who begin to watch */
  constructor(host: ServerHost, ringBytes: number) {
    this.#host = host;
    this.#ringBytes = ringBytes;
    this.#recordBytes = Math.min(ringBytes * share, shareMax);
  }

  /** What the ring keeps in memory, in bytes, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Numbers, stamps and publishes a leg of a stanza's way. @returns its number */
  hop(
    leg: HopRecord['leg'],
    from: Jid,
    to: Jid,
    stanza: Stanza,
    { cause, spec }: { readonly cause?: number; readonly spec?: Spec },
    way: KeptHop['way'],
  ): number {
    const seq = ++this.#seq;
    const shared = this.#share(stanza.payloads);
    const kept = shared.isCut ? withPayloads(stanza, shared.kept) : stanza;
    const bytes = shared.isCut ? stanzaLength(stanza) : undefined;
    const letters = stanza.from.length + stanza.to.length + (stanza.id?.length ?? 0) + (stanza.lang?.length ?? 0);
    this.#append(
      { kind: 'hop', seq, t: this.#host.now(), leg, from, to, stanza: kept, bytes, cause, spec, way },
      hopBytes + 2 * letters,
      shared,
    );
    return seq;
  }

  /** The same for any other record of the server's own. */
  add(partial: Unnumbered<NumberedRecord>): void {
    const numbered = { ...partial, seq: ++this.#seq, t: this.#host.now() } as NumberedRecord;
    this.#append(numbered, heapBytes(numbered));
  }

  /** Publishes what a node reported. */
  report(record: StepRecord | StatusRecord): void {
    const { kept, bytes } = keptReport(record, this.#recordBytes);
    this.#append(kept, bytes);
  }

  /**
   * First what the ring has lost of the state (sessions that are up, links, the pause, statuses), then the ring, then
   * what comes: all in the order in which it happened.
   */
  subscribe(sink: TraceSink): Cancel {
    const subscriber: Subscriber = { sink, snapshot: this.#past.records(), next: this.#begin };
    this.#subscribers.add(subscriber);
    this.#schedule(0);
    return () => this.#subscribers.delete(subscriber);
  }

  get #end(): number {
    return this.#offset + this.#entries.length;
  }

  #share(payloads: Stanza['payloads']): SharedPayloads {
    if (this.#last?.payloads !== payloads)
      this.#last = { payloads, ...keptPayloads(payloads, this.#recordBytes), records: 0 };
    return this.#last;
  }

  /** @param bytes  what it takes in memory, but for what it shares */
  #append(record: KeptRecord, bytes: number, shared?: SharedPayloads): void {
    this.#entries.push({ record, shared, text: undefined, bytes });
    this.#bytes += bytes;
    if (shared !== undefined && shared.records++ === 0) this.#bytes += shared.bytes;
    this.#trim();
    if (this.#subscribers.size > 0) this.#schedule(flushMs);
  }

  #trim(): void {
    while (this.#begin < this.#end && (this.#bytes > this.#ringBytes || this.#end - this.#begin > ringRecords)) {
      const entry = this.#entries[this.#begin - this.#offset] as Entry;
      this.#entries[this.#begin - this.#offset] = undefined;
      this.#bytes -= entry.bytes;
      this.#release(entry);
      const { record } = entry;
      if (record !== undefined && record.kind !== 'hop' && record.kind !== 'step') this.#past.take(record, this.#begin);
      this.#begin++;
    }
    // In steps, so that the cost of moving the rest is shared by many records.
    const surplus = this.#begin - this.#offset;
    if (surplus < ringRecords / 5) return;
    this.#entries.splice(0, surplus);
    this.#offset = this.#begin;
  }

  #release(entry: Entry): void {
    const { shared } = entry;
    if (shared === undefined) return;
    entry.shared = undefined;
    if (--shared.records === 0) this.#bytes -= shared.bytes;
  }

  /** The record as text. What is only shown is kept as nothing else from then on. */
  #textOf(entry: Entry): RecordText {
    if (entry.text !== undefined) return entry.text;
    const { record } = entry;
    const text = textOf(record as KeptRecord);
    entry.text = text;
    const isState = record?.kind !== 'hop' && record?.kind !== 'step';
    const bytes = (isState ? entry.bytes : 0) + stringBytes(text.json);
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    if (!isState) {
      this.#release(entry);
      entry.record = undefined;
    }
    return text;
  }

  #schedule(afterMs: number): void {
    if (this.#flushTimer !== undefined) return;
    this.#flushTimer = this.#host.setTimer(plus(this.#host.now(), afterMs), () => {
      this.#flushTimer = undefined;
      let behind = false;
      for (const subscriber of this.#subscribers) behind = !this.#serve(subscriber) || behind;
      // Texts may be more than what they are made of.
      this.#trim();
      if (behind) this.#schedule(flushMs);
    });
  }

  /** @returns whether the subscriber has everything now */
  #serve(subscriber: Subscriber): boolean {
    for (;;) {
      if (subscriber.next < this.#begin) {
        this.#host.log?.(`trace: a slow observer missed ${this.#begin - subscriber.next} records`);
        subscriber.snapshot.push(...this.#past.records(subscriber.next));
        subscriber.next = this.#begin;
      }
      if (subscriber.snapshot.length === 0 && subscriber.next >= this.#end) return true;
      if (!subscriber.sink.ready()) return false;
      subscriber.sink.batch(`[${this.#batch(subscriber).join(',')}]`);
    }
  }

  /** The next records for one who watches, so many as a message holds. */
  #batch(subscriber: Subscriber): readonly string[] {
    const batch: string[] = [];
    let bytes = 0;
    const fits = (text: RecordText) => {
      if (batch.length > 0 && bytes + text.bytes > bytesPerBatch) return false;
      batch.push(text.json);
      bytes += text.bytes + 1;
      return true;
    };
    let taken = 0;
    for (const record of subscriber.snapshot) {
      if (batch.length >= recordsPerBatch || !fits(textOf(record))) break;
      taken++;
    }
    const isLeft = taken < subscriber.snapshot.length;
    subscriber.snapshot.splice(0, taken);
    if (isLeft) return batch;
    for (; batch.length < recordsPerBatch && subscriber.next < this.#end; subscriber.next++)
      if (!fits(this.#textOf(this.#entries[subscriber.next - this.#offset] as Entry))) break;
    return batch;
  }
}

function textOf(record: KeptRecord): RecordText {
  const json = toJson(record);
  const bytes = utf8Length(escapeText(json));
  if (bytes <= recordMax || record.kind !== 'status') return { json, bytes };
  // What a node says is longer here than where it came from, which only a node does that means it so.
  const { kind, t, node } = record;
  return textOf({ kind, t, node, changes: true, status: { address: node, server: '', rooms: [] } });
}

/** JSON that may stand in XML: a report may hold, escaped, the two characters that JSON allows and XML does not. */
function toJson(record: KeptRecord): string {
  return JSON.stringify(record.kind === 'hop' ? published(record) : record).replace(/[\ufffe\uffff]/g, (c) =>
    c === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

function published({ kind, seq, t, leg, from, to, stanza, bytes, cause, spec, way }: KeptHop): HopRecord {
  const shown = tracedStanza(stanza);
  return {
    ...{ kind, seq, t, leg, from, to, stanza: bytes === undefined ? shown : { ...shown, bytes }, ...way },
    ...(cause === undefined ? {} : { cause }),
    ...(spec === undefined ? {} : { spec }),
  };
}
