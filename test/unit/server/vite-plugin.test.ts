import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { netsplit } from '../../../src/headless/vite-plugin.ts';
import type { LiveConfig } from '../../../src/scenario/live-config-type.ts';

let vite: ViteDevServer;
let port: number;
beforeAll(async () => {
  vite = await createServer({
    configFile: false,
    logLevel: 'silent',
    plugins: [netsplit()],
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0 },
  });
  await vite.listen();
  const address = vite.httpServer?.address() as AddressInfo;
  port = address.port;
});
afterAll(() => vite.close());

function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path, method, headers }, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('GET /netsplit.json', () => {
  it('gives a page of this server what it needs, and no cache keeps it', async () => {
    const { status, headers, body } = await ask('/netsplit.json?scenario=wonderland', {
      'Sec-Fetch-Site': 'same-origin',
    });
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    const config = JSON.parse(body) as LiveConfig;
    expect(config.running).toEqual([]);
    expect(config).toMatchObject({ websocket: '/xmpp-websocket', scenario: { id: 'wonderland' } });
    expect(config.scenarios.map(({ id }) => id)).toEqual([
      'wallops',
      'growing',
      'frozen',
      'local',
      'wonderland',
      'mirror',
      'chain',
      'ring',
      'coven',
      'plain',
    ]);
    expect(config.credentials.operator?.jid).toMatch(/^operator@/);
    expect((JSON.parse((await ask('/netsplit.json')).body) as LiveConfig).scenario.id).toBe('wallops');
  });

  it('names an unknown scenario and the known ones', async () => {
    const { status, body } = await ask('/netsplit.json?scenario=nope');
    expect(status).toBe(404);
    expect(JSON.parse(body).error).toBe(
      'no scenario "nope": there are wallops, growing, frozen, local, wonderland, mirror, chain, ring, coven, plain',
    );
  });

  it.each([
    ['another Origin', { Origin: 'https://evil.example' }],
    ['the null Origin', { Origin: 'null' }],
    ['another page on this machine', { Origin: 'http://localhost:1' }],
    ['another site (Sec-Fetch-Site)', { 'Sec-Fetch-Site': 'cross-site' }],
    ['another port (Sec-Fetch-Site)', { 'Sec-Fetch-Site': 'same-site' }],
    ['a rebound Host', { Host: 'evil.example' }],
  ])('W15, W17: no password for %s', async (_, headers) => {
    const { status, body } = await ask('/netsplit.json', headers);
    expect(status).toBe(403);
    expect(body).not.toContain('password');
  });

  it('answers GET only', async () => {
    expect((await ask('/netsplit.json', {}, 'POST')).status).toBe(405);
  });
});

describe("WebSockets on the page's port", () => {
  const opens = (path: string, protocol: string) =>
    new Promise<boolean>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [protocol]);
      socket.on('open', () => {
        socket.close();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });

  it("RFC 7395 is at /xmpp-websocket, Vite's own stays where it is", async () => {
    expect(await opens('/xmpp-websocket', 'xmpp')).toBe(true);
    expect(await opens('/xmpp-websocket', 'chat')).toBe(false);
    const token = (vite.config as unknown as { webSocketToken?: string }).webSocketToken ?? '';
    expect(await opens(`/?token=${token}`, 'vite-hmr')).toBe(true);
  });
});
