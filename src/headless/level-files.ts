import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { cp, open, rm } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import type { StoreErrorCode } from '../host/event-store.ts';
import { type LogState, stateOfLog } from './leveldb-log.ts';
import { probe } from './store-errors.ts';

/**
 * The files of a node's store:
 *
 * - `db`: the database. It is made as `db.new` and renamed, so that a `db` is always whole.
 * - `before`: the files of the database as they were before it was opened, as further names of them, until it is known that
 *   all is well. LevelDB throws away what it cannot read while it opens.
 * - `repaired`: a copy that LevelDB has repaired.
 * - `damaged-N`: what was found broken, as it was.
 */
export class LevelFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get db(): string {
    return `${this.directory}/db`;
  }

  get repaired(): string {
    return `${this.directory}/repaired`;
  }

  get #before(): string {
    return `${this.directory}/before`;
  }

  /**
   * Looks at the database before it is opened, and keeps its files.
   *
   * @returns undefined if there is none
   */
  keep(): LogState | undefined {
    if (!existsSync(this.#before)) {
      if (!existsSync(this.db)) return undefined;
      const aside = `${this.#before}.new`;
      rmSync(aside, { recursive: true, force: true });
      mkdirSync(aside, { mode: 0o700 });
      for (const name of readdirSync(this.db))
        if (name !== 'LOCK') linkOrCopy(`${this.db}/${name}`, `${aside}/${name}`);
      renameSync(aside, this.#before);
    }
    const names = readdirSync(this.#before);
    // There is always one: LevelDB makes the next before it removes the last.
    const logs = names
      .filter((name) => /^\d+\.log$/.test(name))
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    if (logs.length === 0 || !names.includes('CURRENT')) return 'damaged';
    const states = logs.map((name) => stateOfLog(readFileSync(`${this.#before}/${name}`)));
    if (states.slice(0, -1).some((state) => state !== 'whole')) return 'damaged';
    return states.at(-1) ?? 'damaged';
  }

  /** What keeps files from being written here, if anything does. */
  trouble(): StoreErrorCode | undefined {
    return probe(this.directory);
  }

  /** All is well. */
  async forget(): Promise<void> {
    await rm(this.#before, { recursive: true, force: true });
    await rm(this.repaired, { recursive: true, force: true });
  }

  /** @returns the name under which what was kept stands from now on */
  setAside(): string {
    const name = this.#freeName();
    renameSync(this.#before, `${this.directory}/${name}`);
    return name;
  }

  /** Makes a database of what can be read of the files that were kept. @throws Error if LevelDB can make nothing of them */
  async repair(): Promise<void> {
    await rm(this.repaired, { recursive: true, force: true });
    await cp(this.#before, this.repaired, { recursive: true });
    await ClassicLevel.repair(this.repaired);
    // What it could not use: all of it is kept.
    await rm(`${this.repaired}/lost`, { recursive: true, force: true });
  }

  /** Puts the repaired database, or a new one, in the place of the other, whose files are kept. Both are closed. */
  async replace(by: string): Promise<void> {
    await rm(this.db, { recursive: true, force: true });
    renameSync(by, this.db);
    await this.sync();
  }

  /** Makes what was renamed last. */
  async sync(): Promise<void> {
    const handle = await open(this.directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Nobody but its owner may read what is in it, whoever made it. */
  tighten(): void {
    chmodSync(this.directory, 0o700);
    for (const entry of readdirSync(this.directory, { withFileTypes: true, recursive: true }))
      if (entry.isFile() || entry.isDirectory())
        chmodSync(`${entry.parentPath}/${entry.name}`, entry.isDirectory() ? 0o700 : 0o600);
  }

  #freeName(): string {
    for (let n = 1; ; n++) if (!existsSync(`${this.directory}/damaged-${n}`)) return `damaged-${n}`;
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Not every file system has links.
    copyFileSync(from, to);
  }
}
