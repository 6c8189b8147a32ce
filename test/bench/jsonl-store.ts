import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { NodeSnapshot } from '../../src/core/node/snapshot.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import type { EventStore, Recovered } from '../../src/host/event-store.ts';

/**
 * What stores are measured against: the log of an earlier version, a line of JSON for each append, chained by checksums and
 * synced in groups; the snapshot in a file beside it. It had no archive, and here it repairs nothing.
 */
export class JsonlStore implements EventStore {
  readonly #directory: string;
  #log: FileHandle | undefined;
  #number = 0;
  #chain = 0;
  #size = 0;
  #batch: { readonly line: string; done(): void; failed(error: unknown): void }[] | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(): Promise<Recovered> {
    const saved = await readFile(this.#snapshot, 'utf8').catch(() => undefined);
    const [, sum, number] = /^\{"sum":(\d+),"log":(\d+),"snapshot":/.exec(saved ?? '') ?? [];
    this.#chain = Number(sum ?? 0);
    this.#number = Number(number ?? 0);
    this.#log = await open(this.#path(this.#number), 'a+');
    const bytes = await readFile(this.#path(this.#number));
    const events: RoomEvent[] = [];
    let last = 0;
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(0x0a, at);
      const line = bytes.toString('utf8', at, end);
      const [begin, sumOfLine] = /^\{"sum":(\d+),"events":/.exec(line) ?? [''];
      const text = line.slice(begin.length, -1);
      if (crc32(text, this.#chain) !== Number(sumOfLine)) throw new Error('the log is damaged');
      const appended = JSON.parse(text) as RoomEvent[];
      for (const event of appended) events.push(event);
      last = appended.length;
      this.#chain = Number(sumOfLine);
      at = end + 1;
    }
    this.#size = bytes.length;
    return { events, last, ...(saved === undefined ? {} : { snapshot: JSON.parse(saved).snapshot as NodeSnapshot }) };
  }

  append(events: readonly RoomEvent[]): Promise<void> {
    return new Promise((done, failed) => {
      const text = JSON.stringify(events);
      this.#chain = crc32(text, this.#chain);
      const waiting = { line: `{"sum":${this.#chain},"events":${text}}\n`, done, failed };
      if (this.#batch !== undefined) {
        this.#batch.push(waiting);
        return;
      }
      const batch = [waiting];
      this.#batch = batch;
      this.#work = this.#work.then(async () => {
        if (this.#batch === batch) this.#batch = undefined;
        const bytes = Buffer.from(batch.map(({ line }) => line).join(''));
        await this.#log?.write(bytes, 0, bytes.length, this.#size);
        await this.#log?.datasync();
        this.#size += bytes.length;
        for (const one of batch) one.done();
      });
      this.#work.catch(failed);
    });
  }

  async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    const text = JSON.stringify(snapshot);
    const number = ++this.#number;
    const sum = crc32(text, number);
    this.#chain = sum;
    this.#batch = undefined;
    this.#work = this.#work.then(async () => {
      const log = await open(this.#path(number), 'w+');
      await log.sync();
      await this.#syncDirectory();
      const file = await open(`${this.#snapshot}.new`, 'w');
      await file.writeFile(`{"sum":${sum},"log":${number},"snapshot":${text}}\n`);
      await file.sync();
      await file.close();
      await rename(`${this.#snapshot}.new`, this.#snapshot);
      await this.#syncDirectory();
      await this.#log?.close();
      this.#log = log;
      this.#size = 0;
      await rm(this.#path(number - 1), { force: true });
    });
    await this.#work;
  }

  async search(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#log?.close();
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    await directory.sync();
    await directory.close();
  }

  get #snapshot(): string {
    return `${this.#directory}/snapshot.json`;
  }

  #path(number: number): string {
    return `${this.#directory}/log-${number}.jsonl`;
  }
}
