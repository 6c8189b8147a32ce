import { describe, expect, it } from 'vitest';
import { writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { ping } from '../../src/core/xep/xep0199.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { bareOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorOf,
  iq,
  message,
  payloadOf,
  presence,
  type Stanza,
  stanzaText,
} from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const cellar = jid('cellar@rooms.auerbach.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const auerbach = jid('rooms.auerbach.lit');
const alice = 'alice@wonderland.lit/canary-a';
const hamlet = 'hamlet@denmark.lit/canary-h';
const faust = 'faust@auerbach.lit/canary-f';

/** cellar -> elsinore -> rabbithole, with a user each. */
function chain(whois: 'anyone' | 'moderators' = 'anyone'): World {
  const tree = structuredClone(wonderland) as unknown as {
    servers: unknown[];
    nodes: { rooms: { whois?: string; distribution: Record<string, unknown> }[] }[];
  };
  tree.servers.push({ domain: 'auerbach.lit', at: [0.5, 0.9] });
  for (const room of tree.nodes[0]?.rooms ?? []) room.distribution['allowedNodes'] = [cellar];
  const node = { kind: 'service', address: auerbach, server: 'auerbach.lit' };
  const room = { jid: cellar, name: 'cellar', distribution: { kind: 'fmuc', outbound: elsinore } };
  tree.nodes.push({ ...node, rooms: [room] } as unknown as (typeof tree.nodes)[number]);
  for (const each of tree.nodes) for (const one of each.rooms) one.whois = whois;
  const world = new World(tree as unknown as Scenario);
  world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`), joins(faust, `${cellar}/Faust`));
  world.clear();
  return world;
}

/** Elsinore with hamlet; rabbithole may join it, and cellar has, which knows nothing of our extension and has faust. */
function besideAPlainNode(whois: 'anyone' | 'moderators'): World {
  const scenario = structuredClone(wonderland) as unknown as {
    nodes: { rooms: { whois?: string; distribution: Record<string, unknown> }[] }[];
  };
  for (const node of scenario.nodes) for (const room of node.rooms) room.whois = whois;
  for (const room of scenario.nodes[0]?.rooms ?? [])
    room.distribution = { kind: 'fmuc', allowedNodes: [cellar, rabbithole] };
  for (const room of scenario.nodes[1]?.rooms ?? []) room.distribution = { kind: 'fmuc', outbound: elsinore };
  const world = new World(scenario as unknown as Scenario);
  world.send(joins(hamlet, `${elsinore}/Hamlet`));
  const user = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
  const fmuc = writeFmuc({ kind: 'from', from: jid(faust) });
  world.inject(
    denmark,
    auerbach,
    presence(jid(`${cellar}/Faust`), jid(`${elsinore}/Faust`), {}, fmuc, writeJoin({}), user),
  );
  expect(world.status(denmark).occupants.map(({ nick }) => nick)).toContain('Faust');
  world.clear();
  return world;
}

const psst = (from: string, to: string) =>
  message(jid(from), jid(to), { type: 'chat', id: 'p1' }, el('body', NS.client, {}, 'psst'));
const heard = (world: World, user: string) => world.got(user).map((stanza) => [stanza.from, bodyOf(stanza)]);

describe('XEP-0289 §5.6 Private messages', () => {
  it('decision #182: to a node without our extension it is refused with a text, and crosses no link', () => {
    const world = besideAPlainNode('moderators');
    world.send(psst(hamlet, `${elsinore}/Faust`));
    const [answer] = world.got(hamlet) as [Stanza];
    expect([answer.from, answer.id, errorOf(answer)?.condition]).toEqual([`${elsinore}/Faust`, 'p1', 'not-acceptable']);
    expect(errorOf(answer)?.text).toContain('private messages');
    expect(world.to(cellar).concat(world.to(`${cellar}/Faust`), world.to(faust))).toEqual([]);
  });

  it('decision #182: where the room shows real JIDs it goes to the user’s own, without fmuc', () => {
    const world = besideAPlainNode('anyone');
    world.send(psst(hamlet, `${elsinore}/Faust`));
    expect(world.to(cellar).concat(world.to(`${cellar}/Faust`))).toEqual([]);
    const [got] = world.to(faust) as [Stanza];
    expect([got.from, got.type, bodyOf(got)]).toEqual([`${elsinore}/Hamlet`, 'chat', 'psst']);
    expect(payloadOf(got, 'x', NS.mucUser)).toBeDefined();
    expect(readFmuc(got.payloads)).toBeUndefined();
  });

  it('decision #182: one that comes from a third node, for a user of a plain one, is refused all the way back', () => {
    const world = besideAPlainNode('moderators');
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.clear();
    world.send(psst(alice, `${rabbithole}/Faust`));
    expect(world.got(alice).map((stanza) => [stanza.from, stanza.id, errorOf(stanza)?.condition])).toEqual([
      [`${rabbithole}/Faust`, 'p1', 'not-acceptable'],
    ]);
    expect(world.to(`${cellar}/Faust`).concat(world.to(faust))).toEqual([]);
    // It was about one message, and not about the link.
    expect(world.status(rooms).occupants.map(({ nick }) => nick)).toContain('Faust');
  });

  it('is read by its addressee alone, and is in nobody’s history', () => {
    const world = chain();
    world.send(psst(faust, `${cellar}/Alice`));
    expect(heard(world, alice)).toEqual([[`${rabbithole}/Faust`, 'psst']]);
    expect(heard(world, hamlet)).toEqual([]);
    for (const node of [rooms, denmark, auerbach])
      expect(world.seat(node).node.snapshot().rooms[0]?.history).toEqual([]);
  });
});

describe('XEP-0045 §17.4 between nodes', () => {
  const vcard = (from: string, to: string) =>
    iq(jid(from), jid(to), { type: 'get', id: 'v1' }, el('vCard', 'vcard-temp'));
  const canaries = (stanzas: readonly Stanza[], ...of: string[]) =>
    stanzas.map(stanzaText).filter((text) => of.some((user) => text.includes(bareOf(jid(user)))));

  it('decision #182: a ping of an occupant two nodes away comes to their client, and the answer back', () => {
    const world = chain();
    world.send(ping(jid(faust), jid(`${cellar}/Alice`), 'q1'));
    const [asked] = world.got(alice) as [Stanza];
    expect([asked.from, asked.name, asked.type]).toEqual([`${rabbithole}/Faust`, 'iq', 'get']);
    expect(asked.payloads.map(({ name, xmlns }) => [name, xmlns])).toEqual([['ping', NS.ping]]);
    world.send(iq(jid(alice), asked.from, { type: 'result', id: asked.id }));
    expect(world.got(faust).map(({ from, type, id, payloads }) => [from, type, id, payloads])).toEqual([
      [`${cellar}/Alice`, 'result', 'q1', []],
    ]);
    expect(world.got(hamlet)).toEqual([]);
  });

  it('decision #182: on the link it has one child, and names its asker', () => {
    const world = chain();
    world.send(vcard(hamlet, `${elsinore}/Alice`));
    const [crossed] = world.crossed().map(({ stanza }) => stanza) as [Stanza];
    expect([crossed.from, crossed.to, crossed.payloads.length]).toEqual([
      `${elsinore}/Hamlet`,
      `${rabbithole}/Alice`,
      1,
    ]);
    expect(readFmuc(crossed.payloads)?.kind).toBe('from');
  });

  it.each(['anyone', 'moderators'] as const)(
    'decision #182: a vCard comes from the user’s account, with real JIDs only where the room shows them (%s)',
    (whois) => {
      const world = chain(whois);
      world.send(vcard(faust, `${cellar}/Alice`));
      const [asked] = world.to('alice@wonderland.lit') as [Stanza];
      expect([asked.type, asked.payloads[0]?.name]).toEqual(['get', 'vCard']);
      const card = el(
        'vCard',
        'vcard-temp',
        {},
        el('FN', 'vcard-temp', {}, 'Alice'),
        el('JABBERID', 'vcard-temp', {}, 'alice@wonderland.lit'),
      );
      world.clear();
      world.send(iq(jid('alice@wonderland.lit'), asked.from, { type: 'result', id: asked.id }, card));
      const [got] = world.got(faust) as [Stanza];
      expect([got.from, got.type, got.id]).toEqual([`${cellar}/Alice`, 'result', 'v1']);
      expect(stanzaText(got)).toContain('<FN>Alice</FN>');
      expect(canaries([got], alice)).toHaveLength(whois === 'anyone' ? 1 : 0);
    },
  );

  it('decision #182: an error comes back, and says not who set it', () => {
    const world = chain('moderators');
    world.send(vcard(hamlet, `${elsinore}/Alice`));
    const [asked] = world.to('alice@wonderland.lit') as [Stanza];
    world.clear();
    const error = el(
      'error',
      NS.client,
      { type: 'cancel', by: 'alice@wonderland.lit' },
      el('item-not-found', NS.stanzas),
    );
    world.send(iq(jid('alice@wonderland.lit'), asked.from, { type: 'error', id: asked.id }, error));
    expect(world.got(hamlet).map((stanza) => [stanza.from, stanza.id, errorOf(stanza)?.condition])).toEqual([
      [`${elsinore}/Alice`, 'v1', 'item-not-found'],
    ]);
    expect(canaries(world.got(hamlet), alice)).toEqual([]);
  });

  it('decision #182: an answer of anybody but the one who was asked is nobody’s', () => {
    const world = chain();
    world.send(ping(jid(hamlet), jid(`${elsinore}/Alice`), 'q1'));
    const [asked] = world.got(alice) as [Stanza];
    world.clear();
    world.send(iq(jid('hatter@wonderland.lit/p'), asked.from, { type: 'result', id: asked.id }));
    expect(world.got(hamlet)).toEqual([]);
  });

  it('decision #182: by a node without our extension an iq is refused', () => {
    const world = besideAPlainNode('anyone');
    world.send(ping(jid(hamlet), jid(`${elsinore}/Faust`), 'q1'));
    expect(world.got(hamlet).map((stanza) => [stanza.id, errorOf(stanza)?.condition])).toEqual([
      ['q1', 'service-unavailable'],
    ]);
    expect(world.to(`${cellar}/Faust`)).toEqual([]);
  });

  it('decision #182: a node asks in the name of its own users only; to nobody it is not found; every iq is answered', () => {
    const world = chain();
    const asks = (who: string, to: Jid) =>
      iq(jid(`${elsinore}/X`), to, { type: 'get', id: 'x1' }, el('fmuc', NS.fmuc, { from: who }, el('ping', NS.ping)));
    for (const [who, to, condition] of [
      ['alice@wonderland.lit/canary-a', jid(`${rabbithole}/Alice`), 'not-acceptable'],
      ['queen@wonderland.lit/p', jid(`${rabbithole}/Alice`), 'not-acceptable'],
      [hamlet, jid(`${rabbithole}/Nobody`), 'item-not-found'],
    ] as const) {
      world.clear();
      world.inject(rooms, denmark, asks(who, to));
      expect(world.to(`${elsinore}/X`).map((stanza) => errorOf(stanza)?.condition)).toEqual([condition]);
      expect(world.got(alice)).toEqual([]);
    }
    world.clear();
    world.inject(
      rooms,
      denmark,
      iq(
        jid(`${elsinore}/X`),
        jid(`${rabbithole}/Alice`),
        { type: 'set', id: 'x1' },
        el('fmuc', NS.fmuc, { from: hamlet }),
      ),
    );
    expect(world.to(`${elsinore}/X`).map((stanza) => errorOf(stanza)?.condition)).toEqual(['bad-request']);
  });
});
