import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { type EventStore, type Recovered, StoreError } from '../host/event-store.ts';
import { MemoryStore } from '../host/memory-store.ts';

/** One append: its events as JSON, chained to the append before it. */
interface LogRecord {
  readonly events: string;
  readonly sum: number;
}

interface SnapshotRecord {
  readonly snapshot: string;
  /** Of the snapshot's own text. */
  readonly sum: number;
  /** The sum that the first log record after the snapshot is chained to. */
  readonly chain: number;
}

interface Schema extends DBSchema {
  log: { key: number; value: LogRecord };
  snapshot: { key: 'latest'; value: SnapshotRecord };
  /** `fence`: the token of the store that may write, see below. */
  meta: { key: 'fence'; value: number };
}

const schemaVersion = 1;

export interface IndexedDbOptions {
  /** Name of the database: `netsplit:<scenario>:<address>`. */
  readonly name: string;
  /** 'strict' waits for the disk, for a log that nobody else has; 'relaxed' is for a copy that can be fetched again. */
  readonly durability: 'strict' | 'relaxed';
}

export interface OpenedStore {
  readonly store: EventStore;
  /** Why nothing is kept; undefined: it is kept. */
  readonly notKept?: string;
}

/** Opens the node's database, or a store in memory where the browser has none to give (private mode, denied). */
export async function openEventStore(options: IndexedDbOptions): Promise<OpenedStore> {
  if (typeof indexedDB === 'undefined')
    return { store: new MemoryStore(), notKept: 'this browser offers no IndexedDB' };
  try {
    return { store: await IndexedDbStore.open(options) };
  } catch (error) {
    return { store: new MemoryStore(), notKept: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * The log in IndexedDB. An append is one transaction: all of its events, or none.
 *
 * - Every record is chained by checksum to the one before it: a broken or missing record ends the log there.
 * - Fencing: opening takes the next token, and every write checks that no later opening took a higher one. The Web Lock of
 *   the worker keeps two nodes apart; this catches the holder that was frozen while its lock went to another.
 */
export class IndexedDbStore implements EventStore {
  readonly #db: IDBPDatabase<Schema>;
  readonly #durability: 'strict' | 'relaxed';
  readonly #token: number;
  #chain = 0;
  #lastKey = 0;
  /** Why nothing can be written any more. */
  #dead: StoreError | undefined;

  /** @throws StoreError if the database cannot be opened */
  static async open({ name, durability }: IndexedDbOptions): Promise<IndexedDbStore> {
    let store: IndexedDbStore | undefined;
    const die = (why: string) => {
      if (store) store.#dead ??= new StoreError(why);
    };
    try {
      const db = await openDB<Schema>(name, schemaVersion, {
        upgrade(db) {
          db.createObjectStore('log', { autoIncrement: true });
          db.createObjectStore('snapshot');
          db.createObjectStore('meta');
        },
        // Another tab needs the database: to delete it, or a later version of this page.
        blocking() {
          die('the database is wanted by another page');
          db.close();
        },
        terminated: () => die('the browser closed the database'),
      });
      const tx = db.transaction('meta', 'readwrite', { durability: 'strict' });
      const token = ((await tx.store.get('fence')) ?? 0) + 1;
      await tx.store.put(token, 'fence');
      await tx.done;
      store = new IndexedDbStore(db, durability, token);
      return store;
    } catch (error) {
      throw storeError(error, `cannot open the database ${name}`);
    }
  }

  private constructor(db: IDBPDatabase<Schema>, durability: 'strict' | 'relaxed', token: number) {
    this.#db = db;
    this.#durability = durability;
    this.#token = token;
  }

  async load(): Promise<Recovered> {
    this.#check();
    try {
      const tx = this.#db.transaction(['log', 'snapshot']);
      const [keys, records, saved] = await Promise.all([
        tx.objectStore('log').getAllKeys(),
        tx.objectStore('log').getAll(),
        tx.objectStore('snapshot').get('latest'),
      ]);
      await tx.done;
      return await this.#verify(keys, records, saved);
    } catch (error) {
      throw storeError(error, 'the log cannot be read');
    }
  }

  async append(events: readonly RoomEvent[]): Promise<void> {
    this.#check();
    if (events.length === 0) return;
    const text = JSON.stringify(events);
    const sum = checksum(this.#chain, text);
    this.#chain = sum;
    await this.#write(['log', 'meta'], async (tx) => {
      this.#lastKey = await tx.objectStore('log').add({ events: text, sum });
    });
  }

  async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    this.#check();
    const text = JSON.stringify(snapshot);
    const record: SnapshotRecord = { snapshot: text, sum: checksum(0, text), chain: this.#chain };
    await this.#write(['log', 'snapshot', 'meta'], async (tx) => {
      // Transactions run in the order they were made: the last key is that of the last append before this call.
      await tx.objectStore('snapshot').put(record, 'latest');
      await tx.objectStore('log').delete(IDBKeyRange.upperBound(this.#lastKey));
    });
  }

  async close(): Promise<void> {
    this.#dead ??= new StoreError('the store is closed');
    this.#db.close();
  }

  /** One transaction with the fence checked first; nothing but requests of its own is awaited in it. */
  async #write(
    stores: ('log' | 'snapshot' | 'meta')[],
    change: (tx: WriteTransaction) => Promise<void>,
  ): Promise<void> {
    try {
      const tx = this.#db.transaction(stores, 'readwrite', { durability: this.#durability });
      const completed = tx.done;
      completed.catch(() => undefined);
      if ((await tx.objectStore('meta').get('fence')) !== this.#token) {
        tx.abort();
        throw new StoreError('fenced: another page has taken over this log');
      }
      await change(tx);
      await completed;
    } catch (error) {
      // The chain in memory is ahead of the log now: nothing may follow.
      this.#dead ??= storeError(error, 'the log cannot be written');
      throw this.#dead;
    }
  }

  async #verify(
    keys: readonly number[],
    records: readonly LogRecord[],
    saved: SnapshotRecord | undefined,
  ): Promise<Recovered> {
    let snapshot: NodeSnapshot | undefined;
    if (saved !== undefined) {
      if (saved.sum !== checksum(0, saved.snapshot)) {
        await this.#cut(0, true);
        return { events: [], last: 0, damage: 'the saved snapshot was damaged: nothing could be restored' };
      }
      snapshot = JSON.parse(saved.snapshot) as NodeSnapshot;
    }
    const events: RoomEvent[] = [];
    this.#chain = saved?.chain ?? 0;
    let good = 0;
    let last = 0;
    for (const record of records) {
      if (typeof record.events !== 'string' || checksum(this.#chain, record.events) !== record.sum) break;
      const appended = JSON.parse(record.events) as RoomEvent[];
      events.push(...appended);
      last = appended.length;
      this.#chain = record.sum;
      good++;
    }
    this.#lastKey = keys[good - 1] ?? 0;
    const lost = records.length - good;
    const from = keys[good];
    if (from !== undefined) await this.#cut(from, false);
    return {
      ...(snapshot ? { snapshot } : {}),
      events,
      last,
      ...(lost === 0
        ? {}
        : {
            damage:
              lost === 1 ? 'a torn last entry was cut off' : `the log was damaged: its last ${lost} entries are lost`,
          }),
    };
  }

  /** Removes the log from a key on. */
  async #cut(from: number, snapshotToo: boolean): Promise<void> {
    if (snapshotToo) {
      this.#chain = 0;
      this.#lastKey = 0;
    }
    await this.#write(['log', 'snapshot', 'meta'], async (tx) => {
      await tx.objectStore('log').delete(IDBKeyRange.lowerBound(from));
      if (snapshotToo) await tx.objectStore('snapshot').delete('latest');
    });
  }

  #check(): void {
    if (this.#dead !== undefined) throw this.#dead;
  }
}

type WriteTransaction = IDBPTransaction<Schema, ('log' | 'snapshot' | 'meta')[], 'readwrite'>;

/** FNV-1a over the UTF-16 units, 32 bits, begun with the sum before: for torn and rotten records, not against forgery. */
function checksum(before: number, text: string): number {
  let sum = 0x811c9dc5 ^ before;
  for (let i = 0; i < text.length; i++) {
    sum ^= text.charCodeAt(i);
    sum = Math.imul(sum, 0x01000193);
  }
  return sum >>> 0;
}

function storeError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'QuotaExceededError')
    return new StoreError('the browser gives this page no more disk space', { cause: error });
  const detail =
    error instanceof Error || error instanceof DOMException ? `${error.name}: ${error.message}` : String(error);
  return new StoreError(`${what} (${detail})`, { cause: error });
}
