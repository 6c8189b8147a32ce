import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { bareOf, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// XEP-0289 in trees, rings and meshes (decisions #145 to #147): everybody sees everybody, and hears everything once.

const names = ['a', 'b', 'c', 'd', 'e'] as const;
type Name = (typeof names)[number];
const roomOf = (name: string) => jid(`hall@rooms.${name}.lit`);
const nodeOf = (name: string) => jid(`rooms.${name}.lit`);
const userOf = (name: string) => `user@${name}.lit/x`;

/** Nodes that join one another as given, each with a user of its own domain, called as the node. */
function worldOf(joins: Partial<Record<Name, readonly Name[]>>): { world: World; all: readonly string[] } {
  const all = Object.keys(joins);
  const allowed = (name: string) => all.filter((other) => joins[other as Name]?.includes(name as Name)).map(roomOf);
  const nodes = all.map((name) => ({
    kind: 'service',
    address: nodeOf(name),
    server: `${name}.lit`,
    rooms: [
      {
        jid: roomOf(name),
        whois: 'anyone',
        affiliations: [{ jid: bareOf(jid(userOf(name))), affiliation: 'owner' }],
        distribution: { kind: 'fmuc', outbound: joins[name as Name]?.map(roomOf), allowedNodes: allowed(name) },
      },
    ],
  }));
  const servers = all.map((name, i) => ({ domain: `${name}.lit`, at: [i / 5, 0.5] }));
  const world = new World({ ...plain, servers, nodes, occupants: [], script: [] } as unknown as Scenario);
  return { world, all };
}

/** The same with everybody in, one after the other, and time to settle. */
function occupied(joining: Partial<Record<Name, readonly Name[]>>) {
  const { world, all } = worldOf(joining);
  for (const name of all) world.send(joins(userOf(name), `${roomOf(name)}/${name}`));
  world.advance(60_000);
  world.clear();
  return { world, all };
}

const rosterAt = (world: World, name: string) =>
  world
    .status(nodeOf(name))
    .occupants.map(({ nick }) => nick)
    .sort();
const texts = (world: World, name: string) => world.got(userOf(name)).flatMap((stanza) => bodyOf(stanza) ?? []);
const live = (world: World, all: readonly string[]) =>
  new Set(
    all.flatMap((name) =>
      world
        .status(nodeOf(name))
        .peers.filter(({ state }) => state === 'live')
        .map(({ peer }) => [name, bareOf(jid(peer)).slice('hall@rooms.'.length, -'.lit'.length)].sort().join('-')),
    ),
  );
const crossings = (world: World) => {
  const count = new Map<string, number>();
  for (const { server, stanza } of world.crossed())
    if (server && stanza.name === 'message') count.set(`${server}`, (count.get(`${server}`) ?? 0) + 1);
  return [...count.values()];
};

const shapes: readonly (readonly [string, Partial<Record<Name, readonly Name[]>>])[] = [
  ['a chain', { a: ['b'], b: ['c'], c: ['d'], d: [] }],
  ['a star', { a: ['d'], b: ['d'], c: ['d'], d: [] }],
  ['a node that joins two', { a: ['b', 'c'], b: [], c: [] }],
  ['two that name each other', { a: ['b'], b: ['a'] }],
  ['a ring of three', { a: ['b'], b: ['c'], c: ['a'] }],
  ['a ring of four', { a: ['b'], b: ['c'], c: ['d'], d: ['a'] }],
  ['a ring of five', { a: ['b'], b: ['c'], c: ['d'], d: ['e'], e: ['a'] }],
  ['a mesh of four', { a: ['b', 'c', 'd'], b: ['a', 'c', 'd'], c: ['a', 'b', 'd'], d: ['a', 'b', 'c'] }],
];

describe.each(shapes)('decision #145, decision #146, decision #147: %s', (_shape, joining) => {
  it('everybody is in everywhere, once, and hears everything once, with one stanza on each link', () => {
    const { world, all } = occupied(joining);
    for (const name of all) expect([name, rosterAt(world, name)]).toEqual([name, [...all].sort()]);
    // A tree: as many links as nodes, less one.
    expect(live(world, all).size).toBe(all.length - 1);
    for (const name of all) {
      world.clear();
      world.send(says(userOf(name), roomOf(name), `by ${name}`));
      for (const other of all) expect([other, texts(world, other)]).toEqual([other, [`by ${name}`]]);
      expect(crossings(world)).toEqual(all.slice(1).map(() => 1));
    }
  });

  it('presence, nicks and leaves arrive once', () => {
    const { world, all } = occupied(joining);
    const [first, ...others] = all as [string, ...string[]];
    const shown = (name: string) =>
      world
        .got(userOf(name))
        .filter((stanza: Stanza) => stanza.name === 'presence')
        .map(({ type, from }) => `${type ?? 'available'} ${from.split('/')[1]}`);
    const here = jid(`${roomOf(first)}/${first}`);
    world.send(presence(jid(userOf(first)), here, {}, el('show', NS.client, {}, 'away')));
    for (const name of others) expect([name, shown(name)]).toEqual([name, [`available ${first}`]]);
    world.clear();
    world.send(presence(jid(userOf(first)), jid(`${roomOf(first)}/other`), {}, el('show', NS.client, {}, 'away')));
    for (const name of others) expect([name, shown(name)]).toEqual([name, [`unavailable ${first}`, 'available other']]);
    world.clear();
    world.send(leaves(userOf(first), `${roomOf(first)}/other`));
    for (const name of others) expect([name, shown(name)]).toEqual([name, ['unavailable other']]);
  });

  it('all enter at the same moment: the same', () => {
    const { world, all } = worldOf(joining);
    world.send(...all.map((name) => joins(userOf(name), `${roomOf(name)}/${name}`)));
    world.advance(600_000);
    for (const name of all) expect([name, rosterAt(world, name)]).toEqual([name, [...all].sort()]);
    world.clear();
    world.send(says(userOf('a'), roomOf('a'), 'x'));
    for (const other of all) expect([other, texts(world, other)]).toEqual([other, ['x']]);
    // What they say shows which links close a ring.
    for (const name of all) world.send(says(userOf(name), roomOf(name), 'y'));
    world.advance(60_000);
    expect(live(world, all).size).toBe(all.length - 1);
  });
});

describe('decision #146: a link of a ring is cut', () => {
  const ring = { a: ['b'], b: ['c'], c: ['a'] } as const;
  const pairs = [
    ['a', 'b'],
    ['b', 'c'],
    ['a', 'c'],
  ] as const;

  it.each(pairs)('between %s and %s: the others carry everything', (one, other) => {
    const { world, all } = occupied(ring);
    world.cut(`${one}.lit`, `${other}.lit`, 'silent');
    world.advance(600_000);
    for (const name of all) expect([name, rosterAt(world, name)]).toEqual([name, [...all].sort()]);
    world.clear();
    for (const name of all) world.send(says(userOf(name), roomOf(name), `by ${name}`));
    for (const name of all) expect([name, texts(world, name)]).toEqual([name, all.map((by) => `by ${by}`)]);
    world.cut(`${one}.lit`, `${other}.lit`, undefined);
    world.advance(900_000);
    expect(live(world, all).size).toBe(2);
    for (const name of all) expect([name, rosterAt(world, name)]).toEqual([name, [...all].sort()]);
  });

  it('nobody is seen to leave when a spare link is given up', () => {
    const { world, all } = worldOf(ring);
    for (const name of all) world.send(joins(userOf(name), `${roomOf(name)}/${name}`));
    world.advance(60_000);
    for (const name of all)
      expect(world.got(userOf(name)).filter(({ type }) => type === 'unavailable' || type === 'error')).toEqual([]);
  });
});

const field = (name: string) => `{${NS.ext}}fmuc_${name}`;
const configures = (world: World, name: string, fields: Record<string, readonly string[]>) => {
  const form = {
    type: 'submit' as const,
    formType: 'http://jabber.org/protocol/muc#roomconfig',
    fields: Object.entries(fields).map(([which, values]) => ({ var: which, values })),
  };
  world.send(
    iq(jid(userOf(name)), roomOf(name), { type: 'set', id: 'set' }, el('query', NS.mucOwner, {}, writeForm(form))),
  );
};

describe('decision #146: a link of a ring ends by a room’s own rules, and none of them is looked at', () => {
  const ring = { a: ['b'], b: ['c'], c: ['a'] } as const;
  it.each([
    ['a', 'b', 'c'],
    ['a', 'c', 'b'],
    ['b', 'a', 'c'],
    ['b', 'c', 'a'],
    ['c', 'a', 'b'],
    ['c', 'b', 'a'],
  ] as const)('%s blocks %s, and %s hears it; then all is quiet', (one, blocked, other) => {
    const { world, all } = occupied(ring);
    for (const name of all) configures(world, name, { [field('keepalive')]: ['0'] });
    configures(world, one, { [field('blocked_nodes')]: [roomOf(blocked)] });
    world.advance(600_000);
    world.clear();
    world.send(says(userOf(one), roomOf(one), 'hello'));
    expect(texts(world, other)).toEqual(['hello']);
    world.clear();
    world.advance(86_400_000);
    expect(world.crossed()).toEqual([]);
  });
});

describe('decision #146: somebody leaves whose node was on the way of others', () => {
  const ring = { a: ['b'], b: ['c'], c: ['a'] } as const;

  it.each([
    ['a', 'with', '1'],
    ['b', 'with', '1'],
    ['c', 'with', '1'],
    ['a', 'without', '0'],
    ['b', 'without', '0'],
    ['c', 'without', '0'],
  ] as const)('%s, %s keepalives: the others hear each other', (gone, _how, keepalive) => {
    const { world, all } = occupied(ring);
    for (const name of all) configures(world, name, { [field('keepalive')]: [keepalive] });
    world.send(leaves(userOf(gone), `${roomOf(gone)}/${gone}`));
    world.advance(200_000);
    world.clear();
    const rest = all.filter((name) => name !== gone);
    for (const name of rest) world.send(says(userOf(name), roomOf(name), `by ${name}`));
    for (const name of rest) expect([name, texts(world, name)]).toEqual([name, rest.map((by) => `by ${by}`)]);
  });
});

describe('decision #183: words on their way over a link of a ring that is cut, which nobody has noticed', () => {
  it.each([
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'a'],
  ] as const)('%s and %s are cut off from each other, and hear each other once', (one, other) => {
    const { world, all } = worldOf({ a: ['b'], b: ['c'], c: ['a'] });
    world.send(...all.map((name) => joins(userOf(name), `${roomOf(name)}/${name}`)));
    expect(live(world, all).size).toBe(3);
    world.clear();
    world.cut(`${one}.lit`, `${other}.lit`, 'silent');
    world.send(says(userOf(one), roomOf(one), 'hello'));
    world.send(says(userOf(other), roomOf(other), 'goodbye'));
    world.advance(200_000);
    for (const name of all) expect(texts(world, name).slice().sort()).toEqual(['goodbye', 'hello']);
  });
});

describe('decision #149: two users with one nick, whose nodes are both joined by a third', () => {
  const between = { a: ['b', 'c'], b: [], c: [] } as const;
  const orders = [
    ['a', 'b', 'c'],
    ['b', 'c', 'a'],
    ['c', 'b', 'a'],
  ] as const;

  it.each(orders)('%s, %s and %s enter in this order: one of them stays, everywhere', (...order) => {
    const { world, all } = worldOf(between);
    for (const name of order) world.send(joins(userOf(name), `${roomOf(name)}/${name === 'a' ? 'between' : 'same'}`));
    world.advance(60_000);
    const holders = all.map((name) => world.status(nodeOf(name)).occupants.find(({ nick }) => nick === 'same')?.jid);
    expect(new Set(holders).size).toBe(1);
    expect([userOf('b'), userOf('c')]).toContain(holders[0]);
    const losers = ['b', 'c'].filter((name) =>
      world.got(userOf(name)).some((stanza) => errorOf(stanza)?.condition === 'conflict'),
    );
    expect(losers.map(userOf)).toEqual([userOf('b'), userOf('c')].filter((user) => user !== holders[0]));
  });

  it('if they have met nobody before, it is the one whose node sorts first', () => {
    const { world } = worldOf(between);
    for (const name of ['c', 'b', 'a'])
      world.send(joins(userOf(name), `${roomOf(name)}/${name === 'a' ? 'between' : 'same'}`));
    expect(world.status(nodeOf('a')).occupants.find(({ nick }) => nick === 'same')?.jid).toBe(userOf('b'));
  });
});
