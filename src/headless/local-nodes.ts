import { createMucNode } from '../core/node/muc-node.ts';
import type { StatusRecord, StepRecord } from '../core/node/trace.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import { message } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import { Driver } from '../host/driver.ts';
import { MemoryStore } from '../host/memory-store.ts';
import { nodeConfigOf } from '../scenario/node-config.ts';
import type { ScenarioNode } from '../scenario/scenario.ts';
import type { ServerHost } from '../server/host.ts';
import { SNS } from '../server/namespaces.ts';
import type { LiveNetwork } from './live-config.ts';
import { LocalLink } from './local-link.ts';

/** The room nodes of a scenario, running in this process. */
export interface LocalNodes {
  stop(): Promise<void>;
}

/**
 * Starts all nodes of a scenario in the process that hosts its network; resolves when each is logged in and bound.
 *
 * @param failed  a node stopped by itself: its log failed, or it threw
 * @throws LinkError, StoreError
 */
export async function startLocalNodes(
  live: LiveNetwork,
  host: ServerHost,
  failed: (address: string, error: unknown) => void,
): Promise<LocalNodes> {
  const drivers: Driver[] = [];
  const stop = async () => {
    await Promise.allSettled(drivers.map((driver) => driver.stop()));
  };
  try {
    for (const node of live.scenario.nodes) {
      const driver = driverOf(live, node, host, failed);
      drivers.push(driver);
      await driver.start();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

function driverOf(
  { scenario, network }: LiveNetwork,
  node: ScenarioNode,
  host: ServerHost,
  failed: (address: string, error: unknown) => void,
): Driver {
  const account = jid(node.address);
  const link = new LocalLink({
    network,
    account,
    bind: [node.kind === 'service' ? account : jid(node.replicaOf)],
    ...(node.kind === 'replica' ? { resource: 'node' } : {}),
  });
  return new Driver({
    address: node.address,
    node: createMucNode(nodeConfigOf(scenario, node)),
    store: new MemoryStore(),
    link,
    host: { now: host.now, setTimer: host.setTimer, newId: host.randomId },
    report: (batch) => report(link, jid(node.server), batch),
    failed: (error) => failed(node.address, error),
  });
}

/** To the trace, as any node reports: for those who watch this server. */
function report(link: LocalLink, server: Jid, batch: readonly (StepRecord | StatusRecord)[]): void {
  if (link.address === undefined) return;
  link.send(message(link.address, server, { type: 'headline' }, el('report', SNS.trace, {}, JSON.stringify(batch))));
}
