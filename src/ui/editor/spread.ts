/** How a room is distributed, and over which servers: the same question in each protocol. */
import { federationOf, roomsOf } from '../../scenario/federation.ts';
import {
  outboundsOf,
  type Scenario,
  type ScenarioDistribution,
  type ScenarioRoom,
  shadowLocalOf,
} from '../../scenario/scenario.ts';
import { addressesIn, parts, untaken } from './addresses.ts';
import {
  changeRoom,
  changeServices,
  type Protocol,
  protocolOf,
  removeNode,
  removeRoom,
  roomOf,
  withService,
  xepOf,
} from './rooms.ts';

/** The other servers on which a room has a part: a replica, a room that is federated with it, a shadow. */
export function spreadOf(scenario: Scenario, jid: string): readonly string[] {
  const { room, service } = roomOf(scenario, jid) ?? {};
  const of = room?.distribution;
  if (of === undefined || of.kind === 'none') return [];
  const servers = partsOf(scenario, jid, of).filter((server) => server !== service?.server);
  return scenario.servers.map(({ domain }) => domain).filter((domain) => servers.includes(domain));
}

function partsOf(scenario: Scenario, jid: string, of: ScenarioDistribution): readonly string[] {
  const there = (address: string) => serverOf(scenario, address);
  switch (of.kind) {
    case 'primary':
      return of.replicas.map((replica) => there(replica.jid));
    case 'fmuc':
      return federationOf(scenario, jid).map(there);
    case 'source':
      return of.peerhosts.map(there);
    default:
      return [];
  }
}

/** Of a replica, a service, or a room. */
function serverOf({ nodes }: Scenario, address: string): string {
  const { domain } = parts(address);
  return (
    (nodes.find((node) => node.address === address) ?? nodes.find((node) => node.address === domain))?.server ?? domain
  );
}

/** The room has a part on this server from now on, as its protocol has it. A plain room has none. */
export function spread(scenario: Scenario, jid: string, server: string): Scenario {
  const { room, service } = roomOf(scenario, jid) ?? {};
  if (!room || !service || service.server === server || spreadOf(scenario, jid).includes(server)) return scenario;
  switch (room.distribution?.kind) {
    case 'primary':
      return withReplica(scenario, jid, server);
    case 'fmuc':
      return withJoining(scenario, room, server);
    case 'source':
      return withShadow(scenario, jid, service.address, server);
    default:
      return scenario;
  }
}

function withReplica(scenario: Scenario, jid: string, server: string): Scenario {
  const taken = addressesIn(scenario);
  const address = untaken(
    (name) => taken.has(name),
    (suffix) => `replica${suffix}@${server}`,
  );
  const listed = distributed(scenario, jid, (of) =>
    of.kind === 'primary' ? { ...of, replicas: [...of.replicas, { jid: address, serves: [server] }] } : of,
  );
  const replica = { kind: 'replica', address, server, replicaOf: jid, serves: [server] } as const;
  return { ...listed, nodes: [...listed.nodes, replica] };
}

/** A room that joins this one, and which the people of that server enter. */
function withJoining(scenario: Scenario, room: ScenarioRoom, server: string): Scenario {
  const { scenario: ready, address } = withService(scenario, server);
  const taken = addressesIn(ready);
  const jid = untaken(
    (name) => taken.has(name),
    (suffix) => `${parts(room.jid).local}${suffix}@${address}`,
  );
  const { subject: _, distribution, ...like } = room;
  const mode = distribution?.kind === 'fmuc' && distribution.mode ? { mode: distribution.mode } : {};
  const joining: ScenarioRoom = { ...like, jid, distribution: { kind: 'fmuc', outbound: room.jid, ...mode } };
  const added = changeServices(ready, (one) =>
    one.address === address ? { ...one, rooms: [...one.rooms, joining] } : one,
  );
  const allowed = distributed(added, room.jid, (of) =>
    of.kind === 'fmuc' ? { ...of, allowedNodes: [...(of.allowedNodes ?? []), jid] } : of,
  );
  return entering(allowed, room.jid, jid, server);
}

function withShadow(scenario: Scenario, jid: string, firsthost: string, server: string): Scenario {
  const { scenario: ready, address } = withService(scenario, server);
  const hosting = changeServices(ready, (one) => {
    if (one.address !== address || one.hosting?.firsthosts.includes(firsthost)) return one;
    return { ...one, hosting: { ...one.hosting, firsthosts: [...(one.hosting?.firsthosts ?? []), firsthost] } };
  });
  return distributed(hosting, jid, (of) =>
    of.kind === 'source' ? { ...of, peerhosts: [...of.peerhosts, address] } : of,
  );
}

/** The room has no part on this server any more. Those who entered there enter the room itself. */
export function withdraw(scenario: Scenario, jid: string, server: string): Scenario {
  const { room, service } = roomOf(scenario, jid) ?? {};
  const of = room?.distribution;
  if (!of || !service || of.kind === 'none') return scenario;
  const isThere = (address: string) => serverOf(scenario, address) === server;
  if (of.kind === 'primary') {
    const replicas = of.replicas.filter((one) => isThere(one.jid));
    const left = distributed(scenario, jid, () => ({
      ...of,
      replicas: of.replicas.filter((one) => !replicas.includes(one)),
    }));
    return replicas.reduce((next, one) => removeNode(next, one.jid), left);
  }
  if (of.kind === 'fmuc') {
    const rooms = federationOf(scenario, jid).filter((one) => one !== jid && isThere(one));
    const moved = rooms.reduce((next, one) => entering(next, one, jid), scenario);
    return withoutEmpty(
      rooms.reduce((next, one) => removeRoom(next, one), moved),
      rooms.map((one) => parts(one).domain),
    );
  }
  const hosts = of.peerhosts.filter(isThere);
  const left = distributed(scenario, jid, () => ({
    ...of,
    peerhosts: of.peerhosts.filter((one) => !hosts.includes(one)),
  }));
  const local = shadowLocalOf(room);
  const isAsked = (host: string) =>
    roomOf(left, jid)?.service.rooms.some(({ distribution: d }) => d?.kind === 'source' && d.peerhosts.includes(host));
  const freed = changeServices(left, (one) => {
    if (!hosts.includes(one.address) || isAsked(one.address) || !one.hosting) return one;
    const firsthosts = one.hosting.firsthosts.filter((host) => host !== service.address);
    const { hosting, ...rest } = one;
    return firsthosts.length === 0 ? rest : { ...one, hosting: { ...hosting, firsthosts } };
  });
  // Who was to enter a shadow enters the room.
  const moved = hosts.reduce(
    (next, host) => (local === undefined ? next : entering(next, `${local}@${host}`, jid)),
    freed,
  );
  return withoutEmpty(moved, hosts);
}

/** Services that were there for the sake of a room alone. */
function withoutEmpty(scenario: Scenario, services: readonly string[]): Scenario {
  const empty = scenario.nodes.filter(
    (node) =>
      node.kind === 'service' &&
      services.includes(node.address) &&
      node.rooms.length === 0 &&
      !node.hosting &&
      !node.openCreation,
  );
  return empty.reduce((next, node) => removeNode(next, node.address), scenario);
}

/** The room in another protocol, over the same servers. */
export function setProtocol(scenario: Scenario, jid: string, to: Protocol): Scenario {
  const { room } = roomOf(scenario, jid) ?? {};
  if (!room || protocolOf(room) === to) return scenario;
  const servers = spreadOf(scenario, jid);
  const alone = servers.reduce((next, server) => withdraw(next, jid, server), scenario);
  const plain = changeRoom(alone, jid, ({ distribution: _, ...rest }) => rest);
  const now = to === 'none' ? plain : changeRoom(plain, jid, (one) => ({ ...one, distribution: fresh(to) }));
  return servers.reduce((next, server) => spread(next, jid, server), { ...now, xep: xepOf[to] });
}

function fresh(to: Exclude<Protocol, 'none'>): ScenarioDistribution {
  if (to === 'primary') return { kind: 'primary', replicas: [] };
  return to === 'source' ? { kind: 'source', peerhosts: [] } : { kind: 'fmuc', allowedNodes: [] };
}

type Mode = NonNullable<Extract<ScenarioDistribution, { kind: 'fmuc' }>['mode']>;

/** XEP-0289: all rooms of a set have one mode. */
export function setMode(scenario: Scenario, jid: string, mode: Mode): Scenario {
  return federationOf(scenario, jid).reduce(
    (next, one) => distributed(next, one, (of) => (of.kind === 'fmuc' ? { ...of, mode } : of)),
    scenario,
  );
}

/** XEP-0289: this room joins another one, which lets it; or does so no more. */
export function setJoins(scenario: Scenario, jid: string, other: string, joins: boolean): Scenario {
  const joining = distributed(scenario, jid, (of) => {
    if (of.kind !== 'fmuc') return of;
    const rest = outboundsOf(of).filter((one) => one !== other);
    const all = joins ? [...rest, other] : rest;
    const { outbound: _, ...same } = of;
    return all.length === 0 ? same : { ...same, outbound: all.length === 1 ? (all[0] as string) : all };
  });
  return distributed(joining, other, (of) => {
    if (of.kind !== 'fmuc') return of;
    const rest = (of.allowedNodes ?? []).filter((one) => one !== jid);
    return { ...of, allowedNodes: joins ? [...rest, jid] : rest };
  });
}

function distributed(
  scenario: Scenario,
  jid: string,
  change: (of: ScenarioDistribution) => ScenarioDistribution,
): Scenario {
  return changeRoom(scenario, jid, (room) =>
    room.distribution === undefined ? room : { ...room, distribution: change(room.distribution) },
  );
}

/** @param server  only the people of this one; absent: all */
function entering(scenario: Scenario, from: string, to: string, server?: string): Scenario {
  return {
    ...scenario,
    occupants: scenario.occupants.map((one) =>
      one.room === from && (server === undefined || parts(one.jid).domain === server) ? { ...one, room: to } : one,
    ),
  };
}

/** Every room that somebody may enter: those of the scenario, and the shadows whose names it knows. */
export function enterable(scenario: Scenario): readonly string[] {
  return roomsOf(scenario).flatMap((room) => {
    const local = shadowLocalOf(room);
    const hosts = room.distribution?.kind === 'source' && local !== undefined ? room.distribution.peerhosts : [];
    return [room.jid, ...hosts.map((host) => `${local}@${host}`)];
  });
}
