import { describe, expect, it } from 'vitest';
import { roomConfigForm } from '../../src/core/room/config-form.ts';
import { readAsked, readHave, writePart } from '../../src/core/xep/instances.ts';
import { readForm, writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser, readStatuses, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readDirectInvitation } from '../../src/core/xep/xep0249.ts';
import {
  readConfig,
  readHistoryResult,
  readInstances,
  readRoster,
  readServiceOrder,
  shadowsField,
  sourceField,
  writeConfig,
  writeHistoryRequest,
  writeRoster,
  writeServiceOrder,
} from '../../src/core/xep/xep0281.ts';
import { writeStanzaId } from '../../src/core/xep/xep0359.ts';
import { bareOf, jid } from '../../src/core/xmpp/jid.ts';
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
  stanzaLength,
  stanzaText,
} from '../../src/core/xmpp/stanza.ts';
import { childrenOf, el, elementsOf, type XmlElement, type XmlNode } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioSource } from '../../src/scenario/scenario.ts';
import { coven } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

// The XEP's own cast. Its listings mix `coven@` and `theroom@`, swap to and from of acknowledgements, and leave out addresses: errata.md.

const firsthost = jid('chat.shakespeare.lit');
const macbeth = jid('rooms.macbeth.lit');
const marlowe = jid('conference.marlowe.lit');
const services = [firsthost, macbeth, marlowe];
const source = jid('coven@chat.shakespeare.lit');
const shadow = jid('theroom@rooms.macbeth.lit');
const other = jid('theroom@conference.marlowe.lit');
const crone = 'crone1@shakespeare.lit/desktop';
const wicca = 'wiccarocks@shakespeare.lit/laptop';
const witch = 'somewitch@macbeth.lit/mobile';
const faustus = 'faustus@marlowe.lit/study';

/** The same scenario with another room, and other services. */
function changed(
  distribution: Partial<ScenarioSource> = {},
  room: object = {},
  hosting: object | null = { firsthosts: [firsthost] },
): Scenario {
  const { nodes } = coven;
  const changedNodes = nodes.map((node) => {
    if (node.kind !== 'service') return node;
    if (node.rooms.length === 0)
      return { ...node, ...(hosting === null ? {} : { hosting }), ...(hosting === null ? { hosting: undefined } : {}) };
    const rooms = node.rooms.map((one) => ({
      ...one,
      ...room,
      distribution: { ...(one.distribution as ScenarioSource), ...distribution },
    }));
    return { ...node, rooms };
  });
  return { ...coven, occupants: [], script: [], nodes: changedNodes } as Scenario;
}

/** Time enough for the peerhosts, which started after the firsthost, to be asked once more. */
function started(scenario: Scenario = coven): World {
  const world = new World(scenario);
  world.advance(60_000);
  return world;
}

const joined = (world: World) => {
  world.send(joins(crone, `${source}/foo`));
  world.send(joins(witch, `${shadow}/firstwitch`));
  world.send(joins(faustus, `${other}/faustus`));
  world.clear();
  return world;
};
/** All three instances linked, with a user each. */
const occupied = (scenario: Scenario = coven) => joined(started(scenario));

const cut = (world: World, how: 'bounce' | 'silent' | undefined) => {
  world.cut('shakespeare.lit', 'macbeth.lit', how);
  world.cut('shakespeare.lit', 'marlowe.lit', how);
};
const seen = (world: World, user: string) => world.got(user).flatMap((stanza) => bodyOf(stanza) ?? []);
const roster = (world: World, service: string) =>
  world
    .status(jid(service))
    .occupants.map(({ nick }) => nick)
    .sort();
const archive = (world: World, service: string) =>
  (world.seat(jid(service)).node.snapshot().rooms[0]?.history ?? []).map(({ by, id, at, payloads }) => [
    by,
    id,
    at,
    payloads.map(({ name, children }) => [name, children]),
  ]);
const states = (world: World, service: string) =>
  Object.fromEntries(world.status(jid(service)).peers.map(({ peer, state }) => [peer, state]));
const admin = (user: string, room: string, id: string, item: XmlElement) =>
  iq(jid(user), jid(room), { type: 'set', id }, el('query', NS.mucAdmin, {}, item));
const configure = (user: string, room: string, id: string, fields: Readonly<Record<string, readonly string[]>>) => {
  const all = { FORM_TYPE: ['http://jabber.org/protocol/muc#roomconfig'], ...fields };
  const written = Object.entries(all).map(([name, values]) =>
    el('field', NS.dataForms, { var: name }, ...values.map((value) => el('value', NS.dataForms, {}, value))),
  );
  const form = el('x', NS.dataForms, { type: 'submit' }, ...written);
  return iq(jid(user), jid(room), { type: 'set', id }, el('query', NS.mucOwner, {}, form));
};
const ofKind = (stanzas: readonly Stanza[], name: string, xmlns: string) =>
  stanzas.filter((stanza) => payloadOf(stanza, name, xmlns) !== undefined);
const between = (world: World) => world.crossed().map(({ stanza }) => [stanza.name, stanza.from, stanza.to]);

describe('XEP-0281 §3.1 Creating a Room', () => {
  it('Examples 1 and 2: the owner’s form has muc#roomconfig_distributed, and turns it on and off in a room in use', () => {
    const world = started(changed({ distribute: 'on-request' }));
    expect(world.status(firsthost)).toMatchObject({ role: 'source', instance: { distributed: false }, peers: [] });
    world.send(joins(crone, `${source}/foo`), says(crone, source, 'before'));
    world.clear();
    world.send(iq(jid(crone), source, { type: 'get', id: 'create1' }, el('query', NS.mucOwner)));
    const [form] = world.got(crone).map((stanza) => readForm(payloadOf(stanza, 'query', NS.mucOwner) as XmlElement));
    expect(form?.fields.find((field) => field.var === 'muc#roomconfig_distributed')?.values).toEqual(['0']);
    world.send(configure(crone, source, 'configure1', { 'muc#roomconfig_distributed': ['true'] }));
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live', [other]: 'live' });
    // What was said before is part of the history.
    expect(archive(world, macbeth)).toEqual(archive(world, firsthost));
    world.send(joins(witch, `${shadow}/firstwitch`));
    expect(roster(world, firsthost)).toEqual(['firstwitch', 'foo']);
    world.clear();
    world.send(configure(crone, source, 'configure2', { 'muc#roomconfig_distributed': ['0'] }));
    expect(world.seat(macbeth).node.status().rooms).toEqual([]);
    expect(world.got(witch).map(({ type }) => type)).toEqual(['unavailable']);
    expect(readMucUser(world.got(witch)[0]?.payloads ?? [])?.destroy?.attrs['jid']).toBe(source);
    expect(roster(world, firsthost)).toEqual(['foo']);
    expect(states(world, firsthost)).toEqual({});
  });

  it('a service may distribute its rooms in the background, without asking owners', () => {
    const world = started(changed({ distribute: 'background' }));
    world.send(joins(crone, `${source}/foo`));
    world.clear();
    world.send(iq(jid(crone), source, { type: 'get', id: 'create1' }, el('query', NS.mucOwner)));
    const [form] = world.got(crone).map((stanza) => readForm(payloadOf(stanza, 'query', NS.mucOwner) as XmlElement));
    expect(form?.fields.map((field) => field.var)).not.toContain('muc#roomconfig_distributed');
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live', [other]: 'live' });
  });

  it.each([
    ['uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}@/],
    // echo -n 'A Dark Cave' | sha256sum
    ['sha-256', /^c42a4f86ad5e3ae8a6fdb5b0d9a5c9c2e4b7f3a1|^[0-9a-f]{64}@/],
    ['own', /^coven@/],
  ] as const)('§1.3: the shadows are called by %s, all alike, and have the name that people read', (id, shape) => {
    const world = started(changed({ id }));
    const peers = Object.keys(states(world, firsthost));
    expect(peers).toHaveLength(2);
    for (const peer of peers) expect(peer).toMatch(shape);
    expect(new Set(peers.map((peer) => peer.split('@')[0])).size).toBe(1);
    world.send(iq(jid(witch), macbeth, { type: 'get', id: 'items' }, el('query', NS.discoItems)));
    const query = payloadOf(world.got(witch)[0] as Stanza, 'query', NS.discoItems) as XmlElement;
    expect(childrenOf(query, 'item', NS.discoItems).map(({ attrs }) => attrs['name'])).toEqual(['A Dark Cave']);
  });
});

describe('XEP-0281 §3.2 Replicating a Room: decision #200: becoming an instance', () => {
  it('Examples 3 to 13: asked, agreed, then configuration, roster, history, and a notice to the others', () => {
    const world = new World(coven);
    world.send(joins(crone, `${source}/foo`), joins(wicca, `${source}/bar`), says(crone, source, 'Message 1.'));
    world.advance(60_000);
    const sent = world.sent.map(({ stanza }) => stanza);
    const asked = ofKind(sent, 'replicate', NS.dmuc1).filter(({ to }) => to === macbeth);
    const [order] = asked.map(readServiceOrder);
    expect(order).toMatchObject({ kind: 'replicate', id: 'theroom', instance: source, stops: false });
    expect(asked.every(({ from }) => from === firsthost)).toBe(true);
    const agreed = sent.find(({ id, type }) => type === 'result' && asked.some((one) => one.id === id));
    expect([agreed?.from, agreed?.to]).toEqual([macbeth, firsthost]);
    // Example 5: a form of type submit (errata), from room to room, and acknowledged.
    const config = sent.find(
      ({ to, from, payloads }) => to === shadow && from === source && payloads[0]?.name === 'config',
    );
    expect(readForm(readConfig(config as Stanza) as XmlElement)).toMatchObject({ type: 'submit' });
    expect(sent.some(({ id, type, to }) => id === config?.id && type === 'result' && to === source)).toBe(true);
    // Example 7.
    const users = sent.find(
      ({ to, from, payloads }) => to === shadow && from === source && payloads[0]?.name === 'roster',
    );
    expect(
      readRoster(users as Stanza)?.items.map(({ affiliation, jid: user, name }) => [affiliation, user, name]),
    ).toEqual([
      ['owner', crone, 'foo'],
      ['admin', wicca, 'bar'],
    ]);
    // Examples 9 and 10: from the shadow to the source, and well-formed (errata).
    const ask = sent.find(
      ({ to, from, type, payloads }) =>
        to === source && from === shadow && type === 'get' && payloads[0]?.name === 'room',
    );
    expect(ask?.payloads[0]?.attrs['id']).toBe('theroom');
    const told = sent.find(({ id, type }) => id === ask?.id && type === 'result');
    const history = readHistoryResult(told as Stanza) as XmlElement;
    expect(
      elementsOf(history)
        .filter(({ name }) => name === 'message')
        .map(({ attrs }) => attrs['from']),
    ).toEqual([`${source}/foo`]);
    // Examples 12 and 13: with the address of the new one.
    const notice = ofKind(sent, 'peerhost', NS.dmuc1).find(({ to }) => to === macbeth);
    expect(notice && readServiceOrder(notice)).toMatchObject({ kind: 'peerhost', id: 'theroom', instance: other });
    expect(sent.some(({ id, type, from }) => id === notice?.id && type === 'result' && from === macbeth)).toBe(true);
    for (const service of services) {
      expect(roster(world, service)).toEqual(['bar', 'foo']);
      expect(archive(world, service)).toEqual(archive(world, firsthost));
      expect(world.status(service)).toMatchObject({ subject: 'Toil and trouble' });
      expect(Object.values(states(world, service))).toEqual(['live', 'live']);
    }
  });

  it.each([
    ['forbidden', 'auth', changed({}, {}, { firsthosts: [] })],
    ['forbidden', 'auth', changed({}, {}, null)],
    ['resource-constraint', 'wait', changed({}, {}, { firsthosts: [firsthost], maxRooms: 0 })],
  ] as const)('S1: it is refused with %s (%s), and there is no state on either side', (condition, type, scenario) => {
    const world = started(scenario);
    const errors = world.to(firsthost).filter((stanza) => stanza.type === 'error');
    expect(errorOf(errors.at(-1) as Stanza)).toMatchObject({ type, condition });
    expect(world.seat(macbeth).node.status().rooms).toEqual([]);
    const state = condition === 'forbidden' ? 'rejected' : 'joining';
    expect(states(world, firsthost)).toEqual({ [shadow]: state, [other]: state });
    expect(world.sent.some(({ stanza }) => bareOf(stanza.to) === shadow)).toBe(false);
    if (state === 'rejected') expect(world.status(firsthost).peers[0]?.reason).toContain('not replicated');
  });

  it('S1: a name that another room has is a conflict, a bad one a bad request, and a room of somebody else is refused', () => {
    const world = started();
    const ask = (from: string, id: string, instance?: string) => {
      world.clear();
      const order = writeServiceOrder('replicate', { id, ...(instance ? { instance: jid(instance) } : {}) });
      world.inject(macbeth, from, iq(jid(from), macbeth, { type: 'set', id: 'r' }, order));
      return world.to(from).map((stanza) => errorOf(stanza)?.condition ?? stanza.type);
    };
    expect(ask(firsthost, 'theroom', 'coven2@chat.shakespeare.lit')).toEqual(['conflict']);
    expect(ask(firsthost, 'theroom', source)).toEqual(['result']);
    expect(ask(firsthost, 'a b@c')).toEqual(['bad-request']);
    expect(ask(firsthost, '')).toEqual(['bad-request']);
    expect(ask(firsthost, 'x', 'coven@other.lit')).toEqual(['bad-request']);
    expect(ask('chat.evil.lit', 'r1')).toEqual(['forbidden']);
    expect(
      world
        .seat(macbeth)
        .node.status()
        .rooms.map(({ room }) => room),
    ).toEqual([shadow]);
  });

  it('decision #210: a source that has lost its store, and draws another id, gets the shadow that is there', () => {
    const world = started(changed({ id: 'uuid' }));
    const rooms = () =>
      [macbeth, marlowe].map((service) =>
        world
          .seat(service)
          .node.status()
          .rooms.map(({ room }) => room),
      );
    const before = rooms();
    expect(before.map(({ length }) => length)).toEqual([1, 1]);
    world.crash(firsthost);
    world.boot(firsthost);
    world.advance(120_000);
    expect(rooms()).toEqual(before);
    expect(states(world, firsthost)).toEqual(Object.fromEntries(before.flat().map((room) => [room, 'live'])));
    expect(states(world, macbeth)).toEqual({ [source]: 'live', [before[1]?.[0] as string]: 'live' });
  });

  it('a service that says "wait" is asked again after 1, 2, 4 seconds, and so on up to a minute', () => {
    const busy = jid('rooms.busy.lit');
    const world = new World(changed({ peerhosts: [busy] }));
    const times: number[] = [];
    const receive = (stanza: Stanza, now: number) => {
      times.push(now / 1000);
      return [errorReply(stanza, { type: 'wait', condition: 'resource-constraint' }) as Stanza];
    };
    world.host({ domain: busy, server: 'busy.lit', receive });
    world.crash(firsthost);
    world.boot(firsthost);
    world.advance(300_000);
    // Give or take 20 %.
    [1, 2, 4, 8, 16, 32, 60, 60].forEach((seconds, i) => {
      const share = ((times[i + 1] as number) - (times[i] as number)) / seconds;
      expect([i, share > 0.79 && share < 1.21]).toEqual([i, true]);
    });
  });

  it('decision #210: a service that sends the source about, or to another service, is one that refuses', () => {
    const asked = (world: World) =>
      ofKind(
        world.sent.map(({ stanza }) => stanza),
        'replicate',
        NS.dmuc1,
      );
    const redirected = (world: World, to: string) => {
      const error = { type: 'modify', condition: 'redirect', to } as const;
      world.inject(firsthost, macbeth, errorReply(asked(world).at(-1) as Stanza, error) as Stanza);
    };
    const unanswered = () => {
      const world = new World(changed({ peerhosts: [macbeth] }));
      world.cut('shakespeare.lit', 'macbeth.lit', 'silent');
      world.clear();
      world.advance(70_000);
      return world;
    };
    const about = unanswered();
    for (let i = 0; i < 30; i++) redirected(about, `xmpp:r${i}@${macbeth}`);
    expect(asked(about).length).toBeLessThan(12);
    expect(about.status(firsthost).peers.map(({ state }) => state)).toEqual(['rejected']);
    const elsewhere = unanswered();
    redirected(elsewhere, 'xmpp:theroom@rooms.evil.lit');
    expect(states(elsewhere, firsthost)).toEqual({ [shadow]: 'rejected' });
  });

  it('decision #211: where the name is taken the shadow has another, and all instances know of it', () => {
    const nodes = changed().nodes.map((node) =>
      node.kind === 'service' && node.address === macbeth ? { ...node, openCreation: true } : node,
    );
    const world = new World({ ...changed(), nodes } as Scenario);
    world.crash(firsthost);
    world.send(joins(witch, `${shadow}/mine`));
    world.boot(firsthost);
    world.advance(60_000);
    const second = jid('theroom-2@rooms.macbeth.lit');
    expect(states(world, firsthost)).toEqual({ [second]: 'live', [other]: 'live' });
    const [notice] = ofKind(world.to(marlowe), 'peerhost', NS.dmuc1);
    expect(notice && readServiceOrder(notice)).toMatchObject({ id: 'theroom', instance: second });
    expect(states(world, marlowe)).toEqual({ [source]: 'live', [second]: 'live' });
    world.send(joins('anotherwitch@macbeth.lit/broom', `${second}/x`), joins(faustus, `${other}/faustus`));
    expect(roster(world, marlowe)).toEqual(['faustus', 'x']);
    // Whoever has the name gains nothing.
    expect(
      world
        .seat(macbeth)
        .node.snapshot()
        .rooms.find(({ room }) => room === shadow)?.of,
    ).toBeUndefined();
    world.clear();
    world.send(joins('anotherwitch@macbeth.lit/desk', `${source}/y`));
    const invitation = world.got('anotherwitch@macbeth.lit/desk').find(({ name }) => name === 'message');
    expect(invitation && readDirectInvitation(invitation.payloads)).toBe(second);
  });

  it('S2: configuration, roster and notices of others are refused, and change nothing', () => {
    const world = occupied();
    const before = JSON.stringify(world.seat(macbeth).node.snapshot());
    const evil = jid('coven@evil.lit');
    const item = {
      affiliation: 'owner',
      jid: jid('me@evil.lit/x'),
      name: 'foo',
      role: undefined,
      occupantId: '',
      presence: [],
    } as const;
    const forged = [
      iq(evil, shadow, { type: 'set', id: 'e1' }, writeRoster([item])),
      iq(evil, shadow, { type: 'set', id: 'e2' }, el('config', NS.dmuc1)),
      iq(evil, shadow, { type: 'get', id: 'e3' }, el('room', NS.dmuc1, { id: 'theroom' }, el('history', NS.muc))),
      iq(
        jid('evil.lit'),
        macbeth,
        { type: 'set', id: 'e4' },
        writeServiceOrder('peerhost', { id: 'theroom', instance: evil }),
      ),
      iq(
        jid('evil.lit'),
        macbeth,
        { type: 'set', id: 'e5' },
        writeServiceOrder('replicate', { id: 'theroom', stops: true }),
      ),
    ];
    for (const stanza of forged) world.inject(macbeth, 'evil.lit', stanza);
    // A shadow is not the source.
    world.inject(macbeth, marlowe, iq(other, shadow, { type: 'set', id: 'e6' }, el('config', NS.dmuc1)));
    const answers = world.sent.flatMap(({ stanza }) =>
      /^e\d$/.test(stanza.id ?? '') && stanza.type === 'error' ? [errorOf(stanza)?.condition] : [],
    );
    expect(answers).toEqual(Array(6).fill('forbidden'));
    expect(JSON.stringify(world.seat(macbeth).node.snapshot())).toBe(before);
  });

  it('with users: a peerhost is asked as soon as so many of its users are in', () => {
    const world = started(changed({ replicate: 2 }));
    expect(states(world, firsthost)).toEqual({});
    world.send(joins(witch, `${source}/firstwitch`));
    expect(states(world, firsthost)).toEqual({});
    world.send(joins('anotherwitch@macbeth.lit/broom', `${source}/anotherwitch`));
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live' });
  });

  it('a peerhost that was away is asked until it answers', () => {
    const world = new World(coven);
    world.crash(macbeth);
    world.advance(120_000);
    expect(states(world, firsthost)).toEqual({ [shadow]: 'joining', [other]: 'live' });
    world.boot(macbeth);
    world.advance(70_000);
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live', [other]: 'live' });
    expect(states(world, macbeth)).toEqual({ [source]: 'live', [other]: 'live' });
  });

  it('a peerhost that has lost its store is asked again, and gets everything', () => {
    const world = occupied();
    world.send(says(witch, shadow, 'mine'), says(crone, source, 'ours'));
    world.crash(macbeth);
    world.boot(macbeth);
    world.advance(120_000);
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live', [other]: 'live' });
    expect(archive(world, macbeth)).toEqual(archive(world, firsthost));
    world.send(joins(witch, `${shadow}/firstwitch`), says(witch, shadow, 'again'));
    expect(archive(world, macbeth)).toEqual(archive(world, firsthost));
    expect(archive(world, marlowe)).toEqual(archive(world, firsthost));
    expect(roster(world, marlowe)).toEqual(['faustus', 'firstwitch', 'foo']);
  });

  it('decision #203: what comes back to a peerhost that has lost its store it tells the others, though nobody says how far it goes', () => {
    const world = occupied();
    world.cut('shakespeare.lit', 'macbeth.lit', 'silent');
    world.send(says(witch, shadow, 'lost for good'), says(witch, shadow, 'only Marlowe hears this'));
    world.crash(macbeth);
    world.boot(macbeth);
    world.cut('shakespeare.lit', 'macbeth.lit', undefined);
    const answers = ({ type, from, to, payloads }: Stanza) =>
      type === 'result' && from === other && to === shadow && payloads.some(({ name }) => name === 'history');
    world.lose(answers);
    world.clear();
    for (let i = 0; i < 300 && !world.sent.some(({ stanza }) => answers(stanza)); i++) world.advance(1_000);
    const { stanza } = world.sent.find((sent) => answers(sent.stanza)) as (typeof world.sent)[number];
    // Of two messages it tells one, and it does not say how far the numbers go.
    const isLeft = (child: XmlNode) =>
      typeof child !== 'string' && child.name !== 'have' && !JSON.stringify(child).includes('lost for good');
    const payloads = stanza.payloads.map((payload) => ({ ...payload, children: payload.children.filter(isLeft) }));
    world.inject(macbeth, marlowe, { ...stanza, payloads });
    world.advance(180_000);
    expect(JSON.stringify(archive(world, macbeth))).toContain('only Marlowe hears this');
    expect(JSON.stringify(archive(world, macbeth))).not.toContain('lost for good');
    expect(archive(world, firsthost)).toEqual(archive(world, macbeth));
  });

  it('a user whom a source gave an occupant id since it lost its store keeps it when it hears of before (XEP-0421)', () => {
    const world = occupied();
    world.send(says(crone, source, 'before'));
    world.cut('shakespeare.lit', 'macbeth.lit', 'silent');
    world.cut('shakespeare.lit', 'marlowe.lit', 'silent');
    world.crash(firsthost);
    world.boot(firsthost);
    world.send(joins(crone, `${source}/foo`));
    const idsOf = () => world.seat(firsthost).node.snapshot().rooms[0]?.occupantIds;
    const mine = () => new Map(idsOf()).get(bareOf(jid(crone)));
    const given = mine();
    world.send(leaves(crone, `${source}/foo`));
    world.cut('shakespeare.lit', 'macbeth.lit', undefined);
    world.cut('shakespeare.lit', 'marlowe.lit', undefined);
    world.advance(300_000);
    expect(JSON.stringify(archive(world, firsthost))).toContain('before');
    expect(given).toBeDefined();
    expect(mine()).toBe(given);
  });

  it('an owner adds and removes a peerhost; the others hear of both', () => {
    const world = started(changed({ peerhosts: [macbeth] }));
    joined(world);
    const peerhosts = `{${NS.ext}}dmuc_peerhosts`;
    world.send(configure(crone, source, 'c1', { [peerhosts]: [macbeth, marlowe] }));
    world.advance(40_000);
    expect(states(world, macbeth)).toEqual({ [source]: 'live', [other]: 'live' });
    world.send(configure(crone, source, 'c2', { [peerhosts]: [marlowe] }));
    expect(states(world, marlowe)).toEqual({ [source]: 'live' });
    expect(world.seat(macbeth).node.status().rooms).toEqual([]);
    expect(roster(world, marlowe)).toEqual(['foo']);
  });

  it('a room that is destroyed ends everywhere, with the reason', () => {
    const world = occupied();
    const destroy = el(
      'destroy',
      NS.mucOwner,
      { jid: 'heath@chat.shakespeare.lit' },
      el('reason', NS.mucOwner, {}, 'Macbeth comes'),
    );
    world.send(iq(jid(crone), source, { type: 'set', id: 'd' }, el('query', NS.mucOwner, {}, destroy)));
    for (const user of [crone, witch, faustus]) {
      const gone = world.got(user).find(({ type }) => type === 'unavailable');
      expect(readMucUser(gone?.payloads ?? [])?.destroy?.attrs['jid']).toBe('heath@chat.shakespeare.lit');
    }
    for (const service of services) expect(world.seat(service).node.status().rooms).toEqual([]);
  });
});

describe('XEP-0281 §3.3 Finding a Room, §4 Determining Support', () => {
  const info = (world: World, user: string, of: string) => {
    world.clear();
    world.send(iq(jid(user), jid(of), { type: 'get', id: 'i' }, el('query', NS.discoInfo)));
    return payloadOf(world.got(user)[0] as Stanza, 'query', NS.discoInfo) as XmlElement;
  };
  const features = (query: XmlElement) => childrenOf(query, 'feature', NS.discoInfo).map(({ attrs }) => attrs['var']);

  it('services that distribute or replicate say so', () => {
    const world = started();
    for (const service of services) expect(features(info(world, witch, service))).toContain('urn:xmpp:dmuc:0');
  });

  it('Examples 14 to 16: a peerhost lists its shadows, and a shadow names its source; decision #209: the source names it, too', () => {
    const world = started();
    world.clear();
    world.send(iq(jid(witch), macbeth, { type: 'get', id: 'nb2ga51g' }, el('query', NS.discoItems)));
    const items = payloadOf(world.got(witch)[0] as Stanza, 'query', NS.discoItems) as XmlElement;
    expect(childrenOf(items, 'item', NS.discoItems).map(({ attrs }) => [attrs['jid'], attrs['name']])).toEqual([
      [shadow, 'A Dark Cave'],
    ]);
    expect(readInstances(info(world, witch, shadow), sourceField)).toEqual([source]);
    expect(readInstances(info(world, witch, source), shadowsField)).toEqual([shadow, other]);
    expect(readInstances(info(world, witch, source), sourceField)).toEqual([]);
  });
});

describe('XEP-0281 §3.4 Joining a Shadow', () => {
  it('Examples 17 and 18: as in XEP-0045; one presence to each other instance', () => {
    const world = started();
    world.send(joins(crone, `${source}/foo`));
    world.clear();
    world.send(joins(witch, `${shadow}/anotherwitch`));
    expect(between(world)).toEqual([
      ['presence', `${shadow}/anotherwitch`, `${source}/anotherwitch`],
      ['presence', `${shadow}/anotherwitch`, `${other}/anotherwitch`],
    ]);
    expect(readMucUser(world.crossed()[0]?.stanza.payloads ?? [])).toMatchObject({
      affiliation: 'none',
      role: 'participant',
    });
    expect(world.got(crone).map(({ from }) => from)).toEqual([`${source}/anotherwitch`]);
    const own = world.got(witch).find(({ payloads }) => readStatuses(payloads).includes(110));
    expect(own?.from).toBe(`${shadow}/anotherwitch`);
    expect(world.got(witch).map(({ from }) => from)[0]).toBe(`${shadow}/foo`);
  });

  it('decision #200: it lets nobody in before it knows who may be', () => {
    const world = new World(changed({}, { affiliations: [{ jid: 'somewitch@macbeth.lit', affiliation: 'outcast' }] }));
    world.lose((stanza) => readConfig(stanza) !== undefined && stanza.to === shadow);
    world.advance(16_000);
    expect(world.seat(macbeth).node.status().rooms).toHaveLength(1);
    world.send(joins('anotherwitch@macbeth.lit/broom', `${shadow}/x`));
    expect(world.got('anotherwitch@macbeth.lit/broom').map((stanza) => errorOf(stanza)?.condition)).toEqual([
      'remote-server-timeout',
    ]);
    world.advance(180_000);
    world.send(joins(witch, `${shadow}/x`));
    expect(world.got(witch).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  it('decision #155: a user of another server is sent to the source', () => {
    const world = started();
    world.send(joins(faustus, `${shadow}/faustus`));
    const [error] = world.got(faustus).map(errorOf);
    expect(error).toMatchObject({ condition: 'redirect', to: `xmpp:${source}?join` });
  });
});

describe('XEP-0281 §3.5 Joining a Room', () => {
  it('Examples 19 to 23: the source redirects a user of a server with a shadow, invites them there, and they join', () => {
    const world = started();
    world.clear();
    world.send(joins(witch, `${source}/firstwitch`));
    const [error, invitation] = world.got(witch);
    expect(error).toMatchObject({ name: 'presence', type: 'error', from: `${source}/firstwitch` });
    expect(errorOf(error as Stanza)).toMatchObject({ type: 'cancel', condition: 'redirect', to: macbeth });
    expect([invitation?.from, readDirectInvitation(invitation?.payloads ?? [])]).toEqual([source, shadow]);
    world.send(joins(witch, `${shadow}/firstwitch`));
    expect(roster(world, firsthost)).toEqual(['firstwitch']);
  });

  it('never, or from the n-th user on, as configured; and not while the shadow is out of reach', () => {
    const enter = (world: World, name: string) => {
      const user = `${name}@macbeth.lit/x`;
      world.send(joins(user, `${source}/${name}`));
      return world.got(user).some((stanza) => errorOf(stanza)?.condition === 'redirect');
    };
    const never = started(changed({ redirect: 'never' }));
    expect(['a', 'b'].map((name) => enter(never, name))).toEqual([false, false]);
    const third = started(changed({ redirect: 3 }));
    expect(['a', 'b', 'c', 'd'].map((name) => enter(third, name))).toEqual([false, false, true, true]);
    const away = started();
    away.crash(macbeth);
    away.advance(120_000);
    expect(enter(away, 'a')).toBe(false);
  });
});

describe('XEP-0281 §3.6 Sending a Message', () => {
  it('Examples 24 and 25: one stanza to each other instance, one hop, and nobody passes it on', () => {
    const world = occupied();
    world.send(says(witch, shadow, 'Message 4.'));
    expect(between(world)).toEqual([
      ['message', `${shadow}/firstwitch`, `${source}/firstwitch`],
      ['message', `${shadow}/firstwitch`, `${other}/firstwitch`],
    ]);
    for (const [user, room] of [
      [crone, source],
      [witch, shadow],
      [faustus, other],
    ]) {
      const [got, ...more] = world.got(user as string);
      expect(more).toEqual([]);
      expect([got?.from, got?.id, got && bodyOf(got)]).toEqual([`${room}/firstwitch`, 'say-Message 4.', 'Message 4.']);
      expect(got?.payloads.filter(({ xmlns }) => xmlns === NS.ext || xmlns === NS.dmuc1)).toEqual([]);
    }
  });

  it('nick, presence, leave: one stanza (of a nick two) to each other instance', () => {
    const world = occupied();
    world.send(presence(jid(witch), jid(`${shadow}/hecate`), {}));
    expect(between(world)).toHaveLength(4);
    expect(roster(world, firsthost)).toEqual(['faustus', 'foo', 'hecate']);
    expect(world.got(crone).map(({ from, type, payloads }) => [from, type, readStatuses(payloads)])).toEqual([
      [`${source}/firstwitch`, 'unavailable', [303]],
      [`${source}/hecate`, undefined, []],
    ]);
    world.clear();
    world.send(presence(jid(witch), jid(`${shadow}/hecate`), {}, el('show', NS.client, {}, 'away')));
    expect(between(world)).toHaveLength(2);
    expect(world.got(crone).map(({ payloads }) => payloads[0]?.name)).toEqual(['show']);
    world.clear();
    world.send(leaves(witch, `${shadow}/hecate`));
    expect(between(world)).toHaveLength(2);
    expect(world.got(faustus).map(({ from, type }) => [from, type])).toEqual([[`${other}/hecate`, 'unavailable']]);
    expect(roster(world, marlowe)).toEqual(['faustus', 'foo']);
  });

  it('subjects: everybody who may, everywhere; newcomers get the newest', () => {
    const world = occupied();
    const topic = message(
      jid(witch),
      shadow,
      { type: 'groupchat', id: 't' },
      el('subject', NS.client, {}, 'Fire burn'),
    );
    world.send(topic);
    for (const service of services) expect(world.status(service).subject).toBe('Fire burn');
    expect(ofKind(world.got(faustus), 'subject', NS.client)).toHaveLength(1);
    const strict = occupied(changed({}, { changeSubject: false }));
    strict.send(topic);
    expect(strict.got(witch).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  it('private messages: to the one instance, to the one user; errors come back', () => {
    const world = occupied();
    world.send(tells(witch, `${shadow}/faustus`, 'psst'));
    expect(between(world)).toEqual([['message', `${shadow}/firstwitch`, `${other}/faustus`]]);
    expect(world.got(faustus).map((stanza) => [stanza.from, stanza.id, bodyOf(stanza)])).toEqual([
      [`${other}/firstwitch`, 'pm-psst', 'psst'],
    ]);
    expect(seen(world, crone)).toEqual([]);
    world.clear();
    world.send(tells(witch, `${shadow}/nobody`, 'psst'));
    expect(world.got(witch).map((stanza) => errorOf(stanza)?.condition)).toEqual(['item-not-found']);
    world.clear();
    world.cut('macbeth.lit', 'marlowe.lit', 'bounce');
    world.send(tells(witch, `${shadow}/faustus`, 'lost'));
    expect(world.got(witch).flatMap((stanza) => errorOf(stanza)?.condition ?? [])).toEqual(['remote-server-timeout']);
    for (const service of services) expect(archive(world, service)).toEqual([]);
  });

  it('iqs between occupants go over the link, and the answer comes back from the occupant that was asked', () => {
    const world = occupied();
    const version = el('query', 'jabber:iq:version');
    world.send(iq(jid(witch), jid(`${shadow}/faustus`), { type: 'get', id: 'v' }, version));
    const [asked] = world.got(faustus);
    expect([asked?.from, asked?.payloads[0]?.xmlns]).toEqual([`${other}/firstwitch`, 'jabber:iq:version']);
    world.send(iq(jid(faustus), jid(`${other}/firstwitch`), { type: 'result', id: asked?.id }, version));
    expect(world.got(witch).map(({ from, id, type }) => [from, id, type])).toEqual([
      [`${shadow}/faustus`, 'v', 'result'],
    ]);
  });

  it.each([
    ['anyone', 'a participant', witch, shadow, true],
    ['moderators', 'a participant', witch, shadow, false],
    ['moderators', 'a moderator', crone, source, true],
  ] as const)(
    'decision #111: a vCard comes from the user’s account, with real JIDs only where the room shows them: to %s, and %s asks',
    (whois, _who, asker, instance, shown) => {
      const world = occupied(changed({}, { whois }));
      world.send(iq(jid(asker), jid(`${instance}/faustus`), { type: 'get', id: 'v' }, el('vCard', 'vcard-temp')));
      const account = bareOf(jid(faustus));
      const asked = world.got(account)[0] as Stanza;
      expect([asked.type, asked.payloads[0]?.name]).toEqual(['get', 'vCard']);
      const named = el('FN', 'vcard-temp', {}, 'Faustus');
      const card = el('vCard', 'vcard-temp', {}, named, el('JABBERID', 'vcard-temp', {}, account));
      world.clear();
      world.send(iq(account, asked.from, { type: 'result', id: asked.id }, card));
      const got = world.got(asker)[0] as Stanza;
      expect([got.from, got.type, got.id]).toEqual([`${instance}/faustus`, 'result', 'v']);
      expect(stanzaText(got)).toContain('<FN>Faustus</FN>');
      expect(stanzaText(got).includes(account)).toBe(shown);
    },
  );

  it('several devices under one nick are one occupant to the other instances', () => {
    const world = occupied();
    world.send(joins('somewitch@macbeth.lit/desk', `${shadow}/firstwitch`));
    world.send(says('somewitch@macbeth.lit/desk', shadow, 'both'));
    expect(world.crossed().filter(({ stanza }) => stanza.name === 'message')).toHaveLength(2);
    expect(roster(world, firsthost)).toEqual(['faustus', 'firstwitch', 'foo']);
    world.clear();
    world.send(leaves('somewitch@macbeth.lit/desk', `${shadow}/firstwitch`));
    expect(roster(world, firsthost)).toEqual(['faustus', 'firstwitch', 'foo']);
  });

  it('what nobody keeps is shown everywhere, and is in no history', () => {
    const world = occupied();
    world.send(
      message(
        jid(witch),
        shadow,
        { type: 'groupchat', id: 's' },
        el('composing', 'http://jabber.org/protocol/chatstates'),
      ),
    );
    expect(world.got(crone)).toHaveLength(1);
    world.send(says(witch, shadow, 'kept'));
    expect(archive(world, marlowe)).toEqual(archive(world, macbeth));
    expect(archive(world, marlowe)).toHaveLength(1);
  });

  it('XEP-0421: a user has one occupant id on all instances, also after a visit to another one', () => {
    const world = occupied(changed({ redirect: 'never' }));
    const idAt = (service: string, nick: string) =>
      world
        .seat(jid(service))
        .node.snapshot()
        .rooms[0]?.occupants.find((one) => one.nick === nick)?.occupantId;
    const id = idAt(macbeth, 'firstwitch');
    expect([idAt(firsthost, 'firstwitch'), idAt(marlowe, 'firstwitch')]).toEqual([id, id]);
    world.send(leaves(witch, `${shadow}/firstwitch`));
    world.send(joins(witch, `${source}/again`));
    expect([idAt(firsthost, 'again'), idAt(macbeth, 'again')]).toEqual([id, id]);
  });
});

describe('decision #201: what a shadow has from the source', () => {
  it('a configuration that is changed is the configuration of every instance, and who is in is told', () => {
    const world = occupied();
    world.send(
      configure(crone, source, 'c', { 'muc#roomconfig_moderatedroom': ['1'], 'muc#roomconfig_roomname': ['Cave'] }),
    );
    expect(world.got(witch).some(({ payloads }) => readStatuses(payloads).includes(104))).toBe(true);
    for (const service of services)
      expect(world.seat(service).node.snapshot().rooms[0]?.changes.moderated ?? false).toBe(true);
    expect(world.status(macbeth).occupants.find(({ nick }) => nick === 'firstwitch')?.role).toBe('visitor');
    expect(world.status(firsthost).occupants.find(({ nick }) => nick === 'firstwitch')?.role).toBe('visitor');
    world.clear();
    world.send(says(witch, shadow, 'hush'));
    expect(seen(world, crone)).toEqual([]);
  });

  it('a configuration that makes everybody’s presence new costs one iq for each shadow, and no presence between instances', () => {
    const world = occupied();
    world.send(configure(crone, source, 'c', { 'muc#roomconfig_whois': ['moderators'] }));
    const asked = world.crossed().filter(({ stanza }) => stanza.type === 'set');
    expect(asked.map(({ stanza }) => stanza.to)).toEqual([shadow, other]);
    expect(world.crossed()).toHaveLength(4);
    for (const user of [crone, witch, faustus])
      expect(world.got(user).some(({ payloads }) => readStatuses(payloads).includes(173))).toBe(true);
  });

  it('lists: a ban at the source takes the user out at their own instance, and they do not come back', () => {
    const world = occupied();
    world.send(
      admin(
        crone,
        source,
        'b',
        el(
          'item',
          NS.mucAdmin,
          { affiliation: 'outcast', jid: 'somewitch@macbeth.lit' },
          el('reason', NS.mucAdmin, {}, 'Treason'),
        ),
      ),
    );
    const gone = world.got(witch).find(({ type }) => type === 'unavailable');
    expect(readMucUser(gone?.payloads ?? [])).toMatchObject({ statuses: [301, 110], reason: 'Treason', actor: 'foo' });
    for (const service of services) expect(roster(world, service)).toEqual(['faustus', 'foo']);
    cut(world, 'silent');
    world.advance(200_000);
    world.clear();
    world.send(joins(witch, `${shadow}/x`));
    expect(world.got(witch).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  it('a list that is too long for one stanza comes in parts; what has not changed does not come again', () => {
    const many = Array.from({ length: 1_300 }, (_, i) => ({ jid: `user${i}@x.lit`, affiliation: 'member' }));
    const world = started(
      changed({}, { affiliations: [{ jid: 'crone1@shakespeare.lit', affiliation: 'owner' }, ...many] }),
    );
    const configs = world.sent.filter(({ stanza }) => stanza.to === shadow && readConfig(stanza) !== undefined);
    expect(configs.length).toBeGreaterThan(2);
    expect(world.seat(macbeth).node.snapshot().rooms[0]?.affiliations).toHaveLength(1_301);
    cut(world, 'bounce');
    world.advance(120_000);
    cut(world, undefined);
    world.clear();
    world.advance(70_000);
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live', [other]: 'live' });
    expect(world.sent.filter(({ stanza }) => readConfig(stanza) !== undefined)).toEqual([]);
  });

  it.each([0, 1_300])(
    'after a split a shadow has the vCard that was set meanwhile, with %i members in the list',
    (members) => {
      const many = Array.from({ length: members }, (_, i) => ({ jid: `user${i}@x.lit`, affiliation: 'member' }));
      const affiliations = [{ jid: 'crone1@shakespeare.lit', affiliation: 'owner' }, ...many];
      const world = new World(changed({}, { affiliations }));
      const card = (...parts: XmlElement[]) => el('vCard', 'vcard-temp', {}, ...parts);
      const ours = card(el('FN', 'vcard-temp', {}, 'Coven'));
      world.advance(60_000);
      cut(world, 'bounce');
      world.advance(120_000);
      world.send(iq(jid(crone), source, { type: 'set', id: 'set' }, ours));
      cut(world, undefined);
      world.advance(200_000);
      world.send(joins(witch, `${shadow}/firstwitch`));
      world.send(iq(jid(witch), shadow, { type: 'get', id: 'get' }, card()));
      expect(world.got(witch).find(({ id }) => id === 'get')?.payloads).toEqual([ours]);
    },
  );

  it('S5: an instance that is told no real addresses gets none, in no stanza, and has none in its store', () => {
    const world = started(changed({ trust: { seeJids: [marlowe] } }, { whois: 'moderators' }));
    world.send(joins(crone, `${source}/foo`), says(crone, source, 'before'));
    joined(world);
    world.send(says(crone, source, 'after'), tells(crone, `${source}/firstwitch`, 'psst'));
    world.send(
      admin(crone, source, 'm', el('item', NS.mucAdmin, { affiliation: 'member', jid: 'hag66@shakespeare.lit' })),
    );
    world.advance(120_000);
    const crossing = world.sent.filter(
      ({ stanza, server }) => server?.[1] === 'macbeth.lit' && bareOf(stanza.from) !== other,
    );
    expect(JSON.stringify(crossing.map(({ stanza }) => stanza))).not.toMatch(/crone1|hag66/);
    expect(roster(world, macbeth)).toEqual(['faustus', 'firstwitch', 'foo']);
    expect(JSON.stringify(world.seat(macbeth).node.snapshot())).not.toMatch(/crone1|hag66/);
    expect(seen(world, witch)).toContain('after');
  });
});

describe('decision #202: how two instances link', () => {
  it('a stanza that is lost on the way is noticed with the next, and nothing is missing after it', () => {
    const world = occupied();
    world.lose((stanza) => bareOf(stanza.to) === other && bodyOf(stanza) === 'lost');
    world.send(says(witch, shadow, 'lost'));
    world.send(says(witch, shadow, 'next'));
    world.advance(1_000);
    expect(seen(world, faustus).sort()).toEqual(['lost', 'next']);
    expect(archive(world, marlowe)).toEqual(archive(world, macbeth));
    // Nobody was seen to leave.
    expect(world.got(faustus).filter(({ name }) => name === 'presence')).toEqual([]);
  });

  it('the last stanza that is lost is noticed with the keepalive, also a leave', () => {
    const world = occupied();
    world.lose((stanza) => bareOf(stanza.to) === other && stanza.type === 'unavailable');
    world.send(leaves(witch, `${shadow}/firstwitch`));
    expect(roster(world, marlowe)).toEqual(['faustus', 'firstwitch', 'foo']);
    world.advance(100_000);
    expect(roster(world, marlowe)).toEqual(['faustus', 'foo']);
  });

  it.each(['bounce', 'silent'] as const)(
    'a shadow goes on without the source (%s), and with the other shadow',
    (how) => {
      const world = occupied();
      cut(world, how);
      world.send(
        says(witch, shadow, 'one'),
        presence(jid(crone), jid(`${source}/foo`), {}, el('show', NS.client, {}, 'chat')),
      );
      world.advance(200_000);
      expect(
        world
          .got(witch)
          .filter(({ type }) => type === 'unavailable')
          .map(({ from, payloads }) => [from, readStatuses(payloads)]),
      ).toEqual([[`${shadow}/foo`, [333]]]);
      world.clear();
      world.send(says(witch, shadow, 'two'), says(crone, source, 'alone'));
      expect(
        world
          .crossed()
          .filter(({ stanza }) => stanza.name === 'message')
          .map(({ stanza }) => stanza.to),
      ).toEqual([`${other}/firstwitch`]);
      expect(seen(world, faustus)).toEqual(['two']);
      expect(seen(world, crone)).toEqual(['alone']);
      world.send(joins('anotherwitch@macbeth.lit/broom', `${shadow}/anotherwitch`));
      expect(roster(world, marlowe)).toEqual(['anotherwitch', 'faustus', 'firstwitch']);
      cut(world, undefined);
      world.clear();
      world.advance(70_000);
      for (const service of services) {
        expect(roster(world, service)).toEqual(['anotherwitch', 'faustus', 'firstwitch', 'foo']);
        expect(archive(world, service)).toEqual(archive(world, firsthost));
      }
      expect(archive(world, firsthost)).toHaveLength(3);
      expect(
        world
          .got(crone)
          .filter(({ payloads }) => payloads.some(({ name }) => name === 'delay'))
          .map((stanza) => bodyOf(stanza)),
      ).toEqual(['one', 'two']);
    },
  );

  it('a node that starts again finds its links, and nobody is seen to leave', () => {
    const world = occupied();
    const log = world.crash(macbeth);
    world.boot(macbeth, log);
    world.advance(2_000);
    expect(states(world, macbeth)).toEqual({ [source]: 'live', [other]: 'live' });
    expect(world.got(faustus).filter(({ name }) => name === 'presence')).toEqual([]);
    world.send(says(witch, shadow, 'back'));
    expect(seen(world, faustus)).toEqual(['back']);
  });

  it('an instance that starts again, and finds none of the others in reach, says that it is split', () => {
    const world = occupied();
    const log = world.crash(firsthost);
    cut(world, 'bounce');
    world.boot(firsthost, log);
    expect(states(world, firsthost)).toEqual({ [shadow]: 'split', [other]: 'split' });
    cut(world, undefined);
    world.advance(60_000);
    expect(states(world, firsthost)).toEqual({ [shadow]: 'live', [other]: 'live' });
  });

  /** The source, linked with an instance of the plain XEP, which answers everything and sends nothing of itself. */
  function plainly() {
    const world = started(changed({ peerhosts: [jid('rooms.plain.lit')] as never }, {}));
    const plain = jid('rooms.plain.lit');
    const room = jid(`theroom@${plain}`);
    const got: Stanza[] = [];
    world.host({
      domain: plain,
      server: 'plain.lit',
      receive: (stanza) => {
        got.push(stanza);
        if (stanza.name !== 'iq' || (stanza.type !== 'set' && stanza.type !== 'get')) return [];
        const answer = (...payloads: XmlElement[]) => [
          iq(stanza.to, stanza.from, { type: 'result', id: stanza.id }, ...payloads),
        ];
        const [payload] = stanza.payloads;
        if (payload?.name === 'query')
          return answer(el('query', NS.discoInfo, {}, el('feature', NS.discoInfo, { var: NS.muc })));
        if (payload?.xmlns === NS.ext)
          return [
            iq(
              stanza.to,
              stanza.from,
              { type: 'error', id: stanza.id },
              el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas)),
            ),
          ];
        if (payload?.name === 'room') return answer(el('history', NS.muc));
        return answer();
      },
    });
    world.send(joins(crone, `${source}/foo`));
    world.advance(70_000);
    expect(states(world, firsthost)).toEqual({ [room]: 'live' });
    const x = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
    const enters = (nick: string) =>
      world.inject(firsthost, plain, presence(jid(`${room}/${nick}`), jid(`${source}/${nick}`), {}, x));
    const goes = (nick: string) => {
      const left = presence(jid(`${room}/${nick}`), jid(`${source}/${nick}`), { type: 'unavailable' }, x);
      world.inject(firsthost, plain, left);
    };
    return { world, plain, room, got, enters, goes };
  }

  it('a peer of the plain XEP is linked without counting', () => {
    const { world, plain, room, got, enters } = plainly();
    expect(got.map(({ payloads }) => payloads[0]?.name)).toEqual(
      expect.arrayContaining(['replicate', 'config', 'roster']),
    );
    got.length = 0;
    world.send(says(crone, source, 'plainly'));
    expect(got.map((stanza) => [stanza.id, stanza.to, bodyOf(stanza)])).toEqual([
      ['say-plainly', `${room}/foo`, 'plainly'],
    ]);
    enters('ariel');
    expect(roster(world, firsthost)).toEqual(['ariel', 'foo']);
    world.clear();
    world.inject(
      firsthost,
      plain,
      message(
        jid(`${room}/ariel`),
        jid(`${source}/ariel`),
        { type: 'groupchat', id: 'p' },
        el('body', NS.client, {}, 'hail'),
      ),
    );
    expect(seen(world, crone)).toEqual(['hail']);
  });

  it('§3.2, decision #202: a source of the plain XEP greets nobody; its shadow takes the configuration at once, and lets users in', () => {
    const plain = jid('rooms.plain.lit');
    const node = coven.nodes.find(({ address }) => address === macbeth);
    if (node?.kind !== 'service') throw new Error('no service');
    const hosting = { firsthosts: [plain] };
    const hosted = new World({ ...coven, nodes: [{ ...node, hosting }] });
    const got: Stanza[] = [];
    hosted.host({
      domain: plain,
      server: 'plain.lit',
      receive(stanza) {
        got.push(stanza);
        return [];
      },
    });
    const [their, ours] = [jid(`theroom@${plain}`), jid(`theroom@${macbeth}`)];
    const order = el('replicate', NS.dmuc1, {}, el('room', NS.dmuc1, { id: 'theroom' }));
    hosted.send(iq(plain, macbeth, { type: 'set', id: 'r' }, order));
    const form = writeForm({
      type: 'submit',
      fields: [
        { var: 'FORM_TYPE', values: ['http://jabber.org/protocol/muc#roomconfig'] },
        { var: 'muc#roomconfig_roomname', values: ['A Dark Cave'] },
      ],
    });
    const config = el('config', NS.dmuc1, {}, form);
    hosted.send(iq(their, ours, { type: 'set', id: 'c' }, config));
    const users = el('roster', NS.dmuc1, {}, el('item', NS.dmuc1, { affiliation: 'none', name: 'foo' }));
    hosted.send(iq(their, ours, { type: 'set', id: 'o' }, users));
    expect(got.filter(({ type }) => type === 'result').map(({ id }) => id)).toEqual(['r', 'c', 'o']);
    // "The new shadow SHOULD request the room history".
    expect(got.some(({ type, payloads }) => type === 'get' && payloads[0]?.name === 'room')).toBe(true);
    hosted.send(joins(witch, `${ours}/firstwitch`));
    expect(roster(hosted, macbeth)).toEqual(['firstwitch', 'foo']);
    // Nobody else is a source, and a later configuration of a stranger is none.
    hosted.send(iq(jid(`other@${plain}`), ours, { type: 'set', id: 'x' }, config));
    expect(got.find(({ id }) => id === 'x')?.type).toBe('error');
  });

  it('§3.2 Example 9: it gets as much of the history as it asks for, the newest', () => {
    const { world, plain, room, got } = plainly();
    for (const text of ['one', 'two', 'three']) world.send(says(crone, source, text));
    const history = (maxstanzas: number) => {
      const request = writeHistoryRequest('coven', { maxstanzas });
      world.inject(firsthost, plain, iq(room, source, { type: 'get', id: `last ${maxstanzas}` }, request));
      const answer = got.find(({ type, id }) => type === 'result' && id === `last ${maxstanzas}`) as Stanza;
      const said = elementsOf(readHistoryResult(answer) as XmlElement);
      return said.map((one) => childrenOf(one, 'body', NS.client)[0]?.children[0]);
    };
    expect([0, 1, 2].map(history)).toEqual([[], ['three'], ['two', 'three']]);
  });

  it('decision #207: who has left is called otherwise no more, and a private message goes to who has that nick now', () => {
    const { world, room, got, enters, goes } = plainly();
    world.send(joins(wicca, `${source}/ariel`));
    enters('ariel');
    goes('ariel');
    enters('ariel (2)');
    got.length = 0;
    world.send(tells(crone, `${source}/ariel (2)`, 'psst'));
    expect(got.map((stanza) => [stanza.to, bodyOf(stanza)])).toEqual([[`${room}/ariel (2)`, 'psst']]);
  });

  it('decision #207: a user of it whose nick is taken here, and so long that no number fits behind it, is not shown', () => {
    const { world, enters } = plainly();
    const nick = 'a'.repeat(1023);
    world.inject(firsthost, 'shakespeare.lit', joins(wicca, `${source}/${nick}`));
    const before = roster(world, firsthost);
    expect(before).toContain(nick);
    enters(nick);
    expect(roster(world, firsthost)).toEqual(before);
  });

  it.each([
    ['leaves', leaves(wicca, `${source}/ariel`), ['ariel', 'foo']],
    ['takes another', presence(jid(wicca), jid(`${source}/wicca`), {}), ['ariel', 'foo', 'wicca']],
  ])('decision #207: a user of it whose nick is taken here gets it as soon as its holder %s', (_, frees, after) => {
    const { world, enters } = plainly();
    world.send(joins(wicca, `${source}/ariel`));
    enters('ariel');
    expect(roster(world, firsthost)).toEqual(['ariel', 'ariel (2)', 'foo']);
    world.clear();
    world.send(frees);
    world.advance(1_000);
    expect(roster(world, firsthost)).toEqual(after);
    expect(world.got(crone).map(({ from }) => from)).toContain(`${source}/ariel (2)`);
  });
});

describe('decisions #121 and #160: what an instance may send', () => {
  it('a roster of large presences comes in parts that a server takes', () => {
    const world = occupied();
    const status = el('status', NS.client, {}, 'x'.repeat(100_000));
    for (let i = 0; i < 8; i++) world.send(joins(`user${i}@macbeth.lit/x`, `${shadow}/user${i}`, status));
    cut(world, 'bounce');
    world.advance(120_000);
    cut(world, undefined);
    world.clear();
    world.advance(70_000);
    const rosters = world.crossed().filter(({ stanza }) => stanza.to === source && readRoster(stanza) !== undefined);
    expect(rosters.length).toBeGreaterThan(4);
    for (const { stanza } of rosters) expect(stanzaLength(stanza)).toBeLessThan(256 * 1024);
    expect(roster(world, firsthost)).toHaveLength(11);
  });

  it('decision #212: a part of a roster that comes again, or after one that was lost, takes nobody out', () => {
    const world = occupied();
    const named = (nick: string) =>
      ({
        affiliation: 'none',
        jid: undefined,
        name: nick,
        role: 'participant',
        occupantId: nick,
        presence: [],
      }) as const;
    const part = (n: number, nick: string) =>
      world.inject(
        firsthost,
        macbeth,
        iq(shadow, source, { type: 'set', id: `part ${n}` }, writeRoster([named(nick)], { n, of: 3 })),
      );
    const theirs = () => roster(world, firsthost).filter((nick) => /^[a-z]$/.test(nick));
    part(1, 'a');
    part(1, 'a');
    part(2, 'b');
    expect(theirs()).toEqual([]);
    part(3, 'c');
    part(3, 'c');
    part(2, 'b');
    expect(theirs()).toEqual(['a', 'b', 'c']);
    part(1, 'x');
    part(3, 'z');
    expect(theirs()).toEqual(['a', 'b', 'c']);
    expect(world.to(shadow).filter(({ type, id }) => type === 'result' && id?.startsWith('part'))).toHaveLength(8);
  });

  it('decision #212: a part of a long list that comes again takes nobody off the list', () => {
    const world = occupied();
    const part = (n: number, user: string) => {
      const form = writeForm({ type: 'submit', formType: roomConfigForm, fields: [] });
      const list = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { affiliation: 'outcast', jid: user }));
      const instances = n === 1 ? [el('instances', NS.ext, {}, el('instance', NS.ext, { jid: shadow }))] : [];
      const config = writeConfig(form, ...instances, list, ...writePart({ n, of: 2 }));
      world.inject(macbeth, firsthost, iq(source, shadow, { type: 'set', id: `list ${n}` }, config));
    };
    const banned = () =>
      world
        .seat(macbeth)
        .node.snapshot()
        .rooms[0]?.affiliations.filter(([, affiliation]) => affiliation === 'outcast')
        .map(([user]) => user);
    part(1, 'one@macbeth.lit');
    part(2, 'two@macbeth.lit');
    part(2, 'two@macbeth.lit');
    expect(banned()).toEqual(['one@macbeth.lit', 'two@macbeth.lit']);
    part(2, 'two@macbeth.lit');
    expect(banned()).toEqual(['one@macbeth.lit', 'two@macbeth.lit']);
  });

  it('what one asks beyond its budget is refused, and nothing else comes of it', () => {
    const world = occupied();
    const ids = Array.from({ length: 400 }, (_, i) => `f${i}`);
    for (const id of ids) {
      const history = el('room', NS.dmuc1, { id: 'theroom' }, el('history', NS.muc));
      world.inject(firsthost, macbeth, iq(shadow, source, { type: 'get', id }, history));
    }
    expect(states(world, firsthost)[shadow]).toBe('live');
    const answers = world.to(shadow).filter(({ id = '' }) => ids.includes(id));
    expect(answers.map(({ id }) => id)).toEqual(ids);
    const refused = answers.filter(({ type }) => type === 'error');
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused.map((stanza) => errorOf(stanza)?.condition))).toEqual(new Set(['resource-constraint']));
  });

  it('one that sends far too much is cut off for a while, also if it greets', () => {
    const world = occupied();
    const flood = () =>
      iq(shadow, source, { type: 'get', id: 'f' }, el('room', NS.dmuc1, { id: 'theroom' }, el('history', NS.muc)));
    for (let i = 0; i < 700; i++) world.inject(firsthost, macbeth, flood());
    expect(states(world, firsthost)).toEqual({ [shadow]: 'split', [other]: 'live' });
    world.clear();
    world.inject(
      firsthost,
      macbeth,
      iq(shadow, source, { type: 'set', id: 'g' }, el('resync', NS.ext, { session: 's' })),
    );
    expect(world.to(shadow).map((stanza) => errorOf(stanza)?.condition)).toContain('resource-constraint');
    expect(states(world, firsthost)[shadow]).toBe('split');
    world.advance(180_000);
    expect(states(world, firsthost)[shadow]).toBe('live');
  });

  it('strangers that greet are not answered each with an order of ours', () => {
    const world = occupied();
    for (let i = 0; i < 50; i++)
      world.inject(
        firsthost,
        `rooms.evil${i}.lit`,
        iq(jid(`x@rooms.evil${i}.lit`), source, { type: 'set', id: 'g' }, el('resync', NS.ext, { session: 's' })),
      );
    expect(world.sent.filter(({ stanza }) => readServiceOrder(stanza) !== undefined).length).toBeLessThan(6);
  });
});

describe('decision #203: one history for all', () => {
  it('what was missed crosses once, and nothing else of the history does', () => {
    const world = occupied();
    for (let i = 0; i < 30; i++) world.send(says(crone, source, `old ${i}`));
    cut(world, 'bounce');
    for (let i = 0; i < 5; i++) world.send(says(crone, source, `new ${i}`));
    world.advance(60_000);
    cut(world, undefined);
    world.clear();
    world.advance(70_000);
    const pages = world.crossed().flatMap(({ stanza }) => readHistoryResult(stanza) ?? []);
    const messages = pages.flatMap((page) => childrenOf(page, 'message', NS.client));
    expect(messages).toHaveLength(10);
    expect(world.crossed().length).toBeLessThan(40);
    expect(archive(world, macbeth)).toEqual(archive(world, firsthost));
  });

  it('more than a page comes page by page', () => {
    const world = occupied();
    cut(world, 'bounce');
    for (let i = 0; i < 250; i++) world.send(says(witch, shadow, `m ${i}`));
    world.advance(60_000);
    cut(world, undefined);
    world.advance(70_000);
    expect(archive(world, firsthost)).toEqual(archive(world, macbeth));
    expect(archive(world, firsthost)).toHaveLength(250);
  });

  it('a partial partition: two shadows that do not reach each other hear of each other by the source', () => {
    const world = occupied();
    world.cut('macbeth.lit', 'marlowe.lit', 'silent');
    world.advance(200_000);
    world.send(says(witch, shadow, 'round the corner'));
    expect(seen(world, crone)).toEqual(['round the corner']);
    world.advance(100_000);
    expect(seen(world, faustus)).toEqual(['round the corner']);
    world.cut('macbeth.lit', 'marlowe.lit', undefined);
    world.advance(70_000);
    expect(seen(world, faustus)).toEqual(['round the corner']);
    expect(archive(world, marlowe)).toEqual(archive(world, macbeth));
  });

  it('S8: an instance tells of its own users alone, but the source of all', () => {
    const world = occupied();
    world.send(says(witch, shadow, 'mine'));
    cut(world, 'silent');
    world.advance(200_000);
    const forged = el(
      'message',
      NS.client,
      { from: `${other}/foo`, type: 'groupchat' },
      el('body', NS.client, {}, 'forged'),
      el('delay', NS.delay, { from: crone, stamp: '1990-10-13T23:59:00Z' }),
      el('stanza-id', NS.sid, { by: source, id: 'forged' }),
    );
    world.clear();
    // The other shadow answers a request for its history with what it never had from the source.
    world.lose((stanza) => bareOf(stanza.to) === shadow && bodyOf(stanza) === 'bait');
    world.send(says(faustus, other, 'bait'), says(faustus, other, 'hook'));
    const ask = world.sent
      .map(({ stanza }) => stanza)
      .find(({ from, payloads }) => from === shadow && payloads[0]?.name === 'room');
    expect(ask).toBeDefined();
    world.inject(
      macbeth,
      marlowe,
      iq(other, shadow, { type: 'result', id: ask?.id }, el('history', NS.muc, {}, forged)),
    );
    expect(JSON.stringify(archive(world, macbeth))).not.toContain('forged');
  });

  it('a clock that is more than a day ahead is not believed; a little does no harm', () => {
    const world = occupied();
    const say = (text: string, at: number, n: number) => {
      const [link] = world.seat(macbeth).node.status().rooms[0]?.peers ?? [];
      expect(link).toBeDefined();
      const sent = world.sent
        .filter(({ stanza }) => bareOf(stanza.from) === other && bareOf(stanza.to) === shadow)
        .at(-1)?.stanza;
      const news = sent && payloadOf(sent, 'news', NS.ext);
      const place = news && childrenOf(news, 's', NS.ext)[0];
      const s = el('s', NS.ext, { e: place?.attrs['e'], n: String(Number(place?.attrs['n']) + n), h: '0' });
      const order = el('order', NS.ext, { e: '1', n: String(n), stamp: new Date(at).toISOString() });
      world.inject(
        macbeth,
        marlowe,
        message(
          jid(`${other}/faustus`),
          jid(`${shadow}/faustus`),
          { type: 'groupchat', id: `x${n}` },
          el('body', NS.client, {}, text),
          el('stanza-id', NS.sid, { by: other, id: `x${n}` }),
          el('news', NS.ext, {}, s, order),
        ),
      );
    };
    world.send(says(faustus, other, 'first'));
    say('soon', world.now + 3_600_000, 1);
    say('never', world.now + 48 * 3_600_000, 2);
    expect(seen(world, witch)).toEqual(['first', 'soon']);
    // The answer to it comes after it, on all clocks.
    world.send(says(witch, shadow, 'answer'));
    expect(archive(world, macbeth).at(-1)?.[3]).toEqual([['body', ['answer']]]);
  });

  it('of two subjects that were set in a split the newer one counts, on all instances', () => {
    const world = occupied();
    cut(world, 'bounce');
    const topic = (user: string, room: string, text: string) =>
      message(jid(user), jid(room), { type: 'groupchat', id: text }, el('subject', NS.client, {}, text));
    world.send(topic(crone, source, 'older'));
    world.advance(10_000);
    world.send(topic(witch, shadow, 'newer'));
    world.advance(60_000);
    cut(world, undefined);
    world.advance(70_000);
    for (const service of services) expect(world.status(service).subject).toBe('newer');
  });

  it('greetings and pings say how far an instance has come', () => {
    const world = occupied();
    world.send(says(witch, shadow, 'x'));
    world.clear();
    world.advance(100_000);
    const ping = world.sent.find(({ stanza }) => stanza.from === shadow && stanza.type === 'get')?.stanza;
    expect(readHave(ping?.payloads[0] as XmlElement).map(({ by, n }) => [by, n])).toEqual([[shadow, 1]]);
  });
});

describe('decision #204: the source decides', () => {
  it('a kick, a voice and a role of a user of a shadow: their instance does it, and tells the others', () => {
    const world = occupied(changed({}, { moderated: true }));
    world.send(admin(crone, source, 'v', el('item', NS.mucAdmin, { nick: 'firstwitch', role: 'participant' })));
    for (const service of services)
      expect(world.status(service).occupants.find(({ nick }) => nick === 'firstwitch')?.role).toBe('participant');
    world.clear();
    world.send(says(witch, shadow, 'heard'));
    expect([crone, witch, faustus].map((user) => seen(world, user))).toEqual([['heard'], ['heard'], ['heard']]);
    world.clear();
    world.send(
      admin(
        crone,
        source,
        'k',
        el('item', NS.mucAdmin, { nick: 'firstwitch', role: 'none' }, el('reason', NS.mucAdmin, {}, 'Out')),
      ),
    );
    const gone = world.got(witch).find(({ type }) => type === 'unavailable');
    expect(readMucUser(gone?.payloads ?? [])).toMatchObject({ statuses: [307, 110], actor: 'foo', reason: 'Out' });
    expect(readStatuses(world.got(faustus).find(({ type }) => type === 'unavailable')?.payloads ?? [])).toEqual([307]);
    for (const service of services) expect(roster(world, service)).toEqual(['faustus', 'foo']);
  });

  it('S4: a shadow that claims a rank for its user is not believed', () => {
    const world = occupied();
    const place = { e: '', n: 0 };
    world.send(says(faustus, other, 'x'));
    const last = world.sent
      .filter(({ stanza }) => bareOf(stanza.from) === other && bareOf(stanza.to) === source)
      .at(-1)?.stanza;
    const s = childrenOf(payloadOf(last as Stanza, 'news', NS.ext) as XmlElement, 's', NS.ext)[0];
    Object.assign(place, { e: s?.attrs['e'], n: Number(s?.attrs['n']) });
    const x = writeMucUser({ affiliation: 'owner', role: 'moderator', jid: 'mephisto@marlowe.lit/x', statuses: [] });
    const news = el('news', NS.ext, {}, el('s', NS.ext, { e: place.e, n: String(place.n + 1), h: '0' }));
    world.inject(firsthost, marlowe, presence(jid(`${other}/mephisto`), jid(`${source}/mephisto`), {}, x, news));
    expect(world.status(firsthost).occupants.find(({ nick }) => nick === 'mephisto')).toMatchObject({
      affiliation: 'none',
      role: 'participant',
    });
  });

  it.each([
    ['another user', { jid: 'mephisto@marlowe.lit/x' }],
    ['somebody who does not say who they are', {}],
  ])('S4: a role that somebody was given is not that of %s under their nick', (_who, more) => {
    const world = occupied();
    world.send(admin(crone, source, 'a', el('item', NS.mucAdmin, { jid: bareOf(jid(faustus)), affiliation: 'admin' })));
    const shown = () => world.status(firsthost).occupants.find(({ nick }) => nick === 'faustus');
    expect(shown()).toMatchObject({ affiliation: 'admin', role: 'moderator' });
    world.send(says(faustus, other, 'x'));
    const last = world.sent
      .filter(({ stanza }) => bareOf(stanza.from) === other && bareOf(stanza.to) === source)
      .at(-1)?.stanza;
    const s = childrenOf(payloadOf(last as Stanza, 'news', NS.ext) as XmlElement, 's', NS.ext)[0];
    const place = el('s', NS.ext, { e: s?.attrs['e'], n: String(Number(s?.attrs['n']) + 1), h: '0' });
    const x = writeMucUser({ affiliation: 'admin', role: 'moderator', statuses: [], ...more });
    const ends = [jid(`${other}/faustus`), jid(`${source}/faustus`)] as const;
    world.inject(firsthost, marlowe, presence(...ends, {}, x, el('news', NS.ext, {}, place)));
    expect(shown()).toMatchObject({ affiliation: 'none', role: 'participant' });
  });

  it('a shadow does not speak as the room', () => {
    const world = occupied();
    world.send(says(faustus, other, 'x'));
    const last = world.sent
      .filter(({ stanza }) => bareOf(stanza.from) === other && bareOf(stanza.to) === shadow)
      .at(-1)?.stanza;
    const s = childrenOf(payloadOf(last as Stanza, 'news', NS.ext) as XmlElement, 's', NS.ext)[0];
    const place = el('s', NS.ext, { e: s?.attrs['e'], n: String(Number(s?.attrs['n']) + 1), h: '0' });
    const words = [el('body', NS.client, {}, 'forged'), writeStanzaId({ by: other, id: 'forged' })];
    const news = el('news', NS.ext, {}, place);
    world.inject(macbeth, marlowe, message(other, shadow, { type: 'groupchat' }, ...words, news));
    expect(seen(world, witch)).toEqual(['x']);
  });

  it('what comes again over a link is not taken again: who has left since is not in', () => {
    const world = started();
    world.send(joins(witch, `${shadow}/firstwitch`), joins(faustus, `${other}/faustus`));
    const entry = world.sent
      .map(({ stanza }) => stanza)
      .find(({ from, to, name }) => name === 'presence' && from === `${other}/faustus` && bareOf(to) === shadow);
    world.send(leaves(faustus, `${other}/faustus`));
    world.clear();
    world.inject(macbeth, marlowe, entry as Stanza);
    expect(roster(world, macbeth)).toEqual(['firstwitch']);
    expect(world.got(witch)).toEqual([]);
  });

  it('S3: presence from a room that is no instance is nobody’s', () => {
    const world = occupied();
    const x = writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] });
    world.inject(
      firsthost,
      'rooms.evil',
      presence(jid('theroom@rooms.evil/firstwitch'), jid(`${source}/firstwitch`), {}, x),
    );
    world.inject(
      firsthost,
      'rooms.evil',
      message(jid('theroom@rooms.evil/firstwitch'), source, { type: 'groupchat' }, el('body', NS.client, {}, 'x')),
    );
    expect(roster(world, firsthost)).toEqual(['faustus', 'firstwitch', 'foo']);
    expect(seen(world, crone)).toEqual([]);
  });

  it('a shadow does not decide, nor speak for users of other servers', () => {
    const world = occupied();
    world.send(says(faustus, other, 'x'));
    const last = world.sent
      .filter(({ stanza }) => bareOf(stanza.from) === other && bareOf(stanza.to) === shadow)
      .at(-1)?.stanza;
    const s = childrenOf(payloadOf(last as Stanza, 'news', NS.ext) as XmlElement, 's', NS.ext)[0];
    let n = Number(s?.attrs['n']);
    const news = () => el('news', NS.ext, {}, el('s', NS.ext, { e: s?.attrs['e'], n: String(++n), h: '0' }));
    const kick = writeMucUser({ affiliation: 'none', role: 'none', statuses: [307] });
    world.inject(
      macbeth,
      marlowe,
      presence(
        jid(`${other}/firstwitch`),
        jid(`${shadow}/firstwitch`),
        { type: 'unavailable' },
        kick,
        el('decided', NS.ext),
        news(),
      ),
    );
    const queen = writeMucUser({
      affiliation: 'none',
      role: 'participant',
      jid: 'crone1@shakespeare.lit/y',
      statuses: [],
    });
    world.inject(macbeth, marlowe, presence(jid(`${other}/queen`), jid(`${shadow}/queen`), {}, queen, news()));
    const leave = writeMucUser({ affiliation: 'none', role: 'none', statuses: [] });
    world.inject(
      macbeth,
      marlowe,
      presence(jid(`${other}/foo`), jid(`${shadow}/foo`), { type: 'unavailable' }, leave, news()),
    );
    world.inject(
      macbeth,
      marlowe,
      message(
        jid(`${other}/foo`),
        jid(`${shadow}/foo`),
        { type: 'groupchat' },
        el('body', NS.client, {}, 'forged'),
        news(),
      ),
    );
    expect(roster(world, macbeth)).toEqual(['faustus', 'firstwitch', 'foo']);
    expect(seen(world, witch)).toEqual(['x']);
  });
});

describe('decision #205: what a shadow asks the source', () => {
  const withOwner = (room: object = {}) =>
    occupied(
      changed(
        {},
        {
          ...room,
          affiliations: [
            { jid: 'crone1@shakespeare.lit', affiliation: 'owner' },
            { jid: 'somewitch@macbeth.lit', affiliation: 'owner' },
          ],
        },
      ),
    );

  it('an owner who is in at a shadow configures the room, changes lists and roles, and is answered', () => {
    const world = withOwner();
    world.send(configure(witch, shadow, 'c', { 'muc#roomconfig_roomname': ['Heath'] }));
    world.send(
      admin(witch, shadow, 'a', el('item', NS.mucAdmin, { affiliation: 'member', jid: 'hag66@shakespeare.lit' })),
    );
    world.send(admin(witch, shadow, 'k', el('item', NS.mucAdmin, { nick: 'faustus', role: 'none' })));
    expect(
      world
        .got(witch)
        .filter(({ name }) => name === 'iq')
        .map(({ id, type, from }) => [id, type, from]),
    ).toEqual([
      ['c', 'result', shadow],
      ['a', 'result', shadow],
      ['k', 'result', shadow],
    ]);
    for (const service of services) {
      expect(roster(world, service)).toEqual(['firstwitch', 'foo']);
      expect(world.seat(service).node.snapshot().rooms[0]?.affiliations).toContainEqual([
        'hag66@shakespeare.lit',
        'member',
      ]);
    }
    // Lists and forms are read where one is.
    world.clear();
    world.send(
      iq(
        jid(witch),
        shadow,
        { type: 'get', id: 'g' },
        el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { affiliation: 'member' })),
      ),
    );
    expect(world.crossed()).toEqual([]);
    expect(JSON.stringify(world.got(witch))).toContain('hag66@shakespeare.lit');
  });

  it('who may not is refused by the source; and a shadow asks for its own users alone', () => {
    const world = withOwner();
    world.send(configure(faustus, other, 'c', { 'muc#roomconfig_roomname': ['Hell'] }));
    expect(world.got(faustus).map((stanza) => [stanza.id, stanza.from, errorOf(stanza)?.condition])).toEqual([
      ['c', other, 'forbidden'],
    ]);
    const query = configure(crone, source, 'x', { 'muc#roomconfig_roomname': ['Hell'] }).payloads[0] as XmlElement;
    world.clear();
    world.inject(
      firsthost,
      marlowe,
      iq(other, source, { type: 'set', id: 'f' }, el('asked', NS.ext, { from: crone }, query)),
    );
    expect(world.to(other).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  it('registration at a shadow is registration with the room', () => {
    const world = withOwner();
    const form = el(
      'x',
      NS.dataForms,
      { type: 'submit' },
      el(
        'field',
        NS.dataForms,
        { var: 'FORM_TYPE' },
        el('value', NS.dataForms, {}, 'http://jabber.org/protocol/muc#register'),
      ),
      el('field', NS.dataForms, { var: 'muc#register_roomnick' }, el('value', NS.dataForms, {}, 'doctor')),
    );
    world.send(iq(jid(faustus), other, { type: 'set', id: 'r' }, el('query', 'jabber:iq:register', {}, form)));
    expect(
      world
        .got(faustus)
        .filter(({ name }) => name === 'iq')
        .map(({ id, type }) => [id, type]),
    ).toEqual([['r', 'result']]);
    for (const service of services)
      expect(world.seat(service).node.snapshot().rooms[0]?.reservedNicks).toEqual([['faustus@marlowe.lit', 'doctor']]);
  });

  it('voice that a moderator at a shadow gives', () => {
    const world = withOwner({ moderated: true });
    const value = (name: string, text: string) =>
      el('field', NS.dataForms, { var: name }, el('value', NS.dataForms, {}, text));
    const approval = el(
      'x',
      NS.dataForms,
      { type: 'submit' },
      value('FORM_TYPE', 'http://jabber.org/protocol/muc#request'),
      value('muc#role', 'participant'),
      value('muc#roomnick', 'faustus'),
      value('muc#request_allow', 'true'),
    );
    world.send(message(jid(witch), shadow, { id: 'ok' }, approval));
    for (const service of services)
      expect(world.status(service).occupants.find(({ nick }) => nick === 'faustus')?.role).toBe('participant');
  });
});

describe('decision #213: a room that has lost its log', () => {
  it('gets back from each instance what the others have not, and they get it from there', () => {
    const world = occupied();
    world.cut('shakespeare.lit', 'macbeth.lit', 'silent');
    world.send(says(witch, shadow, 'first'));
    expect(seen(world, faustus)).toContain('first');
    world.crash(macbeth);
    world.boot(macbeth);
    world.cut('shakespeare.lit', 'macbeth.lit', undefined);
    world.advance(400_000);
    for (const service of services) {
      expect(JSON.stringify(archive(world, service))).toContain('first');
      expect(archive(world, service)).toEqual(archive(world, firsthost));
    }
  });
});

describe('decision #206: wishes during a split', () => {
  it('are kept, also over a restart, until the source accepts or refuses them; their author is told', () => {
    const world = occupied(
      changed(
        {},
        {
          affiliations: [
            { jid: 'crone1@shakespeare.lit', affiliation: 'owner' },
            { jid: 'somewitch@macbeth.lit', affiliation: 'admin' },
            { jid: 'rival@macbeth.lit', affiliation: 'owner' },
          ],
        },
      ),
    );
    world.send(joins('rival@macbeth.lit/x', `${shadow}/rival`));
    cut(world, 'bounce');
    world.send(says(witch, shadow, 'notice'), says(faustus, other, 'notice'), says(crone, source, 'notice'));
    world.advance(10_000);
    world.clear();
    world.send(
      admin(witch, shadow, 'a', el('item', NS.mucAdmin, { affiliation: 'member', jid: 'hag66@shakespeare.lit' })),
    );
    world.send(configure('rival@macbeth.lit/x', shadow, 'c', { 'muc#roomconfig_roomname': ['Mine'] }));
    world.send(configure(faustus, other, 'no', { 'muc#roomconfig_roomname': ['Hell'] }));
    expect(
      world
        .got(witch)
        .filter(({ name }) => name === 'iq')
        .map(({ id, type }) => [id, type]),
    ).toEqual([['a', 'result']]);
    expect(seen(world, witch).join()).toContain('waits until it can decide');
    expect(
      world
        .got(faustus)
        .filter(({ name }) => name === 'iq')
        .map((stanza) => errorOf(stanza)?.condition),
    ).toEqual(['forbidden']);
    // Meanwhile the source takes the rival's rank.
    world.send(admin(crone, source, 'd', el('item', NS.mucAdmin, { affiliation: 'none', jid: 'rival@macbeth.lit' })));
    world.boot(macbeth, world.crash(macbeth));
    world.clear();
    cut(world, undefined);
    world.advance(120_000);
    expect(seen(world, witch).join()).toContain('The source has done');
    expect(seen(world, 'rival@macbeth.lit/x').join()).toContain('The source refuses');
    for (const service of services) {
      const [room] = world.seat(service).node.snapshot().rooms;
      expect(room?.affiliations).toContainEqual(['hag66@shakespeare.lit', 'member']);
      expect(room?.affiliations.some(([user]) => user === 'rival@macbeth.lit')).toBe(false);
      expect(room?.changes.name ?? 'A Dark Cave').toBe('A Dark Cave');
    }
  });

  it('one that is lost on its way to the source is told again', () => {
    const world = occupied(
      changed(
        {},
        {
          affiliations: [
            { jid: 'crone1@shakespeare.lit', affiliation: 'owner' },
            { jid: 'somewitch@macbeth.lit', affiliation: 'admin' },
          ],
        },
      ),
    );
    cut(world, 'bounce');
    world.send(says(witch, shadow, 'notice'), says(crone, source, 'notice'));
    world.advance(10_000);
    world.send(
      admin(witch, shadow, 'a', el('item', NS.mucAdmin, { affiliation: 'member', jid: 'hag66@shakespeare.lit' })),
    );
    world.clear();
    cut(world, undefined);
    let lost = 0;
    world.lose(({ payloads }) => readAsked(payloads) !== undefined && ++lost === 1);
    world.advance(400_000);
    expect(lost).toBe(1);
    expect(seen(world, witch).filter((text) => text.startsWith('The source has done'))).toHaveLength(1);
    for (const service of services)
      expect(world.seat(service).node.snapshot().rooms[0]?.affiliations).toContainEqual([
        'hag66@shakespeare.lit',
        'member',
      ]);
  });

  it('an invitation that makes a member is no wish that waits: nobody is invited, and the inviter is told at once', () => {
    const affiliations = [
      { jid: 'crone1@shakespeare.lit', affiliation: 'owner' },
      { jid: 'somewitch@macbeth.lit', affiliation: 'admin' },
      { jid: 'faustus@marlowe.lit', affiliation: 'member' },
    ];
    const world = occupied(changed({}, { membersOnly: true, affiliations }));
    cut(world, 'bounce');
    world.send(says(witch, shadow, 'notice'), says(crone, source, 'notice'));
    world.advance(10_000);
    world.clear();
    const invite = el('invite', NS.mucUser, { to: 'hag66@shakespeare.lit' });
    world.send(message(jid(witch), shadow, { id: 'i' }, el('x', NS.mucUser, {}, invite)));
    expect(world.got(witch).map((stanza) => [stanza.id, errorOf(stanza)?.type, errorOf(stanza)?.condition])).toEqual([
      ['i', 'wait', 'remote-server-timeout'],
    ]);
    expect(world.got('hag66@shakespeare.lit')).toEqual([]);
  });

  it('a moderator of a shadow decides about its own users meanwhile', () => {
    const world = occupied(
      changed(
        {},
        {
          affiliations: [
            { jid: 'crone1@shakespeare.lit', affiliation: 'owner' },
            { jid: 'somewitch@macbeth.lit', affiliation: 'admin' },
          ],
        },
      ),
    );
    world.send(joins('anotherwitch@macbeth.lit/broom', `${shadow}/anotherwitch`));
    cut(world, 'bounce');
    world.send(says(witch, shadow, 'notice'), says(faustus, other, 'notice'), says(crone, source, 'notice'));
    world.advance(10_000);
    world.clear();
    world.send(admin(witch, shadow, 'k', el('item', NS.mucAdmin, { nick: 'anotherwitch', role: 'none' })));
    expect(readStatuses(world.got('anotherwitch@macbeth.lit/broom')[0]?.payloads ?? [])).toEqual([307, 110]);
    expect(roster(world, marlowe)).toEqual(['faustus', 'firstwitch']);
    world.clear();
    world.send(admin(witch, shadow, 'k2', el('item', NS.mucAdmin, { nick: 'faustus', role: 'none' })));
    expect(world.got(witch).map((stanza) => errorOf(stanza)?.condition)).toEqual(['not-allowed']);
  });
});

describe('decision #207: one nick, two users', () => {
  it('who enters is refused where the nick is known to be taken', () => {
    const world = occupied();
    world.send(joins('anotherwitch@macbeth.lit/broom', `${shadow}/foo`));
    expect(world.got('anotherwitch@macbeth.lit/broom').map((stanza) => errorOf(stanza)?.condition)).toEqual([
      'conflict',
    ]);
  });

  it('in a split both get it: after that the source’s user keeps it, the other is renamed, and all are heard', () => {
    const world = occupied();
    cut(world, 'bounce');
    world.send(says(witch, shadow, 'notice'), says(crone, source, 'notice'));
    world.advance(10_000);
    world.send(joins(wicca, `${source}/Hecate`), joins('anotherwitch@macbeth.lit/broom', `${shadow}/Hecate`));
    world.advance(60_000);
    cut(world, undefined);
    world.clear();
    world.advance(70_000);
    for (const service of services)
      expect(roster(world, service)).toEqual(['Hecate', 'Hecate (2)', 'faustus', 'firstwitch', 'foo']);
    expect(
      world
        .got('anotherwitch@macbeth.lit/broom')
        .filter(({ name }) => name === 'presence')
        .map(({ from, payloads }) => [from, readStatuses(payloads)]),
    ).toEqual(
      expect.arrayContaining([
        [`${shadow}/Hecate`, [303, 110]],
        [`${shadow}/Hecate (2)`, [210, 110, 100]],
      ]),
    );
    world.clear();
    world.send(says('anotherwitch@macbeth.lit/broom', shadow, 'still here'), says(wicca, source, 'so am I'));
    expect(world.got(faustus).map((stanza) => [stanza.from, bodyOf(stanza)])).toEqual([
      [`${other}/Hecate (2)`, 'still here'],
      [`${other}/Hecate`, 'so am I'],
    ]);
    // Private messages find them, too.
    world.send(tells(wicca, `${source}/Hecate (2)`, 'sister'));
    expect(seen(world, 'anotherwitch@macbeth.lit/broom')).toContain('sister');
  });

  it('between shadows the one that sorts first keeps it; with locked nicks the other is out', () => {
    const clash = (room: object) => {
      const world = occupied(changed({}, room));
      world.cut('macbeth.lit', 'marlowe.lit', 'silent');
      world.cut('shakespeare.lit', 'marlowe.lit', 'silent');
      world.advance(200_000);
      world.send(joins('anotherwitch@macbeth.lit/broom', `${shadow}/x`), joins('mephisto@marlowe.lit/y', `${other}/x`));
      world.cut('macbeth.lit', 'marlowe.lit', undefined);
      world.cut('shakespeare.lit', 'marlowe.lit', undefined);
      world.advance(100_000);
      return services.map((service) =>
        world
          .status(service)
          .occupants.filter(({ nick }) => nick.startsWith('x'))
          .map(({ nick, jid: user }) => [nick, user])
          .sort(),
      );
    };
    const both = [
      ['x (2)', 'anotherwitch@macbeth.lit/broom'],
      ['x', 'mephisto@marlowe.lit/y'],
    ];
    expect(clash({})).toEqual([both, both, both]);
  });
});

describe('decision #208: one session, one instance', () => {
  it('who is in by one instance is refused at another, under any nick; and another device under the same nick, too', () => {
    const world = occupied(changed({ redirect: 'never' }));
    world.send(joins(witch, `${source}/again`), joins('somewitch@macbeth.lit/desk', `${source}/firstwitch`));
    expect(world.got(witch).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    expect(world.got('somewitch@macbeth.lit/desk').map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    expect(roster(world, firsthost)).toEqual(['faustus', 'firstwitch', 'foo']);
  });

  it('both at once: each instance knows the session as its own', () => {
    const world = occupied(changed({ redirect: 'never' }));
    const twice = 'anotherwitch@macbeth.lit/broom';
    // Neither has heard of the other's when it lets them in.
    world.send(joins(twice, `${shadow}/here`), joins(twice, `${source}/there`));
    for (const service of services)
      expect(roster(world, service)).toEqual(['faustus', 'firstwitch', 'foo', 'here', 'there']);
    world.clear();
    world.send(says(twice, shadow, 'one'), says(twice, source, 'two'));
    expect(seen(world, faustus)).toEqual(['one', 'two']);
    world.send(leaves(twice, `${shadow}/here`), leaves(twice, `${source}/there`));
    for (const service of services) expect(roster(world, service)).toEqual(['faustus', 'firstwitch', 'foo']);
  });
});
