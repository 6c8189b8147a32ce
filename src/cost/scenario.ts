import type { Scenario, ScenarioDistribution, ScenarioNode } from '../scenario/scenario.ts';
import { Names } from './names.ts';
import type { Network } from './network.ts';
import { parentOf } from './tree.ts';

/** The designs that are compared: a plain room, and each protocol, XEP-0289 in both modes. */
export const designIds = ['plain', '0282', '0281', '0289-tree', '0289-mesh', '0289-replica'] as const;
export type DesignId = (typeof designIds)[number];

/** A network as a scenario of this design: what the simulator makes a world of. */
export function scenarioOf(network: Network, design: DesignId): Scenario {
  const names = new Names(network);
  const servers = [...network.occupants.keys()];
  const { latencyMs, bytesPerSecond } = network.link;
  const at = design === 'plain' || design === '0282' ? () => 0 : (server: number) => server;
  let user = 0;
  return {
    format: 'netsplit-scenario',
    version: 1,
    id: 'cost',
    title: 'a room',
    description: 'What a design costs',
    xep: '0045',
    servers: servers.map((server) => ({ domain: names.server(server), at: [0.5, 0.5] })),
    links: servers.flatMap((a) =>
      servers
        .slice(a + 1)
        .map((b) => ({ between: [names.server(a), names.server(b)] as const, latencyMs, bytesPerSecond })),
    ),
    nodes: nodesOf(network, names, design),
    occupants: network.occupants.flatMap((here, server) =>
      Array.from({ length: here }, () => {
        const room = names.room(at(server));
        return { jid: names.user(user, server), nick: names.nick(user++), room };
      }),
    ),
    script: [],
  };
}

function nodesOf(network: Network, names: Names, design: DesignId): readonly ScenarioNode[] {
  const servers = [...network.occupants.keys()];
  const elsewhere = servers.slice(1);
  const service = (server: number, distribution?: ScenarioDistribution): ScenarioNode => ({
    kind: 'service',
    address: names.service(server),
    server: names.server(server),
    rooms: [{ jid: names.room(server), ...(distribution && { distribution }) }],
  });
  switch (design) {
    case 'plain':
      return [service(0)];
    case '0282': {
      const replicas = elsewhere.map((server) => ({ jid: names.replica(server), serves: [names.server(server)] }));
      return [
        service(0, { kind: 'primary', replicas }),
        ...replicas.map(
          ({ jid, serves }, i): ScenarioNode => ({
            kind: 'replica',
            address: jid,
            server: names.server(i + 1),
            replicaOf: names.room(0),
            serves,
          }),
        ),
      ];
    }
    case '0281':
      return [
        service(0, { kind: 'source', peerhosts: elsewhere.map((server) => names.service(server)) }),
        ...elsewhere.map(
          (server): ScenarioNode => ({
            kind: 'service',
            address: names.service(server),
            server: names.server(server),
            rooms: [],
            hosting: { firsthosts: [names.service(0)] },
          }),
        ),
      ];
    case '0289-mesh':
      // Each joins all that are before it.
      return servers.map((server) =>
        service(server, {
          kind: 'fmuc',
          outbound: servers.slice(0, server).map((other) => names.room(other)),
          allowedNodes: servers.slice(server + 1).map((other) => names.room(other)),
        }),
      );
    case '0289-tree':
    case '0289-replica': {
      const below = elsewhere.map((server) => parentOf(server, network.fanOut));
      return servers.map((server) =>
        service(server, {
          kind: 'fmuc',
          ...(server === 0 ? {} : { outbound: names.room(below[server - 1] ?? 0) }),
          allowedNodes: elsewhere.filter((one) => below[one - 1] === server).map((one) => names.room(one)),
          mode: design === '0289-replica' ? 'primary-replica' : 'primary-primary',
        }),
      );
    }
  }
}
