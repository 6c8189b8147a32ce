import { deleteDB, openDB } from 'idb';
import { IndexedDbStore } from '../../../src/worker/indexeddb-store.ts';
import { eventStoreContract, numbers, type StoreMedium, same } from '../../contract/event-store.contract.ts';
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
        open: () => IndexedDbStore.open({ name: database, durability }),
        raw: () => openDB(database),
        same,
      });
    }
  } finally {
    await deleteDB(database);
  }
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
