import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { netsplit } from '../../src/headless/vite-plugin.ts';
import type { LiveConfig } from '../../src/scenario/live-config-type.ts';

const noNginx =
  spawnSync('which', ['nginx']).status === 0 ? undefined : 'nginx is not installed (apt-get install nginx)';
const token = '00112233445566778899aabbccddeeff';

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** The block of README.md in src/headless, without TLS. */
function documented(upstream: number, port: number): string {
  const text = readFileSync(new URL('../../src/headless/README.md', import.meta.url), 'utf8');
  const [, block = ''] = /^```nginx\n([\s\S]*?)^```$/m.exec(text) ?? [];
  return block
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace(/^ *ssl_.*\n/gm, '')
    .replace('127.0.0.1:5173', `127.0.0.1:${upstream}`);
}

describe.skipIf(noNginx !== undefined)(`behind nginx${noNginx === undefined ? '' : `: ${noNginx}`}`, () => {
  const stops: (() => Promise<unknown>)[] = [];
  let proxy = 0;
  /** A proxy that hides that it is one, as nginx does where nothing is configured. */
  let hidden = 0;

  beforeAll(async () => {
    proxy = await freePort();
    hidden = await freePort();
    const vite = await createServer({
      configFile: false,
      logLevel: 'silent',
      plugins: [netsplit({ token, publicUrl: `http://chat.example.org:${proxy}` })],
      optimizeDeps: { noDiscovery: true },
      server: { host: '127.0.0.1', port: 0, allowedHosts: ['chat.example.org'] },
    });
    await vite.listen();
    stops.push(() => vite.close());
    const upstream = (vite.httpServer?.address() as AddressInfo | null)?.port ?? 0;
    const directory = mkdtempSync(`${tmpdir()}/netsplit-nginx-`);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${directory}/${name};`)
      .join(' ');
    writeFileSync(
      `${directory}/nginx.conf`,
      `daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 200; }
http { access_log off; ${temporary}
${documented(upstream, proxy)}
server { listen 127.0.0.1:${hidden}; location / { proxy_pass http://127.0.0.1:${upstream}; } } }`,
    );
    const nginx = spawn('nginx', ['-e', `${directory}/error.log`, '-c', `${directory}/nginx.conf`], {
      stdio: 'ignore',
    });
    stops.push(async () => {
      const gone = new Promise((resolve) => nginx.once('close', resolve));
      nginx.kill('SIGTERM');
      await gone;
      rmSync(directory, { recursive: true, force: true });
    });
    await vi.waitFor(async () => expect(await answers(proxy)).toBe(true), { timeout: 10_000 });
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const ask = (port: number, headers: Record<string, string>) =>
    new Promise<{ status: number; config: LiveConfig }>((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', path: '/netsplit.json', headers }, (response) => {
        let body = '';
        response.on('data', (data) => {
          body += data;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, config: JSON.parse(body) as LiveConfig }));
      });
      asked.on('error', reject);
      asked.end();
    });

  it('a visitor is a guest, and whoever has the token is the operator', async () => {
    const headers = { Host: `chat.example.org:${proxy}` };
    const visitor = await ask(proxy, headers);
    expect(visitor.status).toBe(200);
    expect(visitor.config.credentials).toMatchObject({ nodes: {}, occupants: {} });
    expect(visitor.config.credentials).not.toHaveProperty('operator');
    expect(visitor.config.credentials.guests).toHaveLength(1);
    const operator = await ask(proxy, { ...headers, Authorization: `Bearer ${token}` });
    expect(operator.config.credentials.operator?.jid).toMatch(/^operator@/);
  });

  it('is no way round the token where it hides that it is a proxy', async () => {
    const { status, config } = await ask(hidden, { Host: 'chat.example.org' });
    expect(status).toBe(200);
    expect(config.credentials).toMatchObject({ nodes: {}, occupants: {} });
    expect(config.credentials).not.toHaveProperty('operator');
  });

  it('carries WebSockets of its own pages, and of no others', async () => {
    const open = (origin: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${proxy}/xmpp-websocket`, ['xmpp'], {
          origin,
          headers: { Host: `chat.example.org:${proxy}` },
        });
        socket.on('open', () =>
          socket.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="avalon.irc" version="1.0"/>'),
        );
        socket.on('message', (data) => {
          resolve(data.toString().split(' ')[0] ?? '');
          socket.close();
        });
        socket.on('error', (error) => resolve(error.message));
      });
    expect(await open(`http://chat.example.org:${proxy}`)).toBe('<open');
    expect(await open('https://evil.example')).toMatch(/403/);
  });
});
