import type { IDBPDatabase } from 'idb';
import type { ArchiveChange } from '../../../src/core/room/archive-store.ts';
import { type EventStore, type LossOptions, StoreError } from '../../../src/host/event-store.ts';
import { happened, kept, numbers, snapshotAt } from '../../contract/event-store.contract.ts';

/** What a case may do to one database. */
export interface DatabaseUnderTest {
  open(options?: LossOptions): Promise<EventStore>;
  /** The database itself, to damage it. */
  raw(): Promise<IDBPDatabase>;
  /** Writes the database as the first version of this store did. */
  old(appends: readonly (readonly number[])[], snapshot: number): Promise<void>;
  /** Writes the archive of a database as the second version did, in one block. */
  oldArchive(kept: readonly (ArchiveChange & { readonly kind: 'kept' })[]): Promise<void>;
  /** Makes it one of a later version. @returns its version */
  later(): Promise<number>;
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

/** With what code and sign a store refuses to be loaded. */
async function refusal(open: DatabaseUnderTest['open']): Promise<unknown> {
  const store = await open();
  const error = await store.load().catch((e: unknown) => e);
  await store.close();
  return error instanceof StoreError ? [error.code, error.lost] : error;
}

async function accepted(open: DatabaseUnderTest['open']) {
  const store = await open({ acceptLoss: true });
  const recovered = await store.load();
  await store.close();
  return recovered;
}

const { room } = kept(1);
const page = { max: 100 };

/** What only IndexedDB can suffer: rot, two holders, a quota. */
export const indexedDbCases: readonly { readonly name: string; run(db: DatabaseUnderTest): Promise<void> }[] = [
  {
    name: 'a damaged entry ends the log before it, once somebody has accepted that; what comes after it is kept aside',
    async run({ open, raw, same }) {
      await written(open, 1, 2, 3, 4);
      await damage(await raw(), 1, flipped);
      // Nothing is changed by a refusal.
      same(await refusal(open), ['lost', 'records']);
      same(await refusal(open), ['lost', 'records']);
      const { events, lost } = await accepted(open);
      same([numbers(events), lost], [[1], 'records']);
      const db = await raw();
      const aside = (await db.getAll('broken')) as { record: { events: string } }[];
      same(
        aside.map(({ record }) => /li[nm]e \d/.exec(record.events)?.[0]),
        ['lime 2', 'line 3', 'line 4'],
      );
      db.close();
      await written(open, 5);
      const again = await open();
      same(numbers((await again.load()).events), [1, 5]);
      await again.close();
    },
  },
  {
    name: 'a missing entry is noticed, in the middle and at the end',
    async run({ open, raw, same }) {
      await written(open, 1, 2, 3, 4);
      const db = await raw();
      const keys = await db.getAllKeys('log');
      await db.delete('log', keys[3] as number);
      same(await refusal(open), ['lost', 'records']);
      same(numbers((await accepted(open)).events), [1, 2, 3]);
      await db.delete('log', keys[1] as number);
      db.close();
      same(await refusal(open), ['lost', 'records']);
      same(numbers((await accepted(open)).events), [1]);
    },
  },
  {
    name: 'a record of another shape is damage, not a crash',
    async run({ open, raw, same }) {
      await written(open, 1, 2);
      await damage(await raw(), 1, () => ({ nonsense: true }));
      same(await refusal(open), ['lost', 'records']);
      same(numbers((await accepted(open)).events), [1]);
    },
  },
  {
    name: 'a damaged snapshot restores nothing, and nobody who makes the room anew reads its archive',
    async run({ open, raw, same }) {
      const store = await open();
      await store.load();
      await store.append([happened(1)], [kept(1)]);
      await store.saveSnapshot(snapshotAt(1));
      await store.append([happened(2)]);
      await store.close();
      const db = await raw();
      const part = (await db.get('parts', 1)) as { text: string };
      await db.put('parts', { ...part, text: part.text.replace('"n":1', '"n":7') }, 1);
      db.close();
      same(await refusal(open), ['lost', 'snapshot']);
      const again = await open({ acceptLoss: true });
      const recovered = await again.load();
      same([recovered.snapshot, recovered.events, recovered.lost], [undefined, [], 'snapshot']);
      same((await again.search({ room, page }))?.page, []);
      await again.append([happened(1)]);
      await again.close();
      const third = await open();
      same(numbers((await third.load()).events), [1]);
      await third.close();
    },
  },
  {
    name: 'a message of an archive that is damaged is left out, said once, and kept aside',
    async run({ open, raw, same }) {
      const store = await open();
      await store.load();
      for (const n of [1, 2, 3]) await store.append([], [kept(n)]);
      await store.close();
      const db = await raw();
      const [, key] = await db.getAllKeys('blocks');
      const block = (await db.get('blocks', key as IDBValidKey)) as { text: string };
      await db.put('blocks', { ...block, text: block.text.replace('line 2', 'line 7') });
      db.close();
      const said: string[] = [];
      const again = await open({ damaged: (damage) => said.push(damage) });
      await again.load();
      same(
        (await again.search({ room, page }))?.page.map(({ item }) => item.id),
        ['id-1', 'id-3'],
      );
      await again.append([], [kept(4)]);
      same((await again.search({ room, page }))?.count, 3);
      same(said.length, 1);
      await again.close();
    },
  },
  {
    name: 'a database of a first version is read, and goes on',
    async run({ open, old, same }) {
      await old([[1, 2], [3]], 0);
      const store = await open();
      const { snapshot, events, last } = await store.load();
      same([snapshot?.rooms[0]?.n, numbers(events), last], [0, [1, 2, 3], 1]);
      await store.append([happened(4)], [kept(4)]);
      await store.close();
      const again = await open();
      same(numbers((await again.load()).events), [1, 2, 3, 4]);
      same((await again.search({ room, page }))?.count, 1);
      await again.close();
    },
  },
  {
    name: 'a database of a second version, with an index of ids, is read, and goes on',
    async run({ open, oldArchive, same }) {
      await oldArchive([kept(1), kept(2), kept(3)]);
      const store = await open();
      await store.load();
      await store.append(
        [],
        Array.from({ length: 1200 }, (_, n) => kept(n + 4)),
      );
      const ids = async (after: string) =>
        (await store.search({ room, page: { max: 2, after } }))?.page.map(({ item }) => item.id);
      same(await ids('id-1'), ['id-2', 'id-3']);
      same(await ids('id-3'), ['id-4', 'id-5']);
      await store.close();
    },
  },
  {
    name: 'where ids are is written anew when it is damaged',
    async run({ open, raw, same }) {
      const store = await open();
      await store.load();
      for (const from of [0, 1500, 3000, 4500])
        await store.append(
          [],
          Array.from({ length: 1500 }, (_, n) => kept(from + n)),
        );
      await store.close();
      const db = await raw();
      for (const record of (await db.getAll('ids')) as { text: string }[])
        await db.put('ids', { ...record, text: record.text.replace('000', '001') });
      db.close();
      const said: string[] = [];
      const again = await open({ damaged: (damage) => said.push(damage) });
      await again.load();
      const found = async (n: number) =>
        (await again.search({ room, id: `id-${n}`, page: { max: 1 } }))?.page.map(({ item }) => item.id);
      await Promise.all([found(10), found(5990)]);
      same(said.length > 0, true);
      await again.append([], [kept(7000)]);
      for (const n of [10, 1499, 1500, 5990, 7000]) same(await found(n), [`id-${n}`]);
      await again.close();
    },
  },
  {
    name: 'a database of a later version is refused, and left as it is',
    async run({ open, later, same }) {
      const version = await later();
      const error = await open({ acceptLoss: true }).catch((e: unknown) => e);
      same(error instanceof StoreError && error.code, 'newer');
      same(await later(), version);
    },
  },
  {
    name: 'a quota that is used up refuses what is new, and with room the store goes on',
    async run({ open, same }) {
      const store = await open();
      await store.load();
      await store.append([happened(1)]);
      // At the boundary of IndexedDB itself: the request fails, and its transaction with it.
      const { add } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.add = function (this: IDBObjectStore) {
        this.transaction.abort();
        throw new DOMException('no room', 'QuotaExceededError');
      };
      const refused = await store.append([happened(2)], [kept(2)]).catch((e: unknown) => e);
      IDBObjectStore.prototype.add = add;
      same(refused instanceof StoreError && refused.code, 'full');
      await store.append([happened(3)], [kept(3)]);
      same(
        (await store.search({ room, page }))?.page.map(({ item }) => item.id),
        ['id-3'],
      );
      await store.close();
      const again = await open();
      same(numbers((await again.load()).events), [1, 3]);
      await again.close();
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
      let told = false;
      store.onGone?.(() => {
        told = true;
      });
      // What another page does that wants the database: the store must let go, or that page would wait for ever.
      const name = await new Promise<string>((resolve) => {
        void indexedDB.databases().then((all) => resolve(all.map((one) => one.name ?? '').at(-1) ?? ''));
      });
      await new Promise<void>((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => resolve();
        request.onerror = () => reject(request.error);
      });
      same(told, true);
      const refused = await store.append([happened(1)]).catch((error: unknown) => error);
      same(refused instanceof StoreError && refused.code, 'gone');
    },
  },
];
