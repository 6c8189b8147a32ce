import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { ArchiveChange, ArchivePage, ArchiveSearch } from '../core/room/archive-store.ts';
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
  /** Resolves when the events and what they change in the archives are durable, all or none. Rejects with StoreError. */
  append(events: readonly RoomEvent[], archived?: readonly ArchiveChange[]): Promise<void>;
  /** Replaces what was appended so far by a snapshot that includes it. */
  saveSnapshot(snapshot: NodeSnapshot, archived?: readonly ArchiveChange[]): Promise<void>;
  /** One page of an archive (XEP-0059). It has all that was appended before. */
  search(search: ArchiveSearch): Promise<ArchivePage>;
  close(): Promise<void>;
}
