import * as Comlink from 'comlink';
import type { NodeWorkerApi, NodeWorkerConfig, Result } from '../../../src/host/control.ts';
import type { HistoryFigures } from '../history.ts';

/** What the benchmark asks of this page: nothing but workers, so that no picture is drawn in between. */
export interface BenchPage {
  startNode(config: NodeWorkerConfig): Promise<Result>;
  history(messages: number): Promise<HistoryFigures>;
}

const page: BenchPage = {
  startNode(config) {
    const worker = new Worker(new URL('../../../src/worker/node.worker.ts', import.meta.url), { type: 'module' });
    return Comlink.wrap<NodeWorkerApi>(worker).start(
      config,
      Comlink.proxy(() => undefined),
    );
  },
  history(messages) {
    const worker = new Worker(new URL('./history.worker.ts', import.meta.url), { type: 'module' });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<HistoryFigures>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(messages);
    });
  },
};

Object.assign(globalThis, { benchPage: page });
