import { readNetjoin } from '../../src/core/xep/sync.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { stanzaText } from '../../src/core/xmpp/stanza.ts';
import type { Scenario, ScenarioNode } from '../../src/scenario/scenario.ts';
import { joins, says, World } from '../support/world.ts';

/** What crossed links between servers. */
export interface Crossing {
  readonly stanzas: number;
  /** UTF-8, as serialised; without framing and TLS. */
  readonly bytes: number;
}

export interface BroadcastFigures extends Crossing {
  readonly room: RoomKind;
  readonly occupants: number;
}

export interface SplitFigures extends Crossing {
  readonly how: Rejoining;
  readonly occupants: number;
  /** Messages of the others while one server of four was cut off. */
  readonly missed: number;
}

/** `ring`: federated, and each of the four rooms joins the next. */
export type RoomKind = 'plain' | 'replicated' | 'federated' | 'ring';
/**
 * netjoin: the changes since the split. creation: a replica that kept nothing, and gets everything. plain: the users of a
 * plain room, whom it took for gone, join again one by one and ask for what they missed. resync: a federated room joins the
 * other anew, and each asks for what it missed (XEP-0289 §8).
 */
export type Rejoining = 'netjoin' | 'creation' | 'plain' | 'resync';

const text = 'Double, double toil and trouble; fire burn and caldron bubble.';
const servers = ['s0.lit', 's1.lit', 's2.lit', 's3.lit'];
const [home, far] = ['s0.lit', 's3.lit'];
const room = 'heath@rooms.s0.lit';
const isFederated = (kind: RoomKind) => kind === 'federated' || kind === 'ring';
const roomAt = (kind: RoomKind, server: string) => (isFederated(kind) ? `heath@rooms.${server}` : room);
const replica = (server: string) => `replica@${server}`;
const person = (i: number) => ({ jid: `witch${i}@${servers[i % 4]}/broom`, nick: `witch${i}` });

/** Four servers with a quarter of the occupants each, everybody in the room. */
function heath(kind: RoomKind, occupants: number): World {
  const others = servers.slice(1);
  const service = (server: string, distribution: object): ScenarioNode => ({
    kind: 'service',
    address: `rooms.${server}`,
    server,
    rooms: [
      {
        jid: `heath@rooms.${server}`,
        affiliations: [{ jid: `witch0@${home}`, affiliation: 'owner' }],
        ...distribution,
      },
    ],
  });
  const nodes: Record<RoomKind, readonly ScenarioNode[]> = {
    plain: [service(home, {})],
    replicated: [
      service(home, {
        distribution: { kind: 'primary', replicas: others.map((at) => ({ jid: replica(at), serves: [at] })) },
      }),
      ...others.map((server) => ({
        kind: 'replica' as const,
        address: replica(server),
        server,
        replicaOf: room,
        serves: [server],
      })),
    ],
    federated: [
      service(home, { distribution: { kind: 'fmuc', allowedNodes: others.map((at) => `heath@rooms.${at}`) } }),
      ...others.map((server) => service(server, { distribution: { kind: 'fmuc', outbound: room } })),
    ],
    ring: servers.map((server, i) => {
      const [before, after] = [servers.at(i - 1), servers[(i + 1) % servers.length]].map((at) => `heath@rooms.${at}`);
      return service(server, { distribution: { kind: 'fmuc', allowedNodes: [before], outbound: after } });
    }),
  };
  const scenario: Scenario = {
    format: 'netsplit-scenario',
    version: 1,
    id: kind,
    title: kind,
    description: '',
    xep: '0045',
    servers: servers.map((domain) => ({ domain, at: [0.5, 0.5] })),
    nodes: nodes[kind],
    occupants: [],
    script: [],
  };
  const world = new World(scenario);
  for (let i = 0; i < occupants; i++) join(world, kind, i);
  // A ring finds out that it is one.
  if (kind === 'ring') world.advance(60_000);
  return world;
}

function join(world: World, kind: RoomKind, i: number): void {
  const { jid: address, nick } = person(i);
  world.send(joins(address, `${roomAt(kind, servers[i % 4] as string)}/${nick}`));
}

function crossing(world: World): Crossing {
  const stanzas = world.crossed().map(({ stanza }) => new TextEncoder().encode(stanzaText(stanza)).length);
  return { stanzas: stanzas.length, bytes: stanzas.reduce((sum, bytes) => sum + bytes, 0) };
}

/** One message of somebody away from the room's own server. */
export function broadcast(kind: RoomKind, occupants: number): BroadcastFigures {
  const world = heath(kind, occupants);
  world.clear();
  world.send(says(person(1).jid, roomAt(kind, 's1.lit'), text));
  const heard = world.sent.filter(({ stanza }) => stanza.to.endsWith('/broom')).length;
  if (heard !== occupants) throw new Error(`${kind}: ${heard} of ${occupants} heard it`);
  return { room: kind, occupants, ...crossing(world) };
}

/** One server is cut off, the others say something, the link is mended: what it takes until both sides are one again. */
export function rejoin(how: Rejoining, occupants: number, missed: number): SplitFigures {
  const kind = how === 'plain' ? 'plain' : how === 'resync' ? 'federated' : 'replicated';
  const world = heath(kind, occupants);
  world.cut(home, far, 'bounce');
  for (let i = 0; i < missed; i++) world.send(says(person(0).jid, room, `${text} ${i}`));
  // Who was silent for a minute is asked whether it is there.
  world.advance(90_000);
  world.cut(home, far, undefined);
  world.clear();
  if (how === 'plain') for (let i = 3; i < occupants; i += 4) join(world, kind, i);
  else {
    if (how === 'creation') {
      world.crash(jid(replica(far)));
      world.boot(jid(replica(far)));
    }
    const node = jid(how === 'resync' ? `rooms.${far}` : replica(far));
    const isLive = () => world.status(node).peers[0]?.state === 'live';
    for (let second = 0; !isLive(); second++) {
      if (second > 120) throw new Error(`no ${how} after two minutes`);
      world.advance(1_000);
    }
  }
  const of = world.crossed().filter(({ server }) => server?.includes(far));
  const bytes = of.reduce((sum, { stanza }) => sum + new TextEncoder().encode(stanzaText(stanza)).length, 0);
  const asked = of.some(({ stanza }) => readNetjoin(stanza.payloads));
  if (asked !== (how === 'netjoin')) throw new Error(`${how}: ${asked ? 'a' : 'no'} netjoin`);
  return { how, occupants, missed, stanzas: of.length, bytes };
}

export interface LinkFigures {
  readonly broadcasts: readonly BroadcastFigures[];
  readonly splits: readonly SplitFigures[];
}

/** Exact, not timed: the same on every machine. */
export function measureLinks(sizes: readonly number[]): LinkFigures {
  const kinds = ['plain', 'replicated', 'federated', 'ring'] as const;
  const ways = ['plain', 'creation', 'netjoin', 'resync'] as const;
  return {
    broadcasts: kinds.flatMap((kind) => sizes.map((occupants) => broadcast(kind, occupants))),
    splits: ways.flatMap((how) =>
      [10, 100].flatMap((missed) => sizes.map((occupants) => rejoin(how, occupants, missed))),
    ),
  };
}
