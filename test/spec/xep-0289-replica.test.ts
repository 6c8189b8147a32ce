import { describe, expect, it } from 'vitest';
import { readMucUser, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readFmuc, readMode, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { stanzaError, writeError } from '../../src/core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, el, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

// XEP-0289 in primary-replica mode: rabbithole is the primary, elsinore its replica, and kronborg a replica of elsinore.

const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const elsinore = jid('elsinore@talk.denmark.lit');
const kronborg = jid('kronborg@halls.helsingor.lit');
const [rooms, denmark, helsingor] = [rabbithole, elsinore, kronborg].map(domainOf) as [Jid, Jid, Jid];
const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
const hatter = 'hatter@wonderland.lit/priam-ubuntu-vm';
const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
const phone = 'hamlet@denmark.lit/phone';
const tablet = 'hamlet@denmark.lit/tablet';
const ophelia = 'ophelia@denmark.lit/priam-ubuntu-vm';
const yorick = 'yorick@helsingor.lit/x';

type Mode = 'primary-primary' | 'primary-replica';
interface Room {
  readonly jid: Jid;
  readonly server: string;
  readonly outbound?: readonly Jid[];
  readonly allowed?: readonly Jid[];
  readonly mode?: Mode | undefined;
}
const mode = 'primary-replica';
const primary: Room = { jid: rabbithole, server: 'wonderland.lit', allowed: [elsinore], mode };
const replica: Room = { jid: elsinore, server: 'denmark.lit', outbound: [rabbithole], allowed: [kronborg], mode };
const further: Room = { jid: kronborg, server: 'helsingor.lit', outbound: [elsinore], mode };

function worldOf(...all: readonly Room[]): World {
  const nodes = all.map(({ jid: room, server, outbound, allowed, mode }) => ({
    kind: 'service',
    address: domainOf(room),
    server,
    rooms: [
      {
        jid: room,
        whois: 'anyone',
        changeSubject: true,
        affiliations: [{ jid: 'gertrude@denmark.lit', affiliation: 'owner' }],
        distribution: { kind: 'fmuc', outbound, allowedNodes: allowed, ...(mode ? { mode } : {}) },
      },
    ],
  }));
  const servers = all.map(({ server }, i) => ({ domain: server, at: [i / 5, 0.5] }));
  return new World({ ...plain, servers, nodes, occupants: [], script: [] } as unknown as Scenario);
}

const who = {
  alice: [alice, `${rabbithole}/Alice`],
  hatter: [hatter, `${rabbithole}/Hatter`],
  hamlet: [hamlet, `${elsinore}/Hamlet`],
  ophelia: [ophelia, `${elsinore}/Ophelia`],
  yorick: [yorick, `${kronborg}/Yorick`],
} as const;

/** These have entered, in this order. */
function occupied(...users: (keyof typeof who)[]): World {
  const world = worldOf(primary, replica, further);
  for (const user of users) world.send(joins(who[user][0], who[user][1]));
  world.clear();
  return world;
}

const item = (stanza: Stanza) => readMucUser(stanza.payloads);
const shown = (stanza: Stanza): string => {
  const error = errorOf(stanza);
  if (stanza.type === 'error') return `${stanza.name} error ${error?.condition}`;
  if (stanza.name === 'message') return bodyOf(stanza) ?? `subject: ${subjectChange(stanza)}`;
  const self = item(stanza)?.statuses.includes(110) ? ' (self)' : '';
  return `${stanza.type ?? 'available'} ${stanza.from.split('/')[1]}${self}`;
};
const seen = (world: World, user: string) => world.got(user).map(shown);
const nicks = (world: World, node: Jid) =>
  world
    .status(node)
    .occupants.map(({ nick }) => nick)
    .sort();
const fmucOf = (stanza: Stanza) => payloadOf(stanza, 'fmuc', NS.fmuc) as XmlElement;
/** The link of a stanza between nodes, its place there, and the change that it tells of. */
const session = (stanza: Stanza) => childOf(fmucOf(stanza), 's', NS.ext)?.attrs['e'] ?? '';
const changeOf = (stanza: Stanza) => childOf(fmucOf(stanza), 'change', NS.ext)?.attrs['id'] ?? '';
/** Stanzas between the servers of the primary and of its replica, in order. */
const onLink = (world: World) =>
  world.crossed().filter(({ server }) => server?.includes('denmark.lit') && server.includes('wonderland.lit'));
/** The link carries nothing, but what is sent goes out; its end is not noticed yet. */
const silence = (world: World) => world.cut('wonderland.lit', 'denmark.lit', 'silent');
const cut = (world: World) => world.cut('wonderland.lit', 'denmark.lit', 'bounce');
const heal = (world: World) => world.cut('wonderland.lit', 'denmark.lit', undefined);
describe('XEP-0289 §8 primary-replica mode: “the sending room waits for the echo back”', () => {
  it('a message: user to replica, replica to primary, primary to its users and back, replica to its users', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(says(hamlet, elsinore, 'Hi Alice', el('active', 'http://jabber.org/protocol/chatstates')));
    const [there, back, ...more] = onLink(world).map(({ stanza }) => stanza) as [Stanza, Stanza];
    expect(more).toEqual([]);
    expect([there.from, there.to, there.type]).toEqual([`${elsinore}/Hamlet`, rabbithole, 'groupchat']);
    expect(readFmuc(there.payloads)).toEqual({ kind: 'from', from: hamlet });
    expect([back.from, back.to, back.type]).toEqual([`${rabbithole}/Hamlet`, elsinore, 'groupchat']);
    expect(readFmuc(back.payloads)).toEqual({ kind: 'from', from: hamlet });
    // "With child elements unchanged", but for the <fmuc/> itself, which counts each direction.
    const children = (stanza: Stanza) => stanza.payloads.map((one) => (one.xmlns === NS.fmuc ? 'fmuc' : one));
    expect(children(back)).toEqual(children(there));
    for (const user of [alice, hamlet, ophelia]) expect([user, seen(world, user)]).toEqual([user, ['Hi Alice']]);
    expect(world.got(hamlet)[0]?.id).toBe('say-Hi Alice');
    // The order of everything: the primary's own users come first, and those of the replica last.
    const order = world.sent.map(({ stanza }) => stanza.to);
    expect(order.indexOf(jid(alice))).toBeLessThan(order.indexOf(elsinore, 1));
    expect(order.indexOf(jid(hamlet))).toBeGreaterThan(order.indexOf(elsinore, 1));
  });

  it('decision #150: nothing of the replica’s own users is shown there before the echo', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    silence(world);
    world.send(says(hamlet, elsinore, 'x'));
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'topic')));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}));
    world.send(joins('horatio@denmark.lit/x', `${elsinore}/Horatio`));
    for (const user of [hamlet, ophelia, 'horatio@denmark.lit/x']) expect([user, world.got(user)]).toEqual([user, []]);
    expect(onLink(world).length).toBe(6);
  });

  it('decision #150: with the echo each of them happens, in the order of the primary', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(
      says(hamlet, elsinore, 'x'),
      message(jid(hamlet), elsinore, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'topic')),
      presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')),
      presence(jid(hamlet), jid(`${elsinore}/Prince`), {}, el('show', NS.client, {}, 'away')),
      says(hamlet, elsinore, 'y'),
    );
    const all = ['x', 'subject: topic', 'available Hamlet', 'unavailable Hamlet', 'available Prince', 'y'];
    for (const user of [alice, ophelia]) expect([user, seen(world, user)]).toEqual([user, all]);
    expect(world.got(ophelia).at(-1)?.from).toBe(`${elsinore}/Prince`);
    expect(world.got(alice).at(-1)?.from).toBe(`${rabbithole}/Prince`);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Ophelia', 'Prince']);
  });

  it('R-a: messages of both sides that cross are read in one order', () => {
    const world = occupied('alice', 'hamlet');
    world.send(says(hamlet, elsinore, '1'), says(alice, rabbithole, '2'), says(hamlet, elsinore, '3'));
    world.send(says(alice, rabbithole, '4'), says(hamlet, elsinore, '5'));
    expect(seen(world, hamlet)).toEqual(seen(world, alice));
    const archive = (node: Jid) =>
      world
        .seat(node)
        .node.snapshot()
        .rooms[0]?.history.map(({ id }) => id);
    expect(archive(denmark)).toEqual(archive(rooms));
  });

  it('of two subjects that cross all nodes keep the primary’s last one', () => {
    const world = occupied('alice', 'hamlet');
    const topic = (user: string, room: Jid, text: string) =>
      message(jid(user), room, { type: 'groupchat', id: text }, el('subject', NS.client, {}, text));
    world.send(topic(hamlet, elsinore, 'h'), topic(alice, rabbithole, 'a'));
    expect(seen(world, hamlet)).toEqual(seen(world, alice));
    expect(seen(world, hamlet).length).toBe(2);
    expect(world.status(denmark).subject).toEqual(world.status(rooms).subject);
  });

  it('the first user’s join is answered with the echo; a further one enters when the primary has shown them', () => {
    const world = worldOf(primary, replica);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(seen(world, hamlet)).toEqual(['available Alice', 'available Hamlet (self)', 'subject: ']);
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(onLink(world).map(({ stanza }) => [stanza.from, shown(stanza)])).toEqual([
      [`${elsinore}/Ophelia`, 'available Ophelia'],
      [`${rabbithole}/Ophelia`, 'available Ophelia'],
    ]);
    const order = world.sent.map(({ stanza }) => stanza.to);
    expect(order.indexOf(jid(alice))).toBeLessThan(order.indexOf(jid(hamlet)));
    expect(seen(world, ophelia)).toEqual([
      'available Alice',
      'available Hamlet',
      'available Ophelia (self)',
      'subject: ',
    ]);
  });

  it('several who enter at the same moment, the first among them: all are in, on both nodes', () => {
    const world = worldOf(primary, replica);
    world.send(
      joins(hamlet, `${elsinore}/Hamlet`),
      joins(ophelia, `${elsinore}/Ophelia`),
      joins(phone, `${elsinore}/Hamlet`),
    );
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Hamlet', 'Ophelia']);
    for (const user of [hamlet, ophelia, phone]) expect(seen(world, user)).toContain('subject: ');
    world.clear();
    world.send(says(phone, elsinore, 'x'));
    for (const user of [hamlet, ophelia, phone]) expect(seen(world, user)).toEqual(['x']);
  });

  it('decision #150: leaves never wait, and get 110 at once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    silence(world);
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(seen(world, hamlet)).toEqual(['unavailable Hamlet (self)']);
    expect(seen(world, ophelia)).toEqual(['unavailable Hamlet']);
  });

  it('decision #150: private messages go at once, because they have no order with anybody else', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(tells(hamlet, `${elsinore}/Ophelia`, 'psst'));
    expect(onLink(world)).toEqual([]);
    world.send(tells(hamlet, `${elsinore}/Alice`, 'hey'));
    expect([seen(world, ophelia), seen(world, alice)]).toEqual([['psst'], ['hey']]);
  });

  it('decision #150: what moderators do is their own node’s to decide, and happens at once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    silence(world);
    const kick = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'Ophelia', role: 'none' }));
    world.send(iq(jid('gertrude@denmark.lit/x'), elsinore, { type: 'set', id: 'kick' }, kick));
    expect(seen(world, ophelia)).toEqual(['unavailable Ophelia (self)']);
    expect(world.got('gertrude@denmark.lit/x').map(({ type, id }) => [type, id])).toEqual([['result', 'kick']]);
  });

  it('another session of a user waits only if others see a difference', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(joins(phone, `${elsinore}/Hamlet`));
    expect(onLink(world)).toEqual([]);
    expect(seen(world, phone).slice(-2)).toEqual(['available Hamlet (self)', 'subject: ']);
    world.send(leaves(phone, `${elsinore}/Hamlet`));
    world.clear();
    const away = el('show', NS.client, {}, 'away');
    world.send(joins(phone, `${elsinore}/Hamlet`, away));
    expect(onLink(world).map(({ stanza }) => shown(stanza))).toEqual(['available Hamlet', 'available Hamlet']);
    for (const user of [alice, ophelia]) expect(seen(world, user)).toEqual(['available Hamlet']);
    expect(seen(world, phone).slice(-2)).toEqual(['available Hamlet (self)', 'subject: ']);
    world.clear();
    world.send(says(hamlet, elsinore, 'x'), says(phone, elsinore, 'y'));
    for (const user of [alice, ophelia, hamlet, phone]) expect(seen(world, user)).toEqual(['x', 'y']);
  });

  it('a session that leaves before its change of nick comes back is out on every node, and can come back later', () => {
    const world = occupied('alice', 'hamlet', 'ophelia', 'yorick');
    world.send(joins(phone, `${elsinore}/Hamlet`));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}), leaves(hamlet, `${elsinore}/Hamlet`));
    for (const node of [rooms, denmark, helsingor])
      expect([...nicks(world, node)].sort()).toEqual(['Alice', 'Hamlet', 'Ophelia', 'Yorick']);
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.clear();
    world.send(leaves(phone, `${elsinore}/Hamlet`));
    expect(seen(world, hamlet)).not.toContain('presence error conflict');
    for (const node of [rooms, denmark, helsingor]) expect(nicks(world, node)).toContain('Hamlet');
  });

  it('the same, where it has come back beside the others by then', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(joins(phone, `${elsinore}/Hamlet`));
    const change = presence(jid(hamlet), jid(`${elsinore}/Prince`), {});
    world.send(change, leaves(hamlet, `${elsinore}/Hamlet`), joins(hamlet, `${elsinore}/Hamlet`));
    for (const node of [rooms, denmark]) expect([...nicks(world, node)].sort()).toEqual(['Alice', 'Hamlet', 'Ophelia']);
  });

  it('nothing but the plain protocol is new where the mode is not said', () => {
    const world = worldOf({ ...primary, mode: undefined }, { ...replica, mode: undefined });
    world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`));
    expect(readMode(payloadOf(onLink(world)[0]?.stanza as Stanza, 'fmuc', NS.fmuc))).toBeUndefined();
    world.clear();
    world.send(says(hamlet, elsinore, 'x'));
    expect(onLink(world).length).toBe(1);
  });
});

describe('decision #151: what is an echo', () => {
  /** Hamlet's message is on its way, and the primary has not had it yet. */
  function waiting() {
    const world = occupied('alice', 'hamlet', 'ophelia', 'yorick');
    world.freeze(rooms);
    world.send(says(hamlet, elsinore, 'x'));
    const sent = onLink(world)[0]?.stanza as Stanza;
    world.clear();
    return { world, sent };
  }
  const back = (sent: Stanza, from: Jid) =>
    message(jid(`${from}/Hamlet`), elsinore, { type: 'groupchat', id: sent.id }, ...sent.payloads);

  it('F12: not of a third node, linked or not, nor of a user, whatever it copies', () => {
    const { world, sent } = waiting();
    const of = (user: string) =>
      world
        .got(user)
        .filter(({ from }) => from.endsWith('/Hamlet'))
        .map(shown);
    world.inject(denmark, domainOf(kronborg), back(sent, kronborg));
    world.inject(denmark, 'chat.evil.lit', back(sent, jid('room@chat.evil.lit')));
    world.send({ ...back(sent, jid('hamlet@denmark.lit')), from: jid(ophelia) });
    for (const user of [hamlet, ophelia, yorick]) expect(of(user)).toEqual([]);
    world.thaw(rooms);
    for (const user of [alice, hamlet, ophelia, yorick]) expect([user, of(user)]).toEqual([user, ['x']]);
  });

  it('not with another id, nor of another user; and a second one is none', () => {
    const { world, sent } = waiting();
    const n = Number(childOf(fmucOf(sent), 's', NS.ext)?.attrs['h']);
    const forged = (id: string, from: string, at: number) =>
      message(
        jid(`${rabbithole}/Hamlet`),
        elsinore,
        { type: 'groupchat', id: 'any' },
        el('body', NS.client, {}, 'x'),
        el(
          'fmuc',
          NS.fmuc,
          { from },
          el('change', NS.ext, { by: elsinore, id }),
          el('s', NS.ext, { e: session(sent), n: `${at}` }),
        ),
      );
    const id = changeOf(sent);
    world.inject(denmark, rooms, forged('other', hamlet, n + 1));
    world.inject(denmark, rooms, forged(id, ophelia, n + 2));
    expect(seen(world, hamlet)).toEqual([]);
    world.inject(denmark, rooms, forged(id, hamlet, n + 3));
    world.inject(denmark, rooms, forged(id, hamlet, n + 4));
    expect(seen(world, hamlet)).toEqual(['x']);
  });

  it('presence of our own user, from the primary, is no collision', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    expect(seen(world, hamlet)).toEqual(['available Hamlet (self)']);
    expect(world.notes.filter(({ spec }) => spec === 'decision#23')).toEqual([]);
  });
});

const timeout = (stanza: Stanza) => [
  stanza.name,
  stanza.type,
  stanza.id,
  stanza.from,
  errorOf(stanza)?.type,
  errorOf(stanza)?.condition,
];

describe('decision #152: an echo that does not come, or comes late', () => {
  it('after 10 s the sender is told that nobody knows, and an echo that comes later is read by all, once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(says(hamlet, elsinore, 'x'));
    world.advance(9_999);
    expect(world.got(hamlet)).toEqual([]);
    world.advance(1);
    expect(world.got(hamlet).map(timeout)).toEqual([
      ['message', 'error', 'say-x', elsinore, 'wait', 'remote-server-timeout'],
    ]);
    expect(errorOf(world.got(hamlet)[0] as Stanza)?.text).toMatch(/not known/);
    expect(world.got(ophelia)).toEqual([]);
    world.clear();
    world.thaw(rooms);
    for (const user of [alice, hamlet, ophelia]) expect(seen(world, user)).toEqual(['x']);
    world.advance(60_000);
    for (const user of [alice, hamlet, ophelia]) expect(seen(world, user)).toEqual(['x']);
  });

  it('a change of the nick or of the subject: the same', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), { id: 'nick' }));
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'topic')));
    world.advance(10_000);
    expect(world.got(hamlet).map(timeout)).toEqual([
      ['presence', 'error', 'nick', `${elsinore}/Prince`, 'wait', 'remote-server-timeout'],
      ['message', 'error', 's', elsinore, 'wait', 'remote-server-timeout'],
    ]);
    world.clear();
    world.thaw(rooms);
    expect(seen(world, ophelia)).toEqual(['unavailable Hamlet', 'available Prince', 'subject: topic']);
  });

  it('of presence, and of words without a text, nobody is told', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    world.send(
      message(jid(hamlet), elsinore, { type: 'groupchat' }, el('composing', 'http://jabber.org/protocol/chatstates')),
    );
    world.advance(10_000);
    expect(world.got(hamlet)).toEqual([]);
    world.thaw(rooms);
    expect(seen(world, ophelia)[0]).toBe('available Hamlet');
  });

  it('decision #170: a user who was not let in in time is told, and the primary, too', () => {
    const world = occupied('alice', 'hamlet');
    world.freeze(rooms);
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    world.advance(10_000);
    expect(seen(world, ophelia)).toEqual(['presence error remote-server-timeout']);
    world.thaw(rooms);
    expect([nicks(world, rooms), nicks(world, denmark)]).toEqual([
      ['Alice', 'Hamlet'],
      ['Alice', 'Hamlet'],
    ]);
    expect(seen(world, hamlet)).toEqual([]);
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(seen(world, ophelia).slice(-2)).toEqual(['available Ophelia (self)', 'subject: ']);
  });

  it('decision #176: a further node whose user is not let in in time hears of it, though a device of theirs came meanwhile', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    const helsingor = domainOf(kronborg);
    const [osric, there] = ['osric@helsingor.lit/x', `${kronborg}/Osric`];
    world.send(joins(osric, there));
    world.send(presence(jid(osric), jid(there), {}, el('show', NS.client, {}, 'away')));
    world.freeze(rooms);
    // It joins again in Yorick's name, and tells of Osric, whom the primary has to echo.
    world.boot(helsingor, world.crash(helsingor));
    world.send(joins('osric@helsingor.lit/phone', there));
    world.advance(10_000);
    world.thaw(rooms);
    world.advance(60_000);
    for (const node of [rooms, denmark, helsingor])
      expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Osric', 'Yorick']);
    world.clear();
    world.send(says(osric, kronborg, 'alas'));
    expect(seen(world, hamlet)).toEqual(['alas']);
  });

  it('decision #170: a user who waits may leave, ask again, or want another nick', () => {
    const world = occupied('alice', 'hamlet');
    world.freeze(rooms);
    world.send(joins(ophelia, `${elsinore}/Ophelia`), leaves(ophelia, `${elsinore}/Ophelia`));
    expect(seen(world, ophelia)).toEqual(['unavailable Ophelia (self)']);
    world.send(joins(ophelia, `${elsinore}/Ophelia`), joins(ophelia, `${elsinore}/Nymph`));
    world.clear();
    world.thaw(rooms);
    expect(seen(world, ophelia).slice(-2)).toEqual(['available Nymph (self)', 'subject: ']);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Nymph']);
    expect(seen(world, hamlet)).toEqual(['available Nymph']);
  });

  it('decision #170: a session that asks for a new nick, and then for that of another one of its user, gets the second alone', () => {
    const world = occupied('alice', 'hamlet');
    world.freeze(rooms);
    world.send(joins(phone, `${elsinore}/Dane`), joins(phone, `${elsinore}/Hamlet`));
    world.thaw(rooms);
    expect(seen(world, phone).filter((text) => text.includes('error'))).toEqual([]);
    expect(seen(world, phone)).toContain('available Hamlet (self)');
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Hamlet']);
    expect(seen(world, hamlet).filter((text) => text.includes('Dane'))).toEqual([]);
  });

  it('decision #170: a session that asks twice for a nick, and then for that of another one of its user, gets the last alone', () => {
    const world = occupied('alice', 'hamlet');
    world.freeze(rooms);
    world.send(joins('ophelia@denmark.lit/phone', `${elsinore}/Nymph`));
    world.send(joins(ophelia, `${elsinore}/Ophelia`), joins(ophelia, `${elsinore}/Ophelia`));
    world.send(joins(ophelia, `${elsinore}/Nymph`), leaves('ophelia@denmark.lit/phone', `${elsinore}/Nymph`));
    world.thaw(rooms);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Nymph']);
    world.clear();
    world.send(says(ophelia, elsinore, 'x'));
    for (const user of [alice, hamlet, ophelia]) expect([user, seen(world, user)]).toEqual([user, ['x']]);
  });

  it('decision #170: of the sessions of a user who wait for the link, that in whose name it was asked for enters first', () => {
    const world = occupied('alice');
    world.freeze(rooms);
    world.send(
      joins(hamlet, `${elsinore}/Hamlet`),
      joins(phone, `${elsinore}/Hamlet`),
      joins(hamlet, `${elsinore}/Hamlet`),
    );
    world.thaw(rooms);
    for (const user of [hamlet, phone]) expect(seen(world, user)).toContain('available Hamlet (self)');
    // To the primary the user has the JID of the session that entered first (decision #141).
    const said = onLink(world).filter(({ stanza }) => stanza.from.startsWith(elsinore));
    expect(new Set(said.map(({ stanza }) => fmucOf(stanza).attrs['from']))).toEqual(new Set([hamlet]));
    world.clear();
    world.send(says(hamlet, elsinore, 'x'), says(phone, elsinore, 'y'));
    for (const user of [alice, hamlet, phone]) expect([user, seen(world, user)]).toEqual([user, ['x', 'y']]);
  });

  it('decision #170: a session that waits beside another one, and asks again once that has left, enters alone', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    world.freeze(rooms);
    world.send(joins(phone, `${elsinore}/Hamlet`), leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(phone, `${elsinore}/Hamlet`));
    world.clear();
    world.thaw(rooms);
    expect(seen(world, phone)).toContain('available Hamlet (self)');
    world.clear();
    world.send(says(phone, elsinore, 'x'));
    for (const user of [alice, ophelia, phone]) expect([user, seen(world, user)]).toEqual([user, ['x']]);
    expect(world.got(hamlet)).toEqual([]);
  });

  it('decision #170: a session that waits beside another one, and then enters beside a third, is in once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(joins(tablet, `${elsinore}/Dane`));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    world.freeze(rooms);
    world.send(joins(phone, `${elsinore}/Hamlet`), leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(phone, `${elsinore}/Dane`));
    world.clear();
    world.thaw(rooms);
    expect(seen(world, phone)).toEqual([]);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Dane', 'Ophelia']);
  });

  it('decision #170: what a user asked for before they left does not happen to them when they are in again', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(joins(tablet, `${elsinore}/Dane`));
    world.freeze(rooms);
    const [there, again] = [`${elsinore}/Hamlet`, `${elsinore}/Dane`];
    world.send(presence(jid(hamlet), jid(there), {}, el('show', NS.client, {}, 'away')));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), { id: 'n' }), leaves(hamlet, there));
    world.send(joins(hamlet, again));
    world.clear();
    world.thaw(rooms);
    expect(seen(world, hamlet)).toEqual([]);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Dane', 'Ophelia']);
  });

  it('decision #170: if somebody else wants the nick by then, the session is refused', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    world.freeze(rooms);
    world.send(joins(phone, `${elsinore}/Hamlet`), leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(joins('laertes@denmark.lit/x', `${elsinore}/Hamlet`));
    world.thaw(rooms);
    const entered = ['laertes@denmark.lit/x', phone].map((user) => seen(world, user));
    expect(entered.filter((all) => all.includes('presence error conflict')).length).toBe(1);
    expect(entered.filter((all) => all.includes('available Hamlet (self)')).length).toBe(1);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Ophelia']);
  });

  it('decision #170: of two who want one nick meanwhile, the second is refused at once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), { id: 'n' }));
    world.send(presence(jid(ophelia), jid(`${elsinore}/Prince`), { id: 'n' }));
    world.send(joins('laertes@denmark.lit/x', `${elsinore}/Prince`));
    expect(seen(world, ophelia)).toEqual(['presence error conflict']);
    expect(seen(world, 'laertes@denmark.lit/x')).toEqual(['presence error conflict']);
  });

  it('decision #170: nor does a user who has two nicks take one that waits for their own other session', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    world.freeze(rooms);
    world.send(joins('yorick@helsingor.lit/phone', `${kronborg}/Jester`));
    world.freeze(denmark);
    world.thaw(rooms);
    world.send(presence(jid(yorick), jid(`${kronborg}/Jester`), { id: 'n' }));
    expect(seen(world, yorick)).toEqual(['presence error conflict']);
    world.thaw(denmark);
    for (const node of [rooms, denmark, helsingor])
      expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Jester', 'Yorick']);
  });

  it('decision #170: a session that asks for the nick which another one of its user is about to have waits for that', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(presence(jid(hamlet), jid(`${elsinore}/Dane`), { id: 'n' }), joins(phone, `${elsinore}/Dane`));
    world.thaw(rooms);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Dane', 'Ophelia']);
    expect(seen(world, phone)).toContain('available Dane (self)');
    const said = onLink(world).filter(({ stanza }) => stanza.from.startsWith(elsinore));
    expect(new Set(said.map(({ stanza }) => fmucOf(stanza).attrs['from']))).toEqual(new Set([hamlet]));
  });

  it('decision #170: who loses a nick to a user of the primary keeps their own, or is not let in', () => {
    const world = occupied('alice', 'hamlet');
    world.send(
      presence(jid(hamlet), jid(`${elsinore}/Hatter`), { id: 'n' }),
      joins(ophelia, `${elsinore}/Rabbit`),
      joins(hatter, `${rabbithole}/Hatter`),
      joins('rabbit@wonderland.lit/x', `${rabbithole}/Rabbit`),
    );
    expect(seen(world, hamlet)).toContain('presence error conflict');
    expect(seen(world, hamlet).filter((text) => text.includes('Hamlet'))).toEqual([]);
    expect(seen(world, ophelia)).toEqual(['presence error conflict']);
    for (const node of [rooms, denmark]) expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Hatter', 'Rabbit']);
    expect(seen(world, alice).filter((text) => text.startsWith('unavailable'))).toEqual([]);
  });

  it('what waits is bounded, for each user and for the room: one more is refused at once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    for (let i = 0; i < 51; i++) world.send(says(hamlet, elsinore, `${i}`));
    expect(world.got(hamlet).map(timeout)).toEqual([
      ['message', 'error', 'say-50', elsinore, 'wait', 'resource-constraint'],
    ]);
    world.send(says(ophelia, elsinore, 'still'));
    expect(world.got(ophelia)).toEqual([]);
    world.clear();
    world.thaw(rooms);
    expect(seen(world, ophelia).length).toBe(51);
    expect(seen(world, ophelia)).toEqual(seen(world, alice));
    world.send(says(hamlet, elsinore, 'again'));
    expect(seen(world, ophelia).at(-1)).toBe('again');
  });

  it('a node that slept looks first at what came meanwhile', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(says(hamlet, elsinore, 'x'));
    world.freeze(denmark);
    world.thaw(rooms);
    world.advance(30_000);
    world.thaw(denmark);
    expect(seen(world, hamlet)).toEqual(['x']);
    world.advance(5_000);
    expect(seen(world, hamlet)).toEqual(['x']);
  });

  it('the author has left meanwhile: the others read it all the same', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(says(hamlet, elsinore, 'x'), leaves(hamlet, `${elsinore}/Hamlet`));
    world.thaw(rooms);
    expect(seen(world, ophelia)).toEqual(['unavailable Hamlet', 'x']);
    world.advance(60_000);
    expect(seen(world, hamlet)).toEqual(['unavailable Hamlet (self)']);
  });
});

describe('decision #153: the mode is agreed on at the join', () => {
  it('a join says it, inside <fmuc/>', () => {
    const world = worldOf(primary, replica);
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(readMode(fmucOf(onLink(world)[0]?.stanza as Stanza))).toBe('primary-replica');
  });

  it.each([
    ['primary-replica', 'primary-primary'],
    ['primary-primary', 'primary-replica'],
  ] as const)('joining in %s mode, joined in %s mode: rejected, with a text that names both', (joining, joined) => {
    const world = worldOf({ ...primary, mode: joined }, { ...replica, mode: joining });
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const answer = onLink(world)[1]?.stanza as Stanza;
    expect(readFmuc(answer.payloads)).toEqual({
      kind: 'reject',
      text: `This room is in ${joined} mode, and yours is in ${joining} mode.`,
    });
    expect(seen(world, hamlet)).toEqual(
      joining === 'primary-replica'
        ? ['presence error remote-server-timeout']
        : ['available Hamlet (self)', 'subject: ', expect.stringContaining('primary-replica mode')],
    );
  });

  it('a mode that we do not know is rejected, with a text that does not repeat it', () => {
    const world = worldOf(primary);
    const join = presence(
      jid(`${elsinore}/Hamlet`),
      jid(`${rabbithole}/Hamlet`),
      { id: 'j' },
      el(
        'fmuc',
        NS.fmuc,
        { from: hamlet },
        el('link', NS.ext, { mode: 'round-robin' }),
        el('s', NS.ext, { e: 'j', n: '1' }),
      ),
      writeJoin({}),
    );
    world.inject(rooms, denmark, join);
    expect(world.to(elsinore).map(({ payloads }) => readFmuc(payloads))).toEqual([
      { kind: 'reject', text: 'This room is in primary-replica mode, and does not know that of yours.' },
    ]);
  });

  it('a configuration with two primaries, or of an unknown mode, is refused with a text that names it', () => {
    const two = () => worldOf(primary, { ...replica, outbound: [rabbithole, kronborg] });
    expect(two).toThrow(
      `in primary-replica mode a room joins one room, its primary, and not ${rabbithole}, ${kronborg}`,
    );
    const unknown = () => worldOf({ ...primary, mode: 'round-robin' as Mode });
    expect(unknown).toThrow('the mode of an FMUC room is primary-primary or primary-replica, and not "round-robin"');
  });

  it('two replicas of each other, and a ring of replicas, have no primary: the join is rejected', () => {
    const world = worldOf({ ...primary, outbound: [elsinore] }, { ...replica, allowed: [rabbithole] });
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(onLink(world).map(({ stanza }) => readFmuc(stanza.payloads)?.kind)).toContain('reject');
    expect(seen(world, hamlet)).toEqual(['presence error remote-server-timeout']);
    const ring = worldOf({ ...primary, outbound: [kronborg] }, replica, { ...further, allowed: [rabbithole] });
    ring.send(joins(hamlet, `${elsinore}/Hamlet`));
    ring.advance(30_000);
    expect(seen(ring, hamlet)).toEqual(['presence error remote-server-timeout']);
  });

  it('a primary without our extension: what the joining side is configured to counts, and the echo is known by id and user', () => {
    const world = worldOf(replica);
    const from = (nick: string) => jid(`${rabbithole}/${nick}`);
    const of = (user: string) => writeFmuc({ kind: 'from', from: jid(user) });
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const empty = message(rabbithole, elsinore, { type: 'groupchat' }, el('subject', NS.client), of(hamlet));
    world.inject(denmark, rooms, { ...empty, from: from('Hamlet') });
    expect(seen(world, hamlet).at(-1)).toBe('subject: ');
    world.clear();
    world.send(says(hamlet, elsinore, 'x'));
    const sent = world.to(rabbithole)[0] as Stanza;
    expect([sent.id, seen(world, hamlet)]).toEqual(['say-x', []]);
    const echo = message(from('Hamlet'), elsinore, { type: 'groupchat', id: 'say-x' }, ...sent.payloads);
    world.inject(denmark, rooms, { ...echo, id: 'other' });
    expect(seen(world, hamlet)).toEqual([]);
    world.inject(denmark, rooms, echo);
    world.inject(denmark, rooms, echo);
    expect(seen(world, hamlet)).toEqual(['x']);
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    const entry = world.to(rabbithole).at(-1) as Stanza;
    expect(seen(world, ophelia)).toEqual([]);
    world.inject(
      denmark,
      rooms,
      presence(from('Ophelia'), jid(`${elsinore}/Ophelia`), { id: entry.id }, ...entry.payloads),
    );
    expect(seen(world, ophelia).slice(-3)).toEqual(['available Ophelia (self)', 'x', 'subject: ']);
  });

  it('a replica without our extension: a primary in this mode echoes to it, with the child elements as they came', () => {
    const world = worldOf(primary);
    world.send(joins(alice, `${rabbithole}/Alice`));
    const of = writeFmuc({ kind: 'from', from: jid(hamlet) });
    const user = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
    const at = jid(`${elsinore}/Hamlet`);
    world.inject(rooms, denmark, presence(at, jid(`${rabbithole}/Hamlet`), {}, of, writeJoin({}), user));
    world.clear();
    const said = message(at, rabbithole, { type: 'groupchat', id: 'x' }, el('body', NS.client, {}, 'x'), of);
    world.inject(rooms, denmark, said);
    expect(seen(world, alice)).toEqual(['x']);
    expect(world.to(elsinore)).toEqual([{ ...said, from: `${rabbithole}/Hamlet`, to: elsinore }]);
    world.clear();
    const away = presence(at, jid(`${rabbithole}/Hamlet`), { id: 'p' }, el('show', NS.client, {}, 'away'), of, user);
    world.inject(rooms, denmark, away);
    expect(world.to(elsinore)).toEqual([{ ...away, from: `${rabbithole}/Hamlet`, to: at }]);
  });
});

describe('decision #154: cut off from the primary', () => {
  it('who waits is told at once, and so is everybody who says anything; nobody sees it, and nobody is kicked', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    silence(world);
    world.send(says(hamlet, elsinore, 'x'), presence(jid(hamlet), jid(`${elsinore}/Prince`), { id: 'n' }));
    world.clear();
    cut(world);
    world.send(says(ophelia, elsinore, 'y'));
    expect(world.got(hamlet).map(timeout).slice(-2)).toEqual([
      ['message', 'error', 'say-x', elsinore, 'wait', 'remote-server-timeout'],
      ['presence', 'error', 'n', `${elsinore}/Prince`, 'wait', 'remote-server-timeout'],
    ]);
    expect(seen(world, ophelia).slice(-1)).toEqual(['message error remote-server-timeout']);
    world.clear();
    world.send(
      says(hamlet, elsinore, 'z'),
      message(jid(hamlet), elsinore, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'topic')),
      presence(jid(hamlet), jid(`${elsinore}/Prince`), { id: 'n' }),
      tells(hamlet, `${elsinore}/Ophelia`, 'psst'),
      joins('horatio@denmark.lit/x', `${elsinore}/Horatio`),
    );
    expect(world.got(hamlet).map((stanza) => errorOf(stanza)?.condition)).toEqual(
      Array(4).fill('remote-server-timeout'),
    );
    expect(seen(world, 'horatio@denmark.lit/x')).toEqual(['presence error remote-server-timeout']);
    expect(world.got(ophelia)).toEqual([]);
    expect(nicks(world, denmark)).toEqual(['Hamlet', 'Ophelia']);
  });

  it('leaves and presence work', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    cut(world);
    world.send(says(hamlet, elsinore, 'x'));
    world.clear();
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(seen(world, ophelia)).toEqual(['available Hamlet', 'unavailable Hamlet']);
    expect(seen(world, hamlet)).toEqual(['available Hamlet (self)', 'unavailable Hamlet (self)']);
  });

  it('decision #154: of presence that waited each session shows the last, once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    silence(world);
    const show = (user: string, at: string, text: string) =>
      world.send(presence(jid(user), jid(at), {}, el('show', NS.client, {}, text)));
    for (const text of ['away', 'xa', 'dnd']) show(hamlet, who.hamlet[1], text);
    show(ophelia, who.ophelia[1], 'chat');
    world.clear();
    world.advance(120_000);
    const shows = world
      .got(ophelia)
      .filter((stanza) => stanza.name === 'presence' && stanza.type === undefined)
      .map((stanza) => textOf(payloadOf(stanza, 'show', NS.client) as XmlElement));
    expect(shows).toEqual(['dnd', 'chat']);
  });

  it('the primary goes on, and after the cut the replica has all of it, in the primary’s order', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    cut(world);
    world.send(says(hamlet, elsinore, 'lost'), says(alice, rabbithole, 'alone'));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'away')));
    heal(world);
    world.clear();
    world.advance(60_000);
    expect(seen(world, hamlet)).toContain('alone');
    expect(seen(world, alice)).toEqual(['available Hamlet', 'available Ophelia']);
    const away = world.got(alice).find((stanza) => shown(stanza) === 'available Hamlet') as Stanza;
    expect(payloadOf(away, 'show', NS.client)).toBeDefined();
    world.clear();
    world.send(says(ophelia, elsinore, 'x'));
    for (const user of [alice, hamlet, ophelia]) expect(seen(world, user)).toEqual(['x']);
  });

  it('what the primary had accepted before the cut comes with the next join, once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.lose((stanza) => bareOf(stanza.from) === rabbithole && stanza.to === elsinore && bodyOf(stanza) === 'x');
    world.send(says(hamlet, elsinore, 'x'));
    expect([seen(world, alice), seen(world, hamlet)]).toEqual([['x'], []]);
    world.send(says(alice, rabbithole, 'y'));
    const texts = (user: string) => seen(world, user).filter((text) => text.length === 1);
    expect([texts(hamlet), texts(ophelia)]).toEqual([
      ['x', 'y'],
      ['x', 'y'],
    ]);
    expect(seen(world, hamlet)).toContain('message error remote-server-timeout');
  });

  it('a first user who cannot be let in is told, and the room is as empty as before', () => {
    const world = worldOf(primary, replica);
    cut(world);
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(seen(world, hamlet)).toEqual(['presence error remote-server-timeout']);
    heal(world);
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(seen(world, hamlet)).toEqual(['available Hamlet (self)', 'subject: ']);
  });

  it.each([denmark, rooms])('a crash of %s with things under way: nobody is left waiting', (node) => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(says(hamlet, elsinore, 'x'), joins('horatio@denmark.lit/x', `${elsinore}/Horatio`));
    const log = world.crash(node);
    if (node === denmark) world.thaw(rooms);
    world.clear();
    world.boot(node, structuredClone(log));
    world.advance(120_000);
    if (node === rooms) expect(seen(world, hamlet)).toContain('message error remote-server-timeout');
    for (const user of [alice, hamlet, ophelia])
      expect([user, seen(world, user).filter((text) => text === 'x').length <= 1]).toEqual([user, true]);
    const names = node === denmark ? ['Alice', 'Hamlet', 'Ophelia'] : ['Alice', 'Hamlet', 'Horatio', 'Ophelia'];
    expect([nicks(world, denmark), nicks(world, rooms)]).toEqual([names, names]);
    world.clear();
    world.send(says(ophelia, elsinore, 'y'));
    for (const user of [alice, hamlet, ophelia]) expect(seen(world, user)).toEqual(['y']);
  });

  it('the primary refuses one thing alone: its author is told why', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.freeze(rooms);
    world.send(says(hamlet, elsinore, 'x'));
    const sent = onLink(world)[0]?.stanza as Stanza;
    const mark = writeFmuc({ kind: 'from', from: jid(hamlet) });
    const no = writeError(stanzaError('auth', 'forbidden', 'you may not speak here'));
    world.inject(
      denmark,
      rooms,
      message(rabbithole, jid(`${elsinore}/Hamlet`), { type: 'error', id: sent.id }, mark, no),
    );
    expect(world.got(hamlet).map(timeout)).toEqual([['message', 'error', 'say-x', elsinore, 'auth', 'forbidden']]);
    expect(world.status(denmark).peers[0]?.state).toBe('live');
  });
});

describe('decision #171: a replica of a replica', () => {
  it('messages wait for the primary at both, and go over each link twice', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    world.send(says(yorick, kronborg, 'x'));
    expect(world.crossed().map(({ stanza }) => [bareOf(stanza.from), bareOf(stanza.to)])).toEqual([
      [kronborg, elsinore],
      [elsinore, rabbithole],
      [rabbithole, elsinore],
      [elsinore, kronborg],
    ]);
    for (const user of [alice, hamlet, yorick]) expect([user, seen(world, user)]).toEqual([user, ['x']]);
    expect(world.got(yorick)[0]?.id).toBe('say-x');
    const ids = [rooms, denmark, helsingor].map(
      (node) => world.seat(node).node.snapshot().rooms[0]?.history.at(-1)?.id,
    );
    expect(new Set(ids).size).toBe(1);
  });

  it('nothing is shown at either before the primary has it', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    world.freeze(rooms);
    world.send(
      says(yorick, kronborg, 'x'),
      presence(jid(yorick), jid(`${kronborg}/Yorick`), {}, el('show', NS.client, {}, 'away')),
      presence(jid(yorick), jid(`${kronborg}/Jester`), {}, el('show', NS.client, {}, 'away')),
      joins('gravedigger@helsingor.lit/x', `${kronborg}/Clown`),
    );
    for (const user of [hamlet, yorick]) expect([user, world.got(user)]).toEqual([user, []]);
    world.thaw(rooms);
    const all = ['x', 'available Yorick', 'unavailable Yorick', 'available Jester', 'available Clown'];
    for (const user of [alice, hamlet]) expect([user, seen(world, user)]).toEqual([user, all]);
    for (const node of [rooms, denmark, helsingor])
      expect([node, nicks(world, node)]).toEqual([node, ['Alice', 'Clown', 'Hamlet', 'Jester']]);
  });

  it.each([
    ['while the one between is empty', ['alice', 'yorick', 'hamlet']],
    ['before anybody else', ['yorick', 'hamlet', 'alice']],
  ] as const)('its first user enters %s', (_when, order) => {
    const world = occupied(...order);
    for (const node of [rooms, denmark, helsingor])
      expect([node, nicks(world, node)]).toEqual([node, ['Alice', 'Hamlet', 'Yorick']]);
    world.send(leaves(yorick, `${kronborg}/Yorick`), leaves(hamlet, `${elsinore}/Hamlet`));
    expect(nicks(world, rooms)).toEqual(['Alice']);
    expect(world.status(denmark).peers).toEqual([]);
  });

  it('who may not be in by the rules of the one between is refused there, and the primary is not asked', () => {
    const world = occupied('alice', 'hamlet');
    const ban = el('item', NS.mucAdmin, { jid: 'yorick@helsingor.lit', affiliation: 'outcast' });
    world.send(
      iq(jid('gertrude@denmark.lit/x'), elsinore, { type: 'set', id: 'b' }, el('query', NS.mucAdmin, {}, ban)),
    );
    world.clear();
    world.send(joins(yorick, `${kronborg}/Yorick`));
    expect(seen(world, yorick)).toEqual(['presence error forbidden']);
    expect(onLink(world)).toEqual([]);
  });

  it('decision #160: a node whose users the primary refuses one after the other may still bring in one who may be in', () => {
    const world = occupied('alice', 'hamlet');
    const users = Array.from({ length: 30 }, (_, i) => `skull${i}@helsingor.lit`);
    const bans = users.map((user) => el('item', NS.mucAdmin, { jid: user, affiliation: 'outcast' }));
    const owner = jid('gertrude@denmark.lit/x');
    world.send(iq(owner, rabbithole, { type: 'set', id: 'b' }, el('query', NS.mucAdmin, {}, ...bans)));
    for (const [i, user] of users.entries()) world.send(joins(`${user}/x`, `${kronborg}/Skull ${i}`));
    for (const user of users) expect([user, seen(world, `${user}/x`)]).toEqual([user, ['presence error forbidden']]);
    world.send(joins(yorick, `${kronborg}/Yorick`));
    for (const node of [rooms, denmark, helsingor])
      expect([node, nicks(world, node)]).toEqual([node, ['Alice', 'Hamlet', 'Yorick']]);
  });

  it('cut off from the primary, the one between says so to the other, and both keep their users', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    cut(world);
    world.send(says(hamlet, elsinore, 'x'));
    world.clear();
    world.send(says(yorick, kronborg, 'y'), presence(jid(yorick), jid(`${kronborg}/Jester`), { id: 'n' }));
    expect(world.got(yorick).map(timeout)).toEqual([
      ['message', 'error', 'say-y', kronborg, 'wait', 'remote-server-timeout'],
      ['presence', 'error', 'n', `${kronborg}/Jester`, 'wait', 'remote-server-timeout'],
    ]);
    for (const node of [denmark, helsingor]) expect(nicks(world, node)).toEqual(['Hamlet', 'Yorick']);
    world.send(presence(jid(yorick), jid(`${kronborg}/Yorick`), {}, el('show', NS.client, {}, 'away')));
    expect(seen(world, hamlet)).toEqual(['available Yorick']);
    world.send(joins('gravedigger@helsingor.lit/x', `${kronborg}/Clown`));
    expect(seen(world, 'gravedigger@helsingor.lit/x')).toEqual(['presence error remote-server-timeout']);
    heal(world);
    world.advance(60_000);
    world.clear();
    world.send(says(yorick, kronborg, 'z'));
    for (const user of [alice, hamlet, yorick]) expect([user, seen(world, user)]).toEqual([user, ['z']]);
  });

  it('the users of a node whose link is lost meanwhile do not come back with an echo', () => {
    const world = occupied('alice', 'hamlet', 'ophelia', 'yorick');
    world.freeze(rooms);
    world.send(
      presence(jid(yorick), jid(`${kronborg}/Yorick`), {}, el('show', NS.client, {}, 'away')),
      joins('gravedigger@helsingor.lit/x', `${kronborg}/Clown`),
      says(yorick, kronborg, 'said'),
    );
    world.cut('denmark.lit', 'helsingor.lit', 'bounce');
    // A leave waits for nobody, and so it is found out.
    world.send(leaves(ophelia, `${elsinore}/Ophelia`));
    world.clear();
    world.thaw(rooms);
    expect(nicks(world, denmark)).toEqual(['Alice', 'Hamlet']);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Hamlet']);
    expect(seen(world, hamlet)).toEqual(['said']);
    world.cut('denmark.lit', 'helsingor.lit', undefined);
    world.advance(120_000);
    world.clear();
    world.send(says(yorick, kronborg, 'x'));
    for (const user of [alice, hamlet, yorick]) expect([user, seen(world, user)]).toEqual([user, ['x']]);
  });

  it('a node that joins again, in another’s name, waits for the echo; who was out with its link before is out at the primary', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    world.crash(helsingor);
    world.boot(helsingor);
    world.send(joins('gravedigger@helsingor.lit/x', `${kronborg}/Clown`));
    for (const node of [rooms, denmark, helsingor])
      expect([node, nicks(world, node)]).toEqual([node, ['Alice', 'Clown', 'Hamlet']]);
    for (const user of [alice, hamlet])
      expect([user, seen(world, user)]).toEqual([
        user,
        expect.arrayContaining(['available Clown', 'unavailable Yorick']),
      ]);
  });

  it('who takes a nick that is the primary’s is refused, with their own kept; or is not let in', () => {
    const world = occupied('alice', 'hamlet', 'yorick');
    world.send(
      presence(jid(yorick), jid(`${kronborg}/Hatter`), { id: 'n' }),
      joins('gravedigger@helsingor.lit/x', `${kronborg}/Rabbit`),
      joins(hatter, `${rabbithole}/Hatter`),
      joins('rabbit@wonderland.lit/x', `${rabbithole}/Rabbit`),
    );
    expect(seen(world, yorick)).toContain('presence error conflict');
    expect(seen(world, 'gravedigger@helsingor.lit/x')).toEqual(['presence error conflict']);
    for (const node of [rooms, denmark, helsingor])
      expect([node, nicks(world, node)]).toEqual([node, ['Alice', 'Hamlet', 'Hatter', 'Rabbit', 'Yorick']]);
  });
});

describe('decision #172: what a primary keeps is the room’s', () => {
  it('it asks its replica for nothing, and takes nothing of the past, nor an older subject, from it', () => {
    const world = occupied('alice', 'hamlet');
    const topic = message(
      jid(alice),
      rabbithole,
      { type: 'groupchat', id: 's' },
      el('subject', NS.client, {}, 'topic'),
    );
    cut(world);
    world.send(topic, says(alice, rabbithole, 'x'));
    world.advance(90_000);
    heal(world);
    world.clear();
    world.advance(120_000);
    const inside = onLink(world).flatMap(({ stanza }) => (fmucOf(stanza) ? fmucOf(stanza).children : []));
    const asks = inside.filter((child) => typeof child !== 'string' && child.name === 'resync');
    expect(asks.length).toBe(1);
    expect([world.status(denmark).subject, seen(world, hamlet).includes('x')]).toEqual(['topic', true]);
    const last = onLink(world).findLast(({ stanza }) => stanza.from.startsWith(elsinore) && fmucOf(stanza))
      ?.stanza as Stanza;
    const place = childOf(fmucOf(last), 's', NS.ext)?.attrs ?? {};
    const history = longAgo(place['e'] ?? '', Number(place['n']) + 1);
    world.clear();
    world.inject(rooms, denmark, history);
    expect(world.got(alice)).toEqual([]);
    expect(world.notes.map(({ spec }) => spec)).toContain('decision#172');
  });
});

describe('decision #173: what a replica’s own users are to have said', () => {
  const topic = message(jid(hamlet), elsinore, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'topic'));
  const isEcho = (stanza: Stanza) => bareOf(stanza.from) === rabbithole && stanza.to === elsinore;

  it('its primary has accepted it, and the echo is lost with the link: it comes with the next join, once', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.advance(60_000);
    world.lose((stanza) => isEcho(stanza) && bodyOf(stanza) === 'x');
    world.send(says(hamlet, elsinore, 'x'));
    expect(seen(world, hamlet)).toEqual([]);
    world.send(says(alice, rabbithole, 'y'));
    for (const user of [hamlet, ophelia])
      expect(seen(world, user).filter((text) => text.length === 1)).toEqual(['x', 'y']);
  });

  it('a subject: the same, and it is still its author’s', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.advance(60_000);
    world.lose((stanza) => isEcho(stanza) && subjectChange(stanza) === 'topic');
    world.send(topic);
    expect(seen(world, hamlet)).toEqual([]);
    world.send(says(alice, rabbithole, 'y'), joins('horatio@denmark.lit/x', `${elsinore}/Horatio`));
    for (const user of [ophelia, 'horatio@denmark.lit/x']) {
      const subject = world.got(user).find((stanza) => subjectChange(stanza) !== undefined);
      expect([user, subject?.from, subject && subjectChange(subject)]).toEqual([user, `${elsinore}/Hamlet`, 'topic']);
    }
  });

  it('the replica crashes before the echo comes: the same', () => {
    const world = occupied('alice', 'hamlet', 'ophelia');
    world.advance(60_000);
    world.lose((stanza) => isEcho(stanza) && bodyOf(stanza) === 'x');
    world.send(says(hamlet, elsinore, 'x'));
    const log = world.crash(denmark);
    world.clear();
    world.boot(denmark, structuredClone(log));
    world.advance(120_000);
    for (const user of [hamlet, ophelia]) expect(seen(world, user).filter((text) => text === 'x')).toEqual(['x']);
  });
});

/** Words of Alice's, as the replica says that they were said. */
function longAgo(session: string, n: number): Stanza {
  return message(
    jid(`${elsinore}/Alice`),
    rabbithole,
    { type: 'groupchat', id: 'old' },
    el('body', NS.client, {}, 'never said'),
    el(
      'fmuc',
      NS.fmuc,
      { from: alice },
      el('change', NS.ext, { id: 'c', past: '1' }),
      el('s', NS.ext, { e: session, n: `${n}` }),
    ),
    el('delay', NS.delay, { from: elsinore, stamp: '1990-10-13T23:58:37Z' }),
  );
}
