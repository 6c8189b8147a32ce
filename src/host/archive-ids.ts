/**
 * Where the items of an archive are, by their ids. An entry for each item would cost a database more than the item itself:
 * ids come in no order, so each of them would go to another place. So what one append has kept is one record, and when
 * these records are many, they are sorted into a few long ones. A record has sums of ids, and between which places these
 * stand; whoever finds one looks there.
 */
import type { ArchiveMeta, ArchiveRow } from './archive-rows.ts';

/** Ids of rows that stand between these places, both included. */
export interface IdRun {
  readonly first: string;
  readonly last: string;
  /** `sumOfId` of each, one after the other. */
  readonly sums: string;
}

/** One record of a shard of an archive. Records of the same number were written together. */
export interface IdRecord {
  readonly archive: number;
  readonly shard: string;
  readonly n: number;
  readonly runs: readonly IdRun[];
}

export interface IdReader {
  /** The records of a shard in the order of their numbers; with `sum`, those only that have it somewhere. */
  ids(archive: number, shard: string, sum?: string): Promise<readonly IdRecord[]>;
}

export interface IdWriter extends IdReader {
  writeIds(record: IdRecord): void;
  /** Its runs may be unknown where they are no longer of use. */
  removeIds(record: Omit<IdRecord, 'runs'> & Partial<IdRecord>): void;
}

/** The shard of what is not sorted yet. */
export const unsorted = '-';
const firstShard = '0';
export const shards = [firstShard, ...'123456789abcdef'];
/** So many ids that are not sorted yet are sorted. */
const unsortedMax = 4096;
/** Runs of a shard are joined until they have so many ids: they are some hundred rows then, in all shards. */
const joinedMax = 16;
const sumLength = 8;

/** FNV-1a over the UTF-16 units, 32 bits. Its first digit names the shard. */
export function sumOfId(id: string): string {
  let sum = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    sum ^= id.charCodeAt(i);
    sum = Math.imul(sum, 0x01000193);
  }
  return (sum >>> 0).toString(16).padStart(sumLength, '0');
}

/** Where an item of this id may stand. */
export async function runsWith(table: IdReader, archive: number, id: string): Promise<readonly IdRun[]> {
  const sum = sumOfId(id);
  const records = await Promise.all([unsorted, sum.slice(0, 1)].map((shard) => table.ids(archive, shard, sum)));
  return records.flat().flatMap(({ runs }) => runs.filter(({ sums }) => hasSum(sums, sum)));
}

function hasSum(sums: string, sum: string): boolean {
  let at = sums.indexOf(sum);
  while (at >= 0 && at % sumLength !== 0) at = sums.indexOf(sum, at + 1);
  return at >= 0;
}

/** Writes where new rows stand. @returns what is known of the archive now */
export async function writeRuns(table: IdWriter, meta: ArchiveMeta, runs: readonly IdRun[]): Promise<ArchiveMeta> {
  if (runs.length === 0) return meta;
  const { archive, ids: { n, count, end } = noIds } = meta;
  const added = runs.reduce((sum, { sums }) => sum + sums.length / sumLength, 0);
  if (count + added < unsortedMax) {
    table.writeIds({ archive, shard: unsorted, n, runs });
    return { ...meta, ids: { n: n + 1, count: count + added, end } };
  }
  const before = await table.ids(archive, unsorted);
  for (const record of before) table.removeIds(record);
  // The rest was dropped since.
  const isLeft = ({ last }: IdRun) => last >= meta.first;
  const all = [...before.flatMap((record) => record.runs), ...runs].filter(isLeft);
  const reach =
    all
      .map(({ last }) => last)
      .sort()
      .at(-1) ?? '';
  // One shard says how far all of them reach, so that one has to be asked what is no longer of use.
  const byShard = sorted(all, end);
  byShard.set(firstShard, [...(byShard.get(firstShard) ?? []), { first: reach, last: reach, sums: '' }]);
  for (const [shard, of] of byShard) table.writeIds({ archive, shard, n, runs: of });
  for (const old of await table.ids(archive, firstShard))
    if (!old.runs.some(isLeft)) for (const shard of shards) table.removeIds({ archive, shard, n: old.n });
  return { ...meta, ids: { n: n + 1, count: 0, end: meta.last } };
}

type Joined = { -readonly [name in keyof IdRun]: IdRun[name] };

/**
 * Runs by shard; neighbours are joined.
 *
 * @param end  the greatest place that was sorted before
 */
function sorted(runs: readonly IdRun[], end: string): Map<string, IdRun[]> {
  const all = new Map<string, IdRun[]>();
  const appended = new Map<string, Joined>();
  let greatest = end;
  for (const { first, last, sums } of runs) {
    // What came late stands among others: joined to what came before it, it would reach over half the archive.
    const open = first <= greatest ? new Map<string, Joined>() : appended;
    if (last > greatest) greatest = last;
    for (let at = 0; at < sums.length; at += sumLength) {
      const sum = sums.slice(at, at + sumLength);
      const shard = sum.slice(0, 1);
      const joined = open.get(shard);
      if (joined !== undefined && joined.sums.length < joinedMax * sumLength) {
        joined.last = last;
        joined.sums += sum;
        continue;
      }
      const begun = { first, last, sums: sum };
      open.set(shard, begun);
      const of = all.get(shard);
      if (of === undefined) all.set(shard, [begun]);
      else of.push(begun);
    }
  }
  return all;
}

/** Ids that stand where these rows do. */
export function runOf(rows: readonly ArchiveRow[]): IdRun {
  const sums = rows.map(({ item }) => sumOfId(item.id)).join('');
  return { first: rows[0]?.place ?? '', last: rows.at(-1)?.place ?? '', sums };
}

const noIds = { n: 0, count: 0, end: '' };
