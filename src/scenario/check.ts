import { bareOf, domainOf, type Jid, parseJid, parseNick, partsOf } from '../core/xmpp/jid.ts';
import {
  outboundsOf,
  type Scenario,
  type ScenarioInstanceTrust,
  type ScenarioNode,
  type ScenarioOccupant,
  type ScenarioRoom,
  type ScenarioSource,
  shadowLocalOf,
} from './scenario.ts';

/** Where in the file: property names and array indices from the root. */
export type Location = readonly (string | number)[];

export interface Mistake {
  readonly at: Location;
  readonly message: string;
}

type Service = Extract<ScenarioNode, { kind: 'service' }>;
type Replica = Extract<ScenarioNode, { kind: 'replica' }>;
interface Found<T> {
  readonly at: Location;
  readonly value: T;
}

/**
 * What a schema cannot say: addresses are prepared JIDs of the right shape, names refer to things that exist, nothing
 * is listed twice.
 *
 * @param scenario  of the right shape already (schema.json)
 */
export function checkScenario(scenario: Scenario): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const wrong = (at: Location, message: string) => {
    mistakes.push({ at, message });
  };
  const expect = expectations(wrong);

  const servers = new Set<string>();
  scenario.servers.forEach((server, i) => {
    const at = ['servers', i, 'domain'];
    expect.domain(at, server.domain);
    if (servers.has(server.domain)) wrong(at, `server ${server.domain} is listed twice`);
    servers.add(server.domain);
  });
  const knownServer = (at: Location, domain: string) => {
    if (!servers.has(domain)) wrong(at, `no server ${domain} in this scenario (it has ${list(servers)})`);
  };

  const links = new Set<string>();
  (scenario.links ?? []).forEach((link, i) => {
    const at = ['links', i, 'between'];
    link.between.forEach((domain, j) => {
      knownServer([...at, j], domain);
    });
    if (link.between[0] === link.between[1]) wrong(at, 'a link joins two different servers');
    const pair = [...link.between].sort().join(' ');
    if (links.has(pair)) wrong(at, `the link between ${link.between[0]} and ${link.between[1]} is listed twice`);
    links.add(pair);
  });

  const addresses = new Set<string>();
  scenario.nodes.forEach((node, i) => {
    const at = ['nodes', i, 'address'];
    knownServer(['nodes', i, 'server'], node.server);
    if (servers.has(node.address))
      wrong(at, `${node.address} is already a server; a service needs a domain of its own`);
    if (addresses.has(node.address)) wrong(at, `node ${node.address} is listed twice`);
    addresses.add(node.address);
    if (node.kind === 'service') expect.domain(at, node.address);
    else expect.bare(at, node.address);
  });

  const rooms = checkRooms(scenario, wrong, expect);
  checkReplicas(scenario, rooms, wrong, knownServer);
  checkFederation(rooms, wrong, expect);
  const shadows = checkInstances(scenario, rooms, wrong, expect);
  checkOccupants(scenario, rooms, shadows, addresses, wrong, expect, knownServer);
  checkScript(scenario, wrong);
  return mistakes;
}

type Wrong = (at: Location, message: string) => void;
type Rooms = ReadonlyMap<string, Found<ScenarioRoom>>;

function expectations(wrong: Wrong) {
  /** Prepared, so that the file's text may be compared with `===` from here on. */
  const prepared = (at: Location, text: string): Jid | undefined => {
    const parsed = parseJid(text);
    if (parsed === undefined) wrong(at, `${JSON.stringify(text)} is not a JID (RFC 7622)`);
    else if (parsed !== text)
      wrong(at, `${JSON.stringify(text)} is not in its prepared form: write ${JSON.stringify(parsed)}`);
    return parsed;
  };
  return {
    domain(at: Location, text: string): boolean {
      const parsed = prepared(at, text);
      const isDomain = parsed !== undefined && parsed === domainOf(parsed);
      if (parsed !== undefined && !isDomain) wrong(at, `${text} is not a plain domain`);
      return isDomain && parsed === text;
    },
    bare(at: Location, text: string) {
      const parsed = prepared(at, text);
      if (parsed === undefined) return;
      if (partsOf(parsed).local === '' || parsed !== bareOf(parsed))
        wrong(at, `${text} is not a bare JID (name@domain)`);
    },
    bareOrDomain(at: Location, text: string) {
      const parsed = prepared(at, text);
      if (parsed !== undefined && parsed !== bareOf(parsed))
        wrong(at, `${text} has a resource, but a bare JID is needed`);
    },
    full(at: Location, text: string) {
      const parsed = prepared(at, text);
      if (parsed === undefined) return;
      const { local, resource } = partsOf(parsed);
      if (local === '' || resource === '') wrong(at, `${text} is not a full JID (name@domain/resource)`);
    },
  };
}
type Expect = ReturnType<typeof expectations>;

function checkRooms(scenario: Scenario, wrong: Wrong, expect: Expect): Rooms {
  const rooms = new Map<string, Found<ScenarioRoom>>();
  for (const { at, value: service } of nodesOf<Service>(scenario, 'service')) {
    (service.admins ?? []).forEach((admin, i) => {
      expect.bare([...at, 'admins', i], admin);
    });
    service.rooms.forEach((room, i) => {
      const here = [...at, 'rooms', i];
      expect.bare([...here, 'jid'], room.jid);
      if (!room.jid.endsWith(`@${service.address}`))
        wrong([...here, 'jid'], `${room.jid} is not a room of the service ${service.address}`);
      if (rooms.has(room.jid)) wrong([...here, 'jid'], `room ${room.jid} is listed twice`);
      else rooms.set(room.jid, { at: here, value: room });
      const seen = new Set<string>();
      (room.affiliations ?? []).forEach((item, j) => {
        const there = [...here, 'affiliations', j, 'jid'];
        expect.bareOrDomain(there, item.jid);
        if (item.jid === room.jid) wrong(there, `${item.jid} is the room itself`);
        if (seen.has(item.jid)) wrong(there, `${item.jid} already has an affiliation`);
        seen.add(item.jid);
      });
    });
  }
  return rooms;
}

/** XEP-0282: a replica needs its primary's consent, and each domain of users has one replica at most. */
function checkReplicas(scenario: Scenario, rooms: Rooms, wrong: Wrong, knownServer: Wrong) {
  for (const { at, value: room } of rooms.values()) {
    if (room.distribution?.kind !== 'primary') continue;
    const servedBy = new Map<string, string>();
    const listed = new Set<string>();
    room.distribution.replicas.forEach((replica, i) => {
      const here = [...at, 'distribution', 'replicas', i];
      if (listed.has(replica.jid)) wrong([...here, 'jid'], `replica ${replica.jid} is listed twice`);
      listed.add(replica.jid);
      replica.serves.forEach((domain, j) => {
        knownServer([...here, 'serves', j], domain);
        const other = servedBy.get(domain);
        if (other !== undefined) wrong([...here, 'serves', j], `${domain} is already served by ${other}`);
        servedBy.set(domain, replica.jid);
      });
    });
  }
  for (const { at, value: replica } of nodesOf<Replica>(scenario, 'replica')) {
    if (domainOf(replica.address as Jid) !== replica.server)
      wrong([...at, 'address'], `${replica.address} is not an account of its server ${replica.server}`);
    const primary = rooms.get(replica.replicaOf)?.value;
    if (primary === undefined) {
      wrong([...at, 'replicaOf'], `no room ${replica.replicaOf} in this scenario`);
      continue;
    }
    if (primary.distribution?.kind !== 'primary') {
      wrong([...at, 'replicaOf'], `${primary.jid} is not distributed as a primary`);
      continue;
    }
    if (replica.keepalive !== undefined && replica.keepalive.timeout > replica.keepalive.interval)
      wrong([...at, 'keepalive', 'timeout'], 'the time for an answer is longer than the interval');
    const listed = primary.distribution.replicas.find((entry) => entry.jid === replica.address);
    if (listed === undefined)
      wrong([...at, 'address'], `${primary.jid} does not list ${replica.address} among its replicas`);
    else
      replica.serves.forEach((domain, j) => {
        if (!listed.serves.includes(domain))
          wrong([...at, 'serves', j], `${primary.jid} does not let ${replica.address} serve ${domain}`);
      });
  }
}

/** XEP-0289: the joined nodes must exist and allow the joining one. */
function checkFederation(rooms: Rooms, wrong: Wrong, expect: Expect) {
  for (const { at, value: room } of rooms.values()) {
    if (room.distribution?.kind !== 'fmuc') continue;
    const { allowedNodes = [], trust = {}, mode = 'primary-primary' } = room.distribution;
    const { length } = outboundsOf(room.distribution);
    if (mode === 'primary-replica' && length > 1)
      wrong([...at, 'distribution', 'outbound'], `in primary-replica mode ${room.jid} joins one room, not ${length}`);
    else if (mode === 'primary-replica' && isReplicaOfItself(room.jid, rooms))
      wrong([...at, 'distribution', 'outbound'], `${room.jid} is a replica of itself by way of those that it joins`);
    allowedNodes.forEach((node, i) => {
      expect.bare([...at, 'distribution', 'allowedNodes', i], node);
    });
    for (const list of ['vouching', 'seeJids', 'mayKick'] as const)
      (trust[list] ?? []).forEach((node, i) => {
        expect.bare([...at, 'distribution', 'trust', list, i], node);
      });
    for (const [node, domains] of Object.entries(trust.scope ?? {})) {
      expect.bare([...at, 'distribution', 'trust', 'scope'], node);
      domains.forEach((domain, i) => {
        if (domain !== '*') expect.domain([...at, 'distribution', 'trust', 'scope', node, i], domain);
      });
    }
    for (const outbound of outboundsOf(room.distribution)) {
      const here = [...at, 'distribution', 'outbound'];
      const joined = rooms.get(outbound)?.value;
      if (outbound === room.jid) wrong(here, `${room.jid} cannot join itself`);
      else if (joined === undefined) wrong(here, `no room ${outbound} in this scenario`);
      else if (joined.distribution?.kind !== 'fmuc') wrong(here, `${outbound} is not an FMUC node`);
      else if (
        !joined.distribution.allowedNodes?.includes(room.jid) &&
        !outboundsOf(joined.distribution).includes(room.jid)
      )
        wrong(here, `${outbound} does not list ${room.jid} in its allowedNodes`);
      else if ((joined.distribution.mode ?? 'primary-primary') !== mode)
        wrong([...at, 'distribution', 'mode'], `${outbound} is in another mode than ${room.jid}, which joins it`);
    }
  }
}

/** XEP-0281: by shadow, its source. */
type Shadows = ReadonlyMap<string, string>;

/** XEP-0281: the services that are to host a shadow must exist, and replicate rooms of this one. */
function checkInstances(scenario: Scenario, rooms: Rooms, wrong: Wrong, expect: Expect): Shadows {
  const shadows = new Map<string, string>();
  const services = new Map([...nodesOf<Service>(scenario, 'service')].map(({ value }) => [value.address, value]));
  const checkSource = (at: Location, { peerhosts, trust }: ScenarioSource, firsthost: string) => {
    checkInstanceTrust(at, trust, expect);
    for (const [i, peerhost] of peerhosts.entries()) {
      const there = [...at, 'peerhosts', i];
      if (!expect.domain(there, peerhost)) continue;
      const service = services.get(peerhost);
      if (peerhost === firsthost) wrong(there, `${peerhost} hosts the room already`);
      else if (service === undefined) wrong(there, `no service ${peerhost} in this scenario`);
      else if (!service.hosting?.firsthosts.includes(firsthost))
        wrong(there, `${peerhost} does not list ${firsthost} among the firsthosts of its hosting`);
    }
  };
  for (const { at, value: service } of nodesOf<Service>(scenario, 'service')) {
    const here = [...at, 'hosting'];
    service.hosting?.firsthosts.forEach((firsthost, i) => {
      const there = [...here, 'firsthosts', i];
      if (!expect.domain(there, firsthost)) return;
      if (firsthost === service.address) wrong(there, `${firsthost} cannot replicate its own rooms`);
      else if (!services.has(firsthost)) wrong(there, `no service ${firsthost} in this scenario`);
    });
    checkInstanceTrust(here, service.hosting?.trust, expect);
    if (service.onDemand === undefined) continue;
    checkSource([...at, 'onDemand'], service.onDemand, service.address);
    if (typeof service.onDemand.id === 'object')
      wrong([...at, 'onDemand', 'id'], 'the shadows of several rooms cannot all have the same name');
  }
  for (const { at, value: room } of rooms.values()) {
    if (room.distribution?.kind !== 'source') continue;
    const local = shadowLocalOf(room);
    checkSource([...at, 'distribution'], room.distribution, domainOf(room.jid as Jid));
    if (local === undefined) continue;
    room.distribution.peerhosts.forEach((peerhost, i) => {
      const shadow = `${local}@${peerhost}`;
      const other = shadows.get(shadow);
      if (other !== undefined && other !== room.jid)
        wrong([...at, 'distribution', 'peerhosts', i], `${shadow} is already a shadow of ${other}`);
      shadows.set(shadow, room.jid);
    });
  }
  return shadows;
}

function checkInstanceTrust(at: Location, trust: ScenarioInstanceTrust | undefined, expect: Expect) {
  trust?.seeJids?.forEach((service, i) => {
    expect.domain([...at, 'trust', 'seeJids', i], service);
  });
  for (const [service, domains] of Object.entries(trust?.scope ?? {})) {
    expect.domain([...at, 'trust', 'scope'], service);
    domains.forEach((domain, i) => {
      expect.domain([...at, 'trust', 'scope', service, i], domain);
    });
  }
}

/** Whether the rooms that this one joins, and those that they join, lead back to it. Each joins one at most. */
function isReplicaOfItself(start: string, rooms: Rooms): boolean {
  const seen = new Set<string>();
  for (let at = start; !seen.has(at); ) {
    seen.add(at);
    const [next] = outboundsOf(rooms.get(at)?.value.distribution);
    if (next === undefined) return false;
    if (next === start) return start !== at;
    at = next;
  }
  return false;
}

/** One of the rooms of an FMUC set, the same for all of them; of a room without others it is the room itself. */
function fmucRoot(start: string, rooms: Rooms): string {
  const set = new Set([start]);
  for (const room of set) {
    for (const [other, { value }] of rooms)
      if (
        outboundsOf(value.distribution).includes(room) ||
        outboundsOf(rooms.get(room)?.value.distribution).includes(other)
      )
        set.add(other);
  }
  return [...set].sort()[0] as string;
}

function checkOccupants(
  scenario: Scenario,
  rooms: Rooms,
  shadows: Shadows,
  addresses: ReadonlySet<string>,
  wrong: Wrong,
  expect: Expect,
  knownServer: Wrong,
) {
  const jids = new Set<string>();
  const nicks = new Map<string, ScenarioOccupant>();
  scenario.occupants.forEach((occupant, i) => {
    const at = ['occupants', i];
    expect.full([...at, 'jid'], occupant.jid);
    knownServer([...at, 'jid'], domainOf(occupant.jid as Jid));
    if (jids.has(occupant.jid)) wrong([...at, 'jid'], `${occupant.jid} is listed twice`);
    jids.add(occupant.jid);
    if (addresses.has(bareOf(occupant.jid as Jid)))
      wrong([...at, 'jid'], `${bareOf(occupant.jid as Jid)} is a node's account`);
    const nick = parseNick(occupant.nick);
    if (nick === undefined)
      wrong([...at, 'nick'], `${JSON.stringify(occupant.nick)} cannot be a nick (RFC 7622 resourcepart)`);
    else if (nick !== occupant.nick)
      wrong(
        [...at, 'nick'],
        `${JSON.stringify(occupant.nick)} is not in its prepared form: write ${JSON.stringify(nick)}`,
      );
    const source = shadows.get(occupant.room) ?? occupant.room;
    if (!rooms.has(source)) {
      const known = list([...rooms.keys(), ...shadows.keys()]);
      wrong([...at, 'room'], `no room ${occupant.room} in this scenario (it has ${known})`);
      return;
    }
    // A nick is unique in all rooms that belong together, not only on the node; one user may have it on several devices (decisions.md).
    const key = `${fmucRoot(source, rooms)}/${occupant.nick}`;
    const holder = nicks.get(key);
    const own = holder?.room === occupant.room && bareOf(holder.jid as Jid) === bareOf(occupant.jid as Jid);
    if (holder !== undefined && !own)
      wrong([...at, 'nick'], `the nick ${occupant.nick} is already taken by ${holder.jid} in this room`);
    nicks.set(key, occupant);
  });
}

function checkScript(scenario: Scenario, wrong: Wrong) {
  const occupants = new Set(scenario.occupants.map((occupant) => occupant.jid));
  const joined = new Set<string>();
  scenario.script.forEach((step, i) => {
    if (!occupants.has(step.who)) wrong(['script', i, 'who'], `no occupant ${step.who} in this scenario`);
    else if (step.act === 'join' && joined.has(step.who)) wrong(['script', i], `${step.who} has already joined`);
    else if (step.act === 'leave' && !joined.has(step.who)) wrong(['script', i], `${step.who} has not joined`);
    if (step.act === 'join') joined.add(step.who);
    else joined.delete(step.who);
  });
}

function* nodesOf<T extends ScenarioNode>(scenario: Scenario, kind: T['kind']): Generator<Found<T>> {
  for (const [i, node] of scenario.nodes.entries())
    if (node.kind === kind) yield { at: ['nodes', i], value: node as T };
}

function list(names: Iterable<string>): string {
  return [...names].join(', ');
}
