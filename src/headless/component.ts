import type { NodeConfig } from '../core/node/config.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import { Driver } from '../host/driver.ts';
import type { Renewal } from '../host/renewal.ts';
import type { LinkHandlers, StanzaLink } from '../host/stanza-link.ts';
import { stopWith } from './arguments.mjs';
import { type ComponentOptions, help, readArguments, readComponentSettings, secretOf } from './component-arguments.ts';
import { ComponentLink } from './component-link.ts';
import { endOnSignal } from './ending.ts';
import { nodeDirectory } from './level-store.ts';
import { openStore } from './local-nodes.ts';
import { Log, logSettings } from './log.ts';
import { whyNotStarted } from './loss.ts';
import { nodeServerHost } from './node-host.ts';
import { peerReport } from './peer-report.ts';
import { secretVariable } from './real-place.ts';
import { reloadOnHangup } from './reload.ts';
import { ReplicaLink } from './replica-link.ts';
import { moved } from './seat-connection.ts';
import { openLeft, takeShard, tellOthers } from './shard.ts';
import { checkDivision, ShardIndex } from './shard-index.ts';
import { Watch } from './watch.ts';
import { serveWatch } from './watch-server.ts';

/** @param args  read again when the configuration is to be */
async function run(options: ComponentOptions, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { host, port, domain, config, store, seats, acceptLoss } = options;
  const log = new Log(options.log);
  const { now, setTimer, randomId } = nodeServerHost();
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const watch = options.metrics && new Watch({ isBound: true, withBodies: options.traceBodies });
  const watched = watch?.node(domain);
  let { secret } = options;
  reloadOnHangup(
    options.settings,
    () => readComponentSettings(args),
    ({ values }) => {
      log.change(logSettings(values));
      if (watch) watch.ring.withBodies = values['trace-bodies'] === true;
      const now = secretOf(values, env);
      if (typeof now === 'string') secret = now;
      else log.error(`the secret stays as it is: ${now.error}`);
    },
    log,
  );
  const metrics = options.metrics && watch ? await serveWatch(watch, options.metrics) : undefined;
  let driver: Driver | undefined;
  let stopTelling: () => void = () => undefined;
  const ending = endOnSignal({
    log,
    drain: async () => {
      if (watch) watch.isEnding = true;
      // XEP-0045 §11.2: those inside are told that the service goes.
      await driver?.command({ name: 'stop' });
      stopTelling();
      await driver?.stop();
      metrics?.server.close();
    },
  });
  const common = {
    ...{ host, port, secret: () => secret, server: config.server },
    log: (line: string) => log.debug(line, { domain }),
  };
  const damaged = (damage: string) => log.warn(`${domain}: ${damage}`, { domain });
  let isReady = false;
  /** Set while there is a node that is one of several: called where the server gives its rooms to another. */
  let isMoved: (() => void) | undefined;
  const progress: LinkHandlers['progress'] = (phase, detail) => {
    const fields = { server: place, phase };
    if (phase === 'reconnecting') log.warn(`${place}: ${detail}`, fields);
    else if (phase === 'bound' && isReady) log.warn(`${place}: connected again`, fields);
    else if (phase === 'failed' && isReady) {
      if (detail === moved.message && isMoved) {
        log.warn(`${place}: ${detail}: it begins anew with these`, fields);
        return isMoved();
      }
      log.error(`${place}: ${detail}`, fields);
      ending.end(1);
    }
  };

  /** @returns the node, connected; undefined: a signal has ended it */
  const startNode = async (link: StanzaLink, config: NodeConfig, directory: string | undefined, more = '') => {
    const renewal: Renewal = {
      node: () => createMucNode(config),
      store: () => openStore(directory, { damaged }),
      tell: damaged,
    };
    const open = () => openStore(directory, { acceptLoss, damaged });
    const started = new Driver({
      address: domain,
      node: renewal.node(),
      store: await (seats === undefined ? open() : openLeft(open)),
      renewal,
      link: watched?.watching(link) ?? link,
      ...(watched === undefined ? {} : { meter: watched }),
      host: { now, setTimer, newId: randomId },
      ...(isDistributed(config) ? { report: peerReport(log.info) } : {}),
      failed: (error) => {
        log.error(`${domain} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, {
          domain,
        });
        ending.end(1);
      },
      progress,
    });
    driver = started;
    if (watched !== undefined) watched.driver = started;
    const isUp = started.start(({ damage }) => {
      if (damage !== undefined) damaged(damage);
      if (watched !== undefined) watched.isOpen = true;
    });
    await isUp.catch((error: Error) => {
      // A start that a signal has ended is no failure.
      if (!ending.isEnding) throw error;
    });
    if (ending.isEnding) return undefined;
    isReady = true;
    log.info(`ready ${domain} on ${place}${more}`, { ready: domain, server: place });
    return started;
  };

  if (metrics) log.info(`metrics ${metrics.url}/metrics`, { metrics: `${metrics.url}/metrics` });
  if (seats === undefined || store === undefined || config.kind === 'replica') {
    if (store !== undefined) checkDivision(store, domain, 1);
    const link =
      config.kind === 'replica'
        ? new ReplicaLink({ ...common, room: config.room.jid, self: domain })
        : new ComponentLink({ ...common, domain });
    await startNode(link, config, store === undefined ? undefined : nodeDirectory(store, domain));
    return;
  }
  const index = new ShardIndex(store, domain, seats);
  for (;;) {
    const say = (line: string) => log.warn(line, { domain });
    const shard = await takeShard({ ...common, domain, seats }, config, index, say, progress, () => ending.isEnding);
    if (shard === undefined) return;
    const gone = new Promise<void>((resolve) => {
      isMoved = resolve;
    });
    const { seat, link, directory } = shard;
    const node = await startNode(link, shard.config, directory, `, seat ${seat.number}`);
    if (node === undefined) return;
    stopTelling = tellOthers(index, seat, node, domain, say);
    await gone;
    isReady = false;
    stopTelling();
    await node.stop();
  }
}

function isDistributed(config: NodeConfig): boolean {
  if (config.kind === 'replica' || config.onDemand !== undefined || config.hosting !== undefined) return true;
  return config.rooms.some(({ distribution: { kind } }) => kind === 'primary' || kind === 'source');
}

const args = process.argv.slice(2);
const env = { ...process.env };
const options = readArguments(args, env);
delete process.env[secretVariable];
if (options === 'help') console.log(help);
else if (Array.isArray(options)) stopWith(2, options.join('\n'));
else run(options, args, env).catch((error: Error) => stopWith(...whyNotStarted(error)));
