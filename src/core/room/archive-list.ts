import { type PageRequest, pageOf } from '../xep/xep0059.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { ArchiveChange, ArchiveEntry, ArchivePage, ArchiveSearch, Retention } from './archive-store.ts';
import type { HistoryItem } from './event.ts';
import { takesBack, tombstoneOf } from './retraction.ts';

interface Archive {
  readonly entries: readonly ArchiveEntry[];
  readonly retention: Retention;
}

/** The archives of a node's rooms, in memory: for as long as the process lives, and for simulated disks. */
export class ArchiveList {
  readonly #rooms: Map<Jid, Archive>;

  constructor(other?: ArchiveList) {
    this.#rooms = new Map(other === undefined ? [] : other.#rooms);
  }

  apply(changes: readonly ArchiveChange[]): void {
    const rooms = new Set<Jid>();
    for (const change of changes) {
      rooms.add(change.room);
      this.#rooms.set(change.room, changed(this.#rooms.get(change.room) ?? empty, change));
    }
    for (const room of rooms) this.#rooms.set(room, bounded(this.#rooms.get(room) ?? empty));
  }

  /** All that is kept of a room, oldest first. */
  entries(room: Jid): readonly ArchiveEntry[] {
    return this.#rooms.get(room)?.entries ?? [];
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

const empty: Archive = { entries: [], retention: {} };

function changed({ entries, retention }: Archive, change: ArchiveChange): Archive {
  switch (change.kind) {
    case 'kept':
      return { entries: withEntry(entries, change), retention };
    case 'takenBack': {
      const index = entries.findLastIndex(({ item }) => takesBack(change.retraction, item));
      const target = entries[index];
      if (target === undefined) return { entries, retention };
      const tombstone = { place: target.place, item: tombstoneOf(target.item, change.retraction) };
      return { entries: entries.with(index, tombstone), retention };
    }
    case 'forgotten': {
      const { by, id } = change;
      const left = entries.filter(({ item }) => !item.provisional || item.by !== by || item.id !== id);
      return { entries: left, retention };
    }
    case 'emptied':
      return { entries: [], retention };
    case 'bounded':
      return { entries, retention: change.retention };
  }
}

function withEntry(entries: readonly ArchiveEntry[], { place, item }: ArchiveEntry): readonly ArchiveEntry[] {
  const index = entries.findLastIndex((entry) => entry.place < place) + 1;
  return entries.toSpliced(index, entries[index]?.place === place ? 1 : 0, { place, item });
}

/** By item, because each is asked for with every change of its archive. */
const sizes = new WeakMap<HistoryItem, number>();

function sizeOf(item: HistoryItem): number {
  const size = sizes.get(item) ?? JSON.stringify(item).length;
  sizes.set(item, size);
  return size;
}

function bounded({ entries, retention }: Archive): Archive {
  const { count, bytes, before } = retention;
  let first = count === undefined ? 0 : Math.max(0, entries.length - count);
  if (bytes !== undefined) {
    let left = 0;
    for (let i = first; i < entries.length; i++) left += sizeOf((entries[i] as ArchiveEntry).item);
    for (; left > bytes; first++) left -= sizeOf((entries[first] as ArchiveEntry).item);
  }
  const isYoung = ({ item }: ArchiveEntry) => before === undefined || item.at >= before;
  return { entries: first === 0 && before === undefined ? entries : entries.slice(first).filter(isYoung), retention };
}
