import {
  type DistributedRoomConfig,
  type DistributionConfig,
  type FmucTrust,
  type HostingConfig,
  type InstanceTrust,
  plainRoomConfig,
  type SourceConfig,
} from '../core/distribution/config.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { defaultArchive, defaultSettings, type RoomSettings } from '../core/room/config.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import {
  outboundsOf,
  type Scenario,
  type ScenarioArchive,
  type ScenarioHosting,
  type ScenarioInstanceTrust,
  type ScenarioNode,
  type ScenarioRoom,
  type ScenarioSource,
  type ScenarioSplit,
  type ScenarioTrust,
} from './scenario.ts';

/** The core's configuration of one node of a scenario that was checked before (load.ts). */
export function nodeConfigOf(scenario: Scenario, node: ScenarioNode): NodeConfig {
  const address = jid(node.address);
  const server = jid(node.server);
  if (node.kind === 'service') {
    const admins = (node.admins ?? []).map(jid);
    return {
      kind: 'service',
      address,
      server,
      openCreation: node.openCreation ?? false,
      lockNewRooms: node.lockNewRooms ?? true,
      admins,
      rooms: node.rooms.map((room) => withShortKeepalives(scenario, roomConfigOf(room, admins, node.archive))),
      ...(node.limits === undefined ? {} : { limits: node.limits }),
      ...(node.archive === undefined ? {} : { archive: node.archive }),
      ...(node.onDemand === undefined ? {} : { onDemand: sourceOf(node.onDemand) }),
      ...(node.hosting === undefined ? {} : { hosting: hostingOf(node.hosting) }),
    };
  }
  const original = scenario.nodes
    .flatMap((other) => (other.kind === 'service' ? other.rooms : []))
    .find((room) => room.jid === node.replicaOf);
  const room = original ? roomConfigOf(original, []) : plainRoomConfig(jid(node.replicaOf));
  const distribution: DistributionConfig = {
    kind: 'replica',
    self: address,
    serves: node.serves.map(jid),
    ...(node.keepalive === undefined ? {} : { keepalive: node.keepalive }),
  };
  return { kind: 'replica', address, server, room: { ...room, distribution } };
}

/** A scenario that gives a replica a short keepalive has its primary agree. */
function withShortKeepalives({ nodes }: Scenario, room: DistributedRoomConfig): DistributedRoomConfig {
  if (room.distribution.kind !== 'primary') return room;
  const asked = nodes.flatMap((node) =>
    node.kind === 'replica' && node.replicaOf === room.jid && node.keepalive ? [node.keepalive.interval] : [],
  );
  const least = Math.min(...asked);
  return least < 10 ? { ...room, distribution: { ...room.distribution, leastInterval: least } } : room;
}

function roomConfigOf(
  room: ScenarioRoom,
  admins: readonly Jid[],
  archive: ScenarioArchive = defaultArchive,
): DistributedRoomConfig {
  const given = (room.affiliations ?? []).map(({ jid: user, affiliation }) => [jid(user), affiliation] as const);
  return {
    ...plainRoomConfig(jid(room.jid)),
    name: room.name ?? '',
    subject: room.subject ?? '',
    whois: room.whois ?? 'moderators',
    moderated: room.moderated ?? false,
    membersOnly: room.membersOnly ?? false,
    password: room.password ?? '',
    maxOccupants: room.maxOccupants ?? 'none',
    historyMax: room.historyMax ?? 200,
    logging: room.logging ?? false,
    archive: room.archive ?? archive,
    changeSubject: room.changeSubject ?? false,
    affiliations: new Map([...admins.map((admin) => [admin, 'owner'] as const), ...given]),
    distribution: distributionOf(room),
    ...splitSettings(room.distribution?.kind === 'primary' ? room.distribution.split : undefined),
  };
}

/** The room's settings for a split; what is left out stays as it is by default. */
function splitSettings(split: ScenarioSplit = {}): Pick<RoomSettings, 'split'> {
  const { pm, ...rest } = split;
  const given = pm === undefined ? rest : { ...rest, private: pm };
  return { split: { ...defaultSettings.split, ...given } };
}

function distributionOf({ distribution }: ScenarioRoom): DistributionConfig {
  if (distribution?.kind === 'primary') {
    return {
      kind: 'primary',
      replicas: new Map(distribution.replicas.map(({ jid: replica, serves }) => [jid(replica), serves.map(jid)])),
    };
  }
  if (distribution?.kind === 'fmuc') {
    const { allowedNodes = [], trust, mode } = distribution;
    const nodes = { allowedNodes: allowedNodes.map(jid), outbound: outboundsOf(distribution).map(jid) };
    const believed = trust === undefined ? {} : { trust: trustOf(trust) };
    return { kind: 'fmuc', ...nodes, ...believed, ...(mode === undefined ? {} : { mode }) };
  }
  return distribution?.kind === 'source' ? sourceOf(distribution) : { kind: 'none' };
}

function sourceOf({ peerhosts, trust, distribute = 'always', ...rest }: ScenarioSource): SourceConfig {
  return { ...rest, distribute, peerhosts: peerhosts.map(jid), ...(trust ? { trust: instanceTrustOf(trust) } : {}) };
}

/** Rooms of each firsthost, where the scenario does not say how many. */
export const roomsMax = 100;

function hostingOf({ firsthosts, maxRooms = roomsMax, trust }: ScenarioHosting): HostingConfig {
  return { firsthosts: firsthosts.map(jid), maxRooms, ...(trust ? { trust: instanceTrustOf(trust) } : {}) };
}

function instanceTrustOf({ scope, seeJids }: ScenarioInstanceTrust): InstanceTrust {
  const given = Object.entries(scope ?? {}).map(([service, domains]) => [jid(service), domains.map(jid)] as const);
  return { ...(scope ? { scope: new Map(given) } : {}), ...(seeJids ? { seeJids: seeJids.map(jid) } : {}) };
}

function trustOf({ scope, vouching, seeJids, mayKick, ranks }: ScenarioTrust): FmucTrust {
  const domains = (given: readonly string[]) => given.map((domain) => (domain === '*' ? domain : jid(domain)));
  return {
    ...(scope ? { scope: new Map(Object.entries(scope).map(([node, given]) => [jid(node), domains(given)])) } : {}),
    ...(vouching ? { vouching: vouching.map(jid) } : {}),
    ...(seeJids ? { seeJids: seeJids.map(jid) } : {}),
    ...(mayKick ? { mayKick: mayKick.map(jid) } : {}),
    ...(ranks ? { ranks } : {}),
  };
}
