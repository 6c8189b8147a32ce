import * as Comlink from 'comlink';
import type { PlainWorkerApi } from '../../host/control.ts';
import type { LabWorkerApi } from '../../sim/lab-branches.ts';

export type LabApi = Comlink.Remote<LabWorkerApi & PlainWorkerApi>;

/** The one worker of all sessions of this page: once it is loaded, the Lab needs no network. */
let shared: { readonly api: LabApi; readonly failed: Promise<never> } | undefined;

/** The Lab's worker. It is started when it is asked for first, and anew if it has failed. */
export async function withLabWorker<T>(work: (api: LabApi) => Promise<T>): Promise<T> {
  shared ??= startWorker();
  const { api, failed } = shared;
  try {
    return await Promise.race([work(api), failed]);
  } catch (error) {
    shared = undefined;
    throw error;
  }
}

function startWorker(): NonNullable<typeof shared> {
  const worker = new Worker(new URL('../../worker/lab.worker.ts', import.meta.url), { type: 'module', name: 'lab' });
  const failed = new Promise<never>((_, reject) =>
    worker.addEventListener('error', ({ message }) => reject(new Error(`the Lab’s worker: ${message}`))),
  );
  failed.catch(() => undefined);
  return { api: Comlink.wrap(worker), failed };
}
