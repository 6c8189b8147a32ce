import { describe, expect, it } from 'vitest';
import { Keepalive, keepaliveMs, timeoutMs } from '../../src/core/distribution/keepalive.ts';
import { readLinkPlace } from '../../src/core/xep/fmuc-sync.ts';
import { readMucUser, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { stanzaError } from '../../src/core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorOf,
  errorReply,
  iq,
  message,
  payloadOf,
  presence,
  type Stanza,
} from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const cellar = jid('cellar@rooms.auerbach.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const auerbach = jid('rooms.auerbach.lit');
const alice = 'alice@wonderland.lit/p';
const hatter = 'hatter@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';
const faust = 'faust@auerbach.lit/p';
const wagner = 'wagner@auerbach.lit/p';

/** wonderland, and a third node that joins the second: cellar -> elsinore -> rabbithole. */
const tree = structuredClone(wonderland) as unknown as {
  servers: unknown[];
  nodes: { rooms: { distribution: Record<string, unknown> }[] }[];
};
tree.servers.push({ domain: 'auerbach.lit', at: [0.5, 0.9] });
const middle = tree.nodes[0]?.rooms[0] as { distribution: Record<string, unknown> };
middle.distribution['allowedNodes'] = [cellar];
tree.nodes.push({
  kind: 'service',
  address: auerbach,
  server: 'auerbach.lit',
  rooms: [{ jid: cellar, name: 'cellar', whois: 'anyone', distribution: { kind: 'fmuc', outbound: elsinore } }],
} as unknown as (typeof tree.nodes)[number]);

function inside(...who: readonly (readonly [user: string, occupant: string])[]): World {
  const world = new World(tree as unknown as Scenario);
  for (const [user, occupant] of who) world.send(joins(user, occupant));
  world.clear();
  return world;
}
const inAlice = [alice, `${rabbithole}/Alice`] as const;
const inHamlet = [hamlet, `${elsinore}/Hamlet`] as const;
const inFaust = [faust, `${cellar}/Faust`] as const;

const placeAt = (stanza: Stanza) => readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc));
const fmucAt = (stanza: Stanza) => readFmuc(stanza.payloads);
const roster = (world: World, node: Jid) =>
  world
    .status(node)
    .occupants.map(({ nick, jid: who }) => `${nick} ${who && bareOf(jid(who))}`)
    .sort();
const occupantIdAt = (stanza: Stanza) => readOccupantId(stanza.payloads);
const states = (world: World, node: Jid) => world.status(node).peers.map(({ state }) => state);
const shown = (stanza: Stanza) =>
  stanza.name === 'presence'
    ? `${stanza.type ?? 'available'} ${stanza.from.split('/')[1]} ${readMucUser(stanza.payloads)?.statuses ?? ''}`.trim()
    : (bodyOf(stanza) ?? `subject: ${subjectChange(stanza)}`);

/** Both ends of wonderland's link have the same people, and are linked. */
function inStep(world: World, ...nodes: readonly Jid[]): void {
  for (const node of nodes) {
    expect([node, roster(world, node)]).toEqual([node, roster(world, nodes[0] as Jid)]);
    expect(states(world, node)).toEqual(states(world, node).map(() => 'live'));
  }
}
const cutOff = (world: World, how: 'bounce' | 'silent' | undefined) => world.cut('denmark.lit', 'wonderland.lit', how);

/** What a stranger's room, not ours, sends: no place. */
function plainly(from: Jid, nick: string, user: string, to: Jid, ...payloads: ReturnType<typeof el>[]): Stanza {
  const rank = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
  return presence(jid(`${from}/${nick}`), to, {}, writeFmuc({ kind: 'from', from: jid(user) }), ...payloads, rank);
}

describe('XEP-0289 and XEP-0199: keepalive between nodes', () => {
  it('decision #3, decision #24: in a silent cut both sides find out by two pings, and come together again', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'silent');
    world.advance(120_000);
    expect([roster(world, rooms), roster(world, denmark)]).toEqual([
      ['Alice alice@wonderland.lit'],
      ['Hamlet hamlet@denmark.lit'],
    ]);
    expect(world.got(hamlet).map(shown)).toEqual(['unavailable Alice 333']);
    expect(world.got(alice).map(shown)).toEqual(['unavailable Hamlet 333']);
    cutOff(world, undefined);
    world.advance(70_000);
    inStep(world, rooms, denmark);
    expect(roster(world, rooms)).toHaveLength(2);
  });

  it('decision #3: a quiet link costs a ping and its answer now and then, and stays', () => {
    const world = inside(inAlice, inHamlet);
    world.advance(300_000);
    expect(new Set(world.crossed().map(({ stanza }) => stanza.name))).toEqual(new Set(['iq']));
    expect(world.crossed().every(({ stanza }) => [elsinore, rabbithole].includes(stanza.from))).toBe(true);
    expect(world.crossed().length).toBeLessThan(30);
    inStep(world, rooms, denmark);
  });

  it('decision #3: a timer of before, fired late by a page that slept, does not count as a miss', () => {
    let ids = 0;
    const at = (ms: number) => ({ now: instant(ms), newId: () => `id${++ids}` });
    const keepalive = new Keepalive(instant(0));
    expect(keepalive.due(at(200_000)).kind).toBe('ping');
    expect(keepalive.due(at(200_001))).toEqual({ kind: 'wait', ms: timeoutMs - 1 });
    expect(keepalive.due(at(200_000 + timeoutMs)).kind).toBe('ping');
    expect(keepalive.due(at(200_001 + timeoutMs)).kind).toBe('wait');
    expect(keepalive.due(at(200_000 + 2 * timeoutMs)).kind).toBe('lost');
    expect(keepaliveMs).toBeGreaterThan(timeoutMs);
  });

  it('decision #3: who slept through a time-out looks at what came meanwhile before it counts as a miss', () => {
    let ids = 0;
    const at = (ms: number) => ({ now: instant(ms), newId: () => `id${++ids}` });
    const asleep = 300_000;
    const keepalive = new Keepalive(instant(0));
    expect(keepalive.due(at(70_000)).kind).toBe('ping');
    expect(keepalive.due(at(70_000 + timeoutMs)).kind).toBe('ping');
    expect(keepalive.due(at(asleep))).toEqual({ kind: 'wait', ms: 1_000 });
    expect(keepalive.due(at(asleep + 1_000)).kind).toBe('lost');
    const answered = new Keepalive(instant(0));
    expect(answered.due(at(70_000)).kind).toBe('ping');
    expect(answered.due(at(70_000 + timeoutMs)).kind).toBe('ping');
    expect(answered.due(at(asleep)).kind).toBe('wait');
    answered.heard(instant(asleep));
    expect(answered.due(at(asleep + 1_000)).kind).toBe('wait');
  });

  it('decision #21: the timer of an earlier try does not end a join that was answered', () => {
    const world = inside(inAlice, inHamlet);
    const { node } = world.seat(denmark);
    const effects = node.handle(
      { kind: 'timer', timer: `answer ${elsinore}` as never },
      { now: world.now, newId: () => 'x' },
    );
    expect(effects).toEqual([]);
    inStep(world, rooms, denmark);
  });

  it('decision #21: a long answer is waited for while it goes on coming, and nobody waits for more than 10 s of it', () => {
    const world = inside(inAlice);
    for (const line of ['one', 'two', 'three']) world.send(says(alice, rabbithole, line));
    let request: Stanza | undefined;
    world.lose((stanza) => {
      request = stanza.to.startsWith(rabbithole) ? stanza : undefined;
      return request !== undefined;
    });
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.freeze(denmark);
    world.inject(rooms, denmark, request as Stanza);
    const answer = world.seat(denmark).held ?? [];
    world.seat(denmark).held = undefined;
    world.clear();
    for (const [i, part] of answer.entries()) {
      expect(world.got(hamlet).length > 0).toBe(i * 6_000 >= 10_000);
      world.advance(6_000);
      world.inject(denmark, rooms, part);
    }
    expect(answer.length).toBeGreaterThan(5);
    expect(world.got(hamlet).map(shown)).toEqual([
      'available Hamlet 110,100',
      'subject: ',
      'available Alice',
      'one',
      'two',
      'three',
      'subject: This is the subject',
    ]);
    expect(states(world, denmark)).toEqual(['live']);
    inStep(world, rooms, denmark);
  });

  it('decision #24: an error that is no bounce of ours does not end the link; a bounced ping does', () => {
    const world = inside(inAlice, inHamlet);
    const bounce = errorReply(
      iq(elsinore, rabbithole, { type: 'get', id: 'never-sent' }, el('ping', NS.ping)),
      stanzaError('cancel', 'remote-server-not-found'),
    ) as Stanza;
    world.inject(denmark, rooms, bounce);
    world.inject(denmark, rooms, { ...bounce, name: 'message' });
    inStep(world, rooms, denmark);
    cutOff(world, 'bounce');
    world.advance(80_000);
    expect([states(world, denmark), states(world, rooms)]).toEqual([['split'], []]);
  });

  it('decision #87: the joined node has given up the link: whoever pings is told, and joins again', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'bounce');
    world.send(says(alice, rabbithole, 'lost'));
    cutOff(world, undefined);
    expect([states(world, rooms), states(world, denmark)]).toEqual([[], ['live']]);
    world.advance(75_000);
    inStep(world, rooms, denmark);
  });

  it('decision #24: the joining node is out, but the joined one does not know: its ping is refused, and the ghosts go', () => {
    const world = inside(inAlice, inHamlet);
    const gone = (stanza: Stanza) => stanza.type === 'unavailable' && domainOf(stanza.to) === rooms;
    world.lose(gone);
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(roster(world, rooms)).toHaveLength(2);
    world.advance(90_000);
    expect([roster(world, rooms), states(world, rooms)]).toEqual([['Alice alice@wonderland.lit'], []]);
    expect(world.got(alice).map(shown)).toEqual(['unavailable Hamlet 333']);
  });

  it('decision #24: a private message that bounces comes back to its sender', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'bounce');
    world.send(tells(hamlet, `${elsinore}/Alice`, 'psst'));
    expect(world.got(hamlet).map((stanza) => [stanza.from, errorOf(stanza)?.condition])).toEqual([
      [`${elsinore}/Alice`, 'remote-server-timeout'],
      [`${elsinore}/Alice`, undefined],
    ]);
  });
});

describe('XEP-0289 §5.2, §5.6: a bounce is known by its id', () => {
  const said = (from: string, to: string, type: string, id?: string) =>
    message(jid(from), jid(to), { type, id }, el('body', NS.client, {}, 'hear'));

  it('decision #10: what goes over a link has an id of its node’s; users get their author’s, or none', () => {
    const world = inside(inAlice, inHamlet, inFaust);
    world.send(said(alice, rabbithole, 'groupchat', 'mine'), said(alice, rabbithole, 'groupchat'));
    world.send(said(alice, `${rabbithole}/Faust`, 'chat', 'private'));
    for (const { stanza } of world.crossed()) expect([undefined, 'mine', 'private']).not.toContain(stanza.id);
    expect(world.got(hamlet).map(({ id }) => id)).toEqual(['mine', undefined]);
    expect(world.got(faust).map(({ id }) => id)).toEqual(['mine', undefined, 'private']);
  });

  it('decision #10: a message without an id bounces, and the link is lost', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'bounce');
    world.send(said(alice, rabbithole, 'groupchat'));
    expect(world.status(rooms).peers).toEqual([]);
  });

  it('§5.6: the bounce of a private message comes back under the id that its sender gave it', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'bounce');
    world.send(said(alice, `${rabbithole}/Hamlet`, 'chat', 'private'));
    const errors = world.got(alice).filter(({ type }) => type === 'error');
    expect(errors.map(({ id, from }) => [id, from])).toEqual([['private', `${rabbithole}/Hamlet`]]);
  });
});

describe('XEP-0289 §8 “How to perform a resync (Part and then full rejoin)”', () => {
  it('decision #60: every stanza over a link has its place, and another join is another link', () => {
    const world = inside(inAlice);
    world.send(joins(...inHamlet));
    world.send(says(alice, rabbithole, 'one'));
    world.send(says(hamlet, elsinore, 'two'));
    const places = (to: Jid) =>
      world
        .crossed()
        .filter(({ stanza }) => bareOf(stanza.to) === to)
        .map(({ stanza }) => placeAt(stanza)?.n);
    expect([places(rabbithole), places(elsinore)]).toEqual([
      [1, 2],
      [1, 2, 3, 4],
    ]);
    const sessions = () => new Set(world.crossed().map(({ stanza }) => placeAt(stanza)?.session));
    const [first] = sessions();
    expect(sessions().size).toBe(1);
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.clear();
    world.send(joins(...inHamlet));
    expect(sessions().has(first)).toBe(false);
  });

  it.each([
    ['the joined node', [hatter, `${rabbithole}/Hatter`], denmark],
    ['the joining node', [ophelia, `${elsinore}/Ophelia`], rooms],
  ] as const)(
    'decision #60, decision #61: a stanza of %s vanishes; the next one shows it',
    (_, [user, occupant], to) => {
      const world = inside(inAlice, inHamlet);
      world.lose((stanza) => domainOf(stanza.to) === to && fmucAt(stanza) !== undefined);
      world.send(joins(user, occupant));
      expect(roster(world, rooms)).not.toEqual(roster(world, denmark));
      world.send(says(user, bareOf(jid(occupant)), 'here I am'));
      inStep(world, rooms, denmark);
      expect(roster(world, rooms)).toHaveLength(3);
    },
  );

  it.each([
    ['the joined node', [hatter, `${rabbithole}/Hatter`], denmark],
    ['the joining node', [ophelia, `${elsinore}/Ophelia`], rooms],
  ] as const)('decision #60: the last stanza of %s vanishes; the next ping shows it', (_, [user, occupant], to) => {
    const world = inside(inAlice, inHamlet);
    world.lose((stanza) => domainOf(stanza.to) === to && fmucAt(stanza) !== undefined);
    world.send(joins(user, occupant));
    world.advance(100_000);
    inStep(world, rooms, denmark);
    expect(roster(world, rooms)).toHaveLength(3);
  });

  it('decision #24: of an answer a stanza vanishes: the user is in alone, and the other node is asked again 5 s later', () => {
    const world = inside(inAlice);
    world.lose((stanza) => stanza.from === `${rabbithole}/Alice` && stanza.to === elsinore);
    world.send(joins(...inHamlet));
    const asked = () => world.crossed().filter(({ stanza }) => payloadOf(stanza, 'x', NS.muc) !== undefined).length;
    expect([roster(world, denmark), states(world, denmark)]).toEqual([['Hamlet hamlet@denmark.lit'], ['split']]);
    world.advance(3_900);
    expect(asked()).toBe(1);
    world.advance(2_200);
    expect(asked()).toBe(2);
    inStep(world, rooms, denmark);
  });

  it('decision #60: a repetition is dropped, and so is everything of an earlier link', () => {
    const world = inside(inAlice, inHamlet);
    world.send(says(hamlet, elsinore, 'once'));
    const once = world.crossed()[0]?.stanza as Stanza;
    const left = presence(
      rabbithole,
      elsinore,
      {},
      el('fmuc', NS.fmuc, {}, el('left', NS.fmuc), el('s', NS.ext, { e: 'earlier', n: '0' })),
    );
    world.clear();
    world.inject(rooms, denmark, once);
    world.inject(rooms, denmark, { ...once, payloads: [el('body', NS.client, {}, 'x'), el('fmuc', NS.fmuc)] });
    world.inject(denmark, rooms, left);
    expect([world.got(alice), world.crossed()]).toEqual([[], []]);
    inStep(world, rooms, denmark);
  });

  it('decision #60: a late answer to an earlier try is not taken for the one that is waited for', () => {
    const world = inside(inAlice);
    cutOff(world, 'silent');
    world.send(joins(...inHamlet));
    const stale = plainly(rabbithole, 'Ghost', 'ghost@wonderland.lit/p', elsinore);
    const fmuc = el('fmuc', NS.fmuc, { from: 'ghost@wonderland.lit/p' }, el('s', NS.ext, { e: 'earlier', n: '1' }));
    world.inject(denmark, rooms, { ...stale, payloads: [fmuc] });
    const end = el('fmuc', NS.fmuc, {}, el('s', NS.ext, { e: 'earlier', n: '2' }));
    world.inject(denmark, rooms, message(rabbithole, elsinore, { type: 'groupchat' }, el('subject', NS.client), end));
    expect([roster(world, denmark), states(world, denmark)]).toEqual([[], ['joining']]);
    world.inject(denmark, rooms, presence(rabbithole, elsinore, {}, el('fmuc', NS.fmuc, {}, el('left', NS.fmuc))));
    expect(states(world, denmark)).toEqual(['joining']);
  });

  it.each([
    ['the joining node', [denmark]],
    ['the joined node', [rooms]],
    ['both, one after the other', [denmark, rooms]],
    ['the middle of a tree', [denmark]],
  ] as const)('decision #61: a restart of %s from its log: all are in step at once', (which, restarted) => {
    const world = which.includes('tree') ? inside(inAlice, inHamlet, inFaust) : inside(inAlice, inHamlet);
    for (const node of restarted) world.boot(node, world.crash(node));
    world.advance(100);
    inStep(world, rooms, denmark, ...(which.includes('tree') ? [auerbach] : []));
    world.clear();
    world.send(says(alice, rabbithole, 'still here?'));
    expect(world.got(hamlet).map(shown)).toEqual(['still here?']);
  });

  it('decision #61: both crash in a split and start at different times', () => {
    const world = inside(inAlice, inHamlet, inFaust);
    const logs = [rooms, denmark, auerbach].map((node) => [node, world.crash(node)] as const);
    for (const [node, log] of [...logs].reverse()) {
      world.boot(node, log);
      world.advance(1_000);
    }
    world.advance(120_000);
    inStep(world, rooms, denmark, auerbach);
    expect(roster(world, rooms)).toHaveLength(3);
  });

  it('decision #61: what was said live is not shown again by a rejoin', () => {
    const world = inside(inAlice, inHamlet);
    world.send(says(alice, rabbithole, 'once'));
    world.boot(denmark, world.crash(denmark));
    world.send(says(alice, rabbithole, 'twice'));
    expect(world.got(hamlet).map(bodyOf).filter(Boolean)).toEqual(['once', 'twice']);
  });

  it('decision #61: those who were here all along are told of the subject that came with a rejoin', () => {
    const world = inside(inAlice, inHamlet, inFaust);
    cutOff(world, 'bounce');
    world.send(message(jid(alice), rabbithole, { type: 'groupchat' }, el('subject', NS.client, {}, 'alone')));
    world.send(leaves(alice, `${rabbithole}/Alice`));
    world.send(joins(hatter, `${rabbithole}/Hatter`));
    cutOff(world, undefined);
    world.advance(80_000);
    expect(world.got(hamlet).map(shown)).toContain('subject: alone');
    expect([world.status(denmark).subject, world.status(auerbach).subject]).toEqual(['alone', 'alone']);
    expect(world.got(faust).map(shown)).toContain('subject: alone');
    expect(
      world.crossed().filter(({ stanza }) => subjectChange(stanza) === 'alone' && stanza.to === rabbithole),
    ).toEqual([]);
  });

  /** alice speaks while wonderland is cut off, and it is linked again. */
  function afterWords(world: World): World {
    cutOff(world, 'bounce');
    for (const line of ['one', 'two']) world.send(says(alice, rabbithole, line));
    world.advance(1);
    world.send(says(hamlet, elsinore, 'here'));
    world.clear();
    cutOff(world, undefined);
    world.advance(80_000);
    inStep(world, rooms, denmark, auerbach);
    return world;
  }
  const delayed = (stanza: Stanza) => payloadOf(stanza, 'delay', NS.delay) !== undefined;

  it('decision #93: what comes by an answer reaches those who were here, and those of the nodes that joined this one', () => {
    const world = afterWords(inside(inAlice, inHamlet, inFaust));
    for (const user of [hamlet, faust]) {
      const lines = world.got(user).filter((stanza) => bodyOf(stanza) !== undefined);
      expect(lines.map((stanza) => [bodyOf(stanza), stanza.from.split('/')[1], delayed(stanza)])).toEqual([
        ['one', 'Alice', true],
        ['two', 'Alice', true],
      ]);
    }
    // And the other way (decision #181).
    expect(world.got(alice).map(bodyOf).filter(Boolean)).toEqual(['here']);
    for (const node of [rooms, denmark, auerbach]) {
      const history = world.seat(node).node.snapshot().rooms[0]?.history ?? [];
      expect(history.map(({ payloads }) => payloads[0]?.children[0])).toEqual(['one', 'two', 'here']);
    }
  });

  it('decision #93: it is passed on once, never to where it came from, and not to a node without our extension', () => {
    const world = afterWords(inside(inAlice, inHamlet, inFaust));
    const copies = world.crossed().filter(({ stanza }) => bodyOf(stanza) === 'one');
    expect(copies.map(({ stanza }) => [bareOf(stanza.from), stanza.to])).toEqual([
      [rabbithole, elsinore],
      [elsinore, cellar],
    ]);
    // Again: it is here already.
    world.clear();
    world.boot(denmark, world.crash(denmark));
    world.advance(100);
    expect([hamlet, faust].flatMap((user) => world.got(user).map(bodyOf)).filter(Boolean)).toEqual([]);

    const plain = inside(inAlice, inHamlet);
    plain.inject(denmark, auerbach, plainly(cellar, 'Faust', faust, jid(`${elsinore}/Faust`), writeJoin({})));
    cutOff(plain, 'bounce');
    plain.send(says(hamlet, elsinore, 'x'), says(alice, rabbithole, 'one'));
    cutOff(plain, undefined);
    plain.clear();
    plain.advance(80_000);
    expect(plain.to(cellar).map(bodyOf).filter(Boolean)).toEqual([]);
  });

  it('decision #93: a live message is live, whatever delay its author gives it', () => {
    const world = inside(inAlice, inHamlet);
    const forged = el('delay', NS.delay, { from: rabbithole, stamp: '1990-01-01T00:00:00Z' });
    world.send(message(jid(alice), rabbithole, { type: 'groupchat' }, el('body', NS.client, {}, 'now'), forged));
    expect(world.got(hamlet).map((stanza) => [bodyOf(stanza), delayed(stanza)])).toEqual([['now', false]]);
    // Nor is a node believed that joined this one: what it says is said now, and by its own users.
    world.clear();
    const late = message(
      jid(`${elsinore}/Hamlet`),
      rabbithole,
      { type: 'groupchat' },
      el('body', NS.client, {}, 'of old'),
      el('delay', NS.delay, { from: elsinore, stamp: '1990-01-01T00:00:00Z' }),
    );
    world.lose((stanza) => domainOf(stanza.to) === rooms && fmucAt(stanza) !== undefined);
    world.send(says(hamlet, elsinore, 'lost'));
    const lost = world.crossed().find(({ stanza }) => bodyOf(stanza) === 'lost')?.stanza as Stanza;
    const fmuc = payloadOf(lost, 'fmuc', NS.fmuc) as ReturnType<typeof el>;
    world.inject(rooms, denmark, { ...late, payloads: [...late.payloads, fmuc] });
    expect(world.got(alice).map((stanza) => [bodyOf(stanza), delayed(stanza)])).toEqual([['of old', false]]);
  });

  it('XEP-0421, decision #94: a user who comes by an answer has one occupant id in everything, also after they left', () => {
    const world = new World(tree as unknown as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`), says(alice, rabbithole, 'before'));
    world.send(message(jid(alice), rabbithole, { type: 'groupchat' }, el('subject', NS.client, {}, 'tea')));
    world.send(joins(...inFaust), joins(...inHamlet));
    const ids = new Map<string, Set<string>>();
    const look = () => {
      for (const [user, room] of [
        [hamlet, elsinore],
        [ophelia, elsinore],
        [faust, cellar],
      ] as const) {
        const known = ids.get(room) ?? new Set();
        ids.set(room, known);
        for (const stanza of world.got(user)) if (stanza.from === `${room}/Alice`) known.add(occupantIdAt(stanza));
      }
      world.clear();
    };
    look();
    world.send(says(alice, rabbithole, 'live'));
    world.send(message(jid(alice), rabbithole, { type: 'groupchat' }, el('subject', NS.client, {}, 'more tea')));
    world.send(presence(jid(alice), jid(`${rabbithole}/Alice`), {}, el('show', NS.client, {}, 'away')));
    world.send(tells(alice, `${rabbithole}/Hamlet`, 'psst'), tells(alice, `${rabbithole}/Faust`, 'psst'));
    look();
    // As the author of history and subject for who comes now, and when she is back.
    world.send(leaves(alice, `${rabbithole}/Alice`));
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    world.send(joins(alice, `${rabbithole}/Alice`));
    look();
    expect([...ids.values()].map((known) => [known.size, known.has('')])).toEqual([
      [1, false],
      [1, false],
    ]);
    expect(ids.get(elsinore)).not.toEqual(ids.get(cellar));
  });

  it('XEP-0421, decision #94: the author of old messages, whom this node never saw, gets one id for all of them and for later', () => {
    const world = new World(tree as unknown as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`), joins(hatter, `${rabbithole}/Hatter`));
    world.send(says(hatter, rabbithole, 'one'), says(hatter, rabbithole, 'two'));
    world.send(message(jid(hatter), rabbithole, { type: 'groupchat' }, el('subject', NS.client, {}, 'hats')));
    world.send(leaves(hatter, `${rabbithole}/Hatter`));
    // The nick is another's by now, and what was said is not theirs.
    world.send(joins('queen@wonderland.lit/p', `${rabbithole}/Hatter`));
    world.clear();
    world.send(joins(...inHamlet));
    const of = (kind: (stanza: Stanza) => boolean) =>
      new Set(
        world
          .got(hamlet)
          .filter((stanza) => stanza.from === `${elsinore}/Hatter` && kind(stanza))
          .map(occupantIdAt),
      );
    const words = of(({ name }) => name === 'message');
    expect([words.size, words.has('')]).toEqual([1, false]);
    expect(of(({ name }) => name === 'presence')).not.toEqual(words);
    world.send(leaves('queen@wonderland.lit/p', `${rabbithole}/Hatter`));
    world.clear();
    world.send(joins(hatter, `${rabbithole}/Hatter`));
    expect(of(({ name }) => name === 'presence')).toEqual(words);
  });

  it('decision #61: who waits for the answer under another presence than the join had', () => {
    const world = inside(inAlice);
    cutOff(world, 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`, el('show', NS.client, {}, 'away')));
    const request = world.crossed()[0]?.stanza as Stanza;
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(hamlet, `${elsinore}/Prince`));
    cutOff(world, undefined);
    world.inject(rooms, denmark, request);
    inStep(world, rooms, denmark);
    expect(roster(world, rooms)).toEqual(['Alice alice@wonderland.lit', 'Prince hamlet@denmark.lit']);
    expect(world.status(rooms).occupants.find(({ nick }) => nick === 'Prince')?.show).toBeUndefined();
  });
});

describe('XEP-0289 §8 “Describe collisions”', () => {
  const conflictTo = (world: World, user: string) =>
    world.got(user).filter((stanza) => errorOf(stanza)?.condition === 'conflict').length;
  const isOut = (world: World, user: string) =>
    world
      .got(user)
      .some((stanza) => stanza.type === 'unavailable' && readMucUser(stanza.payloads)?.statuses.includes(110));

  it('decision #23: both sides gave a nick away in a split: after the rejoin the joined side’s user has it, on both', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'bounce');
    world.send(says(hamlet, elsinore, 'x'));
    world.send(joins(ophelia, `${elsinore}/Queen`));
    world.send(joins(hatter, `${rabbithole}/Queen`));
    cutOff(world, undefined);
    world.advance(80_000);
    inStep(world, rooms, denmark);
    expect(roster(world, denmark)).toContain('Queen hatter@wonderland.lit');
    expect([conflictTo(world, ophelia), isOut(world, ophelia), isOut(world, hatter)]).toEqual([1, true, false]);
  });

  it('decision #23: a change to a nick that the joined side has meanwhile: who changed is out, on both', () => {
    const world = inside(inAlice, inHamlet, [ophelia, `${elsinore}/Ophelia`]);
    let crossing: Stanza | undefined;
    world.lose((stanza) => {
      if (domainOf(stanza.to) === denmark && fmucAt(stanza)) crossing = stanza;
      return crossing !== undefined;
    });
    world.send(joins(hatter, `${rabbithole}/Queen`));
    // Hatter's presence is still on its way when Ophelia takes the nick.
    world.send(presence(jid(ophelia), jid(`${elsinore}/Queen`), {}));
    world.inject(denmark, rooms, crossing as Stanza);
    world.advance(100_000);
    inStep(world, rooms, denmark);
    expect(roster(world, denmark)).toEqual([
      'Alice alice@wonderland.lit',
      'Hamlet hamlet@denmark.lit',
      'Queen hatter@wonderland.lit',
    ]);
    expect([conflictTo(world, ophelia), isOut(world, ophelia)]).toEqual([1, true]);
  });

  it('decision #23: a change of nick on the joined side takes it from who has it on the joining side', () => {
    const world = inside(inAlice, inHamlet, [hatter, `${rabbithole}/Hatter`]);
    world.lose((stanza) => domainOf(stanza.to) === rooms && fmucAt(stanza) !== undefined);
    world.send(joins(ophelia, `${elsinore}/Queen`));
    world.send(presence(jid(hatter), jid(`${rabbithole}/Queen`), {}));
    world.advance(100_000);
    inStep(world, rooms, denmark);
    expect(roster(world, denmark)).toContain('Queen hatter@wonderland.lit');
    expect([conflictTo(world, ophelia), isOut(world, ophelia)]).toEqual([1, true]);
  });

  it('decision #86: in a tree the conflict goes on to the node whose user it is', () => {
    const world = inside(inAlice, inHamlet, inFaust);
    cutOff(world, 'bounce');
    world.send(says(hamlet, elsinore, 'x'));
    world.send(joins(wagner, `${cellar}/Queen`));
    world.send(joins(hatter, `${rabbithole}/Queen`));
    cutOff(world, undefined);
    world.advance(80_000);
    inStep(world, rooms, denmark, auerbach);
    expect(roster(world, auerbach)).toContain('Queen hatter@wonderland.lit');
    expect([conflictTo(world, wagner), isOut(world, wagner)]).toEqual([1, true]);
  });

  it('decision #23: the one who loses may be the last: then the joining node is out, and keeps nobody', () => {
    const world = inside(inAlice, inHamlet);
    cutOff(world, 'silent');
    world.send(presence(jid(hamlet), jid(`${elsinore}/Queen`), {}));
    cutOff(world, undefined);
    world.send(joins(hatter, `${rabbithole}/Queen`));
    world.advance(120_000);
    expect([roster(world, denmark), states(world, denmark)]).toEqual([[], []]);
    expect(roster(world, rooms)).toEqual(['Alice alice@wonderland.lit', 'Queen hatter@wonderland.lit']);
  });

  it('decision #23: in whose name a rejoin is asked may lose their nick: the next one asks', () => {
    const world = inside(inAlice, inHamlet, [ophelia, `${elsinore}/Ophelia`]);
    cutOff(world, 'bounce');
    world.send(says(hamlet, elsinore, 'x'));
    world.send(leaves(alice, `${rabbithole}/Alice`));
    world.send(joins(hatter, `${rabbithole}/Hamlet`));
    cutOff(world, undefined);
    world.advance(80_000);
    inStep(world, rooms, denmark);
    expect(roster(world, denmark)).toEqual(['Hamlet hatter@wonderland.lit', 'Ophelia ophelia@denmark.lit']);
    expect([conflictTo(world, hamlet), isOut(world, hamlet)]).toEqual([1, true]);
  });

  it('decision #23: one session is at one node: in person it is refused where it is by another', () => {
    const world = inside(inAlice, inHamlet);
    world.send(joins(hamlet, `${rabbithole}/Prince`));
    expect(conflictTo(world, hamlet)).toBe(1);
    world.send(says(hamlet, rabbithole, 'in two places'));
    expect(world.got(alice)).toEqual([]);
    inStep(world, rooms, denmark);
  });

  it('decision #23: a conflict for a nick that its user no longer has changes nothing', () => {
    const world = inside(inAlice, inHamlet);
    const about = presence(jid(`${elsinore}/Hamlet`), jid(`${rabbithole}/Hamlet`), {});
    const session = 'earlier';
    const fmuc = el(
      'fmuc',
      NS.fmuc,
      { from: ophelia },
      el('conflict', NS.ext),
      el('s', NS.ext, { e: session, n: '9' }),
    );
    world.inject(denmark, rooms, errorReply(about, stanzaError('cancel', 'conflict'), fmuc) as Stanza);
    expect(roster(world, denmark)).toHaveLength(2);
  });
});

describe('XEP-0289 §5.2: a subject from both sides at once', () => {
  it('decision #63: two subjects cross on the way: the joined side’s stays, on both', () => {
    const world = inside(inAlice, inHamlet);
    const names = (user: string, room: Jid, text: string) =>
      message(jid(user), room, { type: 'groupchat' }, el('subject', NS.client, {}, text));
    let crossing: Stanza | undefined;
    const holdBack = (to: Jid) =>
      world.lose((stanza) => {
        if (domainOf(stanza.to) === to && fmucAt(stanza)) crossing = stanza;
        return crossing !== undefined;
      });
    holdBack(rooms);
    world.send(names(hamlet, elsinore, 'madness'));
    world.send(names(alice, rabbithole, 'tea'));
    world.inject(rooms, denmark, crossing as Stanza);
    expect([world.status(rooms).subject, world.status(denmark).subject]).toEqual(['tea', 'tea']);
    expect(world.got(alice).map(shown)).toEqual(['subject: tea']);
    world.send(names(hamlet, elsinore, 'madness again'));
    expect([world.status(rooms).subject, world.status(denmark).subject]).toEqual(['madness again', 'madness again']);
  });
});

describe('XEP-0289 §5.5 Administration', () => {
  const admin = (from: string, room: Jid, item: Record<string, string>) =>
    iq(jid(from), room, { type: 'set', id: 'admin' }, el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, item)));
  const answers = (world: World, user: string) =>
    world
      .got(user)
      .filter(({ name }) => name === 'iq')
      .map((stanza) => errorOf(stanza)?.condition ?? stanza.type);

  it('decision #62: a role is given at the user’s own node; a ban counts for who comes in person, too', () => {
    const world = inside(inAlice, inHamlet);
    world.send(admin(alice, rabbithole, { nick: 'Hamlet', role: 'visitor' }));
    world.send(admin(alice, rabbithole, { jid: 'hamlet@denmark.lit', affiliation: 'outcast' }));
    expect(answers(world, alice)).toEqual(['not-allowed', 'result']);
    // Nobody of elsinore is in there any more, so it is out of the set.
    expect([roster(world, rooms), roster(world, denmark)]).toEqual([
      ['Alice alice@wonderland.lit'],
      ['Hamlet hamlet@denmark.lit'],
    ]);
    expect([states(world, rooms), states(world, denmark)]).toEqual([[], []]);
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.clear();
    world.send(joins(hamlet, `${rabbithole}/Hamlet`));
    expect(world.got(hamlet).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  it('decision #62: the rank that a node claims for its user is shown, and lets them do nothing (F2)', () => {
    const world = inside(inAlice, [hatter, `${rabbithole}/Hatter`]);
    cutOff(world, 'silent');
    const rank = writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] });
    const join = plainly(elsinore, 'Hamlet', hamlet, jid(`${rabbithole}/Hamlet`), writeJoin({}));
    world.inject(rooms, denmark, { ...join, payloads: [...join.payloads.slice(0, -1), rank] });
    cutOff(world, undefined);
    world.send(admin(hamlet, rabbithole, { nick: 'Hatter', role: 'none' }));
    expect(answers(world, hamlet)).toEqual(['forbidden']);
    expect(roster(world, rooms)).toHaveLength(3);
  });
});

describe('XEP-0289: a node that may join and floods', () => {
  it('decision #64: brings in no more users than a room can have, and those who are in stay', () => {
    const world = inside(inAlice);
    cutOff(world, 'silent');
    world.inject(rooms, denmark, plainly(elsinore, 'Hamlet', hamlet, jid(`${rabbithole}/Hamlet`), writeJoin({})));
    const { node } = world.seat(rooms);
    const [{ history, occupants } = { history: [], occupants: [] }] = node.snapshot().rooms;
    const guest = occupants.find(({ home }) => home === elsinore) as (typeof occupants)[number];
    const crowd = Array.from({ length: 9_998 }, (_, n) => ({
      ...guest,
      nick: `nick${n}`,
      jid: jid(`u${n}@denmark.lit/p`),
    }));
    const all = { occupants: [...occupants, ...crowd], history, subject: undefined };
    node.apply({ kind: 'stateReplaced', room: rabbithole, epoch: 1, whois: 'moderators', ...all });
    const more = (user: string, nick: string) => plainly(elsinore, nick, user, jid(`${rabbithole}/${nick}`));
    for (const n of [1, 2, 3]) world.inject(rooms, denmark, more(`v${n}@denmark.lit/p`, `Guest${n}`));
    expect(roster(world, rooms)).toHaveLength(1 + 10_000);
    expect(roster(world, rooms)).toContain('Alice alice@wonderland.lit');
  });
});

describe('XEP-0289 with a node that knows nothing of our extension', () => {
  const hasExt = (stanza: Stanza) => JSON.stringify(stanza).includes(NS.ext);

  it('decision #28, decision #88: as the joining node it is answered plainly, without its own user; another user’s join restarts nothing', () => {
    const world = inside(inAlice);
    cutOff(world, 'silent');
    const joining = (user: string, nick: string) =>
      plainly(elsinore, nick, user, jid(`${rabbithole}/${nick}`), writeJoin({}));
    world.inject(rooms, denmark, joining(hamlet, 'Hamlet'));
    const toPeer = () => world.to(elsinore).filter((stanza) => stanza.type !== 'error');
    expect(toPeer().map(shown)).toEqual(['available Alice', 'subject: This is the subject']);
    world.inject(rooms, denmark, joining(ophelia, 'Ophelia'));
    expect(roster(world, rooms)).toHaveLength(3);
    expect(toPeer().some(hasExt)).toBe(false);
  });

  it('decision #28: as the joined node it is sent the plain XEP once it has answered, and plain pings', () => {
    const world = inside(inAlice);
    cutOff(world, 'silent');
    world.send(joins(...inHamlet));
    world.inject(denmark, rooms, plainly(rabbithole, 'Alice', alice, elsinore));
    world.inject(denmark, rooms, message(rabbithole, elsinore, { type: 'groupchat' }, el('subject', NS.client)));
    expect(roster(world, denmark)).toHaveLength(2);
    world.clear();
    world.send(says(hamlet, elsinore, 'hello'));
    world.advance(75_000);
    const sent = world.to(rabbithole);
    expect(new Set(sent.map(({ name }) => name))).toEqual(new Set(['message', 'iq']));
    expect(sent.some(hasExt)).toBe(false);
  });

  it('decision #28: an answer to a ping, and a conflict, without our elements are understood', () => {
    const world = inside(inAlice);
    cutOff(world, 'silent');
    world.send(joins(...inHamlet));
    const taken = presence(jid(`${elsinore}/Hamlet`), jid(`${rabbithole}/Hamlet`), {});
    world.inject(denmark, rooms, errorReply(taken, stanzaError('cancel', 'conflict')) as Stanza);
    expect(world.got(hamlet).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    expect([roster(world, denmark), states(world, denmark)]).toEqual([[], []]);
  });
});
