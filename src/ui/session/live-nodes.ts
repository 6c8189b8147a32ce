import * as Comlink from 'comlink';
import type { NodeWorkerApi, NodeWorkerConfig } from '../../host/control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import type { ScenarioNode } from '../../scenario/scenario.ts';
import type { NodeProgress } from './progress.ts';
import { type ActResult, refuse } from './session.ts';
import { type SupervisedWorker, Supervisor, type SupervisorHost } from './supervisor.ts';
import { within } from './within.ts';

const pageHost: SupervisorHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
};

/** A worker that takes longer to be ready, or to stop, never will. */
const readyMs = 30_000;
/** The others do not wait longer for a node that reads a long log. */
const boundMs = 10_000;
const toBeBound: readonly NodeProgress['phase'][] = ['waiting', 'restoring', 'connecting', 'logged-in'];

/** The workers of the room nodes that this page may run. */
export class LiveNodes {
  readonly #config: LiveConfig;
  readonly #websocket: string;
  readonly #tell: (progress: NodeProgress) => void;
  readonly #supervisors = new Map<string, Supervisor>();
  /** By address, including nodes that another page runs. */
  readonly #progress = new Map<string, NodeProgress>();
  readonly #waiting = new Set<() => void>();

  constructor(config: LiveConfig, websocket: string, tell: (progress: NodeProgress) => void) {
    this.#config = config;
    this.#websocket = websocket;
    this.#tell = tell;
  }

  get progress(): Iterable<NodeProgress> {
    return this.#progress.values();
  }

  /** Whether any node runs on this page. */
  get any(): boolean {
    return this.#phases.some((phase) => phase !== 'elsewhere');
  }

  get anyReady(): boolean {
    return this.#phases.includes('ready');
  }

  get allReady(): boolean {
    return this.#phases.every((phase) => phase === 'ready');
  }

  has(address: string): boolean {
    return this.#supervisors.has(address);
  }

  /** Whether it runs on this page, in whatever state. */
  runs(address: string): boolean {
    const phase = this.phaseOf(address);
    return phase !== undefined && phase !== 'elsewhere';
  }

  /** @returns undefined where the node is not this page's to run */
  phaseOf(address: string): NodeProgress['phase'] | undefined {
    return this.#supervisors.get(address)?.phase;
  }

  /** Makes the node ready to be started, if this page may run it. */
  prepare(node: ScenarioNode): void {
    const { address } = node;
    const { scenario, instance, credentials } = this.#config;
    const password = credentials.nodes[address];
    if (password === undefined) {
      this.#become({ node: address, phase: 'elsewhere', detail: 'another page runs it' });
      return;
    }
    this.#become({ node: address, phase: 'waiting', detail: '' });
    const spawn = (acceptLoss: boolean) =>
      spawnNode(
        {
          scenario,
          instance,
          node,
          websocket: this.#websocket,
          password,
          acceptLoss,
          storageDenied: isStorageDenied(),
        },
        () => this.#allBound(),
      );
    const supervisor = new Supervisor(address, spawn, pageHost, (progress) => this.#become(progress));
    this.#supervisors.set(address, supervisor);
  }

  start(address: string): void {
    this.#supervisors.get(address)?.start();
  }

  /** @returns a promise that settles when each is ready, or will not become so by itself */
  async startAll(): Promise<void> {
    const all = [...this.#supervisors.values()];
    for (const supervisor of all) supervisor.start();
    await Promise.all(all.map((supervisor) => supervisor.settled()));
  }

  async crash(address: string): Promise<ActResult> {
    if (!this.runs(address)) return refuse(`${address} does not run on this page`);
    this.#supervisors.get(address)?.crash();
    return { ok: true };
  }

  async restart(address: string, acceptLoss: boolean): Promise<ActResult> {
    const supervisor = this.#supervisors.get(address);
    if (supervisor === undefined || supervisor.phase === 'elsewhere')
      return refuse(`${address} does not run on this page`);
    await within(supervisor.restart(acceptLoss), readyMs);
    return this.#ready(address);
  }

  /** Waits for a node that is about to be started. */
  async becomesReady(address: string): Promise<ActResult> {
    const phase = () => this.#progress.get(address)?.phase;
    await this.#becomes(() => phase() === 'ready' || phase() === 'failed' || phase() === 'elsewhere');
    return this.#ready(address);
  }

  /** Waits for a node that is about to be ended. */
  async goes(address: string): Promise<ActResult> {
    const gone = await this.#becomes(() => !this.#supervisors.has(address));
    return gone ? { ok: true } : refuse(`${address} did not stop`);
  }

  /** Ends the worker of a node that is no longer one. */
  async end(address: string, detail: string): Promise<void> {
    await this.#supervisors.get(address)?.stop();
    this.#supervisors.delete(address);
    this.#become({ node: address, phase: 'gone', detail });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.stop()));
  }

  get #phases(): readonly NodeProgress['phase'][] {
    return [...this.#supervisors.values()].map(({ phase }) => phase);
  }

  #ready(address: string): ActResult {
    const { phase, detail = 'not started' } = this.#progress.get(address) ?? {};
    return phase === 'ready' ? { ok: true } : refuse(`${address}: ${detail}`);
  }

  #become(progress: NodeProgress): void {
    this.#progress.set(progress.node, progress);
    this.#tell(progress);
    for (const check of [...this.#waiting]) check();
  }

  /** Whom a node speaks to at its start can be reached then: what a replica asks of its primary does not bounce. */
  async #allBound(): Promise<void> {
    await this.#becomes(() => !this.#phases.some((phase) => toBeBound.includes(phase)), boundMs);
  }

  /** @returns false if it takes too long */
  async #becomes(is: () => boolean, ms = readyMs): Promise<boolean> {
    let check = (): void => undefined;
    const became = new Promise<true>((resolve) => {
      check = () => {
        if (is()) resolve(true);
      };
    });
    this.#waiting.add(check);
    check();
    const result = await within(became, ms);
    this.#waiting.delete(check);
    return result === true;
  }
}

/** Whether the browser lets this page keep nothing. A worker is not told why its database cannot be opened. */
function isStorageDenied(): boolean {
  try {
    return localStorage === null;
  } catch {
    return true;
  }
}

function spawnNode(config: NodeWorkerConfig, turn: () => Promise<void>): SupervisedWorker {
  const worker = new Worker(new URL('../../worker/node.worker.ts', import.meta.url), {
    type: 'module',
    name: config.node.address,
  });
  const api = Comlink.wrap<NodeWorkerApi>(worker);
  return {
    start: (report) => api.start(config, Comlink.proxy(report), Comlink.proxy(turn)),
    ping: () => api.ping(),
    stop: () => api.stop(),
    terminate: () => worker.terminate(),
    onError: (listener) => worker.addEventListener('error', (event) => listener(event.message || 'script error')),
  };
}
