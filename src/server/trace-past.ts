import { KnownStatus } from '../core/node/known-status.ts';
import { statusChanges } from '../core/node/status-changes.ts';
import type { LinkRecord, PauseRecord, SessionRecord, StatusRecord } from '../core/node/trace.ts';
import { heapBytes } from './trace-weight.ts';

/** A record that says what something is now. */
export type StateRecord = SessionRecord | LinkRecord | PauseRecord | StatusRecord;

/** What one node may say of itself, in memory: a service with 20,000 rooms says a tenth of it. */
const nodeBytes = 128 * 1024 * 1024;

interface NodePast {
  readonly known: KnownStatus;
  last: StatusRecord;
  number: number;
  /** Of all that was said since it was measured. */
  bytes: number;
}

/** What the records before a certain one amount to: which sessions and links there are, what every node is. */
export class PastState {
  readonly #last = new Map<string, { readonly record: Exclude<StateRecord, StatusRecord>; readonly number: number }>();
  readonly #nodes = new Map<string, NodePast>();

  /** @param number  of the record in the log */
  take(record: StateRecord, number: number): void {
    switch (record.kind) {
      case 'session': {
        if (record.up) this.#last.set(`session ${record.stream}`, { record, number });
        else this.#last.delete(`session ${record.stream}`);
        return;
      }
      case 'link':
        this.#last.set(`link ${record.server.join(' ')}`, { record, number });
        return;
      case 'pause':
        this.#last.set('pause', { record, number });
        return;
      case 'status':
        return this.#status(record, number);
    }
  }

  /** Records that say it, in order of the last change. @param since  only of what changed with this record or later */
  records(since = 0): StateRecord[] {
    const all = [...this.#last.values()].map(({ record, number }) => ({ number, records: [record] as StateRecord[] }));
    for (const { known, last, number } of this.#nodes.values()) {
      const { kind, t, node } = last;
      if (known.status === undefined) continue;
      all.push({ number, records: statusChanges(undefined, known.status).map((one) => ({ kind, t, node, ...one })) });
    }
    return all
      .filter(({ number }) => number >= since)
      .sort((a, b) => a.number - b.number)
      .flatMap(({ records }) => records);
  }

  #status(record: StatusRecord, number: number): void {
    const past = this.#nodes.get(record.node) ?? { known: new KnownStatus(), last: record, number, bytes: 0 };
    this.#nodes.set(record.node, past);
    const status = past.known.take(record);
    past.last = { ...record, status: { ...record.status, rooms: [] } };
    past.number = number;
    past.bytes += heapBytes(record.status.rooms);
    if (past.bytes <= nodeBytes) return;
    past.bytes = heapBytes(status);
    // It cannot be one of ours: what it says from now on is all that is known of it.
    if (past.bytes > nodeBytes / 2) this.#nodes.delete(record.node);
  }
}
