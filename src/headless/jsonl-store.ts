import { type FileHandle, open, readdir, readFile, rename, rm, truncate } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { type EventStore, type Recovered, StoreError } from '../host/event-store.ts';
import { lockDirectory } from './directory-lock.ts';

/** The directory of one node below the one that was given for all. */
export function nodeDirectory(directory: string, address: string): string {
  return `${directory}/${encodeURIComponent(address).replaceAll('%40', '@')}`;
}

interface Snapshot {
  readonly sum: number;
  /** Number of the log that follows it. */
  readonly log: number;
  readonly snapshot: NodeSnapshot;
}

interface Waiting {
  readonly line: string;
  done(): void;
  failed(error: StoreError): void;
}

const snapshotFile = 'snapshot.json';

/**
 * The log of one node in a directory: `log-N.jsonl`, one line for each append, and `snapshot.json`, which names the log
 * that follows it.
 *
 * - A line is `{"sum":S,"events":[…]}`. The sums are chained: a broken or missing line ends the log there.
 * - An append is durable when its line is written and synced (fdatasync). Appends that wait for the disk share the next
 *   write: group commit.
 * - A snapshot is written aside, synced, renamed into place, and the directory synced; the log after it is a new file,
 *   made before. So at any moment the snapshot and the log it names belong together.
 * - A directory belongs to one process (directory-lock.ts).
 */
export class JsonlStore implements EventStore {
  readonly #directory: string;
  readonly #unlock: () => void;
  #log: FileHandle | undefined;
  #number = 0;
  #chain = 0;
  /** Bytes of the log that are known to be good. */
  #size = 0;
  /** Appends that the next write takes along. */
  #batch: Waiting[] | undefined;
  /** All work on the files, one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** Why nothing can be written any more. */
  #dead: StoreError | undefined;
  #closed = false;

  /** @throws StoreError if the directory cannot be made, or another process uses it */
  static async open(directory: string): Promise<JsonlStore> {
    return new JsonlStore(directory, lockDirectory(directory));
  }

  private constructor(directory: string, unlock: () => void) {
    this.#directory = directory;
    this.#unlock = unlock;
  }

  async load(): Promise<Recovered> {
    this.#check();
    return this.#inOrder('the log cannot be read', () => this.#read());
  }

  append(events: readonly RoomEvent[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#check();
      if (this.#log === undefined) throw new StoreError('load comes first');
      if (events.length === 0) return resolve();
      const text = JSON.stringify(events);
      this.#chain = crc32(text, this.#chain);
      const waiting = { line: `{"sum":${this.#chain},"events":${text}}\n`, done: resolve, failed: reject };
      if (this.#batch !== undefined) {
        this.#batch.push(waiting);
        return;
      }
      const batch: Waiting[] = [waiting];
      this.#batch = batch;
      this.#inOrder('the log cannot be written', () => {
        if (this.#batch === batch) this.#batch = undefined;
        return this.#write(batch);
      }).catch(() => undefined);
    });
  }

  async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    this.#check();
    if (this.#log === undefined) throw new StoreError('load comes first');
    const text = JSON.stringify(snapshot);
    const number = ++this.#number;
    const sum = crc32(text, number);
    // From here on appends are chained to the snapshot, and written to its log.
    this.#chain = sum;
    this.#batch = undefined;
    await this.#inOrder('the snapshot cannot be written', async () => {
      const log = await open(this.#path(logFile(number)), 'w+');
      await log.sync();
      // The new log's name must be durable before a snapshot names it.
      await this.#syncDirectory();
      const aside = this.#path(`${snapshotFile}.new`);
      const file = await open(aside, 'w');
      await file.writeFile(`{"sum":${sum},"log":${number},"snapshot":${text}}\n`);
      await file.sync();
      await file.close();
      await rename(aside, this.#path(snapshotFile));
      await this.#syncDirectory();
      await this.#log?.close();
      this.#log = log;
      this.#size = 0;
      await rm(this.#path(logFile(number - 1)), { force: true });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    // What was appended before is still written.
    this.#closed = true;
    await this.#work;
    const log = this.#log;
    this.#log = undefined;
    await log?.close().catch(() => undefined);
    this.#unlock();
  }

  /** Runs `work` when all before it is done; after a failure nothing is written any more. */
  async #inOrder<T>(what: string, work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work).catch((error: unknown) => {
      this.#dead ??= storeError(error, what);
      throw this.#dead;
    });
    this.#work = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** One write and one sync for all of them; all or none count. */
  async #write(batch: readonly Waiting[]): Promise<void> {
    try {
      // After a failure the chain in memory is ahead of the log: nothing may follow.
      if (this.#dead !== undefined) throw this.#dead;
      const log = this.#log as FileHandle;
      const bytes = Buffer.from(batch.map(({ line }) => line).join(''));
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await log.write(bytes, at, bytes.length - at, this.#size + at);
        at += bytesWritten;
      }
      await log.datasync();
      this.#size += bytes.length;
    } catch (error) {
      const reason = storeError(error, 'the log cannot be written');
      // Half a batch must not be found later: it was told that it failed.
      if (this.#dead === undefined) await this.#log?.truncate(this.#size).catch(() => undefined);
      for (const { failed } of batch) failed(reason);
      throw reason;
    }
    for (const { done } of batch) done();
  }

  async #read(): Promise<Recovered> {
    const saved = await this.#readSnapshot();
    if (saved === 'damaged') {
      // Kept aside for a person to look at; the node starts anew.
      for (const name of await this.#files())
        await rename(this.#path(name), this.#path(`damaged-${name}`)).catch(() => undefined);
      await this.#openLog(0);
      this.#chain = 0;
      return { events: [], last: 0, damage: 'the saved snapshot was damaged: nothing could be restored' };
    }
    const number = saved?.log ?? 0;
    // Left by a crash between two steps of saveSnapshot.
    for (const name of await this.#files())
      if (name !== snapshotFile && name !== logFile(number)) await rm(this.#path(name), { force: true });
    const missing = saved !== undefined && !(await this.#files()).includes(logFile(number));
    this.#chain = saved?.sum ?? 0;
    await this.#openLog(number);
    const { events, last, damage } = await this.#readLog();
    const said = missing ? 'the log was missing: what came after the snapshot is lost' : damage;
    return {
      ...(saved ? { snapshot: saved.snapshot } : {}),
      events,
      last,
      ...(said === undefined ? {} : { damage: said }),
    };
  }

  async #readSnapshot(): Promise<Snapshot | 'damaged' | undefined> {
    const text = await readFile(this.#path(snapshotFile), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const match = /^\{"sum":(\d+),"log":(\d+),"snapshot":/.exec(text);
    if (match === null || !text.endsWith('}\n')) return 'damaged';
    const body = text.slice(match[0].length, -2);
    const sum = Number(match[1]);
    const log = Number(match[2]);
    if (crc32(body, log) !== sum) return 'damaged';
    return { sum, log, snapshot: JSON.parse(body) as NodeSnapshot };
  }

  /** All whole lines from the start; what follows the first that is not is cut off. */
  async #readLog(): Promise<Omit<Recovered, 'snapshot'>> {
    const bytes = await readFile(this.#path(logFile(this.#number)));
    const events: RoomEvent[] = [];
    let good = 0;
    let last = 0;
    while (good < bytes.length) {
      const end = bytes.indexOf(0x0a, good);
      const line = end < 0 ? undefined : readLine(bytes.toString('utf8', good, end), this.#chain);
      if (line === undefined) break;
      const appended = JSON.parse(line.events) as RoomEvent[];
      for (const event of appended) events.push(event);
      last = appended.length;
      this.#chain = line.sum;
      good = end + 1;
    }
    this.#size = good;
    if (good === bytes.length) return { events, last };
    const rest = bytes.subarray(good);
    const lost = rest.toString('latin1').replace(/\n$/, '').split('\n').length;
    const torn = lost === 1;
    if (!torn) {
      const aside = await open(this.#path(`damaged-${logFile(this.#number)}`), 'w');
      await aside.writeFile(rest);
      await aside.sync();
      await aside.close();
    }
    await truncate(this.#path(logFile(this.#number)), good);
    await this.#log?.sync();
    return {
      events,
      last,
      damage: torn ? 'a torn last entry was cut off' : `the log was damaged: its last ${lost} entries are lost`,
    };
  }

  async #openLog(number: number): Promise<void> {
    await this.#log?.close();
    const path = this.#path(logFile(number));
    this.#log = await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      const made = await open(path, 'wx+');
      await made.sync();
      await this.#syncDirectory();
      return made;
    });
    this.#number = number;
    this.#size = 0;
  }

  /** Logs and snapshots; not the lock, not what was set aside. */
  async #files(): Promise<string[]> {
    return (await readdir(this.#directory)).filter((name) => name.startsWith('log-') || name.startsWith(snapshotFile));
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }

  #check(): void {
    if (this.#closed) throw new StoreError('the store is closed');
    if (this.#dead !== undefined) throw this.#dead;
  }
}

function logFile(number: number): string {
  return `log-${number}.jsonl`;
}

/** @returns undefined if the line is not what was written after the line with sum `chain` */
function readLine(line: string, chain: number): { readonly sum: number; readonly events: string } | undefined {
  const match = /^\{"sum":(\d+),"events":/.exec(line);
  if (match === null || !line.endsWith('}')) return undefined;
  const events = line.slice(match[0].length, -1);
  const sum = Number(match[1]);
  return crc32(events, chain) === sum ? { sum, events } : undefined;
}

function storeError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : message;
  return new StoreError(`${what}: ${why}`, { cause: error });
}
