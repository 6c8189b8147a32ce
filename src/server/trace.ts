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
import type { Stanza } from '../core/xmpp/stanza.ts';
import { plus } from '../core/xmpp/time.ts';
import type { Cancel, ServerHost } from './host.ts';

/** A hop with the stanza itself: its text is made when somebody watches. */
interface KeptHop extends Pick<HopRecord, 'kind' | 'seq' | 't' | 'leg' | 'from' | 'to'> {
  readonly stanza: Stanza;
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

const ringSize = 5000;
/** Records wait this long to share one message. */
const flushMs = 50;
const recordsPerBatch = 200;
const charactersPerBatch = 100_000;

interface Entry {
  readonly record: KeptRecord;
  /** Serialised once, for every subscriber. */
  json?: string;
}

interface Subscriber {
  readonly sink: TraceSink;
  /** What it gets before the live records. */
  snapshot: string[];
  /** Number of the next record of the log that it wants. */
  next: number;
}

/**
 * The trace of one network: numbers the records, keeps the last of them, and hands them to those who watch.
 * A watcher that reads too slowly misses records; it holds nobody else up.
 */
export class TraceLog {
  readonly #host: ServerHost;
  #seq = 0;
  /** The ring, oldest first; `#begin` is the log number of `#entries[0]`. */
  #entries: Entry[] = [];
  #begin = 0;
  readonly #subscribers = new Set<Subscriber>();
  #flushTimer: Cancel | undefined;
  /** The state that the records so far amount to: the last record of each session, link, node, with its log number. */
  readonly #state = new Map<string, { readonly record: KeptRecord; readonly number: number }>();

  constructor(host: ServerHost) {
    this.#host = host;
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
    this.#append({ kind: 'hop', seq, t: this.#host.now(), leg, from, to, stanza, cause, spec, way });
    return seq;
  }

  /** The same for any other record of the server's own. */
  add(partial: Unnumbered<NumberedRecord>): void {
    const numbered = { ...partial, seq: ++this.#seq, t: this.#host.now() } as NumberedRecord;
    switch (numbered.kind) {
      case 'session':
        this.#append(numbered, `session ${numbered.stream}`);
        if (!numbered.up) this.#state.delete(`session ${numbered.stream}`);
        break;
      case 'link':
        this.#append(numbered, `link ${numbered.server.join(' ')}`);
        break;
      case 'pause':
        this.#append(numbered, 'pause');
        break;
    }
  }

  /** Publishes what a node reported, as it is. */
  report(record: StepRecord | StatusRecord): void {
    this.#append(record, record.kind === 'status' ? `status ${record.node}` : undefined);
  }

  /**
   * First what the ring has lost of the state (sessions that are up, links, the pause, statuses), then the ring, then
   * what comes: all in the order in which it happened, nothing twice.
   */
  subscribe(sink: TraceSink): Cancel {
    const lost = [...this.#state.values()]
      .filter(({ number }) => number < this.#begin)
      .sort((a, b) => a.number - b.number);
    const subscriber: Subscriber = { sink, snapshot: lost.map(({ record }) => toJson(record)), next: this.#begin };
    this.#subscribers.add(subscriber);
    this.#schedule(0);
    return () => this.#subscribers.delete(subscriber);
  }

  /** @param state  what this is the last word about, if it is about a state */
  #append(record: KeptRecord, state?: string): void {
    if (state !== undefined) this.#state.set(state, { record, number: this.#begin + this.#entries.length });
    this.#entries.push({ record });
    // Trimmed in steps, so that the cost of moving the rest is shared by many records.
    if (this.#entries.length > ringSize + 1000) {
      const surplus = this.#entries.length - ringSize;
      this.#entries = this.#entries.slice(surplus);
      this.#begin += surplus;
    }
    if (this.#subscribers.size > 0) this.#schedule(flushMs);
  }

  #schedule(afterMs: number): void {
    if (this.#flushTimer !== undefined) return;
    this.#flushTimer = this.#host.setTimer(plus(this.#host.now(), afterMs), () => {
      this.#flushTimer = undefined;
      let behind = false;
      for (const subscriber of this.#subscribers) behind = !this.#serve(subscriber) || behind;
      if (behind) this.#schedule(flushMs);
    });
  }

  /** @returns whether the subscriber has everything now */
  #serve(subscriber: Subscriber): boolean {
    const end = this.#begin + this.#entries.length;
    while (subscriber.snapshot.length > 0 || subscriber.next < end) {
      if (!subscriber.sink.ready()) return false;
      const batch: string[] = [];
      let characters = 0;
      const full = () => batch.length >= recordsPerBatch || characters >= charactersPerBatch;
      while (!full() && subscriber.snapshot.length > 0) {
        const json = subscriber.snapshot.shift() as string;
        characters += json.length;
        batch.push(json);
      }
      if (subscriber.next < this.#begin) {
        this.#host.log?.(`trace: a slow observer missed ${this.#begin - subscriber.next} records`);
        subscriber.next = this.#begin;
      }
      while (!full() && subscriber.next < end) {
        const entry = this.#entries[subscriber.next - this.#begin] as Entry;
        entry.json ??= toJson(entry.record);
        characters += entry.json.length;
        batch.push(entry.json);
        subscriber.next++;
      }
      subscriber.sink.batch(`[${batch.join(',')}]`);
    }
    return true;
  }
}

/** JSON that may stand in XML: a report may hold, escaped, the two characters that JSON allows and XML does not. */
function toJson(record: KeptRecord): string {
  return JSON.stringify(record.kind === 'hop' ? published(record) : record).replace(/[\ufffe\uffff]/g, (c) =>
    c === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

function published({ kind, seq, t, leg, from, to, stanza, cause, spec, way }: KeptHop): HopRecord {
  return {
    ...{ kind, seq, t, leg, from, to, stanza: tracedStanza(stanza), ...way },
    ...(cause === undefined ? {} : { cause }),
    ...(spec === undefined ? {} : { spec }),
  };
}
