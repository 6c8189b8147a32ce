import { describe, expect, it } from 'vitest';
import { readMucUser, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeDelay } from '../../src/core/xep/xep0203.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { instant, plus } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

const service = jid('conference.localhost');
const coven = jid('coven@conference.localhost');
const [crone, wiccarocks, hag] = [
  'crone1@localhost/desktop',
  'wiccarocks@localhost/laptop',
  'hag66@localhost/pda',
] as const;

/** A service with one room as given, and nobody in it. */
function covenWith(room: Partial<ScenarioRoom> = {}, parts: { openCreation?: boolean } = {}): World {
  const rooms = [{ jid: coven, ...room }];
  const node = {
    kind: 'service',
    address: service,
    server: 'localhost',
    rooms,
    admins: ['admin@localhost'],
    ...parts,
  } as const;
  return new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
}

/** Two witches in the coven, as moderator and participant. */
function inside(room: Partial<ScenarioRoom> = {}): World {
  const world = covenWith({ affiliations: [{ jid: 'crone1@localhost', affiliation: 'owner' }], ...room });
  world.send(joins(crone, `${coven}/firstwitch`));
  world.send(joins(wiccarocks, `${coven}/secondwitch`));
  world.clear();
  return world;
}

const itemAt = (stanza: Stanza) => readMucUser(stanza.payloads);
const conditions = (stanzas: readonly Stanza[]) =>
  stanzas.map((stanza) => [errorOf(stanza)?.type, errorOf(stanza)?.condition]);

describe('XEP-0045 §7.1 Order of Events', () => {
  it('others, self with 110, history, subject, live', () => {
    const world = inside({ subject: 'Fire Burn' });
    world.send(says(crone, coven, 'Thrice the brinded cat hath mew’d.'));
    world.clear();
    world.send(joins(hag, `${coven}/thirdwitch`));
    world.send(says(crone, coven, 'Harpier cries'));
    const got = world.got(hag);
    expect(
      got.map((stanza) =>
        stanza.name === 'presence' ? stanza.from.split('/')[1] : (bodyOf(stanza) ?? subjectChange(stanza)),
      ),
    ).toEqual([
      'firstwitch',
      'secondwitch',
      'thirdwitch',
      'Thrice the brinded cat hath mew’d.',
      'Fire Burn',
      'Harpier cries',
    ]);
    expect(got.filter((stanza) => itemAt(stanza)?.statuses.includes(110))).toHaveLength(1);
    expect(payloadOf(got[3] as Stanza, 'delay', NS.delay)?.attrs['from']).toBe(coven);
    expect(payloadOf(got[5] as Stanza, 'delay', NS.delay)).toBeUndefined();
  });
});

describe('XEP-0045 §7.2 Entering a Room', () => {
  it('§7.2.2: one muc#user element in every presence; affiliation and role as the room keeps them', () => {
    const world = inside();
    world.send(joins(hag, `${coven}/thirdwitch`));
    const presences = world.got(hag).filter(({ name }) => name === 'presence');
    for (const stanza of presences) expect(stanza.payloads.filter(({ xmlns }) => xmlns === NS.mucUser)).toHaveLength(1);
    expect(presences.map((stanza) => [itemAt(stanza)?.affiliation, itemAt(stanza)?.role])).toEqual([
      ['owner', 'moderator'],
      ['none', 'participant'],
      ['none', 'participant'],
    ]);
  });

  it('§7.2.3: everybody sees real JIDs in a non-anonymous room, and 100 says so', () => {
    const world = inside({ whois: 'anyone' });
    world.send(joins(hag, `${coven}/thirdwitch`));
    const presences = world.got(hag).filter(({ name }) => name === 'presence');
    expect(presences.map((stanza) => itemAt(stanza)?.jid)).toEqual([crone, wiccarocks, hag]);
    expect(itemAt(presences[2] as Stanza)?.statuses).toEqual([110, 100]);
  });

  it('§7.2.4: moderators only see them in a semi-anonymous one', () => {
    const world = inside();
    world.send(joins(hag, `${coven}/thirdwitch`));
    expect(itemAt(world.got(crone)[0] as Stanza)?.jid).toBe(hag);
    expect(itemAt(world.got(wiccarocks)[0] as Stanza)?.jid).toBeUndefined();
  });

  const door: [string, Partial<ScenarioRoom>, Stanza, string, string][] = [
    ['§7.2.1 no nick', {}, presence(jid(hag), coven, {}, writeJoin({})), 'modify', 'jid-malformed'],
    ['§7.2.5 no password', { password: 'cauldronburn' }, joins(hag, `${coven}/thirdwitch`), 'auth', 'not-authorized'],
    ['§7.2.6 not a member', { membersOnly: true }, joins(hag, `${coven}/thirdwitch`), 'auth', 'registration-required'],
    [
      '§7.2.7 banned',
      { affiliations: [{ jid: 'hag66@localhost', affiliation: 'outcast' }] },
      joins(hag, `${coven}/thirdwitch`),
      'auth',
      'forbidden',
    ],
    ['§7.2.9 full', { maxOccupants: 0 }, joins(hag, `${coven}/thirdwitch`), 'wait', 'service-unavailable'],
  ];
  it.each(door)('%s', (_section, room, join, type, condition) => {
    const world = covenWith(room);
    world.clear();
    world.send(join);
    expect(conditions(world.got(hag))).toEqual([[type, condition]]);
    expect(world.status(service).occupants).toEqual([]);
  });

  it('§7.2.5: with the password', () => {
    const world = covenWith({ password: 'cauldronburn' });
    world.send(presence(jid(hag), jid(`${coven}/thirdwitch`), {}, writeJoin({ password: 'cauldronburn' })));
    expect(world.status(service).occupants.map(({ nick }) => nick)).toEqual(['thirdwitch']);
  });

  it('§7.2.8 Nickname Conflict', () => {
    const world = inside();
    world.send(joins(hag, `${coven}/firstwitch`));
    expect(conditions(world.got(hag))).toEqual([['cancel', 'conflict']]);
  });

  it('§7.2.9: admins and owners enter a full room', () => {
    const world = covenWith({ maxOccupants: 0 });
    world.send(joins('admin@localhost/x', `${coven}/admin`));
    expect(world.status(service).occupants).toHaveLength(1);
  });

  it('§7.2.11: where rooms are not made by entering them, not-allowed', () => {
    const world = covenWith();
    world.send(joins(hag, 'heath@conference.localhost/thirdwitch'));
    expect(conditions(world.got(hag))).toEqual([['cancel', 'not-allowed']]);
  });

  it('§10.1: where they are, the first to enter is told 201 and owns it; it ends with the last occupant', () => {
    const world = covenWith({}, { openCreation: true });
    world.send(joins(hag, 'heath@conference.localhost/thirdwitch'));
    const self = world.got(hag).find(({ name }) => name === 'presence') as Stanza;
    expect(itemAt(self)).toMatchObject({ affiliation: 'owner', role: 'moderator', statuses: [201, 170, 110] });
    world.send(leaves(hag, 'heath@conference.localhost/thirdwitch'));
    expect(
      world
        .seat(service)
        .node.status()
        .rooms.map(({ room }) => room),
    ).toEqual([coven]);
  });

  it('§7.2.15, XEP-0421 §4: the subject comes with the occupant id of who set it', () => {
    const world = inside({ changeSubject: true });
    world.send(message(jid(wiccarocks), coven, { type: 'groupchat' }, el('subject', NS.client, {}, 'Fire Burn')));
    const id = readOccupantId((world.got(crone)[0] as Stanza).payloads);
    world.clear();
    world.send(joins(hag, `${coven}/thirdwitch`));
    const last = world.got(hag).at(-1) as Stanza;
    expect([subjectChange(last), last.from, readOccupantId(last.payloads)]).toEqual([
      'Fire Burn',
      `${coven}/secondwitch`,
      id,
    ]);
    expect(id).not.toBe('');
  });

  it('§7.2.15: always a subject, empty if none', () => {
    const world = covenWith();
    world.send(joins(hag, `${coven}/thirdwitch`));
    expect(subjectChange(world.got(hag).at(-1) as Stanza)).toBe('');
  });

  it('§7.2.18: presence of somebody who is not in and does not ask to be: 110, 307, 333', () => {
    const world = inside();
    world.send(presence(jid(hag), jid(`${coven}/thirdwitch`), {}));
    expect(world.got(hag).map((stanza) => [stanza.type, itemAt(stanza)?.statuses])).toEqual([
      ['unavailable', [110, 307, 333]],
    ]);
  });

  it('someone who asks to enter again from the same client gets everything again, once, and nobody else anything', () => {
    const world = inside();
    world.send(joins(wiccarocks, `${coven}/secondwitch`));
    expect(world.got(wiccarocks).map(({ name }) => name)).toEqual(['presence', 'presence', 'message']);
    expect(world.got(crone)).toEqual([]);
  });
});

describe('XEP-0045 §7.2.14 Managing Discussion History', () => {
  const lines = ['one', 'two', 'three', 'four'];
  it.each([
    ['all of it without a limit', {}, lines],
    ['maxstanzas', { maxstanzas: 2 }, ['three', 'four']],
    ['maxstanzas=0', { maxstanzas: 0 }, []],
    ['seconds', { seconds: 25 }, ['three', 'four']],
    ['since', { since: instant(Date.UTC(1990, 9, 13, 23, 58, 57)) }, ['three', 'four']],
    ['maxchars=0', { maxchars: 0 }, []],
    ['the least of several', { seconds: 25, maxstanzas: 1 }, ['four']],
  ])('%s', (_what, history, expected) => {
    const world = inside();
    for (const line of lines) {
      world.send(says(crone, coven, line));
      world.advance(10_000);
    }
    world.clear();
    world.send(presence(jid(hag), jid(`${coven}/thirdwitch`), {}, writeJoin({ history })));
    expect(
      world
        .got(hag)
        .map(bodyOf)
        .filter((body) => body !== undefined),
    ).toEqual(expected);
  });

  it('the room keeps historyMax messages', () => {
    const world = inside({ historyMax: 3 });
    for (let i = 1; i <= 40; i++) world.send(says(crone, coven, `line ${i}`));
    world.clear();
    world.send(joins(hag, `${coven}/thirdwitch`));
    expect(world.got(hag).map(bodyOf).filter(Boolean)).toEqual(['line 38', 'line 39', 'line 40']);
  });
});

describe('XEP-0045 §7.4 Sending a Message to All Occupants', () => {
  it('reflects to all, the sender too, with the same id and a stanza-id by the room', () => {
    const world = inside();
    world.send(says(crone, coven, 'Harpier cries'));
    for (const witch of [crone, wiccarocks]) {
      const [stanza] = world.got(witch);
      expect([stanza?.from, stanza?.id, stanza && bodyOf(stanza)]).toEqual([
        `${coven}/firstwitch`,
        'say-Harpier cries',
        'Harpier cries',
      ]);
      expect(payloadOf(stanza as Stanza, 'stanza-id', NS.sid)?.attrs['by']).toBe(coven);
    }
  });

  it('from outside: not-acceptable; a visitor in a moderated room: forbidden', () => {
    const world = inside({ moderated: true });
    world.send(says(hag, coven, 'hello'));
    world.send(says(wiccarocks, coven, 'may I?'));
    expect(conditions(world.got(hag))).toEqual([['modify', 'not-acceptable']]);
    expect(conditions(world.got(wiccarocks))).toEqual([['auth', 'forbidden']]);
    expect(world.got(crone)).toEqual([]);
  });

  it('§17.4 and hygiene: what only rooms may say is taken out, as a direct child, whatever else is in the message', () => {
    const world = inside();
    const forged = [
      writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [110] }),
      el('stanza-id', NS.sid, { by: coven, id: 'mine' }),
      writeDelay({ from: coven, stamp: instant(0) }),
      writeDelay({ stamp: instant(0) }),
      el('occupant-id', NS.occupantId, { id: 'x' }),
    ];
    const honest = [
      writeDelay({ from: jid('wiccarocks@localhost'), stamp: instant(0) }),
      el('forwarded', 'urn:xmpp:forward:0', {}, writeMucUser({ affiliation: 'none', role: 'none', statuses: [] })),
    ];
    world.send(says(crone, coven, 'x', ...forged, ...honest));
    const [got] = world.got(wiccarocks);
    expect(got?.payloads.slice(1, -2)).toEqual(honest);
    expect(payloadOf(got as Stanza, 'stanza-id', NS.sid)?.attrs['id']).not.toBe('mine');
    world.send(joins(hag, `${coven}/thirdwitch`));
    const stamp = world
      .got(hag)
      .filter((stanza) => bodyOf(stanza) === 'x')
      .map((stanza) => stanza.payloads.at(-1)?.attrs['stamp']);
    expect(stamp).toEqual([new Date(world.now).toISOString()]);
  });
});

describe('XEP-0045 §7.5 Sending a Private Message', () => {
  it('from the occupant JID, with the mark; to nobody else, and not into the history', () => {
    const world = inside();
    world.send(joins(hag, `${coven}/thirdwitch`));
    world.clear();
    world.send(tells(wiccarocks, `${coven}/firstwitch`, 'I’ll give thee a wind.'));
    expect(world.got(crone).map((stanza) => [stanza.from, stanza.type, bodyOf(stanza)])).toEqual([
      [`${coven}/secondwitch`, 'chat', 'I’ll give thee a wind.'],
    ]);
    expect(payloadOf(world.got(crone)[0] as Stanza, 'x', NS.mucUser)).toBeDefined();
    expect([world.got(hag), world.status(service).historyLength]).toEqual([[], 0]);
  });

  it('XEP-0421 §4: with the occupant id that the sender’s presence has, whatever the sender says it is', () => {
    const world = inside();
    world.send(joins(hag, `${coven}/thirdwitch`));
    const id = readOccupantId((world.got(crone)[0] as Stanza).payloads);
    world.clear();
    const forged = el('occupant-id', NS.occupantId, { id: 'another’s' });
    world.send(message(jid(hag), jid(`${coven}/firstwitch`), { type: 'chat' }, el('body', NS.client, {}, 'x'), forged));
    const [got] = world.got(crone);
    expect(got?.payloads.filter(({ xmlns }) => xmlns === NS.occupantId).map(({ attrs }) => attrs['id'])).toEqual([id]);
  });

  it.each([
    ['to nobody: item-not-found', wiccarocks, 'chat', `${coven}/nobody`, 'item-not-found'],
    ['of type groupchat: bad-request', wiccarocks, 'groupchat', `${coven}/firstwitch`, 'bad-request'],
    ['from outside: not-acceptable', hag, 'chat', `${coven}/firstwitch`, 'not-acceptable'],
  ])('%s', (_what, from, type, to, condition) => {
    const world = inside();
    world.send(message(jid(from), jid(to), { type, id: 'pm' }, el('body', NS.client, {}, 'x')));
    expect(world.got(from).map((stanza) => errorOf(stanza)?.condition)).toEqual([condition]);
    expect(world.got(crone)).toEqual([]);
  });
});

describe('XEP-0045 §7.6 Changing Nickname', () => {
  it('303 with the new nick, then the new presence; role and affiliation stay; 110 for oneself', () => {
    const world = inside();
    world.send(presence(jid(crone), jid(`${coven}/oldhag`), {}));
    expect(
      world
        .got(wiccarocks)
        .map((stanza) => [
          stanza.from,
          stanza.type,
          itemAt(stanza)?.nick,
          itemAt(stanza)?.role,
          itemAt(stanza)?.statuses,
        ]),
    ).toEqual([
      [`${coven}/firstwitch`, 'unavailable', 'oldhag', 'moderator', [303]],
      [`${coven}/oldhag`, undefined, undefined, 'moderator', []],
    ]);
    expect(world.got(crone).map((stanza) => itemAt(stanza)?.statuses)).toEqual([[303, 110], [110]]);
  });

  it('conflict', () => {
    const world = inside();
    world.send(presence(jid(crone), jid(`${coven}/secondwitch`), {}));
    expect(conditions(world.got(crone))).toEqual([['cancel', 'conflict']]);
    expect(world.got(wiccarocks)).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'r@s/x'])('a nick is only text: %s', (nick) => {
    const world = inside();
    world.send(joins(hag, `${coven}/${nick}`));
    expect(world.got(crone).map(({ from }) => from)).toEqual([`${coven}/${nick}`]);
    world.send(leaves(hag, `${coven}/${nick}`));
    expect(world.status(service).occupants.map((occupant) => occupant.nick)).toEqual(['firstwitch', 'secondwitch']);
  });
});

describe('XEP-0045 §7.7, §7.14, §8.1', () => {
  it('§7.7: a change of availability goes to all', () => {
    const world = inside();
    world.send(presence(jid(wiccarocks), jid(`${coven}/secondwitch`), {}, el('show', NS.client, {}, 'xa')));
    for (const witch of [crone, wiccarocks])
      expect(world.got(witch).map((stanza) => payloadOf(stanza, 'show', NS.client)?.children)).toEqual([['xa']]);
  });

  it('§7.14: role none, the status text kept, 110 for oneself', () => {
    const world = inside();
    world.send(
      presence(
        jid(wiccarocks),
        jid(`${coven}/secondwitch`),
        { type: 'unavailable' },
        el('status', NS.client, {}, 'gone where the goblins go'),
      ),
    );
    expect(
      world
        .got(crone)
        .map((stanza) => [stanza.type, itemAt(stanza)?.role, payloadOf(stanza, 'status', NS.client)?.children]),
    ).toEqual([['unavailable', 'none', ['gone where the goblins go']]]);
    expect(itemAt(world.got(wiccarocks)[0] as Stanza)?.statuses).toEqual([110]);
  });

  it('§7.2.2, §7.14: the answer to the user who leaves has the id of their request; to the others it has none', () => {
    const world = inside();
    world.send(presence(jid(wiccarocks), jid(`${coven}/secondwitch`), { type: 'unavailable', id: 'exit1' }));
    expect([wiccarocks, crone].map((witch) => world.got(witch).map(({ id }) => id))).toEqual([['exit1'], [undefined]]);
  });

  it('§7.2.2, §7.2.8: also where another session of theirs stays', () => {
    const world = inside();
    const phone = 'wiccarocks@localhost/phone';
    world.send(joins(phone, `${coven}/secondwitch`));
    world.clear();
    world.send(presence(jid(phone), jid(`${coven}/secondwitch`), { type: 'unavailable', id: 'exit1' }));
    expect(world.got(phone).map(({ id, type }) => [id, type])).toEqual([['exit1', 'unavailable']]);
    expect(world.got(wiccarocks).map(({ type }) => type)).not.toContain('unavailable');
  });

  it('§7.2.2, §10.1.3: also where a room that was never configured goes with its maker', () => {
    const world = covenWith({}, { openCreation: true });
    const made = 'heath@conference.localhost';
    world.send(joins(crone, `${made}/firstwitch`));
    world.clear();
    world.send(presence(jid(crone), jid(`${made}/firstwitch`), { type: 'unavailable', id: 'exit1' }));
    expect(world.got(crone).map(({ id, type }) => [id, type])).toEqual([['exit1', 'unavailable']]);
  });

  it('§7.6, §8.2: a change of nick and a kick have no id of a request', () => {
    const world = inside();
    world.send(presence(jid(wiccarocks), jid(`${coven}/hecate`), { id: 'nick1' }));
    const kick = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'hecate', role: 'none' }));
    world.send(iq(jid(crone), coven, { type: 'set', id: 'kick1' }, kick));
    const told = world.got(wiccarocks).filter(({ name }) => name === 'presence');
    expect(told.map(({ id, type }) => [id, type])).toEqual([
      [undefined, 'unavailable'],
      [undefined, undefined],
      [undefined, 'unavailable'],
    ]);
  });

  it('§8.1: a subject without a body changes it, for those here and those to come', () => {
    const world = inside();
    world.send(
      message(
        jid(crone),
        coven,
        { type: 'groupchat', id: 's' },
        el('subject', NS.client, {}, 'Fire Burn and Cauldron Bubble!'),
      ),
    );
    expect(world.got(wiccarocks).map(subjectChange)).toEqual(['Fire Burn and Cauldron Bubble!']);
    world.send(joins(hag, `${coven}/thirdwitch`));
    expect(subjectChange(world.got(hag).at(-1) as Stanza)).toBe('Fire Burn and Cauldron Bubble!');
    expect(world.status(service).historyLength).toBe(0);
  });

  it('§8.1: with a body it is a message like any other', () => {
    const world = inside();
    world.send(says(crone, coven, 'x', el('subject', NS.client, {}, 'not the subject')));
    expect(world.status(service)).toMatchObject({ subject: '', historyLength: 1 });
  });

  it('§11.2: the service goes down: everybody gets their own unavailable, with 332, and nobody another’s', () => {
    const world = inside();
    world.command(service, { name: 'stop' });
    expect(world.got(crone).map((stanza) => [stanza.from, stanza.type, itemAt(stanza)?.statuses])).toEqual([
      [`${coven}/firstwitch`, 'unavailable', [332, 110]],
    ]);
    expect(world.status(service).occupants).toEqual([]);
  });

  it('XEP-0092: the service says what it is; §10.1: rooms of another domain are not made here', () => {
    const world = covenWith({}, { openCreation: true });
    world.send(iq(jid(hag), service, { type: 'get', id: 'v' }, el('query', 'jabber:iq:version')));
    expect(JSON.stringify(world.got(hag)[0]?.payloads)).toContain('Netsplit');
    world.clear();
    world.inject(service, 'localhost', joins(hag, 'heath@elsewhere.example/x'));
    expect(
      world
        .seat(service)
        .node.status()
        .rooms.map(({ room }) => room),
    ).toEqual([coven]);
  });

  it('§11.1: what bounces from an occupant takes the ghost out, with 333', () => {
    const world = inside();
    const error = el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas));
    world.send(message(jid(wiccarocks), jid(`${coven}/firstwitch`), { type: 'error' }, error));
    expect(world.got(crone).map((stanza) => [stanza.type, itemAt(stanza)?.statuses])).toEqual([['unavailable', [333]]]);
  });
});

describe('XEP-0045 §6, XEP-0199, XEP-0410', () => {
  const ask = (world: World, from: string, to: string, query: ReturnType<typeof el>) => {
    world.send(iq(jid(from), jid(to), { type: 'get', id: 'q' }, query));
    return world.got(from).at(-1) as Stanza;
  };

  it('the service lists its rooms, a room says what it is', () => {
    const world = inside({ name: 'A Dark Cave' });
    const items = ask(world, hag, service, el('query', NS.discoItems)).payloads[0]?.children;
    expect(items).toEqual([el('item', NS.discoItems, { jid: coven, name: 'A Dark Cave' })]);
    const info = JSON.stringify(ask(world, hag, coven, el('query', NS.discoInfo)).payloads);
    for (const feature of [NS.muc, 'muc_semianonymous', 'muc_open', 'muc_unmoderated', NS.sid])
      expect(info).toContain(feature);
  });

  it('XEP-0410: a ping to oneself is answered by the room; from outside not-acceptable', () => {
    const world = inside();
    expect(ask(world, crone, `${coven}/firstwitch`, el('ping', NS.ping)).type).toBe('result');
    expect(errorOf(ask(world, hag, `${coven}/firstwitch`, el('ping', NS.ping)))?.condition).toBe('not-acceptable');
  });

  it('what nobody knows is refused, never left unanswered', () => {
    const world = inside();
    for (const to of [service, coven, `${coven}/firstwitch`, 'nowhere@conference.localhost'])
      expect(ask(world, wiccarocks, to, el('query', 'urn:example:unknown')).type).toBe('error');
  });
});

describe('recovery', () => {
  it('a room comes back from its log with users, subject and history; a snapshot is worth the log before it', () => {
    const world = inside();
    world.send(says(crone, coven, 'one'));
    const { node, log } = world.seat(service);
    const half = structuredClone(node.snapshot());
    const before = log.length;
    world.send(says(wiccarocks, coven, 'two'));
    const tail = log.slice(before);
    world.now = plus(world.now, 1000);
    world.boot(service, world.crash(service));
    expect(world.seat(service).node.snapshot()).toEqual(node.snapshot());
    const fresh = world.seat(service).node;
    fresh.restore(half);
    for (const event of tail) fresh.apply(event);
    expect(fresh.snapshot()).toEqual(node.snapshot());
  });
});
