/**
 * Archives in blocks: what one append keeps of a room stands together, so that a busy room costs its database a few writes
 * instead of thousands. A store has to keep blocks by the place of their first row, and to find them by nicks.
 */
import type { HistoryItem } from '../core/room/event.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type IdReader, type IdRun, type IdWriter, runOf, runsWith, writeRuns } from './archive-ids.ts';
import {
  type ArchiveMeta,
  type ArchiveRange,
  type ArchiveReader,
  type ArchiveRow,
  type ArchiveWriter,
  dropOldest,
  isOver,
} from './archive-rows.ts';

/** A block takes no more rows when it has so many, or so many bytes. */
const rowsMax = 64;
const bytesMax = 1 << 16;
/** So many rows are dropped at once at most. */
const droppedMax = 500;
/** So many blocks are read at once at most. */
const readMax = 64;

export interface Block {
  readonly archive: number;
  /** By place, at least one; no row of another block stands between them. */
  readonly rows: readonly ArchiveRow[];
}

export function firstOf({ rows }: Block): string {
  return rows[0]?.place ?? '';
}

/** Blocks that begin there. */
export interface BlockRange {
  readonly archive: number;
  readonly after?: string | undefined;
  readonly upTo?: string | undefined;
  readonly before?: string | undefined;
  /** Only those with a row of this author. */
  readonly nick?: string | undefined;
}

/** What a store gives of blocks: they are as they were before what is being written. Broken ones are left out, and said. */
export interface BlockReader extends IdReader {
  meta(room: Jid): Promise<ArchiveMeta | undefined>;
  /** The first of them, or with `reverse` the last. None only if there are no more. */
  blocks(range: BlockRange, limit: number, reverse: boolean): Promise<readonly Block[]>;
}

export interface BlockWriter extends BlockReader, IdWriter {
  newArchive(): number;
  setMeta(room: Jid, meta: ArchiveMeta): void;
  remove(block: Block): void;
  write(block: Block): void;
  /** Nobody refers to it any more. */
  forsake(archive: number): void;
}

/** Reads rows of blocks. */
export class BlockArchiveReader implements ArchiveReader {
  readonly #table: BlockReader;
  readonly #read: ((block: Block) => void) | undefined;

  /** @param read  told of the blocks that rows were looked for in */
  constructor(table: BlockReader, read?: (block: Block) => void) {
    this.#table = table;
    this.#read = read;
  }

  meta(room: Jid): Promise<ArchiveMeta | undefined> {
    return this.#table.meta(room);
  }

  async placesOf(archive: number, id: string): Promise<readonly string[]> {
    return placesIn(await blocksWith(this.#table, archive, id), id);
  }

  async rows(range: ArchiveRange, limit: number, reverse: boolean): Promise<readonly ArchiveRow[]> {
    const found: ArchiveRow[] = [];
    // Mostly they are full.
    const blocks = Math.min(readMax, Math.ceil(limit / rowsMax) + 1);
    for await (const block of reverse ? this.#backward(range, blocks) : this.#forward(range, blocks)) {
      this.#read?.(block);
      const { rows } = block;
      for (const row of reverse ? [...rows].reverse() : rows) {
        if (range.before !== undefined && row.place >= range.before) {
          if (reverse) continue;
          return found;
        }
        if (row.place < (range.from ?? '') || (range.after !== undefined && row.place <= range.after)) {
          if (!reverse) continue;
          return found;
        }
        if (range.nick !== undefined && row.nick !== range.nick) continue;
        found.push(row);
        if (found.length >= limit) return found;
      }
    }
    return found;
  }

  async *#forward({ archive, nick, from, after }: ArchiveRange, atFirst: number): AsyncGenerator<Block> {
    const start = after ?? from ?? '';
    // It may begin before the range, and end in it.
    yield* await this.#table.blocks({ archive, nick, upTo: start }, 1, true);
    let last = start;
    for (let limit = atFirst; ; limit = Math.min(readMax, limit * 4)) {
      const blocks = await this.#table.blocks({ archive, nick, after: last }, limit, false);
      if (blocks.length === 0) return;
      yield* blocks;
      last = firstOf(blocks.at(-1) as Block);
    }
  }

  async *#backward({ archive, nick, before }: ArchiveRange, atFirst: number): AsyncGenerator<Block> {
    let last = before;
    for (let limit = atFirst; ; limit = Math.min(readMax, limit * 4)) {
      const blocks = await this.#table.blocks({ archive, nick, before: last }, limit, true);
      if (blocks.length === 0) return;
      yield* blocks;
      last = firstOf(blocks.at(-1) as Block);
    }
  }
}

/** A block as it is changed. */
interface Changing {
  /** As it stands in the store. */
  readonly old?: Block;
  rows: ArchiveRow[];
  bytes: number;
  isChanged: boolean;
  /** All its rows were appended. */
  readonly isNew?: true | undefined;
}

/** Changes rows of blocks. What was changed is written by `finish`. */
export class BlockArchiveWriter implements ArchiveWriter {
  readonly #table: BlockWriter;
  readonly #textOf: (item: HistoryItem) => string;
  readonly #changing = new Map<number, Changing[]>();
  readonly #metas = new Map<Jid, ArchiveMeta>();
  /** Of rows that were put among others, by archive. */
  readonly #late = new Map<number, IdRun[]>();

  /** @param textOf  an item as JSON */
  constructor(table: BlockWriter, textOf: (item: HistoryItem) => string = JSON.stringify) {
    this.#table = table;
    this.#textOf = textOf;
  }

  /** This block need not be read again: it is as it stands in the store. */
  know(block: Block): void {
    this.#change(block);
  }

  async meta(room: Jid): Promise<ArchiveMeta | undefined> {
    return this.#metas.get(room) ?? this.#table.meta(room);
  }

  setMeta(room: Jid, meta: ArchiveMeta): void {
    this.#metas.set(room, meta);
  }

  newArchive(): number {
    return this.#table.newArchive();
  }

  async placesOf(archive: number, id: string): Promise<readonly string[]> {
    for (const block of await blocksWith(this.#table, archive, id)) this.#change(block);
    return placesIn(this.#of(archive), id);
  }

  async get(archive: number, place: string): Promise<ArchiveRow | undefined> {
    return (await this.#find(archive, place))?.rows.find((row) => row.place === place);
  }

  append(archive: number, place: string, item: HistoryItem): number {
    const all = this.#of(archive);
    let tail = all.at(-1);
    const row = this.#row(place, item);
    const isOpen = tail?.old === undefined && tail !== undefined && tail.rows.length < rowsMax && tail.bytes < bytesMax;
    if (tail === undefined || !isOpen || (tail.rows.at(-1)?.place ?? '') > place) {
      tail = { rows: [], bytes: 0, isChanged: true, isNew: true };
      all.push(tail);
    }
    tail.rows.push(row);
    tail.bytes += row.bytes;
    return row.bytes;
  }

  async put(archive: number, place: string, item: HistoryItem): Promise<number> {
    const block = await this.#find(archive, place);
    const row = this.#row(place, item);
    const late = this.#late.get(archive);
    if (late === undefined) this.#late.set(archive, [runOf([row])]);
    else late.push(runOf([row]));
    const at = block?.rows.findIndex((each) => each.place >= place) ?? -1;
    if (block === undefined || at < 0) {
      this.#of(archive).unshift({ rows: [row], bytes: row.bytes, isChanged: true });
      return row.bytes;
    }
    block.rows.splice(at, block.rows[at]?.place === place ? 1 : 0, row);
    block.isChanged = true;
    // What comes late may all come into one block.
    if (block.rows.length > 2 * rowsMax) {
      const rows = block.rows.splice(rowsMax);
      this.#of(archive).unshift({ rows, bytes: bytesMax, isChanged: true, isNew: block.isNew });
    }
    return row.bytes;
  }

  async drop(archive: number, { place }: ArchiveRow): Promise<void> {
    const block = await this.#find(archive, place);
    if (block === undefined) return;
    block.rows = block.rows.filter((row) => row.place !== place);
    block.isChanged = true;
  }

  forsake(archive: number): void {
    this.#changing.delete(archive);
    this.#late.delete(archive);
    this.#table.forsake(archive);
  }

  async finish(): Promise<void> {
    const changed = [...this.#changing].flatMap(([archive, blocks]) =>
      blocks.filter(({ isChanged }) => isChanged).map(({ old, rows }) => ({ archive, old, rows })),
    );
    // A row may have gone from one block to another.
    for (const { old } of changed) if (old !== undefined) this.#table.remove(old);
    for (const { archive, rows } of changed) if (rows.length > 0) this.#table.write({ archive, rows });
    for (const [room, meta] of this.#metas) {
      const found = await writeRuns(this.#table, meta, this.#runs(meta));
      this.#metas.set(room, found);
      this.#table.setMeta(room, found);
    }
  }

  /** What is known of the archives that were changed. */
  get metas(): ReadonlyMap<Jid, ArchiveMeta> {
    return this.#metas;
  }

  /** Where the rows are that are new in this archive. */
  #runs({ archive }: ArchiveMeta): readonly IdRun[] {
    const appended = this.#of(archive).filter(({ isNew, rows }) => isNew && rows.length > 0);
    return [...appended.map(({ rows }) => runOf(rows)), ...(this.#late.get(archive) ?? [])];
  }

  /** The last block that begins at this place or before it. */
  async #find(archive: number, place: string): Promise<Changing | undefined> {
    const known = this.#of(archive).find(
      ({ rows }) => (rows[0]?.place ?? '\uffff') <= place && (rows.at(-1)?.place ?? '') >= place,
    );
    if (known !== undefined) return known;
    for (let range: BlockRange = { archive, upTo: place }; ; ) {
      const [block] = await this.#table.blocks(range, 1, true);
      if (block === undefined) break;
      // It may have lost its first rows, or all.
      const { rows } = this.#change(block);
      if (rows[0] !== undefined && rows[0].place <= place) break;
      range = { archive, before: firstOf(block) };
    }
    let found: Changing | undefined;
    for (const one of this.#of(archive)) {
      const first = one.rows[0]?.place;
      if (first !== undefined && first <= place && first >= (found?.rows[0]?.place ?? '')) found = one;
    }
    return found;
  }

  #row(place: string, item: HistoryItem): ArchiveRow {
    const text = this.#textOf(item);
    return { place, item, bytes: text.length, nick: item.nick, text };
  }

  #of(archive: number): Changing[] {
    const known = this.#changing.get(archive) ?? [];
    this.#changing.set(archive, known);
    return known;
  }

  #change(block: Block): Changing {
    const all = this.#of(block.archive);
    const first = firstOf(block);
    const known = all.find(({ old }) => old !== undefined && firstOf(old) === first);
    if (known !== undefined) return known;
    const changing = { old: block, rows: [...block.rows], bytes: bytesMax, isChanged: false };
    all.unshift(changing);
    return changing;
  }
}

/**
 * Drops what the retention of these rooms no longer allows, a few rows at a time.
 *
 * @param metas  as they are now, of the rooms that were changed
 * @param step  hands `work` a writer and writes what it has changed
 */
export async function boundArchives(
  metas: ReadonlyMap<Jid, ArchiveMeta>,
  reader: ArchiveReader,
  step: (work: (writer: BlockArchiveWriter) => Promise<void>) => Promise<void>,
): Promise<void> {
  for (const [room, found] of metas) {
    let meta = found;
    let after: string | undefined;
    for (let limit = 1, more = true; more && isOver(meta); limit = Math.min(droppedMax, limit * 8)) {
      const now: ArchiveMeta = meta;
      const excess = now.count - (now.retention?.count ?? now.count);
      const range = { archive: now.archive, ...(after === undefined ? { from: now.first } : { after }) };
      const rows = await reader.rows(range, Math.min(droppedMax, Math.max(limit, excess)), false);
      await step(async (writer) => {
        await writer.meta(room);
        const dropped = await dropOldest(writer, now, rows);
        if (dropped.meta !== now) writer.setMeta(room, dropped.meta);
        ({ meta, more } = dropped);
      });
      after = rows.at(-1)?.place;
    }
  }
}

/** Blocks that may have an item of this id. */
async function blocksWith(table: BlockReader, archive: number, id: string): Promise<readonly Block[]> {
  const blocks = new Map<string, Block>();
  for (const { first, last } of await runsWith(table, archive, id)) {
    // A block that begins before them may end among them.
    for (const block of await table.blocks({ archive, upTo: first }, 1, true)) blocks.set(firstOf(block), block);
    for (let after = first; after < last; ) {
      const more = await table.blocks({ archive, after, upTo: last }, readMax, false);
      for (const block of more) blocks.set(firstOf(block), block);
      after = more.length === 0 ? last : firstOf(more.at(-1) as Block);
    }
  }
  return [...blocks.values()];
}

function placesIn(blocks: readonly { readonly rows: readonly ArchiveRow[] }[], id: string): readonly string[] {
  return blocks
    .flatMap(({ rows }) => rows.filter(({ item }) => item.id === id).map(({ place }) => place))
    .sort((a, b) => (a < b ? -1 : 1));
}
