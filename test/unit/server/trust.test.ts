import { request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { netsplit } from '../../../src/headless/vite-plugin.ts';
import type { LiveConfig } from '../../../src/scenario/live-config-type.ts';

const token = '00112233445566778899aabbccddeeff';
const publicUrl = 'https://chat.example.org';

interface Served {
  readonly vite: ViteDevServer;
  readonly port: number;
}

async function serve(options: Parameters<typeof netsplit>[0]): Promise<Served> {
  const vite = await createServer({
    configFile: false,
    logLevel: 'silent',
    plugins: [netsplit(options)],
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, allowedHosts: ['chat.example.org'] },
  });
  await vite.listen();
  const address = vite.httpServer?.address() as AddressInfo;
  return { vite, port: address.port };
}

let strict: Served;
let plain: Served;
beforeAll(async () => {
  strict = await serve({ token, publicUrl });
  plain = await serve({});
});
afterAll(() => Promise.all([strict.vite.close(), plain.vite.close()]));

function ask({ port }: Served, headers: Record<string, string> = {}, path = '/netsplit.json') {
  return new Promise<{ status: number; config: LiveConfig }>((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path, headers }, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, config: JSON.parse(body) as LiveConfig }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const isOperators = ({ credentials }: LiveConfig) =>
  credentials.operator !== undefined || Object.keys({ ...credentials.nodes, ...credentials.occupants }).length > 0;

describe('who gets the passwords of nodes, characters and operator', () => {
  it('whoever shows the token of this start', async () => {
    const { config } = await ask(strict, { Authorization: `Bearer ${token}` });
    expect(config.credentials.operator?.jid).toMatch(/^operator@/);
    expect(Object.keys(config.credentials.nodes).length).toBeGreaterThan(0);
    expect(Object.keys(config.credentials.occupants).length).toBeGreaterThan(0);
  });

  it.each([
    ['nobody', {}],
    ['a wrong token', { Authorization: `Bearer ${token.replace('0', '1')}` }],
    ['a part of it', { Authorization: `Bearer ${token.slice(0, 8)}` }],
    ['an empty one', { Authorization: 'Bearer ' }],
    ['a proxy that says nothing of itself', { Connection: 'close' }],
    ['a proxy that says 127.0.0.1', { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1' }],
  ])('not %s, although it is on this machine', async (_, headers) => {
    const { status, config } = await ask(strict, headers);
    expect(status).toBe(200);
    expect(isOperators(config)).toBe(false);
  });

  it('a guest gets an account of its own, that owns nothing, and the trace', async () => {
    const { config } = await ask(strict);
    const other = (await ask(strict)).config;
    const [guest] = config.credentials.guests;
    expect(config.credentials.guests).toHaveLength(1);
    expect(guest?.jid).toMatch(/^guest-[0-9a-f]{12}@/);
    expect(config.scenario.occupants.map(({ jid }) => jid.split('/')[0])).not.toContain(guest?.jid);
    expect(other.credentials.guests[0]?.jid).not.toBe(guest?.jid);
    expect(config.credentials.observer.jid).toMatch(/^observer@/);
    expect((await ask(strict, {}, '/netsplit.json?look=')).config.credentials.guests).toEqual([]);
  });

  it('through a proxy whose address is known, by the token alone', async () => {
    const host = { Host: 'chat.example.org' };
    expect(isOperators((await ask(strict, host)).config)).toBe(false);
    expect(isOperators((await ask(strict, { ...host, Authorization: `Bearer ${token}` })).config)).toBe(true);
    expect((await ask(plain, host)).status).toBe(403);
  });

  it.each(['Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP'])(
    'without a token: who comes straight from this machine, so nobody with %s',
    async (header) => {
      expect(isOperators((await ask(plain)).config)).toBe(true);
      expect(isOperators((await ask(plain, { [header]: '127.0.0.1' })).config)).toBe(false);
    },
  );
});

/** Bytes in, and all that comes until the other side closes. */
function speak(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // As a client that never closes its own side.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(text));
    let heard = '';
    socket.on('data', (data) => {
      heard += data;
    });
    socket.on('end', () => resolve(heard));
    socket.on('error', reject);
  });
}

const upgrade = (path: string, headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${headers}\r\n`;

describe('upgrades to a WebSocket', () => {
  it.each([
    ['an unknown path', '/socket', 'Sec-WebSocket-Protocol: xmpp\r\n', '404'],
    ['the path of the page', '/', '', '404'],
    ['the path of the page, with our protocol', '/', 'Sec-WebSocket-Protocol: xmpp\r\n', '404'],
    ['a path below ours', '/xmpp-websocket/x', 'Sec-WebSocket-Protocol: xmpp\r\n', '404'],
    ['a foreign page', '/xmpp-websocket', 'Origin: https://evil.example\r\nSec-WebSocket-Protocol: xmpp\r\n', '403'],
    ['another protocol', '/xmpp-websocket', 'Sec-WebSocket-Protocol: chat\r\n', '400'],
  ])('are refused and closed: %s', async (_, path, headers, status) => {
    const heard = await speak(strict.port, upgrade(path, headers).replace('PORT', String(strict.port)));
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('leave no socket behind, even of a client that closes nothing', async () => {
    const server = strict.vite.httpServer;
    const count = () => new Promise<number>((resolve) => server?.getConnections((_, n) => resolve(n)));
    const sockets: Socket[] = [];
    for (let i = 0; i < 250; i++) {
      const socket = connect({ port: strict.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      socket.write(upgrade('/evil', 'Origin: https://evil.example\r\n').replace('PORT', String(strict.port)));
      sockets.push(socket);
    }
    // Each has had its answer; then the server closes them all by itself.
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    await expect.poll(count, { timeout: 15_000 }).toBeLessThan(10);
    for (const socket of sockets) socket.destroy();
  });

  it('go through the proxy whose address is known, for its own pages', async () => {
    const opens = (origin: string) =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${strict.port}/xmpp-websocket`, ['xmpp'], {
          origin,
          headers: { Host: 'chat.example.org' },
        });
        socket.on('open', () => {
          socket.close();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      });
    expect(await opens(publicUrl)).toBe(true);
    expect(await opens('http://chat.example.org')).toBe(false);
    expect(await opens('https://evil.example')).toBe(false);
  });
});
