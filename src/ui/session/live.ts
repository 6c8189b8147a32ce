import * as Comlink from 'comlink';
import type { NodeStatus, TraceRecord } from '../../core/node/trace.ts';
import type {
  Acted,
  Character,
  NodeWorkerApi,
  OccupantsListener,
  OccupantsWorkerApi,
  OccupantsWorkerConfig,
  Result,
  RoomChange,
} from '../../host/control.ts';
import type { LiveConfig, LiveLogin } from '../../scenario/live-config-type.ts';
import { ownersOf, possibleReplicas } from '../../scenario/replicas.ts';
import type { Scenario, ScenarioNode, ScenarioOccupant } from '../../scenario/scenario.ts';
import type {
  Action,
  ActResult,
  JoinInfo,
  NodeProgress,
  OccupantProgress,
  Session,
  SessionListener,
} from './session.ts';
import { type SupervisedWorker, Supervisor, type SupervisorHost } from './supervisor.ts';

const pageHost: SupervisorHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
};

/** Nothing the page asks of a worker takes longer; a call to a dead worker would never settle. */
const callMs = 30_000;
const nodesMs = 20_000;
/** A replica that is taken off its room's list hears of it over a link, if there is one. */
const dismissedMs = 5_000;
/** A list of replicas that stays as it is for so long is the room's. */
const settleMs = 200;

/**
 * Starts a scenario on the embedded server: a worker for each room node, one for the characters and the page's own session.
 * Returns at once; what happens is told to the listeners.
 *
 * @param pageOrigin  of the page, such as http://127.0.0.1:4173: the WebSocket is on the same host
 */
export function startLive(config: LiveConfig, pageOrigin: string): Session {
  const live = new LiveSession(config, pageOrigin);
  void live.run();
  return live;
}

class LiveSession implements Session {
  readonly mode = 'live';
  readonly scenario: Scenario;
  readonly joinInfo: readonly JoinInfo[];
  readonly #config: LiveConfig;
  readonly #websocket: string;
  readonly #characters: readonly Character[];
  readonly #supervisors = new Map<string, Supervisor>();
  readonly #listeners = new Set<SessionListener>();
  /** What a listener is told that comes later. */
  readonly #nodes = new Map<string, NodeProgress>();
  readonly #occupants = new Map<string, OccupantProgress>();
  #trouble: string | undefined;
  /** Records that came before anyone listened. */
  #early: TraceRecord[] = [];
  /** By room: which accounts may be its replicas, as the primary said last. */
  readonly #lists = new Map<
    string,
    { readonly service: string; readonly replicas: readonly string[]; readonly timer: number }
  >();
  /** Replicas that know that they are none any more. */
  readonly #dismissed = new Set<string>();
  /** Replicas that are no longer on their room's list, and what ends their wait for the primary's farewell. */
  readonly #leaving = new Map<string, () => void>();
  readonly #nodeWaiting = new Set<() => void>();
  #occupantsWorker: Worker | undefined;
  #occupantsApi: Comlink.Remote<OccupantsWorkerApi> | undefined;
  /** Guests of this page: the account's bare JID, and the session it was given here. */
  readonly #guests = new Map<string, Character>();
  #scripted = false;
  /** The first attempt to start everything is over. */
  #settled = false;
  #stopped = false;

  constructor(config: LiveConfig, pageOrigin: string) {
    this.#config = config;
    const url = new URL(config.websocket, pageOrigin);
    url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
    this.#websocket = url.href;
    // A page that does not run the nodes plays nobody's part but one of its own: the characters are with the nodes.
    const account = mayRunNodes(config) ? undefined : oneOf(config.credentials.guests);
    const guest = account && guestOf(config.scenario, account);
    this.scenario = guest
      ? { ...config.scenario, occupants: [...config.scenario.occupants, occupantOf(guest)] }
      : config.scenario;
    this.#characters = guest ? [guest] : charactersOf(config);
    this.joinInfo = config.credentials.guests.map(({ jid, password }) => ({
      websocket: this.#websocket,
      room: roomFor(config.scenario, domainOf(jid)),
      jid,
      password,
    }));
    for (const node of config.scenario.nodes) this.#prepareNode(node);
    if (guest === undefined) return;
    for (const { jid, nick } of config.scenario.occupants)
      this.#tellOccupant({ who: jid, phase: 'elsewhere', nick, detail: 'another page plays this character' });
  }

  get runsNodes(): boolean {
    const phases = [...this.#supervisors.values()].map(({ phase }) => phase);
    return phases.length > 0 && phases.some((phase) => phase !== 'elsewhere');
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    for (const progress of this.#nodes.values()) listener.node(progress);
    for (const progress of this.#occupants.values()) listener.occupant(progress);
    if (this.#trouble !== undefined) listener.trouble(this.#trouble);
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) listener.records(early);
    return () => this.#listeners.delete(listener);
  }

  /** Everything starts side by side; only the script waits for all nodes. */
  async run(): Promise<void> {
    for (const supervisor of this.#supervisors.values()) supervisor.start();
    const watching = this.#startOccupants();
    const nodes = [...this.#supervisors.values()];
    await within(Promise.all(nodes.map((node) => node.settled())), nodesMs);
    await within(watching, callMs);
    this.#settled = true;
    await this.#runScript();
  }

  /** Once, by the page that runs the nodes: also by one that took them over when the page before it was closed. */
  async #runScript(): Promise<void> {
    if (this.#scripted || ![...this.#supervisors.values()].some(({ phase }) => phase === 'ready')) return;
    this.#scripted = true;
    for (const { act, who } of this.#config.scenario.script) {
      if (this.#stopped) return;
      await this.act({ act, who });
    }
  }

  async act(action: Action): Promise<ActResult> {
    if (this.#stopped) return refuse('the session has ended');
    switch (action.act) {
      case 'join':
      case 'leave':
        return this.#occupant(action.who, { act: action.act });
      case 'say':
      case 'subject':
        return this.#occupant(action.who, { act: action.act, text: action.text });
      case 'nick':
        return this.#occupant(action.who, { act: 'nick', nick: action.nick });
      case 'pm':
        return this.#occupant(action.who, { act: 'pm', to: action.to, text: action.text });
      case 'presence': {
        const { show, status } = action;
        return this.#occupant(action.who, { act: 'presence', show, ...(status === undefined ? {} : { status }) });
      }
      case 'cut':
        return this.#link(action.link, { state: action.how });
      case 'heal':
        return this.#link(action.link, { state: 'up' });
      case 'slow':
        return this.#link(action.link, {
          latency: String(action.latencyMs),
          jitter: String(action.jitterMs),
          bandwidth: String(action.bytesPerSecond),
        });
      case 'pause':
        return this.#command('pause', { paused: String(action.paused) });
      case 'crash':
      case 'restart':
        return this.#node(action.node, action.act);
      case 'add-replica':
        return this.#addReplica(action.server, action.room);
      case 'remove-replica':
        return this.#removeReplica(action.node);
      case 'configure':
        return this.#configure({ room: action.room, split: action.split });
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const occupants = this.#occupantsApi?.stop() ?? Promise.resolve();
    await Promise.all([
      within(
        occupants.catch(() => undefined),
        2_000,
      ),
      ...[...this.#supervisors.values()].map((supervisor) => supervisor.stop()),
    ]);
    this.#occupantsApi?.[Comlink.releaseProxy]();
    this.#occupantsWorker?.terminate();
    this.#listeners.clear();
  }

  #prepareNode(node: ScenarioNode): void {
    const { address } = node;
    const password = this.#config.credentials.nodes[address];
    if (password === undefined) {
      this.#tellNode({ node: address, phase: 'elsewhere', detail: 'another page runs it' });
      return;
    }
    this.#tellNode({ node: address, phase: 'waiting', detail: '' });
    const { scenario } = this.#config;
    const spawn = () => spawnNode({ scenario, node, websocket: this.#websocket, password });
    this.#supervisors.set(address, new Supervisor(address, spawn, pageHost, (progress) => this.#tellNode(progress)));
  }

  async #startOccupants(): Promise<Result> {
    const worker = new Worker(new URL('../../worker/occupants.worker.ts', import.meta.url), {
      type: 'module',
      name: 'occupants',
    });
    this.#occupantsWorker = worker;
    worker.addEventListener('error', (event) => this.#tellTrouble(`the page's session: ${event.message}`));
    const api = Comlink.wrap<OccupantsWorkerApi>(worker);
    this.#occupantsApi = api;
    const { operator, observer } = this.#config.credentials;
    const account = operator ?? observer;
    const start: OccupantsWorkerConfig = {
      scenario: this.#config.scenario.id,
      websocket: this.#websocket,
      characters: this.#characters,
      watcher: { jid: `${account.jid.split('/')[0]}/page-${randomSuffix()}`, password: account.password },
    };
    const listener: OccupantsListener = {
      records: (batch) => this.#tellRecords(batch),
      occupant: (report) => this.#tellOccupant(report),
      trouble: (text) => this.#tellTrouble(text),
    };
    return api.start(start, Comlink.proxy(listener));
  }

  /** `who` may also be the bare JID of a guest account: joining with it makes a session of this page's own. */
  async #occupant(who: string, act: Parameters<OccupantsWorkerApi['act']>[1]): Promise<ActResult> {
    const account = this.#config.credentials.guests.find(({ jid }) => jid === who);
    if (account === undefined) return this.#play(who, act);
    let guest = this.#guests.get(who);
    if (guest === undefined) {
      const made = guestOf(this.#config.scenario, account);
      guest = made;
      this.#guests.set(who, made);
      await this.#call((api) => api.add(made).then(() => ({ ok: true })));
    }
    return this.#play(guest.jid, act);
  }

  async #play(who: string, act: Parameters<OccupantsWorkerApi['act']>[1]): Promise<ActResult> {
    return this.#sent(await this.#call((api) => api.act(who, act)));
  }

  #sent(result: Acted): ActResult {
    if (!result.ok) return result;
    for (const { stream, n } of result.sent ?? []) for (const listener of this.#listeners) listener.sent(stream, n);
    return { ok: true };
  }

  #link([a, b]: readonly [string, string], fields: Record<string, string>): Promise<ActResult> {
    return this.#command('link', { a, b, ...fields });
  }

  async #command(name: string, fields: Record<string, string>): Promise<ActResult> {
    if (this.#config.credentials.operator === undefined)
      return refuse('only the page on the server’s own machine may change the network');
    return this.#call((api) => api.command(name, fields));
  }

  async #call(call: (api: Comlink.Remote<OccupantsWorkerApi>) => Promise<Acted>): Promise<Acted> {
    if (this.#occupantsApi === undefined) return refuse('not started yet');
    const result = await within(
      call(this.#occupantsApi).catch((error: unknown) => refuse(String(error))),
      callMs,
    );
    return result ?? refuse('the worker did not answer');
  }

  async #node(address: string, what: 'crash' | 'restart'): Promise<ActResult> {
    const supervisor = this.#supervisors.get(address);
    if (supervisor === undefined || supervisor.phase === 'elsewhere')
      return refuse(`${address} does not run on this page`);
    if (what === 'crash') {
      supervisor.crash();
      return { ok: true };
    }
    await within(supervisor.restart(), callMs);
    return supervisor.phase === 'ready'
      ? { ok: true }
      : refuse(`${address}: ${this.#nodes.get(address)?.detail ?? 'not ready'}`);
  }

  async #addReplica(server: string, room: string | undefined): Promise<ActResult> {
    const { scenario } = this.#config;
    const possible = possibleReplicas(scenario).filter(
      (replica) => replica.server === server && (room === undefined || replica.replicaOf === room),
    );
    const replica = possible.find(({ address }) => !this.#supervisors.has(address));
    if (replica === undefined)
      return refuse(
        possible.length > 0 ? `${server} has a replica already` : `no room can have a replica on ${server}`,
      );
    if (!this.runsNodes) return refuse('the nodes run in another page');
    const { address, replicaOf } = replica;
    const listed = await this.#configure({ room: replicaOf, addReplica: address });
    if (!listed.ok) return listed;
    const phase = () => this.#nodes.get(address)?.phase;
    await this.#nodeBecomes(() => phase() === 'ready' || phase() === 'failed' || phase() === 'elsewhere');
    return phase() === 'ready'
      ? { ok: true }
      : refuse(`${address}: ${this.#nodes.get(address)?.detail ?? 'not started'}`);
  }

  async #removeReplica(address: string): Promise<ActResult> {
    const replica = possibleReplicas(this.#config.scenario).find((one) => one.address === address);
    const phase = this.#supervisors.get(address)?.phase;
    if (replica === undefined) return refuse(`${address} is no replica`);
    if (phase === undefined || phase === 'elsewhere') return refuse(`${address} does not run on this page`);
    const listed = await this.#configure({ room: replica.replicaOf, removeReplica: address });
    if (!listed.ok) return listed;
    const gone = await this.#nodeBecomes(() => !this.#supervisors.has(address));
    return gone ? { ok: true } : refuse(`${address} does not end`);
  }

  /** In the name of an owner of the room, with an account that this page has. */
  async #configure(change: RoomChange): Promise<ActResult> {
    const { scenario, credentials } = this.#config;
    const owners = ownersOf(scenario, change.room);
    const played = this.#characters.find(({ jid }) => owners.includes(bareOf(jid)));
    if (played) return this.#sent(await this.#call((api) => api.configure(played.jid, change)));
    const owner = owners.find((jid) => credentials.occupants[jid] !== undefined);
    if (owner === undefined || !this.runsNodes) return refuse(`this page plays no owner of ${change.room}`);
    const login: LiveLogin = { jid: owner, password: credentials.occupants[owner] ?? '' };
    let admin = this.#guests.get(owner);
    if (admin === undefined) {
      const made = { ...guestOf(scenario, login), nick: owner.split('@')[0] ?? owner, room: change.room };
      admin = made;
      this.#guests.set(owner, made);
      await this.#call((api) => api.add(made).then(() => ({ ok: true })));
    }
    const { jid } = admin;
    return this.#sent(await this.#call((api) => api.configure(jid, change)));
  }

  /** The workers follow the list of the room's configuration, whoever changed it: another owner's client, too. */
  #follow({ address, rooms }: NodeStatus): void {
    for (const { room, replicas } of rooms) {
      if (replicas === undefined) continue;
      const known = this.#lists.get(room);
      if (known?.replicas.join() === replicas.join()) continue;
      clearTimeout(known?.timer);
      // The server begins with what it remembers, one status after the other: the last one counts.
      const timer = window.setTimeout(() => this.#reconcile(room), settleMs);
      this.#lists.set(room, { service: address, replicas, timer });
    }
    // What a replica says of itself once the primary has let it go.
    if (!rooms.some(({ role }) => role === 'replica')) return;
    if (rooms.every(({ peers }) => peers.every(({ state }) => state === 'rejected'))) {
      this.#dismissed.add(address);
      this.#leaving.get(address)?.();
    } else this.#dismissed.delete(address);
  }

  #reconcile(room: string): void {
    const list = this.#lists.get(room);
    const here = this.#supervisors.get(list?.service ?? '')?.phase;
    if (list === undefined || this.#stopped) return;
    for (const node of possibleReplicas(this.#config.scenario)) {
      if (node.replicaOf !== room || this.#leaving.has(node.address)) continue;
      const listed = list.replicas.includes(node.address);
      const runs = this.#supervisors.has(node.address);
      if (runs && !listed) void this.#end(node.address, room);
      // A page that waits for its turn takes what is there when it comes.
      if (runs || !listed || here === undefined || here === 'elsewhere') continue;
      this.#prepareNode(node);
      this.#supervisors.get(node.address)?.start();
    }
  }

  /** Ends a replica's worker, once it knows that it is no replica any more: users see nothing of it (decision #40). */
  async #end(address: string, room: string): Promise<void> {
    const supervisor = this.#supervisors.get(address);
    const told = new Promise<void>((resolve) => this.#leaving.set(address, resolve));
    if (supervisor?.phase === 'ready' && !this.#dismissed.has(address)) await within(told, dismissedMs);
    await supervisor?.stop();
    this.#leaving.delete(address);
    this.#supervisors.delete(address);
    this.#tellNode({ node: address, phase: 'gone', detail: 'not on the list of its room' });
    this.#reconcile(room);
  }

  /** @returns false if it takes too long */
  #nodeBecomes(is: () => boolean): Promise<boolean> {
    const look = new Promise<true>((resolve) => {
      const check = () => {
        if (!is()) return;
        this.#nodeWaiting.delete(check);
        resolve(true);
      };
      this.#nodeWaiting.add(check);
      check();
    });
    return within(look, callMs).then((became) => became === true);
  }

  #tellNode(progress: NodeProgress): void {
    this.#nodes.set(progress.node, progress);
    for (const listener of this.#listeners) listener.node(progress);
    for (const check of [...this.#nodeWaiting]) check();
    if (progress.phase === 'ready')
      for (const [room, { service }] of this.#lists) if (service === progress.node) this.#reconcile(room);
    if (
      this.#settled &&
      progress.phase === 'ready' &&
      [...this.#supervisors.values()].every(({ phase }) => phase === 'ready')
    )
      void this.#runScript();
  }

  #tellOccupant(progress: OccupantProgress): void {
    this.#occupants.set(progress.who, progress);
    for (const listener of this.#listeners) listener.occupant(progress);
  }

  #tellTrouble(text: string | undefined): void {
    if (text === this.#trouble) return;
    this.#trouble = text;
    for (const listener of this.#listeners) listener.trouble(text);
  }

  #tellRecords(batch: readonly TraceRecord[]): void {
    for (const record of batch) if (record.kind === 'status') this.#follow(record.status);
    if (this.#listeners.size === 0) this.#early.push(...batch);
    for (const listener of this.#listeners) listener.records(batch);
  }
}

function spawnNode(config: Parameters<NodeWorkerApi['start']>[0]): SupervisedWorker {
  const worker = new Worker(new URL('../../worker/node.worker.ts', import.meta.url), {
    type: 'module',
    name: config.node.address,
  });
  const api = Comlink.wrap<NodeWorkerApi>(worker);
  return {
    start: (report) => api.start(config, Comlink.proxy(report)),
    ping: () => api.ping(),
    stop: () => api.stop(),
    terminate: () => worker.terminate(),
    onError: (listener) => worker.addEventListener('error', (event) => listener(event.message || 'script error')),
  };
}

function mayRunNodes({ credentials }: LiveConfig): boolean {
  return Object.keys(credentials.nodes).length > 0;
}

function charactersOf({ scenario, credentials }: LiveConfig): Character[] {
  return scenario.occupants.flatMap((occupant) => {
    const password = credentials.occupants[bareOf(occupant.jid)];
    return password === undefined ? [] : [{ ...occupant, password }];
  });
}

/** A guest account with a resource of this page's own. */
function guestOf(scenario: Scenario, { jid, password }: LiveLogin): Character {
  const suffix = randomSuffix();
  return { jid: `${jid}/${suffix}`, password, nick: `guest-${suffix}`, room: roomFor(scenario, domainOf(jid)) };
}

function occupantOf({ jid, nick, room }: Character): ScenarioOccupant {
  return { jid, nick, room };
}

/** The room that users of that server join: the one their characters join. */
function roomFor({ occupants, nodes }: Scenario, domain: string): string {
  const neighbour = occupants.find((occupant) => domainOf(occupant.jid) === domain) ?? occupants[0];
  if (neighbour !== undefined) return neighbour.room;
  for (const node of nodes) if (node.kind === 'service' && node.rooms[0]) return node.rooms[0].jid;
  return '';
}

function bareOf(jid: string): string {
  return jid.split('/')[0] ?? jid;
}

function domainOf(jid: string): string {
  const bare = bareOf(jid);
  return bare.slice(bare.indexOf('@') + 1);
}

function oneOf<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

function randomSuffix(): string {
  return Math.random().toString(36).slice(2, 6).padEnd(4, '0');
}

function refuse(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}

/** @returns undefined if it took too long */
function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
