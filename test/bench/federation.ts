import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Scenario, ScenarioNode } from '../../src/scenario/scenario.ts';
import { joins, says } from '../support/world.ts';
import { linkMs, Net } from './federation-net.ts';

/** A room of many people on many servers, in one process and on a virtual network. */
export interface FederationFigures {
  readonly room: FederatedKind;
  readonly servers: number;
  readonly occupants: number;
  /** Who was in when the time for that was over: all, if there was enough. */
  readonly entered: number;
  /** Processor time until all were in, in seconds, of all nodes together. */
  readonly enterSeconds: number;
  /** Stanzas between servers for each who enters. */
  readonly enterStanzas: number;
  /** To how many of them a message came. */
  readonly heard: number;
  /** Stanzas of one message between servers; and the most on the link of two of them. */
  readonly messageStanzas: number;
  readonly busiestLink: number;
  /** Until the last has it: on the network, in milliseconds, and processor time of all nodes together. */
  readonly networkMs: number;
  readonly cpuMs: number;
  /** Bytes of memory for each node. */
  readonly bytesPerNode: number;
}

/** replicated: 0282, a primary and a replica on each other server. tree: 0289, each room joins the one above. instances: 0281. */
export type FederatedKind = 'replicated' | 'tree' | 'instances';

export interface FederationSizes {
  readonly cases: readonly { readonly room: FederatedKind; readonly servers: number }[];
  readonly occupants: number;
  /** After so much processor time nobody else enters. */
  readonly enterMs: number;
}

export const fullFederation: FederationSizes = {
  cases: [
    { room: 'replicated', servers: 3 },
    { room: 'replicated', servers: 30 },
    { room: 'replicated', servers: 101 },
    { room: 'tree', servers: 3 },
    { room: 'tree', servers: 30 },
    { room: 'instances', servers: 3 },
    { room: 'instances', servers: 30 },
  ],
  occupants: 10_000,
  enterMs: 120_000,
};
export const quickFederation: FederationSizes = { ...fullFederation, occupants: 500, enterMs: 10_000 };

/** In a tree each room is joined by so many. */
const branches = 3;
const home = 's0.lit';
const room = `heath@rooms.${home}`;
const addressAt = (kind: FederatedKind, server: number) =>
  kind === 'replicated' ? room : `heath@rooms.s${server}.lit`;
const messages = 5;
/**
 * They enter in groups of so many, and with so many milliseconds between two of these: a node of 0289 lets in what another may send
 * (decision #160), and what is under way at once has to fit into memory.
 */
const group = 100;
const groupMs = 2_000;

export function measureFederation(
  { cases, occupants, enterMs }: FederationSizes,
  tell: (line: string) => void,
): readonly FederationFigures[] {
  return cases.map(({ room: kind, servers }) => {
    const figures = measure(kind, servers, occupants, enterMs);
    tell(`federation: ${kind}, ${servers} servers: ${figures.entered} in after ${figures.enterSeconds.toFixed(1)} s`);
    return figures;
  });
}

function measure(kind: FederatedKind, servers: number, occupants: number, enterMs: number): FederationFigures {
  const before = heapBytes();
  const net = new Net(heath(kind, servers));
  // Links are made, and what was not up yet is asked again.
  net.advance(60_000);
  net.clear();
  let cpu = process.cpuUsage();
  let entered = 0;
  for (; entered < occupants && cpuMs(cpu) < enterMs; entered = Math.min(occupants, entered + group)) {
    for (let i = entered; i < Math.min(occupants, entered + group); i++) {
      const server = i % servers;
      net.send(joins(`u${i}@s${server}.lit/x`, `${addressAt(kind, server)}/u${i}`));
    }
    net.run();
    net.advance(groupMs);
  }
  const enterSeconds = cpuMs(cpu) / 1000;
  const enterStanzas = net.crossed / entered;
  const bytesPerNode = (heapBytes() - before) / servers;

  cpu = process.cpuUsage();
  let [networkMs, heard, crossed, busiestLink] = [0, 0, 0, 0];
  for (let n = 0; n < messages; n++) {
    net.clear();
    const began = net.now;
    const author = (n * 7 + 1) % servers;
    net.send(says(`u${author}@s${author}.lit/x`, addressAt(kind, author), `Double, double toil and trouble ${n}`));
    net.run();
    networkMs = Math.max(networkMs, net.lastDeliveredAt - began);
    busiestLink = Math.max(busiestLink, net.busiest);
    heard += net.delivered;
    crossed += net.crossed;
  }
  return {
    room: kind,
    ...{ servers, occupants, entered, enterSeconds, enterStanzas, bytesPerNode, networkMs, busiestLink },
    messageStanzas: crossed / messages,
    heard: heard / messages,
    cpuMs: cpuMs(cpu) / messages,
  };
}

export function heath(kind: FederatedKind, count: number): Scenario {
  const servers = Array.from({ length: count }, (_, i) => `s${i}.lit`);
  const others = servers.slice(1);
  const service = (server: string, distribution: object): ScenarioNode => ({
    kind: 'service',
    address: `rooms.${server}`,
    server,
    rooms: [{ jid: `heath@rooms.${server}`, ...distribution }],
  });
  const above = (i: number) => Math.floor((i - 1) / branches);
  const nodes: Record<FederatedKind, () => readonly ScenarioNode[]> = {
    replicated: () => [
      service(home, {
        distribution: { kind: 'primary', replicas: others.map((at) => ({ jid: `replica@${at}`, serves: [at] })) },
      }),
      ...others.map((server) => ({
        kind: 'replica' as const,
        address: `replica@${server}`,
        server,
        replicaOf: room,
        serves: [server],
      })),
    ],
    tree: () =>
      servers.map((server, i) => {
        const allowedNodes = servers.flatMap((below, j) => (j > 0 && above(j) === i ? [`heath@rooms.${below}`] : []));
        const up = i === 0 ? {} : { outbound: `heath@rooms.s${above(i)}.lit` };
        return service(server, { distribution: { kind: 'fmuc', allowedNodes, ...up } });
      }),
    instances: () => [
      service(home, { distribution: { kind: 'source', peerhosts: others.map((at) => `rooms.${at}`) } }),
      ...others.map((server) => ({
        kind: 'service' as const,
        address: `rooms.${server}`,
        server,
        rooms: [],
        hosting: { firsthosts: [`rooms.${home}`] },
      })),
    ],
  };
  return {
    format: 'netsplit-scenario',
    version: 1,
    id: kind,
    title: kind,
    description: '',
    xep: '0045',
    servers: servers.map((domain) => ({ domain, at: [0.5, 0.5] })),
    nodes: nodes[kind](),
    occupants: [],
    script: [],
  };
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function heapBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

export const networkOf = `${linkMs} ms a link`;
