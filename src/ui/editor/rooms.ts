/** What is done to the services and rooms of a scenario. */
import type { Scenario, ScenarioDistribution, ScenarioNode, ScenarioRoom } from '../../scenario/scenario.ts';
import { addressesIn, byBare, byDomain, parts, readdressed, untaken } from './addresses.ts';
import { withoutMentions } from './gone.ts';

export type Service = Extract<ScenarioNode, { kind: 'service' }>;

export const protocols = [
  'none',
  'primary',
  'fmuc',
  'source',
] as const satisfies readonly ScenarioDistribution['kind'][];
export type Protocol = (typeof protocols)[number];

export const xepOf: Readonly<Record<Protocol, Scenario['xep']>> = {
  none: '0045',
  primary: '0282',
  fmuc: '0289',
  source: '0281',
};

export function protocolOf({ distribution }: ScenarioRoom): Protocol {
  return distribution?.kind ?? 'none';
}

/** A room by its address, with the service on which it is. */
export function roomOf(
  { nodes }: Scenario,
  jid: string,
): { readonly room: ScenarioRoom; readonly service: Service } | undefined {
  for (const service of nodes) {
    const room = service.kind === 'service' ? service.rooms.find((one) => one.jid === jid) : undefined;
    if (room && service.kind === 'service') return { room, service };
  }
  return undefined;
}

/** @param change  of the room with this address; undefined: it goes */
export function changeRoom(
  scenario: Scenario,
  jid: string,
  change: (room: ScenarioRoom) => ScenarioRoom | undefined,
): Scenario {
  return changeServices(scenario, (service) => ({
    ...service,
    rooms: service.rooms.flatMap((room) => (room.jid === jid ? (change(room) ?? []) : [room])),
  }));
}

export function changeServices(scenario: Scenario, change: (service: Service) => Service): Scenario {
  return { ...scenario, nodes: scenario.nodes.map((node) => (node.kind === 'service' ? change(node) : node)) };
}

/** The service of a server that takes further rooms; one is made where there is none. */
export function withService(
  scenario: Scenario,
  server: string,
): { readonly scenario: Scenario; readonly address: string } {
  const known = scenario.nodes.find((node) => node.kind === 'service' && node.server === server);
  if (known) return { scenario, address: known.address };
  const added = addService(scenario, server);
  return { scenario: added, address: added.nodes.at(-1)?.address ?? '' };
}

export function addService(scenario: Scenario, server: string): Scenario {
  const taken = addressesIn(scenario);
  const address = untaken(
    (name) => taken.has(name),
    (suffix) => `rooms${suffix}.${server}`,
  );
  return { ...scenario, nodes: [...scenario.nodes, { kind: 'service', address, server, rooms: [] }] };
}

/** A plain room on this service. */
export function addRoom(scenario: Scenario, service: string): Scenario {
  const taken = addressesIn(scenario);
  const jid = untaken(
    (name) => taken.has(name),
    (suffix) => `room${suffix}@${service}`,
  );
  return changeServices(scenario, (one) =>
    one.address === service ? { ...one, rooms: [...one.rooms, { jid }] } : one,
  );
}

/** @param to  a whole address: a room cannot leave its service, and the checker says so */
export function renameRoom(scenario: Scenario, from: string, to: string): Scenario {
  return readdressed(scenario, byBare(from, to));
}

/** A service with its rooms, or the account of a replica. */
export function renameNode(scenario: Scenario, { kind, address }: ScenarioNode, to: string): Scenario {
  return readdressed(scenario, kind === 'service' ? byDomain(new Map([[address, to]])) : byBare(address, to));
}

/** To another server. A service below the domain of its server, or a replica, gets an address there. */
export function moveNode(scenario: Scenario, index: number, server: string): Scenario {
  const node = scenario.nodes[index];
  if (node === undefined || node.server === server) return scenario;
  const moved = { ...scenario, nodes: scenario.nodes.map((one, i) => (i === index ? { ...one, server } : one)) };
  const { address } = node;
  const isBelow = address.endsWith(`.${node.server}`);
  if (node.kind === 'service' && !isBelow) return moved;
  const taken = addressesIn(scenario);
  const below = address.slice(0, -node.server.length - 1);
  const to = untaken(
    (name) => taken.has(name),
    (suffix) =>
      node.kind === 'service' ? `${below}${suffix}.${server}` : `${parts(address).local}${suffix}@${server}`,
  );
  return renameNode(moved, node, to);
}

/** People who were to enter it stay, and have to go elsewhere. */
export function removeRoom(scenario: Scenario, jid: string): Scenario {
  return withoutMentions(
    scenario,
    changeRoom(scenario, jid, () => undefined),
  );
}

/** A service goes with its rooms. */
export function removeNode(scenario: Scenario, address: string): Scenario {
  return withoutMentions(scenario, {
    ...scenario,
    nodes: scenario.nodes.filter((node) => node.address !== address),
  });
}
