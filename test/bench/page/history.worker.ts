import { IndexedDbStore } from '../../../src/worker/indexeddb-store.ts';
import { measureHistory } from '../history.ts';

self.onmessage = async ({ data }: MessageEvent<number>) => {
  const run = Date.now();
  self.postMessage(
    await measureHistory((name) => IndexedDbStore.open({ name: `${name}-${run}`, durability: 'strict' }), data),
  );
};
