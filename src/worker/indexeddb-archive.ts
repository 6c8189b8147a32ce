import type { DBSchema, IDBPTransaction } from 'idb';
import type { Jid } from '../core/xmpp/jid.ts';
import { rowsOfText, textOfRows } from '../host/archive-block-text.ts';
import { type Block, type BlockRange, type BlockReader, type BlockWriter, firstOf } from '../host/archive-blocks.ts';
import { type IdRecord, type IdRun, runOf, writeRuns } from '../host/archive-ids.ts';
import type { ArchiveMeta, ArchiveRow } from '../host/archive-rows.ts';

/** Where items of some ids are (archive-ids.ts). */
interface StoredIds {
  readonly archive: number;
  readonly shard: string;
  readonly n: number;
  /** The runs as JSON. */
  readonly text: string;
  readonly sum: number;
}

/** A block of an archive, under its number and the place of its first row. */
interface BlockRecord {
  readonly archive: number;
  readonly first: string;
  /** `named(archive, …)` of each author in it. */
  readonly nicks: readonly string[];
  /** Its rows as JSON: place, size, item. */
  readonly text: string;
  readonly sum: number;
}

export interface ArchiveSchema extends DBSchema {
  blocks: { key: [number, string]; value: BlockRecord; indexes: { nicks: string } };
  ids: { key: [number, string, number]; value: StoredIds };
  /** By room. */
  archives: { key: string; value: ArchiveMeta };
  /** What was found broken, as it was. */
  broken: { key: number; value: { readonly store: string; readonly key: unknown; readonly record: unknown } };
}

type Name = 'blocks' | 'ids' | 'archives';
type Transaction = IDBPTransaction<ArchiveSchema, Name[], IDBTransactionMode>;

/** Told of what cannot be read. */
export type Broken = (key: [number, string] | [number, string, number]) => void;

/** FNV-1a over the UTF-16 units, 32 bits, begun with the sum before: for torn and rotten records, not against forgery. */
export function checksum(before: number, text: string): number {
  let sum = 0x811c9dc5 ^ before;
  for (let i = 0; i < text.length; i++) {
    sum ^= text.charCodeAt(i);
    sum = Math.imul(sum, 0x01000193);
  }
  return sum >>> 0;
}

/** Reads archives within a transaction; nothing but its requests is awaited. */
export class IndexedDbBlockReader implements BlockReader {
  readonly #tx: Transaction;
  readonly #broken: Broken;

  constructor(tx: Transaction, broken: Broken) {
    this.#tx = tx;
    this.#broken = broken;
  }

  meta(room: Jid): Promise<ArchiveMeta | undefined> {
    return this.#tx.objectStore('archives').get(room);
  }

  async blocks(range: BlockRange, limit: number, reverse: boolean): Promise<readonly Block[]> {
    const found: Block[] = [];
    if (range.nick === undefined && !reverse) return this.#forward(range, limit);
    const records = range.nick === undefined ? this.#backward(range) : this.#of(range, range.nick, reverse);
    for await (const record of records) {
      const block = this.#block(record);
      if (block !== undefined) found.push(block);
      if (found.length >= limit) break;
    }
    return found;
  }

  async ids(archive: number, shard: string, sum = ''): Promise<readonly IdRecord[]> {
    const records = await this.#tx.objectStore('ids').getAll(keysOf(archive, shard));
    const found: IdRecord[] = [];
    for (const record of records) {
      const { n, text } = record;
      if (sumOfIds(record) !== record.sum) this.#broken([archive, shard, n]);
      else if (text.includes(sum)) found.push({ archive, shard, n, runs: JSON.parse(text) as IdRun[] });
    }
    return found;
  }

  /** All at once: a cursor asks for each of them. */
  async #forward(range: BlockRange, limit: number): Promise<readonly Block[]> {
    for (let rest = range; ; ) {
      const keys = rangeOf(rest);
      const records = keys === undefined ? [] : await this.#tx.objectStore('blocks').getAll(keys, limit);
      const found = records.flatMap((record) => this.#block(record) ?? []);
      const last = records.at(-1);
      if (found.length > 0 || last === undefined) return found;
      // They were all broken: that must not look like the end.
      rest = { ...rest, after: last.first };
    }
  }

  async *#backward(range: BlockRange): AsyncGenerator<BlockRecord> {
    const keys = rangeOf(range);
    if (keys === undefined) return;
    const store = this.#tx.objectStore('blocks');
    for (let cursor = await store.openCursor(keys, 'prev'); cursor; cursor = await cursor.continue())
      yield cursor.value;
  }

  async *#of(range: BlockRange, nick: string, reverse: boolean): AsyncGenerator<BlockRecord> {
    const { archive, after, upTo, before } = range;
    const name = named(archive, nick);
    const index = this.#tx.objectStore('blocks').index('nicks');
    let cursor = await index.openCursor(IDBKeyRange.only(name), reverse ? 'prev' : 'next');
    const from = reverse ? (upTo ?? before) : after;
    const isBefore = (first: string) => from !== undefined && (reverse ? first > from : first < from);
    if (cursor && from !== undefined && isBefore(cursor.primaryKey[1]))
      cursor = await cursor.continuePrimaryKey(name, [archive, from]);
    for (; cursor; cursor = await cursor.continue()) {
      const [, first] = cursor.primaryKey;
      if (first === after || first === before) continue;
      if (reverse ? first < (after ?? '') : first > (upTo ?? before ?? first)) return;
      yield cursor.value;
    }
  }

  #block(record: BlockRecord): Block | undefined {
    const rows = readRows(record);
    if (rows === undefined) this.#broken([record.archive, record.first]);
    return rows && { archive: record.archive, rows };
  }
}

/** Changes archives within a transaction. */
export class IndexedDbBlockWriter extends IndexedDbBlockReader implements BlockWriter {
  readonly #tx: IDBPTransaction<ArchiveSchema, Name[], 'readwrite'>;
  readonly #newArchive: () => number;

  constructor(tx: IDBPTransaction<ArchiveSchema, Name[], 'readwrite'>, newArchive: () => number, broken: Broken) {
    super(tx, broken);
    this.#tx = tx;
    this.#newArchive = newArchive;
  }

  newArchive(): number {
    return this.#newArchive();
  }

  setMeta(room: Jid, meta: ArchiveMeta): void {
    unwaited(this.#tx.objectStore('archives').put(meta, room));
  }

  remove(block: Block): void {
    unwaited(this.#tx.objectStore('blocks').delete([block.archive, firstOf(block)]));
  }

  write(block: Block): void {
    const { archive, rows } = block;
    const first = firstOf(block);
    const text = textOfRows(rows);
    unwaited(
      this.#tx.objectStore('blocks').put({
        ...{ archive, first, text },
        nicks: [...new Set(rows.map(({ nick }) => named(archive, nick)))],
        sum: checksum(archive, first + text),
      }),
    );
  }

  writeIds({ archive, shard, n, runs }: IdRecord): void {
    const record = { archive, shard, n, text: JSON.stringify(runs) };
    unwaited(this.#tx.objectStore('ids').put({ ...record, sum: sumOfIds(record) }));
  }

  removeIds({ archive, shard, n }: Omit<IdRecord, 'runs'>): void {
    unwaited(this.#tx.objectStore('ids').delete([archive, shard, n]));
  }

  forsake(archive: number): void {
    unwaited(this.#tx.objectStore('blocks').delete(keysOf(archive)));
    unwaited(this.#tx.objectStore('ids').delete(keysOf(archive)));
  }
}

/** @returns undefined if nothing can be in it */
function rangeOf({ archive, after, upTo, before }: BlockRange): IDBKeyRange | undefined {
  const isOpen = upTo === undefined;
  // An array is greater than any string.
  const end = isOpen && before === undefined ? [archive, []] : [archive, upTo ?? before];
  const start = [archive, after ?? ''];
  const order = indexedDB.cmp(start, end);
  if (order > 0 || (order === 0 && (after !== undefined || isOpen))) return undefined;
  return IDBKeyRange.bound(start, end, after !== undefined, isOpen);
}

/** Every key that begins so. */
export function keysOf(...begin: readonly (number | string)[]): IDBKeyRange {
  return IDBKeyRange.bound(begin, [...begin, []]);
}

function sumOfIds({ archive, shard, n, text }: Omit<StoredIds, 'sum'>): number {
  return checksum(archive, `${shard} ${n} ${text}`);
}

/** Something of an archive cannot be read: it is kept where nobody looks for messages, and is no longer counted. */
export async function setBrokenAside(
  tx: IDBPTransaction<ArchiveSchema, (Name | 'broken')[], 'readwrite'>,
  key: Parameters<Broken>[0],
): Promise<void> {
  const [archive, first, n] = key;
  const [store, range] =
    n === undefined
      ? (['blocks', IDBKeyRange.only([archive, first])] as const)
      : (['ids', IDBKeyRange.only([archive, first, n])] as const);
  unwaited(tx.objectStore('broken').add({ store, key, record: await tx.objectStore(store).get(range) }));
  unwaited(tx.objectStore(store).delete(range));
  await countAnew(tx as never, archive);
}

/**
 * Counts archives, and writes anew where their ids are.
 *
 * @param archive  only this one
 */
export async function countAnew(
  tx: IDBPTransaction<ArchiveSchema, Name[], 'readwrite' | 'versionchange'>,
  archive?: number,
): Promise<void> {
  const table = new IndexedDbBlockWriter(
    tx as never,
    () => 0,
    () => undefined,
  );
  const archives = tx.objectStore('archives');
  for (let cursor = await archives.openCursor(); cursor; cursor = await cursor.continue()) {
    const { ids: _, ...meta } = cursor.value;
    if (archive !== undefined && meta.archive !== archive) continue;
    unwaited(tx.objectStore('ids').delete(keysOf(meta.archive)));
    let found: ArchiveMeta = { ...meta, count: 0, bytes: 0 };
    for (let after: string | undefined; ; ) {
      const blocks = await table.blocks({ archive: meta.archive, after }, 100, false);
      if (blocks.length === 0) break;
      const rows = blocks.flatMap((block) => block.rows);
      const bytes = rows.reduce((sum, row) => sum + row.bytes, found.bytes);
      const runs = blocks.map((block) => runOf(block.rows));
      found = await writeRuns(table, { ...found, count: found.count + rows.length, bytes }, runs);
      after = runs.at(-1)?.first;
    }
    unwaited(cursor.update(found));
  }
}

/** @returns undefined if it is broken */
export function readRows({ archive, first, text, sum }: BlockRecord): readonly ArchiveRow[] | undefined {
  if (typeof text !== 'string' || checksum(archive, first + text) !== sum) return undefined;
  return rowsOfText(text);
}

function named(archive: number, name: string): string {
  return `${archive} ${name}`;
}

/** What fails fails the transaction, which is waited for. */
function unwaited(request: Promise<unknown>): void {
  request.catch(() => undefined);
}
