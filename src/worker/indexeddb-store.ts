import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { ArchiveChange, ArchivePage, ArchiveSearch } from '../core/room/archive-store.ts';
import type { HistoryItem, RoomEvent } from '../core/room/event.ts';
import { type Block, BlockArchiveReader, BlockArchiveWriter, boundArchives } from '../host/archive-blocks.ts';
import { applyArchiveChanges } from '../host/archive-rows.ts';
import { searchArchive } from '../host/archive-search.ts';
import { type EventStore, type LossOptions, type Recovered, StoreError } from '../host/event-store.ts';
import { eventText } from '../host/event-text.ts';
import { SnapshotReader, snapshotParts } from '../host/snapshot-parts.ts';
import {
  type ArchiveSchema,
  type Broken,
  checksum,
  countAnew,
  IndexedDbBlockReader,
  IndexedDbBlockWriter,
  setBrokenAside,
} from './indexeddb-archive.ts';

/** One append: its events as JSON, chained to the append before it. */
interface LogRecord {
  readonly events: string;
  readonly sum: number;
}

/** `chain`: the sum that the first log record after the snapshot is chained to. */
type SnapshotRecord = { readonly sum: number; readonly chain: number } & (
  | { readonly parts: number }
  /** Of a first version: the whole of it, and the sum of that. */
  | { readonly snapshot: string }
);

interface Schema extends DBSchema, ArchiveSchema {
  log: { key: number; value: LogRecord };
  snapshot: { key: 'latest'; value: SnapshotRecord };
  /** Parts of the snapshot, from 0, each chained to the one before it. */
  parts: { key: number; value: { readonly text: string; readonly sum: number } };
  /** `fence`: the token of the store that may write, see below. `head`: the sum of the last append. */
  meta: { key: 'fence' | 'head'; value: number };
}

type Name = StoreNames<Schema>;
type WriteTransaction = IDBPTransaction<Schema, Name[], 'readwrite'>;

const all: Name[] = ['log', 'snapshot', 'parts', 'meta', 'blocks', 'ids', 'archives', 'broken'];
const schemaVersion = 3;

export interface IndexedDbOptions extends LossOptions {
  /** Name of the database: `netsplit:<scenario>:<address>`. */
  readonly name: string;
  /** 'strict' waits for the disk, for a log that nobody else has; 'relaxed' is for a copy that can be fetched again. */
  readonly durability: 'strict' | 'relaxed';
}

/** An append that waits for its turn. */
interface Waiting {
  readonly text: string | undefined;
  readonly archived: readonly ArchiveChange[];
  readonly items: ReadonlyMap<HistoryItem, string>;
  done(): void;
  failed(error: StoreError): void;
}

/** What was read, and what is broken of it. */
interface ReadLog {
  readonly snapshot?: NodeSnapshot;
  readonly events: readonly RoomEvent[];
  readonly last: number;
  readonly chain: number;
  readonly lastKey: number;
  readonly lost?: 'records' | 'snapshot';
}

const lostText = {
  records: 'the log was damaged: some of its last entries are lost',
  snapshot: 'the saved snapshot was damaged: nothing could be restored',
};

/**
 * The log and the archives in IndexedDB. An append is one transaction: all of it, or nothing. Appends that wait for the disk
 * share the next one.
 *
 * - Every record is chained by checksum to the one before it, and the last sum is kept beside them: a broken or missing
 *   record ends the log there.
 * - Fencing: opening takes the next token, and every write checks that no later opening took a higher one. The Web Lock of
 *   the worker keeps two nodes apart; this catches the holder that was frozen while its lock went to another.
 */
export class IndexedDbStore implements EventStore {
  readonly #db: IDBPDatabase<Schema>;
  readonly #options: IndexedDbOptions;
  readonly #token: number;
  /** Sum and key of the last append that is durable. */
  #chain = 0;
  #lastKey = 0;
  #archives = 0;
  #waiting: Waiting[] = [];
  #work: Promise<unknown> = Promise.resolve();
  readonly #broken = new Set<string>();
  /** Why nothing can be written any more. */
  #dead: StoreError | undefined;
  #tellGone: ((why: string) => void) | undefined;

  /** @throws StoreError if the database cannot be opened */
  static async open(options: IndexedDbOptions): Promise<IndexedDbStore> {
    const { name } = options;
    let store: IndexedDbStore | undefined;
    const die = (error: StoreError) => {
      if (store === undefined || store.#dead !== undefined) return;
      store.#dead = error;
      if (error.code === 'gone') store.#tellGone?.(error.message);
    };
    try {
      const db = await openDB<Schema>(name, schemaVersion, {
        async upgrade(db, from, _, tx) {
          db.createObjectStore('ids', { keyPath: ['archive', 'shard', 'n'] });
          if (from === 2) {
            // It had an entry for each id.
            tx.objectStore('blocks').deleteIndex('ids' as never);
            return countAnew(tx as never);
          }
          if (from < 1) {
            db.createObjectStore('log', { autoIncrement: true });
            db.createObjectStore('snapshot');
            db.createObjectStore('meta');
          }
          db.createObjectStore('parts');
          db.createObjectStore('archives');
          db.createObjectStore('broken', { autoIncrement: true });
          const blocks = db.createObjectStore('blocks', { keyPath: ['archive', 'first'] });
          blocks.createIndex('nicks', 'nicks', { multiEntry: true });
        },
        // Without a later version the database is to be deleted.
        blocking(_, later) {
          die(
            later === null
              ? new StoreError(`the database ${name} was deleted while it was in use`, { code: 'gone' })
              : new StoreError('a later version of this page has taken over this log', { code: 'fenced' }),
          );
          db.close();
        },
        terminated: () => die(new StoreError(`the browser has closed the database ${name}`, { code: 'gone' })),
      });
      const tx = db.transaction('meta', 'readwrite', { durability: 'strict' });
      const token = ((await tx.store.get('fence')) ?? 0) + 1;
      await tx.store.put(token, 'fence');
      await tx.done;
      store = new IndexedDbStore(db, options, token);
      return store;
    } catch (error) {
      throw storeError(error, `cannot open the database ${name}`);
    }
  }

  private constructor(db: IDBPDatabase<Schema>, options: IndexedDbOptions, token: number) {
    this.#db = db;
    this.#options = options;
    this.#token = token;
  }

  onGone(tell: (why: string) => void): void {
    this.#tellGone = tell;
  }

  async load(): Promise<Recovered> {
    this.#check();
    try {
      const read = await this.#read();
      const { snapshot, events, last, chain, lastKey, lost } = read;
      if (lost !== undefined) {
        if (this.#options.acceptLoss !== true)
          throw new StoreError(
            `${lostText[lost]}. Affiliations, bans and configuration of the rooms may be among what is lost`,
            { code: 'lost', lost },
          );
        await this.#setAside(read);
      }
      this.#chain = chain;
      this.#lastKey = lastKey;
      return {
        ...{ events, last },
        ...(snapshot === undefined ? {} : { snapshot }),
        ...(lost === undefined ? {} : { lost, damage: `${lostText[lost]}; it is kept aside in the database` }),
      };
    } catch (error) {
      throw storeError(error, 'the log cannot be read');
    }
  }

  append(events: readonly RoomEvent[], archived: readonly ArchiveChange[] = []): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#check();
      if (events.length === 0 && archived.length === 0) return resolve();
      const items = new Map<HistoryItem, string>();
      const wanted = archived.length === 0 ? undefined : items;
      const text = events.length === 0 ? undefined : `[${events.map((event) => eventText(event, wanted)).join(',')}]`;
      this.#waiting.push({ text, archived, items, done: resolve, failed: reject });
      const group = this.#waiting;
      if (group.length === 1)
        void this.#inOrder(() => {
          if (this.#waiting === group) this.#waiting = [];
          return this.#writeGroup(group);
        });
    });
  }

  async saveSnapshot(snapshot: NodeSnapshot, archived: readonly ArchiveChange[] = []): Promise<void> {
    this.#check();
    const texts = [...snapshotParts(snapshot)];
    // What is appended from here on comes after the snapshot.
    this.#waiting = [];
    await this.#inOrder(() =>
      this.#write(async (tx) => {
        const parts = tx.objectStore('parts');
        unwaited(parts.clear());
        let sum = 0;
        for (const [part, text] of texts.entries()) {
          sum = checksum(sum, text);
          unwaited(parts.put({ text, sum }, part));
        }
        unwaited(tx.objectStore('snapshot').put({ parts: texts.length, sum, chain: this.#chain }, 'latest'));
        unwaited(tx.objectStore('log').delete(IDBKeyRange.upperBound(this.#lastKey)));
        await this.#archive(tx, [{ archived }]);
      }),
    );
  }

  async search(search: ArchiveSearch): Promise<ArchivePage> {
    this.#check();
    try {
      const tx = this.#db.transaction(all);
      return await searchArchive(new BlockArchiveReader(new IndexedDbBlockReader(tx as never, this.#isBroken)), search);
    } catch (error) {
      throw this.#dead ?? storeError(error, 'the archive cannot be read');
    }
  }

  async close(): Promise<void> {
    // What was appended before is still written.
    const work = this.#work;
    const closed = new StoreError('the store is closed');
    await work;
    this.#dead ??= closed;
    this.#db.close();
  }

  async #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    let chain = this.#chain;
    let lastKey = this.#lastKey;
    try {
      await this.#write(async (tx) => {
        for (const { text } of group) {
          if (text === undefined) continue;
          chain = checksum(chain, text);
          // All of it is asked for at once: each answer that is waited for costs as much as a few of them.
          const added = tx.objectStore('log').add({ events: text, sum: chain });
          unwaited(added.then((key) => (lastKey = key)));
        }
        if (chain !== this.#chain) unwaited(tx.objectStore('meta').put(chain, 'head'));
        await this.#archive(tx, group);
      });
    } catch (error) {
      for (const { failed } of group) failed(error as StoreError);
      return;
    }
    this.#chain = chain;
    this.#lastKey = lastKey;
    for (const { done } of group) done();
  }

  async #archive(tx: WriteTransaction, appends: readonly Partial<Waiting>[]): Promise<void> {
    const archived = appends.flatMap((one) => one.archived ?? []);
    if (archived.length === 0) return;
    const table = new IndexedDbBlockWriter(tx as never, () => this.#archives++, this.#isBroken);
    const texts = new Map(appends.flatMap(({ items }) => [...(items ?? [])]));
    const textOf = (item: HistoryItem) => texts.get(item) ?? JSON.stringify(item);
    const writer = new BlockArchiveWriter(table, textOf);
    await applyArchiveChanges(writer, archived);
    await writer.finish();
    const known: Block[] = [];
    const reader = new BlockArchiveReader(table, (block) => known.push(block));
    await boundArchives(writer.metas, reader, async (work) => {
      const dropping = new BlockArchiveWriter(table, textOf);
      for (const block of known.splice(0)) dropping.know(block);
      await work(dropping);
      await dropping.finish();
    });
  }

  /** One transaction with the fence checked first; nothing but requests of its own is awaited in it. */
  async #write(change: (tx: WriteTransaction) => Promise<void>): Promise<void> {
    try {
      this.#check();
      const tx = this.#db.transaction(all, 'readwrite', { durability: this.#options.durability });
      const completed = tx.done;
      completed.catch(() => undefined);
      try {
        if ((await tx.objectStore('meta').get('fence')) !== this.#token) {
          this.#dead ??= new StoreError('fenced: another page has taken over this log', { code: 'fenced' });
          throw this.#dead;
        }
        await change(tx);
      } catch (error) {
        try {
          tx.abort();
        } catch {
          // What failed has ended it.
        }
        throw tx.error ?? error;
      }
      await completed;
    } catch (error) {
      throw this.#dead ?? storeError(error, 'the log cannot be written');
    }
  }

  async #read(): Promise<ReadLog> {
    const tx = this.#db.transaction(all);
    const [keys, records, saved, parts, head, archives, blocks] = await Promise.all([
      tx.objectStore('log').getAllKeys(),
      tx.objectStore('log').getAll(),
      tx.objectStore('snapshot').get('latest'),
      tx.objectStore('parts').getAll(),
      tx.objectStore('meta').get('head'),
      tx.objectStore('archives').getAll(),
      tx.objectStore('blocks').openKeyCursor(null, 'prev'),
    ]);
    await tx.done;
    this.#archives = 1 + Math.max(blocks?.primaryKey[0] ?? -1, ...archives.map(({ archive }) => archive));
    const snapshot = saved === undefined ? undefined : readSnapshot(saved, parts);
    const nothing = { events: [], last: 0, chain: 0, lastKey: 0 };
    if (saved !== undefined && snapshot === undefined) return { ...nothing, lost: 'snapshot' };
    const events: RoomEvent[] = [];
    let chain = saved?.chain ?? 0;
    let good = 0;
    let last = 0;
    for (const record of records) {
      if (typeof record.events !== 'string' || checksum(chain, record.events) !== record.sum) break;
      const appended = JSON.parse(record.events) as RoomEvent[];
      for (const event of appended) events.push(event);
      last = appended.length;
      chain = record.sum;
      good++;
    }
    const isWhole = good === records.length && (head === undefined || head === chain);
    // The log went on from a snapshot that is not there.
    if (!isWhole && saved === undefined && good === 0 && keys[0] !== 1) return { ...nothing, lost: 'snapshot' };
    const lastKey = keys[good - 1] ?? 0;
    const read = { events, last, chain, lastKey, ...(snapshot === undefined ? {} : { snapshot }) };
    return isWhole ? read : { ...read, lost: 'records' };
  }

  /** Keeps what is broken where nobody reads it as the log. */
  async #setAside({ chain, lastKey, lost }: ReadLog): Promise<void> {
    // Of a snapshot that is lost the archives go, too: whoever makes the room anew must not read them.
    const names = lost === 'snapshot' ? (['log', 'snapshot', 'parts', 'archives'] as const) : (['log'] as const);
    await this.#write(async (tx) => {
      for (const name of names) {
        const store = tx.objectStore(name);
        const range = name === 'log' && lost === 'records' ? IDBKeyRange.lowerBound(lastKey, true) : undefined;
        for (let cursor = await store.openCursor(range); cursor; cursor = await cursor.continue()) {
          unwaited(tx.objectStore('broken').add({ store: name, key: cursor.key, record: cursor.value }));
          unwaited(cursor.delete());
        }
      }
      unwaited(tx.objectStore('meta').put(chain, 'head'));
    });
  }

  /** A block of an archive cannot be read: it is set aside, said once, and no longer counted. */
  readonly #isBroken: Broken = (key) => {
    const name = key.join(' ');
    if (this.#broken.has(name)) return;
    this.#broken.add(name);
    this.#options.damaged?.('a message of an archive is damaged and left out');
    this.#inOrder(() => this.#write((tx) => setBrokenAside(tx as never, key))).catch(() => undefined);
  };

  #check(): void {
    if (this.#dead !== undefined) throw this.#dead;
  }
}

/** @returns undefined if it is damaged */
function readSnapshot(
  saved: SnapshotRecord,
  parts: readonly { readonly text: string; readonly sum: number }[],
): NodeSnapshot | undefined {
  if ('snapshot' in saved)
    return saved.sum === checksum(0, saved.snapshot) ? (JSON.parse(saved.snapshot) as NodeSnapshot) : undefined;
  const reader = new SnapshotReader();
  let chain = 0;
  for (const { text, sum } of parts) {
    chain = checksum(chain, String(text));
    if (chain !== sum) return undefined;
    reader.add(text);
  }
  return parts.length === saved.parts && chain === saved.sum ? reader.snapshot : undefined;
}

/** What fails fails the transaction, which is waited for. */
function unwaited(request: Promise<unknown>): void {
  request.catch(() => undefined);
}

function storeError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const { name, message } =
    error instanceof Error || error instanceof DOMException ? error : { name: '', message: String(error) };
  if (name === 'QuotaExceededError')
    return new StoreError('the browser gives this page no more disk space', { code: 'full', cause: error });
  if (name === 'VersionError')
    return new StoreError(`${what}: a later version of Netsplit has written it`, { code: 'newer', cause: error });
  return new StoreError(`${what} (${name}: ${message})`, { cause: error });
}
