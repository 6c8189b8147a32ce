import { pageOf } from '../xep/xep0059.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { ArchiveChange, ArchiveEntry, ArchivePage, ArchiveSearch, Retention } from './archive-store.ts';
import type { HistoryItem } from './event.ts';
import { takesBack, tombstoneOf } from './retraction.ts';
import { bytesOf } from './size.ts';

/** The archives of a node's rooms, in memory: for as long as the process lives, and for simulated disks. */
export class ArchiveList {
  readonly #rooms: Map<Jid, readonly ArchiveEntry[]>;

  constructor(other?: ArchiveList) {
    this.#rooms = new Map(other === undefined ? [] : other.#rooms);
  }

  apply(changes: readonly ArchiveChange[]): void {
    for (const change of changes) {
      if (change.kind === 'emptied') this.#rooms.delete(change.room);
      else this.#rooms.set(change.room, changed(this.entries(change.room), change));
    }
  }

  /** All that is kept of a room, oldest first. */
  entries(room: Jid): readonly ArchiveEntry[] {
    return this.#rooms.get(room) ?? [];
  }

  search({ room, nick, start, end, id, page }: ArchiveSearch): ArchivePage {
    const entries = this.entries(room).map((entry) => ({ ...entry, id: entry.item.id }));
    const isWanted = ({ item }: ArchiveEntry) =>
      (nick === undefined || item.nick === nick) &&
      (start === undefined || item.at >= start) &&
      (end === undefined || item.at <= end) &&
      (id === undefined || item.id === id);
    const found = pageOf(entries, isWanted, page);
    return found && { ...found, page: found.page.map(({ place, item }) => ({ place, item })) };
  }
}

function changed(
  entries: readonly ArchiveEntry[],
  change: Exclude<ArchiveChange, { kind: 'emptied' }>,
): readonly ArchiveEntry[] {
  switch (change.kind) {
    case 'kept': {
      const { place, item } = change;
      const index = entries.findLastIndex((entry) => entry.place < place) + 1;
      return entries.toSpliced(index, entries[index]?.place === place ? 1 : 0, { place, item });
    }
    case 'takenBack': {
      const index = entries.findLastIndex(({ item }) => takesBack(change.retraction, item));
      const target = entries[index];
      if (target === undefined) return entries;
      return entries.with(index, { place: target.place, item: tombstoneOf(target.item, change.retraction) });
    }
    case 'forgotten':
      return entries.filter(({ item }) => !item.provisional || item.by !== change.by || item.id !== change.id);
    case 'bounded':
      return bounded(entries, change.retention);
  }
}

function bounded(entries: readonly ArchiveEntry[], { count, bytes, before }: Retention): readonly ArchiveEntry[] {
  let first = count === undefined ? 0 : Math.max(0, entries.length - count);
  if (bytes !== undefined) {
    let left = entries.slice(first).reduce((sum, { item }) => sum + weightOf(item), 0);
    for (; left > bytes && first < entries.length; first++) left -= weightOf((entries[first] as ArchiveEntry).item);
  }
  return entries.slice(first).filter(({ item }) => before === undefined || item.at >= before);
}

function weightOf({ payloads }: HistoryItem): number {
  return bytesOf(payloads);
}
