import type { EventStore } from '../../src/host/event-store.ts';
import { type AppendFigures, type HistoryFigures, measureHistory, measureStore } from './history.ts';

export interface StoreFigures extends AppendFigures, HistoryFigures {
  /** Of the whole run, in microseconds for each message; absent where nobody tells it. */
  readonly cpuPerMessage?: number;
}

/** The store of an earlier version and today's, on one medium. */
export interface StorePair {
  readonly before: (name: string) => Promise<EventStore>;
  readonly now: (name: string) => Promise<EventStore>;
}

export interface PairFigures {
  readonly before: StoreFigures;
  readonly now: StoreFigures;
}

/**
 * Both stores in turn, several times: the machine is never the same twice.
 *
 * @param cpu  microseconds that the process has taken so far
 */
export async function measurePairs(
  stores: StorePair,
  messages: number,
  pairs: number,
  cpu?: () => number,
): Promise<readonly PairFigures[]> {
  const measured: PairFigures[] = [];
  const measure = async (open: StorePair['now'], run: string): Promise<StoreFigures> => {
    const began = cpu?.();
    const appends = await measureStore(await open(`${run}-store`), messages);
    const cpuPerMessage = cpu === undefined || began === undefined ? undefined : (cpu() - began) / messages;
    const history = await measureHistory((name) => open(`${run}-${name}`), messages);
    return { ...appends, ...history, ...(cpuPerMessage === undefined ? {} : { cpuPerMessage }) };
  };
  // What is measured first finds code that nothing has run yet.
  await measure(stores.before, 'warm-up-before');
  await measure(stores.now, 'warm-up-now');
  for (let n = 0; n < pairs; n++) {
    const before = await measure(stores.before, `before-${n}`);
    measured.push({ before, now: await measure(stores.now, `now-${n}`) });
  }
  return measured;
}
