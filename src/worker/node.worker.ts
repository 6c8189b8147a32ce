import * as Comlink from 'comlink';
import { createMucNode } from '../core/node/muc-node.ts';
import type { MucNode } from '../core/node/node.ts';
import type { NodeReport, NodeWorkerApi, NodeWorkerConfig, NotKept, Result } from '../host/control.ts';
import { Driver } from '../host/driver.ts';
import type { DriverHost } from '../host/driver-options.ts';
import { StoreError } from '../host/event-store.ts';
import { hasPeers } from '../host/peers.ts';
import type { Renewal } from '../host/renewal.ts';
import { LinkError } from '../host/stanza-link.ts';
import { steadyClock } from '../host/steady-clock.ts';
import { shadowsAtStart } from '../scenario/instances.ts';
import { nodeConfigOf } from '../scenario/node-config.ts';
import { type NodeOf, nodeDatabase, nodeLock } from '../scenario/node-names.ts';
import { type HeldLock, takeLock } from './lock.ts';
import { openEventStore } from './open-store.ts';
import { randomId } from './random-id.ts';
import { Reporter } from './reporter.ts';
import type { LinkAccount } from './xmpp-connection.ts';
import { XmppLink } from './xmpp-link.ts';

/** A node counts as ready even if a peer is not: it may be down. */
const peersMs = 3_000;
const peersLookMs = 20;
/** The longest delay that setTimeout takes, in milliseconds. */
const timerMaxMs = 2 ** 31 - 1;

const now = steadyClock(
  () => Date.now(),
  () => performance.now(),
);
const host: DriverHost = {
  now,
  setTimer(at, fn) {
    const timer = setTimeout(fn, Math.min(timerMaxMs, Math.max(0, at - now())));
    return () => clearTimeout(timer);
  },
  newId: randomId,
};

/** The one node of this worker, from the moment its lock is held. */
class RunningNode {
  readonly #config: NodeWorkerConfig;
  readonly #report: (report: Omit<NodeReport, 'node'>) => void;
  readonly #turn: () => Promise<void>;
  #driver: Driver | undefined;
  #reporter: Reporter | undefined;
  #notKept: NotKept | undefined;

  constructor(config: NodeWorkerConfig, report: (report: Omit<NodeReport, 'node'>) => void, turn: () => Promise<void>) {
    this.#config = config;
    this.#report = report;
    this.#turn = turn;
  }

  /** @throws StoreError, LinkError */
  async start(): Promise<void> {
    const { scenario, node: scenarioNode, websocket, password, storageDenied } = this.#config;
    const { address } = scenarioNode;
    const shadows = shadowsAtStart(scenario, address);
    this.#tell('restoring', 'reading the log');
    const storeOptions = {
      name: nodeDatabase(nodeOf(this.#config)),
      // Decision #45: what its users have seen only a replica's own log knows.
      durability: 'strict' as const,
      acceptLoss: this.#config.acceptLoss,
      damaged: (damage: string) => this.#tell('ready', damage),
    };
    const open = async () => {
      const { store, notKept } = await openEventStore(storeOptions, storageDenied);
      this.#notKept = notKept === undefined ? undefined : 'denied';
      return { store, notKept };
    };
    const { store, notKept } = await open();
    const renewal: Renewal = {
      node: () => createMucNode(nodeConfigOf(scenario, scenarioNode)),
      store: async () => (await open()).store,
      tell: (what, isFull) => {
        if (isFull !== undefined) this.#notKept = isFull ? 'full' : undefined;
        this.#tell('ready', what);
      },
    };
    const node = renewal.node();
    const link = new XmppLink({ service: websocket, account: accountOf(this.#config), password, turn: this.#turn });
    const reporter = new Reporter(link);
    this.#reporter = reporter;
    let detail = 'started';
    let ready = false;
    const driver = new Driver({
      address,
      node,
      store,
      renewal,
      link,
      host,
      report: (batch) => reporter.add(batch),
      failed: (error) => this.#tell('stopped', textOf(error)),
      progress: (phase, text) => {
        if (!ready && phase === 'failed') return;
        this.#tell(ready && phase === 'bound' ? 'ready' : phase, ready && phase === 'bound' ? 'connected again' : text);
      },
    });
    this.#driver = driver;
    await driver.start(({ damage }) => {
      detail = restoredText(node, damage ?? notKept);
      this.#tell('restoring', detail);
    });
    const patient = Date.now() + peersMs;
    do await new Promise((resolve) => setTimeout(resolve, peersLookMs));
    while (!hasPeers(scenarioNode.kind, node.status(), shadows) && Date.now() < patient);
    ready = true;
    this.#tell('ready', detail);
  }

  #tell(phase: NodeReport['phase'], detail: string): void {
    this.#report({ phase, detail, ...(this.#notKept === undefined ? {} : { notKept: this.#notKept }) });
  }

  async stop(): Promise<void> {
    this.#reporter?.stop();
    await this.#driver?.stop();
  }
}

let running: RunningNode | undefined;
let lock: HeldLock | undefined;

const api: NodeWorkerApi = {
  async start(config, report, turn): Promise<Result> {
    const node = config.node.address;
    try {
      // The server has given this page the lease, so whoever holds it has lost that.
      lock = await takeLock(nodeLock(nodeOf(config)), () => {
        report({ node, phase: 'elsewhere', detail: 'another page runs this node' });
        void running?.stop();
      });
      running = new RunningNode(config, (told) => report({ node, ...told }), turn);
      await running.start();
      return { ok: true };
    } catch (error) {
      lock?.release();
      // A log that cannot be opened now may open in a moment. A login that was refused stays refused, and what is lost lost.
      const code = error instanceof StoreError ? error.code : undefined;
      const isFinal = error instanceof LinkError || code === 'lost' || code === 'newer';
      report({
        ...{ node, phase: isFinal ? 'failed' : 'stopped', detail: textOf(error) },
        ...(code === 'lost' ? { lost: true } : {}),
        ...(code === 'full' ? { notKept: code } : {}),
      });
      return { ok: false, error: textOf(error) };
    }
  },
  ping: () => Promise.resolve(true),
  async stop() {
    await running?.stop();
    lock?.release();
  },
};

Comlink.expose(api);

function nodeOf({ scenario, instance = '', node }: NodeWorkerConfig): NodeOf {
  return { scenario: scenario.id, instance, address: node.address };
}

function accountOf({ node }: NodeWorkerConfig): LinkAccount {
  return node.kind === 'service'
    ? { kind: 'service', domain: node.address, server: node.server }
    : { kind: 'replica', jid: node.address, room: node.replicaOf };
}

function restoredText(node: MucNode, trouble: string | undefined): string {
  const messages = node.status().rooms.reduce((sum, room) => sum + room.historyLength, 0);
  const restored = messages === 0 ? 'started' : `history restored: ${messages} message${messages === 1 ? '' : 's'}`;
  return trouble === undefined ? restored : `${restored}; ${trouble}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
