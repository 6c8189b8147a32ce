import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { NodeSnapshot } from '../../../src/core/node/snapshot.ts';
import type { RoomEvent } from '../../../src/core/room/event.ts';
import type { EventStore, Recovered } from '../../../src/host/event-store.ts';
import { checksum } from '../../../src/worker/indexeddb-archive.ts';

interface Schema extends DBSchema {
  log: { key: number; value: { readonly events: string; readonly sum: number } };
  snapshot: { key: 'latest'; value: { readonly snapshot: string; readonly sum: number; readonly chain: number } };
  meta: { key: 'fence'; value: number };
}

/**
 * What IndexedDB is measured against: the log of an earlier version, a record for each append, and the snapshot as one text.
 * It had no archive, and here it repairs nothing.
 */
export class LogStore implements EventStore {
  readonly #db: IDBPDatabase<Schema>;
  #chain = 0;
  #lastKey = 0;

  static async open(name: string): Promise<LogStore> {
    return new LogStore(
      await openDB<Schema>(name, 1, {
        upgrade(db) {
          db.createObjectStore('log', { autoIncrement: true });
          db.createObjectStore('snapshot');
          db.createObjectStore('meta');
        },
      }),
    );
  }

  private constructor(db: IDBPDatabase<Schema>) {
    this.#db = db;
  }

  async load(): Promise<Recovered> {
    const tx = this.#db.transaction(['log', 'snapshot']);
    const [records, saved] = await Promise.all([
      tx.objectStore('log').getAll(),
      tx.objectStore('snapshot').get('latest'),
    ]);
    const events: RoomEvent[] = [];
    let last = 0;
    this.#chain = saved?.chain ?? 0;
    for (const record of records) {
      if (checksum(this.#chain, record.events) !== record.sum) throw new Error('the log is damaged');
      const appended = JSON.parse(record.events) as RoomEvent[];
      events.push(...appended);
      last = appended.length;
      this.#chain = record.sum;
    }
    const snapshot = saved === undefined ? {} : { snapshot: JSON.parse(saved.snapshot) as NodeSnapshot };
    return { events, last, ...snapshot };
  }

  async append(events: readonly RoomEvent[]): Promise<void> {
    if (events.length === 0) return;
    const text = JSON.stringify(events);
    this.#chain = checksum(this.#chain, text);
    const tx = this.#db.transaction(['log', 'meta'], 'readwrite', { durability: 'strict' });
    await tx.objectStore('meta').get('fence');
    this.#lastKey = await tx.objectStore('log').add({ events: text, sum: this.#chain });
    await tx.done;
  }

  async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    const text = JSON.stringify(snapshot);
    const tx = this.#db.transaction(['log', 'snapshot', 'meta'], 'readwrite', { durability: 'strict' });
    await tx.objectStore('meta').get('fence');
    await tx.objectStore('snapshot').put({ snapshot: text, sum: checksum(0, text), chain: this.#chain }, 'latest');
    await tx.objectStore('log').delete(IDBKeyRange.upperBound(this.#lastKey));
    await tx.done;
  }

  async search(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}
