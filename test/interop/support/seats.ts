import { startLocalNodes } from '../../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { plain } from '../../support/scenarios.ts';
import { startServer } from '../../support/server.ts';
import { startComponent } from './component.ts';
import { startPair } from './pair.ts';
import { forPeople, names, type Prosody, startProsody } from './prosody.ts';

/** A server with our rooms, and accounts whose password is "pw". */
export interface Seat {
  readonly name: string;
  /** ws:// */
  readonly websocket: string;
  /** XMPP over TCP, where there is some. */
  readonly port?: number;
  readonly users: string;
  readonly service: string;
  /** What our side complained about. */
  complaints(): string;
  stop(): Promise<void>;
}

/** The rooms as a component of Prosody. */
export async function onProsody(): Promise<Seat & { readonly prosody: Prosody }> {
  const service = 'rooms.denmark.lit';
  const prosody = await startProsody({
    hosts: { 'denmark.lit': Object.fromEntries(names.map((name) => [name, 'pw'])) },
    components: { [service]: 's3cr3t' },
    modules: forPeople,
  });
  const component = await startComponent(prosody.componentPort, 's3cr3t', '--domain', service).catch(async (error) => {
    await prosody.stop();
    throw error;
  });
  return {
    name: 'a component on Prosody',
    prosody,
    websocket: prosody.websocket,
    port: prosody.c2sPort,
    users: 'denmark.lit',
    service,
    complaints: component.complaints,
    stop: async () => {
      await component.end('SIGTERM');
      await prosody.stop();
    },
  };
}

/** The room `elsinore` at a replica, a component of the Prosody that its users have; its primary is one of another Prosody. */
export async function onReplica(): Promise<Seat> {
  const pair = await startPair('elsinore', 'gertrude@scotland.lit');
  return {
    name: 'a replica on Prosody',
    websocket: pair.scotland.websocket,
    port: pair.scotland.c2sPort,
    users: 'scotland.lit',
    service: 'rooms.england.lit',
    complaints: () => pair.primary.complaints() + pair.replica.complaints(),
    stop: pair.stop,
  };
}

/** The rooms on the embedded server. */
export async function onEmbedded(): Promise<Seat> {
  return await embedded(
    'the embedded server',
    { ...plain, occupants: [], script: [] },
    'localhost',
    'conference.localhost',
  );
}

/** The room `elsinore` at a replica beside its users on the embedded server; its primary is on another. */
export async function onEmbeddedReplica(): Promise<Seat> {
  const distribution = {
    kind: 'primary',
    replicas: [{ jid: 'replica@scotland.lit', serves: ['scotland.lit'] }],
  } as const;
  const affiliations = [{ jid: 'gertrude@scotland.lit', affiliation: 'owner' }] as const;
  const jid = 'elsinore@rooms.england.lit';
  const scenario: Scenario = {
    ...plain,
    id: 'replica',
    servers: [
      { domain: 'england.lit', at: [0.2, 0.5] },
      { domain: 'scotland.lit', at: [0.8, 0.5] },
    ],
    nodes: [
      {
        kind: 'service',
        address: 'rooms.england.lit',
        server: 'england.lit',
        rooms: [{ jid, logging: true, affiliations, distribution }],
      },
      {
        kind: 'replica',
        address: 'replica@scotland.lit',
        server: 'scotland.lit',
        replicaOf: jid,
        serves: ['scotland.lit'],
      },
    ],
    occupants: [],
    script: [],
  };
  return await embedded('a replica on the embedded server', scenario, 'scotland.lit', 'rooms.england.lit');
}

async function embedded(name: string, scenario: Scenario, users: string, service: string): Promise<Seat> {
  const passwords = Object.fromEntries(names.map((user) => [`${user}@${users}`, 'pw']));
  const server = await startServer([scenario], { passwords });
  const lines: string[] = [];
  const host = nodeServerHost((line) => lines.push(line));
  const [live] = server.live.networks;
  if (live === undefined) throw new Error('no network');
  const nodes = await startLocalNodes(live, host, (address, error) => lines.push(`${address}: ${String(error)}`));
  return {
    ...{ name, users, service },
    websocket: server.url,
    complaints: () => lines.join('\n'),
    stop: async () => {
      await nodes.stop();
      await server.close();
    },
  };
}
