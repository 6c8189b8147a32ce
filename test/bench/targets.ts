import { noProsody, startProsody } from '../interop/support/prosody.ts';
import { noEjabberd, startEjabberd } from './ejabberd.ts';
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
  { name: 'netsplit, headless', isReference: false, missing: undefined, start: startHeadless },
  { name: 'netsplit, component of Prosody', isReference: false, missing: noProsody, start: startComponent },
  {
    name: 'Prosody’s own MUC',
    isReference: true,
    missing: noProsody,
    start: async (occupants) => {
      const rooms = `rooms.${domain}`;
      const prosody = await startProsody({
        hosts: { [domain]: users(occupants) },
        muc: [rooms],
        components: { [`unused.${domain}`]: secret },
      });
      return { url: prosody.websocket, domain, rooms, ...processes([prosody.pid]), stop: prosody.stop };
    },
  },
  {
    name: 'ejabberd’s own MUC',
    isReference: true,
    missing: noEjabberd,
    start: async () => {
      const rooms = `rooms.${domain}`;
      const ejabberd = await startEjabberd(domain, rooms);
      return { url: ejabberd.websocket, domain, rooms, ...processes([ejabberd.pid]), stop: ejabberd.stop };
    },
  },
];

async function startHeadless(): Promise<Running> {
  const { child, match } = await startNode(
    '../../src/headless/serve.ts',
    ['--scenario', 'plain', '--auth', 'open', '--port', '0', '--log', '--client-rate', '0', '--room-rate', '0'],
    /ready (ws:\S+)/,
  );
  const pid = child.pid as number;
  return {
    url: match[1] as string,
    domain,
    rooms: 'conference.localhost',
    ...processes([pid], [pid]),
    stop: () => stopped(child),
  };
}

async function startComponent(occupants: number): Promise<Running> {
  const rooms = `rooms.${domain}`;
  const prosody = await startProsody({ hosts: { [domain]: users(occupants) }, components: { [rooms]: secret } });
  const { child } = await startNode(
    '../../src/headless/component.ts',
    ['--server', `127.0.0.1:${prosody.componentPort}`, '--domain', rooms, '--log'],
    /ready/,
    { NETSPLIT_COMPONENT_SECRET: secret },
  );
  const pid = child.pid as number;
  return {
    url: prosody.websocket,
    domain,
    rooms,
    ...processes([pid, prosody.pid], [pid]),
    stop: async () => {
      await stopped(child);
      await prosody.stop();
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
