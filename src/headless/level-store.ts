import { type FSWatcher, statSync, watch } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { ClassicLevel } from 'classic-level';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { ArchiveChange, ArchivePage, ArchiveSearch } from '../core/room/archive-store.ts';
import type { HistoryItem, RoomEvent } from '../core/room/event.ts';
import { BlockArchiveReader, BlockArchiveWriter } from '../host/archive-blocks.ts';
import { applyArchiveChanges } from '../host/archive-rows.ts';
import { searchArchive } from '../host/archive-search.ts';
import { type EventStore, type LossOptions, type Recovered, StoreError } from '../host/event-store.ts';
import { snapshotParts } from '../host/snapshot-parts.ts';
import { lockDirectory } from './directory-lock.ts';
import { LevelBlockReader, LevelBlockWriter } from './level-archive.ts';
import { clearForsaken, countAnew, dropOldestOf, nextArchive, setBrokenAside } from './level-archive-care.ts';
import { Draft } from './level-draft.ts';
import { LevelFiles } from './level-files.ts';
import { behind, firstKey, headKey, lastKey, sealed } from './level-keys.ts';
import {
  clearBefore,
  type Head,
  recordTexts,
  type SnapshotPointer,
  writeHead,
  writeParts,
  writePointer,
  writeRecords,
} from './level-log.ts';
import { openDatabase, openLevel } from './level-recovery.ts';
import { probe, storeError } from './store-errors.ts';

/** The directory of one node below the one that was given for all. */
export function nodeDirectory(directory: string, address: string): string {
  return `${directory}/${encodeURIComponent(address).replaceAll('%40', '@')}`;
}

/** What is known of the archives that an append has changed. */
type Metas = BlockArchiveWriter['metas'];

/** An append that waits for its turn. */
interface Waiting {
  readonly texts: readonly string[];
  readonly archived: readonly ArchiveChange[];
  /** The messages that are to be archived, as JSON. */
  readonly items: ReadonlyMap<HistoryItem, string>;
  done(): void;
  failed(error: StoreError): void;
}

/** Appends that wait are written together until they are so long. */
const groupLength = 16 << 20;

/**
 * The log of one node and the archives of its rooms, in a LevelDB database below a directory.
 *
 * - An append is one batch of LevelDB: its events, what it does to archives, and the number of its last record, all or none.
 *   It is durable when the batch is synced. Appends that wait for the disk share the next batch: group commit.
 * - A snapshot is written in parts that nothing points to; one batch then points to them. What it makes needless is
 *   removed later.
 * - A write that failed leaves LevelDB's own log in doubt: the database is opened anew before the next one, and whatever
 *   came of the failed one is taken back.
 * - A directory belongs to one process (directory-lock.ts, and LevelDB's own lock).
 */
export class LevelStore implements EventStore {
  readonly #files: LevelFiles;
  readonly #options: LossOptions;
  readonly #unlock: () => void;
  #db: ClassicLevel | undefined;
  /** The lock file of the database: if it is another one, the database is, too. */
  #inode = 0n;
  #watcher: FSWatcher | undefined;
  #tellGone: ((why: string) => void) | undefined;
  #head: Head = { n: 0, sum: 0 };
  #snapshot: SnapshotPointer | undefined;
  #archives = 0;
  #waiting: Waiting[] = [];
  /** All work on the database, one after the other. */
  #work: Promise<unknown> = Promise.resolve();
  /** A write failed: the database has to be opened anew. */
  #isInDoubt = false;
  /** What failed. */
  #doubtful: Draft | undefined;
  readonly #broken = new Set<string>();
  /** Why nothing can be written any more. */
  #dead: StoreError | undefined;
  #isClosed = false;

  /** @throws StoreError if the directory cannot be made, or another process uses it */
  static async open(directory: string, options: LossOptions = {}): Promise<LevelStore> {
    // LevelDB makes files all the time, with the rights that the process gives.
    if (isMainThread) process.umask(process.umask() | 0o077);
    const unlock = lockDirectory(directory);
    try {
      const files = new LevelFiles(directory);
      files.tighten();
      return new LevelStore(files, options, unlock);
    } catch (error) {
      unlock();
      throw storeError(directory, 'cannot be used as a store', error);
    }
  }

  private constructor(files: LevelFiles, options: LossOptions, unlock: () => void) {
    this.#files = files;
    this.#options = options;
    this.#unlock = unlock;
  }

  load(): Promise<Recovered> {
    return this.#inOrder('cannot be read', async () => {
      // What failed, and was refused, is not to be read.
      if (this.#isInDoubt) await this.#usable();
      await this.#db?.close();
      this.#db = undefined;
      const { db, log, lost, damage, isDoubtful } = await openLevel(this.#files, this.#options.acceptLoss === true);
      this.#use(db);
      this.#head = log.head;
      this.#snapshot = log.pointer;
      this.#archives = await nextArchive(db);
      const missing = isDoubtful ? await countAnew(db) : undefined;
      void clearForsaken(db).catch(() => undefined);
      const said = [damage, missing].filter((text) => text !== undefined).join('; ');
      const { snapshot, events, last } = log;
      return {
        ...{ events, last },
        ...(snapshot === undefined ? {} : { snapshot }),
        ...(lost === undefined ? {} : { lost }),
        ...(said === '' ? {} : { damage: said }),
      };
    });
  }

  append(events: readonly RoomEvent[], archived: readonly ArchiveChange[] = []): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#check();
      if (this.#db === undefined && !this.#isInDoubt) throw new StoreError('load comes first');
      if (events.length === 0 && archived.length === 0) return resolve();
      const items = new Map<HistoryItem, string>();
      const texts = recordTexts(events, archived.length === 0 ? undefined : items);
      this.#waiting.push({ texts, archived, items, done: resolve, failed: reject });
      const all = this.#waiting;
      if (all.length > 1) return;
      this.#inOrder('cannot be written', () => {
        if (this.#waiting === all) this.#waiting = [];
        return this.#writeInGroups(all);
      }).catch(() => undefined);
    });
  }

  async saveSnapshot(snapshot: NodeSnapshot, archived: readonly ArchiveChange[] = []): Promise<void> {
    this.#check();
    if (this.#db === undefined && !this.#isInDoubt) throw new StoreError('load comes first');
    // As it is now: it may share what changes later.
    const texts = [...snapshotParts(snapshot)];
    // What was appended before it goes first, what is appended from here on goes after it.
    this.#waiting = [];
    await this.#inOrder('cannot be given a snapshot', async () => {
      const db = await this.#usable();
      const draft = new Draft(db);
      let pointer: SnapshotPointer;
      let metas: Metas;
      try {
        const parts = await writeParts(db, (this.#snapshot?.number ?? 0) + 1, texts);
        pointer = { ...parts, after: this.#head };
        writePointer(draft, pointer, this.#snapshot);
        metas = await this.#archive(draft, db, [{ archived }]);
        await this.#write(draft);
      } catch (error) {
        throw await this.#doubt(draft, error);
      }
      this.#snapshot = pointer;
      await this.#tidy(() => clearBefore(db, pointer));
      await this.#tidy(() => this.#dropOldest(db, metas, archived));
    });
  }

  async search(search: ArchiveSearch): Promise<ArchivePage> {
    this.#check();
    if (this.#db === undefined) throw storeError(this.#files.directory, 'cannot be read', new Error('not open'));
    try {
      return await searchArchive(new BlockArchiveReader(new LevelBlockReader(this.#db, this.#isBroken)), search);
    } catch (error) {
      throw storeError(this.#files.directory, 'cannot be searched', error);
    }
  }

  /** LevelDB keeps what was removed until it merges the files that hold it. */
  erase(): Promise<void> {
    this.#check();
    return this.#inOrder('cannot be cleared of what was removed', async () => {
      const db = await this.#usable();
      await db.compactRange('', behind(''));
      // What is in one file with what replaced it is merged with nothing, unless something newer lies over all of it.
      await db.batch([firstKey, lastKey].map((key) => ({ type: 'put', key, value: '' })));
      await db.compactRange('', behind(''));
    });
  }

  onGone(tell: (why: string) => void): void {
    this.#tellGone = tell;
  }

  hasRoom(): boolean {
    return probe(this.#files.directory) === undefined;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    // What was appended before is still written.
    this.#isClosed = true;
    this.#watcher?.close();
    await this.#inOrder('cannot be closed', async () => this.#db?.close()).catch(() => undefined);
    this.#db = undefined;
    this.#unlock();
  }

  #use(db: ClassicLevel): void {
    const lock = `${this.#files.db}/LOCK`;
    this.#db = db;
    this.#inode = statSync(lock, { bigint: true }).ino;
    this.#watcher?.close();
    // Where a system cannot watch, the next append tells.
    try {
      this.#watcher = watch(lock, { persistent: false }, () => this.#look()).on('error', () => undefined);
    } catch {}
  }

  /** Something has happened to the database as a whole. */
  #look(): void {
    if (this.#isClosed || this.#dead !== undefined || this.#isThere()) return;
    this.#dead = this.#deleted();
    this.#tellGone?.(this.#dead.message);
  }

  #isThere(): boolean {
    return statSync(`${this.#files.db}/LOCK`, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode;
  }

  #deleted(): StoreError {
    return new StoreError(`${this.#files.directory} was deleted while it was in use`, { code: 'gone' });
  }

  /** Runs `work` when all before it is done. */
  async #inOrder<T>(what: string, work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work).catch((error: unknown) => {
      throw storeError(this.#files.directory, what, error);
    });
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #writeInGroups(all: readonly Waiting[]): Promise<void> {
    for (let at = 0; at < all.length; ) {
      const begin = at;
      for (let length = 0; length < groupLength && at < all.length; at++)
        length += all[at]?.texts.reduce((sum, text) => sum + text.length, 0) ?? 0;
      await this.#writeAll(all.slice(begin, at));
    }
  }

  /** All of them, or none. */
  async #writeAll(group: readonly Waiting[]): Promise<void> {
    try {
      if (this.#dead !== undefined) throw this.#dead;
      const db = await this.#usable();
      const draft = new Draft(db);
      let metas: Metas;
      try {
        let head = this.#head;
        for (const { texts } of group) head = writeRecords(draft, texts, head);
        metas = await this.#archive(draft, db, group);
        if (head !== this.#head) writeHead(draft, head, this.#head);
        await this.#write(draft);
        this.#head = head;
      } catch (error) {
        throw await this.#doubt(draft, error);
      }
      const archived = group.flatMap((one) => one.archived);
      await this.#tidy(() => this.#dropOldest(db, metas, archived));
    } catch (error) {
      const reason = storeError(this.#files.directory, 'cannot be written', error);
      for (const { failed } of group) failed(reason);
      return;
    }
    for (const { done } of group) done();
  }

  async #archive(draft: Draft, db: ClassicLevel, all: readonly Partial<Waiting>[]): Promise<Metas> {
    let known: Waiting['items'] | undefined;
    const table = new LevelBlockWriter(db, draft, () => this.#archives++, this.#isBroken);
    const writer = new BlockArchiveWriter(table, (item) => known?.get(item) ?? JSON.stringify(item));
    for (const { archived = [], items } of all) {
      known = items;
      await applyArchiveChanges(writer, archived);
    }
    await writer.finish();
    return writer.metas;
  }

  async #dropOldest(db: ClassicLevel, metas: Metas, archived: readonly ArchiveChange[]): Promise<void> {
    await dropOldestOf(db, metas, this.#isBroken);
    // As long as it takes: nobody sees what it clears.
    if (archived.some(({ kind }) => kind === 'emptied')) void clearForsaken(db).catch(() => undefined);
  }

  /** After what was asked for is durable: if this fails, the next write says so. */
  async #tidy(work: () => Promise<void>): Promise<void> {
    if (!this.#isInDoubt) await work().catch((error: unknown) => this.#doubt(undefined, error));
  }

  async #write(draft: Draft): Promise<void> {
    await draft.write(true);
    // A file that was deleted is written as well as any other.
    if (!this.#isThere()) throw this.#deleted();
  }

  /** What could not be written may be there all the same, or in part. @returns what to say of it */
  async #doubt(draft: Draft | undefined, error: unknown): Promise<StoreError> {
    const { directory } = this.#files;
    const code = error instanceof StoreError ? error.code : probe(directory);
    const reason = storeError(directory, 'cannot be written', error, code);
    if (code === 'gone') this.#dead ??= reason;
    this.#isInDoubt = true;
    this.#doubtful ??= draft;
    const db = this.#db;
    this.#db = undefined;
    await db?.close().catch(() => undefined);
    return reason;
  }

  /** The database, opened anew if the last write failed. */
  async #usable(): Promise<ClassicLevel> {
    if (this.#dead !== undefined) throw this.#dead;
    if (this.#db !== undefined && !this.#isInDoubt) return this.#db;
    const { directory, db: location } = this.#files;
    let db: ClassicLevel | undefined;
    try {
      db = await openDatabase(location);
      await this.#doubtful?.revert(db);
      const { n, sum } = this.#head;
      const head = await db.get(headKey);
      if (n > 0 && head !== sealed(headKey, JSON.stringify([n, sum]))) {
        this.#dead = new StoreError(`${directory}: something is missing that was durable`);
        throw this.#dead;
      }
    } catch (error) {
      await db?.close().catch(() => undefined);
      throw storeError(directory, 'cannot be opened anew', error, probe(directory));
    }
    this.#use(db);
    this.#isInDoubt = false;
    this.#doubtful = undefined;
    return db;
  }

  /** Something of an archive cannot be read: it is set aside, and said once. */
  readonly #isBroken = (key: string): void => {
    if (this.#broken.has(key)) return;
    this.#broken.add(key);
    const { directory } = this.#files;
    this.#options.damaged?.(`${directory}: a message of an archive is damaged and left out`);
    if (!this.#isClosed)
      this.#inOrder('cannot be written', async () => setBrokenAside(await this.#usable(), key)).catch(() => undefined);
  };

  #check(): void {
    if (this.#isClosed) throw new StoreError('the store is closed');
    if (this.#dead !== undefined) throw this.#dead;
  }
}
