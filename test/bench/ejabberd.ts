import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

export interface Ejabberd {
  readonly pid: number;
  readonly websocket: string;
  readonly c2sPort: number;
  readonly componentPort: number;
  /** Its name among Erlang's nodes, and what lets others in. */
  readonly node: string;
  readonly cookie: string;
  stop(): Promise<void>;
}

export interface Cluster {
  /** Over how many processes the addresses of a component are divided. */
  readonly spread?: Readonly<Record<string, number>>;
  /** Another node, whose cluster this one joins. */
  readonly joins?: Ejabberd;
  /** Modules beside those that all have, and their options in YAML. */
  readonly modules?: Readonly<Record<string, string>>;
}

/**
 * An ejabberd in a directory of its own. Anyone may log in with any name and password.
 *
 * @param components  external components (XEP-0114) and their secrets
 */
export async function startEjabberd(
  domain: string,
  rooms: string,
  components: Readonly<Record<string, string>> = {},
  { spread = {}, joins, modules = {} }: Cluster = {},
): Promise<Ejabberd> {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-ejabberd-`);
  mkdirSync(`${directory}/log`);
  const [http, c2s, componentPort] = [await freePort(), await freePort(), await freePort()];
  const node = `test${process.pid}-${http}@localhost`;
  const cookie = joins?.cookie ?? randomBytes(12).toString('hex');
  const balancing = Object.entries(spread).map(
    ([name, count]) => `domain_balancing: { "${name}": { type: bare_destination, component_number: ${count} } }\n`,
  );
  const hosts = Object.entries(components).map(([name, password]) => `"${name}": { password: "${password}" }`);
  const service = `  - { port: ${componentPort}, ip: "127.0.0.1", module: ejabberd_service, access: all, shaper: none,
      global_routes: false, hosts: { ${hosts.join(', ')} } }\n`;
  writeFileSync(
    `${directory}/ejabberd.yml`,
    `hosts: [${domain}]
loglevel: error
auth_method: anonymous
anonymous_protocol: both
allow_multiple_connections: true
${balancing.join('')}listen:
  - { port: ${http}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: { /ws: ejabberd_http_ws } }
  - { port: ${c2s}, ip: "127.0.0.1", module: ejabberd_c2s, access: c2s, shaper: none }
${hosts.length === 0 ? '' : service}access_rules: { c2s: { allow: all }, local: { allow: all } }
shaper_rules: { max_user_sessions: 100000 }
modules:
  mod_disco: {}
  mod_ping: {}
${Object.entries(modules)
  .map(([name, options]) => `  ${name}: ${options}\n`)
  .join('')}  mod_muc:
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
    ['-noshell', '-noinput', '-sname', node, '-setcookie', cookie,
      '-kernel', 'inet_dist_use_interface', '{127,0,0,1}', '+K', 'true', '+P', '250000',
      '-mnesia', 'dir', `"${directory}/db"`,
      '-ejabberd', 'config', `"${directory}/ejabberd.yml"`, 'log_path', `"${directory}/log/e.log"`,
      '-pa', ebin() as string, '-s', 'ejabberd'],
    { stdio: 'ignore', env: { ...process.env, HOME: directory, ERL_EPMD_ADDRESS: '127.0.0.1' } },
  );
  // Also where a test never came to its end.
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);
  const stop = async () => {
    process.off('exit', orphan);
    await stopped(child);
    rmSync(directory, { recursive: true, force: true });
  };
  const log = () => (existsSync(`${directory}/log/e.log`) ? readFileSync(`${directory}/log/e.log`, 'utf8') : '');
  const untilUp = async () => {
    for (let tries = 0; !(await answers(http)); tries++) {
      if (child.exitCode !== null || tries > 600) {
        const said = log();
        await stop();
        throw new Error(`ejabberd does not start: ${said.slice(0, 500)}`);
      }
      await pause(100);
    }
  };
  await untilUp();
  if (joins !== undefined) {
    const asked = spawnSync(
      'erl',
      // biome-ignore format: pairs
      ['-noshell', '-noinput', '-sname', `ask-${node}`, '-setcookie', cookie,
        '-kernel', 'inet_dist_use_interface', '{127,0,0,1}',
        '-eval', `io:format("~p", [rpc:call('${node}', ejabberd_cluster, join, ['${joins.node}'])]), halt().`],
      { encoding: 'utf8', timeout: 90_000, env: { ...process.env, HOME: directory, ERL_EPMD_ADDRESS: '127.0.0.1' } },
    );
    if (asked.stdout !== 'ok') {
      await stop();
      throw new Error(`the node does not join the other: ${asked.stdout} ${asked.stderr} ${log().slice(0, 500)}`);
    }
    await untilUp();
  }
  const websocket = `ws://127.0.0.1:${http}/ws`;
  return { pid: child.pid as number, c2sPort: c2s, componentPort, websocket, node, cookie, stop };
}

/** It listens before it has started, and answers nobody until then. */
async function answers(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) }).catch(
    () => undefined,
  );
  return answer !== undefined;
}
