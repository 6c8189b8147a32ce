import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { type EventStore, type Recovered, StoreError } from './event-store.ts';

/** What outlives a MemoryStore: hand it to the next one to play a restart. */
export interface MemoryMedium {
  snapshot?: NodeSnapshot;
  events: RoomEvent[];
  /** How many of them came with the last append. */
  last?: number;
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

  async append(events: readonly RoomEvent[]): Promise<void> {
    this.#check();
    this.#medium.events.push(...events);
    this.#medium.last = events.length;
  }

  async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    this.#check();
    this.#medium.snapshot = snapshot;
    this.#medium.events = [];
    this.#medium.last = 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new StoreError('the store is closed');
  }
}
