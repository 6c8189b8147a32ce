import { type PageRequest, pageOf } from '../xep/xep0059.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';
import type { ArchiveChange, ArchiveEntry, ArchivePage, ArchiveSearch, Retention } from './archive-store.ts';
import type { HistoryItem } from './event.ts';
import { takesBack, tombstoneOf } from './retraction.ts';
import { itemBytes } from './size.ts';

/** What is kept of a room. It grows with each message, so it is changed where it stands. */
interface Archive {
  entries: ArchiveEntry[];
  retention: Retention;
  /** Of all entries together; undefined: nobody has asked yet. */
  bytes: number | undefined;
  /** None of them is older. */
  since: Instant | undefined;
}

/** The archives of a node's rooms, in memory: for as long as the process lives, and for simulated disks. */
export class ArchiveList {
  readonly #rooms: Map<Jid, Archive>;
  /** Those that no other list has, too. */
  readonly #own = new Set<Archive>();

  constructor(other?: ArchiveList) {
    this.#rooms = new Map(other === undefined ? [] : other.#rooms);
    if (other !== undefined) other.#own.clear();
  }

  apply(changes: readonly ArchiveChange[]): void {
    const archives = new Set<Archive>();
    for (const change of changes) {
      const archive = this.#ownOf(change.room);
      make(archive, change);
      archives.add(archive);
    }
    for (const archive of archives) bound(archive);
  }

  /** All that is kept of a room by now, oldest first. */
  entries(room: Jid): readonly ArchiveEntry[] {
    return this.#rooms.get(room)?.entries ?? [];
  }

  #ownOf(room: Jid): Archive {
    const known = this.#rooms.get(room);
    if (known !== undefined && this.#own.has(known)) return known;
    const own: Archive =
      known === undefined
        ? { entries: [], retention: {}, bytes: 0, since: undefined }
        : { ...known, entries: [...known.entries] };
    this.#rooms.set(room, own);
    this.#own.add(own);
    return own;
  }

  search({ room, nick, start, end, id, page }: ArchiveSearch): ArchivePage {
    const isWanted = ({ item }: ArchiveEntry) =>
      (nick === undefined || item.nick === nick) &&
      (start === undefined || item.at >= start) &&
      (end === undefined || item.at <= end) &&
      (id === undefined || item.id === id);
    return entriesPage(this.entries(room), isWanted, page);
  }
}

/** One page of entries (XEP-0059), which are named by the ids of their messages. */
export function entriesPage(
  entries: readonly ArchiveEntry[],
  isWanted: (entry: ArchiveEntry) => boolean,
  page: PageRequest,
): ArchivePage {
  const named = entries.map(({ place, item }) => ({ id: item.id, place, item }));
  const found = pageOf(named, isWanted, page);
  return found && { ...found, page: found.page.map(({ place, item }) => ({ place, item })) };
}

function make(archive: Archive, change: ArchiveChange): void {
  const { entries } = archive;
  switch (change.kind) {
    case 'kept':
      return keep(archive, change);
    case 'takenBack': {
      const index = entries.findLastIndex(({ item }) => takesBack(change.retraction, item));
      const target = entries[index];
      if (target === undefined) return;
      entries[index] = { place: target.place, item: tombstoneOf(target.item, change.retraction) };
      archive.bytes = undefined;
      return;
    }
    case 'forgotten': {
      const { by, id } = change;
      archive.entries = entries.filter(({ item }) => !item.provisional || item.by !== by || item.id !== id);
      archive.bytes = undefined;
      return;
    }
    case 'emptied':
      Object.assign(archive, { entries: [], retention: {}, bytes: 0, since: undefined });
      return;
    case 'bounded':
      archive.retention = change.retention;
      return;
  }
}

function keep(archive: Archive, { place, item }: ArchiveEntry): void {
  const { entries, since } = archive;
  if (since !== undefined && item.at < since) archive.since = undefined;
  const index = entries.findLastIndex((entry) => entry.place < place) + 1;
  const known = entries[index];
  if (known?.place === place) {
    entries[index] = { place, item };
    archive.bytes = undefined;
  } else {
    // Almost every message is the last one.
    if (index === entries.length) entries.push({ place, item });
    else entries.splice(index, 0, { place, item });
    if (archive.bytes !== undefined) archive.bytes += sizeOf(item);
  }
}

/** What an item is beside what somebody chose, about. */
const restBytes = 300;

function sizeOf(item: HistoryItem): number {
  return restBytes + item.nick.length + itemBytes(item);
}

/** Drops what is beyond the retention: the oldest. */
function bound(archive: Archive): void {
  const { entries, retention } = archive;
  const { count, bytes, before } = retention;
  const sizeAt = (i: number) => sizeOf((entries[i] as ArchiveEntry).item);
  let first = count === undefined ? 0 : Math.max(0, entries.length - count);
  if (bytes !== undefined) {
    archive.bytes ??= entries.reduce((sum, { item }) => sum + sizeOf(item), 0);
    for (let i = 0; i < first; i++) archive.bytes -= sizeAt(i);
    for (; archive.bytes > bytes; first++) archive.bytes -= sizeAt(first);
  } else if (first > 0) archive.bytes = undefined;
  if (first > 0) entries.splice(0, first);
  if (before === undefined || before === archive.since) return;
  archive.entries = entries.filter(({ item }) => item.at >= before);
  archive.bytes = undefined;
  archive.since = before;
}
