import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { freePort, pause, stopped } from './processes.ts';

/** Where the distribution's package has the compiled modules. */
function ebin(): string | undefined {
  for (const lib of ['/usr/lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']) {
    if (!existsSync(lib)) continue;
    const name = readdirSync(lib).find((one) => /^ejabberd-\d/.test(one));
    if (name !== undefined && existsSync(`${lib}/${name}/ebin`)) return `${lib}/${name}/ebin`;
  }
  return undefined;
}

/** Why no ejabberd can be started here; undefined: one can. */
export const noEjabberd: string | undefined =
  ebin() === undefined || spawnSync('which', ['erl']).status !== 0
    ? 'ejabberd is not installed (apt-get install ejabberd)'
    : undefined;

/** An ejabberd in a directory of its own. Anyone may log in with any name and password. */
export async function startEjabberd(domain: string, rooms: string) {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-ejabberd-`);
  mkdirSync(`${directory}/log`);
  const [http, c2s] = [await freePort(), await freePort()];
  writeFileSync(
    `${directory}/ejabberd.yml`,
    `hosts: [${domain}]
loglevel: error
auth_method: anonymous
anonymous_protocol: both
allow_multiple_connections: true
listen:
  - { port: ${http}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: { /ws: ejabberd_http_ws } }
  - { port: ${c2s}, ip: "127.0.0.1", module: ejabberd_c2s, access: c2s, shaper: none }
access_rules: { c2s: { allow: all }, local: { allow: all } }
shaper_rules: { max_user_sessions: 100000 }
modules:
  mod_disco: {}
  mod_ping: {}
  mod_muc:
    host: "${rooms}"
    max_users: 5000
    max_users_presence: 5000
    min_message_interval: 0
    min_presence_interval: 0
    history_size: 20
    default_room_options: { max_users: 5000, allow_subscription: false, public: true, persistent: false }
`,
  );
  const child = spawn(
    'erl',
    // biome-ignore format: pairs
    ['-noshell', '-noinput', '-sname', `bench${process.pid}@localhost`,
      '-kernel', 'inet_dist_use_interface', '{127,0,0,1}', '+K', 'true', '+P', '250000',
      '-mnesia', 'dir', `"${directory}/db"`,
      '-ejabberd', 'config', `"${directory}/ejabberd.yml"`, 'log_path', `"${directory}/log/e.log"`,
      '-pa', ebin() as string, '-s', 'ejabberd'],
    { stdio: 'ignore', env: { ...process.env, HOME: directory, ERL_EPMD_ADDRESS: '127.0.0.1' } },
  );
  const stop = async () => {
    await stopped(child);
    rmSync(directory, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 200) {
      const log = existsSync(`${directory}/log/e.log`) ? readFileSync(`${directory}/log/e.log`, 'utf8') : '';
      await stop();
      throw new Error(`ejabberd does not start: ${log.slice(0, 500)}`);
    }
    if (await listens(http)) break;
    await pause(100);
  }
  return { pid: child.pid as number, websocket: `ws://127.0.0.1:${http}/ws`, stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
