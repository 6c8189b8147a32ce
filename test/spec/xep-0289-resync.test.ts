import { describe, expect, it } from 'vitest';
import { readClock, readResync, writeResync } from '../../src/core/xep/fmuc-sync.ts';
import { readJoin, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readDelay } from '../../src/core/xep/xep0203.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { readStanzaId } from '../../src/core/xep/xep0359.ts';
import { bareOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, message, payloadOf, presence, type Stanza, stanzaText } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const cellar = jid('cellar@rooms.auerbach.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const auerbach = jid('rooms.auerbach.lit');
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';
const faust = 'faust@auerbach.lit/p';

/** wonderland, and a third node that joins the second: cellar -> elsinore -> rabbithole. */
const tree = structuredClone(wonderland) as unknown as {
  servers: unknown[];
  nodes: { rooms: { distribution: Record<string, unknown> }[] }[];
};
tree.servers.push({ domain: 'auerbach.lit', at: [0.5, 0.9] });
for (const room of tree.nodes[0]?.rooms ?? []) room.distribution['allowedNodes'] = [cellar];
tree.nodes.push({
  kind: 'service',
  address: auerbach,
  server: 'auerbach.lit',
  rooms: [{ jid: cellar, name: 'cellar', whois: 'anyone', distribution: { kind: 'fmuc', outbound: elsinore } }],
} as unknown as (typeof tree.nodes)[number]);
for (const node of tree.nodes) for (const room of node.rooms) Object.assign(room, { changeSubject: true });

/** All are in, and have spoken. */
function talking(): World {
  const world = new World(tree as unknown as Scenario);
  world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`), joins(faust, `${cellar}/Faust`));
  world.advance(1_000);
  for (const [who, room] of [
    [alice, rabbithole],
    [hamlet, elsinore],
    [faust, cellar],
  ] as const)
    world.send(says(who, room, `before ${bareOf(jid(who)).split('@')[0]}`));
  world.advance(1_000);
  world.clear();
  return world;
}
const split = (world: World, how: 'bounce' | 'silent') => world.cut('denmark.lit', 'wonderland.lit', how);
function heal(world: World): void {
  world.cut('denmark.lit', 'wonderland.lit', undefined);
  world.clear();
  world.advance(80_000);
}

const sets = (user: string, room: Jid, subject: string) =>
  message(jid(user), room, { type: 'groupchat' }, el('subject', NS.client, {}, subject));
const bodies = (stanzas: readonly Stanza[]) => stanzas.flatMap((stanza) => bodyOf(stanza) ?? []);
const isDelayed = (stanza: Stanza) => payloadOf(stanza, 'delay', NS.delay) !== undefined;
const history = (world: World, node: Jid) =>
  (world.seat(node).node.snapshot().rooms[0]?.history ?? []).flatMap(({ payloads }) => payloads[0]?.children[0] ?? []);
const crossing = (world: World, from: Jid, to: Jid) =>
  world
    .crossed()
    .map(({ stanza }) => stanza)
    .filter((stanza) => bareOf(stanza.from) === from && bareOf(stanza.to) === to);
const request = (world: World) =>
  crossing(world, elsinore, rabbithole).find(({ payloads }) => readJoin(payloads) !== undefined) as Stanza;

describe('XEP-0289 §8 “How to perform a resync”: decision #181', () => {
  it.each(['bounce', 'silent'] as const)(
    'decision #181: both sides get what they missed, delayed, once (%s)',
    (how) => {
      const world = talking();
      split(world, how);
      world.send(says(alice, rabbithole, 'tea'), says(hamlet, elsinore, 'to be'));
      world.advance(1_000);
      world.send(says(faust, cellar, 'Habe nun'), says(alice, rabbithole, 'more tea'));
      world.advance(100_000);
      heal(world);

      expect(bodies(world.got(alice))).toEqual(['to be', 'Habe nun']);
      expect(bodies(world.got(hamlet))).toEqual(['tea', 'more tea']);
      expect(bodies(world.got(faust))).toEqual(['tea', 'more tea']);
      for (const user of [alice, hamlet, faust])
        for (const stanza of world.got(user)) if (bodyOf(stanza)) expect(isDelayed(stanza)).toBe(true);
      for (const node of [rooms, denmark, auerbach])
        expect(history(world, node).slice().sort()).toEqual(history(world, rooms).slice().sort());
    },
  );

  it('decision #181: only what was missed crosses the link, each message once', () => {
    const world = talking();
    for (let i = 0; i < 30; i++) world.send(says(i % 2 ? alice : hamlet, i % 2 ? rabbithole : elsinore, `line ${i}`));
    split(world, 'bounce');
    world.send(says(alice, rabbithole, 'tea'), says(hamlet, elsinore, 'to be'), says(hamlet, elsinore, 'or not'));
    heal(world);
    expect(bodies(crossing(world, rabbithole, elsinore))).toEqual(['tea']);
    expect(bodies(crossing(world, elsinore, rabbithole))).toEqual(['to be', 'or not']);
    const asked = crossing(world, rabbithole, elsinore).filter(({ payloads }) => readResync(payloads));
    expect(asked.map(({ from, to, name }) => [from, to, name])).toEqual([[rabbithole, elsinore, 'presence']]);
  });

  it('decision #181: the same after a clean leave: the next first user brings what was said since, and no more', () => {
    const world = talking();
    world.send(leaves(faust, `${cellar}/Faust`), leaves(hamlet, `${elsinore}/Hamlet`));
    world.advance(200_000);
    world.send(says(alice, rabbithole, 'while you were away'));
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(bodies(crossing(world, rabbithole, elsinore))).toEqual(['while you were away']);
    expect(bodies(world.got(ophelia))).toEqual([
      'before alice',
      'before hamlet',
      'before faust',
      'while you were away',
    ]);
  });

  it('decision #25: of one millisecond and one room the order is that of the room, whatever the ids', () => {
    const world = talking();
    split(world, 'bounce');
    const lines = Array.from({ length: 12 }, (_, i) => `line ${i}`);
    for (const line of lines) world.send(says(alice, rabbithole, line));
    heal(world);
    expect(bodies(world.got(hamlet))).toEqual(lines);
    expect(history(world, denmark).slice(-12)).toEqual(lines);
    expect(history(world, auerbach).slice(-12)).toEqual(lines);
  });

  it('decision #25: what both sides said meanwhile is kept in one order everywhere: by time, then by room', () => {
    const world = talking();
    split(world, 'bounce');
    for (const line of ['one', 'two', 'three']) {
      world.send(says(hamlet, elsinore, `${line} at elsinore`), says(alice, rabbithole, `${line} at rabbithole`));
      world.advance(100);
    }
    heal(world);
    const said = ['one', 'two', 'three'].flatMap((line) => [`${line} at elsinore`, `${line} at rabbithole`]);
    for (const node of [rooms, denmark, auerbach]) expect(history(world, node).slice(-6)).toEqual(said);
  });

  it('decision #181: identities last: the archive of each node names the room that took the message', () => {
    const world = talking();
    split(world, 'bounce');
    world.send(says(hamlet, elsinore, 'to be'));
    heal(world);
    const [crossed] = crossing(world, elsinore, rabbithole).filter((stanza) => bodyOf(stanza) === 'to be') as [Stanza];
    expect(readFmuc(crossed.payloads)).toEqual({ kind: 'from', from: hamlet });
    expect(readStanzaId(crossed.payloads)?.by).toBe(elsinore);
    expect(readDelay(payloadOf(crossed, 'delay', NS.delay))?.from).toBe(elsinore);
  });

  it('decision #181: the request says since when, how much, and what is here already', () => {
    const world = talking();
    split(world, 'bounce');
    world.send(says(hamlet, elsinore, 'to be'));
    heal(world);
    const ask = readResync(request(world).payloads);
    expect(ask?.have.length).toBe(4);
    expect(ask?.maxstanzas).toBe(200);
    expect(readJoin(request(world).payloads)?.history).toEqual({ maxstanzas: 200, since: ask?.since });
  });

  it('decision #181: a node gives no more than it is asked for, and the newest', () => {
    const world = talking();
    split(world, 'bounce');
    for (let i = 0; i < 10; i++) world.send(says(alice, rabbithole, `line ${i}`));
    world.clear();
    const ask = { since: instant(0), now: instant(0), maxstanzas: 3, have: [] };
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.inject(rooms, denmark, joinOf(ask));
    expect(bodies(world.sent.map(({ stanza }) => stanza).filter(({ from }) => bareOf(from) === rabbithole))).toEqual([
      'line 7',
      'line 8',
      'line 9',
    ]);
  });

  /** A join of elsinore that counts, as raw stanza. */
  function joinOf(ask: Parameters<typeof writeResync>[0]): Stanza {
    const place = el('s', NS.ext, { e: 'raw', n: '1' });
    return presence(
      jid(`${elsinore}/Ophelia`),
      jid(`${rabbithole}/Ophelia`),
      {},
      el('fmuc', NS.fmuc, { from: ophelia }, place, writeResync(ask)),
      writeJoin({}),
      writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] }),
    );
  }

  it('decision #181: a clock that is an hour ahead, or behind, makes no difference', () => {
    for (const hours of [-1, 1]) {
      const world = talking();
      split(world, 'bounce');
      world.advance(100_000);
      world.send(says(alice, rabbithole, 'tea'));
      world.clear();
      world.cut('denmark.lit', 'wonderland.lit', undefined);
      const now = world.now + hours * 3_600_000;
      const ask = { since: instant(now - 50_000), now: instant(now), maxstanzas: 100, have: [] };
      world.inject(rooms, denmark, joinOf(ask));
      expect(bodies(world.sent.map(({ stanza }) => stanza).filter(({ to }) => bareOf(to) === elsinore))).toEqual([
        'tea',
      ]);
    }
  });

  it.each([
    ['crashed', 0],
    ['was split for longer than anything may be under way', 1_200_000],
  ])('decision #181: a clock that is set back after a restart loses nothing, where the node %s', (_, splitMs) => {
    const world = talking();
    split(world, splitMs === 0 ? 'silent' : 'bounce');
    world.send(says(hamlet, elsinore, 'to be'));
    world.advance(splitMs / 2);
    world.send(says(alice, rabbithole, 'tea'));
    world.advance(splitMs / 2);
    const log = world.crash(denmark);
    world.advance(300_000);
    world.setClock(denmark, -7_200_000);
    world.boot(denmark, log);
    heal(world);
    for (const node of [rooms, denmark]) expect(history(world, node)).toContain('tea');
    expect(bodies(world.got(hamlet))).toEqual(['tea']);
    expect(bodies(world.got(alice))).toEqual(['to be']);
  });

  it('decision #181: nobody but the node that is joined is told what was said meanwhile', () => {
    const world = talking();
    world.send(says(hamlet, elsinore, 'to be'));
    world.clear();
    const ask = writeResync({ since: instant(0), now: instant(0), maxstanzas: 100, have: [] });
    const asks = (from: Jid) => presence(from, elsinore, {}, el('fmuc', NS.fmuc, {}, ask));
    world.inject(denmark, 'chat.evil.lit', asks(jid('room@chat.evil.lit')));
    // Also that one only as a part of its answer.
    world.inject(denmark, rooms, asks(rabbithole));
    expect(bodies(world.sent.map(({ stanza }) => stanza))).toEqual([]);
  });

  it.each([
    ['joined', alice, hamlet],
    ['joining', hamlet, alice],
  ] as const)(
    'decision #181: a subject set on the %s side while split wins where it is the newer one',
    (_, who, other) => {
      const world = talking();
      world.send(sets(alice, rabbithole, 'common'));
      split(world, 'bounce');
      world.send(says(alice, rabbithole, 'notice'));
      world.advance(1_000);
      const later =
        who === alice
          ? [sets(hamlet, elsinore, 'older'), sets(alice, rabbithole, 'newer')]
          : [sets(alice, rabbithole, 'older'), sets(hamlet, elsinore, 'newer')];
      for (const stanza of later) {
        world.send(stanza);
        world.advance(1_000);
      }
      heal(world);
      expect([rooms, denmark, auerbach].map((node) => world.status(node).subject)).toEqual(['newer', 'newer', 'newer']);
      expect(world.got(other).map(subjectChange).filter(Boolean)).toEqual(['newer']);
      expect(world.got(who).map(subjectChange).filter(Boolean)).toEqual([]);
    },
  );

  it('decision #164: either side says of which clock the time of its subject is', () => {
    for (const [who, room] of [
      [alice, rabbithole],
      [hamlet, elsinore],
    ] as const) {
      const world = talking();
      split(world, 'bounce');
      world.send(says(alice, rabbithole, 'notice'), sets(who, room, 'newer'));
      world.advance(1_000);
      heal(world);
      const told = world.sent.flatMap(({ stanza }) => (subjectChange(stanza) === 'newer' ? [stanza] : []));
      const between = told.filter(
        ({ from, to }) => bareOf(from) === room && [elsinore, rabbithole].includes(bareOf(to)),
      );
      expect(between.map(({ payloads }) => readClock(payloads))).toEqual([expect.any(Number)]);
      const [delay, clock] = [
        readDelay(payloadOf(between[0] as Stanza, 'delay', NS.delay)),
        readClock(between[0]?.payloads ?? []),
      ];
      expect((clock ?? 0) - (delay?.stamp ?? 0)).toBeGreaterThanOrEqual(1_000);
    }
  });

  it('decision #181: a node with no subject takes the other’s, in either direction', () => {
    const bare = structuredClone(tree) as unknown as { nodes: { rooms: { subject?: string }[] }[] };
    for (const node of bare.nodes) for (const room of node.rooms) delete room.subject;
    const world = new World(bare as unknown as Scenario);
    world.cut('denmark.lit', 'wonderland.lit', 'bounce');
    world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`));
    world.send(sets(hamlet, elsinore, 'set alone'));
    heal(world);
    expect([rooms, denmark].map((node) => world.status(node).subject)).toEqual(['set alone', 'set alone']);
  });

  it.each([
    ['is taken where there is none, whoever may set one', undefined, false, 'nobody’s'],
    ['is taken where it is the newer one and anybody may set one', 'theirs', true, 'nobody’s'],
    ['is not taken where moderators alone set one', 'theirs', false, 'theirs'],
  ])('decision #181: a subject of nobody, as a room begins with, %s', (_, subject, changeSubject, expected) => {
    const scenario = structuredClone(wonderland) as unknown as { nodes: { rooms: { jid: Jid }[] }[] };
    for (const room of scenario.nodes.flatMap((node) => node.rooms))
      Object.assign(room, room.jid === elsinore ? { subject: 'nobody’s' } : { subject, changeSubject });
    const world = new World(scenario as unknown as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.advance(1_000);
    world.crash(denmark);
    world.boot(denmark);
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(world.status(rooms).subject).toBe(expected);
  });
});

describe('XEP-0289 §5.1 “limiting the amount of history”', () => {
  const asks = (history: Parameters<typeof writeJoin>[0]['history']) =>
    presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, writeJoin(history ? { history } : {}));

  it('decision #181: the first user’s limit is theirs alone: the node asks for what its room keeps', () => {
    const world = new World(wonderland);
    world.send(joins(alice, `${rabbithole}/Alice`));
    for (const line of ['one', 'two', 'three']) world.send(says(alice, rabbithole, line));
    world.clear();
    world.send(asks({ maxstanzas: 1 }));
    expect(readJoin(request(world).payloads)?.history).toEqual({ maxstanzas: 200 });
    expect(bodies(world.got(hamlet))).toEqual(['three']);
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(bodies(world.got(ophelia))).toEqual(['one', 'two', 'three']);
  });

  it('maxchars of a node counts what the node is sent; 0 is nothing', () => {
    for (const [fits, expected] of [
      [0, []],
      [1, ['three']],
      [2, ['two', 'three']],
    ] as const) {
      const world = new World(wonderland);
      world.send(joins(alice, `${rabbithole}/Alice`));
      for (const line of ['one', 'two', 'three']) world.send(says(alice, rabbithole, line));
      world.clear();
      const join = (maxchars: number) =>
        presence(
          jid(`${elsinore}/Ophelia`),
          jid(`${rabbithole}/Ophelia`),
          {},
          writeFmuc({ kind: 'from', from: jid(ophelia) }),
          writeJoin({ history: { maxchars } }),
        );
      world.inject(rooms, denmark, join(1_000_000));
      const sizes = world.sent
        .map(({ stanza }) => stanza)
        .filter((stanza) => bodyOf(stanza))
        .map((stanza) => stanzaText(stanza).length);
      expect(sizes).toHaveLength(3);
      const chars = sizes.slice(sizes.length - fits).reduce((sum, each) => sum + each, 0) * Number(fits > 0);
      world.clear();
      world.inject(rooms, denmark, join(chars));
      expect(bodies(world.sent.map(({ stanza }) => stanza).filter(({ to }) => bareOf(to) === elsinore))).toEqual(
        expected,
      );
    }
  });
});
