import { IndexedDbStore } from '../../../src/worker/indexeddb-store.ts';
import { measureHistory } from '../history.ts';
import { measurePairs } from '../stores.ts';
import { LogStore } from './log-store.ts';

/** The history, or with `pairs` that of an earlier version beside it. */
self.onmessage = async ({ data: { messages, pairs } }: MessageEvent<{ messages: number; pairs: number }>) => {
  const run = Date.now();
  const now = (name: string) => IndexedDbStore.open({ name: `${name}-${run}`, durability: 'strict' });
  const before = (name: string) => LogStore.open(`${name}-${run}`);
  self.postMessage(await (pairs > 0 ? measurePairs({ before, now }, messages, pairs) : measureHistory(now, messages)));
};
