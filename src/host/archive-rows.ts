/** What the archives of all stores have in common: how a room's archive changes, whatever holds its rows. */
import type { ArchiveChange, Retention } from '../core/room/archive-store.ts';
import type { HistoryItem } from '../core/room/event.ts';
import { takesBack, tombstoneOf } from '../core/room/retraction.ts';
import { readRetract } from '../core/xep/xep0424.ts';
import type { Jid } from '../core/xmpp/jid.ts';

/** What is known of a room's archive without reading it. */
export interface ArchiveMeta {
  /** Its number. A room that is emptied gets a new one, so that emptying takes one write. */
  readonly archive: number;
  readonly count: number;
  readonly bytes: number;
  /** Nothing stands before this place: what did was dropped. */
  readonly first: string;
  /** The greatest place that was ever taken. */
  readonly last: string;
  /** How much later than its item a place is at most, in milliseconds. */
  readonly lag: number;
  readonly retention?: Retention;
  /** Of where ids are (archive-ids.ts): the next record, how many ids are not sorted, and the greatest place that is. */
  readonly ids?: { readonly n: number; readonly count: number; readonly end: string };
}

/** An item where it stands, with its size as the store wrote it. */
export interface ArchiveRow {
  readonly place: string;
  readonly item: HistoryItem;
  readonly bytes: number;
  readonly nick: string;
  /** The item as JSON, if it is new. */
  readonly text?: string;
}

/** Part of an archive: from one place, or behind one, up to another, which is not included. */
export interface ArchiveRange {
  readonly archive: number;
  readonly from?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** Only those of one author. */
  readonly nick?: string | undefined;
}

/** What can be read of archives. Rows that are broken are left out, and the store says so. */
export interface ArchiveReader {
  meta(room: Jid): Promise<ArchiveMeta | undefined>;
  /** Where the items with this id stand, in order. */
  placesOf(archive: number, id: string): Promise<readonly string[]>;
  rows(range: ArchiveRange, limit: number, reverse: boolean): Promise<readonly ArchiveRow[]>;
}

/** What can be done to archives within one change of the store. What it reads includes what it has written. */
export interface ArchiveWriter {
  meta(room: Jid): Promise<ArchiveMeta | undefined>;
  placesOf(archive: number, id: string): Promise<readonly string[]>;
  get(archive: number, place: string): Promise<ArchiveRow | undefined>;
  newArchive(): number;
  setMeta(room: Jid, meta: ArchiveMeta): void;
  /** Behind all that were ever there. @returns its size */
  append(archive: number, place: string, item: HistoryItem): number;
  /** Anywhere; in the place of what stands there. @returns its size */
  put(archive: number, place: string, item: HistoryItem): Promise<number>;
  drop(archive: number, row: ArchiveRow): Promise<void>;
  /** Nobody refers to it any more. */
  forsake(archive: number): void;
}

/** The beginning of every place of this time. */
export function placeAt(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(15, '0');
}

/** Does what is to be done with archives, in order. What a retention forbids is dropped later, by `dropOldest`. */
export async function applyArchiveChanges(writer: ArchiveWriter, changes: readonly ArchiveChange[]): Promise<void> {
  const metas = new Map<Jid, Changing>();
  for (const change of changes) {
    const { room } = change;
    let meta = metas.get(room);
    if (meta === undefined) {
      meta = { ...((await writer.meta(room)) ?? emptyMeta(writer.newArchive())) };
      metas.set(room, meta);
    }
    if (change.kind === 'kept' && change.place > meta.last) append(writer, meta, change.place, change.item);
    else Object.assign(meta, await applied(writer, meta, change));
  }
  for (const [room, meta] of metas) writer.setMeta(room, meta);
}

type Changing = { -readonly [name in keyof ArchiveMeta]: ArchiveMeta[name] };

/** What nearly all changes are: in place, because there may be a hundred thousand a second. */
function append(writer: ArchiveWriter, meta: Changing, place: string, item: HistoryItem): void {
  meta.bytes += writer.append(meta.archive, place, item);
  meta.count++;
  meta.last = place;
  meta.lag = Math.max(meta.lag, lagOf(place, item));
}

function lagOf(place: string, item: HistoryItem): number {
  return Number(place.slice(0, 15)) - item.at || 0;
}

async function applied(writer: ArchiveWriter, meta: ArchiveMeta, change: ArchiveChange): Promise<ArchiveMeta> {
  const { archive } = meta;
  switch (change.kind) {
    case 'kept': {
      const { place, item } = change;
      const old = await writer.get(archive, place);
      const bytes = await writer.put(archive, place, item);
      return {
        ...meta,
        count: meta.count + (old === undefined ? 1 : 0),
        bytes: meta.bytes + bytes - (old?.bytes ?? 0),
        ...(place < meta.first ? { first: place } : {}),
        lag: Math.max(meta.lag, lagOf(place, item)),
      };
    }
    case 'takenBack': {
      const id = readRetract(change.retraction.payloads);
      if (id === undefined) return meta;
      // As in a room's own history: the last one that it takes back.
      for (const place of [...(await writer.placesOf(archive, id))].reverse()) {
        const row = await writer.get(archive, place);
        if (row === undefined || !takesBack(change.retraction, row.item)) continue;
        const bytes = await writer.put(archive, place, tombstoneOf(row.item, change.retraction));
        return { ...meta, bytes: meta.bytes + bytes - row.bytes };
      }
      return meta;
    }
    case 'forgotten': {
      let left = meta;
      for (const place of await writer.placesOf(archive, change.id)) {
        const row = await writer.get(archive, place);
        if (row?.item.provisional === undefined || row.item.by !== change.by) continue;
        await writer.drop(archive, row);
        left = { ...left, count: left.count - 1, bytes: left.bytes - row.bytes };
      }
      return left;
    }
    case 'emptied':
      writer.forsake(archive);
      return {
        ...emptyMeta(writer.newArchive()),
        ...(meta.retention === undefined ? {} : { retention: meta.retention }),
      };
    case 'bounded':
      return { ...meta, retention: change.retention };
  }
}

export function emptyMeta(archive: number): ArchiveMeta {
  return { archive, count: 0, bytes: 0, first: '', last: '', lag: 0 };
}

/** Whether something has to go. Of age it is known only by looking. */
export function isOver({ count, bytes, retention }: ArchiveMeta): boolean {
  if (retention === undefined || count === 0) return false;
  return (
    count > (retention.count ?? Infinity) || bytes > (retention.bytes ?? Infinity) || retention.before !== undefined
  );
}

/**
 * Drops the oldest of these rows, which are the first of the archive, as far as the retention forbids them.
 *
 * @returns what is left, and whether rows behind these have to be looked at, too
 */
export async function dropOldest(
  writer: Pick<ArchiveWriter, 'drop'>,
  meta: ArchiveMeta,
  rows: readonly ArchiveRow[],
): Promise<{ readonly meta: ArchiveMeta; readonly more: boolean }> {
  const { count = Infinity, bytes = Infinity, before = -Infinity } = meta.retention ?? {};
  let left = meta;
  // Where something younger than its place says has stayed, `first` stays, too.
  let hasStayed = false;
  for (const row of rows) {
    const isTooMuch = left.count > count || left.bytes > bytes;
    if (!isTooMuch && row.place >= placeAt(before + meta.lag)) return { meta: left, more: false };
    if (!isTooMuch && row.item.at >= before) {
      hasStayed = true;
      continue;
    }
    await writer.drop(meta.archive, row);
    left = {
      ...left,
      count: left.count - 1,
      bytes: left.bytes - row.bytes,
      first: hasStayed ? left.first : `${row.place}\0`,
    };
  }
  return { meta: left, more: rows.length > 0 };
}
