import { describe, expect, it } from 'vitest';
import { Arrivals } from '../../src/core/distribution/primary-replica/arrivals.ts';
import { readAsked, readOutcomes } from '../../src/core/xep/sync.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { hasStatus, subjectChange } from '../../src/core/xep/xep0045.ts';
import { readDmuc, writeDmuc } from '../../src/core/xep/xep0282.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
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
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { wallops } from '../support/scenarios.ts';
import { joins, says, tells, World } from '../support/world.ts';

// XEP-0282 §4.8 and §4.11.1.2: what becomes of what users send through a replica whose link fails.

const room = jid('wallops@channel.avalon.irc');
const primary = jid('channel.avalon.irc');
const avalon = 'avalon.irc';
const vesa = 'vesa.yeggmaex.irc';
const replica = jid(`replica@${vesa}`);
const newcomer = `new@${vesa}/x`;
const user = (nick: string) => wallops.occupants.find((occupant) => occupant.nick === nick)?.jid as string;
const own = (name: string) => `{${NS.ext}}dmuc_${name}`;
const local = { [own('split_policy')]: ['local'], [own('split_entry')]: ['1'], [own('split_chat')]: ['1'] };

function everybodyIn(fields: Readonly<Record<string, readonly string[]>> = {}): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
  if (Object.keys(fields).length > 0) {
    const list = Object.entries(fields).map(([name, values]) => ({ var: name, values }));
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields: list });
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'conf' }, el('query', NS.mucOwner, {}, form)));
  }
  administers(world, 'Wumpus', { nick: 'Efchen', role: 'moderator' });
  // The primary has been there for a while, and nothing is open.
  world.advance(30_000);
  world.clear();
  return world;
}

function administers(world: World, who: string, attrs: Record<string, string>): void {
  const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, attrs));
  world.send(iq(jid(user(who)), room, { type: 'set', id: 'act' }, query));
}

/** Users find out by silence. */
function cutSilently(world: World): void {
  world.cut(avalon, vesa, 'silent');
}
function noticed(world: World): void {
  world.advance(150_000);
  expect(stateAt(world)).toBe('split');
}
function heal(world: World): void {
  world.cut(avalon, vesa, undefined);
  world.advance(120_000);
  expect(stateAt(world)).toBe('live');
}
const stateAt = (world: World) => world.status(replica).peers[0]?.state;
const errors = (world: World, who: string) =>
  world.got(who).flatMap(({ name, from, id, type, payloads: _, ...rest }) => {
    const error = errorOf({ name, from, id, type, payloads: _, ...rest });
    return error ? [[name, from, id, error.type, error.condition]] : [];
  });
const texts = (world: World, who: string) => world.got(who).flatMap((stanza) => bodyOf(stanza) ?? []);
const everybody = wallops.occupants.map(({ jid: address }) => address);

const efchen = user('Efchen');
const toRoom = (id: string | undefined, ...payloads: XmlElement[]) =>
  message(jid(efchen), room, { type: 'groupchat', id }, ...payloads);
const topic = (text: string) => toRoom('topic', el('subject', NS.client, {}, text));
const asks = (to: string, id: string) => iq(jid(efchen), jid(to), { type: 'get', id }, el('query', NS.discoInfo));
const mutes = iq(
  jid(efchen),
  room,
  { type: 'set', id: 'mute' },
  el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'WiZ', role: 'visitor' })),
);
const renames = presence(jid(efchen), jid(`${room}/Ef`), { id: 'nick' });
/** One of each kind, and how its author is told that nobody knows what became of it. */
const kinds: readonly (readonly [string, Stanza, readonly unknown[]])[] = [
  ['a message', says(efchen, room, 'hello'), ['message', room, 'say-hello']],
  ['a subject', topic('news'), ['message', room, 'topic']],
  ['a private message', tells(efchen, `${room}/Wumpus`, 'psst'), ['message', `${room}/Wumpus`, 'pm-psst']],
  ['a request to the room', asks(room, 'disco'), ['iq', room, 'disco']],
  ['a request to an occupant', asks(`${room}/Wumpus`, 'disco'), ['iq', `${room}/Wumpus`, 'disco']],
  ['a moderator’s request', mutes, ['iq', room, 'mute']],
  ['a change of nick', renames, ['presence', `${room}/Ef`, 'nick']],
];
const unknown = ['wait', 'remote-server-timeout'];

describe('XEP-0282 §4.11.1.2: said before the split was noticed', () => {
  it.each(kinds)(
    'decision #130: %s is answered at the split, from the address that its author wrote to, once',
    (_, said, told) => {
      const world = everybodyIn();
      cutSilently(world);
      world.send(said);
      expect(errors(world, efchen)).toEqual([]);
      noticed(world);
      expect(errors(world, efchen)).toEqual([[...told, ...unknown]]);
      expect(world.got(efchen)).toHaveLength(1);
      world.clear();
      heal(world);
      for (const address of everybody) expect(world.got(address)).toEqual([]);
    },
  );

  it.each([
    ['freeze', {}],
    ['local', local],
  ])('decision #130, decision #132: nothing is said again, under %s', (_, fields) => {
    const world = everybodyIn(fields);
    cutSilently(world);
    world.send(says(efchen, room, 'before'));
    noticed(world);
    heal(world);
    for (const address of everybody) expect(texts(world, address)).toEqual([]);
    expect(errors(world, efchen)).toHaveLength(1);
  });

  it('decision #130: what the primary had accepted after all comes with the netjoin, once', () => {
    const world = everybodyIn();
    world.lose((stanza) => stanza.to === replica && bodyOf(stanza) === 'hello');
    world.send(says(efchen, room, 'hello'));
    cutSilently(world);
    noticed(world);
    expect(errors(world, efchen)).toHaveLength(1);
    heal(world);
    for (const address of everybody) expect(texts(world, address)).toEqual(['hello']);
    expect(errors(world, efchen)).toHaveLength(1);
  });

  it('decision #130: what came back, or was answered before something that came back, is not answered once more', () => {
    const world = everybodyIn();
    world.send(
      says(efchen, room, 'hello'),
      topic('news'),
      asks(room, 'disco'),
      tells(efchen, `${room}/Wumpus`, 'psst'),
    );
    world.send(toRoom(undefined, el('body', NS.client, {}, 'without an id')));
    cutSilently(world);
    world.send(presence(jid(efchen), jid(`${room}/Efchen`), {}, el('show', NS.client, {}, 'away')));
    noticed(world);
    heal(world);
    expect(errors(world, efchen)).toEqual([]);
  });

  it('decision #130: a message without an id is answered, too', () => {
    const world = everybodyIn();
    cutSilently(world);
    world.send(toRoom(undefined, el('body', NS.client, {}, 'without an id')));
    noticed(world);
    expect(errors(world, efchen)).toEqual([['message', room, undefined, ...unknown]]);
  });

  it('decision #130: a relay that the server gives back is answered once, whether the split is noticed before or after', () => {
    const gives = (world: World, said: Stanza) =>
      world.inject(replica, primary, errorReply(said, { type: 'wait', condition: 'remote-server-timeout' }) as Stanza);
    const world = everybodyIn();
    cutSilently(world);
    const [one, two] = [says(efchen, room, 'one'), tells(efchen, `${room}/Wumpus`, 'two')];
    world.send(one, two);
    gives(world, one);
    expect(stateAt(world)).toBe('split');
    gives(world, two);
    gives(world, two);
    expect(errors(world, efchen)).toEqual([
      ['message', room, 'say-one', ...unknown],
      ['message', `${room}/Wumpus`, 'pm-two', ...unknown],
    ]);
  });

  it('decision #130: a room that has ended when the link is back', () => {
    const world = everybodyIn();
    world.cut(avalon, vesa, 'silent');
    const destroy = el('query', NS.mucOwner, {}, el('destroy', NS.mucOwner));
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'd' }, destroy));
    world.send(says(efchen, room, 'hello'));
    world.advance(15_000);
    world.cut(avalon, vesa, undefined);
    world.advance(300_000);
    expect(errors(world, efchen)).toHaveLength(1);
    expect(world.got(efchen).some(({ type, payloads }) => type === 'unavailable' && hasStatus(payloads, 110))).toBe(
      true,
    );
  });

  it('decision #132: a join is not answered at the split, for the primary may have let the user in; it had not: after the netjoin', () => {
    const world = everybodyIn();
    cutSilently(world);
    world.send(joins(newcomer, `${room}/New`));
    noticed(world);
    expect(world.got(newcomer)).toEqual([]);
    heal(world);
    expect(errors(world, newcomer)).toEqual([['presence', `${room}/New`, 'join', ...unknown]]);
    world.clear();
    world.send(joins(newcomer, `${room}/New`));
    expect(world.got(newcomer).some(({ payloads }) => hasStatus(payloads, 110))).toBe(true);
  });

  it('decision #132: it had: the user is in, and hears of no error', () => {
    const world = everybodyIn();
    world.lose((stanza) => stanza.to === replica && readDmuc(stanza.payloads)?.enter !== undefined);
    world.send(joins(newcomer, `${room}/New`));
    cutSilently(world);
    world.advance(35_000);
    expect(stateAt(world)).toBe('split');
    heal(world);
    expect(errors(world, newcomer)).toEqual([]);
    expect(world.got(newcomer).filter(({ payloads }) => hasStatus(payloads, 110))).toHaveLength(1);
  });

  it('decision #132: a user who asks again meanwhile has their answer', () => {
    const world = everybodyIn();
    cutSilently(world);
    world.send(joins(newcomer, `${room}/New`));
    noticed(world);
    world.send(joins(newcomer, `${room}/New`));
    heal(world);
    expect(errors(world, newcomer)).toHaveLength(1);
  });
});

describe('XEP-0282 §4.8: lost on its way, and nobody is split', () => {
  it.each(kinds)(
    'decision #131: %s that a link swallowed is answered, from the address that its author wrote to, once',
    (_, said, told) => {
      const world = everybodyIn();
      let lost = 0;
      // The first hop is the one to the replica.
      world.lose((stanza) => stanza.from === efchen && stanza.id === said.id && ++lost === 2);
      world.send(said);
      world.advance(6_000);
      expect([lost, stateAt(world)]).toEqual([2, 'live']);
      expect(errors(world, efchen)).toEqual([[...told, ...unknown]]);
      world.advance(300_000);
      expect(errors(world, efchen)).toHaveLength(1);
    },
  );

  it.each(kinds)(
    'decision #131: %s that arrived is not answered by the replica, whatever the primary made of it',
    (_, said) => {
      for (const role of ['moderator', 'visitor']) {
        const world = everybodyIn({ 'muc#roomconfig_moderatedroom': ['1'] });
        administers(world, 'Wumpus', { nick: 'Efchen', role });
        world.clear();
        world.send(said);
        const got = world.got(efchen).length;
        world.advance(300_000);
        expect(world.got(efchen)).toHaveLength(got);
      }
    },
  );

  it('decision #131: a join that a link swallowed is answered', () => {
    const world = everybodyIn();
    let lost = 0;
    world.lose((stanza) => stanza.from === newcomer && ++lost === 2);
    world.send(joins(newcomer, `${room}/New`));
    world.advance(6_000);
    expect(errors(world, newcomer)).toEqual([['presence', `${room}/New`, 'join', ...unknown]]);
  });

  it('decision #131: one ping asks about all of them, and names of no relay more than its author, kind and id', () => {
    const world = everybodyIn();
    const before = world.now;
    world.send(asks(room, 'disco'), tells(efchen, `${room}/Wumpus`, 'psst'));
    world.advance(5_000);
    expect(world.now).toBe(before + 5_000);
    const pings = world.crossed().flatMap(({ stanza }) => payloadOf(stanza, 'ping', NS.ping) ?? []);
    expect(pings.flatMap(readAsked)).toEqual([
      { n: expect.any(Number), name: 'iq', from: efchen, id: 'disco', ago: 5 },
      { n: expect.any(Number), name: 'message', from: efchen, id: 'pm-psst', ago: 5 },
    ]);
    const [result] = world.to(replica).filter(({ type, id }) => type === 'result' && id !== undefined);
    expect(readOutcomes(result?.payloads ?? []).size).toBe(0);
    expect(JSON.stringify(pings)).not.toContain('psst"]');
  });

  it('decision #131: a primary that has started since does not know: the author is told', () => {
    const world = everybodyIn();
    world.send(tells(efchen, `${room}/Wumpus`, 'psst'));
    world.boot(primary, world.crash(primary));
    world.advance(300_000);
    expect(errors(world, efchen)).toEqual([['message', `${room}/Wumpus`, 'pm-psst', ...unknown]]);
  });

  it('decision #131: the question is asked again where it, or its answer, got lost', () => {
    const world = everybodyIn();
    let lost = 0;
    world.lose((stanza) => stanza.from === efchen && ++lost === 2);
    world.send(tells(efchen, `${room}/Wumpus`, 'psst'));
    world.lose((stanza) => stanza.from === room && stanza.to === replica && stanza.type === 'result');
    world.advance(60_000);
    expect(errors(world, efchen)).toHaveLength(1);
  });

  it('decision #131: only about users of a domain that the replica may serve, and nothing of what was long ago', () => {
    const arrivals = new Arrivals();
    const asked = (from: string, ago: number) => [{ n: 1, name: 'iq', from: jid(from), id: 'i', ago }] as const;
    const outcome = (from: string, ago: number) =>
      arrivals.outcomesOf(asked(from, ago), [jid(vesa)], instant(100_000)).get(1);
    expect(outcome(efchen, 5)).toBe('unknown');
    arrivals.begin(instant(50_000));
    expect([outcome(efchen, 5), outcome(efchen, 40)]).toEqual(['lost', 'unknown']);
    for (const from of [efchen, user('Wumpus')])
      arrivals.add(iq(jid(from), room, { type: 'get', id: 'i' }), instant(90_000));
    expect([outcome(efchen, 5), outcome(user('Wumpus'), 5)]).toEqual([undefined, 'lost']);
  });
});

describe('XEP-0282 §4.11.1.2: what nobody would miss', () => {
  const states: readonly (readonly [string, XmlElement])[] = [
    ['a chat state', el('composing', 'http://jabber.org/protocol/chatstates')],
    ['a marker', el('displayed', 'urn:xmpp:chat-markers:0', { id: 'x' })],
    ['a receipt', el('received', 'urn:xmpp:receipts', { id: 'x' })],
    ['the mark of a private message', el('x', NS.mucUser)],
    ['what we do not know', el('thing', 'urn:example')],
  ];
  const errorsOf = (world: World) => everybody.flatMap((address) => errors(world, address));

  it.each(states)(
    'decision #133: %s is dropped without a word, whatever the policy, and is no talk of the split',
    (_, state) => {
      for (const fields of [{}, local]) {
        const world = everybodyIn(fields);
        cutSilently(world);
        world.send(toRoom('before', state));
        noticed(world);
        const pm = message(jid(efchen), jid(`${room}/Wumpus`), { type: 'chat', id: 'pm' }, state);
        world.send(toRoom('now', state), pm, message(jid(newcomer), room, { type: 'groupchat', id: 'x' }, state));
        expect(errors(world, newcomer)).toEqual([]);
        heal(world);
        expect(errorsOf(world)).toEqual([]);
        for (const address of everybody) expect(world.got(address)).toEqual([]);
      }
    },
  );

  it('decision #133: also of a provisional user; a private message to somebody beside them is passed on', () => {
    const world = everybodyIn({ ...local, [own('split_pm')]: ['1'] });
    cutSilently(world);
    noticed(world);
    world.send(joins(newcomer, `${room}/New`));
    world.clear();
    const [, state] = states[0] as (typeof states)[0];
    world.send(message(jid(newcomer), room, { type: 'groupchat', id: 'x' }, state));
    world.send(message(jid(newcomer), jid(`${room}/Wumpus`), { type: 'chat', id: 'y' }, state));
    expect(world.got(newcomer)).toEqual([]);
    world.send(message(jid(newcomer), jid(`${room}/Efchen`), { type: 'chat', id: 'z' }, state));
    expect(world.got(efchen).map(({ id }) => id)).toEqual(['z']);
    heal(world);
    expect(errors(world, newcomer)).toEqual([]);
  });

  it('decision #133: nor does its bounce reach its author; nor is it judged after the split', () => {
    const world = everybodyIn();
    cutSilently(world);
    const [, state] = states[0] as (typeof states)[0];
    const said = toRoom('x', state);
    world.send(said);
    world.inject(replica, primary, errorReply(said, { type: 'wait', condition: 'remote-server-timeout' }) as Stanza);
    expect([world.got(efchen), stateAt(world)]).toEqual([[], 'split']);
    heal(world);
    const mark = writeDmuc({ split: 's', delay: { stamp: world.now } });
    world.inject(primary, vesa, message(jid(efchen), room, { type: 'groupchat', id: 'y' }, state, mark));
    for (const address of everybody) expect(world.got(address)).toEqual([]);
  });

  it.each([
    ['a subject', el('subject', NS.client, {}, 'news')],
    ['what is to be kept (XEP-0334)', el('store', 'urn:xmpp:hints')],
    ['an invitation', el('x', NS.mucUser, {}, el('invite', NS.mucUser, { to: 'hecate@shakespeare.lit' }))],
  ])('decision #133: %s would be missed: it is refused', (_, payload) => {
    const world = everybodyIn();
    cutSilently(world);
    noticed(world);
    world.send(toRoom('x', payload));
    expect(errors(world, efchen)).toEqual([['message', room, 'x', ...unknown]]);
    expect(world.got(efchen).map(subjectChange)).toEqual([undefined]);
  });
});
