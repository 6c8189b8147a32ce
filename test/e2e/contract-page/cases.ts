import { deleteDB, openDB } from 'idb';
import type { ArchiveChange } from '../../../src/core/room/archive-store.ts';
import { checksum } from '../../../src/worker/indexeddb-archive.ts';
import { IndexedDbStore } from '../../../src/worker/indexeddb-store.ts';
import {
  eventStoreContract,
  happened,
  numbers,
  type StoreMedium,
  same,
  snapshotAt,
} from '../../contract/event-store.contract.ts';
import { indexedDbCases } from './indexeddb-cases.ts';

let databases = 0;

async function run(name: string, durability: 'strict' | 'relaxed'): Promise<void> {
  const database = `contract-${++databases}`;
  const medium: StoreMedium = { open: () => IndexedDbStore.open({ name: database, durability }) };
  const common = eventStoreContract.find((one) => one.name === name);
  try {
    if (common) await common.run(medium);
    else {
      const own = indexedDbCases.find((one) => one.name === name);
      if (own === undefined) throw new Error(`no case ${name}`);
      await own.run({
        open: (options) => IndexedDbStore.open({ name: database, durability, ...options }),
        raw: () => openDB(database),
        old: (appends, snapshot) => writeFirstVersion(database, appends, snapshot),
        oldArchive: (items) => writeSecondVersion(database, items),
        async later() {
          const { version } = await openDB(database, 1000).then((db) => {
            db.close();
            return db;
          });
          return version;
        },
        same,
      });
    }
  } finally {
    await deleteDB(database);
  }
}

async function writeFirstVersion(name: string, appends: readonly (readonly number[])[], snapshot: number) {
  const db = await openDB(name, 1, {
    upgrade(made) {
      made.createObjectStore('log', { autoIncrement: true });
      made.createObjectStore('snapshot');
      made.createObjectStore('meta');
    },
  });
  const text = JSON.stringify(snapshotAt(snapshot));
  let sum = 77;
  await db.put('snapshot', { snapshot: text, sum: checksum(0, text), chain: sum }, 'latest');
  for (const append of appends) {
    const events = JSON.stringify(append.map(happened));
    sum = checksum(sum, events);
    await db.add('log', { events, sum });
  }
  db.close();
}

Object.assign(globalThis, { runStoreCase: run });

/**
 * Ends a writing worker twenty times at moments of its own choosing (after so many durable numbers).
 *
 * @returns durable events that were missing afterwards, torn batches included
 */
async function killMidWrite(): Promise<number> {
  const name = `kill-${++databases}`;
  let missing = 0;
  for (let round = 1; round <= 20; round++) {
    const worker = new Worker(new URL('./writer.worker.ts', import.meta.url), { type: 'module' });
    let durable = 0;
    let reports = 0;
    await new Promise<void>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<number>) => {
        durable = data;
        if (++reports < round) return;
        worker.terminate();
        resolve();
      };
      worker.postMessage(name);
    });
    const store = await IndexedDbStore.open({ name, durability: 'strict' });
    const { events, damage } = await store.load();
    await store.close();
    const isWhole = numbers(events).every((n, i) => n === i + 1);
    if (damage !== undefined || !isWhole || events.length % 2 !== 0) missing++;
    missing += Math.max(0, durable - events.length);
  }
  await deleteDB(name);
  return missing;
}

Object.assign(globalThis, { killMidWrite });

async function writeSecondVersion(
  name: string,
  changes: readonly (ArchiveChange & { readonly kind: 'kept' })[],
): Promise<void> {
  const db = await openDB(name, 2, {
    upgrade(made) {
      for (const store of ['log', 'broken']) made.createObjectStore(store, { autoIncrement: true });
      for (const store of ['snapshot', 'meta', 'parts', 'archives']) made.createObjectStore(store);
      const blocks = made.createObjectStore('blocks', { keyPath: ['archive', 'first'] });
      for (const index of ['ids', 'nicks']) blocks.createIndex(index, index, { multiEntry: true });
    },
  });
  const rows = changes.map(({ place, item }) => [place, JSON.stringify(item).length, item] as const);
  const text = JSON.stringify(rows);
  const first = changes[0]?.place ?? '';
  const bytes = rows.reduce((sum, [, size]) => sum + size, 0);
  await db.put('blocks', {
    ...{ archive: 0, first, text, sum: checksum(0, first + text) },
    ids: changes.map(({ item }) => `0 ${item.id}`),
    nicks: [`0 ${changes[0]?.item.nick}`],
  });
  const last = changes.at(-1)?.place;
  await db.put('archives', { archive: 0, count: rows.length, bytes, first: '', last, lag: 0 }, changes[0]?.room);
  db.close();
}
