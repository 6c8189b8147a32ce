import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { type EventStore, type Recovered, StoreError } from './event-store.ts';

/** What outlives a MemoryStore: hand it to the next one to play a restart. */
export interface MemoryMedium {
  snapshot?: NodeSnapshot;
  events: RoomEvent[];
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
    return { ...(snapshot ? { snapshot } : {}), events: [...events] };
  }

  async append(events: readonly RoomEvent[]): Promise<void> {
    this.#check();
    this.#medium.events.push(...events);
  }

  async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    this.#check();
    this.#medium.snapshot = snapshot;
    this.#medium.events = [];
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new StoreError('the store is closed');
  }
}
