import type { ClassicLevel } from 'classic-level';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { HistoryItem, RoomEvent } from '../core/room/event.ts';
import type { Lost } from '../host/event-store.ts';
import { eventText } from '../host/event-text.ts';
import { SnapshotReader } from '../host/snapshot-parts.ts';
import { Draft } from './level-draft.ts';
import { entriesOf, readValue, Unreadable } from './level-entries.ts';
import {
  behind,
  headKey,
  keysOf,
  logKey,
  partKey,
  sealed,
  snapshotKey,
  sumOf,
  unsealed,
  withSum,
} from './level-keys.ts';

/** The last record of a log: its number, and the sum to which the next is chained. */
export interface Head {
  readonly n: number;
  readonly sum: number;
}

/** Where the snapshot is, and after which record of the log it was made. */
export interface SnapshotPointer {
  readonly number: number;
  readonly parts: number;
  /** Of its last part, to which all before are chained. */
  readonly sum: number;
  readonly after: Head;
}

/** What a database holds, as far as it is whole. */
export interface ReadLog {
  readonly snapshot?: NodeSnapshot;
  readonly pointer?: SnapshotPointer;
  readonly events: readonly RoomEvent[];
  readonly last: number;
  readonly head: Head;
  readonly lost?: Exclude<Lost, 'tail-torn'>;
}

/** About so many characters of events are in a record. One event is never divided. */
const recordLength = 1 << 20;

/**
 * An append as texts of records.
 *
 * @param items  is given the JSON of the messages in it, because the archive keeps them, too
 */
export function recordTexts(events: readonly RoomEvent[], items?: Map<HistoryItem, string>): readonly string[] {
  const records: string[] = [];
  let texts: string[] = [];
  let length = 0;
  for (const event of events) {
    if (length > recordLength) {
      records.push(`+[${texts.join(',')}]`);
      texts = [];
      length = 0;
    }
    const text = eventText(event, items);
    texts.push(text);
    length += text.length;
  }
  if (texts.length > 0) records.push(`.[${texts.join(',')}]`);
  return records;
}

/** @returns the new head */
export function writeRecords(draft: Draft, texts: readonly string[], { n, sum }: Head): Head {
  let head = { n, sum };
  for (const text of texts) {
    const key = logKey(head.n + 1);
    const chained = sumOf(key, text, head.sum);
    draft.set(key, withSum(chained, text), undefined);
    head = { n: head.n + 1, sum: chained };
  }
  return head;
}

export function writeHead(draft: Draft, head: Head, before: Head): void {
  const value = ({ n, sum }: Head) => sealed(headKey, JSON.stringify([n, sum]));
  draft.set(headKey, value(head), before.n === 0 ? undefined : value(before));
}

/** Writes a snapshot that nothing points to yet. A few parts at a time: together they may be of any size. */
export async function writeParts(
  db: ClassicLevel,
  number: number,
  texts: readonly string[],
): Promise<Omit<SnapshotPointer, 'after'>> {
  let sum = 0;
  let draft = new Draft(db);
  for (const [part, text] of texts.entries()) {
    const key = partKey(number, part);
    const value = sealed(key, text, sum);
    sum = sumIn(value);
    draft.set(key, value, undefined);
    if (draft.length < 4 * recordLength) continue;
    await draft.write(false);
    draft = new Draft(db);
  }
  await draft.write(false);
  return { number, parts: texts.length, sum };
}

/** @param before  what stood there */
export function writePointer(draft: Draft, pointer: SnapshotPointer, before: SnapshotPointer | undefined): void {
  const value = (one: SnapshotPointer) => sealed(snapshotKey, JSON.stringify(one));
  draft.set(snapshotKey, value(pointer), before && value(before));
}

/** Removes what the snapshot has made needless, and what is left of snapshots that were never finished. */
export async function clearBefore(db: ClassicLevel, { number, after }: SnapshotPointer): Promise<void> {
  await db.clear({ gte: logKey(0), lte: logKey(after.n) });
  await db.clear({ gte: 's', lt: partKey(number, 0) });
  await db.clear({ gte: partKey(number + 1, 0), lt: behind('s') });
}

/** Reads snapshot and log. Each record is checked against its own sum and the one before it, so that none is missed. */
export async function readLog(db: ClassicLevel): Promise<ReadLog> {
  const none = { events: [], last: 0, head: { n: 0, sum: 0 } };
  const lostAll: ReadLog = { ...none, lost: 'snapshot' };
  const saved = await read<SnapshotPointer>(db, snapshotKey);
  if (saved === 'broken') return lostAll;
  const snapshot = saved === undefined ? undefined : await readParts(db, saved);
  if (saved !== undefined && snapshot === undefined) return lostAll;
  const after = saved?.after ?? none.head;
  const log = await readRecords(db, after);
  const head = await read<[number, number]>(db, headKey);
  const isWhole =
    !log.isBroken && (head === undefined ? log.head.n === 0 : head !== 'broken' && head[0] === log.head.n);
  // The log went on from a snapshot that is not there.
  if (saved === undefined && !isWhole && log.begins !== logKey(1)) return lostAll;
  const { events, last } = log;
  return {
    ...(saved === undefined || snapshot === undefined ? {} : { snapshot, pointer: saved }),
    ...{ events, last, head: log.head },
    ...(isWhole ? {} : { lost: 'records' as const }),
  };
}

async function readParts(db: ClassicLevel, { number, parts, sum }: SnapshotPointer): Promise<NodeSnapshot | undefined> {
  const reader = new SnapshotReader();
  let chain = 0;
  let found = 0;
  try {
    for await (const some of entriesOf(db, keysOf(partKey(number, 0).slice(0, -7))))
      for (const [key, value] of some) {
        const text = key === partKey(number, found) ? unsealed(key, value, chain) : undefined;
        if (text === undefined) return undefined;
        reader.add(text);
        chain = sumIn(value);
        found++;
      }
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
  return found === parts && chain === sum ? reader.snapshot : undefined;
}

async function readRecords(db: ClassicLevel, after: Head) {
  const events: RoomEvent[] = [];
  let last = 0;
  /** Of the last append that is whole. */
  let head = after;
  let isBroken = false;
  let begins: string | undefined;
  // Of an append of which more records follow.
  let at = after;
  let begun: RoomEvent[] = [];
  try {
    for await (const some of entriesOf(db, { gte: logKey(after.n + 1), lt: behind('l') }))
      for (const [key, value] of some) {
        begins ??= key;
        const text = key === logKey(at.n + 1) ? unsealed(key, value, at.sum) : undefined;
        if (text === undefined) return { events, last, head, begins, isBroken: true };
        for (const event of JSON.parse(text.slice(1)) as RoomEvent[]) begun.push(event);
        at = { n: at.n + 1, sum: sumIn(value) };
        if (text.startsWith('+')) continue;
        for (const event of begun) events.push(event);
        last = begun.length;
        begun = [];
        head = at;
      }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    isBroken = true;
  }
  return { events, last, head, begins, isBroken: isBroken || at.n !== head.n };
}

async function read<T>(db: ClassicLevel, key: string): Promise<T | 'broken' | undefined> {
  const value = await readValue(db, key);
  if (value === undefined) return undefined;
  const text = unsealed(key, value);
  return text === undefined ? 'broken' : (JSON.parse(text) as T);
}

function sumIn(value: string): number {
  return Number.parseInt(value.slice(0, 8), 16);
}
