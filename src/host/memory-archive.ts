import type { ArchiveChange, ArchivePage, ArchiveSearch, Retention } from '../core/room/archive-store.ts';
import type { HistoryItem } from '../core/room/event.ts';
import { takesBack, tombstoneOf } from '../core/room/retraction.ts';
import { pageOf } from '../core/xep/xep0059.ts';

interface Row {
  readonly place: string;
  readonly item: HistoryItem;
  readonly bytes: number;
}

/** The archive of one room in memory: the plainest thing that does what a store promises. */
export class MemoryArchive {
  /** By place. */
  #rows: Row[] = [];
  #bytes = 0;
  #retention: Retention = {};

  apply(change: ArchiveChange): void {
    switch (change.kind) {
      case 'kept':
        this.#put(change.place, change.item);
        break;
      case 'takenBack': {
        const row = this.#rows.findLast(({ item }) => takesBack(change.retraction, item));
        if (row !== undefined) this.#put(row.place, tombstoneOf(row.item, change.retraction));
        break;
      }
      case 'forgotten':
        this.#keep(({ item: { by, id, provisional } }) => !provisional || by !== change.by || id !== change.id);
        break;
      case 'emptied':
        this.#keep(() => false);
        break;
      case 'bounded':
        this.#retention = change.retention;
        break;
    }
  }

  dropOldest(): void {
    const { count = Infinity, bytes = Infinity, before = -Infinity } = this.#retention;
    let dropped = 0;
    for (; this.#rows.length - dropped > count || this.#bytes > bytes; dropped++)
      this.#bytes -= this.#rows[dropped]?.bytes ?? 0;
    this.#rows.splice(0, dropped);
    if (this.#rows.some(({ item }) => item.at < before)) this.#keep(({ item }) => item.at >= before);
  }

  search({ nick, start = -Infinity as never, end = Infinity as never, page }: ArchiveSearch): ArchivePage {
    const isWanted = (item: HistoryItem) =>
      item.at >= start && item.at <= end && (nick === undefined || item.nick === nick);
    return pageOf(
      this.#rows.map(({ item }) => item),
      isWanted,
      page,
    );
  }

  #put(place: string, item: HistoryItem): void {
    const bytes = JSON.stringify(item).length;
    let at = this.#rows.length;
    // Mostly it is the last.
    while (at > 0 && (this.#rows[at - 1] as Row).place >= place) at--;
    const old = this.#rows[at]?.place === place ? this.#rows[at] : undefined;
    this.#rows.splice(at, old === undefined ? 0 : 1, { place, item, bytes });
    this.#bytes += bytes - (old?.bytes ?? 0);
  }

  #keep(isKept: (row: Row) => boolean): void {
    this.#rows = this.#rows.filter(isKept);
    this.#bytes = this.#rows.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
