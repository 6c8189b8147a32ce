import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultBudgets } from '../server/budget.ts';
import { stopWith } from './arguments.mjs';
import { hostScenarios, type Live } from './live-config.ts';
import { type LocalNodes, startLocalNodes } from './local-nodes.ts';
import { whyNotStarted } from './loss.ts';
import { nodeServerHost } from './node-host.ts';
import { readServeArguments, type ServeOptions, serveHelp } from './serve-arguments.ts';
import { attachWebSocketHost, websocketPath } from './websocket-host.ts';

function printAccounts(live: Live): void {
  for (const { credentials } of live.networks) {
    console.log('accounts of this run:');
    for (const [address, password] of Object.entries(credentials.occupants)) console.log(`  ${address}  ${password}`);
    for (const { jid: address, password } of credentials.guests) console.log(`  ${address}  ${password}`);
  }
}

async function serve(options: ServeOptions): Promise<void> {
  const host = nodeServerHost(options.log ? (line) => console.error(line) : undefined);
  const live = hostScenarios([options.scenario], host, {
    open: options.open,
    budgets: options.budgets,
    ...(options.passwords ? { passwords: options.passwords } : {}),
  });
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
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(options.port, '127.0.0.1', resolve);
  });

  const nodes: LocalNodes[] = [];
  const stop = async () => {
    await Promise.allSettled(nodes.map((of) => of.stop()));
    detach();
    http.close();
    process.exit();
  };
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
  const failed = (address: string, error: unknown) => {
    console.error(`${address} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
    void stop();
  };
  const log = {
    ...(options.store === undefined ? {} : { directory: options.store }),
    acceptLoss: options.acceptLoss,
    damaged: (address: string, damage: string) => console.error(`${address}: ${damage}`),
  };
  for (const one of live.networks) nodes.push(await startLocalNodes(one, host, failed, log));
  if (!options.open && options.passwords === undefined) printAccounts(live);
  console.log(`ready ws://127.0.0.1:${(http.address() as AddressInfo).port}${websocketPath}`);
}

const options = readServeArguments(process.argv.slice(2));
if (options === 'help') console.log(serveHelp);
else if ('error' in options) stopWith(2, options.error);
else
  serve(options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') stopWith(1, `Port ${options.port} is in use: choose another with --port`);
    stopWith(...whyNotStarted(error));
  });
