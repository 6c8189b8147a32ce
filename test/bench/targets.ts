import { noProsody, startProsody } from '../interop/support/prosody.ts';
import { type Ejabberd, noEjabberd, startEjabberd } from './ejabberd.ts';
import type { Target } from './load.ts';
import { cpuMsOf, rssOf, startNode, stopped } from './processes.ts';

/** A server with rooms, running. */
export interface Running extends Target {
  /** Every process that has a part in a delivery, the load generator apart. */
  cpuMs(): number;
  rss(): number;
  /** Frees what is garbage, where that can be asked for. */
  settle(): void;
  stop(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  readonly isReference: boolean;
  /** Why it cannot run here. */
  readonly missing: string | undefined;
  start(occupants: number): Promise<Running>;
}

const domain = 'localhost';
const secret = 'bench';

export const contenders: readonly Contender[] = [
  headlessBy('../../src/headless/serve.ts'),
  { name: 'ws alone, the same bytes', isReference: true, missing: undefined, start: startWs },
  { name: 'netsplit, component of Prosody', isReference: false, missing: noProsody, start: startComponent },
  { name: 'netsplit, component of ejabberd', isReference: false, missing: noEjabberd, start: startOnEjabberd },
  ...(['WebSocket', 'TCP'] as const).flatMap((over): Contender[] => [
    {
      name: `Prosody’s own MUC, over ${over}`,
      isReference: true,
      missing: noProsody,
      start: async (occupants) => {
        const prosody = await startProsody({
          hosts: { [domain]: users(occupants) },
          muc: [`rooms.${domain}`],
          components: { [`unused.${domain}`]: secret },
          extra: prosodyTuned,
        });
        return ownMuc(prosody, over);
      },
    },
    {
      name: `ejabberd’s own MUC, over ${over}`,
      isReference: true,
      missing: noEjabberd,
      start: async () => ownMuc(await startEjabberd(domain, `rooms.${domain}`), over),
    },
  ]),
];

/** As its documentation has it for busy servers: Lua 5.4 collects young garbage more often than old. */
const prosodyTuned = 'gc = { mode = "generational" }';

function ownMuc(server: Pick<Ejabberd, 'pid' | 'websocket' | 'c2sPort' | 'stop'>, over: 'WebSocket' | 'TCP'): Running {
  const { pid, websocket, c2sPort, stop } = server;
  const url = over === 'TCP' ? `tcp://127.0.0.1:${c2sPort}` : websocket;
  return { url, domain, rooms: `rooms.${domain}`, ...processes([pid]), stop };
}

/** @param args  what the file is given before the flags */
export function headlessBy(file: string, args: readonly string[] = []): Contender {
  return { name: 'netsplit, headless', isReference: false, missing: undefined, start: () => startHeadless(file, args) };
}

async function startHeadless(file: string, args: readonly string[]): Promise<Running> {
  const lifted = ['--client-rate', '0', '--room-rate', '0'];
  const flags = ['--scenario', 'plain', '--auth', 'open', '--port', '0', '--log', ...lifted];
  const { child, match } = await startNode(file, [...args, ...flags], /ready (ws:\S+)/);
  const pid = child.pid as number;
  return {
    url: match[1] as string,
    domain,
    rooms: 'conference.localhost',
    ...processes([pid], [pid]),
    stop: () => stopped(child),
  };
}

async function startWs(): Promise<Running> {
  const { child, match } = await startNode('./ws-host.ts', [], /ready (\S+) (\S+)/);
  const [, url = '', rooms = ''] = match;
  const pid = child.pid as number;
  return { url, domain, rooms, ...processes([pid], [pid]), stop: () => stopped(child) };
}

/** As the manual of our components has it (XEP-0033). */
const multicast = {
  mod_multicast:
    '{ limits: { local: { message: infinite, presence: infinite }, remote: { message: infinite, presence: infinite } } }',
};

async function startComponent(occupants: number): Promise<Running> {
  const rooms = `rooms.${domain}`;
  return componentOf(
    await startProsody({ hosts: { [domain]: users(occupants) }, components: { [rooms]: secret } }),
    rooms,
  );
}

async function startOnEjabberd(): Promise<Running> {
  const rooms = `rooms.${domain}`;
  return componentOf(await startEjabberd(domain, `own.${rooms}`, { [rooms]: secret }, { modules: multicast }), rooms);
}

async function componentOf(server: Pick<Ejabberd, 'pid' | 'websocket' | 'componentPort' | 'stop'>, rooms: string) {
  const { child } = await startNode(
    '../../src/headless/component.ts',
    ['--server', `127.0.0.1:${server.componentPort}`, '--domain', rooms, '--log'],
    /ready/,
    { NETSPLIT_COMPONENT_SECRET: secret },
  );
  const pid = child.pid as number;
  return {
    url: server.websocket,
    domain,
    rooms,
    ...processes([pid, server.pid], [pid]),
    stop: async () => {
      await stopped(child);
      await server.stop();
    },
  };
}

/** @param own  those of them that listen for a request to collect garbage (gc.mjs) */
export function processes(pids: readonly number[], own: readonly number[] = []) {
  return {
    cpuMs: () => cpuMsOf(pids),
    rss: () => rssOf(pids),
    settle: () => {
      for (const pid of own) process.kill(pid, 'SIGUSR2');
    },
  };
}

function users(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`u${i}`, 'pw']));
}
