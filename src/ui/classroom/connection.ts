import * as Comlink from 'comlink';
import type { ClassListener, ClassLogin, ClassPhase, ClassWorkerApi } from '../../host/class-control.ts';
import type { Result } from '../../host/control.ts';
import type { LiveConfig, LiveLogin } from '../../scenario/live-config-type.ts';
import { randomSuffix } from '../session/accounts.ts';
import { websocketOf } from '../session/live.ts';
import { within } from '../session/within.ts';

const stopMs = 2_000;
/** A server that was started again is looked for so often. */
const againMs = 1_000;

/** How a page begins in a class. */
export interface Beginning {
  /** The account with which it does; undefined: it has none, and `without` says what that means. */
  account(config: LiveConfig): LiveLogin | undefined;
  readonly without: string;
  begin(api: Comlink.Remote<ClassWorkerApi>, login: ClassLogin, listener: ClassListener): Promise<Result>;
}

/** A page’s connection to its class. It is made anew where the server has begun anew. */
export class ClassConnection {
  readonly #fetchConfig: () => Promise<LiveConfig>;
  readonly #beginning: Beginning;
  readonly #listener: ClassListener;
  #worker: Worker | undefined;
  #api: Comlink.Remote<ClassWorkerApi> | undefined;
  #isOver = false;

  constructor(fetchConfig: () => Promise<LiveConfig>, beginning: Beginning, listener: ClassListener) {
    this.#fetchConfig = fetchConfig;
    this.#beginning = beginning;
    this.#listener = listener;
  }

  /** Undefined while it is lost. */
  get api(): Comlink.Remote<ClassWorkerApi> | undefined {
    return this.#api;
  }

  /** @throws StartError where the server does not answer */
  async start(): Promise<Result> {
    const config = await this.#fetchConfig();
    const account = this.#beginning.account(config);
    if (account === undefined) return { ok: false, error: this.#beginning.without };
    const worker = new Worker(new URL('../../worker/class.worker.ts', import.meta.url), {
      type: 'module',
      name: 'class',
    });
    const api = Comlink.wrap<ClassWorkerApi>(worker);
    [this.#worker, this.#api] = [worker, api];
    const login = {
      jid: `${account.jid}/class-${randomSuffix()}${randomSuffix()}`,
      password: account.password,
      websocket: websocketOf(config, location.origin),
    };
    const { state, students, seats, said } = this.#listener;
    const phase = (now: ClassPhase) => {
      if (this.#api !== api) return;
      this.#listener.phase(now === 'gone' ? 'away' : now);
      if (now === 'gone') void this.#again();
    };
    return this.#beginning.begin(api, login, Comlink.proxy({ phase, state, students, seats, said }));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    const { api } = this;
    this.#api = undefined;
    if (api) await within(api.stop(), stopMs);
    this.#worker?.terminate();
  }

  async #again(): Promise<void> {
    this.#api = undefined;
    this.#worker?.terminate();
    while (!this.#isOver) {
      await new Promise((resolve) => setTimeout(resolve, againMs));
      if (this.#isOver) return;
      const result = await this.start().catch(() => undefined);
      if (result?.ok) return;
    }
  }
}
