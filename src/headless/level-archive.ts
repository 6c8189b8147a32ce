import type { ClassicLevel } from 'classic-level';
import type { Jid } from '../core/xmpp/jid.ts';
import { rowsOfText, textOfRows } from '../host/archive-block-text.ts';
import { type Block, type BlockRange, type BlockReader, type BlockWriter, firstOf } from '../host/archive-blocks.ts';
import type { IdRecord, IdRun } from '../host/archive-ids.ts';
import type { ArchiveMeta, ArchiveRow } from '../host/archive-rows.ts';
import type { Draft } from './level-draft.ts';
import { entriesOf, type KeyRange, readSmallValue, readValue, Unreadable } from './level-entries.ts';
import {
  behind,
  blockKey,
  garbageKey,
  idsKey,
  keysOf,
  metaKey,
  nickKey,
  nickKeys,
  restOf,
  sealed,
  shardKey,
  unsealed,
} from './level-keys.ts';

/** Reads archives as they are in the database. */
export class LevelBlockReader implements BlockReader {
  readonly #db: ClassicLevel;
  readonly #broken: (key: string) => void;

  /** @param broken  told of what cannot be read */
  constructor(db: ClassicLevel, broken: (key: string) => void) {
    this.#db = db;
    this.#broken = broken;
  }

  async meta(room: Jid): Promise<ArchiveMeta | undefined> {
    const key = metaKey(room);
    // Every append asks for it, and mostly it was written a moment ago: a thread would cost more than the reading.
    const value = await readSmallValue(this.#db, key);
    if (value === undefined) return undefined;
    const text = unsealed(key, value);
    if (text === undefined) this.#broken(key);
    return text === undefined ? undefined : (JSON.parse(text) as ArchiveMeta);
  }

  async blocks(range: BlockRange, limit: number, reverse: boolean): Promise<readonly Block[]> {
    const { archive, nick } = range;
    const at = (place: string) => (nick === undefined ? blockKey(archive, place) : nickKey(archive, nick, place));
    const prefix = at('');
    const found: Block[] = [];
    let { after, upTo, before } = range;
    while (true) {
      const entries = await this.#entries(
        {
          ...(after === undefined ? { gte: prefix } : { gt: at(after) }),
          ...(upTo === undefined ? { lt: before === undefined ? behind(prefix) : at(before) } : { lte: at(upTo) }),
          limit,
          reverse,
        },
        prefix,
      );
      const places = entries.map(([key]) => restOf(key, prefix));
      const values = nick === undefined ? entries.map(([, value]) => value) : await this.#values(archive, places);
      for (const [i, place] of places.entries()) {
        const block = this.#block(archive, place, values[i]);
        if (block !== undefined) found.push(block);
      }
      const last = places.at(-1);
      if (found.length > 0 || last === undefined) return found;
      // They were all broken: that must not look like the end.
      if (reverse) {
        upTo = undefined;
        before = last;
      } else after = last;
    }
  }

  async ids(archive: number, shard: string, sum = ''): Promise<readonly IdRecord[]> {
    const prefix = shardKey(archive, shard);
    const found: IdRecord[] = [];
    for (const [key, value] of await this.#entries(keysOf(prefix), prefix)) {
      const text = unsealed(key, value);
      if (text === undefined) this.#broken(key);
      else if (text.includes(sum))
        found.push({
          archive,
          shard,
          n: Number.parseInt(key.slice(prefix.length), 36),
          runs: JSON.parse(text) as IdRun[],
        });
    }
    return found;
  }

  #values(archive: number, places: readonly string[]): Promise<(string | undefined)[]> {
    return Promise.all(places.map((place) => readValue(this.#db, blockKey(archive, place))));
  }

  #block(archive: number, place: string, value: string | undefined): Block | undefined {
    if (value === undefined) return undefined;
    const key = blockKey(archive, place);
    const rows = readRows(key, value);
    if (rows === undefined) this.#broken(key);
    return rows && { archive, rows };
  }

  async #entries(range: KeyRange, prefix: string): Promise<readonly [string, string][]> {
    const found: [string, string][] = [];
    try {
      for await (const some of entriesOf(this.#db, range)) found.push(...some);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#broken(prefix);
    }
    return found;
  }
}

/** Changes archives within a draft. */
export class LevelBlockWriter extends LevelBlockReader implements BlockWriter {
  readonly #draft: Draft;
  readonly #newArchive: () => number;
  /** As they stand in the database, for a draft that is taken back. */
  readonly #metas = new Map<Jid, ArchiveMeta | undefined>();

  constructor(db: ClassicLevel, draft: Draft, newArchive: () => number, broken: (key: string) => void) {
    super(db, broken);
    this.#draft = draft;
    this.#newArchive = newArchive;
  }

  override async meta(room: Jid): Promise<ArchiveMeta | undefined> {
    const meta = await super.meta(room);
    this.#metas.set(room, meta);
    return meta;
  }

  newArchive(): number {
    return this.#newArchive();
  }

  setMeta(room: Jid, meta: ArchiveMeta): void {
    const old = this.#metas.get(room);
    const key = metaKey(room);
    this.#draft.set(key, sealed(key, JSON.stringify(meta)), old && sealed(key, JSON.stringify(old)));
  }

  remove(block: Block): void {
    const key = keyOf(block);
    this.#draft.set(key, undefined, () => sealed(key, textOfRows(block.rows)));
    for (const entry of namesOf(block)) this.#draft.set(entry, undefined, '');
  }

  write(block: Block): void {
    const key = keyOf(block);
    this.#draft.set(key, sealed(key, textOfRows(block.rows)), undefined);
    for (const entry of namesOf(block)) this.#draft.set(entry, '', undefined);
  }

  writeIds({ archive, shard, n, runs }: IdRecord): void {
    const key = idsKey(archive, shard, n);
    this.#draft.set(key, sealed(key, JSON.stringify(runs)), undefined);
  }

  removeIds({ archive, shard, n, runs }: Omit<IdRecord, 'runs'> & Partial<IdRecord>): void {
    const key = idsKey(archive, shard, n);
    this.#draft.set(key, undefined, runs && (() => sealed(key, JSON.stringify(runs))));
  }

  forsake(archive: number): void {
    this.#draft.set(garbageKey(archive), '', undefined);
  }
}

/** @returns undefined if it is broken */
export function readRows(key: string, value: string): readonly ArchiveRow[] | undefined {
  const text = unsealed(key, value);
  return text === undefined ? undefined : rowsOfText(text);
}

function keyOf(block: Block): string {
  return blockKey(block.archive, firstOf(block));
}

/** The keys by which a block is found beside its own. */
function namesOf(block: Block): readonly string[] {
  const { archive, rows } = block;
  const first = firstOf(block);
  const nickOf = nickKeys(archive, first);
  return [...new Set(rows.map(({ nick }) => nick))].map(nickOf);
}
