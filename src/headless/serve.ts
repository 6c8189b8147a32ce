import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultBudgets } from '../server/budget.ts';
import { stopWith } from './arguments.mjs';
import { endOnSignal } from './ending.ts';
import { hostScenarios, type Live } from './live-config.ts';
import { type LocalNodes, startLocalNodes } from './local-nodes.ts';
import { Log, logSettings } from './log.ts';
import { whyNotStarted } from './loss.ts';
import { nodeServerHost } from './node-host.ts';
import { reloadOnHangup } from './reload.ts';
import { readServeArguments, readServeSettings, type ServeOptions, serveHelp } from './serve-arguments.ts';
import { Watch } from './watch.ts';
import { serveWatch } from './watch-server.ts';
import { attachWebSocketHost, websocketPath } from './websocket-host.ts';

function printAccounts(live: Live, log: Log): void {
  if (log.isJson)
    return log.warn('the passwords of this run are told with --log text alone; --accounts FILE has those of your own');
  for (const { credentials } of live.networks) {
    log.info('accounts of this run:');
    for (const [address, password] of Object.entries(credentials.occupants)) log.info(`  ${address}  ${password}`);
    for (const { jid: address, password } of credentials.guests) log.info(`  ${address}  ${password}`);
  }
}

/** Readers that are behind get so long to take what they were told last, in milliseconds. */
const readMs = 2000;

/** @param args  read again when the configuration is to be */
async function serve(options: ServeOptions, args: readonly string[]): Promise<void> {
  const log = new Log(options.log);
  const host = nodeServerHost(log.debug);
  const live = hostScenarios([options.scenario], host, {
    open: options.open,
    budgets: options.budgets,
    ...(options.passwords ? { passwords: options.passwords } : {}),
  });
  const watch = options.metrics && new Watch({ isBound: false, withBodies: options.traceBodies });
  watch?.networks.push(...live.networks.map(({ network }) => network));
  reloadOnHangup(
    options.settings,
    () => readServeSettings(args),
    ({ values }) => {
      log.change(logSettings(values));
      if (watch) watch.ring.withBodies = values['trace-bodies'] === true;
    },
    log,
  );
  const watched = options.metrics && watch ? await serveWatch(watch, options.metrics) : undefined;

  const http = createServer((_request, response) => {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`XMPP over WebSocket (RFC 7395) is at ${websocketPath}\n`);
  });
  const detach = attachWebSocketHost(http, {
    host,
    find: live.find,
    publicUrl: options.publicUrl,
    budgets: { ...defaultBudgets, ...options.budgets },
  });
  const nodes: LocalNodes[] = [];
  const ending = endOnSignal({
    log,
    drain: async () => {
      if (watch) watch.isEnding = true;
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      // Occupants are told that the service goes (XEP-0045 §11.2), and logs are closed.
      await Promise.allSettled(nodes.map((of) => of.stop()));
      const networks = live.networks.map(({ network }) => network);
      const until = performance.now() + readMs;
      while (networks.some(({ behind }) => behind.size > 0) && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 20));
      for (const network of networks) network.end('the server stops', 'system-shutdown');
      http.closeAllConnections();
      await closed;
      detach();
      watched?.server.close();
    },
  });
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(options.port, '127.0.0.1', resolve);
  });
  if (watch) watch.isBound = true;

  const failed = (address: string, error: unknown) => {
    log.error(`${address} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    ending.end(1);
  };
  const store = {
    ...(options.store === undefined ? {} : { directory: options.store }),
    acceptLoss: options.acceptLoss,
    damaged: (address: string, damage: string) => log.warn(`${address}: ${damage}`, { address }),
    watch,
  };
  for (const one of live.networks) nodes.push(await startLocalNodes(one, host, failed, store));
  if (!options.open && options.passwords === undefined) printAccounts(live, log);
  if (watched) log.info(`metrics ${watched.url}/metrics`, { metrics: `${watched.url}/metrics` });
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}${websocketPath}`;
  log.info(`ready ${url}`, { ready: url });
}

const args = process.argv.slice(2);
const options = readServeArguments(args);
if (options === 'help') console.log(serveHelp);
else if ('error' in options) stopWith(2, options.error);
else
  serve(options, args).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') stopWith(1, portInUse(error, options));
    stopWith(...whyNotStarted(error));
  });

function portInUse(error: NodeJS.ErrnoException & { readonly port?: number }, { port, metrics }: ServeOptions): string {
  const flag = error.port === metrics?.port && error.port !== port ? '--metrics' : '--port';
  return `Port ${error.port ?? port} is in use: choose another with ${flag}`;
}
