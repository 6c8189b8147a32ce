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

/** A message of somebody away from the room's own server, before and after that server is cut off from all others. */
export interface ReachFigures {
  readonly room: RoomKind;
  readonly servers: number;
  readonly stanzas: number;
  /** Links that the farthest copy crosses. */
  readonly hops: number;
  /** The same, after the cut was noticed; and who of all who are elsewhere hears it. */
  readonly after: { readonly stanzas: number; readonly heard: number; readonly of: number };
}

/** `ring`: federated, and each of the rooms joins the next. `instances`: a source, and a shadow on each other server. */
export const roomKindsMeasured = ['plain', 'replicated', 'federated', 'ring', 'instances'] as const;
export type RoomKind = (typeof roomKindsMeasured)[number];
/**
 * netjoin: the changes since the split. creation: a replica that kept nothing, and gets everything. plain: the users of a
 * plain room, whom it took for gone, join again one by one and ask for what they missed. resync: a federated room joins the
 * other anew, and each asks for what it missed (XEP-0289 §8). instances: a shadow and its source link anew (XEP-0281 §3.7).
 */
export const rejoiningsMeasured = ['plain', 'creation', 'netjoin', 'resync', 'instances'] as const;
export type Rejoining = (typeof rejoiningsMeasured)[number];

const text = 'Double, double toil and trouble; fire burn and caldron bubble.';
const serversOf = (count: number) => Array.from({ length: count }, (_, i) => `s${i}.lit`);
const [home, far] = ['s0.lit', 's3.lit'];
const room = 'heath@rooms.s0.lit';
const isEverywhere = (kind: RoomKind) => kind === 'federated' || kind === 'ring' || kind === 'instances';
const roomAt = (kind: RoomKind, server: string) => (isEverywhere(kind) ? `heath@rooms.${server}` : room);
const replica = (server: string) => `replica@${server}`;
const person = (i: number, count = 4) => ({
  jid: `witch${i}@s${i % count}.lit/broom`,
  nick: `witch${i}`,
  server: `s${i % count}.lit`,
});

/** Servers with an equal part of the occupants each, everybody in the room. */
function heath(kind: RoomKind, occupants: number, count = 4): World {
  const servers = serversOf(count);
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
  const host = (server: string): ScenarioNode => ({
    kind: 'service',
    address: `rooms.${server}`,
    server,
    rooms: [],
    hosting: { firsthosts: [`rooms.${home}`] },
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
    instances: [
      service(home, { distribution: { kind: 'source', peerhosts: others.map((at) => `rooms.${at}`) } }),
      ...others.map(host),
    ],
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
  // A peerhost that was not up yet is asked again.
  if (kind === 'instances') world.advance(30_000);
  for (let i = 0; i < occupants; i++) join(world, kind, i, count);
  // A ring finds out that it is one.
  if (kind === 'ring') world.advance(60_000);
  return world;
}

function join(world: World, kind: RoomKind, i: number, count = 4): void {
  const { jid: address, nick, server } = person(i, count);
  world.send(joins(address, `${roomAt(kind, server)}/${nick}`));
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

/** Who has got these words, and the copies that crossed a link. */
function copies(world: World, words: string) {
  const said = world.sent.filter(({ stanza }) => stanza.type === 'groupchat' && stanzaText(stanza).includes(words));
  const arrived = said.filter(({ outcome }) => outcome === undefined);
  return {
    crossed: said.flatMap(({ server }) => (server === undefined ? [] : [server])),
    heard: new Set(arrived.filter(({ stanza }) => stanza.to.endsWith('/broom')).map(({ stanza }) => stanza.to)).size,
  };
}

/** A message from the second server: its copies, and how far each of them goes. */
export function reach(kind: RoomKind, count: number): ReachFigures {
  const occupants = 3 * count;
  const world = heath(kind, occupants, count);
  const author = person(1, count);
  const speak = (words: string) => {
    world.clear();
    world.send(says(author.jid, roomAt(kind, author.server), words));
    return copies(world, words);
  };
  const before = speak('Harpier cries');
  if (before.heard !== occupants) throw new Error(`${kind}: ${before.heard} of ${occupants} heard it`);
  const hops = new Map([[author.server, 0]]);
  for (const [from, to] of before.crossed) if (!hops.has(to)) hops.set(to, (hops.get(from) ?? 0) + 1);
  for (const other of serversOf(count).slice(1)) world.cut(home, other, 'bounce');
  // What bounces says that the others are out of reach.
  speak('tis time');
  world.advance(1_000);
  const after = speak('tis time, tis time');
  return {
    room: kind,
    servers: count,
    stanzas: before.crossed.length,
    hops: Math.max(...hops.values()),
    after: { stanzas: after.crossed.length, heard: after.heard, of: occupants - 3 },
  };
}

/** One server is cut off, the others say something, the link is mended: what it takes until both sides are one again. */
export function rejoin(how: Rejoining, occupants: number, missed: number): SplitFigures {
  const kind = kindOf[how];
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
    const node = jid(kind === 'replicated' ? replica(far) : `rooms.${far}`);
    const isLive = () => world.status(node).peers.find(({ peer }) => peer === room)?.state === 'live';
    for (let second = 0; !isLive(); second++) {
      if (second > 120) throw new Error(`no ${how} after two minutes`);
      world.advance(1_000);
    }
  }
  const of = world.crossed().filter(({ server }) => server?.includes(far) && server.includes(home));
  const bytes = of.reduce((sum, { stanza }) => sum + new TextEncoder().encode(stanzaText(stanza)).length, 0);
  const asked = of.some(({ stanza }) => readNetjoin(stanza.payloads));
  if (asked !== (how === 'netjoin')) throw new Error(`${how}: ${asked ? 'a' : 'no'} netjoin`);
  return { how, occupants, missed, stanzas: of.length, bytes };
}

const kindOf: Readonly<Record<Rejoining, RoomKind>> = {
  plain: 'plain',
  creation: 'replicated',
  netjoin: 'replicated',
  resync: 'federated',
  instances: 'instances',
};

export interface LinkFigures {
  readonly reaches: readonly ReachFigures[];
  readonly broadcasts: readonly BroadcastFigures[];
  readonly splits: readonly SplitFigures[];
}

/** Exact, not timed: the same on every machine. */
export function measureLinks(sizes: readonly number[]): LinkFigures {
  return {
    broadcasts: roomKindsMeasured.flatMap((kind) => sizes.map((occupants) => broadcast(kind, occupants))),
    reaches: roomKindsMeasured.flatMap((kind) => [3, 5].map((count) => reach(kind, count))),
    splits: rejoiningsMeasured.flatMap((how) =>
      [10, 100].flatMap((missed) => sizes.map((occupants) => rejoin(how, occupants, missed))),
    ),
  };
}
