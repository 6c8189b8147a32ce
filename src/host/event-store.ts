import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';

/** A store refused or failed: disk full, database gone, fenced by a newer holder. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** What a store gives back at start. `events` come after the snapshot, in order. */
export interface Recovered {
  readonly snapshot?: NodeSnapshot;
  readonly events: readonly RoomEvent[];
  /** How many of the events were appended last: they are durable, and perhaps nobody heard of them. */
  readonly last: number;
  /** What was found broken and cut off, in words for the page; absent if all was well. */
  readonly damage?: string;
}

/** The log of one node. Contract: test/contract/event-store.contract.ts, run against every store. */
export interface EventStore {
  /** Reads everything back. A torn tail is cut off; nothing that was durable is missing. */
  load(): Promise<Recovered>;
  /** Resolves when all the events are durable, all of them or none. Rejects with StoreError. */
  append(events: readonly RoomEvent[]): Promise<void>;
  /** Replaces what was appended so far by a snapshot that includes it. */
  saveSnapshot(snapshot: NodeSnapshot): Promise<void>;
  close(): Promise<void>;
}
