import { describe, expect, it } from 'vitest';
import { writeAck, writeCreate, writeCreated, writeOffer, writeReady } from '../../src/core/xep/sync.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
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
  stanzaText,
} from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { wallops } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

const room = jid('wallops@channel.avalon.irc');
const primary = jid('channel.avalon.irc');
const avalon = 'avalon.irc';
const [vesa, killrc, eris] = ['vesa.yeggmaex.irc', 'killrc.oulubox.irc', 'eris.dclxvii.irc'] as const;
const [vesaReplica, killrcReplica, erisReplica] = [vesa, killrc, eris].map((domain) => jid(`replica@${domain}`)) as [
  ReturnType<typeof jid>,
  ReturnType<typeof jid>,
  ReturnType<typeof jid>,
];
const cast = Object.fromEntries(wallops.occupants.map(({ nick, jid: address }) => [nick, address])) as Record<
  string,
  string
>;
const user = (nick: string) => cast[nick] as string;

/** The dramatis personae in the room, except those named. */
function wallopsWithout(...absent: string[]): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants) {
    if (!absent.includes(nick)) world.send(joins(address, `${room}/${nick}`));
  }
  world.clear();
  return world;
}

const dmucAt = (stanza: Stanza) => readDmuc(stanza.payloads);
/** Where the room is at the replica, or `ahead` of that. */
const placeAt = (world: World, ahead = 0) => {
  const { epoch, n } = world.seat(vesaReplica).node.snapshot().rooms[0] as { epoch: number; n: number };
  return { epoch, n: n + ahead };
};
const itemAt = (stanza: Stanza) => readMucUser(stanza.payloads);
const texts = (stanzas: readonly Stanza[]) => stanzas.map((stanza) => bodyOf(stanza));

describe('XEP-0282 §4.2 Creating a Replica', () => {
  it('decision #5: the replica asks; created, roster, history, subject and ready come in this order', () => {
    const world = wallopsWithout('BigCheese', 'Efchen');
    world.send(says(user('Wumpus'), room, 'Honest! He did!!'));
    world.send(
      message(jid(user('Wumpus')), room, { type: 'groupchat' }, el('subject', NS.client, {}, 'the war of 1990')),
    );
    world.crash(vesaReplica);
    world.clear();
    world.boot(vesaReplica);
    const toReplica = world.crossed().filter(({ stanza }) => stanza.to === vesaReplica);
    expect(toReplica.map(({ stanza }) => stanza.name)).toEqual([
      'iq',
      ...Array(5).fill('presence'),
      'message',
      'message',
      'iq',
    ]);
    expect(payloadOf(toReplica[0]?.stanza as Stanza, 'created', NS.ext)?.attrs).toMatchObject({
      mode: 'full',
      jids: 'none',
      n: '7',
    });
    expect(world.status(vesaReplica)).toMatchObject({ historyLength: 1, subject: 'the war of 1990' });
    expect(world.status(vesaReplica).occupants.map(({ nick }) => nick)).toEqual([
      'Wumpus',
      'Valdis',
      'Phaedrus',
      'WiZ',
      'Troy',
    ]);
    const acks = world.crossed().filter(({ stanza }) => stanza.from === vesaReplica && payloadOf(stanza, 'a', NS.ext));
    expect(acks.map(({ stanza }) => payloadOf(stanza, 'a', NS.ext))).toEqual([writeAck({ h: 7, moderators: 0 })]);
  });

  const create = (serves: string, parts: { interval?: number } = {}) =>
    writeCreate({
      serves: serves === '' ? [] : [jid(serves)],
      keepalive: { interval: parts.interval ?? 60, timeout: 5 },
      maxstanzas: 200,
    });
  const ask = (world: World, from: string, ...payload: ReturnType<typeof create>[]) => {
    world.clear();
    world.inject(
      primary,
      from.slice(from.indexOf('@') + 1),
      iq(jid(from), room, { type: 'set', id: 'c1' }, ...payload),
    );
    return world.to(from);
  };

  it.each([
    ['a JID that is not on the room’s list', 'spy@evil.irc', 'evil.irc', {}, 'forbidden'],
    ['a domain that is not its own', vesaReplica, killrc, {}, 'forbidden'],
    ['no domain at all', vesaReplica, '', {}, 'bad-request'],
    ['a keepalive of a second', vesaReplica, vesa, { interval: 1 }, 'not-acceptable'],
  ])('decision #5: refuses %s, and sends nothing of the room', (_what, from, serves, parts, condition) => {
    const world = wallopsWithout();
    const before = JSON.stringify(world.seat(primary).node.snapshot());
    const answers = ask(world, from, create(serves, parts));
    expect(answers.map((stanza) => errorOf(stanza)?.condition)).toEqual([condition]);
    expect(JSON.stringify(world.seat(primary).node.snapshot())).toBe(before);
  });

  it('decision #5: an offer creates no state at the replica; the replica asks by itself', () => {
    const world = wallopsWithout('BigCheese', 'Efchen');
    world.clear();
    world.inject(vesaReplica, primary, message(room, vesaReplica, {}, writeOffer()));
    const asked = world.crossed().map(({ stanza }) => stanza);
    expect(asked.find((stanza) => payloadOf(stanza, 'netjoin', NS.ext))?.to).toBe(room);
    expect(world.status(vesaReplica).peers[0]?.state).toBe('live');
  });

  it('decision #74: a state of which a part got lost on the way is not taken: it is asked for again', () => {
    const world = wallopsWithout('BigCheese', 'Efchen');
    world.crash(vesaReplica);
    world.lose((stanza) => stanza.to === vesaReplica && stanza.from === `${room}/Troy`);
    world.clear();
    world.boot(vesaReplica);
    const asked = world.crossed().filter(({ stanza }) => stanza.name === 'iq' && stanza.to === room);
    expect(asked.map(({ stanza }) => stanza.payloads[0]?.name)).toEqual(['create', 'netjoin', 'a']);
    expect(world.status(vesaReplica).occupants.map(({ nick }) => nick)).toContain('Troy');
    expect(world.status(vesaReplica).peers[0]?.state).toBe('live');
  });

  it('decision #72: a primary that starts a moment later is no split', () => {
    const world = new World(wallops);
    const log = world.crash(primary);
    world.crash(vesaReplica);
    world.boot(vesaReplica);
    expect(world.status(vesaReplica).peers[0]?.state).not.toBe('split');
    world.boot(primary, log);
    world.advance(300);
    expect(world.status(vesaReplica).peers[0]?.state).toBe('live');
  });

  it('decision #4: a primary of an earlier epoch is not believed', () => {
    const world = wallopsWithout();
    const before = world.status(vesaReplica);
    world.inject(vesaReplica, primary, message(room, vesaReplica, {}, writeOffer()));
    const asked = world
      .crossed()
      .map(({ stanza }) => stanza)
      .filter((stanza) => payloadOf(stanza, 'netjoin', NS.ext))
      .at(-1);
    world.inject(vesaReplica, primary, message(room, vesaReplica, {}, writeOffer()));
    const created = writeCreated({
      session: 's',
      epoch: 7,
      n: 0,
      mode: 'full',
      jids: 'none',
      keepalive: { interval: 60, timeout: 15 },
      maxstanzas: 200,
    });
    world.inject(vesaReplica, primary, iq(room, vesaReplica, { type: 'result', id: asked?.id }, created));
    world.inject(
      vesaReplica,
      primary,
      iq(room, vesaReplica, { type: 'set', id: 'ready-s' }, writeReady({ n: 0, roster: 0, history: 0 })),
    );
    expect(world.status(vesaReplica).occupants).toEqual(before.occupants);
    expect(world.status(vesaReplica).epoch).toBe(before.epoch);
  });
});

describe('XEP-0282 §4.3 Initial Room Roster', () => {
  it('Listing 1: the roster for a replica without moderators holds no JID', () => {
    const world = wallopsWithout('BigCheese', 'Efchen');
    world.crash(vesaReplica);
    world.clear();
    world.boot(vesaReplica);
    const roster = world.to(vesaReplica).filter((stanza) => stanza.name === 'presence');
    expect(roster.map((stanza) => [stanza.from, itemAt(stanza)])).toEqual([
      [`${room}/Wumpus`, { affiliation: 'owner', role: 'moderator', statuses: [] }],
      [`${room}/Valdis`, { affiliation: 'none', role: 'participant', statuses: [] }],
      [`${room}/Phaedrus`, { affiliation: 'none', role: 'participant', statuses: [] }],
      [`${room}/WiZ`, { affiliation: 'admin', role: 'moderator', statuses: [] }],
      // errata: the listing says affiliation='participant', which is no affiliation
      [`${room}/Troy`, { affiliation: 'admin', role: 'moderator', statuses: [] }],
    ]);
  });

  it('decision #11: a roster pushed by anyone but the primary, or over another’s link, changes nothing', () => {
    const world = wallopsWithout();
    const before = world.status(vesaReplica);
    const owner = writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] });
    world.inject(vesaReplica, 'evil.irc', presence(jid('wallops@evil.irc/Wumpus'), vesaReplica, {}, owner));
    world.inject(vesaReplica, 'evil.irc', presence(jid(`${room}/Mallory`), vesaReplica, {}, owner));
    expect(world.status(vesaReplica)).toEqual(before);
    expect(world.notes.map(({ spec }) => spec)).toContain('decision#11');
  });
});

describe('XEP-0282 §4.4 Initial Room History', () => {
  it('decision #13: the replica stores it and delivers it to entering participants, with a delay from the room', () => {
    const world = wallopsWithout('BigCheese', 'Efchen');
    for (const line of ['one', 'two', 'three']) world.send(says(user('Wumpus'), room, line));
    world.crash(vesaReplica);
    world.boot(vesaReplica);
    world.clear();
    world.send(presence(jid(user('Efchen')), jid(`${room}/Efchen`), {}, writeJoin({ history: { maxstanzas: 2 } })));
    const history = world.got(user('Efchen')).filter((stanza) => bodyOf(stanza) !== undefined);
    expect(texts(history)).toEqual(['two', 'three']);
    // decision #13: from the room
    expect(history.map((stanza) => payloadOf(stanza, 'delay', NS.delay)?.attrs['from'])).toEqual([room, room]);
  });

  it('history outside of a creation is not taken', () => {
    const world = wallopsWithout();
    const item = message(
      jid(`${room}/Wumpus`),
      vesaReplica,
      { type: 'groupchat' },
      el('body', NS.client, {}, 'never said'),
      writeDmuc({ delay: { stamp: instant(1) } }),
    );
    world.inject(vesaReplica, primary, item);
    expect(world.status(vesaReplica).historyLength).toBe(0);
    expect(world.got(user('Efchen'))).toEqual([]);
  });
});

describe('XEP-0282 §4.5 ENTER', () => {
  it('Listing 2: after the update to all, the affected replica is told to enter the user, with the history asked for', () => {
    const world = wallopsWithout('BigCheese');
    world.send(
      presence(jid(user('BigCheese')), jid(`${room}/BigCheese`), {}, writeJoin({ history: { maxstanzas: 20 } })),
    );
    const out = world
      .crossed()
      .filter(({ stanza }) => stanza.from === `${room}/BigCheese`)
      .map(({ stanza }) => stanza);
    expect(out.map((stanza) => stanza.to)).toEqual([vesaReplica, killrcReplica, erisReplica, vesaReplica]);
    expect(dmucAt(out[3] as Stanza)).toMatchObject({ enter: user('BigCheese'), history: { maxstanzas: 20 } });
  });

  it('decision #6: a user who did not ask is not entered; the primary is told not-acceptable', () => {
    const world = wallopsWithout('Efchen');
    const enter = presence(
      jid(`${room}/BigCheese`),
      vesaReplica,
      { id: 'e1' },
      writeDmuc({ enter: jid(user('Efchen')), position: placeAt(world) }),
    );
    world.inject(vesaReplica, primary, enter);
    expect(world.got(user('Efchen'))).toEqual([]);
    expect(world.to(room).map((stanza) => [stanza.id, errorOf(stanza)?.condition])).toEqual([['e1', 'not-acceptable']]);
  });

  it('decision #6: a join is good for 60 s', () => {
    const world = wallopsWithout('Efchen');
    world.cut(vesa, avalon, 'silent');
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    world.advance(61_000);
    world.cut(vesa, avalon, undefined);
    world.clear();
    world.inject(
      vesaReplica,
      primary,
      presence(
        jid(`${room}/BigCheese`),
        vesaReplica,
        { id: 'e1' },
        writeDmuc({ enter: jid(user('Efchen')), position: placeAt(world) }),
      ),
    );
    expect(world.got(user('Efchen'))).toEqual([]);
  });

  it('decision #2: an entry of a roster that comes again later enters nobody', () => {
    const world = wallopsWithout('Efchen');
    world.cut(vesa, avalon, 'silent');
    world.send(joins(user('Efchen'), `${room}/BigCheese`));
    world.cut(vesa, avalon, undefined);
    world.clear();
    world.inject(
      vesaReplica,
      primary,
      presence(jid(`${room}/BigCheese`), vesaReplica, { id: 'e1' }, writeDmuc({ enter: jid(user('Efchen')) })),
    );
    expect(world.got(user('Efchen'))).toEqual([]);
    expect(world.status(vesaReplica).occupants.find(({ nick }) => nick === 'BigCheese')?.jid).not.toBe(user('Efchen'));
  });

  it('decision #6: a join that crosses with the creation is served by the replica, once', () => {
    const world = wallopsWithout('Efchen');
    // Both start again, the replica first: its request for creation bounces and is repeated, the join comes in between.
    const log = world.crash(primary);
    world.boot(vesaReplica, world.crash(vesaReplica));
    world.boot(primary, log);
    world.clear();
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    world.advance(1_000);
    expect(world.got(user('Efchen')).filter((stanza) => itemAt(stanza)?.statuses.includes(110))).toHaveLength(1);
    world.clear();
    world.send(says(user('Wumpus'), room, 'once'));
    expect(texts(world.got(user('Efchen')))).toEqual(['once']);
    expect(world.status(primary).occupants.find(({ nick }) => nick === 'Efchen')?.home).toBe(vesaReplica);
  });

  it('decision #6: the refusal names the user, who may be called otherwise by then', () => {
    const world = wallopsWithout('Efchen');
    world.crash(vesaReplica);
    world.seat(vesaReplica).up = true;
    const held: Stanza[] = [];
    world.lose((stanza) => errorOf(stanza)?.condition === 'not-acceptable' && held.push(stanza) > 0);
    world.inject(primary, vesa, joins(user('Efchen'), `${room}/Efchen`));
    world.inject(primary, vesa, presence(jid(user('Efchen')), jid(`${room}/Eff`), {}));
    world.lose(() => false);
    world.clear();
    for (const refusal of held) world.inject(primary, vesa, refusal);
    expect(world.status(primary).occupants.find(({ nick }) => nick === 'Eff')?.home).toBeUndefined();
    expect(world.got(user('Efchen')).some((stanza) => itemAt(stanza)?.statuses.includes(110))).toBe(true);
  });

  it('decision #6: refused, the primary serves the user directly', () => {
    const world = wallopsWithout('Efchen');
    world.crash(vesaReplica);
    // The replica's place is empty, so the join goes to the primary unseen by it.
    world.seat(vesaReplica).up = true;
    world.inject(primary, vesa, joins(user('Efchen'), `${room}/Efchen`));
    const got = world.got(user('Efchen'));
    expect(got.map((stanza) => stanza.name)).toEqual([...Array(7).fill('presence'), 'message']);
    expect(itemAt(got[6] as Stanza)?.statuses).toEqual([110]);
    world.clear();
    world.send(says(user('Wumpus'), room, 'hello'));
    expect(texts(world.got(user('Efchen')))).toEqual(['hello']);
  });
});

describe('XEP-0282 §4.6 LEAVE', () => {
  it('Listing 3: the affected replica is told to remove the user, then all replicas get the update', () => {
    const world = wallopsWithout();
    world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
    const out = world
      .crossed()
      .filter(({ stanza }) => stanza.from === `${room}/BigCheese`)
      .map(({ stanza }) => stanza);
    expect(out.map((stanza) => [stanza.to, stanza.type])).toEqual([
      [vesaReplica, 'unavailable'],
      [vesaReplica, 'unavailable'],
      [killrcReplica, 'unavailable'],
      [erisReplica, 'unavailable'],
    ]);
    expect(dmucAt(out[0] as Stanza)?.leave).toBe(user('BigCheese'));
    expect(
      world.got(user('BigCheese')).map((stanza) => [stanza.type, itemAt(stanza)?.role, itemAt(stanza)?.statuses]),
    ).toEqual([['unavailable', 'none', [110]]]);
    for (const other of ['Efchen', 'Wumpus', 'WiZ'])
      expect(world.got(user(other)).map((stanza) => stanza.from)).toEqual([`${room}/BigCheese`]);
    for (const node of [primary, vesaReplica, killrcReplica, erisReplica])
      expect(world.status(node).occupants).toHaveLength(6);
  });

  it('the primary removes a user: the replica forwards the stanza to the user', () => {
    const world = wallopsWithout();
    const leave = presence(
      jid(`${room}/Efchen`),
      vesaReplica,
      { type: 'unavailable' },
      writeMucUser({ affiliation: 'none', role: 'none', statuses: [307], reason: 'enough' }),
      writeDmuc({ leave: jid(user('Efchen')), position: placeAt(world, 1) }),
    );
    world.inject(vesaReplica, primary, leave);
    expect(world.got(user('Efchen')).map((stanza) => [stanza.type, itemAt(stanza)])).toEqual([
      ['unavailable', { affiliation: 'none', role: 'none', statuses: [307, 110], reason: 'enough' }],
    ]);
  });

  it('a leave for somebody else’s nick, or from anyone else, changes nothing', () => {
    const world = wallopsWithout();
    const leave = writeDmuc({ leave: jid(user('Efchen')), position: placeAt(world, 1) });
    world.inject(vesaReplica, primary, presence(jid(`${room}/BigCheese`), vesaReplica, { type: 'unavailable' }, leave));
    world.inject(
      vesaReplica,
      'evil.irc',
      presence(jid('wallops@evil.irc/Efchen'), vesaReplica, { type: 'unavailable' }, leave),
    );
    expect(world.got(user('Efchen'))).toEqual([]);
    expect(world.status(vesaReplica).occupants).toHaveLength(7);
  });

  it('decision #9: leaving is answered at once, also when the primary does not answer', () => {
    const world = wallopsWithout();
    world.cut(vesa, avalon, 'silent');
    world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
    expect(world.got(user('BigCheese')).map((stanza) => itemAt(stanza)?.statuses)).toEqual([[110]]);
  });
});

describe('XEP-0282 §4.7 Presence Update', () => {
  it('Listing 4: full JIDs to the replicas with a moderator, none to vesa’s', () => {
    const world = wallopsWithout('BigCheese');
    world.send(joins(user('BigCheese'), `${room}/BigCheese`));
    const updates = world
      .crossed()
      .map(({ stanza }) => stanza)
      .filter((stanza) => itemAt(stanza) && !dmucAt(stanza)?.enter && stanza.from === `${room}/BigCheese`);
    expect(updates.map((stanza) => [stanza.to, itemAt(stanza)?.jid])).toEqual([
      [vesaReplica, undefined],
      [killrcReplica, user('BigCheese')],
      [erisReplica, user('BigCheese')],
    ]);
  });

  it('MUST NOT: no byte to vesa names a user of another domain, whatever happens', () => {
    const world = new World(wallops);
    for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
    world.send(says(user('Wumpus'), room, 'hello'));
    world.send(presence(jid(user('WiZ')), jid(`${room}/WiZ`), {}, el('show', NS.client, {}, 'away')));
    world.send(presence(jid(user('Troy')), jid(`${room}/Trojan`), {}));
    world.send(leaves(user('Phaedrus'), `${room}/Phaedrus`));
    const wire = world
      .crossed()
      .filter(({ server }) => server?.[1] === vesa)
      .map(({ stanza }) => stanzaText(stanza))
      .join('\n');
    for (const other of wallops.occupants.filter(({ jid: address }) => !address.includes(vesa))) {
      expect(wire).not.toContain(other.jid);
      expect(JSON.stringify(world.seat(vesaReplica).log)).not.toContain(other.jid);
    }
  });

  it('the replica MUST remove the full JID for occupants who may not see it (XEP-0045 §7.2.4)', () => {
    const world = wallopsWithout('BigCheese');
    world.send(joins(user('BigCheese'), `${room}/BigCheese`));
    expect(world.got(user('Wumpus')).map((stanza) => itemAt(stanza)?.jid)).toEqual([user('BigCheese')]);
    expect(world.got(user('Valdis')).map((stanza) => itemAt(stanza)?.jid)).toEqual([undefined]);
  });

  it('decision #7: the first moderator of a replica brings the JIDs, the last one takes them away', () => {
    const world = wallopsWithout('Wumpus');
    expect(world.status(killrcReplica).occupants.filter(({ jid: known }) => known?.includes(eris))).toEqual([]);
    world.send(joins(user('Wumpus'), `${room}/Wumpus`));
    const seen = world.got(user('Wumpus')).filter((stanza) => stanza.name === 'presence');
    expect(seen.map((stanza) => itemAt(stanza)?.jid).sort()).toEqual(
      wallops.occupants.map(({ jid: address }) => address).sort(),
    );
    world.send(leaves(user('Wumpus'), `${room}/Wumpus`));
    expect(
      world.status(killrcReplica).occupants.filter(({ jid: known }) => known !== undefined && !known.includes(killrc)),
    ).toEqual([]);
  });

  it('a change of presence and of nick reaches everybody once', () => {
    const world = wallopsWithout();
    world.send(presence(jid(user('BigCheese')), jid(`${room}/BigCheese`), {}, el('show', NS.client, {}, 'away')));
    for (const { jid: address } of wallops.occupants)
      expect(world.got(address).map((stanza) => stanza.from)).toEqual([`${room}/BigCheese`]);
    world.clear();
    world.send(presence(jid(user('BigCheese')), jid(`${room}/Cheese`), {}));
    for (const { jid: address } of wallops.occupants) {
      expect(
        world.got(address).map((stanza) => [stanza.from, stanza.type, itemAt(stanza)?.statuses.includes(303)]),
      ).toEqual([
        [`${room}/BigCheese`, 'unavailable', true],
        [`${room}/Cheese`, undefined, false],
      ]);
    }
    expect(world.status(erisReplica).occupants.map(({ nick }) => nick)).toContain('Cheese');
  });
});

describe('XEP-0282 §4.8 Replica Forwards Stanza to Primary', () => {
  it('Listing 5: with the original from, and otherwise as it was', () => {
    const world = wallopsWithout();
    const line = says(user('BigCheese'), room, 'Phaedrus, we’re all having a truly rotten time.');
    world.send(line);
    expect(world.crossed().filter(({ stanza }) => stanza.to === room)).toEqual([
      { stanza: line, spec: '0282#4.8', server: [vesa, avalon] },
    ]);
  });

  it('the replica relays nobody of a domain it does not serve', () => {
    const world = wallopsWithout();
    world.inject(vesaReplica, killrc, says(user('Wumpus'), room, 'forged way'));
    expect(world.crossed()).toEqual([]);
  });

  it.each([
    ['get', ['service-unavailable']],
    ['set', ['service-unavailable']],
    ['result', []],
    ['error', []],
  ] as const)('RFC 6120 §8.2.3: of such a user an iq of type %s is answered with %j', (type, conditions) => {
    const world = wallopsWithout();
    world.inject(vesaReplica, killrc, iq(jid(user('Wumpus')), room, { type, id: 'i' }, el('query', NS.mucOwner)));
    expect(world.got(user('Wumpus')).map((stanza) => errorOf(stanza)?.condition)).toEqual(conditions);
  });
});

describe('XEP-0282 §4.9 Message Broadcast', () => {
  it('Listing 6: one copy a replica, with the delay inside the dmuc element', () => {
    const world = wallopsWithout();
    world.send(says(user('BigCheese'), room, 'rotten'));
    const copies = world
      .crossed()
      .filter(({ stanza }) => stanza.from === `${room}/BigCheese`)
      .map(({ stanza }) => stanza);
    expect(copies.map((stanza) => stanza.to)).toEqual([vesaReplica, killrcReplica, erisReplica]);
    for (const copy of copies) expect(dmucAt(copy)?.delay).toEqual({ from: `${room}/BigCheese`, stamp: world.now });
  });

  it('“SHOULD remove the dmuc element”: no client ever gets one, nor one of ours', () => {
    const world = wallopsWithout();
    world.send(
      says(
        user('BigCheese'),
        room,
        'hi',
        writeDmuc({ leave: jid(user('Valdis')) }),
        el('s', NS.ext, { e: '1', n: '9' }),
      ),
    );
    for (const { jid: address } of wallops.occupants) {
      expect(texts(world.got(address))).toEqual(['hi']);
      const bytes = world.got(address).map(stanzaText).join('');
      for (const xmlns of [NS.dmuc2, NS.ext, NS.fmuc]) expect(bytes).not.toContain(xmlns);
    }
    expect(world.status(primary).occupants).toHaveLength(7);
  });

  it('decision #2: a repetition is dropped', () => {
    const world = wallopsWithout();
    world.send(says(user('Wumpus'), room, 'once'));
    const copy = world.to(vesaReplica)[0] as Stanza;
    world.clear();
    world.inject(vesaReplica, primary, copy);
    expect(world.got(user('Efchen'))).toEqual([]);
  });

  it('decision #2: after a gap the replica asks for everything again, and its users miss and repeat nothing', () => {
    const world = wallopsWithout();
    world.cut(avalon, vesa, 'silent');
    world.send(says(user('Wumpus'), room, 'lost on the way'));
    world.cut(avalon, vesa, undefined);
    world.send(says(user('Wumpus'), room, 'arrives'));
    expect(texts(world.got(user('Efchen')))).toEqual(['lost on the way', 'arrives']);
    expect(world.status(vesaReplica).historyLength).toBe(2);
    world.clear();
    world.send(says(user('Wumpus'), room, 'live again'));
    expect(texts(world.got(user('Efchen')))).toEqual(['live again']);
  });

  it('decision #12: a stamp of the future is taken as now', () => {
    const world = wallopsWithout();
    const { n, epoch } = { n: 8, epoch: world.status(primary).epoch };
    const copy = message(
      jid(`${room}/Wumpus`),
      vesaReplica,
      { type: 'groupchat' },
      el('body', NS.client, {}, 'x'),
      writeDmuc({ delay: { stamp: instant(world.now + 9e9) }, position: { epoch, n } }),
    );
    world.inject(vesaReplica, primary, copy);
    expect(world.seat(vesaReplica).node.snapshot().rooms[0]?.history.at(-1)?.at).toBe(world.now);
  });
});

describe('XEP-0282 the sequence of a room', () => {
  it('decision #1: every change has the next n, inside the XEP’s own element; what is not news has none', () => {
    const world = wallopsWithout('Wumpus');
    world.send(says(user('Efchen'), room, 'one'));
    world.send(joins(user('Wumpus'), `${room}/Wumpus`));
    world.send(presence(jid(user('Wumpus')), jid(`${room}/Lump`), {}));
    world.send(leaves(user('Troy'), `${room}/Troy`));
    for (const replica of [vesaReplica, killrcReplica, erisReplica]) {
      const news = world.to(replica).filter((stanza) => {
        const { enter, leave, position } = dmucAt(stanza) ?? {};
        return !enter && !leave && position;
      });
      expect(news.map((stanza) => dmucAt(stanza)?.position?.n)).toEqual([7, 8, 9, 10]);
      for (const stanza of news) expect(stanza.payloads.filter(({ xmlns }) => xmlns === NS.ext)).toEqual([]);
    }
    const entries = world.sent.filter(({ spec }) => spec === 'decision#7');
    expect(entries.length).toBeGreaterThan(0);
    for (const { stanza } of entries) expect(dmucAt(stanza)?.position).toBeUndefined();
  });
});

describe('XEP-0282 §4.11.1 a bounce is known by its id', () => {
  const said = (...id: string[]) =>
    message(jid(user('Wumpus')), room, { type: 'groupchat', id: id[0] }, el('body', NS.client, {}, 'hear'));

  it('decision #10: what goes to a replica has an id of the primary’s; users get their author’s, or none', () => {
    const world = wallopsWithout();
    world.send(said('mine'), said());
    const broadcasts = world.crossed().filter(({ stanza }) => stanza.to === vesaReplica);
    expect(broadcasts.map(({ stanza }) => dmucAt(stanza)?.origin)).toEqual(['mine', undefined]);
    for (const { stanza } of broadcasts) expect([undefined, 'mine']).not.toContain(stanza.id);
    expect(world.got(user('Efchen')).map(({ id }) => id)).toEqual(['mine', undefined]);
    world.crash(vesaReplica);
    world.clear();
    world.boot(vesaReplica);
    const state = world.crossed().filter(({ stanza }) => stanza.to === vesaReplica);
    expect(new Set(state.map(({ stanza }) => stanza.id)).size).toBe(state.length);
    expect(state.every(({ stanza }) => stanza.id !== undefined && stanza.id !== 'mine')).toBe(true);
    const history = world.seat(vesaReplica).node.snapshot().rooms[0]?.history;
    expect(history?.map(({ stanzaId }) => stanzaId)).toEqual(['mine', undefined]);
  });

  it('decision #10: a broadcast of a message without an id bounces, and the replica is split', () => {
    const world = wallopsWithout();
    world.cut(avalon, vesa, 'bounce');
    world.send(said());
    expect(world.status(primary).peers.find(({ peer }) => peer === vesaReplica)?.state).toBe('split');
  });

  it('decision #10: internal-server-error says that the address is gone, too', () => {
    const world = wallopsWithout();
    world.send(said());
    const broadcast = world.crossed().find(({ stanza }) => stanza.to === vesaReplica)?.stanza as Stanza;
    world.inject(primary, vesa, errorReply(broadcast, { type: 'wait', condition: 'internal-server-error' }) as Stanza);
    expect(world.status(primary).peers.find(({ peer }) => peer === vesaReplica)?.state).toBe('split');
  });
});

describe('XEP-0282 §4.10 Primary-Replica Keepalive', () => {
  it('after a minute of silence both ping; nobody is split while the answers come', () => {
    const world = wallopsWithout();
    world.advance(80_000);
    const pings = world.crossed().filter(({ stanza }) => payloadOf(stanza, 'ping', NS.ping));
    expect(pings.length).toBeGreaterThanOrEqual(3);
    world.advance(600_000);
    for (const peer of world.status(primary).peers) expect(peer.state).toBe('live');
    for (const replica of [vesaReplica, killrcReplica, erisReplica])
      expect(world.status(replica).peers[0]?.state).toBe('live');
  });

  it('decision #3: two misses are a split, on both sides, though nothing ever bounced', () => {
    const world = wallopsWithout();
    world.cut(avalon, vesa, 'silent');
    world.advance(72_000 + 2 * 15_000 + 1_000);
    expect(world.status(primary).peers.find(({ peer }) => peer === vesaReplica)?.state).toBe('split');
    expect(world.status(vesaReplica).peers[0]?.state).toBe('split');
    expect(world.status(killrcReplica).peers[0]?.state).toBe('live');
  });
});

describe('XEP-0282 §4.11.1 Netsplit Detection', () => {
  /** vesa cut off with bounces, noticed on both sides. */
  function split(): World {
    const world = wallopsWithout();
    world.cut(avalon, vesa, 'bounce');
    world.send(says(user('Wumpus'), room, 'bounces'));
    world.send(says(user('BigCheese'), room, 'unheard'));
    world.advance(6_000);
    world.clear();
    return world;
  }

  it('§4.11.1.1: a bounce marks the replica as split; broadcasts stop, pings come more often', () => {
    const world = wallopsWithout();
    world.cut(avalon, vesa, 'bounce');
    world.send(says(user('Wumpus'), room, 'bounces'));
    expect(world.status(primary).peers.find(({ peer }) => peer === vesaReplica)?.state).toBe('split');
    world.clear();
    world.send(says(user('Wumpus'), room, 'not sent to vesa'));
    expect(
      world
        .crossed()
        .map(({ server }) => server?.[1])
        .sort(),
    ).toEqual([avalon, eris, killrc].sort());
    world.clear();
    world.advance(7_000);
    expect(world.to(vesaReplica).some((stanza) => payloadOf(stanza, 'ping', NS.ping))).toBe(true);
  });

  it.each([
    ['an id nobody used', 'guess', 'service-unavailable'],
    ['a refusal of one stanza', 'say-x', 'forbidden'],
  ])('decision #10: %s is no split', (_what, id, condition) => {
    const world = wallopsWithout();
    world.send(says(user('Wumpus'), room, 'x'));
    const error = el('error', NS.client, { type: 'cancel' }, el(condition, NS.stanzas));
    world.inject(primary, vesa, message(vesaReplica, jid(`${room}/Wumpus`), { type: 'error', id }, error));
    expect(world.status(primary).peers.find(({ peer }) => peer === vesaReplica)?.state).toBe('live');
  });

  it('decision #10: a relay that its own server gives back is passed on to the user, and is a split', () => {
    const world = wallopsWithout();
    const error = el('error', NS.client, { type: 'wait' }, el('remote-server-timeout', NS.stanzas));
    const bounce = message(room, jid(user('BigCheese')), { type: 'error', id: 'm' }, error);
    world.inject(vesaReplica, primary, bounce);
    expect(world.got(user('BigCheese'))).toEqual([bounce]);
    expect(world.status(vesaReplica).peers[0]?.state).toBe('split');
    world.clear();
    world.inject(vesaReplica, primary, message(room, jid(user('Wumpus')), { type: 'error', id: 'm' }, error));
    expect(world.sent).toEqual([]);
  });

  it('§4.11.1.2: the replica stops submitting, and says why', () => {
    const world = split();
    world.send(says(user('BigCheese'), room, 'anyone?'));
    world.send(joins('new@vesa.yeggmaex.irc/x', `${room}/New`));
    expect(world.crossed()).toEqual([]);
    expect(world.got(user('BigCheese')).map((stanza) => errorOf(stanza)?.condition)).toEqual(['remote-server-timeout']);
    expect(world.got('new@vesa.yeggmaex.irc/x').map((stanza) => errorOf(stanza)?.type)).toEqual(['wait']);
  });

  it('§4.11.1.2: presence and leaves are broadcast to local users', () => {
    const world = split();
    world.send(presence(jid(user('BigCheese')), jid(`${room}/BigCheese`), {}, el('show', NS.client, {}, 'xa')));
    expect(world.got(user('Efchen')).map((stanza) => payloadOf(stanza, 'show', NS.client)?.children)).toEqual([['xa']]);
    world.clear();
    world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
    expect(world.got(user('BigCheese')).map((stanza) => itemAt(stanza)?.statuses)).toEqual([[110]]);
    expect(world.got(user('Efchen')).map((stanza) => stanza.type)).toEqual(['unavailable']);
  });

  it('decision #8: healed, the replica is created again; its users get what they missed, and only that', () => {
    const world = split();
    world.send(says(user('Wumpus'), room, 'missed'));
    world.send(leaves(user('Valdis'), `${room}/Valdis`));
    world.cut(avalon, vesa, undefined);
    world.clear();
    world.advance(60_000);
    expect(world.status(vesaReplica).peers[0]?.state).toBe('live');
    expect(world.got(user('Efchen')).map((stanza) => bodyOf(stanza) ?? `${stanza.type} ${stanza.from}`)).toEqual([
      'bounces',
      'missed',
      `unavailable ${room}/Valdis`,
    ]);
    world.clear();
    world.send(says(user('BigCheese'), room, 'back'));
    for (const { jid: address, nick } of wallops.occupants)
      expect(texts(world.got(address))).toEqual(nick === 'Valdis' ? [] : ['back']);
  });

  it('decision #79: what users did meanwhile is relayed in their own names, in the order in which they did it', () => {
    const world = split();
    world.send(presence(jid(user('Efchen')), jid(`${room}/Efchen`), {}, el('show', NS.client, {}, 'dnd')));
    world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
    world.cut(avalon, vesa, undefined);
    world.clear();
    world.advance(60_000);
    expect(
      world
        .got(user('Wumpus'))
        .map((stanza) => [stanza.from, stanza.type ?? payloadOf(stanza, 'show', NS.client)?.children[0]]),
    ).toEqual([
      [`${room}/Efchen`, 'dnd'],
      [`${room}/BigCheese`, 'unavailable'],
    ]);
    for (const node of [primary, vesaReplica, killrcReplica]) expect(world.status(node).occupants).toHaveLength(6);
  });

  it('a replica that never noticed is asked to ask again when the primary hears it', () => {
    const world = wallopsWithout();
    world.cut(avalon, vesa, 'bounce');
    world.send(says(user('Wumpus'), room, 'bounces'));
    world.cut(avalon, vesa, undefined);
    expect(world.status(vesaReplica).peers[0]?.state).toBe('live');
    world.clear();
    world.advance(10_000);
    expect(texts(world.got(user('Efchen')))).toEqual(['bounces']);
    expect(world.status(primary).peers.every(({ state }) => state === 'live')).toBe(true);
  });
});

describe('XEP-0282 administration of a replicated room', () => {
  const configure = (world: World, ...fields: { var: string; values: string[] }[]) => {
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields });
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'conf' }, el('query', NS.mucOwner, {}, form)));
  };

  it('decision #15: a change of who sees JIDs reaches every replica, and their users', () => {
    const world = wallopsWithout();
    configure(world, { var: 'muc#roomconfig_whois', values: ['anyone'] });
    expect(world.got(user('Wumpus')).some((stanza) => stanza.id === 'conf' && stanza.type === 'result')).toBe(true);
    for (const replica of [vesaReplica, killrcReplica, erisReplica]) {
      expect(world.status(replica).peers[0]?.state).toBe('live');
      expect(world.status(replica).occupants.every(({ jid: known }) => known !== undefined)).toBe(true);
    }
    world.clear();
    world.send(presence(jid(user('WiZ')), jid(`${room}/WiZ`), {}, el('show', NS.client, {}, 'away')));
    expect(world.got(user('Efchen')).map((stanza) => itemAt(stanza)?.jid)).toEqual([user('WiZ')]);
  });

  it('decision #7: who becomes a moderator behind a replica without one learns who the others are', () => {
    const world = wallopsWithout();
    const promote = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'Efchen', role: 'moderator' }));
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'mod' }, promote));
    const seen = world.got(user('Efchen')).filter(({ name }) => name === 'presence');
    expect(seen.map((stanza) => itemAt(stanza)?.jid).sort()).toEqual(Object.values(cast).sort());
  });

  it('a kick by a moderator behind one replica: the victim behind another is told 307, everybody else once', () => {
    const world = wallopsWithout();
    const kick = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'Efchen', role: 'none' }));
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'kick' }, kick));
    expect(world.got(user('Efchen')).map((stanza) => [stanza.type, itemAt(stanza)?.statuses])).toEqual([
      ['unavailable', [307, 110]],
    ]);
    for (const other of ['Valdis', 'WiZ', 'BigCheese'])
      expect(world.got(user(other)).map((stanza) => [stanza.from, itemAt(stanza)?.statuses])).toEqual([
        [`${room}/Efchen`, [307]],
      ]);
    for (const node of [primary, vesaReplica, killrcReplica]) expect(world.status(node).occupants).toHaveLength(6);
  });
});

describe('XEP-0282 recovery from the log', () => {
  it('a replica and a primary that crash come back with roster, history and users', () => {
    const world = wallopsWithout();
    world.send(says(user('Wumpus'), room, 'before'));
    for (const node of [vesaReplica, primary]) world.boot(node, world.crash(node));
    world.advance(1_000);
    world.clear();
    world.send(says(user('BigCheese'), room, 'after'));
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['after']);
    expect(world.status(primary).historyLength).toBe(2);
    expect(world.status(vesaReplica).historyLength).toBe(2);
  });

  it('decision #77: a replica that lost its log no longer knows its users; the primary removes them with 333', () => {
    const world = wallopsWithout();
    world.crash(vesaReplica);
    world.clear();
    world.boot(vesaReplica);
    expect(world.status(primary).occupants.map(({ nick }) => nick)).not.toContain('Efchen');
    expect(itemAt(world.got(user('Wumpus'))[0] as Stanza)?.statuses).toEqual([333]);
  });

  it('decision #4: a primary that lost its log starts a later epoch; users of replicas are told that they are out', () => {
    const world = wallopsWithout();
    world.crash(primary);
    world.advance(1_000);
    world.clear();
    world.boot(primary);
    world.advance(120_000);
    expect(
      itemAt(world.got(user('Efchen')).find((stanza) => stanza.from === `${room}/Efchen`) as Stanza)?.statuses,
    ).toEqual([333, 110]);
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    world.clear();
    world.send(says(user('Efchen'), room, 'anew'));
    expect(texts(world.got(user('Efchen')))).toEqual(['anew']);
  });
});

/** The primary starts without its log, and its clock is an hour behind. */
function startsInThePast(world: World): void {
  world.crash(primary);
  world.now = instant(world.now - 3_600_000);
  world.clear();
  world.boot(primary);
}

describe('decision #4: a primary that lost its log, and whose clock was set back', () => {
  it('begins a later epoch than any that its replicas know, and has them back', () => {
    const world = wallopsWithout();
    const before = world.status(primary).epoch;
    startsInThePast(world);
    expect(world.status(primary).epoch).toBeGreaterThan(before);
    for (const node of [vesaReplica, killrcReplica, erisReplica]) {
      world.advance(120_000);
      expect(world.status(node)).toMatchObject({ epoch: world.status(primary).epoch, peers: [{ state: 'live' }] });
    }
    const out = world.got(user('Efchen')).find((stanza) => stanza.from === `${room}/Efchen`) as Stanza;
    expect(itemAt(out)?.statuses).toEqual([333, 110]);
    world.send(joins(user('Efchen'), `${room}/Efchen`), joins(user('Wumpus'), `${room}/Wumpus`));
    world.clear();
    world.send(says(user('Efchen'), room, 'anew'));
    for (const nick of ['Efchen', 'Wumpus']) expect(texts(world.got(user(nick)))).toEqual(['anew']);
  });

  it('also where nothing had happened in the room', () => {
    const world = new World(wallops);
    const before = world.status(vesaReplica).epoch;
    startsInThePast(world);
    world.advance(120_000);
    expect(world.status(primary).epoch).toBeGreaterThan(before);
    expect(world.status(vesaReplica)).toMatchObject({ epoch: world.status(primary).epoch, peers: [{ state: 'live' }] });
  });

  it('keeps its epoch over a restart with its log', () => {
    const world = wallopsWithout();
    startsInThePast(world);
    const { epoch } = world.status(primary);
    world.boot(primary, world.crash(primary));
    expect(world.status(primary).epoch).toBe(epoch);
  });

  it('who entered meanwhile by a replica that knew of no epoch stays in', () => {
    const world = wallopsWithout();
    world.crash(erisReplica);
    world.cut(avalon, vesa, 'bounce');
    world.cut(avalon, killrc, 'bounce');
    startsInThePast(world);
    const early = world.status(primary).epoch;
    // It lost its log, too, so it believes any epoch.
    world.boot(erisReplica);
    const there = wallops.occupants.find(({ jid: address }) => address.includes(eris));
    world.send(joins(there?.jid as string, `${room}/${there?.nick}`));
    world.clear();
    world.cut(avalon, vesa, undefined);
    world.cut(avalon, killrc, undefined);
    // The timers of the replicas are of the clock of before.
    world.advance(2 * 3_600_000);
    const { epoch } = world.status(primary);
    expect(epoch).toBeGreaterThan(early);
    for (const node of [vesaReplica, killrcReplica, erisReplica])
      expect(world.status(node)).toMatchObject({ epoch, peers: [{ state: 'live' }] });
    const nicks = world.status(primary).occupants.map(({ nick }) => nick);
    expect(nicks).toEqual([there?.nick]);
    expect(world.got(there?.jid as string)).toEqual([]);
  });
});

describe('XEP-0282 §5.1 Entering a Room', () => {
  it('Listings 7 to 15, decision #14: presence to all replicas, enter, then others, self once, history, subject to the user', () => {
    const world = wallopsWithout('BigCheese');
    world.send(says(user('Wumpus'), room, 'Honest! He did!!'));
    world.clear();
    world.send(joins(user('BigCheese'), `${room}/BigCheese`));
    const got = world.got(user('BigCheese'));
    expect(
      got.map((stanza) => (stanza.name === 'presence' ? stanza.from.split('/')[1] : (bodyOf(stanza) ?? 'subject'))),
    ).toEqual(['Wumpus', 'Valdis', 'Phaedrus', 'WiZ', 'Troy', 'Efchen', 'BigCheese', 'Honest! He did!!', 'subject']);
    // errata: no listing shows status 110; decision #14: and only once
    expect(got.filter((stanza) => itemAt(stanza)?.statuses.includes(110)).map((stanza) => stanza.from)).toEqual([
      `${room}/BigCheese`,
    ]);
    for (const other of ['Wumpus', 'Valdis', 'Phaedrus', 'WiZ', 'Troy', 'Efchen']) {
      // errata: Listing 10 says /WiZ
      expect(world.got(user(other)).map((stanza) => stanza.from)).toEqual([`${room}/BigCheese`]);
    }
  });

  it('someone who joins again from the same client gets everything again, and the others nothing', () => {
    const world = wallopsWithout();
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    expect(world.got(user('Efchen')).map((stanza) => stanza.name)).toEqual([...Array(7).fill('presence'), 'message']);
    expect(world.got(user('Wumpus'))).toEqual([]);
  });

  it('a refusal by the primary reaches the user', () => {
    const world = wallopsWithout('Efchen');
    world.send(joins(user('Efchen'), `${room}/Wumpus`));
    expect(world.got(user('Efchen')).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
  });
});

describe('XEP-0282 §5.2 Sending a Message to All Occupants', () => {
  it('Listings 16 to 20: 1 + 3 stanzas between servers, 7 deliveries', () => {
    const world = wallopsWithout();
    world.send(says(user('BigCheese'), room, 'Phaedrus, we’re all having a truly rotten time.'));
    expect(world.crossed()).toHaveLength(4);
    for (const { jid: address } of wallops.occupants) {
      expect(world.got(address).map((stanza) => [stanza.from, stanza.type, stanza.id])).toEqual([
        [`${room}/BigCheese`, 'groupchat', 'say-Phaedrus, we’re all having a truly rotten time.'],
      ]);
    }
  });

  it('the same in a plain room costs 8', () => {
    const plainRoom = structuredClone(wallops) as unknown as {
      nodes: { kind: string; rooms: { distribution?: unknown }[] }[];
    };
    const plain = {
      ...plainRoom,
      nodes: plainRoom.nodes.filter(({ kind }) => kind === 'service'),
    } as unknown as typeof wallops;
    for (const node of plainRoom.nodes) for (const each of node.rooms ?? []) each.distribution = { kind: 'none' };
    const world = new World(plain);
    for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
    world.clear();
    world.send(says(user('BigCheese'), room, 'rotten'));
    expect(world.crossed()).toHaveLength(8);
    for (const { jid: address } of wallops.occupants) expect(texts(world.got(address))).toEqual(['rotten']);
  });

  it('a private message goes to its target alone', () => {
    const world = wallopsWithout();
    world.send(tells(user('BigCheese'), `${room}/Wumpus`, 'psst'));
    expect(world.got(user('Wumpus')).map((stanza) => [stanza.from, stanza.type, bodyOf(stanza)])).toEqual([
      [`${room}/BigCheese`, 'chat', 'psst'],
    ]);
    expect(world.crossed()).toHaveLength(2);
    expect(world.status(primary).historyLength).toBe(0);
  });
});
