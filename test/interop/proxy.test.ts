import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { netsplit } from '../../src/headless/vite-plugin.ts';
import type { LiveConfig } from '../../src/scenario/live-config-type.ts';

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

/** A block of README.md in src/headless. */
function documented(language: string): string {
  const text = readFileSync(new URL('../../src/headless/README.md', import.meta.url), 'utf8');
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1] ?? '';
}

/** Where a proxy listens, and what is behind it. */
interface Ports {
  readonly proxy: number;
  /** Here it hides that it is one. */
  readonly hidden: number;
  readonly upstream: number;
}

/** A program that is configured as README.md says, but for TLS. */
interface Proxy {
  readonly program: string;
  readonly package: string;
  config(ports: Ports, directory: string): string;
  args(file: string, directory: string): readonly string[];
}

const proxies: readonly Proxy[] = [
  {
    program: 'nginx',
    package: 'nginx-light',
    config: ({ proxy, hidden, upstream }, directory) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join(' ');
      const site = documented('nginx')
        .replace('listen 443 ssl;', `listen 127.0.0.1:${proxy};`)
        .replace(/^ *ssl_.*\n/gm, '')
        .replace('127.0.0.1:5173', `127.0.0.1:${upstream}`);
      return `daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 200; }
http { access_log off; ${temporary}
${site}
server { listen 127.0.0.1:${hidden}; location / { proxy_pass http://127.0.0.1:${upstream}; } } }`;
    },
    args: (file, directory) => ['-e', `${directory}/error.log`, '-c', file],
  },
  {
    program: 'caddy',
    package: 'caddy',
    config: ({ proxy, hidden, upstream }) => {
      const site = documented('caddyfile')
        .replace('chat.example.org {', `http://chat.example.org:${proxy} {`)
        .replace('127.0.0.1:5173', `127.0.0.1:${upstream}`);
      const secretive = ['Host {upstream_hostport}', '-X-Forwarded-For', '-X-Forwarded-Proto', '-X-Forwarded-Host'];
      return `{
  admin off
  auto_https off
  default_bind 127.0.0.1
}
${site}
http://:${hidden} {
  reverse_proxy 127.0.0.1:${upstream} {
${secretive.map((header) => `    header_up ${header}`).join('\n')}
  }
}
`;
    },
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  },
];

const installed = ({ program }: Proxy) => spawnSync('which', [program]).status === 0;
const titleOf = (proxy: Proxy) =>
  `behind ${proxy.program}${installed(proxy) ? '' : `: ${proxy.program} is not installed (apt-get install ${proxy.package})`}`;

describe.each(proxies.map((one) => [titleOf(one), one] as const))('%s', (_title, program) => {
  const stops: (() => Promise<unknown>)[] = [];
  let proxy = 0;
  let hidden = 0;
  const it = test.skipIf(!installed(program));

  beforeAll(async () => {
    if (!installed(program)) return;
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
    const directory = mkdtempSync(`${tmpdir()}/netsplit-proxy-`);
    const file = `${directory}/config`;
    writeFileSync(file, program.config({ proxy, hidden, upstream }, directory));
    const env = { ...process.env, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
    const running = spawn(program.program, program.args(file, directory), { stdio: 'ignore', env });
    stops.push(async () => {
      const gone = new Promise((resolve) => running.once('close', resolve));
      running.kill('SIGTERM');
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
