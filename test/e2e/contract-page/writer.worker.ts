import { IndexedDbStore } from '../../../src/worker/indexeddb-store.ts';
import { happened } from '../../contract/event-store.contract.ts';

/** Appends numbered events without end and posts each number once it is durable. */
self.onmessage = async ({ data }: MessageEvent<string>) => {
  const store = await IndexedDbStore.open({ name: data, durability: 'strict' });
  const { events } = await store.load();
  for (let n = events.length + 1; ; n += 2) {
    await store.append([happened(n), happened(n + 1)]);
    self.postMessage(n + 1);
  }
};
