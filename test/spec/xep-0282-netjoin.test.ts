import { describe, expect, it } from 'vitest';
import { probeMs } from '../../src/core/distribution/keepalive.ts';
import type { ReplicaPeer } from '../../src/core/distribution/peers.ts';
import { ChangeLog, changesMax } from '../../src/core/room/change-log.ts';
import { writeAck, writeCreate, writeCreated, writeNetjoin, writeOffer, writeReady } from '../../src/core/xep/sync.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { hasStatus, readMucUser, readStatuses, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readDmuc, writeDmuc } from '../../src/core/xep/xep0282.ts';
import { bareOf, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorOf,
  iq,
  iqResult,
  message,
  payloadOf,
  presence,
  type Stanza,
  stanzaText,
} from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { wallops } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

// What XEP-0282 leaves "to follow" (§4.2, §4.11.2) and what it lets a replica do by itself (§4.11.1.2).

const room = jid('wallops@channel.avalon.irc');
const primary = jid('channel.avalon.irc');
const avalon = 'avalon.irc';
const vesa = 'vesa.yeggmaex.irc';
const replica = jid(`replica@${vesa}`);
const others = [jid('replica@killrc.oulubox.irc'), jid('replica@eris.dclxvii.irc')] as const;
const user = (nick: string) => wallops.occupants.find((occupant) => occupant.nick === nick)?.jid as string;
const bare = (nick: string) => user(nick).split('/')[0] as string;
const newcomer = `new@${vesa}/x`;

const itemAt = (stanza: Stanza) => readMucUser(stanza.payloads);
const texts = (stanzas: readonly Stanza[]) => stanzas.flatMap((stanza) => bodyOf(stanza) ?? []);
const late = (stanza: Stanza) => payloadOf(stanza, 'delay', NS.delay) !== undefined;
const statuses = (world: World, who: string, from: string) =>
  world.got(who).flatMap((stanza) => (stanza.from === `${room}/${from}` ? [itemAt(stanza)?.statuses] : []));

type Fields = Readonly<Record<string, readonly string[]>>;
function configure(world: World, fields: Fields): void {
  const list = Object.entries(fields).map(([name, values]) => ({ var: name, values }));
  const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields: list });
  world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'conf' }, el('query', NS.mucOwner, {}, form)));
}
const own = (name: string) => `{${NS.ext}}dmuc_${name}`;
const local: Fields = { [own('split_policy')]: ['local'], [own('split_entry')]: ['1'] };

function administer(world: World, attrs: Record<string, string>, who = 'Wumpus', ...reason: string[]): void {
  const children = reason.map((text) => el('reason', NS.mucAdmin, {}, text));
  const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, attrs, ...children));
  world.send(iq(jid(user(who)), room, { type: 'set', id: 'act' }, query));
}

function everybodyIn(fields: Fields = {}): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
  if (Object.keys(fields).length > 0) configure(world, fields);
  world.clear();
  return world;
}

/** vesa is cut off, and both ends know. */
function cutOff(world: World): void {
  world.cut(avalon, vesa, 'bounce');
  world.send(presence(jid(user('Wumpus')), jid(`${room}/Wumpus`), {}, el('show', NS.client, {}, 'chat')));
  world.send(presence(jid(user('Efchen')), jid(`${room}/Efchen`), {}, el('show', NS.client, {}, 'chat')));
  world.advance(6_000);
  expect(peerOf(world, primary)).toBe('split');
  expect(world.status(replica).peers[0]?.state).toBe('split');
  world.clear();
}
function heal(world: World): void {
  world.cut(avalon, vesa, undefined);
  world.clear();
  world.advance(61_000);
  expect(peerOf(world, primary)).toBe('live');
  expect(world.status(replica).peers[0]?.state).toBe('live');
}
const peerOf = (world: World, node: string) =>
  world.status(jid(node)).peers.find(({ peer }) => peer === replica)?.state;
const apart = (fields: Fields = {}): World => {
  const world = everybodyIn(fields);
  cutOff(world);
  return world;
};

/** The primary starts again and knows the replica by another session: the netjoin brings everything. */
function forgetSession(world: World): void {
  const record = { session: 'another' };
  world.boot(
    primary,
    world
      .crash(primary)
      .map((event) =>
        event.kind === 'peerChanged' && event.record ? { ...event, record: { ...event.record, ...record } } : event,
      ),
  );
}

/** The primary serves the newcomer itself, and their replica, which is cut off, knows nothing of it. */
function pastTheReplica(fields: Fields = {}): World {
  const world = everybodyIn(fields);
  const log = world.crash(replica);
  world.send(says(user('Wumpus'), room, 'finds out'));
  world.inject(primary, vesa, joins(newcomer, `${room}/New`));
  world.cut(avalon, vesa, 'bounce');
  world.boot(replica, log);
  world.advance(15_000);
  expect(world.status(replica).peers[0]?.state).toBe('split');
  return world;
}

const kept = (world: World, node: string) =>
  world
    .seat(jid(node))
    .node.snapshot()
    .rooms[0]?.history.map(({ id, at, payloads }) => ({ id, at, payloads }));
const nicksAt = (world: World, node: string) =>
  world
    .status(jid(node))
    .occupants.map(({ nick, role, affiliation }) => `${nick} ${role} ${affiliation}`)
    .sort();
function expectTheSameEverywhere(world: World): void {
  for (const node of [replica, ...others]) {
    expect([node, nicksAt(world, node)]).toEqual([node, nicksAt(world, primary)]);
    expect([node, kept(world, node)]).toEqual([node, kept(world, primary)]);
  }
}

describe('XEP-0282 §4.11.2 Netjoin: after more than the primary’s patience, under the policy `local`', () => {
  const talking = { ...local, [own('split_chat')]: ['1'] };
  /** The primary has removed those behind the replica, who went on talking. */
  function held(): World {
    const world = apart(talking);
    world.send(says(user('Efchen'), room, 'while apart'));
    world.send(says(user('Wumpus'), room, 'before'));
    world.advance(601_000);
    world.send(says(user('Wumpus'), room, 'after'));
    expect(nicksAt(world, primary).some((nick) => nick.startsWith('Efchen'))).toBe(false);
    expect(world.status(replica).occupants.some(({ nick }) => nick === 'Efchen')).toBe(true);
    return world;
  }

  it.each([
    ['what was missed', false],
    ['everything, in another session', true],
  ])(
    'decision #89: they are let in again, hear all, and what they said is judged; the netjoin brings %s',
    (_, another) => {
      const world = held();
      if (another) forgetSession(world);
      heal(world);
      const efchen = world.got(user('Efchen'));
      expect(efchen.filter(({ type }) => type === 'unavailable' || type === 'error').map(stanzaText)).toEqual([]);
      if (!another) expect(texts(efchen)).toEqual(['before', 'after']);
      expect(texts(world.got(user('BigCheese'))).filter((text) => text === 'while apart')).toEqual([]);
      expect(texts(world.got(user('Wumpus')))).toEqual(['while apart']);
      // Of the history a new session brings as much as was agreed on.
      expect(nicksAt(world, replica)).toEqual(nicksAt(world, primary));
      world.clear();
      world.send(says(user('Efchen'), room, 'here'), says(user('Wumpus'), room, 'there'));
      expect(texts(world.got(user('Efchen')))).toEqual(['here', 'there']);
    },
  );

  it('decision #89, decision #91: a user who may not enter is told, and so is one who loses what they said', () => {
    const world = held();
    administer(world, { jid: bare('Efchen'), affiliation: 'outcast' });
    heal(world);
    const told = world.got(user('Efchen'));
    const errors = told.flatMap((stanza) => errorOf(stanza)?.condition ?? []);
    expect(errors).toEqual(['forbidden', 'not-acceptable']);
    expect(told.some(({ type, from }) => type === 'unavailable' && from === `${room}/Efchen`)).toBe(true);
    expect(texts(world.got(user('Wumpus')))).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it('decision #89: a user whose nick is another’s by now is called something else', () => {
    const world = held();
    world.send(joins('other@avalon.irc/x', `${room}/Efchen`));
    heal(world);
    expect(statuses(world, user('Efchen'), 'Efchen_').at(-1)).toEqual([110]);
    expectTheSameEverywhere(world);
  });

  it('decision #89: under `freeze` they are out, because nothing that they did is lost', () => {
    const world = apart();
    world.advance(601_000);
    heal(world);
    expect(statuses(world, user('Efchen'), 'Efchen').at(-1)).toEqual([333, 110]);
    expectTheSameEverywhere(world);
  });
});

describe('XEP-0282 §4.2 Creating a Replica: the list and what is agreed on', () => {
  const without = { [own('replicas')]: others.map(String) };

  it('decision #40: an owner takes a replica off the list; its users stay, are told of the configuration, and miss nothing', () => {
    const world = everybodyIn();
    configure(world, without);
    for (const nick of ['BigCheese', 'Efchen'])
      expect(world.got(user(nick)).map(({ name, from }) => [name, from])).toEqual([['message', room]]);
    expect(peerOf(world, primary)).toBeUndefined();
    world.clear();
    world.send(says(user('Wumpus'), room, 'one'));
    world.send(says(user('Efchen'), room, 'two'));
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['one', 'two']);
    world.clear();
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[110]]);
    expect(statuses(world, user('BigCheese'), 'Efchen')).toEqual([[]]);
  });

  it('decision #75: and puts it on again: it is offered to, and serves those who enter from then on', () => {
    const world = everybodyIn();
    configure(world, without);
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    world.clear();
    configure(world, { [own('replicas')]: [replica, ...others].map(String) });
    expect(peerOf(world, primary)).toBe('live');
    expect(world.got(user('BigCheese')).map(({ name, from }) => [name, from])).toEqual([['message', room]]);
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    world.clear();
    world.send(says(user('Wumpus'), room, 'hello'));
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['hello']);
    expect(world.status(primary).occupants.find(({ nick }) => nick === 'Efchen')?.home).toBe(replica);
    expect(world.status(primary).occupants.find(({ nick }) => nick === 'BigCheese')?.home).toBeUndefined();
  });

  it('decision #40: a replica that had missed something when it was dismissed: its users are out, and know it', () => {
    const world = everybodyIn();
    world.lose((stanza) => stanza.to === replica && bodyOf(stanza) === 'lost');
    world.send(says(user('Wumpus'), room, 'lost'));
    world.lose((stanza) => stanza.to === room && payloadOf(stanza, 'netjoin', NS.ext) !== undefined);
    configure(world, without);
    expect(world.status(primary).occupants.map(({ nick }) => nick)).not.toContain('Efchen');
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[333, 110]]);
  });

  it('decision #143: the users of a replica that is split when it is dismissed are out, and know it', () => {
    const world = everybodyIn();
    world.freeze(replica);
    world.advance(121_000);
    expect(peerOf(world, primary)).toBe('split');
    world.send(says(user('Wumpus'), room, 'missed'));
    world.clear();
    configure(world, without);
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[333, 110]]);
    expect(statuses(world, user('Wumpus'), 'Efchen')).toEqual([[333]]);
    world.thaw(replica);
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    world.clear();
    world.send(says(user('Wumpus'), room, 'heard'));
    expect(texts(world.got(user('Efchen')))).toEqual(['heard']);
  });

  it('decision #90: dismissed by a primary that has not noticed the split, it relays the leaves; provisional users are out', () => {
    const world = everybodyIn({ ...local, [own('split_chat')]: ['1'] });
    world.cut(avalon, vesa, 'silent');
    world.send(says(user('Efchen'), room, 'lost'));
    world.advance(45_000);
    expect([world.status(replica).peers[0]?.state, peerOf(world, primary)]).toEqual(['split', 'live']);
    world.send(joins(newcomer, `${room}/New`));
    world.send(says(user('Efchen'), room, 'never told'), leaves(user('BigCheese'), `${room}/BigCheese`));
    world.cut(avalon, vesa, undefined);
    world.clear();
    configure(world, without);
    expect(world.status(replica).peers[0]?.state).toBe('rejected');
    expect(statuses(world, newcomer, 'New').at(-1)).toEqual([333, 110]);
    expect(texts(world.got(user('Wumpus')))).not.toContain('never told');
    expect(nicksAt(world, primary).filter((nick) => /^(?:BigCheese|New) /.test(nick))).toEqual([]);
  });

  it('decision #40: a replica that is stopped hands its users over', () => {
    const world = everybodyIn();
    world.command(replica, { name: 'stop' });
    expect(world.got(user('Efchen'))).toEqual([]);
    world.send(says(user('Wumpus'), room, 'on'));
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['on']);
    world.clear();
    world.boot(replica, world.crash(replica));
    world.send(says(user('Efchen'), room, 'and on'));
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['and on']);
  });

  it('decision #73: the keepalive is what the replica asked for, on both sides', () => {
    const world = everybodyIn();
    const create = writeCreate({ serves: [jid(vesa)], keepalive: { interval: 20, timeout: 5 }, maxstanzas: 50 });
    world.crash(replica);
    world.inject(primary, vesa, iq(replica, room, { type: 'set', id: 'c' }, create));
    const created = world.to(replica).flatMap((stanza) => payloadOf(stanza, 'created', NS.ext) ?? [])[0];
    const parts = created?.children.map((child) => (typeof child === 'string' ? '' : [child.name, child.attrs]));
    expect(parts?.slice(0, 2)).toEqual([
      ['keepalive', { interval: '20', timeout: '5' }],
      ['history', { maxstanzas: '50' }],
    ]);
    world.inject(primary, vesa, iq(replica, room, { type: 'result', id: readyId(world) }, writeAck({ h: 7 })));
    world.clear();
    world.advance(25_000);
    expect(world.to(replica).some((stanza) => payloadOf(stanza, 'ping', NS.ping))).toBe(true);
  });
  const readyId = (world: World) => world.to(replica).find(({ payloads }) => payloads[0]?.name === 'ready')?.id;

  it('decision #15: a replica is told of the policy with its creation, and of changes at their place', () => {
    const world = everybodyIn();
    configure(world, local);
    const [told] = world.to(replica).filter((stanza) => payloadOf(stanza, 'x', NS.dataForms));
    expect(readDmuc(told?.payloads ?? [])?.position?.n).toBe(8);
    expect(world.seat(replica).node.snapshot().rooms[0]?.changes).toMatchObject({
      split: { policy: 'local', entry: true },
    });
    configure(world, { 'muc#roomconfig_membersonly': ['1'] });
    expect(world.seat(replica).node.snapshot().rooms[0]?.changes).toMatchObject({ split: { entry: false } });
  });

  it('decision #15: a room becomes members-only: its replicas are told in the order of the places', () => {
    const world = everybodyIn();
    configure(world, { 'muc#roomconfig_membersonly': ['1'] });
    expect(nicksAt(world, primary)).toEqual(nicksAt(world, replica));
    expect(nicksAt(world, primary)).toHaveLength(3);
    expect(world.to(room).filter((stanza) => payloadOf(stanza, 'netjoin', NS.ext))).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it('decision #5: a replica that was offered to, and whose request got lost, asks again', () => {
    const world = everybodyIn();
    let lost = 0;
    world.lose((stanza) => payloadOf(stanza, 'netjoin', NS.ext) !== undefined && ++lost === 1);
    world.inject(replica, primary, message(room, replica, {}, writeOffer()));
    expect(lost).toBe(1);
    world.clear();
    world.advance(30_000);
    expect(world.to(room).some((stanza) => payloadOf(stanza, 'netjoin', NS.ext))).toBe(true);
    expect(world.status(replica).peers[0]?.state).toBe('live');
  });

  it('decision #3: an answer that comes slowly is waited for, and not asked for anew', () => {
    const world = apart();
    const words = ['still here', 'and here', 'to the end'];
    for (const text of words) world.send(says(user('Wumpus'), room, text));
    // Nothing passes by itself: what the primary sends is handed over later, one by one.
    world.cut(avalon, vesa, 'silent');
    world.clear();
    const requests = () => world.to(room).filter((stanza) => payloadOf(stanza, 'netjoin', NS.ext));
    while (requests().length === 0) world.advance(1_000);
    world.inject(primary, vesa, requests()[0] as Stanza);
    const answer = world.to(replica);
    expect(answer.length).toBeGreaterThan(words.length);
    world.clear();
    for (const stanza of answer) {
      world.inject(replica, primary, stanza);
      world.advance(11_000);
    }
    expect(requests()).toEqual([]);
    expect(texts(world.got(user('Efchen')))).toEqual(words);
    expect(world.status(replica).peers[0]?.state).toBe('live');
  });

  it('decision #3: but one whose end got lost is asked for anew, however much is said meanwhile', () => {
    const world = apart();
    world.send(says(user('Wumpus'), room, 'still here'));
    world.cut(avalon, vesa, 'silent');
    world.clear();
    const requests = () => world.to(room).filter((stanza) => payloadOf(stanza, 'netjoin', NS.ext));
    while (requests().length === 0) world.advance(1_000);
    world.inject(primary, vesa, requests()[0] as Stanza);
    for (let said = 0; said < 10; said++) {
      const sent = world.to(replica).filter((stanza) => payloadOf(stanza, 'ready', NS.ext) === undefined);
      const pings = world.to(room).filter((stanza) => payloadOf(stanza, 'ping', NS.ping));
      world.clear();
      for (const stanza of sent) world.inject(replica, primary, stanza);
      for (const stanza of pings) world.inject(primary, vesa, stanza);
      world.advance(5_000);
      if (requests().length > 0) return;
      world.send(says(user('Wumpus'), room, `and on ${said}`));
    }
    expect.fail('never asked again');
  });

  it('decision #52, §4.11.1.1 "with a higher frequency": while split neither is silent for longer than the agreed interval', () => {
    const world = everybodyIn();
    world.cut(avalon, vesa, 'silent');
    world.advance(180_000);
    expect([peerOf(world, primary), world.status(replica).peers[0]?.state]).toEqual(['split', 'split']);
    const silent: Record<string, number> = { [room]: 0, [replica]: 0 };
    for (let second = 0; second < 1_200; second++) {
      world.clear();
      world.advance(1_000);
      for (const { stanza } of world.crossed()) if ([stanza.from, stanza.to].includes(replica)) silent[stanza.to] = 0;
      for (const to of [room, replica]) {
        silent[to] = (silent[to] as number) + 1;
        expect(silent[to]).toBeLessThanOrEqual(60);
      }
    }
  });

  it('decision #52: nor where less was agreed on', () => {
    const env = { now: instant(0), newId: () => 'zzz' };
    for (const interval of [10, 60, 3_600])
      for (let tries = 0; tries < 12; tries++)
        for (const id of ['', 'a', 'zz', 'q7', 'x9'])
          expect(probeMs({ ...env, newId: () => id }, tries, { interval, timeout: 5 })).toBeLessThanOrEqual(
            Math.min(interval, 72) * 1_000,
          );
  });

  it('decision #52: of a request whose answer is long in coming there is one: pings find out whether it is lost', () => {
    const world = apart();
    world.send(says(user('Wumpus'), room, 'still here'));
    world.cut(avalon, vesa, 'silent');
    world.clear();
    const sent = (name: string, xmlns: string) =>
      world.to(room).filter((stanza) => stanza.from === replica && payloadOf(stanza, name, xmlns));
    while (sent('netjoin', NS.ext).length === 0) world.advance(1_000);
    world.advance(300_000);
    expect(sent('netjoin', NS.ext)).toHaveLength(1);
    const [request] = sent('netjoin', NS.ext);
    const last = sent('ping', NS.ping).at(-1) as Stanza;
    expect(payloadOf(last, 'ping', NS.ping)?.children).toEqual([]);
    world.clear();
    // It comes after all, and all of it counts.
    world.inject(primary, vesa, request as Stanza);
    for (const stanza of world.to(replica)) world.inject(replica, primary, stanza);
    expect(world.status(replica).peers[0]?.state).toBe('live');
    expect(texts(world.got(user('Efchen')))).toEqual(['still here']);
  });

  it('decision #52: what has not come before the result of a later ping is lost, and asked for at once', () => {
    const world = apart();
    world.cut(avalon, vesa, 'silent');
    world.clear();
    const sent = (name: string, xmlns: string) =>
      world.to(room).filter((stanza) => stanza.from === replica && payloadOf(stanza, name, xmlns));
    while (sent('ping', NS.ping).length === 0) world.advance(1_000);
    expect(sent('netjoin', NS.ext)).toHaveLength(1);
    world.inject(replica, primary, iqResult(sent('ping', NS.ping)[0] as Stanza));
    expect(sent('netjoin', NS.ext)).toHaveLength(2);
  });

  it('decision #70: the loss of the very last change is noticed with the next ping', () => {
    const world = everybodyIn();
    world.lose((stanza) => stanza.to === replica && bodyOf(stanza) === 'the last word');
    world.send(says(user('Wumpus'), room, 'the last word'));
    expect(texts(world.got(user('Efchen')))).toEqual([]);
    world.advance(75_000);
    expect(texts(world.got(user('Efchen')))).toEqual(['the last word']);
    expectTheSameEverywhere(world);
  });

  it('decision #78: a join of one who is in, whose answer is lost, is answered at the end of the netjoin, once', () => {
    const world = everybodyIn();
    world.send(says(user('Wumpus'), room, 'before'));
    world.clear();
    let lost = 0;
    world.lose((stanza) => stanza.to === replica && readDmuc(stanza.payloads)?.enter !== undefined && ++lost > 0);
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    expect([lost, world.got(user('Efchen'))]).toEqual([1, []]);
    world.lose((stanza) => stanza.to === replica && bodyOf(stanza) === 'lost');
    world.send(says(user('Wumpus'), room, 'lost'));
    world.lose(() => false);
    world.send(says(user('Wumpus'), room, 'after'));
    const efchen = world.got(user('Efchen'));
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[110]]);
    const subjects = efchen.filter((stanza) => payloadOf(stanza, 'subject', NS.client));
    expect(subjects).toHaveLength(1);
    const ends = efchen.indexOf(subjects[0] as Stanza);
    expect(texts(efchen.slice(0, ends)).filter((text) => text === 'before')).toHaveLength(1);
    expectTheSameEverywhere(world);
  });

  it('decision #78: one for another nick that the primary refused is not answered once more at the end of a netjoin', () => {
    const world = everybodyIn();
    world.send(joins(user('Efchen'), `${room}/Wumpus`));
    expect(world.got(user('Efchen')).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    world.clear();
    world.lose((stanza) => stanza.to === replica && bodyOf(stanza) === 'lost');
    world.send(says(user('Wumpus'), room, 'lost'));
    world.send(says(user('Wumpus'), room, 'after'));
    const netjoins = world.to(room).filter((stanza) => payloadOf(stanza, 'netjoin', NS.ext));
    expect(netjoins).toHaveLength(1);
    expect(world.got(user('Efchen')).map(({ name, from }) => [name, from])).toEqual([
      ['message', `${room}/Wumpus`],
      ['message', `${room}/Wumpus`],
    ]);
    expectTheSameEverywhere(world);
  });

  it.each([
    ['by its address', { jid: newcomer }, {}],
    ['by whom it enters', {}, { enter: jid(newcomer) }],
  ])(
    'decision #74: a roster that names one session twice, %s, is not complete: the replica asks again',
    (_, item, dmuc) => {
      const world = everybodyIn();
      const log = world.crash(replica);
      world.cut(avalon, vesa, 'silent');
      world.clear();
      world.boot(replica, log);
      const netjoins = () => world.sent.flatMap(({ stanza }) => (payloadOf(stanza, 'netjoin', NS.ext) ? [stanza] : []));
      const { epoch, n } = world.seat(replica).node.snapshot().rooms[0] as { epoch: number; n: number };
      const before = nicksAt(world, replica);
      const keepalive = { interval: 60, timeout: 15 };
      const created = writeCreated({ session: 's', epoch, n, mode: 'full', jids: 'all', keepalive, maxstanzas: 0 });
      const answer = (stanza: Stanza) => world.inject(replica, primary, stanza);
      answer(iqResult(netjoins()[0] as Stanza, created));
      for (const nick of ['New', 'Newer']) {
        const who = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], ...item });
        answer(presence(jid(`${room}/${nick}`), replica, {}, who, writeDmuc(dmuc)));
      }
      answer(iq(room, replica, { type: 'set', id: 'ready-s' }, writeReady({ n, roster: 2, history: 0 })));
      expect(netjoins()).toHaveLength(2);
      expect(nicksAt(world, replica)).toEqual(before);
    },
  );
});

describe('XEP-0282 §4.11.1.1 At the Primary', () => {
  it('decision #16: nicks and roles are kept for ten minutes, then they are out with 333', () => {
    const world = apart();
    // A notice for them bounces: they are kept all the same.
    configure(world, { 'muc#roomconfig_changesubject': ['0'] });
    world.send(joins('other@avalon.irc/x', `${room}/Efchen`));
    expect(world.got('other@avalon.irc/x').map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    world.advance(580_000);
    expect(world.status(primary).occupants).toHaveLength(7);
    world.clear();
    world.advance(30_000);
    expect(world.status(primary).occupants).toHaveLength(5);
    expect(statuses(world, user('Wumpus'), 'Efchen')).toEqual([[333]]);
    heal(world);
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[333, 110]]);
    expectTheSameEverywhere(world);
  });

  it('decision #16: and no longer where the clock of the primary is set back while it restarts', () => {
    const world = apart();
    world.advance(60_000);
    const log = world.crash(primary);
    world.setClock(primary, -7_200_000);
    world.boot(primary, log);
    world.advance(610_000);
    expect(world.status(primary).occupants).toHaveLength(5);
  });

  it('decision #80: with the field for it both sides show those on the other as away, and take it back', () => {
    const world = everybodyIn({ [own('split_away')]: ['1'] });
    world.cut(avalon, vesa, 'bounce');
    world.send(says(user('Wumpus'), room, 'x'));
    world.send(says(user('BigCheese'), room, 'y'));
    world.advance(6_000);
    const show = (who: string, about: string) =>
      world
        .got(user(who))
        .filter(({ name, from }) => name === 'presence' && from === `${room}/${about}`)
        .map((stanza) => payloadOf(stanza, 'show', NS.client)?.children[0]);
    expect(show('WiZ', 'Efchen')).toEqual(['away']);
    expect(show('Efchen', 'WiZ')).toEqual(['away']);
    expect(show('Efchen', 'BigCheese')).toEqual([]);
    const [marked] = world.got(user('Efchen')).filter(({ from }) => from === `${room}/WiZ`);
    expect(marked && payloadOf(marked, 'status', NS.client)?.children[0]).toContain('netsplit');
    heal(world);
    expect(show('WiZ', 'Efchen')).toEqual([undefined]);
    expect(show('Efchen', 'WiZ')).toEqual([undefined]);
    expect(show('Efchen', 'Efchen')).toEqual([]);
    expectTheSameEverywhere(world);
  });
});

describe('XEP-0282 §4.11.1.2 At the Replica', () => {
  it('decision #17: freeze lets nobody talk, not even to each other', () => {
    const world = apart();
    world.send(says(user('Efchen'), room, 'hello?'));
    world.send(tells(user('Efchen'), `${room}/BigCheese`, 'psst'));
    administer(world, { nick: 'Efchen', role: 'none' }, 'BigCheese');
    world.send(joins(newcomer, `${room}/New`));
    const refused = [...world.got(user('Efchen')), ...world.got(user('BigCheese')), ...world.got(newcomer)];
    expect(refused.map((stanza) => errorOf(stanza)?.condition)).toEqual(Array(4).fill('remote-server-timeout'));
    expect(world.crossed()).toEqual([]);
  });

  it('decision #17: local conversation and private messages among local participants', () => {
    const world = apart(local);
    world.send(says(user('Efchen'), room, 'just us'));
    for (const nick of ['Efchen', 'BigCheese']) expect(texts(world.got(user(nick)))).toEqual(['just us']);
    expect(world.got(user('Efchen'))[0]?.payloads.map(({ name }) => name)).not.toContain('stanza-id');
    world.clear();
    world.send(tells(user('Efchen'), `${room}/BigCheese`, 'psst'));
    world.send(tells(user('Efchen'), `${room}/Wumpus`, 'psst'));
    expect(world.got(user('BigCheese')).map((stanza) => [stanza.from, bodyOf(stanza)])).toEqual([
      [`${room}/Efchen`, 'psst'],
    ]);
    expect(world.got(user('Efchen')).map((stanza) => errorOf(stanza)?.condition)).toEqual(['remote-server-timeout']);
    expect(world.crossed()).toEqual([]);
  });

  it('decision #17: each of the MAYs is a field of its own', () => {
    const world = apart({
      ...local,
      [own('split_chat')]: ['0'],
      [own('split_pm')]: ['0'],
      [own('split_entry')]: ['0'],
    });
    world.send(says(user('Efchen'), room, 'x'));
    world.send(tells(user('Efchen'), `${room}/BigCheese`, 'x'));
    world.send(joins(newcomer, `${room}/New`));
    expect(world.got(user('BigCheese'))).toEqual([]);
    for (const address of [user('Efchen'), newcomer])
      for (const stanza of world.got(address)) expect(errorOf(stanza)?.condition).toBe('remote-server-timeout');
  });

  it('decision #92: an outcast is not let in while split, banned before the replica was created, later, or as a whole domain', () => {
    const other = `other@${vesa}/x`;
    for (const banned of [[bareOf(jid(newcomer)), bareOf(jid(other))], [vesa]]) {
      const world = everybodyIn(local);
      administer(world, { affiliation: 'outcast', jid: banned[0] as string });
      const log = world.crash(replica).filter(() => false);
      world.boot(replica, log);
      for (const more of banned.slice(1)) administer(world, { affiliation: 'outcast', jid: more });
      cutOff(world);
      world.send(joins(newcomer, `${room}/New`), joins(other, `${room}/Other`));
      for (const who of [newcomer, other])
        expect([who, world.got(who).map((stanza) => errorOf(stanza)?.condition)]).toEqual([who, ['forbidden']]);
    }
  });

  it('decision #92: a user who is pardoned is let in, also where the replica missed it', () => {
    const world = everybodyIn(local);
    administer(world, { affiliation: 'outcast', jid: bareOf(jid(newcomer)) });
    cutOff(world);
    administer(world, { affiliation: 'none', jid: bareOf(jid(newcomer)) });
    heal(world);
    cutOff(world);
    world.send(joins(newcomer, `${room}/New`));
    expect(world.got(newcomer).some(({ payloads }) => hasStatus(payloads, 110))).toBe(true);
  });

  it('decision #92: a replica is told of no ban of another domain', () => {
    const world = everybodyIn(local);
    administer(world, { affiliation: 'outcast', jid: 'secret@killrc.oulubox.irc' });
    world.crash(replica);
    world.boot(replica);
    expect(world.to(replica).filter((stanza) => JSON.stringify(stanza).includes('secret'))).toEqual([]);
    expect(JSON.stringify(world.seat(replica).node.snapshot())).not.toContain('secret');
  });

  it('XEP-0045 §8.2: kicked while split: first the victim hears of it, then the moderator has the result, then the others', () => {
    const world = everybodyIn(local);
    administer(world, { nick: 'BigCheese', role: 'moderator' });
    world.send(joins(newcomer, `${room}/New`));
    cutOff(world);
    administer(world, { nick: 'Efchen', role: 'none' }, 'BigCheese');
    const told = world.sent
      .filter(({ stanza }) => stanza.from.startsWith(room))
      .map(({ stanza }) => [stanza.name, stanza.to]);
    expect(told).toEqual([
      ['presence', user('Efchen')],
      ['iq', user('BigCheese')],
      ['presence', user('BigCheese')],
      ['presence', newcomer],
    ]);
  });

  it('decision #85: a user whose join may still be before the primary is not let in here: the primary may answer it itself', () => {
    const world = everybodyIn(local);
    world.cut(avalon, vesa, 'silent');
    world.send(joins(newcomer, `${room}/New`));
    world.advance(120_000);
    expect(world.status(replica).peers[0]?.state).toBe('split');
    world.clear();
    world.send(joins(newcomer, `${room}/New`));
    expect(world.got(newcomer).map((stanza) => errorOf(stanza)?.condition)).toEqual(['remote-server-timeout']);
    heal(world);
    world.clear();
    world.send(joins(newcomer, `${room}/New`));
    expect(world.got(newcomer).some(({ payloads }) => hasStatus(payloads, 110))).toBe(true);
    expectTheSameEverywhere(world);
  });

  it('decision #17, XEP-0045 §8.1: a subject cannot change meanwhile; with a thread it is none, but talk like any other', () => {
    const world = apart(local);
    const subject = el('subject', NS.client, {}, 'new');
    const thread = el('thread', NS.client, {}, 't');
    world.send(message(jid(user('Efchen')), room, { type: 'groupchat', id: 'subject' }, subject));
    world.send(message(jid(user('Efchen')), room, { type: 'groupchat', id: 'talk' }, subject, thread));
    expect(world.got(user('BigCheese')).map(({ id }) => id)).toEqual(['talk']);
    expect(world.got(user('Efchen')).map(({ id, type }) => [id, type])).toEqual([
      ['subject', 'error'],
      ['talk', 'groupchat'],
    ]);
    heal(world);
    expect(world.got(user('Wumpus')).filter(({ id }) => id === 'talk')).toHaveLength(1);
    expect(world.status(primary)).toMatchObject({ subject: '', historyLength: 1 });
    expectTheSameEverywhere(world);
  });

  it('decision #17: kicks by those whom the primary made moderators, of those beside them', () => {
    const world = everybodyIn(local);
    administer(world, { nick: 'BigCheese', role: 'moderator' });
    cutOff(world);
    administer(world, { nick: 'Efchen', role: 'none' }, 'BigCheese', 'enough');
    expect(world.got(user('Efchen')).map(itemAt)).toMatchObject([
      { role: 'none', statuses: [307, 110], actor: 'BigCheese', reason: 'enough' },
    ]);
    expect(world.got(user('BigCheese')).map(({ name, type }) => [name, type])).toEqual([
      ['iq', 'result'],
      ['presence', 'unavailable'],
    ]);
    heal(world);
    expect(statuses(world, user('Wumpus'), 'Efchen')).toEqual([[]]);
    expectTheSameEverywhere(world);
  });

  it('decision #9: the leave of one whom the primary serves itself is passed on after the split', () => {
    const world = pastTheReplica();
    world.send(presence(jid(newcomer), jid(`${room}/New`), { type: 'unavailable', id: 'exit1' }));
    heal(world);
    expect(nicksAt(world, primary).some((nick) => nick.startsWith('New'))).toBe(false);
    expect(statuses(world, newcomer, 'New').at(-1)).toEqual([110]);
    // XEP-0045 §7.2.2.
    expect(world.got(newcomer).at(-1)?.id).toBe('exit1');
    expectTheSameEverywhere(world);
  });

  it('decision #78: a client that lost track of being in gets all that a join brings, from the split replica', () => {
    const world = apart();
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    const got = world.got(user('Efchen'));
    expect(got.map(({ name }) => name)).toEqual([...Array(7).fill('presence'), 'message']);
    expect(itemAt(got[6] as Stanza)?.statuses).toEqual([110]);
    heal(world);
    expectTheSameEverywhere(world);
  });

  it('decision #9: a leave that got lost on its way is told again', () => {
    const world = everybodyIn();
    let hops = 0;
    world.lose((stanza) => stanza.to === `${room}/Efchen` && stanza.type === 'unavailable' && ++hops === 2);
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    expect(world.status(primary).occupants).toHaveLength(7);
    world.advance(75_000);
    for (const node of [primary, replica]) expect(world.status(node).occupants).toHaveLength(6);
    expect(statuses(world, user('Wumpus'), 'Efchen')).toEqual([[]]);
  });

  it('decision #9: who says twice that they leave has left once', () => {
    const world = apart(local);
    world.send(leaves(user('Efchen'), `${room}/Efchen`), leaves(user('Efchen'), `${room}/Efchen`));
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    // Let in again, as any of this replica's own users.
    expect(statuses(world, user('Efchen'), 'Efchen').at(-1)).toEqual([110]);
    heal(world);
    expectTheSameEverywhere(world);
  });

  it('decision #9: who left is remembered by the nick that they have at the primary', () => {
    const world = everybodyIn();
    // The leave is on its way when the primary’s word of the new nick arrives.
    world.send(presence(jid(user('Efchen')), jid(`${room}/Elfchen`), {}), leaves(user('Efchen'), `${room}/Efchen`));
    world.send(joins('other@avalon.irc/x', `${room}/Efchen`));
    expect(world.status(replica).occupants.map(({ nick }) => nick)).toContain('Efchen');
    expectTheSameEverywhere(world);
  });

  it('decision #9: who left and asks to come back under another nick, before the primary heard of it, is let in', () => {
    const world = apart();
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    world.cut(avalon, vesa, undefined);
    world.lose((stanza) => stanza.to === replica && payloadOf(stanza, 'ready', NS.ext) !== undefined);
    while (world.status(replica).peers[0]?.state !== 'syncing') world.advance(1_000);
    let hops = 0;
    world.lose(({ to }) => to === `${room}/Eff` && ++hops === 2);
    world.send(joins(user('Efchen'), `${room}/Eff`));
    // The replica waits for the list of its users when they ask once more.
    world.lose((stanza) => {
      if (payloadOf(stanza, 'netjoin', NS.ext)?.attrs['users'] === 'list') world.freeze(primary);
      return false;
    });
    while (world.seat(primary).held === undefined) world.advance(1_000);
    world.clear();
    world.send(joins(user('Efchen'), `${room}/Eff`));
    world.thaw(primary);
    expect(statuses(world, user('BigCheese'), 'Eff')).toEqual([[]]);
    expect(statuses(world, user('Efchen'), 'Eff')).toEqual([[110]]);
    expect(world.status(replica).occupants.find(({ nick }) => nick === 'Eff')?.home).toBeUndefined();
    expectTheSameEverywhere(world);
  });
});

describe('XEP-0282 §4.11.2 Netjoin: what was missed', () => {
  it('decision #41: the changes come in their order, messages with delay; nobody sees anything twice', () => {
    const world = apart();
    world.send(says(user('Wumpus'), room, 'one'));
    world.send(presence(jid(user('Troy')), jid(`${room}/Trojan`), {}, el('show', NS.client, {}, 'dnd')));
    world.send(joins(newcomer.replace(vesa, avalon), `${room}/New`));
    world.send(message(jid(user('Wumpus')), room, { type: 'groupchat' }, el('subject', NS.client, {}, 'war')));
    world.send(leaves(user('Valdis'), `${room}/Valdis`));
    heal(world);
    for (const nick of ['BigCheese', 'Efchen']) {
      const got = world.got(user(nick)).slice(1);
      expect(got.map((s) => bodyOf(s) ?? [s.from.split('/')[1], s.type])).toEqual([
        'one',
        ['Troy', 'unavailable'],
        ['Trojan', undefined],
        ['New', undefined],
        ['Wumpus', 'groupchat'],
        ['Valdis', 'unavailable'],
      ]);
      expect(late(got[0] as Stanza)).toBe(true);
      expect(payloadOf(got[2] as Stanza, 'show', NS.client)?.children).toEqual(['dnd']);
    }
    const created = world.to(replica).flatMap((stanza) => payloadOf(stanza, 'created', NS.ext) ?? []);
    expect(created.map(({ attrs }) => attrs['mode'])).toEqual(['delta']);
    expectTheSameEverywhere(world);
  });

  it('decision #41: a log that is too short, or another epoch, is answered with everything', () => {
    const log = new ChangeLog();
    for (let n = 1; n <= 2 * changesMax; n++) log.add({ kind: 'positionPassed', room, n });
    expect(log.since(10, 2 * changesMax)).toBeUndefined();
    expect(log.since(2 * changesMax - 5, 2 * changesMax)).toHaveLength(5);
    expect(log.entries.length).toBeLessThanOrEqual(1.25 * changesMax);
    const world = everybodyIn();
    const record = world
      .seat(primary)
      .node.snapshot()
      .rooms[0]?.peers.find(([peer]) => peer === replica)?.[1];
    const { session } = record as ReplicaPeer;
    const asks = (parts: { session?: string; epoch?: number }) => {
      world.crash(replica);
      world.clear();
      const have = { epoch: parts.epoch ?? world.status(primary).epoch, n: 3 };
      const netjoin = writeNetjoin({ session: parts.session ?? session ?? '', have, moderators: 0 });
      world.inject(primary, vesa, iq(replica, room, { type: 'set', id: 'j' }, netjoin));
      return world.to(replica)[0] as Stanza;
    };
    expect(errorOf(asks({ session: 'another' }))?.condition).toBe('unexpected-request');
    expect(payloadOf(asks({}), 'created', NS.ext)?.attrs['mode']).toBe('delta');
    expect(payloadOf(asks({ epoch: 5 }), 'created', NS.ext)?.attrs['mode']).toBe('full');
  });

  it('decision #81: users are counted on both sides, and named only where the counts differ', () => {
    const world = everybodyIn();
    const before = [...world.seat(replica).log];
    world.send(joins(newcomer, `${room}/New`));
    const asked = () =>
      world.crossed().flatMap(({ stanza }) => payloadOf(stanza, 'netjoin', NS.ext)?.attrs['users'] ?? []);
    const named = () => world.to(replica).filter(({ payloads }) => readDmuc(payloads)?.enter).length;
    world.clear();
    world.boot(replica, world.crash(replica));
    expect([asked(), named()]).toEqual([[], 0]);
    // It forgets that it served the newcomer, whom the primary counts as its user.
    world.crash(replica);
    world.boot(replica, before);
    expect([asked(), named()]).toEqual([['list'], 3]);
    expectTheSameEverywhere(world);
    expect(nicksAt(world, replica).join()).not.toContain('New');
  });

  it('decision #50: who left, and whose replica crashed before it told them, is told when it starts again', () => {
    const world = everybodyIn();
    const before = world.seat(replica).log.length;
    // The wire is cut at the disk: what the replica sends of the leave reaches nobody.
    world.cut(avalon, vesa, 'silent');
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    const log = world.crash(replica);
    world.clear();
    world.boot(replica, log, log.slice(before));
    const [out] = world.got(user('Efchen'));
    expect([out?.type, out && hasStatus(out.payloads, 110)]).toEqual(['unavailable', true]);
    world.cut(avalon, vesa, undefined);
    world.advance(120_000);
    expect(nicksAt(world, primary)).not.toContain('Efchen');
    expectTheSameEverywhere(world);
  });

  it('G15: a netjoin for no reason changes nothing, and nobody notices', () => {
    const world = everybodyIn(local);
    world.send(says(user('Wumpus'), room, 'x'));
    const before = [primary, replica, ...others].map((node) => [nicksAt(world, node), kept(world, node)]);
    world.clear();
    for (let times = 0; times < 3; times++) world.boot(replica, world.crash(replica));
    world.boot(primary, world.crash(primary));
    world.advance(120_000);
    expect([primary, replica, ...others].map((node) => [nicksAt(world, node), kept(world, node)])).toEqual(before);
    // Decision #223: they are asked whether they are there, and see nothing of it.
    const isShown = ({ name, payloads }: Stanza) =>
      name !== 'message' || payloads.some(({ children }) => children.length > 0);
    for (const { jid: address } of wallops.occupants) expect(world.got(address).filter(isShown)).toEqual([]);
  });
});

describe('XEP-0282 §4.11.2 Netjoin: conflicts', () => {
  it('user left at the replica: unavailable once, no 333', () => {
    const world = apart();
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    heal(world);
    for (const nick of ['Wumpus', 'WiZ']) expect(statuses(world, user(nick), 'Efchen')).toEqual([[]]);
    expect(world.got(user('BigCheese')).filter(({ from }) => from === `${room}/Efchen`)).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it.each([
    ['banned', { affiliation: 'outcast', jid: bare('Efchen') }, 301],
    ['kicked', { nick: 'Efchen', role: 'none' }, 307],
  ])('user %s meanwhile: the replica removes them, with code and reason', (_what, attrs, code) => {
    const world = apart();
    administer(world, attrs, 'Wumpus', 'because');
    heal(world);
    const [own] = world.got(user('Efchen')).filter(({ from }) => from === `${room}/Efchen`);
    expect(own && itemAt(own)).toMatchObject({
      role: 'none',
      statuses: [code, 110],
      reason: 'because',
      actor: 'Wumpus',
    });
    expect(statuses(world, user('BigCheese'), 'Efchen')).toEqual([[code]]);
    expectTheSameEverywhere(world);
  });

  it('user who is no longer a member: 321, or 322 where the room was closed', () => {
    const closed = apart();
    configure(closed, { 'muc#roomconfig_membersonly': ['1'] });
    heal(closed);
    expect(statuses(closed, user('Efchen'), 'Efchen')).toEqual([[322, 110]]);
    const world = everybodyIn();
    for (const { nick } of wallops.occupants)
      if (!['Wumpus', 'WiZ', 'Troy'].includes(nick)) administer(world, { affiliation: 'member', jid: bare(nick) });
    configure(world, { 'muc#roomconfig_membersonly': ['1'] });
    cutOff(world);
    administer(world, { affiliation: 'none', jid: bare('Efchen') });
    heal(world);
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[321, 110]]);
    expectTheSameEverywhere(world);
  });

  it('decision #43: the same user also came past the replica: one session, one copy', () => {
    const world = everybodyIn();
    const log = world.crash(replica);
    world.send(says(user('Wumpus'), room, 'finds out'));
    expect(peerOf(world, primary)).toBe('split');
    world.inject(primary, vesa, joins(user('Efchen'), `${room}/Efchen`));
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[110]]);
    world.clear();
    world.boot(replica, log);
    world.advance(61_000);
    expect(world.got(user('Efchen')).filter(({ name }) => name === 'presence')).toEqual([]);
    world.clear();
    world.send(says(user('Wumpus'), room, 'once'));
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['once']);
  });

  it('decision #43: and those beside them miss nothing, whatever the room shows of its history', () => {
    const world = everybodyIn({ 'muc#maxhistoryfetch': ['0'] });
    const log = world.crash(replica);
    world.send(says(user('Wumpus'), room, 'finds out'));
    world.inject(primary, vesa, joins(user('Efchen'), `${room}/Efchen`));
    world.inject(primary, vesa, presence(jid(user('Efchen')), jid(`${room}/Eff`), {}));
    world.clear();
    world.boot(replica, log);
    world.advance(61_000);
    expect(texts(world.got(user('BigCheese')))).toEqual(['finds out']);
    expect(statuses(world, user('BigCheese'), 'Efchen').at(-1)).toEqual([303]);
    expect(world.got(user('Efchen'))).toEqual([]);
    expectTheSameEverywhere(world);
  });
  it('decision #47: who is out and does not know it is told once, and by nobody else afterwards', () => {
    const world = everybodyIn();
    world.lose((stanza) => stanza.to === replica && stanza.type === 'unavailable');
    administer(world, { nick: 'Efchen', role: 'none' });
    world.send(says(user('Wumpus'), room, 'after'));
    world.clear();
    world.send(presence(jid(user('Efchen')), jid(`${room}/Efchen`), {}, el('show', NS.client, {}, 'dnd')));
    world.advance(61_000);
    const got = world.got(user('Efchen'));
    expect(got.findIndex((stanza) => itemAt(stanza)?.statuses.includes(110))).toBe(got.length - 1);
    expectTheSameEverywhere(world);
  });
  it('decision #47: a new configuration is told by the replica, and after the split to those it did not reach', () => {
    const world = apart();
    configure(world, { 'muc#roomconfig_moderatedroom': ['1'] });
    const codes = (nick: string) =>
      world
        .got(user(nick))
        .flatMap((stanza) =>
          stanza.name === 'message' && stanza.from === room ? [readStatuses(stanza.payloads)] : [],
        );
    expect([codes('Wumpus'), codes('Efchen')]).toEqual([[[104]], []]);
    heal(world);
    expect(codes('Efchen')).toEqual([[104]]);
  });

  it('room destroyed meanwhile: the replica’s users are told so, and the session ends', () => {
    const world = apart();
    const order = el('destroy', NS.mucOwner, {});
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'd' }, el('query', NS.mucOwner, {}, order)));
    world.cut(avalon, vesa, undefined);
    world.clear();
    world.advance(61_000);
    for (const nick of ['BigCheese', 'Efchen']) {
      const [own, ...more] = world.got(user(nick));
      expect([own?.from, own?.type, own && itemAt(own)?.destroy !== undefined, more.length]).toEqual([
        `${room}/${nick}`,
        'unavailable',
        true,
        0,
      ]);
    }
    expect(world.status(replica)).toMatchObject({ occupants: [], peers: [{ state: 'rejected' }] });
  });

  it('room in a new epoch: the replica forgets its state; its users enter anew', () => {
    const world = apart();
    world.crash(primary);
    world.boot(primary);
    heal(world);
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[333, 110]]);
    expect(world.status(replica).epoch).toBe(world.status(primary).epoch);
    expectTheSameEverywhere(world);
  });
});

describe('XEP-0282 §4.11.2 Netjoin: what happened at the replica', () => {
  it('decision #42: local talk comes to all with its time, and to those who saw it not again', () => {
    const world = apart(local);
    world.send(says(user('Efchen'), room, 'local one'));
    world.send(says(user('Wumpus'), room, 'meanwhile'));
    world.send(says(user('BigCheese'), room, 'local two'));
    const said = world.now;
    world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
    heal(world);
    expect(texts(world.got(user('Efchen')))).toEqual(['meanwhile']);
    for (const nick of ['Wumpus', 'WiZ']) {
      const got = world.got(user(nick)).filter((stanza) => bodyOf(stanza) !== undefined);
      expect(texts(got)).toEqual(['local one', 'local two']);
      expect(got.every(late)).toBe(true);
      expect(got.every((stanza) => payloadOf(stanza, 'stanza-id', NS.sid))).toBe(true);
    }
    const history = world.seat(primary).node.snapshot().rooms[0]?.history ?? [];
    expect(history.map(({ payloads }) => payloads[0]?.children[0])).toEqual(['meanwhile', 'local one', 'local two']);
    expect(history[1]?.at).toBe(said);
    expect(world.status(primary).occupants.map(({ nick }) => nick)).not.toContain('BigCheese');
    expectTheSameEverywhere(world);
  });

  it('decision #82: judged by the rules of now: who has no voice any more was heard by those beside them alone', () => {
    const world = apart(local);
    world.send(says(user('Efchen'), room, 'nobody else hears'));
    configure(world, { 'muc#roomconfig_moderatedroom': ['1'] });
    heal(world);
    expect(texts(world.got(user('Wumpus')))).toEqual([]);
    expect(kept(world, primary)).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it('decision #42: what got lost on its way is relayed again, and what arrived is not taken twice (G15)', () => {
    const world = apart(local);
    for (const text of ['one', 'two', 'three']) world.send(says(user('Efchen'), room, text));
    world.lose((stanza) => bodyOf(stanza) === 'two' && stanza.to === room);
    heal(world);
    expect(texts(world.got(user('Wumpus'))).sort()).toEqual(['one', 'three', 'two']);
    const relayed = world.sent.filter(({ stanza }) => readDmuc(stanza.payloads)?.split && stanza.to === room);
    expect(relayed).toHaveLength(4);
    const before = kept(world, primary);
    world.clear();
    for (const { stanza } of relayed) world.inject(primary, vesa, stanza);
    expect(kept(world, primary)).toEqual(before);
    expect(texts(world.got(user('Wumpus')))).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it('decision #42: nor is it news to those who saw it, where what the primary made of it gets lost', () => {
    const world = apart(local);
    world.send(says(user('Efchen'), room, 'kept'));
    world.lose((stanza) => stanza.to === replica && bodyOf(stanza) === 'kept');
    heal(world);
    world.advance(75_000);
    expect(texts(world.got(user('Efchen')))).toEqual([]);
    expect(texts(world.got(user('Wumpus')))).toEqual(['kept']);
    expect(world.seat(replica).node.snapshot().rooms[0]?.divergence).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it('decision #42: what comes while the primary takes the replica for split is judged when it comes again', () => {
    const world = apart(local);
    world.send(says(user('Efchen'), room, 'kept'));
    const [act] = world.seat(replica).node.snapshot().rooms[0]?.divergence ?? [];
    const mark = writeDmuc({ split: act?.id as string, delay: { from: replica, stamp: world.now } });
    world.inject(primary, vesa, says(user('Efchen'), room, 'kept', mark));
    expect(texts(world.got(user('Wumpus')))).toEqual([]);
    heal(world);
    expect(texts(world.got(user('Wumpus')))).toEqual(['kept']);
    expectTheSameEverywhere(world);
  });

  it('decision #42: also if the replica, or the primary, crashes before it is settled', () => {
    for (const node of [replica, primary]) {
      const world = apart(local);
      world.send(says(user('Efchen'), room, 'kept'));
      world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
      world.lose((stanza) => stanza.to === room && payloadOf(stanza, 'relayed', NS.ext) !== undefined);
      heal(world);
      world.boot(node, world.crash(node));
      world.advance(61_000);
      expect(texts(world.got(user('Wumpus')))).toEqual(['kept']);
      expect(texts(world.got(user('Efchen')))).toEqual([]);
      expect(world.seat(replica).node.snapshot().rooms[0]?.divergence).toEqual([]);
      expectTheSameEverywhere(world);
    }
  });

  it('decision #42: no stamp before the split, none of the future, and no more than 200 messages', () => {
    const world = everybodyIn(local);
    const say = (id: string, stamp: number) =>
      message(
        jid(user('Efchen')),
        room,
        { type: 'groupchat', id },
        el('body', NS.client, {}, id),
        writeDmuc({ split: id, delay: { from: replica, stamp: instant(stamp) } }),
      );
    const start = world.now;
    world.advance(10_000);
    world.inject(primary, vesa, say('early', 0));
    world.inject(primary, vesa, say('late', world.now + 9e9));
    const history = world.seat(primary).node.snapshot().rooms[0]?.history ?? [];
    expect(history.map(({ at }) => at)).toEqual([expect.any(Number), world.now]);
    expect(history[0]?.at).toBeGreaterThan(start - 200_000);
    for (let i = 0; i < 210; i++) world.inject(primary, vesa, say(`m${i}`, world.now));
    expect(world.seat(primary).node.snapshot().rooms[0]?.history).toHaveLength(200);
  });
});

describe('XEP-0282 §4.11.2 Netjoin: who was let in provisionally', () => {
  it('decision #44: they see the roster, a text that says so, and only what is said beside them', () => {
    const world = everybodyIn(local);
    world.send(says(user('Wumpus'), room, 'before'));
    cutOff(world);
    world.send(says(user('Efchen'), room, 'beside'));
    world.send(joins(newcomer, `${room}/New`));
    const got = world.got(newcomer);
    expect(texts(got)).toEqual(['beside']);
    expect(got.filter(({ name }) => name === 'presence')).toHaveLength(8);
    const self = got.find(({ from }) => from === `${room}/New`) as Stanza;
    expect(itemAt(self)).toMatchObject({ affiliation: 'none', role: 'participant', statuses: [110] });
    expect(payloadOf(self, 'status', NS.client)?.children[0]).toContain('netsplit');
    heal(world);
    // Accepted: the text is gone, and what was withheld comes.
    const then = world.got(newcomer).filter(({ from, name }) => name === 'message' || from === `${room}/New`);
    expect(then.map((stanza) => bodyOf(stanza) ?? payloadOf(stanza, 'status', NS.client))).toEqual([
      undefined,
      'before',
    ]);
    expect(statuses(world, user('Wumpus'), 'New')).toEqual([[]]);
    expectTheSameEverywhere(world);
    world.clear();
    world.send(says(newcomer, room, 'in'));
    expect(texts(world.got(newcomer))).toEqual(['in']);
  });

  it.each([
    ['banned', (world: World) => administer(world, { affiliation: 'outcast', jid: `new@${vesa}` }), 'forbidden'],
    ['not let into a members-only room', closes({ 'muc#roomconfig_membersonly': ['1'] }), 'registration-required'],
    ['one too many', closes({ 'muc#roomconfig_maxusers': ['10'] }, 3), 'service-unavailable'],
    [
      'without the password',
      closes({ 'muc#roomconfig_passwordprotectedroom': ['1'], 'muc#roomconfig_roomsecret': ['s'] }),
      'not-authorized',
    ],
  ])('decision #44: %s: the plain error, and out', (_what, meanwhile, condition) => {
    const world = apart(local);
    world.send(joins(newcomer, `${room}/New`));
    world.send(says(newcomer, room, 'I was never here'));
    meanwhile(world);
    heal(world);
    const got = world.got(newcomer).filter(({ from }) => from === `${room}/New`);
    expect(got.map((stanza) => errorOf(stanza)?.condition ?? stanza.type)).toEqual([condition, 'unavailable']);
    expect(texts(world.got(newcomer))).toEqual([]);
    expect(kept(world, primary)).toEqual([]);
    expectTheSameEverywhere(world);
  });
  function closes(fields: Fields, guests = 0) {
    return (world: World) => {
      configure(world, fields);
      for (let i = 0; i < guests; i++) world.send(joins(`guest${i}@avalon.irc/x`, `${room}/Guest${i}`));
    };
  }

  it('D9, decision #83: a nick that is another’s by now: the provisional user is renamed with 303 and 210', () => {
    const world = apart(local);
    world.send(joins(newcomer, `${room}/New`));
    world.send(joins('other@avalon.irc/x', `${room}/New`));
    heal(world);
    expect(statuses(world, newcomer, 'New').slice(0, 1)).toEqual([[303, 110]]);
    expect(statuses(world, newcomer, 'New_')[0]).toEqual([210, 110]);
    const at = (nick: string) => world.status(primary).occupants.find((occupant) => occupant.nick === nick)?.jid;
    expect([at('New'), at('New_')]).toEqual(['other@avalon.irc/x', newcomer]);
    expectTheSameEverywhere(world);
  });

  it('decision #44: whoever was faster has the nick here, too, where the user’s own join got lost at first', () => {
    const world = apart(local);
    world.send(joins(newcomer, `${room}/New`));
    world.lose((stanza) => stanza.from === newcomer && stanza.to === `${room}/New`);
    world.cut(avalon, vesa, undefined);
    while (!world.sent.some(({ stanza, outcome }) => stanza.from === newcomer && outcome === 'lost'))
      world.advance(100);
    world.send(joins('rival@avalon.irc/x', `${room}/New`));
    world.clear();
    world.advance(61_000);
    expect(world.got(newcomer).map(errorOf).find(Boolean)?.condition).toBe('conflict');
    expect(world.status(replica).occupants.find(({ nick }) => nick === 'New')).not.toMatchObject({ jid: newcomer });
    expectTheSameEverywhere(world);
  });

  it('decision #44: or is out with 333 where nicks are locked', () => {
    const world = apart({ ...local, [`{${NS.ext}}nicks_locked`]: ['1'] });
    world.send(joins(newcomer, `${room}/New`));
    world.send(joins('other@avalon.irc/x', `${room}/New`));
    heal(world);
    expect(statuses(world, newcomer, 'New')[0]).toEqual([333, 110]);
    expectTheSameEverywhere(world);
  });

  it('decision #44: who leaves again before it is over was never there', () => {
    const world = apart(local);
    world.send(joins(newcomer, `${room}/New`));
    world.send(leaves(newcomer, `${room}/New`));
    expect(statuses(world, newcomer, 'New').at(-1)).toEqual([110]);
    heal(world);
    expect(world.got(user('Wumpus')).filter(({ from }) => from === `${room}/New`)).toEqual([]);
    expectTheSameEverywhere(world);
  });

  it('decision #44: and may come again', () => {
    const world = apart(local);
    for (const stanza of [joins, leaves, joins]) world.send(stanza(newcomer, `${room}/New`));
    heal(world);
    expect(statuses(world, user('Wumpus'), 'New')).toEqual([[]]);
    expectTheSameEverywhere(world);
  });

  it('decision #44: the primary hears of the leave of one whom it knows from before', () => {
    const world = pastTheReplica(local);
    world.send(joins(newcomer, `${room}/New`));
    world.send(leaves(newcomer, `${room}/New`));
    expect(statuses(world, newcomer, 'New').at(-1)).toEqual([110]);
    heal(world);
    expect(nicksAt(world, primary).some((nick) => nick.startsWith('New'))).toBe(false);
    expectTheSameEverywhere(world);
  });

  it.each([
    ['their JID is known', 'anyone'],
    ['the primary says whom it serves', 'moderators'],
  ])(
    'decision #84: one whom the primary has served itself is the replica’s then, and keeps the nick: %s',
    (_, whois) => {
      const world = pastTheReplica({ ...local, 'muc#roomconfig_whois': [whois] });
      expect(texts(world.got(newcomer))).toEqual(['finds out']);
      world.send(joins(newcomer, `${room}/New`));
      heal(world);
      // They have heard it.
      expect(texts(world.got(newcomer))).toEqual([]);
      for (const node of [primary, replica])
        expect(world.status(node).occupants.filter(({ jid: at }) => at === newcomer)).toMatchObject([{ nick: 'New' }]);
      expectTheSameEverywhere(world);
      world.clear();
      world.send(says(user('Wumpus'), room, 'once'));
      expect(texts(world.got(newcomer))).toEqual(['once']);
    },
  );

  it.each([
    ['what was missed', false],
    ['everything, in another session', true],
  ])(
    'decision #44: who they were at the primary under another nick is somebody else to them; the netjoin brings %s',
    (_, another) => {
      const world = pastTheReplica({ ...local, 'muc#roomconfig_whois': ['anyone'] });
      if (another) forgetSession(world);
      world.send(joins(newcomer, `${room}/Newer`));
      expect(statuses(world, newcomer, 'Newer').at(-1)).toContain(110);
      heal(world);
      const selves = world.got(newcomer).flatMap(({ from, type, payloads }) => {
        const self = readMucUser(payloads)?.statuses.includes(110) === true;
        return self ? [`${from.slice(room.length + 1)} ${type ?? 'available'}`] : [];
      });
      expect(selves).toEqual(['Newer available']);
      expectTheSameEverywhere(world);
      world.clear();
      world.send(says(newcomer, room, 'here'));
      expect(texts(world.got(newcomer))).toEqual(['here']);
    },
  );

  it('decision #44: and so is one who came past it and then to it, whoever has the nick by now', () => {
    const world = everybodyIn(local);
    const log = world.crash(replica);
    world.send(says(user('Wumpus'), room, 'finds out'));
    world.inject(primary, vesa, joins(user('Efchen'), `${room}/Efchen`));
    world.cut(avalon, vesa, 'bounce');
    world.boot(replica, log);
    world.advance(15_000);
    world.send(leaves(user('Efchen'), `${room}/Efchen`), joins(user('Efchen'), `${room}/New`));
    expect(statuses(world, user('Efchen'), 'New').at(-1)).toEqual([110]);
    world.send(joins('other@avalon.irc/x', `${room}/New`));
    heal(world);
    expect(statuses(world, user('Efchen'), 'New_').at(-1)).toEqual([110]);
    expectTheSameEverywhere(world);
  });

  it('decision #44: and hears who left the replica, which the primary did not know when it showed them', () => {
    const world = apart({ ...local, 'muc#roomconfig_whois': ['anyone'] });
    world.send(joins(newcomer, `${room}/New`));
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    world.cut(avalon, vesa, undefined);
    // Their join was on its way when the link broke.
    world.inject(primary, vesa, joins(newcomer, `${room}/New`));
    const shown = () => world.got(newcomer).filter(({ from }) => from === `${room}/Efchen`);
    expect(shown().at(-1)?.type).toBeUndefined();
    heal(world);
    expect(shown().map(({ type }) => type)).toEqual(['unavailable']);
    expectTheSameEverywhere(world);
  });

  it('decision #85: nobody is let in whom the primary may serve, for it has yet to hear that they left', () => {
    const world = pastTheReplica(local);
    world.send(leaves(newcomer, `${room}/New`));
    world.clear();
    world.send(joins(newcomer, `${room}/New`));
    expect(world.got(newcomer).map((stanza) => errorOf(stanza)?.condition)).toEqual(['remote-server-timeout']);
    heal(world);
    expect(nicksAt(world, primary).some((nick) => nick.startsWith('New'))).toBe(false);
    world.send(joins(newcomer, `${room}/New`));
    expect(statuses(world, newcomer, 'New').at(-1)).toEqual([110]);
    expectTheSameEverywhere(world);
  });
});

describe('XEP-0282 §4.7: full JIDs through splits', () => {
  const known = (world: World) => world.status(replica).occupants.filter(({ jid: at }) => at && !at.includes(vesa));

  it.each([
    ['the replica forgets, and is sent none afterwards', () => false],
    [
      'nor while what tells the primary of it is lost on its way',
      ({ name, from, type }: Stanza) => name === 'presence' && from === user('BigCheese') && type === 'unavailable',
    ],
  ])('decision #76: the last moderator leaves during the split: %s', (_, isLost) => {
    const world = everybodyIn();
    administer(world, { nick: 'BigCheese', role: 'moderator' });
    expect(known(world)).toHaveLength(5);
    cutOff(world);
    world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
    expect(known(world)).toEqual([]);
    world.send(joins('canary@avalon.irc/x', `${room}/Canary`));
    world.lose(isLost);
    heal(world);
    expect(JSON.stringify(world.crossed().filter(({ server }) => server?.[1] === vesa))).not.toContain('canary@');
    expect(JSON.stringify(world.seat(replica).node.snapshot())).not.toContain('canary@');
  });

  it('decision #7: someone becomes a moderator during the split: they learn who the others are', () => {
    const world = apart();
    administer(world, { nick: 'Efchen', role: 'moderator' });
    heal(world);
    expect(known(world)).toHaveLength(5);
    const learnt = world.got(user('Efchen')).flatMap((stanza) => itemAt(stanza)?.jid ?? []);
    for (const { jid: address } of wallops.occupants) expect(learnt).toContain(address);
    expect(JSON.stringify(world.got(user('BigCheese')))).not.toContain('argl@');
  });

  it('decision #7, decision #44: a provisional user who is accepted as a moderator learns who the others are', () => {
    const world = apart(local);
    world.send(joins(newcomer, `${room}/New`));
    administer(world, { jid: bareOf(jid(newcomer)), affiliation: 'admin' });
    heal(world);
    const self = world.got(newcomer).findLast(({ from, name }) => name === 'presence' && from === `${room}/New`);
    expect(itemAt(self as Stanza)).toMatchObject({ affiliation: 'admin', role: 'moderator', statuses: [110] });
    const learnt = world.got(newcomer).flatMap((stanza) => itemAt(stanza)?.jid ?? []);
    for (const { jid: address } of wallops.occupants) expect(learnt).toContain(address);
    expect(JSON.stringify(world.got(user('BigCheese')))).not.toContain('argl@');
    expectTheSameEverywhere(world);
  });

  it('decision #7: a session that this replica serves has the nick that it has here: who is told under another goes without it', () => {
    const world = everybodyIn();
    const { epoch, n } = world.seat(replica).node.snapshot().rooms[0] as { epoch: number; n: number };
    const efchen = writeMucUser({ affiliation: 'none', role: 'participant', jid: jid(user('Efchen')), statuses: [] });
    const place = writeDmuc({ position: { epoch, n: n + 1 } });
    world.inject(replica, primary, presence(jid(`${room}/Double`), replica, {}, efchen, place));
    world.inject(replica, primary, presence(jid(`${room}/Wumpus`), replica, {}, efchen));
    const named = world.status(replica).occupants.filter((one) => one.jid === user('Efchen'));
    expect(named.map(({ nick }) => nick)).toEqual(['Efchen']);
    world.clear();
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    expect(statuses(world, user('Efchen'), 'Efchen')).toEqual([[110]]);
  });

  it('decision #7: a moderator who is demoted takes the JIDs away, from the disk too', () => {
    const world = everybodyIn();
    administer(world, { nick: 'BigCheese', role: 'moderator' });
    world.clear();
    administer(world, { nick: 'BigCheese', role: 'participant' });
    expect(known(world)).toEqual([]);
    expect(world.compacted).toContain(replica);
  });
});

describe('XEP-0282 recovery', () => {
  it('decision #50: who was entered right before a crash of the replica gets the whole answer', () => {
    const world = everybodyIn();
    world.send(joins(newcomer, `${room}/New`));
    const log = world.crash(replica);
    world.clear();
    world.boot(replica, log, log.slice(-1));
    const got = world.got(newcomer);
    expect(got.map(({ name }) => name)).toEqual([...Array(8).fill('presence'), 'message']);
    expect(itemAt(got[7] as Stanza)?.statuses).toEqual([110]);
  });

  it('decision #45: what was shown is in the log, so nothing is shown twice', () => {
    const world = everybodyIn();
    for (const text of ['one', 'two']) world.send(says(user('Wumpus'), room, text));
    const log = world.crash(replica);
    world.send(says(user('Wumpus'), room, 'three'));
    world.boot(replica, log);
    world.advance(61_000);
    expect(texts(world.got(user('Efchen')))).toEqual(['one', 'two', 'three']);
    expectTheSameEverywhere(world);
  });
});
