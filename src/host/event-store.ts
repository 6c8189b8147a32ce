import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { ArchiveChange, ArchivePage, ArchiveSearch } from '../core/room/archive-store.ts';
import type { RoomEvent } from '../core/room/event.ts';

/**
 * Why a store refuses or fails, where that is known.
 *
 * - `full`: no room on the disk, or no quota left; what was to be written is not kept, and the next append tries again.
 * - `read-only`: nothing may be written there.
 * - `gone`: directory or database were deleted under the store; it can do nothing any more.
 * - `in-use`: another process or page has it. `fenced`: another page has taken it over.
 * - `newer`: a later version of Netsplit has written it; it is left as it is.
 * - `lost`: something is broken, and an operator has to say whether the node may start without it.
 */
export type StoreErrorCode = 'full' | 'read-only' | 'gone' | 'in-use' | 'fenced' | 'newer' | 'lost';

/** What is missing of a store: the end of an append that was never acknowledged, some records of the log, or the snapshot. */
export type Lost = 'tail-torn' | 'records' | 'snapshot';

export interface StoreErrorOptions extends ErrorOptions {
  readonly code?: StoreErrorCode | undefined;
  readonly lost?: Lost | undefined;
}

/** A store refused or failed: disk full, database gone, fenced by a newer holder. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode | undefined;
  /** With the code `lost`: what is missing. */
  readonly lost: Lost | undefined;

  constructor(message: string, { code, lost, ...options }: StoreErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.lost = lost;
  }
}

/** What a store gives back at start. `events` come after the snapshot, in order. */
export interface Recovered {
  readonly snapshot?: NodeSnapshot;
  readonly events: readonly RoomEvent[];
  /** How many of the events were appended last: they are durable, and perhaps nobody heard of them. */
  readonly last: number;
  /** What was found broken, and where it was set aside, in words for the page; absent if all was well. */
  readonly damage?: string;
  /** What is missing; absent if nothing is. Affiliations, bans and configuration may be in `records` and `snapshot`. */
  readonly lost?: Lost;
}

/** What every store of a disk is opened with. */
export interface LossOptions {
  /** An operator has said that the node may start without what is lost. Otherwise `load` rejects with the code `lost`. */
  readonly acceptLoss?: boolean | undefined;
  /** What was found broken after the start, in words: a message of the archive that cannot be read. */
  readonly damaged?: ((damage: string) => void) | undefined;
}

/** The log of one node, and its rooms' archives. Contract: test/contract/event-store.contract.ts, run against every store. */
export interface EventStore {
  /**
   * Reads everything back but the archives. A torn tail is cut off; nothing that was durable is missing.
   *
   * @throws StoreError with the code `lost` if something is missing that was durable. Nothing is changed then.
   */
  load(): Promise<Recovered>;
  /** Resolves when all of it is durable, all or none. Rejects with StoreError. */
  append(events: readonly RoomEvent[], archived?: readonly ArchiveChange[]): Promise<void>;
  /** Replaces what was appended so far by a snapshot that includes it. The archives stay, with these changes. */
  saveSnapshot(snapshot: NodeSnapshot, archived?: readonly ArchiveChange[]): Promise<void>;
  /**
   * A page of a room's archive (XEP-0059, as `pageOf` has it). It sees every append that has resolved before it. Count and
   * index are left out where they would have to be counted in a long archive.
   */
  search(search: ArchiveSearch): Promise<ArchivePage>;
  /** Nothing that was removed or replaced is left on the disk. Absent: that is out of reach. */
  erase?(): Promise<void>;
  /** After an append that failed with the code `full` or `read-only`: whether there is room again. Absent: trying tells. */
  hasRoom?(): boolean;
  /** Calls back once with the reason, if it turns out to be gone while nothing is written. Absent: the next append tells. */
  onGone?(tell: (why: string) => void): void;
  close(): Promise<void>;
}
