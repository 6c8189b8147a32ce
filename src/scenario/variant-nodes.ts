/** The nodes of a scenario in another protocol (variants.ts). */
import { bareOf, type Jid, partsOf } from '../core/xmpp/jid.ts';
import { roomsOf } from './federation.ts';
import type { Scenario, ScenarioDistribution, ScenarioNode, ScenarioRoom } from './scenario.ts';

/** Protocols in which a scenario can be: a plain room (XEP-0045), or one distributed by the XEP of this number. */
export const variantIds = ['plain', '0282', '0289', '0281'] as const;
export type VariantId = (typeof variantIds)[number];

export type Service = Extract<ScenarioNode, { kind: 'service' }>;

/** What is one room to those who are in it: a federation, a source with its shadows, a primary with its replicas, or a plain room. */
export interface Whole {
  readonly root: ScenarioRoom;
  /** The service of the root. */
  readonly service: Service;
  /** Addresses of all rooms of it, shadows included. */
  readonly rooms: readonly string[];
  /** The other servers that have users of it. */
  readonly elsewhere: readonly string[];
}

export interface Ground {
  readonly scenario: Scenario;
  readonly wholes: readonly Whole[];
  /** By server: the service on which rooms of other servers may have a part; the one that the scenario has there, if it has one. */
  readonly peers: ReadonlyMap<string, string>;
}

type DistributionOf = (whole: Whole) => ScenarioDistribution | undefined;

export function nodesIn(ground: Ground, id: VariantId): readonly ScenarioNode[] {
  switch (id) {
    case 'plain':
      return servicesWith(ground, () => undefined);
    case '0282':
      return withReplicas(ground);
    case '0289':
      return federated(ground);
    case '0281':
      return withShadows(ground);
  }
}

/** The room that somebody on this server enters. */
export function roomOn({ scenario, peers }: Ground, whole: Whole, server: string, id: VariantId): string {
  const { root, rooms, elsewhere } = whole;
  if (id === 'plain' || id === '0282' || !elsewhere.includes(server)) return root.jid;
  const known = servicesOf(scenario).flatMap((one) => (one.server === server ? one.rooms : []));
  const own = id === '0289' ? known.find(({ jid }) => rooms.includes(jid)) : undefined;
  return own?.jid ?? `${partsOf(root.jid as Jid).local}@${peers.get(server)}`;
}

/** XEP-0282: the root is the primary, and every other server with users has a replica. */
function withReplicas(ground: Ground): readonly ScenarioNode[] {
  const { nodes, occupants } = ground.scenario;
  const taken = new Set<string>([
    ...nodes.map(({ address }) => address),
    ...occupants.map(({ jid }) => bareOf(jid as Jid)),
  ]);
  const replicas = ground.wholes.flatMap(({ root, elsewhere }) =>
    elsewhere.map((server) => ({
      kind: 'replica' as const,
      address: untaken(taken, (suffix) => `replica${suffix}@${server}`),
      server,
      replicaOf: root.jid,
      serves: [server],
    })),
  );
  const services = servicesWith(ground, ({ root }) => {
    const own = replicas.filter(({ replicaOf }) => replicaOf === root.jid);
    return { kind: 'primary', replicas: own.map(({ address: jid, serves }) => ({ jid, serves })) };
  });
  return [...services, ...replicas];
}

/** XEP-0289: every other server with users has a room that joins the root, in the mode primary-primary. */
function federated(ground: Ground): readonly ScenarioNode[] {
  const joining = (whole: Whole) => whole.elsewhere.map((server) => roomOn(ground, whole, server, '0289'));
  const services = servicesWith(ground, (whole) => {
    const allowedNodes = joining(whole);
    // Whoever is let in there has given the same password.
    return { kind: 'fmuc', allowedNodes, ...(whole.root.password ? { trust: { vouching: allowedNodes } } : {}) };
  });
  return withPeers(ground, services, (before, server) => ({
    ...before,
    rooms: [
      ...before.rooms,
      ...ground.wholes
        .filter(({ elsewhere }) => elsewhere.includes(server))
        .map((whole) => joiningRoom(ground, whole, roomOn(ground, whole, server, '0289'))),
    ],
  }));
}

/** Whoever owns the root owns a room that is made to join it, too. */
function joiningRoom({ scenario }: Ground, { root, service }: Whole, jid: string): ScenarioRoom {
  const distribution = { kind: 'fmuc', outbound: root.jid } as const;
  const known = roomsOf(scenario).find((room) => room.jid === jid);
  if (known) return { ...known, distribution };
  const { subject: _, affiliations = [], ...like } = root;
  const admins = (service.admins ?? []).filter((admin) => !affiliations.some((one) => one.jid === admin));
  const owners = admins.map((admin) => ({ jid: admin, affiliation: 'owner' as const }));
  return { ...like, jid, affiliations: [...affiliations, ...owners], distribution };
}

/** XEP-0281: the root is the source, and every other server with users hosts a shadow. */
function withShadows(ground: Ground): readonly ScenarioNode[] {
  const services = servicesWith(ground, ({ elsewhere }) => ({
    kind: 'source',
    peerhosts: elsewhere.flatMap((server) => ground.peers.get(server) ?? []),
  }));
  return withPeers(ground, services, (before, server) => {
    const sources = ground.wholes.filter(({ elsewhere }) => elsewhere.includes(server));
    return { ...before, hosting: { firsthosts: [...new Set(sources.map(({ service }) => service.address))] } };
  });
}

/** @param change  makes of a service what it is with its part of the rooms of other servers */
function withPeers(
  { scenario, peers }: Ground,
  services: readonly Service[],
  change: (before: Service, server: string) => Service,
): readonly Service[] {
  const all = new Map(services.map((one) => [one.address, one]));
  for (const [server, address] of peers)
    all.set(address, change(all.get(address) ?? stripped(scenario, address, server), server));
  return [...all.values()];
}

/** The services that have a root, or let people make rooms: with the roots alone. One that nobody enters from elsewhere is a plain room. */
function servicesWith({ scenario, wholes }: Ground, distributionOf: DistributionOf): readonly Service[] {
  return servicesOf(scenario).flatMap(({ address, server, openCreation }) => {
    const rooms = wholes
      .filter(({ service }) => service.address === address)
      .map((whole): ScenarioRoom => {
        const { distribution: _, ...room } = whole.root;
        const distribution = whole.elsewhere.length === 0 ? undefined : distributionOf(whole);
        return distribution === undefined ? room : { ...room, distribution };
      });
    return rooms.length > 0 || openCreation ? [{ ...stripped(scenario, address, server), rooms }] : [];
  });
}

/** A service of the scenario without its rooms, and without what it says of distribution; or a new one. */
function stripped(scenario: Scenario, address: string, server: string): Service {
  const known = servicesOf(scenario).find((one) => one.address === address);
  const { hosting: _, onDemand: __, ...service } = known ?? { kind: 'service' as const, address, server };
  return { ...service, rooms: [] };
}

export function servicesOf({ nodes }: Scenario): readonly Service[] {
  return nodes.filter((node) => node.kind === 'service');
}

/** @param name  makes one of a suffix, which is empty at first */
export function untaken(taken: Set<string>, name: (suffix: string) => string): string {
  let found = name('');
  for (let i = 2; taken.has(found); i++) found = name(`-${i}`);
  taken.add(found);
  return found;
}
