import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';

export interface ProsodyOptions {
  /** Virtual hosts, each with users and passwords. */
  readonly hosts: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** External components (XEP-0114) and their secrets. */
  readonly components?: Readonly<Record<string, string>>;
  /** Those of them that may speak in any name (`validate_from_addresses = false`). */
  readonly trusted?: readonly string[];
  /** Talks to other servers (dialback, no TLS): where each of their domains is, on port 5269 of a loopback address. */
  readonly s2s?: Readonly<Record<string, string>>;
  /** Domains of Prosody's own MUC. */
  readonly muc?: readonly string[];
  /** Modules besides those that every client needs. */
  readonly modules?: readonly string[];
  /** More lines of configuration, at the top. */
  readonly extra?: string;
}

export interface Prosody {
  readonly pid: number;
  /** XMPP over TCP, without TLS. */
  readonly c2sPort: number;
  readonly componentPort: number;
  /** For other servers, if it talks to any. */
  readonly s2sPort: number;
  /** ws:// */
  readonly websocket: string;
  readonly directory: string;
  log(): string;
  stop(): Promise<void>;
}

/** Accounts that most tests have. */
export const names = ['bernardo', 'francisco', 'horatio', 'marcellus', 'hamlet', 'gertrude'] as const;

const basic = ['roster', 'saslauth', 'disco', 'ping', 'websocket', 'smacks', 'carbons', 'posix'];
/** What a server for people has besides: converse.js asks for all of it. */
export const forPeople = ['pep', 'private', 'blocklist', 'vcard_legacy', 'mam', 'bookmarks', 'time', 'version'];

/** Why no Prosody can be started here; undefined: one can. */
export const noProsody: string | undefined =
  spawnSync('which', ['prosody']).status === 0 ? undefined : 'prosody is not installed (apt-get install prosody)';

/** A Prosody from the distribution's package in a directory of its own, on ports of the loopback interface that are free. */
export async function startProsody(options: ProsodyOptions): Promise<Prosody> {
  if (noProsody !== undefined) throw new Error(noProsody);
  const directory = mkdtempSync(`${tmpdir()}/netsplit-prosody-`);
  const [c2sPort, componentPort, httpPort, s2sPort] = await freePorts(4);
  for (const [host, users] of Object.entries(options.hosts)) {
    const accounts = `${directory}/data/${encodeName(host)}/accounts`;
    mkdirSync(accounts, { recursive: true });
    for (const [user, password] of Object.entries(users))
      writeFileSync(`${accounts}/${encodeName(user)}.dat`, `return { ["password"] = ${JSON.stringify(password)}; };\n`);
  }
  mkdirSync(`${directory}/certs`);
  const config = `${directory}/prosody.cfg.lua`;
  const { s2s, trusted = [] } = options;
  const names = `${directory}/hosts`;
  if (s2s)
    writeFileSync(
      names,
      Object.entries(s2s)
        .map(([domain, address]) => `${address} ${domain}\n`)
        .join(''),
    );
  const modules = [...basic, ...(s2s ? ['dialback'] : []), ...(options.modules ?? [])];
  const toOthers = `s2s_ports = { ${s2sPort} }; s2s_interfaces = { "127.0.0.1" }
s2s_require_encryption = false; s2s_secure_auth = false; unbound = { hoststxt = "${names}" }`;
  writeFileSync(
    config,
    `run_as_root = true
pidfile = "${directory}/prosody.pid"
data_path = "${directory}/data"
certificates = "${directory}/certs"
log = { { levels = { min = "info" }, to = "file", filename = "${directory}/prosody.log" } }
interfaces = { "127.0.0.1" }; local_interfaces = { "127.0.0.1" }
c2s_ports = { ${c2sPort} }; component_ports = { ${componentPort} }; http_ports = { ${httpPort} }; https_ports = {}
${s2s ? toOthers : 's2s_ports = {}'}
c2s_direct_tls_ports = {}; legacy_ssl_ports = {}
http_interfaces = { "127.0.0.1" }; component_interfaces = { "127.0.0.1" }
consider_websocket_secure = true; c2s_require_encryption = false; allow_unencrypted_plain_auth = true
authentication = "internal_plain"; storage = "internal"
http_default_host = "${Object.keys(options.hosts)[0]}"
modules_enabled = { ${modules.map((name) => `"${name}"`).join(', ')} }
modules_disabled = { "tls"${s2s ? '' : ', "s2s"'} }
${options.extra ?? ''}
${Object.keys(options.hosts)
  .map((host) => `VirtualHost "${host}"\n`)
  .join('')}
${Object.entries(options.components ?? {})
  .map(
    ([domain, secret]) =>
      `Component "${domain}"\n  component_secret = ${JSON.stringify(secret)}\n${trusted.includes(domain) ? '  validate_from_addresses = false\n' : ''}`,
  )
  .join('')}
${(options.muc ?? [])
  .map((domain) => `Component "${domain}" "muc"\n  muc_room_locking = false; restrict_room_creation = false\n`)
  .join('')}`,
  );
  const child = spawn('prosody', ['--config', config, '-F'], { stdio: 'ignore' });
  // Also where a test never came to its end.
  const orphan = () => child.kill('SIGTERM');
  process.once('exit', orphan);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const log = () => readFileSync(`${directory}/prosody.log`, { encoding: 'utf8', flag: 'a+' });
  const stop = async () => {
    child.kill('SIGTERM');
    await gone;
    process.off('exit', orphan);
    rmSync(directory, { recursive: true, force: true });
  };
  for (const port of [c2sPort, componentPort, httpPort, ...(s2s ? [s2sPort] : [])]) {
    if (await listens(port as number, () => child.exitCode !== null)) continue;
    const said = log();
    await stop();
    throw new Error(`Prosody does not listen on port ${port}:\n${said}`);
  }
  return {
    pid: child.pid as number,
    c2sPort: c2sPort as number,
    componentPort: componentPort as number,
    s2sPort: s2sPort as number,
    websocket: `ws://127.0.0.1:${httpPort}/xmpp-websocket`,
    directory,
    log,
    stop,
  };
}

/** As Prosody names its files. */
function encodeName(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Ports that the system gave out a moment ago; all at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listens(port: number, hasEnded: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 100 && !hasEnded(); tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
