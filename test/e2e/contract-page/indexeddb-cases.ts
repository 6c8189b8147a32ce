import type { IDBPDatabase } from 'idb';
import type { EventStore } from '../../../src/host/event-store.ts';
import { happened, numbers, snapshotAt } from '../../contract/event-store.contract.ts';

/** What a case may do to one database. */
export interface DatabaseUnderTest {
  open(): Promise<EventStore>;
  /** The database itself, to damage it. */
  raw(): Promise<IDBPDatabase>;
  same(actual: unknown, expected: unknown): void;
}

async function written(open: () => Promise<EventStore>, ...ns: number[]): Promise<void> {
  const store = await open();
  await store.load();
  for (const n of ns) await store.append([happened(n)]);
  await store.close();
}

/** Replaces the n-th record of the log by what `change` makes of it. */
async function damage(db: IDBPDatabase, nth: number, change: (record: { events: string; sum: number }) => unknown) {
  const tx = db.transaction('log', 'readwrite');
  const key = (await tx.store.getAllKeys())[nth] as number;
  await tx.store.put(change((await tx.store.get(key)) as { events: string; sum: number }), key);
  await tx.done;
  db.close();
}

const flipped = ({ events, sum }: { events: string; sum: number }) => ({ events: events.replace('line', 'lime'), sum });

/** What only IndexedDB can suffer: rot, torn tails, two holders. */
export const indexedDbCases: readonly { readonly name: string; run(db: DatabaseUnderTest): Promise<void> }[] = [
  {
    name: 'a damaged last entry is cut off, said, and the log goes on from there',
    async run({ open, raw, same }) {
      await written(open, 1, 2, 3);
      await damage(await raw(), 2, flipped);
      const store = await open();
      const { events, damage: said } = await store.load();
      same([numbers(events), said], [[1, 2], 'a torn last entry was cut off']);
      await store.append([happened(4)]);
      await store.close();
      const again = await open();
      const recovered = await again.load();
      same([numbers(recovered.events), recovered.damage], [[1, 2, 4], undefined]);
      await again.close();
    },
  },
  {
    name: 'a damaged entry in the middle ends the log before it: later ones are never served',
    async run({ open, raw, same }) {
      await written(open, 1, 2, 3, 4);
      await damage(await raw(), 1, flipped);
      const store = await open();
      const { events, damage: said } = await store.load();
      same([numbers(events), said], [[1], 'the log was damaged: its last 3 entries are lost']);
      await store.close();
    },
  },
  {
    name: 'a missing entry in the middle is noticed',
    async run({ open, raw, same }) {
      await written(open, 1, 2, 3);
      const db = await raw();
      const keys = await db.getAllKeys('log');
      await db.delete('log', keys[1] as number);
      db.close();
      const store = await open();
      same(numbers((await store.load()).events), [1]);
      await store.close();
    },
  },
  {
    name: 'a record of another shape is damage, not a crash',
    async run({ open, raw, same }) {
      await written(open, 1, 2);
      await damage(await raw(), 1, () => ({ nonsense: true }));
      const store = await open();
      same(numbers((await store.load()).events), [1]);
      await store.close();
    },
  },
  {
    name: 'a damaged snapshot restores nothing, and says so',
    async run({ open, raw, same }) {
      const store = await open();
      await store.load();
      await store.append([happened(1)]);
      await store.saveSnapshot(snapshotAt(1));
      await store.append([happened(2)]);
      await store.close();
      const db = await raw();
      const saved = (await db.get('snapshot', 'latest')) as { snapshot: string };
      await db.put('snapshot', { ...saved, snapshot: saved.snapshot.replace('"n":1', '"n":7') }, 'latest');
      db.close();
      const again = await open();
      const recovered = await again.load();
      same(
        [recovered.snapshot, recovered.events, recovered.damage],
        [undefined, [], 'the saved snapshot was damaged: nothing could be restored'],
      );
      await again.append([happened(1)]);
      await again.close();
      const third = await open();
      same(numbers((await third.load()).events), [1]);
      await third.close();
    },
  },
  {
    name: 'a holder that was overtaken is fenced off: none of its events get in',
    async run({ open, same }) {
      const old = await open();
      await old.load();
      await old.append([happened(1)]);
      const young = await open();
      await young.load();
      const refused = await old.append([happened(2)]).catch((error: unknown) => String(error));
      same(refused, 'StoreError: fenced: another page has taken over this log');
      const snapshot = await old.saveSnapshot(snapshotAt(2)).catch((error: unknown) => String(error));
      same(snapshot, 'StoreError: fenced: another page has taken over this log');
      await young.append([happened(3)]);
      await young.close();
      await old.close();
      const third = await open();
      same(numbers((await third.load()).events), [1, 3]);
      await third.close();
    },
  },
  {
    name: 'a database that was deleted under the store is an error, not a silent loss',
    async run({ open, same }) {
      const store = await open();
      await store.load();
      // What another page does that wants the database: the store must let go, or that page would wait for ever.
      const name = await new Promise<string>((resolve) => {
        void indexedDB.databases().then((all) => resolve(all.map((one) => one.name ?? '').at(-1) ?? ''));
      });
      await new Promise<void>((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => resolve();
        request.onerror = () => reject(request.error);
      });
      const refused = await store.append([happened(1)]).catch((error: unknown) => String(error));
      same(refused, 'StoreError: the database is wanted by another page');
    },
  },
];
