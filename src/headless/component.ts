import type { NodeConfig } from '../core/node/config.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import { Driver } from '../host/driver.ts';
import type { Renewal } from '../host/renewal.ts';
import { stopWith } from './arguments.mjs';
import { type ComponentOptions, help, readArguments, secretVariable } from './component-arguments.ts';
import { ComponentLink } from './component-link.ts';
import { nodeDirectory } from './level-store.ts';
import { openStore } from './local-nodes.ts';
import { whyNotStarted } from './loss.ts';
import { nodeServerHost } from './node-host.ts';
import { peerReport } from './peer-report.ts';
import { ReplicaLink } from './replica-link.ts';

async function run({ host, port, domain, secret, config, store, acceptLoss, log }: ComponentOptions): Promise<void> {
  const { now, setTimer, randomId } = nodeServerHost();
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  let driver: Driver | undefined;
  const stop = async (status: number) => {
    // XEP-0045 §11.2: those inside are told that the service goes.
    await driver?.command({ name: 'stop' });
    await driver?.stop();
    process.exit(status);
  };
  const common = {
    ...{ host, port, secret, server: config.server },
    ...(log ? { log: (line: string) => console.error(line) } : {}),
  };
  const link =
    config.kind === 'replica'
      ? new ReplicaLink({ ...common, room: config.room.jid, self: domain })
      : new ComponentLink({ ...common, domain });
  const damaged = (damage: string) => console.error(`${domain}: ${damage}`);
  const directory = store === undefined ? undefined : nodeDirectory(store, domain);
  const renewal: Renewal = {
    node: () => createMucNode(config),
    store: () => openStore(directory, { damaged }),
    tell: damaged,
  };
  driver = new Driver({
    address: domain,
    node: renewal.node(),
    store: await openStore(directory, { acceptLoss, damaged }),
    renewal,
    link,
    host: { now, setTimer, newId: randomId },
    ...(isDistributed(config) ? { report: peerReport((line) => console.log(line)) } : {}),
    failed: (error) => {
      console.error(`${domain} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      void stop(1);
    },
    progress: (phase, detail) => {
      if (phase === 'reconnecting') console.error(`${place}: ${detail}`);
      else if (phase === 'bound' && isReady) console.error(`${place}: connected again`);
      else if (phase === 'failed' && isReady) {
        console.error(`${place}: ${detail}`);
        void stop(1);
      }
    },
  });
  let isReady = false;
  process.once('SIGINT', () => void stop(0));
  process.once('SIGTERM', () => void stop(0));
  await driver.start(({ damage }) => {
    if (damage !== undefined) damaged(damage);
  });
  isReady = true;
  console.log(`ready ${domain} on ${place}`);
}

function isDistributed(config: NodeConfig): boolean {
  if (config.kind === 'replica' || config.onDemand !== undefined || config.hosting !== undefined) return true;
  return config.rooms.some(({ distribution: { kind } }) => kind === 'primary' || kind === 'source');
}

const options = readArguments(process.argv.slice(2), process.env);
delete process.env[secretVariable];
if (options === 'help') console.log(help);
else if (Array.isArray(options)) stopWith(2, options[0] ?? '');
else run(options).catch((error: Error) => stopWith(...whyNotStarted(error)));
