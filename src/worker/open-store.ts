import type { EventStore, StoreError } from '../host/event-store.ts';
import { MemoryStore } from '../host/memory-store.ts';
import { type IndexedDbOptions, IndexedDbStore } from './indexeddb-store.ts';

export interface OpenedStore {
  readonly store: EventStore;
  /** Why nothing is kept; undefined: it is kept. */
  readonly notKept?: string;
}

/**
 * Opens the node's database, or a store in memory where the browser has none to give (private mode, denied).
 *
 * @param isDenied  the browser lets this page keep nothing: Chromium calls that an unknown error, as it does a broken disk
 * @throws StoreError if there is one that cannot be opened: the rooms must not come back without what is in it
 */
export async function openEventStore(options: IndexedDbOptions, isDenied = false): Promise<OpenedStore> {
  if (typeof indexedDB === 'undefined')
    return { store: new MemoryStore(), notKept: 'this browser offers no IndexedDB' };
  try {
    return { store: await IndexedDbStore.open(options) };
  } catch (error) {
    const { cause } = error as StoreError;
    const denials = ['SecurityError', 'InvalidStateError', ...(isDenied ? ['UnknownError'] : [])];
    if (!(cause instanceof DOMException) || !denials.includes(cause.name)) throw error;
    return { store: new MemoryStore(), notKept: (error as StoreError).message };
  }
}
