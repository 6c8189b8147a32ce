/** The embedded server without nodes, and the built bench page; the nodes run in a browser that opens it. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostScenarios } from '../../src/headless/live-config.ts';
import { nodeServerHost } from '../../src/headless/node-host.ts';
import { attachWebSocketHost, websocketPath } from '../../src/headless/websocket-host.ts';
import { builtInScenario } from '../../src/scenario/built-in.ts';

const directory = process.argv[2] as string;
const scenario = builtInScenario('plain');
if (scenario === undefined) throw new Error('no scenario plain');
const host = nodeServerHost((line) => console.error(line));
const live = hostScenarios([scenario], host, { open: true });
const http = createServer(async (request, response) => {
  const path = (request.url ?? '/').split('?')[0] as string;
  if (path === '/result') {
    let text = '';
    for await (const chunk of request) text += chunk;
    console.log(`result ${text}`);
    return response.end();
  }
  if (path === '/config.json') return response.end(JSON.stringify(live.configFor('plain', true)));
  const file = await readFile(directory + path).catch(() => undefined);
  response.writeHead(file === undefined ? 404 : 200, {
    'Content-Type': path.endsWith('.js') ? 'text/javascript' : 'text/html',
  });
  response.end(file);
});
attachWebSocketHost(http, { host, find: live.find });
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  console.log(`ready ws://127.0.0.1:${port}${websocketPath} http://127.0.0.1:${port}`);
});
