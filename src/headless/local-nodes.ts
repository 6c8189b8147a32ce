import { KnownStatus } from '../core/node/known-status.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import { jid } from '../core/xmpp/jid.ts';
import { Driver } from '../host/driver.ts';
import type { EventStore, LossOptions } from '../host/event-store.ts';
import { MemoryStore } from '../host/memory-store.ts';
import { hasPeers } from '../host/peers.ts';
import type { Renewal } from '../host/renewal.ts';
import { shadowsAtStart } from '../scenario/instances.ts';
import { nodeConfigOf } from '../scenario/node-config.ts';
import type { ScenarioNode } from '../scenario/scenario.ts';
import type { ServerHost } from '../server/host.ts';
import { LevelStore, nodeDirectory } from './level-store.ts';
import type { LiveNetwork } from './live-config.ts';
import { LocalLink } from './local-link.ts';
import type { Watch, WatchedNode } from './watch.ts';

const contactMs = 3000;

export interface LogOptions {
  /** Keeps each node's log in a directory below this one; without it logs live as long as the process. */
  readonly directory?: string;
  /** A node may start without what its log has lost. */
  readonly acceptLoss?: boolean;
  /** Something of a node's log was found broken: what, and what became of it. */
  damaged?(address: string, damage: string): void;
  /** Sees what they do. */
  readonly watch?: Watch | undefined;
}

/** The room nodes of a scenario, running in this process. */
export interface LocalNodes {
  stop(): Promise<void>;
}

/**
 * Starts all nodes of a scenario in the process that hosts its network. Resolves once each is logged in, bound, and in
 * contact with its peers, or after a few seconds: a node counts as up even if a peer is not.
 *
 * @param failed  a node stopped by itself: its log failed, or it threw
 * @throws LinkError, StoreError
 */
export async function startLocalNodes(
  live: LiveNetwork,
  host: ServerHost,
  failed: (address: string, error: unknown) => void,
  log: LogOptions = {},
): Promise<LocalNodes> {
  const drivers: Driver[] = [];
  const contacts: Promise<void>[] = [];
  const starts: (() => Promise<void>)[] = [];
  // Whom a node speaks to at its start can be reached then: what a replica asks of its primary does not bounce.
  let unbound = live.scenario.nodes.length;
  let go: () => void = () => undefined;
  const allBound = new Promise<void>((resolve) => {
    go = resolve;
  });
  const turn = () => {
    if (--unbound === 0) go();
    return allBound;
  };
  const stop = async () => {
    // XEP-0045 §11.2: those inside are told that the service goes.
    await Promise.allSettled(drivers.map((driver) => driver.command({ name: 'stop' })));
    await Promise.allSettled(drivers.map((driver) => driver.stop()));
  };
  try {
    for (const node of live.scenario.nodes) {
      const store = log.directory === undefined ? undefined : nodeDirectory(log.directory, node.address);
      const damaged = (damage: string) => log.damaged?.(node.address, damage);
      const watched = log.watch?.node(jid(node.address));
      const opened = await openStore(store, { acceptLoss: log.acceptLoss, damaged });
      const renewal: Renewal = {
        node: () => createMucNode(nodeConfigOf(live.scenario, node)),
        store: () => openStore(store, { damaged }),
        tell: damaged,
      };
      const { driver, inContact } = driverOf(live, node, host, failed, opened, renewal, turn, watched);
      drivers.push(driver);
      contacts.push(inContact);
      starts.push(() =>
        driver.start(({ damage }) => {
          if (damage !== undefined) damaged(damage);
          if (watched !== undefined) watched.isOpen = true;
        }),
      );
    }
    await Promise.all(starts.map((start) => start()));
    await Promise.race([Promise.all(contacts), new Promise((resolve) => setTimeout(resolve, contactMs).unref())]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

/** The log of a node; in memory where no directory is given. @throws StoreError */
export async function openStore(directory: string | undefined, options: LossOptions): Promise<EventStore> {
  return directory === undefined ? new MemoryStore() : await LevelStore.open(directory, options);
}

function driverOf(
  { scenario, network }: LiveNetwork,
  node: ScenarioNode,
  host: ServerHost,
  failed: (address: string, error: unknown) => void,
  store: EventStore,
  renewal: Renewal,
  turn: () => Promise<void>,
  watched: WatchedNode | undefined,
): { readonly driver: Driver; readonly inContact: Promise<void> } {
  const account = jid(node.address);
  const link = new LocalLink({
    network,
    account,
    bind: [node.kind === 'service' ? account : jid(node.replicaOf)],
    ...(node.kind === 'replica' ? { resource: 'node' } : {}),
    turn,
  });
  const shadows = shadowsAtStart(scenario, node.address);
  let contact: () => void = () => undefined;
  const inContact = new Promise<void>((resolve) => {
    contact = resolve;
  });
  const known = new KnownStatus();
  const driver = new Driver({
    address: node.address,
    node: renewal.node(),
    store,
    renewal,
    link: watched?.watching(link) ?? link,
    ...(watched === undefined ? {} : { meter: watched }),
    host: { now: host.now, setTimer: host.setTimer, newId: host.randomId },
    report: (batch) => {
      // Other nodes send the batch to their server as JSON; in the same process that would be wasted work.
      for (const record of batch) {
        network.trace.report(record);
        if (record.kind === 'status') known.take(record);
      }
      if (known.status !== undefined && hasPeers(node.kind, known.status, shadows)) contact();
    },
    failed: (error) => failed(node.address, error),
  });
  if (watched !== undefined) watched.driver = driver;
  return { driver, inContact };
}
