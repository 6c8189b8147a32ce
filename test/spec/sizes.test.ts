import { describe, expect, it } from 'vitest';
import type { RoomEvent } from '../../src/core/room/event.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser } from '../../src/core/xep/xep0045.ts';
import { rsm } from '../../src/core/xep/xep0059.ts';
import { mam } from '../../src/core/xep/xep0313.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { clientLimits, nodeLimits } from '../../src/core/xmpp/size.ts';
import {
  bodyOf,
  errorOf,
  iq,
  message,
  payloadOf,
  presence,
  type Stanza,
  stanzaFrame,
} from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { childOf, childrenOf, el, isXmlText, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { parseElement } from '../../src/server/parser.ts';
import { plain, wallops, wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// What is read may be more when it is written: a body of 130,000 `&` in a CDATA section fits into what a client may send,
// and is 650,000 bytes as a room sends it on. A server ends the stream of a node that sends so much, and all its rooms are
// out of reach.

const service = jid('conference.localhost');
const coven = jid('coven@conference.localhost');
const [crone, wicca, hag] = ['crone1@localhost/desktop', 'wiccarocks@localhost/laptop', 'hag66@localhost/pda'] as const;

function inside(room: Partial<ScenarioRoom> = {}, log: readonly RoomEvent[] = []): World {
  const affiliations = [{ jid: 'crone1@localhost', affiliation: 'owner' as const }, ...(room.affiliations ?? [])];
  const rooms = [{ jid: coven, logging: true, ...room, affiliations }];
  const node = { kind: 'service', address: service, server: 'localhost', rooms } as const;
  const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
  if (log.length > 0) world.boot(service, [...world.crash(service), ...log]);
  world.send(joins(crone, `${coven}/firstwitch`));
  world.send(joins(wicca, `${coven}/secondwitch`));
  return world;
}

const body = (text: string) => el('body', NS.client, {}, text);
const amps = '&'.repeat(130_000);
const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));
const nested = (depth: number): XmlElement =>
  depth === 0 ? el('a', 'urn:x') : el('a', 'urn:x', {}, nested(depth - 1));

/** What a client may say, and a room may not repeat. */
const grown: readonly (readonly [string, XmlElement, RegExp])[] = [
  ['a body of 130,000 &', body(amps), /^the stanza is 65\d{4} bytes long as it is sent on, and may be 458752$/],
  ['an attribute of 90,000 "', el('a', 'urn:x', { a: '"'.repeat(90_000) }), /^the stanza is 54\d{4} bytes long/],
  [
    'one prefix at many elements',
    el('a', 'urn:x', {}, ...times(100, () => el('b', `urn:${'long'.repeat(2_000)}`))),
    /^the stanza is 80\d{4} bytes long/,
  ],
  ['a namespace each', el('a', 'urn:x', {}, ...times(120, () => el('b', 'urn:y'))), /has 122 namespace declarations/],
  ['children', el('a', 'urn:x', {}, ...times(2_000, () => el('b', 'urn:x'))), /has 2000 children, and may have 1992/],
  ['depth', nested(62), /is nested 64 elements deep, and may be 61/],
  [
    'attributes',
    el('a', 'urn:x', Object.fromEntries(times(64, (i) => [`a${i}`, '']))),
    /has 65 attributes as it is sent on, and may have 64/,
  ],
];

/** Whether our own server would take it from a node. */
function isTaken(stanza: Stanza): boolean {
  return parseElement(stanzaFrame(stanza), nodeLimits).ok;
}

/** All that nodes sent is what a server takes. */
function expectTaken(world: World): void {
  const sent = world.sent.filter((one) => world.senderOf(one) !== undefined);
  expect(sent.filter(({ stanza }) => !isTaken(stanza)).map(({ stanza }) => `${stanza.name} to ${stanza.to}`)).toEqual(
    [],
  );
}

const refusals = (world: World, who: string) =>
  world.got(who).flatMap((stanza) => {
    const error = errorOf(stanza);
    return error === undefined ? [] : [[stanza.id, stanza.from, error.type, error.condition, error.text]];
  });

describe('XEP-0045 §7.4 "policies regarding message content or size"', () => {
  it.each(grown)(
    'decision #120: %s: refused before it is in the log, and the limit is named',
    (_what, payload, words) => {
      const world = inside();
      const before = world.seat(service).log.length;
      world.clear();
      world.send(message(jid(wicca), coven, { type: 'groupchat', id: 'm' }, payload));
      expect(refusals(world, wicca)).toEqual([
        ['m', coven, 'modify', 'policy-violation', expect.stringMatching(words) as unknown as string],
      ]);
      expect(world.got(crone)).toEqual([]);
      expect(world.seat(service).log.length).toBe(before);
      expectTaken(world);
    },
  );

  const form = (fields: Record<string, string>, formType = 'muc#roomconfig') =>
    writeForm({
      type: 'submit',
      formType: `http://jabber.org/protocol/${formType}`,
      fields: Object.entries(fields).map(([name, value]) => ({ var: name, values: [value] })),
    });
  const reason = (xmlns: string) => el('reason', xmlns, {}, amps);
  const user = (child: XmlElement) => el('x', NS.mucUser, {}, child);
  const asks = (to: Jid, type: 'get' | 'set', query: XmlElement) => iq(jid(crone), to, { type, id: 'q' }, query);
  const says = (to: Jid, type: string | undefined, ...payloads: XmlElement[]) =>
    message(jid(crone), to, { type, id: 'q' }, ...payloads);
  const secondwitch = jid(`${coven}/secondwitch`);

  it.each<readonly [string, Stanza]>([
    ['a subject (§8.1)', says(coven, 'groupchat', el('subject', NS.client, {}, amps))],
    ['a private message (§7.5)', says(secondwitch, 'chat', body(amps))],
    ['an id', message(jid(crone), coven, { type: 'groupchat', id: '&'.repeat(95_000) }, body('x'))],
    ['a type', message(jid(crone), secondwitch, { type: '&'.repeat(100_000), id: 'q' }, body('x'))],
    [
      'a presence (§7.7)',
      presence(jid(crone), jid(`${coven}/firstwitch`), { id: 'q' }, el('status', NS.client, {}, amps)),
    ],
    ['a nick change (§7.6)', presence(jid(crone), jid(`${coven}/x`), { id: 'q' }, el('status', NS.client, {}, amps))],
    ['an invitation (§7.8.2)', says(coven, undefined, user(el('invite', NS.mucUser, { to: hag }, reason(NS.mucUser))))],
    ['a request to an occupant (§17.4)', asks(secondwitch, 'set', el('vCard', 'vcard-temp', {}, amps))],
    [
      'a kick (§8.2)',
      asks(
        coven,
        'set',
        el(
          'query',
          NS.mucAdmin,
          {},
          el('item', NS.mucAdmin, { nick: 'secondwitch', role: 'none' }, reason(NS.mucAdmin)),
        ),
      ),
    ],
    ['a name (§10.2)', asks(coven, 'set', el('query', NS.mucOwner, {}, form({ 'muc#roomconfig_roomname': amps })))],
    [
      'a destruction (§10.9)',
      asks(coven, 'set', el('query', NS.mucOwner, {}, el('destroy', NS.mucOwner, {}, reason(NS.mucOwner)))),
    ],
    [
      'a registration (§7.10)',
      asks(
        coven,
        'set',
        el('query', 'jabber:iq:register', {}, form({ 'muc#register_roomnick': amps }, 'muc#register')),
      ),
    ],
  ])('decision #120: %s that is too large changes nothing and reaches nobody', (_what, stanza) => {
    const world = inside();
    const before = JSON.stringify(world.seat(service).node.snapshot());
    world.clear();
    world.send(stanza);
    expect(refusals(world, crone).map(([, from, , condition]) => [from, condition])).toEqual([
      [stanza.to, 'policy-violation'],
    ]);
    expect([...world.got(wicca), ...world.got(hag)]).toEqual([]);
    expect(JSON.stringify(world.seat(service).node.snapshot())).toBe(before);
  });

  it('decision #120: a join that is too large is refused', () => {
    const world = inside();
    world.clear();
    world.send(joins(hag, `${coven}/thirdwitch`, el('status', NS.client, {}, amps)));
    expect(refusals(world, hag).map(([, , , condition]) => condition)).toEqual(['policy-violation']);
    expect(world.got(crone)).toEqual([]);
  });

  it('decision #120: all that a client may say, and that does not grow, goes through', () => {
    const world = inside();
    const rest = stanzaFrame(message(jid(wicca), coven, { type: 'groupchat', id: 'm' }, body(''))).length + 20;
    const text = 'x'.repeat(clientLimits.bytes - rest);
    const frame = message(jid(wicca), coven, { type: 'groupchat', id: 'm' }, body(text));
    expect(parseElement(stanzaFrame(frame), clientLimits).ok).toBe(true);
    world.clear();
    world.send(frame);
    expect(world.got(crone).map(bodyOf)).toEqual([text]);
    expectTaken(world);
  });

  it('decision #120: a leave counts in any case, without what was said with it', () => {
    const world = inside();
    world.clear();
    const status = el('status', NS.client, {}, amps);
    world.send(presence(jid(wicca), jid(`${coven}/secondwitch`), { type: 'unavailable' }, status));
    expect(world.got(crone).map((stanza) => [stanza.type, payloadOf(stanza, 'status', NS.client)])).toEqual([
      ['unavailable', undefined],
    ]);
    expect(world.got(wicca).map((stanza) => readMucUser(stanza.payloads)?.statuses)).toEqual([[110]]);
  });

  it('decision #120, RFC 6120 §8.2.3: a request is answered, also where the answer is too large to be passed on', () => {
    const world = inside();
    world.send(iq(jid(crone), jid(`${coven}/secondwitch`), { type: 'get', id: 'v' }, el('vCard', 'vcard-temp')));
    world.clear();
    const vcard = el('vCard', 'vcard-temp', {}, amps);
    world.send(iq(jid(wicca), jid(`${coven}/firstwitch`), { type: 'result', id: 'v' }, vcard));
    expect(refusals(world, crone)).toEqual([
      [
        'v',
        `${coven}/secondwitch`,
        'modify',
        'policy-violation',
        expect.stringMatching(/bytes long/) as unknown as string,
      ],
    ]);
  });

  it('decision #120: a reason goes along with a whole presence, so it has a limit of its own', () => {
    const world = inside({ moderated: true });
    const large = el('status', NS.client, {}, 'x'.repeat(200_000));
    world.send(presence(jid(wicca), jid(`${coven}/secondwitch`), {}, large));
    world.clear();
    const voice = (text: string) =>
      iq(
        jid(crone),
        coven,
        { type: 'set', id: 'v' },
        el(
          'query',
          NS.mucAdmin,
          {},
          el('item', NS.mucAdmin, { nick: 'secondwitch', role: 'participant' }, el('reason', NS.mucAdmin, {}, text)),
        ),
      );
    world.send(voice('&'.repeat(60_000)));
    expect(refusals(world, crone).map(([, , , condition, text]) => [condition, text])).toEqual([
      ['not-acceptable', 'a reason has at most 1000 characters'],
    ]);
    world.send(voice('&'.repeat(1_000)));
    expect(world.got(hag)).toEqual([]);
    expect(world.status(service).occupants.map(({ role }) => role)).toEqual(['moderator', 'participant']);
    expectTaken(world);
  });

  it('decision #120: what an answer quotes is cut, and no character with it', () => {
    const world = inside();
    world.clear();
    const to = `${'x'.repeat(300)}@${'🧀'.repeat(400)}`;
    world.send(message(jid(crone), coven, { id: 'i' }, user(el('invite', NS.mucUser, { to }))));
    const text = errorOf(world.got(crone)[0] as Stanza)?.text ?? '';
    expect([text.length <= 520, isXmlText(text)]).toEqual([true, true]);
  });

  it('decision #120: what comes back with every message of an archive page has a limit', () => {
    const world = inside();
    world.clear();
    world.send(iq(jid(crone), coven, { type: 'set', id: 'a' }, el('query', mam, { queryid: 'x'.repeat(100_000) })));
    expect(refusals(world, crone).map(([, , , condition]) => condition)).toEqual(['bad-request']);
  });
});

describe('Sizes in rooms of several nodes', () => {
  const room = jid('wallops@channel.avalon.irc');
  const at = (nick: string) => wallops.occupants.find((one) => one.nick === nick)?.jid as string;

  it('decision #120: a replica refuses it before it relays it; the primary, what comes past a replica', () => {
    const world = new World(wallops);
    for (const nick of ['BigCheese', 'Wumpus', 'WiZ']) world.send(joins(at(nick), `${room}/${nick}`));
    for (const nick of ['BigCheese', 'Wumpus', 'WiZ']) {
      world.clear();
      world.send(message(jid(at(nick)), room, { type: 'groupchat', id: 'm' }, body(amps)));
      expect([nick, ...refusals(world, at(nick)).map(([, , , condition]) => condition)]).toEqual([
        nick,
        'policy-violation',
      ]);
      expect(world.crossed().filter(({ stanza }) => bodyOf(stanza) !== undefined && stanza.from !== at(nick))).toEqual(
        [],
      );
      expectTaken(world);
    }
  });

  it('decision #120: while it is split, too', () => {
    const world = new World(wallops);
    for (const nick of ['BigCheese', 'Efchen']) world.send(joins(at(nick), `${room}/${nick}`));
    world.cut('channel.avalon.irc', 'vesa.yeggmaex.irc', 'silent');
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', 'silent');
    world.advance(200_000);
    world.clear();
    world.send(message(jid(at('Efchen')), room, { type: 'groupchat', id: 'm' }, body(amps)));
    expect(refusals(world, at('Efchen')).map(([, , , condition]) => condition)).toEqual(['policy-violation']);
    world.send(leaves(at('Efchen'), `${room}/Efchen`));
    expectTaken(world);
  });

  it('decision #121: what another node says that is too large is left out, and the two stay in step', () => {
    const world = new World(wonderland);
    const rabbithole = jid('rabbithole@rooms.wonderland.lit');
    const elsinore = jid('elsinore@talk.denmark.lit');
    const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
    const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.clear();
    world.send(says(alice, rabbithole, 'first'));
    const [one] = world.crossed();
    // As a node without our limits would send it.
    const large = { ...(one?.stanza as Stanza) };
    const place = (element: XmlElement): XmlElement =>
      element.name === 's' && element.attrs['n'] !== undefined
        ? el('s', element.xmlns, { ...element.attrs, n: String(Number(element.attrs['n']) + 1) })
        : el(
            element.name,
            element.xmlns,
            element.name === 'change' ? { ...element.attrs, id: 'other' } : element.attrs,
            ...element.children.map((c) => (typeof c === 'string' ? c : place(c))),
          );
    const payloads = large.payloads.map((payload) =>
      payload.name === 'body'
        ? body(amps)
        : payload.name === 'stanza-id'
          ? el('stanza-id', NS.sid, { by: rabbithole, id: 'other' })
          : place(payload),
    );
    world.clear();
    world.inject(jid('talk.denmark.lit'), 'rooms.wonderland.lit', { ...large, payloads });
    expect(world.notes.map(({ spec }) => spec)).toContain('decision#121');
    expect(world.got(hamlet).map(bodyOf)).toEqual([undefined]);
    expectTaken(world);
  });
});

describe('What is large already', () => {
  const item = (id: string, text: string) => ({
    by: coven,
    id,
    nick: 'thirdwitch',
    occupantId: 'o',
    at: instant(Date.UTC(1990, 0, 1)),
    stanzaId: id,
    payloads: [body(text)],
  });
  const old: readonly RoomEvent[] = [
    { room: coven, kind: 'messageAccepted', n: 1, item: item('before', 'before') },
    { room: coven, kind: 'messageAccepted', n: 2, item: item('large', amps) },
    { room: coven, kind: 'messageAccepted', n: 3, item: item('after', 'after') },
    { room: coven, kind: 'subjectChanged', n: 4, subject: { text: amps, nick: 'thirdwitch', at: instant(0) } },
    {
      room: coven,
      kind: 'occupantEntered',
      n: 5,
      occupant: {
        nick: 'thirdwitch',
        jid: jid(hag),
        affiliation: 'none',
        role: 'participant',
        occupantId: 'o',
        presence: [el('status', NS.client, {}, amps)],
      },
    },
  ];

  it('decision #121: an old message that is too large is left out of a join, and a note says so', () => {
    const world = inside({}, old);
    expect(world.got(wicca).map(bodyOf).filter(Boolean)).toEqual(['before', 'after']);
    expect(world.notes.filter(({ spec }) => spec === 'decision#121').map(({ what }) => what)).toContain(
      'left out of the history: the message large, which is too large to be sent',
    );
    expect(world.got(wicca).filter((stanza) => stanza.from === `${coven}/thirdwitch`)).not.toEqual([]);
    expectTaken(world);
  });

  it('decision #121: and out of the archive, whose pages stay as they are', () => {
    const world = inside({}, old);
    world.clear();
    const set = el('set', rsm, {}, el('max', rsm, {}, '2'));
    world.send(iq(jid(crone), coven, { type: 'set', id: 'a' }, el('query', mam, {}, set)));
    const results = world.got(crone).flatMap((stanza) => payloadOf(stanza, 'result', mam)?.attrs['id'] ?? []);
    const fin = payloadOf(world.got(crone).at(-1) as Stanza, 'fin', mam) as XmlElement;
    const page = childOf(fin, 'set', rsm) as XmlElement;
    expect([results, textOf(childOf(page, 'last', rsm) as XmlElement)]).toEqual([['before'], 'large']);
    expectTaken(world);
  });

  it('decision #121: a snapshot of before is read in the same way', () => {
    const world = inside({}, old);
    const snapshot = structuredClone(world.seat(service).node.snapshot());
    const [room] = snapshot.rooms;
    const large = { ...snapshot, rooms: [{ ...room, subject: { text: amps, nick: '', at: instant(0) } }] };
    const { node } = inside().seat(service);
    node.restore(large as typeof snapshot);
    expect(node.snapshot().rooms[0]?.subject?.text).toBe('');
  });

  it('decision #121: a replica that asks for it gets a place in the sequence instead, and the rest', () => {
    const room = jid('wallops@channel.avalon.irc');
    const primary = jid('channel.avalon.irc');
    const at = (nick: string) => wallops.occupants.find((one) => one.nick === nick)?.jid as string;
    const world = new World(wallops);
    world.send(joins(at('Wumpus'), `${room}/Wumpus`));
    world.send(joins(at('BigCheese'), `${room}/BigCheese`));
    const log = world.crash(primary);
    const n = log.reduce((last, event) => Math.max(last, event.n ?? 0), 0);
    const past = { ...item('large', amps), by: room };
    world.boot(primary, [...log, { room, kind: 'messageAccepted', n: n + 1, item: past }]);
    world.clear();
    world.advance(200_000);
    world.send(says(at('Wumpus'), room, 'still here'));
    expect(world.got(at('BigCheese')).map(bodyOf).filter(Boolean)).toEqual(['still here']);
    expectTaken(world);
  });
});

describe('Lists that are too long for one stanza', () => {
  const many = (count: number, affiliation: 'member' | 'owner' | 'admin' | 'outcast') =>
    times(count, (i) => ({ jid: `user${i}@localhost`, affiliation }));
  const list = (world: World, set?: Record<string, string>) => {
    const page = set ? [el('set', rsm, {}, ...Object.entries(set).map(([name, text]) => el(name, rsm, {}, text)))] : [];
    world.clear();
    const item = el('item', NS.mucAdmin, { affiliation: 'member' });
    world.send(iq(jid(crone), coven, { type: 'get', id: 'l' }, el('query', NS.mucAdmin, {}, item, ...page)));
    const answer = world.got(crone)[0] as Stanza;
    expectTaken(world);
    const query = payloadOf(answer, 'query', NS.mucAdmin);
    const found = query && childOf(query, 'set', rsm);
    const text = (name: string) => {
      const child = found && childOf(found, name, rsm);
      return child && textOf(child);
    };
    return {
      condition: errorOf(answer)?.condition,
      users: query ? childrenOf(query, 'item', NS.mucAdmin).map(({ attrs }) => attrs['jid']) : [],
      first: text('first'),
      last: text('last'),
      count: text('count'),
    };
  };

  it('decision #122: 2,100 members asked for (§9.5) are a page, from whose end a client goes on (XEP-0059 §2.2)', () => {
    const world = inside({ affiliations: many(2_100, 'member') });
    const page = list(world);
    expect([page.users.length, page.users[0], page.count]).toEqual([1991, 'user0@localhost', '2100']);
    const next = list(world, { after: page.last ?? '' });
    expect([next.users.length, next.users[0], next.users.at(-1)]).toEqual([
      109,
      'user1991@localhost',
      'user2099@localhost',
    ]);
  });

  it('decision #122: a list that fits is whole and no page, as clients know it', () => {
    const world = inside({ affiliations: many(1_900, 'member') });
    const whole = list(world);
    expect([whole.users.length, whole.count]).toEqual([1_900, undefined]);
  });

  it('decision #122, XEP-0059: pages as they are asked for: a size, a count, the last one, an index, one that is not there', () => {
    const world = inside({ affiliations: many(10, 'member') });
    expect(list(world, { max: '3' }).users).toEqual(times(3, (i) => `user${i}@localhost`));
    expect(list(world, { max: '0' })).toMatchObject({ users: [], first: undefined, count: '10' });
    expect(list(world, { max: '2', before: '' }).users).toEqual(['user8@localhost', 'user9@localhost']);
    expect(list(world, { max: '2', index: '4' }).users).toEqual(['user4@localhost', 'user5@localhost']);
    expect(list(world, { after: 'nobody' }).condition).toBe('item-not-found');
  });

  it('decision #122: long addresses make a page shorter, and the last page is the end of the list', () => {
    const affiliations = times(600, (i) => ({
      jid: `${'u'.repeat(1000)}${i}@localhost`,
      affiliation: 'member' as const,
    }));
    const world = inside({ affiliations });
    const all: unknown[] = [];
    let after = '';
    for (let page = list(world); page.users.length > 0; page = list(world, { after })) {
      all.push(...page.users);
      after = page.last ?? '';
    }
    expect(all).toEqual(affiliations.map(({ jid: user }) => user));
    expect(list(world, { before: '' }).users.at(-1)).toBe(affiliations.at(-1)?.jid);
  });

  it('decision #122: the same list asked for twice is one', () => {
    const world = inside({ affiliations: many(3, 'member') });
    world.clear();
    const items = times(1_000, () => el('item', NS.mucAdmin, { affiliation: 'member' }));
    world.send(iq(jid(crone), coven, { type: 'get', id: 'l' }, el('query', NS.mucAdmin, {}, ...items)));
    expect(payloadOf(world.got(crone)[0] as Stanza, 'query', NS.mucAdmin)?.children).toHaveLength(3);
  });

  it('decision #122: a form leaves out a list that is too long, which then stays as it is (§10.2)', () => {
    const world = inside({ affiliations: many(1_500, 'admin') });
    const ask = () => {
      world.clear();
      world.send(iq(jid(crone), coven, { type: 'get', id: 'f' }, el('query', NS.mucOwner)));
      const query = payloadOf(world.got(crone)[0] as Stanza, 'query', NS.mucOwner) as XmlElement;
      return childrenOf(childOf(query, 'x', NS.dataForms) as XmlElement, 'field', NS.dataForms);
    };
    const fields = ask();
    expect(fields.some(({ attrs }) => attrs['var'] === 'muc#roomconfig_roomadmins')).toBe(false);
    expect(fields.some(({ attrs }) => attrs['var'] === 'muc#roomconfig_roomowners')).toBe(true);
    const fixed = fields.find(({ attrs }) => attrs['type'] === 'fixed') as XmlElement;
    expect(textOf(childOf(fixed, 'value', NS.dataForms) as XmlElement)).toBe(
      'Room Admins: 1500, which are too many to be listed here',
    );
    const submit = el('x', NS.dataForms, { type: 'submit' }, ...fields);
    world.send(iq(jid(crone), coven, { type: 'set', id: 's' }, el('query', NS.mucOwner, {}, submit)));
    const { affiliations } = world.seat(service).node.snapshot().rooms[0] ?? { affiliations: [] };
    expect(affiliations.filter(([, held]) => held === 'admin')).toHaveLength(1_500);
    expectTaken(world);
  });

  it('decision #122, #104: what a room says of itself does not grow with its owners', () => {
    const world = inside({ affiliations: many(2_100, 'owner') });
    world.clear();
    world.send(iq(jid(wicca), coven, { type: 'get', id: 'd' }, el('query', NS.discoInfo)));
    const query = payloadOf(world.got(wicca)[0] as Stanza, 'query', NS.discoInfo) as XmlElement;
    const fields = childrenOf(childOf(query, 'x', NS.dataForms) as XmlElement, 'field', NS.dataForms);
    const contacts = fields.find(({ attrs }) => attrs['var'] === 'muc#roominfo_contactjid') as XmlElement;
    expect(childrenOf(contacts, 'value', NS.dataForms)).toHaveLength(10);
    expectTaken(world);
  });

  it('decision #122: a password is as long as any other text of the form', () => {
    const world = inside();
    world.clear();
    const form = writeForm({
      type: 'submit',
      formType: 'http://jabber.org/protocol/muc#roomconfig',
      fields: [{ var: 'muc#roomconfig_roomsecret', values: ['x'.repeat(2_000)] }],
    });
    world.send(iq(jid(crone), coven, { type: 'set', id: 's' }, el('query', NS.mucOwner, {}, form)));
    expect(refusals(world, crone).map(([, , , condition, text]) => [condition, text])).toEqual([
      ['not-acceptable', 'a password may have 1024 characters'],
    ]);
  });

  it('decision #122, XEP-0045 §6.3, §6.5: 2,100 rooms of a service, and as many occupants of a room, are pages', () => {
    const rooms = times(2_100, (i) => ({ jid: `room${i}@${service}` }));
    const node = { kind: 'service', address: service, server: 'localhost', rooms } as const;
    const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
    const items = (to: Jid, after?: string) => {
      world.clear();
      const set = after === undefined ? [] : [el('set', rsm, {}, el('after', rsm, {}, after))];
      world.send(iq(jid(crone), to, { type: 'get', id: 'i' }, el('query', NS.discoItems, {}, ...set)));
      expectTaken(world);
      const query = payloadOf(world.got(crone)[0] as Stanza, 'query', NS.discoItems) as XmlElement;
      const page = childOf(query, 'set', rsm);
      const last = page && childOf(page, 'last', rsm);
      return {
        jids: childrenOf(query, 'item', NS.discoItems).map(({ attrs }) => attrs['jid']),
        last: last && textOf(last),
      };
    };
    const first = items(service);
    const second = items(service, first.last);
    expect([...first.jids, ...second.jids]).toEqual(rooms.map((room) => room.jid));
    world.send(iq(jid(crone), service, { type: 'get', id: 'd' }, el('query', NS.discoInfo)));
    expect(JSON.stringify(world.got(crone).at(-1)?.payloads)).toContain(rsm);
  });

  it('decision #122: what a primary names to a replica in one stanza fits, whatever the length of the addresses', () => {
    const room = jid('wallops@channel.avalon.irc');
    const banned = times(1_000, (i) => ({
      jid: `${'b'.repeat(1000)}${i}@vesa.yeggmaex.irc`,
      affiliation: 'outcast' as const,
    }));
    const scenario = structuredClone(wallops) as unknown as { nodes: { rooms?: { affiliations?: unknown[] }[] }[] };
    for (const node of scenario.nodes)
      for (const each of node.rooms ?? []) each.affiliations = [...(each.affiliations ?? []), ...banned];
    const world = new World(scenario as unknown as Scenario);
    expect(world.to('replica@vesa.yeggmaex.irc').some((stanza) => payloadOf(stanza, 'created', NS.ext))).toBe(true);
    expect(world.status(jid('replica@vesa.yeggmaex.irc')).peers[0]?.state).toBe('live');
    expect(room).toBe(world.status(jid('replica@vesa.yeggmaex.irc')).room);
    expectTaken(world);
  });
});
