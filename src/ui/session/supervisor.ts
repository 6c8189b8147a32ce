import type { NodeReport, Result } from '../../host/control.ts';
import type { NodeProgress } from './progress.ts';

/** One started worker, seen from the page. */
export interface SupervisedWorker {
  start(report: (report: NodeReport) => void): Promise<Result>;
  ping(): Promise<unknown>;
  stop(): Promise<void>;
  terminate(): void;
  /** Called with an uncaught error, also when the script could not be loaded. */
  onError(listener: (text: string) => void): void;
}

export interface SupervisorHost {
  /** Monotonic milliseconds. */
  now(): number;
  setTimer(afterMs: number, fn: () => void): () => void;
}

const beatMs = 1_000;
const deadMs = 3_000;
/** A beat that comes this late was held back by the browser (hidden page): the silence proves nothing. */
const throttledMs = 2_000;
/** Loading the script and reading a long log may take a while. */
const firstWordMs = 30_000;
const restartMinMs = 200;
const restartMaxMs = 5_000;
/** A worker that lived this long was healthy: the back-off starts again. */
const steadyMs = 10_000;
const stopMs = 2_000;

/** Keeps the worker of one node alive: heartbeat, restart with back-off; ends it for good when asked. */
export class Supervisor {
  readonly #node: string;
  readonly #spawn: (acceptLoss: boolean) => SupervisedWorker;
  readonly #host: SupervisorHost;
  readonly #tell: (progress: NodeProgress) => void;
  #worker: SupervisedWorker | undefined;
  #phase: NodeProgress['phase'] = 'waiting';
  /** As the worker said last. */
  #notKept: NodeReport['notKept'];
  #failures = 0;
  #startedAt = 0;
  #heardAt = 0;
  #beatAt = 0;
  #spoke = false;
  #cancelBeat: () => void = () => undefined;
  #cancelRestart: () => void = () => undefined;
  /** Callers that wait for the node to be ready, elsewhere, down or failed. */
  #waiting: (() => void)[] = [];

  constructor(
    node: string,
    spawn: (acceptLoss: boolean) => SupervisedWorker,
    host: SupervisorHost,
    tell: (progress: NodeProgress) => void,
  ) {
    this.#node = node;
    this.#spawn = spawn;
    this.#host = host;
    this.#tell = tell;
  }

  get phase(): NodeProgress['phase'] {
    return this.#phase;
  }

  /** @param acceptLoss  it may start without what its log has lost */
  start(acceptLoss = false): void {
    this.#cancelRestart();
    const worker = this.#spawn(acceptLoss);
    this.#worker = worker;
    this.#spoke = false;
    this.#startedAt = this.#host.now();
    this.#become('waiting', 'starting the worker');
    worker.onError((text) => {
      // A worker that runs survives its own errors; one that never spoke has not even loaded.
      if (this.#worker === worker && !this.#spoke) this.#died(`the worker did not start: ${text}`);
    });
    worker
      .start((report) => {
        if (this.#worker === worker) this.#heard(report);
      })
      .catch((error: unknown) => {
        if (this.#worker === worker) this.#died(String(error));
      });
    this.#beatAt = this.#heardAt = this.#host.now();
    this.#beat(worker);
  }

  /** Settles when the node is ready, or will not become so by itself. */
  settled(): Promise<void> {
    if (isSettled(this.#phase)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends the worker at once, as a crash would; its log stays. */
  crash(): void {
    this.#end();
    this.#become(
      'down',
      this.#notKept === 'denied' ? 'crashed: what it had was in memory only' : 'crashed: its log is kept',
    );
  }

  async restart(acceptLoss = false): Promise<void> {
    if (this.#worker !== undefined) this.crash();
    this.#failures = 0;
    this.start(acceptLoss);
    await this.settled();
  }

  /** Lets the worker log out, but does not wait for long. Callers that wait for it to be ready are released. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#cancelBeat();
    this.#cancelRestart();
    this.#worker = undefined;
    if (worker !== undefined) {
      await Promise.race([
        worker.stop().catch(() => undefined),
        new Promise<void>((resolve) => void this.#host.setTimer(stopMs, resolve)),
      ]);
      worker.terminate();
    }
    this.#release();
  }

  #heard({ phase, detail, lost, notKept }: NodeReport): void {
    this.#spoke = true;
    this.#notKept = notKept;
    this.#heardAt = this.#host.now();
    if (phase === 'stopped') this.#died(detail);
    else if (phase === 'failed') {
      this.#end();
      this.#become('failed', detail, lost);
    } else this.#become(phase, detail);
  }

  #beat(worker: SupervisedWorker): void {
    const now = this.#host.now();
    if (now - this.#beatAt > throttledMs) this.#heardAt = now;
    this.#beatAt = now;
    if (now - this.#heardAt >= (this.#spoke ? deadMs : firstWordMs)) {
      this.#died('the worker stopped answering');
      return;
    }
    // A call to a dead worker never settles: nothing waits for it.
    worker.ping().then(
      () => {
        if (this.#worker === worker) this.#heardAt = this.#host.now();
      },
      () => undefined,
    );
    this.#cancelBeat = this.#host.setTimer(beatMs, () => this.#beat(worker));
  }

  #died(why: string): void {
    if (this.#host.now() - this.#startedAt >= steadyMs) this.#failures = 0;
    const delayMs = Math.min(restartMaxMs, restartMinMs * 2 ** this.#failures++);
    this.#end();
    this.#become('restarting', `${why}; again in ${(delayMs / 1000).toFixed(1)} s`);
    this.#cancelRestart = this.#host.setTimer(delayMs, () => this.start());
  }

  #end(): void {
    this.#cancelBeat();
    this.#cancelRestart();
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #become(phase: NodeProgress['phase'], detail: string, lost?: true): void {
    this.#phase = phase;
    const notKept = this.#notKept === undefined ? {} : { notKept: this.#notKept };
    this.#tell({ node: this.#node, phase, detail, ...(lost ? { lost } : {}), ...notKept });
    if (isSettled(phase)) this.#release();
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function isSettled(phase: NodeProgress['phase']): boolean {
  return phase === 'ready' || phase === 'elsewhere' || phase === 'down' || phase === 'failed';
}
