import * as Comlink from 'comlink';
import type { NodeWorkerApi, Result } from '../../../src/host/control.ts';
import type { LiveConfig } from '../../../src/scenario/live-config-type.ts';
import type { HistoryFigures } from '../history.ts';
import type { PairFigures } from '../stores.ts';

/** `?node` runs the scenario's node in a worker, `?history=N` and `&pairs=N` measure stores: no picture is drawn in between. */
async function run(query: URLSearchParams): Promise<Result | Measured> {
  return query.has('node') ? startNode() : history(Number(query.get('history')), Number(query.get('pairs')));
}

async function startNode(): Promise<Result> {
  const { scenario, credentials, websocket } = (await (await fetch('config.json')).json()) as LiveConfig;
  const [node] = scenario.nodes;
  if (node === undefined) return { ok: false, error: 'the scenario has no node' };
  const worker = new Worker(new URL('../../../src/worker/node.worker.ts', import.meta.url), { type: 'module' });
  return Comlink.wrap<NodeWorkerApi>(worker).start(
    {
      scenario,
      node,
      websocket: `ws://${location.host}${websocket}`,
      password: credentials.nodes[node.address] ?? '',
    },
    Comlink.proxy(() => undefined),
    Comlink.proxy(() => Promise.resolve()),
  );
}

type Measured = HistoryFigures | readonly PairFigures[];

function history(messages: number, pairs: number): Promise<Measured> {
  const worker = new Worker(new URL('./history.worker.ts', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Measured>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ messages, pairs });
  });
}

const result = await run(new URLSearchParams(location.search)).catch((error: unknown) => ({
  ok: false,
  error: String(error),
}));
await fetch('result', { method: 'POST', body: JSON.stringify(result) });
