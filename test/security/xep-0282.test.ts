import { describe, expect, it } from 'vitest';
import type { ReplicaPeer } from '../../src/core/distribution/peers.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import {
  writeCreate,
  writeCreated,
  writeDestroy,
  writeNetjoin,
  writeReady,
  writeRelayed,
} from '../../src/core/xep/sync.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { writeMucUser } from '../../src/core/xep/xep0045.ts';
import { ping } from '../../src/core/xep/xep0199.ts';
import { type Dmuc, readDmuc, writeDmuc } from '../../src/core/xep/xep0282.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorOf,
  errorReply,
  iq,
  iqResult,
  message,
  payloadOf,
  presence,
  type Stanza,
  stanzaText,
} from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { wallops } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// The sixteen attacks on a primary with replicas, D1 to D16: each is a stanza, and what it changes is nothing.

const room = jid('wallops@channel.avalon.irc');
const primary = jid('channel.avalon.irc');
const [avalon, vesa, killrc, evil] = ['avalon.irc', 'vesa.yeggmaex.irc', 'killrc.oulubox.irc', 'evil.irc'] as const;
const [replica, other] = [jid(`replica@${vesa}`), jid(`replica@${killrc}`)];
const victim = jid(`msa@${vesa}/bicycle`);
const user = (nick: string) => jid(wallops.occupants.find((occupant) => occupant.nick === nick)?.jid ?? '');
const everybody = wallops.occupants.map(({ jid: address }) => address);

function everybodyIn(): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
  world.clear();
  return world;
}
function setRole(world: World, nick: string, role: string, by = 'Wumpus'): void {
  const item = el('item', NS.mucAdmin, { nick, role });
  world.send(iq(user(by), room, { type: 'set', id: role }, el('query', NS.mucAdmin, {}, item)));
}
function split(policy: 'freeze' | 'local' = 'freeze', world = everybodyIn()): World {
  const fields = [{ var: `{${NS.ext}}dmuc_split_policy`, values: [policy] }];
  const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields });
  world.send(iq(user('Wumpus'), room, { type: 'set', id: 'conf' }, el('query', NS.mucOwner, {}, form)));
  world.cut(avalon, vesa, 'bounce');
  world.send(presence(user('Wumpus'), jid(`${room}/Wumpus`), {}, el('show', NS.client, {}, 'chat')));
  world.send(presence(user('Efchen'), jid(`${room}/Efchen`), {}, el('show', NS.client, {}, 'chat')));
  world.advance(6_000);
  expect(stateOf(world, replica)).toBe('split');
  world.clear();
  return world;
}

const stateOf = (world: World, node: Jid) => world.status(node).peers[0]?.state;
const held = (world: World) =>
  [primary, replica, other].map((node) => JSON.stringify(world.seat(node).node.snapshot())).join('\n');
const owner = writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] });
const at = (world: World, ahead = 0) => {
  const { epoch, n } = world.seat(replica).node.snapshot().rooms[0] as { epoch: number; n: number };
  return { epoch, n: n + ahead };
};
const next = (world: World): Dmuc => ({ position: at(world, 1) });

/** Injects, and expects that no node holds anything else than before and no user got anything. */
function changesNothing(world: World, at: Jid, via: string, ...stanzas: readonly Stanza[]): void {
  world.clear();
  const before = held(world);
  for (const stanza of stanzas) world.inject(at, via, stanza);
  expect(held(world)).toBe(before);
  for (const address of [...everybody, victim]) expect(world.got(address)).toEqual([]);
}

const from = (occupant: string, to: Jid, type: Stanza['type'], ...payloads: XmlElement[]) =>
  presence(jid(occupant), to, type ? { type, id: 'forged' } : { id: 'forged' }, ...payloads);

describe('XEP-0282 attacks', () => {
  it('D1: a roster pushed by a room that is not the primary', () => {
    const world = everybodyIn();
    changesNothing(world, replica, evil, from('wallops@evil.irc/Wumpus', replica, undefined, owner));
  });

  it('D1: in the name of the primary, over the link of somebody else', () => {
    const world = everybodyIn();
    const dmuc = writeDmuc(next(world));
    changesNothing(world, replica, evil, from(`${room}/Wumpus`, replica, undefined, owner, dmuc));
    changesNothing(world, replica, vesa, from(`${room}/Wumpus`, replica, undefined, owner, dmuc));
  });

  it('D2: enter for a user who never asked: not-acceptable to the primary, nothing to the user', () => {
    const world = everybodyIn();
    const dmuc = writeDmuc({ enter: victim, position: at(world) });
    const user = writeMucUser({ affiliation: 'none', role: 'participant', jid: victim, statuses: [] });
    changesNothing(world, replica, primary, from(`${room}/X`, replica, undefined, user, dmuc));
    expect(world.to(room).map((stanza) => errorOf(stanza)?.condition)).toEqual(['not-acceptable']);
  });

  it('D2: or for a user of a domain that the replica does not serve', () => {
    const world = everybodyIn();
    const dmuc = writeDmuc({ enter: user('Wumpus'), position: at(world) });
    changesNothing(world, replica, primary, from(`${room}/Wumpus`, replica, undefined, owner, dmuc));
  });

  it.each([
    ['by somebody else', `wallops@${evil}/Efchen`, evil, 'Efchen'],
    ['in the name of the primary by somebody else', `${room}/Efchen`, evil, 'Efchen'],
    ['by another replica', `${room}/Efchen`, killrc, 'Efchen'],
    ['of one under the nick of another', `${room}/BigCheese`, primary, 'Efchen'],
  ] as const)('D3: a leave %s', (_what, occupant, via, nick) => {
    const world = everybodyIn();
    const dmuc = writeDmuc({ leave: user(nick), position: at(world, 1) });
    changesNothing(world, replica, via, from(occupant, replica, 'unavailable', dmuc));
  });

  it('D4: what nodes say to each other, in a user’s message: the body is delivered, and none of it', () => {
    const world = everybodyIn();
    const forged = [
      writeDmuc({ leave: user('Valdis') }),
      writeDmuc({ split: 'forged', delay: { stamp: instant(5) } }),
      el('x', NS.dmuc2, {}, el('enter', NS.dmuc2, { jid: victim })),
      el('fmuc', NS.fmuc, { from: 'queen@evil.irc' }),
      owner,
      writeReady({ n: 1, roster: 0, history: 0 }),
    ];
    world.send(says(user('Efchen'), room, 'x', ...forged));
    const relayed = world.crossed()[0]?.stanza.payloads.map(({ xmlns }) => xmlns);
    expect(relayed).toEqual([NS.client, NS.fmuc, NS.mucUser]);
    for (const address of everybody) {
      expect(world.got(address).map((stanza) => bodyOf(stanza))).toEqual(['x']);
      expect(payloadOf(world.got(address)[0] as Stanza, 'delay', NS.delay)).toBeUndefined();
      const text = world.got(address).map(stanzaText).join('');
      for (const ns of [NS.dmuc2, NS.fmuc, NS.ext, NS.mucUser, 'evil']) expect(text).not.toContain(ns);
    }
    expect(world.status(primary).occupants.map(({ nick }) => nick)).toContain('Valdis');
  });

  it('D5: a time of the user’s own: what is delivered has none, and what is kept the primary’s', () => {
    const world = everybodyIn();
    const stamps = [{ from: room, stamp: '1990-01-01T00:00:00Z' }, { stamp: '1990-01-01T00:00:00Z' }];
    const delays = stamps.map((attrs) => el('delay', NS.delay, attrs));
    world.send(says(user('Efchen'), room, 'backdated', ...delays));
    for (const address of everybody) {
      expect(world.got(address)).toHaveLength(1);
      expect(payloadOf(world.got(address)[0] as Stanza, 'delay', NS.delay)).toBeUndefined();
    }
    for (const node of [primary, replica, other]) {
      const [item] = world.seat(node).node.snapshot().rooms[0]?.history ?? [];
      expect([node, item?.at]).toEqual([node, world.now]);
      expect(JSON.stringify(item)).not.toContain('1990-01-01');
    }
  });

  it('D6: full JIDs where no moderator is: in no byte sent to the replica, and none that it keeps', () => {
    const world = everybodyIn();
    setRole(world, 'Efchen', 'moderator');
    expect(kept(world.seat(replica).log, world)).toContain(user('Wumpus'));
    setRole(world, 'Efchen', 'participant');
    world.clear();
    const canary = `canary@${killrc}/secret`;
    world.send(joins(canary, `${room}/Canary`));
    world.send(says(canary, room, 'sing'));
    world.advance(120_000);
    expect(world.got(user('Efchen')).length).toBeGreaterThan(1);
    for (const foreign of [canary, user('Wumpus')]) {
      expect(
        world.sent
          .filter(({ server }) => server?.includes(vesa))
          .map(({ stanza }) => stanzaText(stanza))
          .join(),
      ).not.toContain(foreign);
      expect(JSON.stringify(world.seat(replica).node.snapshot())).not.toContain(foreign);
    }
    // The log still has what was true then; it is not to outlive that.
    expect(world.compacted).toContain(replica);
  });

  it('D7: a replica speaks for a user whom it does not serve', () => {
    const world = everybodyIn();
    changesNothing(world, primary, vesa, says(user('Wumpus'), room, 'not me'));
    changesNothing(world, primary, vesa, leaves(user('Wumpus'), `${room}/Wumpus`));
    expect(world.notes.map(({ what }) => what).join()).toMatch(/Wumpus|argl/);
  });

  it('D8: rank and role claimed for a user, relayed as at a netjoin', () => {
    const world = split();
    world.cut(avalon, vesa, undefined);
    world.advance(61_000);
    const claim = presence(user('BigCheese'), jid(`${room}/BigCheese`), {}, owner, writeDmuc({ split: 'c' }));
    world.inject(primary, vesa, claim);
    for (const node of [primary, replica, other])
      expect(world.status(node).occupants.find(({ nick }) => nick === 'BigCheese')).toMatchObject({
        role: 'participant',
        affiliation: 'none',
      });
    for (const stanza of world.sent.map((sent) => sent.stanza))
      if (stanza.from.endsWith('/BigCheese')) expect(stanzaText(stanza)).not.toContain('affiliation="owner"');
  });

  it('D9: a nick of somebody who is in the room, claimed by a user of a replica', () => {
    const world = everybodyIn();
    const before = world.status(primary).occupants;
    world.inject(primary, vesa, joins(`evil@${vesa}/x`, `${room}/Wumpus`));
    expect(world.status(primary).occupants).toEqual(before);
    expect(world.got(`evil@${vesa}/x`).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    for (const address of everybody) expect(world.got(address)).toEqual([]);
  });

  it('D10: who is not on the room’s list asks to be a replica: forbidden, and not a byte of the room', () => {
    const world = everybodyIn();
    const create = writeCreate({ serves: [jid(evil)], keepalive: { interval: 60, timeout: 15 }, maxstanzas: 200 });
    changesNothing(world, primary, evil, iq(jid('spy@evil.irc'), room, { type: 'set', id: 'c' }, create));
    expect(world.to('spy@evil.irc').map((stanza) => [stanza.name, errorOf(stanza)?.condition])).toEqual([
      ['iq', 'forbidden'],
    ]);
  });

  it('D1, D10: who is no replica gets nothing of netjoin, relayed or destroy', () => {
    const world = everybodyIn();
    const have = { epoch: world.status(primary).epoch, n: 1 };
    const record = world.seat(primary).node.snapshot().rooms[0]?.peers[0]?.[1];
    const { session = '' } = record as ReplicaPeer;
    const asked = [writeNetjoin({ session, have, moderators: 9 }), writeRelayed(0), writeDestroy(have)];
    const spy = jid('spy@evil.irc');
    changesNothing(world, primary, evil, ...asked.map((payload) => iq(spy, room, { type: 'set', id: 'x' }, payload)));
    expect(world.to(spy).map(({ name, type }) => [name, type])).toEqual(Array(3).fill(['iq', 'error']));
  });

  it('D10: a room is pushed to a replica that never asked', () => {
    const world = everybodyIn();
    const theirs = jid('lair@evil.irc');
    const created = writeCreated({
      session: 's',
      epoch: 9,
      n: 3,
      mode: 'full',
      jids: 'all',
      keepalive: { interval: 60, timeout: 15 },
      maxstanzas: 200,
    });
    const pushed = [
      iq(theirs, replica, { type: 'result', id: 'c' }, created),
      iq(room, replica, { type: 'result', id: 'never asked' }, created),
      from(`${theirs}/Boss`, replica, undefined, owner, writeDmuc({ position: { epoch: 9, n: 1 } })),
      iq(theirs, replica, { type: 'set', id: 'r' }, writeReady({ n: 1, roster: 1, history: 0 })),
    ];
    for (const stanza of pushed) changesNothing(world, replica, evil, stanza);
  });

  it('D11: a primary of an earlier epoch', () => {
    const world = everybodyIn();
    const epoch = (next(world).position?.epoch ?? 0) - 1;
    const dmuc = writeDmuc({ position: { epoch, n: 99 }, delay: { stamp: world.now } });
    const body = el('body', NS.client, {}, 'from the past');
    changesNothing(world, replica, primary, message(jid(`${room}/Wumpus`), replica, { type: 'groupchat' }, body, dmuc));
    changesNothing(world, replica, primary, from(`${room}/Wumpus`, replica, 'unavailable', owner, dmuc));
    const destroy = writeDestroy({ epoch, n: 99 });
    changesNothing(world, replica, primary, iq(room, replica, { type: 'set', id: 'd' }, destroy));
    const place = el('s', NS.ext, { e: `${epoch}`, n: '99' });
    changesNothing(world, replica, primary, iqResult(ping(replica, room, 'p'), place));
  });

  it('D11, decision #4: a replica that names later epochs makes the others fetch everything once', () => {
    const world = everybodyIn();
    const { epoch, n } = at(world);
    const asks = (known: number) => {
      const keepalive = { interval: 60, timeout: 15 };
      const create = writeCreate({ serves: [jid(vesa)], keepalive, maxstanzas: 0, have: { epoch: known, n } });
      world.inject(primary, vesa, iq(replica, room, { type: 'set', id: `of ${known}` }, create));
      return world.status(primary).epoch;
    };
    // The highest that a count may be: no later one could be told.
    expect(asks(999_999_999_999_999)).toBe(epoch);
    expect(asks(epoch + 9)).toBe(epoch + 10);
    expect(asks(epoch + 99)).toBe(epoch + 10);
    world.send(says(user('Wumpus'), room, 'hello'));
    expect(world.status(other)).toMatchObject({ epoch: epoch + 10, peers: [{ state: 'live' }] });
    for (const nick of ['Wumpus', 'Efchen'])
      expect(world.got(user(nick)).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['hello']);
  });

  it('D12, decision #71: what was captured, sent again', () => {
    const world = everybodyIn();
    world.send(says(user('Wumpus'), room, 'once'));
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    setRole(world, 'BigCheese', 'none');
    const captured = world
      .to(replica)
      .filter(({ payloads, from: who }) => readDmuc(payloads)?.position && who.startsWith(room));
    // Also a `<leave/>` (§4.6), which takes nobody out who has come back since.
    const leave = 'unavailable';
    expect(captured.map(({ type }) => type)).toEqual(['groupchat', leave, leave, leave, leave]);
    for (const nick of ['Efchen', 'BigCheese']) world.send(joins(user(nick), `${room}/${nick}`));
    changesNothing(world, replica, primary, ...captured);
  });

  it.each([
    ['of a stanza that never was', 'service-unavailable', 'guess', vesa],
    ['by somebody else', 'service-unavailable', undefined, evil],
    ['with forbidden, which says that the replica is there', 'forbidden', undefined, vesa],
  ] as const)('D13: a bounce %s is no split', (_what, condition, id, via) => {
    const world = everybodyIn();
    world.send(says(user('Wumpus'), room, 'outstanding'));
    const sent = world.to(replica).find((stanza) => bodyOf(stanza) === 'outstanding') as Stanza;
    const bounce = errorReply({ ...sent, id: id ?? sent.id ?? '' }, { type: 'cancel', condition }) as Stanza;
    changesNothing(world, primary, via, bounce);
    expect(world.status(primary).peers.find(({ peer }) => peer === replica)?.state).toBe('live');
  });

  it('D13: the true one is', () => {
    const world = everybodyIn();
    world.send(says(user('Wumpus'), room, 'outstanding'));
    const sent = world.to(replica).find((stanza) => bodyOf(stanza) === 'outstanding') as Stanza;
    const bounce = errorReply(sent, { type: 'cancel', condition: 'service-unavailable' }) as Stanza;
    world.inject(primary, vesa, bounce);
    expect(world.status(primary).peers.find(({ peer }) => peer === replica)?.state).not.toBe('live');
  });

  describe('D14: history that no primary would send', () => {
    /** The replica has asked to be created; what answers is the test. */
    function asking(): { world: World; answer: (stanza: Stanza) => void; history: () => unknown } {
      const world = everybodyIn();
      world.send(says(user('Wumpus'), room, 'kept'));
      const log = world.crash(replica);
      world.cut(avalon, vesa, 'silent');
      world.clear();
      world.boot(replica, log);
      return {
        world,
        answer: (stanza) => world.inject(replica, primary, stanza),
        history: () =>
          world
            .seat(replica)
            .node.snapshot()
            .rooms[0]?.history.map(({ id, at }) => [id, at]),
      };
    }
    const item = (n: number, stamp: number) =>
      message(
        jid(`${room}/Wumpus`),
        replica,
        { type: 'groupchat', id: `h${n}` },
        el('body', NS.client, {}, `poison ${n}`),
        el('stanza-id', NS.sid, { by: room, id: `p${n}` }),
        writeDmuc({ delay: { stamp: instant(stamp) } }),
      );

    it('without a creation', () => {
      const world = everybodyIn();
      changesNothing(world, replica, primary, item(1, world.now));
    });

    it('more than was agreed on, or not as much as ready says: the history that was there stays', () => {
      const { world, answer, history } = asking();
      const before = history();
      const request = world.sent.find(({ stanza }) => payloadOf(stanza, 'netjoin', NS.ext))?.stanza as Stanza;
      const { epoch, n } = world.seat(replica).node.snapshot().rooms[0] as { epoch: number; n: number };
      const created = writeCreated({
        session: 's2',
        epoch,
        n: n + 5,
        mode: 'full',
        jids: 'none',
        keepalive: { interval: 60, timeout: 15 },
        maxstanzas: 2,
      });
      answer(iq(room, replica, { type: 'result', id: request.id ?? '' }, created));
      for (let i = 0; i < 5_000; i++) answer(item(i, world.now));
      answer(iq(room, replica, { type: 'set', id: 'ready-s2' }, writeReady({ n: n + 5, roster: 0, history: 5_000 })));
      expect(history()).toEqual(before);
      expect(JSON.stringify(world.seat(replica).node.snapshot())).not.toContain('poison');
      expect(stateOf(world, replica)).not.toBe('live');
    });

    it('of the year 9999: it is of now', () => {
      const { world, answer } = asking();
      const request = world.sent.find(({ stanza }) => payloadOf(stanza, 'netjoin', NS.ext))?.stanza as Stanza;
      const { epoch, n } = world.seat(replica).node.snapshot().rooms[0] as { epoch: number; n: number };
      const created = writeCreated({
        session: 's2',
        epoch,
        n,
        mode: 'full',
        jids: 'none',
        keepalive: { interval: 60, timeout: 15 },
        maxstanzas: 2,
      });
      answer(iq(room, replica, { type: 'result', id: request.id ?? '' }, created));
      answer(item(1, Date.UTC(9999, 0, 1)));
      answer(iq(room, replica, { type: 'set', id: 'ready-s2' }, writeReady({ n, roster: 0, history: 1 })));
      const history = world.seat(replica).node.snapshot().rooms[0]?.history ?? [];
      expect(history.map(({ id, at }) => [id, at])).toEqual([['p1', world.now]]);
    });
  });

  it.each([
    ['by a participant', 'Efchen', 'BigCheese'],
    ['of somebody elsewhere', 'BigCheese', 'Wumpus'],
  ])('D15: a kick during a split %s is forbidden', (_what, by, nick) => {
    const everyone = everybodyIn();
    setRole(everyone, 'BigCheese', 'moderator');
    const world = split('local', everyone);
    const before = held(world);
    setRole(world, nick, 'none', by);
    expect(world.got(user(by)).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
    expect(held(world)).toBe(before);
  });

  it.each(['split', 'syncing', 'gone'])('D16: nobody is kept from leaving while the primary is %s', (how) => {
    const world = how === 'split' ? split() : everybodyIn();
    if (how === 'gone') world.crash(primary);
    if (how === 'syncing') {
      world.lose((stanza) => payloadOf(stanza, 'netjoin', NS.ext) !== undefined);
      world.boot(replica, world.crash(replica));
      expect(stateOf(world, replica)).toBe('syncing');
    }
    world.clear();
    world.send(leaves(user('Efchen'), `${room}/Efchen`));
    const [answer] = world.got(user('Efchen'));
    expect(answer && stanzaText(answer)).toContain('code="110"');
    world.clear();
    world.send(says(user('BigCheese'), room, 'who is here?'));
    expect(world.got(user('Efchen'))).toEqual([]);
  });
});

const kept = (log: readonly RoomEvent[], world: World) =>
  JSON.stringify(log) + JSON.stringify(world.seat(replica).node.snapshot());
