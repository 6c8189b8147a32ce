import type { NodeSnapshot } from '../core/node/snapshot.ts';
import { ArchiveList } from '../core/room/archive-list.ts';
import type { ArchiveChange, ArchivePage, ArchiveSearch } from '../core/room/archive-store.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { type EventStore, type Recovered, StoreError } from './event-store.ts';

/** What outlives a MemoryStore: hand it to the next one to play a restart. */
export interface MemoryMedium {
  snapshot?: NodeSnapshot;
  events: RoomEvent[];
  /** How many of them came with the last append. */
  last?: number;
  archives?: ArchiveList;
}

/** A log that lives as long as the process: for tests, and where the browser offers no IndexedDB. */
export class MemoryStore implements EventStore {
  readonly #medium: MemoryMedium;
  #closed = false;

  constructor(medium: MemoryMedium = { events: [] }) {
    this.#medium = medium;
  }

  async load(): Promise<Recovered> {
    this.#check();
    const { snapshot, events } = this.#medium;
    return { ...(snapshot ? { snapshot } : {}), events: [...events], last: this.#medium.last ?? 0 };
  }

  async append(events: readonly RoomEvent[], archived: readonly ArchiveChange[] = []): Promise<void> {
    this.#check();
    if (events.length > 0) {
      this.#medium.events.push(...events);
      this.#medium.last = events.length;
    }
    this.#archive(archived);
  }

  async saveSnapshot(snapshot: NodeSnapshot, archived: readonly ArchiveChange[] = []): Promise<void> {
    this.#check();
    this.#medium.snapshot = snapshot;
    this.#medium.events = [];
    this.#medium.last = 0;
    this.#archive(archived);
  }

  async search(search: ArchiveSearch): Promise<ArchivePage> {
    this.#check();
    return (this.#medium.archives ?? new ArchiveList()).search(search);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #archive(changes: readonly ArchiveChange[]): void {
    if (changes.length === 0) return;
    this.#medium.archives ??= new ArchiveList();
    this.#medium.archives.apply(changes);
  }

  #check(): void {
    if (this.#closed) throw new StoreError('the store is closed');
  }
}
