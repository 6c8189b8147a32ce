import { KnownStatuses } from '../../core/node/known-status.ts';
import type { TraceRecord } from '../../core/node/trace.ts';
import { domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Acted, RoomChange, Trouble } from '../../host/control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { charactersOf, guestOf, mayRunNodes, occupantOf, oneOf, roomFor } from './accounts.ts';
import type { Action } from './acts.ts';
import { LiveNodes } from './live-nodes.ts';
import { LivePeople } from './live-people.ts';
import { LiveReplicas } from './live-replicas.ts';
import { LiveShadows } from './live-shadows.ts';
import type { NodeProgress, OccupantProgress } from './progress.ts';
import { type ActResult, type JoinInfo, refuse, type Session, type SessionListener } from './session.ts';
import { within } from './within.ts';

/** The script begins after this time at the latest, even if a node is not ready. */
const nodesMs = 20_000;
const nobodyRuns: Trouble = {
  kind: 'limited',
  text: 'This page is a guest’s, and nobody runs the rooms yet. To run them, open the address that “npm start” printed, with all that follows the #.',
};

/**
 * Starts a scenario on the embedded server: a worker for each room node, one for the characters and the page's own session.
 * Returns at once; what happens is told to the listeners.
 *
 * @param pageOrigin  of the page, such as http://127.0.0.1:4173: the WebSocket is on the same host
 * @param gone  called when the network is another one, with other accounts
 * @param lost  called when the server does not answer, each time that it was asked in vain
 */
export function startLive(config: LiveConfig, pageOrigin: string, gone: () => void, lost: () => void): Session {
  const live = new LiveSession(config, pageOrigin, gone, lost);
  void live.run();
  return live;
}

class LiveSession implements Session {
  readonly mode = 'live';
  readonly scenario: Scenario;
  readonly joinInfo: readonly JoinInfo[];
  readonly #config: LiveConfig;
  readonly #gone: () => void;
  readonly #lost: () => void;
  readonly #nodes: LiveNodes;
  readonly #people: LivePeople;
  readonly #replicas: LiveReplicas;
  readonly #shadows: LiveShadows;
  readonly #statuses = new KnownStatuses();
  readonly #listeners = new Set<SessionListener>();
  /** This and the next two are for listeners that come later. */
  readonly #occupants = new Map<string, OccupantProgress>();
  #trouble: Trouble | undefined;
  /** Records that came before anyone listened. */
  #early: TraceRecord[] = [];
  #scripted = false;
  /** The first attempt to start everything is over. */
  #settled = false;
  #stopped = false;

  constructor(config: LiveConfig, pageOrigin: string, gone: () => void, lost: () => void) {
    this.#gone = gone;
    this.#lost = lost;
    this.#config = config;
    const { scenario, credentials } = config;
    const websocket = websocketOf(config, pageOrigin);
    // A page that does not run the nodes does not play their characters either, only a guest of its own.
    const account = mayRunNodes(config) ? undefined : oneOf(credentials.guests);
    const guest = account && guestOf(scenario, account);
    this.scenario = guest ? { ...scenario, occupants: [...scenario.occupants, occupantOf(guest)] } : scenario;
    this.joinInfo = credentials.guests.map(({ jid, password }) => ({
      websocket,
      room: roomFor(scenario, domainOf(jid as Jid)),
      jid,
      password,
    }));
    this.#nodes = new LiveNodes(config, websocket, (progress) => this.#tellNode(progress));
    this.#people = new LivePeople(config, websocket, guest ? [guest] : charactersOf(config), (stream, n) => {
      for (const listener of this.#listeners) listener.sent(stream, n);
    });
    const configure = (change: RoomChange) => this.#people.configure(change, this.runsNodes);
    this.#replicas = new LiveReplicas(scenario, this.#nodes, configure);
    this.#shadows = new LiveShadows(scenario, configure);
    for (const node of scenario.nodes) this.#nodes.prepare(node);
    if (guest === undefined) return;
    for (const { jid, nick, room } of scenario.occupants)
      this.#tellOccupant({ who: jid, phase: 'elsewhere', nick, room, detail: 'another page plays this character' });
  }

  get runsNodes(): boolean {
    return this.#nodes.any;
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    for (const progress of this.#nodes.progress) listener.node(progress);
    for (const progress of this.#occupants.values()) listener.occupant(progress);
    if (this.#trouble !== undefined) listener.trouble(this.#trouble);
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) listener.records(early);
    return () => this.#listeners.delete(listener);
  }

  /** What stands in the way of a guest where nobody runs the rooms. */
  get #absence(): Trouble | undefined {
    const { credentials, running } = this.#config;
    return credentials.operator === undefined && running.length === 0 ? nobodyRuns : undefined;
  }

  /** Everything starts side by side; only the script waits for all nodes. */
  async run(): Promise<void> {
    this.#tellTrouble(this.#absence);
    const nodes = this.#nodes.startAll();
    const people = this.#people.start({
      records: (batch) => this.#tellRecords(batch),
      occupant: (report) => this.#tellOccupant(report),
      trouble: (trouble) => {
        this.#tellTrouble(trouble ?? this.#absence);
        if (trouble !== undefined) this.#lost();
      },
      gone: () => this.#gone(),
    });
    await within(nodes, nodesMs);
    await people;
    this.#settled = true;
    await this.#runScript();
  }

  async act(action: Action): Promise<Acted> {
    if (this.#stopped) return refuse('the session has ended');
    switch (action.act) {
      case 'join': {
        const { room } = action;
        return this.#people.act(action.who, { act: 'join', ...(room === undefined ? {} : { room: room as Jid }) });
      }
      case 'leave':
      case 'accept':
      case 'decline':
        return this.#people.act(action.who, { act: action.act });
      case 'say':
      case 'subject':
        return this.#people.act(action.who, { act: action.act, text: action.text });
      case 'nick':
        return this.#people.act(action.who, { act: 'nick', nick: action.nick });
      case 'pm':
        return this.#people.act(action.who, { act: 'pm', to: action.to, text: action.text });
      case 'kick': {
        const { nick, reason } = action;
        return this.#people.act(action.who, { act: 'kick', nick, ...(reason === undefined ? {} : { reason }) });
      }
      case 'presence': {
        const { show, status } = action;
        return this.#people.act(action.who, { act: 'presence', show, ...(status === undefined ? {} : { status }) });
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
        return this.#people.command('pause', { paused: String(action.paused) });
      case 'crash':
        return this.#nodes.crash(action.node);
      case 'restart':
        return this.#nodes.restart(action.node, action.acceptLoss === true);
      case 'add-replica':
        return this.#replicas.add(action.server, action.room);
      case 'remove-replica':
        return this.#replicas.remove(action.node);
      case 'add-shadow':
        return this.#shadows.add(action.node, action.room);
      case 'remove-shadow':
        return this.#shadows.remove(action.node, action.room);
      case 'configure': {
        const { act: _, ...change } = action;
        return this.#people.configure(change, this.runsNodes);
      }
    }
  }

  startOver(): Promise<ActResult> {
    return this.#people.command('start-over', {});
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#replicas.stop();
    await Promise.all([this.#people.stop(), this.#nodes.stop()]);
    this.#listeners.clear();
  }

  #link([a, b]: readonly [string, string], fields: Record<string, string>): Promise<ActResult> {
    return this.#people.command('link', { a, b, ...fields });
  }

  /** Runs once, in the page that runs the nodes, also if it took them over from a page that was closed. */
  async #runScript(): Promise<void> {
    if (this.#scripted || !this.#nodes.anyReady) return;
    this.#scripted = true;
    for (const act of this.#config.scenario.script) {
      if (this.#stopped) return;
      await this.act(act);
    }
  }

  #tellNode(progress: NodeProgress): void {
    for (const listener of this.#listeners) listener.node(progress);
    if (progress.phase !== 'ready') return;
    this.#replicas.ready(progress.node);
    if (this.#settled && this.#nodes.allReady) void this.#runScript();
  }

  #tellOccupant(progress: OccupantProgress): void {
    this.#occupants.set(progress.who, progress);
    for (const listener of this.#listeners) listener.occupant(progress);
  }

  #tellTrouble(trouble: Trouble | undefined): void {
    this.#trouble = trouble;
    for (const listener of this.#listeners) listener.trouble(trouble);
  }

  #tellRecords(batch: readonly TraceRecord[]): void {
    for (const record of batch) {
      if (record.kind !== 'status') continue;
      const status = this.#statuses.take(record);
      this.#replicas.follow(status);
      this.#shadows.follow(status);
    }
    if (this.#listeners.size === 0) this.#early.push(...batch);
    for (const listener of this.#listeners) listener.records(batch);
  }
}

/** The server's WebSocket, on the page's own host. */
export function websocketOf({ websocket }: LiveConfig, pageOrigin: string): string {
  const url = new URL(websocket, pageOrigin);
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  return url.href;
}
