import { beforeEach, describe, expect, it } from 'vitest';
import { readLinkPlace, writeLinkPlace, writeRefused } from '../../src/core/xep/fmuc-sync.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readJoin, readMucUser, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { writeStanzaId } from '../../src/core/xep/xep0359.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
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
import { el, element, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioTrust } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// XEP-0289 between nodes that trust each other no further than they must: F1 to F13.

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const alice = 'alice@wonderland.lit/p';
const hatter = 'hatter@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';

interface Settings {
  readonly whois?: 'moderators' | 'anyone';
  readonly moderated?: boolean;
  readonly membersOnly?: boolean;
  readonly password?: string;
  readonly maxOccupants?: number;
  readonly logging?: boolean;
  readonly changeSubject?: boolean;
  readonly affiliations?: readonly { readonly jid: string; readonly affiliation: string }[];
  readonly trust?: ScenarioTrust;
}

/** wonderland, where the two rooms are set up like this. */
function worldOf(at: { readonly elsinore?: Settings; readonly rabbithole?: Settings } = {}): World {
  const nodes = wonderland.nodes.map((node) => ({
    ...node,
    rooms: (node.kind === 'service' ? node.rooms : []).map((room) => {
      const { trust, ...settings } = (room.jid === elsinore ? at.elsinore : at.rabbithole) ?? {};
      return { ...room, ...settings, distribution: { ...room.distribution, ...(trust ? { trust } : {}) } };
    }),
  }));
  return new World({ ...wonderland, nodes } as unknown as Scenario);
}

const enter = (world: World, user: string, nick: string) =>
  world.send(joins(user, `${user.includes('denmark') ? elsinore : rabbithole}/${nick}`));
const nicks = (world: World, node: Jid) => world.status(node).occupants.map(({ nick }) => nick);
const peers = (world: World, node: Jid) => world.status(node).peers.map(({ state }) => state);
const owner = (user: string) => ({ jid: user.split('/')[0] as string, affiliation: 'owner' });
const banned = (user: string) => ({ jid: user.split('/')[0] as string, affiliation: 'outcast' });
const texts = (world: World, user: string) => world.got(user).flatMap((stanza) => bodyOf(stanza) ?? []);
const errors = (stanzas: readonly Stanza[]) => stanzas.flatMap((stanza) => errorOf(stanza)?.condition ?? []);
const rank = (role: 'moderator' | 'participant' = 'participant', shown?: string) =>
  writeMucUser({
    affiliation: role === 'moderator' ? 'owner' : 'none',
    role,
    jid: shown === undefined ? undefined : jid(shown),
    statuses: [],
  });

/** What a room without our extension says, elsinore unless told otherwise. */
const introduces = (nick: string, user: string, more: readonly XmlElement[] = [], from: Jid = elsinore) =>
  presence(
    jid(`${from}/${nick}`),
    jid(`${from === elsinore ? rabbithole : elsinore}/${nick}`),
    {},
    writeFmuc({ kind: 'from', from: jid(user) }),
    ...more,
  );
const speaks = (nick: string, user: string, text: string, more: readonly XmlElement[] = [], from: Jid = elsinore) =>
  message(
    jid(`${from}/${nick}`),
    from === elsinore ? rabbithole : elsinore,
    { type: 'groupchat', id: text },
    el('body', NS.client, {}, text),
    writeFmuc({ kind: 'from', from: jid(user) }),
    ...more,
  );

/** Alice is in rabbithole, and a stranger's room at elsinore's address has joined it for Hamlet. */
function joinedByStranger(at: Settings = {}, more: readonly XmlElement[] = [rank()]): World {
  const world = worldOf({ rabbithole: at });
  world.cut('denmark.lit', 'wonderland.lit', 'silent');
  world.send(joins(alice, `${rabbithole}/Alice`));
  world.inject(rooms, denmark, introduces('Hamlet', hamlet, [writeJoin({}), ...more]));
  world.clear();
  return world;
}

/** Hamlet is in elsinore, which has joined a stranger's room at rabbithole's address, where Alice is. */
function joinedToStranger(at: Settings = {}, history: readonly Stanza[] = []): World {
  const world = worldOf({ elsinore: at });
  world.cut('denmark.lit', 'wonderland.lit', 'silent');
  world.send(joins(hamlet, `${elsinore}/Hamlet`));
  world.inject(denmark, rooms, introduces('Alice', alice, [rank('moderator', alice)], rabbithole));
  for (const stanza of history) world.inject(denmark, rooms, stanza);
  world.inject(denmark, rooms, message(rabbithole, elsinore, { type: 'groupchat' }, el('subject', NS.client)));
  return world;
}

describe('F1, F2: rank', () => {
  it('decision #158: what a node claims is shown, and an archive, a list and a kick ask for what this room gave', () => {
    const world = joinedByStranger({
      logging: true,
      password: 'tarts',
      whois: 'moderators',
      trust: { vouching: [elsinore] },
    });
    world.inject(rooms, denmark, introduces('Hamlet', hamlet, [rank('moderator')]));
    expect(world.status(rooms).occupants.find(({ nick }) => nick === 'Hamlet')).toMatchObject({
      role: 'moderator',
      affiliation: 'owner',
    });
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.clear();
    const asks = (...payloads: XmlElement[]) =>
      world.send(iq(jid(hamlet), rabbithole, { type: 'get', id: 'q' }, ...payloads));
    asks(el('query', 'urn:xmpp:mam:2'));
    asks(el('query', NS.mucOwner));
    asks(el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { role: 'participant' })));
    asks(el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { affiliation: 'owner' })));
    const kick = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'Alice', role: 'none' }));
    world.send(iq(jid(hamlet), rabbithole, { type: 'set', id: 'k' }, kick));
    expect(errors(world.got(hamlet))).toEqual(['forbidden', 'forbidden', 'forbidden', 'forbidden', 'forbidden']);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Hamlet']);
  });

  it('decision #158: a claimed moderator reads an open archive, but no address in it', () => {
    const world = joinedByStranger({ logging: true, whois: 'moderators' }, [rank('moderator')]);
    world.send(says(alice, rabbithole, 'secret tea'));
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.clear();
    world.send(iq(jid(hamlet), rabbithole, { type: 'set', id: 'q' }, el('query', 'urn:xmpp:mam:2')));
    const got = world.got(hamlet).map(stanzaText).join('');
    expect(got).toContain('secret tea');
    expect(got).not.toContain('alice@');
  });

  it('decision #158: an owner may have users of other nodes shown with the rank that they have here', () => {
    const world = joinedByStranger({ trust: { ranks: 'own' } }, [rank('moderator')]);
    expect(world.status(rooms).occupants.find(({ nick }) => nick === 'Hamlet')).toMatchObject({
      role: 'participant',
      affiliation: 'none',
    });
  });
});

describe('this room’s own rules bind users of other nodes', () => {
  const rules: readonly (readonly [string, Settings, string])[] = [
    ['a ban', { affiliations: [owner(alice), banned(hamlet)] }, 'forbidden'],
    [
      'a ban of the domain',
      { affiliations: [owner(alice), { jid: 'denmark.lit', affiliation: 'outcast' }] },
      'forbidden',
    ],
    ['members only', { membersOnly: true }, 'registration-required'],
    ['a password', { password: 'tarts' }, 'not-authorized'],
    ['as many as may be in', { maxOccupants: 1 }, 'service-unavailable'],
  ];

  it.each(rules)(
    'decision #156: %s keeps them out of the joined node, and in at home; the link lives',
    (_, rule, condition) => {
      const world = worldOf({ rabbithole: { ...rule, affiliations: [...(rule.affiliations ?? [owner(alice)])] } });
      const enterAlice = joins(alice, `${rabbithole}/Alice`);
      world.send(
        rule.password === undefined ? enterAlice : { ...enterAlice, payloads: [writeJoin({ password: 'tarts' })] },
      );
      world.clear();
      enter(world, hamlet, 'Hamlet');
      expect(nicks(world, rooms)).toEqual(['Alice']);
      expect(nicks(world, denmark)).toEqual(['Hamlet']);
      expect(errors(world.to(elsinore))).toEqual([condition]);
      expect(errors(world.got(hamlet))).toEqual([]);
      expect(texts(world, hamlet).join('')).toContain(`At ${rabbithole} you are not shown`);
      expect(world.to(rabbithole).filter((stanza) => stanza.type !== 'error')).toHaveLength(1);
      // Another user is another matter.
      world.seat(rooms).node.apply({
        kind: 'affiliationChanged',
        room: rabbithole,
        user: jid('ophelia@denmark.lit'),
        affiliation: 'owner',
      });
      enter(world, ophelia, 'Ophelia');
      expect(nicks(world, rooms)).toEqual(['Alice', 'Ophelia']);
      expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet', 'Ophelia']);
      world.clear();
      world.send(says(hamlet, elsinore, 'unheard'), says(ophelia, elsinore, 'heard'));
      expect(texts(world, alice)).toEqual(['heard']);
    },
  );

  it.each(rules.slice(0, 4))('decision #156: %s keeps the joined node’s users out of the joining one', (_, rule) => {
    const affiliations = [owner(hamlet), ...(rule.affiliations ? [banned(alice)] : [])];
    const world = worldOf({ elsinore: { ...rule, affiliations } });
    enter(world, alice, 'Alice');
    enter(world, hatter, 'Hatter');
    world.send({ ...joins(hamlet, `${elsinore}/Hamlet`), payloads: [writeJoin({ password: 'tarts' })] });
    const isOne = rule.affiliations !== undefined;
    expect(nicks(world, denmark)).toEqual(isOne ? ['Hatter', 'Hamlet'] : ['Hamlet']);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Hatter', 'Hamlet']);
    expect([peers(world, denmark), peers(world, rooms)]).toEqual([['live'], ['live']]);
    world.clear();
    world.send(says(alice, rabbithole, 'unheard'));
    expect(texts(world, hamlet)).toEqual([]);
    expect(texts(world, hatter)).toEqual(['unheard']);
  });

  it('decision #156: who comes again is asked for again, though the refusal of before came after they had left', () => {
    const world = worldOf({ elsinore: {} });
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    enter(world, hamlet, 'Hamlet');
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    const place = readLinkPlace(
      world.to(`${rabbithole}/Hamlet`).flatMap((one) => payloadOf(one, 'fmuc', NS.fmuc) ?? [])[0],
    );
    const no = element('fmuc', NS.fmuc, { from: hamlet }, [
      writeRefused(),
      writeLinkPlace({ session: place?.session ?? '', n: 0 }),
    ]);
    const error = el('error', NS.client, { type: 'auth' }, el('registration-required', NS.stanzas));
    const back = presence(jid(`${rabbithole}/Hamlet`), jid(`${elsinore}/Hamlet`), { type: 'error' }, no, error);
    world.inject(denmark, rooms, back);
    world.clear();
    enter(world, hamlet, 'Hamlet');
    expect(world.to(`${rabbithole}/Hamlet`)).toHaveLength(1);
    world.advance(60_000);
    expect(nicks(world, denmark)).toEqual(['Hamlet']);
    expect(world.got(hamlet).filter(({ type, name }) => name === 'presence' && type === undefined)).toHaveLength(1);
    expect(texts(world, hamlet).filter((text) => text.includes('you are not shown'))).toEqual([]);
    world.clear();
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(nicks(world, denmark)).toEqual([]);
  });

  it('decision #156: a user who is in by another node is told by that node alone who does not let them in', () => {
    const world = worldOf({ elsinore: {} });
    enter(world, alice, 'Alice');
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    enter(world, hamlet, 'Hamlet');
    const place = readLinkPlace(
      world.to(`${rabbithole}/Hamlet`).flatMap((one) => payloadOf(one, 'fmuc', NS.fmuc) ?? [])[0],
    );
    const no = element('fmuc', NS.fmuc, { from: alice }, [
      writeRefused(),
      writeLinkPlace({ session: place?.session ?? '', n: 0 }),
    ]);
    const error = el('error', NS.client, { type: 'auth' }, el('forbidden', NS.stanzas));
    world.inject(
      denmark,
      rooms,
      presence(jid(`${rabbithole}/Hamlet`), jid(`${elsinore}/Hamlet`), { type: 'error' }, no, error),
    );
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.advance(60_000);
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet']);
    expect(texts(world, alice)).toEqual([]);
  });

  it('decision #175: a user who waits for a node that an owner blocks meanwhile is in at once', () => {
    const world = worldOf({ elsinore: { affiliations: [owner(ophelia)] } });
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    enter(world, hamlet, 'Hamlet');
    expect(nicks(world, denmark)).toEqual([]);
    const field = { var: `{${NS.ext}}fmuc_blocked_nodes`, values: [rabbithole] };
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields: [field] });
    world.send(iq(jid(ophelia), elsinore, { type: 'set', id: 'c1' }, el('query', NS.mucOwner, {}, form)));
    expect(nicks(world, denmark)).toEqual(['Hamlet']);
  });

  it('decision #156: a password that a user gives at one node is told to no other', () => {
    const world = worldOf({ elsinore: { password: 'tarts' } });
    enter(world, alice, 'Alice');
    world.clear();
    world.send({ ...joins(hamlet, `${elsinore}/Hamlet`), payloads: [writeJoin({ password: 'tarts' })] });
    const request = world.to(rabbithole)[0] as Stanza;
    expect(readJoin(request.payloads)).toEqual({ history: { maxstanzas: 200 } });
  });

  it('decision #156: a node vouches for the password where it may', () => {
    const world = joinedByStranger({
      password: 'tarts',
      affiliations: [owner(alice)],
      trust: { vouching: [elsinore] },
    });
    expect(nicks(world, rooms)).toContain('Hamlet');
  });

  it('decision #156: without our extension a refused join ends with <reject/>, and a refused user with nothing', () => {
    const world = worldOf({ rabbithole: { affiliations: [owner(alice), banned(hamlet)] } });
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    enter(world, alice, 'Alice');
    world.clear();
    world.inject(rooms, denmark, introduces('Hamlet', hamlet, [writeJoin({}), rank()]));
    expect(world.to(elsinore).map((stanza) => readFmuc(stanza.payloads)?.kind)).toEqual(['reject']);
    world.inject(rooms, denmark, introduces('Ophelia', ophelia, [writeJoin({}), rank()]));
    world.clear();
    world.inject(rooms, denmark, introduces('Hamlet', hamlet, [rank()]));
    expect(world.to(elsinore)).toEqual([]);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Ophelia']);
  });

  it('decision #156: in a moderated room they have a voice by this room’s lists alone; their words are refused, not they', () => {
    const world = worldOf({
      rabbithole: {
        moderated: true,
        affiliations: [owner(alice), { jid: 'ophelia@denmark.lit', affiliation: 'member' }],
      },
    });
    enter(world, alice, 'Alice');
    enter(world, hamlet, 'Hamlet');
    enter(world, ophelia, 'Ophelia');
    const shown = world.status(rooms).occupants.map(({ nick, role }) => `${nick} ${role}`);
    expect(shown).toEqual(['Alice moderator', 'Hamlet visitor', 'Ophelia participant']);
    world.clear();
    world.send(says(hamlet, elsinore, 'mute'), says(ophelia, elsinore, 'heard'));
    expect(texts(world, alice)).toEqual(['heard']);
    expect(texts(world, ophelia)).toEqual(['mute', 'heard']);
    expect(errors(world.to(elsinore))).toEqual(['forbidden']);
    expect(texts(world, hamlet).join('')).toContain('what you said is not shown');
  });

  it('decision #156: the subject, and private messages, by the rank that they have here', () => {
    const world = worldOf({ rabbithole: { changeSubject: false }, elsinore: { changeSubject: true } });
    enter(world, alice, 'Alice');
    enter(world, hamlet, 'Hamlet');
    const before = world.status(rooms).subject;
    world.clear();
    const tea = el('subject', NS.client, {}, 'tea');
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat' }, tea));
    expect(world.status(rooms).subject).toBe(before);
    expect(errors(world.to(elsinore))).toEqual(['forbidden']);
    const stranger = joinedByStranger({ moderated: true, affiliations: [owner(alice)] });
    const room = stranger.seat(rooms).node;
    room.apply({ kind: 'roomConfigured', room: rabbithole, changes: { allowPm: 'participants' } });
    const psst = speaks('Hamlet', hamlet, 'psst');
    stranger.inject(rooms, denmark, { ...psst, type: 'chat', to: jid(`${rabbithole}/Alice`) });
    expect(texts(stranger, alice)).toEqual([]);
  });
});

describe('F3: whose users', () => {
  const outsiders: readonly (readonly [string, string])[] = [
    ['of another node', 'queen@a.lit/p'],
    ['of this one', 'hatter@wonderland.lit/p'],
    ['who is in here', alice],
    ['of a domain below its own', 'spy@cellar.denmark.lit/p'],
  ];
  it.each(outsiders)('decision #155: a node that joined does not bring in a user %s', (_, user) => {
    const world = joinedByStranger();
    world.inject(rooms, denmark, introduces('Queen', user, [rank('moderator', user)]));
    world.inject(rooms, denmark, speaks('Queen', user, 'off with his head'));
    expect(nicks(world, rooms)).toEqual(['Alice', 'Hamlet']);
    expect(texts(world, alice)).toEqual([]);
  });

  it.each([
    ['of another node', 'queen@a.lit/p'],
    ['of this one', ophelia],
    ['who is in here', hamlet],
  ])('decision #155: nor does a node that was joined one %s', (_, user) => {
    const world = joinedToStranger();
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet']);
    world.clear();
    world.inject(denmark, rooms, introduces('Queen', user, [rank('moderator', user)], rabbithole));
    world.inject(denmark, rooms, speaks('Queen', user, 'off with his head', [], rabbithole));
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet']);
    expect(texts(world, hamlet)).toEqual([]);
    expect(errors(world.got(hamlet))).toEqual([]);
  });

  it('decision #155: a scope that is configured says whose, and no others', () => {
    const scope = { [elsinore]: ['a.lit'] };
    const world = joinedByStranger({ trust: { scope } });
    expect(nicks(world, rooms)).toEqual(['Alice']);
    world.inject(rooms, denmark, introduces('Queen', 'queen@a.lit/p', [writeJoin({}), rank()]));
    expect(nicks(world, rooms)).toEqual(['Alice', 'Queen']);
    const all = joinedByStranger({ trust: { scope: { [elsinore]: ['*'] } } });
    all.inject(rooms, denmark, introduces('Queen', 'queen@a.lit/p', [rank()]));
    all.inject(rooms, denmark, introduces('Hatter', hatter, [rank()]));
    expect(nicks(all, rooms)).toEqual(['Alice', 'Hamlet', 'Queen']);
  });

  it('the author of a message is one whom that node brought in', () => {
    const world = joinedByStranger();
    world.inject(rooms, denmark, speaks('Ophelia', ophelia, 'never came'));
    world.inject(rooms, denmark, speaks('Alice', alice, 'never said'));
    expect(texts(world, alice)).toEqual([]);
  });
});

describe('F4: what a user forges', () => {
  it('fmuc in a message of a user is heard without it', () => {
    const world = worldOf();
    enter(world, alice, 'Alice');
    enter(world, hamlet, 'Hamlet');
    world.clear();
    const forged = writeFmuc({ kind: 'from', from: jid('queen@x.lit') });
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat' }, el('body', NS.client, {}, 'x'), forged));
    const [got] = world.got(alice);
    expect([got?.from, got && payloadOf(got, 'fmuc', NS.fmuc)]).toEqual([`${rabbithole}/Hamlet`, undefined]);
  });
});

describe('F8: what is to have been said before', () => {
  const old = (nick: string, user: string, text: string, ...more: readonly XmlElement[]) =>
    speaks(
      nick,
      user,
      text,
      [el('delay', NS.delay, { from: rabbithole, stamp: '1990-10-13T23:58:00Z' }), ...more],
      rabbithole,
    );
  const queen = 'queen@a.lit/p';

  it('decision #157: history by this node’s own users, or by another node’s, is not believed', () => {
    const world = joinedToStranger({}, [
      old('Alice', alice, 'hers'),
      old('Hamlet', hamlet, 'never said'),
      old('Hamlet', hamlet, 'nor this', writeStanzaId({ by: rabbithole, id: 'x' })),
      old('Queen', queen, 'nor this'),
      old('Queen', queen, 'nor this', writeStanzaId({ by: jid('hall@rooms.a.lit'), id: 'y' })),
    ]);
    const plain = texts(world, hamlet);
    expect(plain).toEqual(['hers']);
  });

  it('§5.1 “the fmuc element is always added”: words of an answer without it are nobody’s, and a user of it has a nick', () => {
    const { payloads, ...words } = old('Alice', alice, 'whose?');
    const world = joinedToStranger({}, [
      old('Alice', alice, 'hers'),
      { ...words, payloads: payloads.filter(({ xmlns }) => xmlns !== NS.fmuc) },
      presence(rabbithole, elsinore, {}, writeFmuc({ kind: 'from', from: jid(hatter) }), rank()),
    ]);
    expect(texts(world, hamlet)).toEqual(['hers']);
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet']);
  });

  it('decision #157: what this room accepted before its log begins comes back before anything new of that peer, not after', () => {
    const own = (text: string) =>
      speaks(
        'Hamlet',
        hamlet,
        text,
        [
          el('delay', NS.delay, { from: rabbithole, stamp: '1970-01-01T00:00:00Z' }),
          writeStanzaId({ by: elsinore, id: text }),
        ],
        rabbithole,
      );
    const world = joinedToStranger({}, [own('lost')]);
    expect(texts(world, hamlet)).toEqual(['lost']);
    world.clear();
    world.advance(1_000);
    world.inject(denmark, rooms, own('lost, too'));
    world.inject(denmark, rooms, speaks('Alice', alice, 'news', [], rabbithole));
    world.inject(denmark, rooms, own('never said'));
    expect(texts(world, hamlet)).toEqual(['lost, too', 'news']);
  });

  it.each(['1990-10-13T23:59:00Z', 'its first moment'])(
    'decision #157: nor what this room is to have accepted since it began: %s',
    (at) => {
      const world = worldOf();
      const [{ epoch } = { epoch: 0 }] = world.seat(denmark).node.snapshot().rooms;
      world.advance(60_000);
      world.cut('denmark.lit', 'wonderland.lit', 'silent');
      world.send(joins(hamlet, `${elsinore}/Hamlet`));
      const stamp = at.endsWith('Z') ? at : new Date(epoch).toISOString();
      const late = el('delay', NS.delay, { from: rabbithole, stamp });
      const forged = speaks(
        'Hamlet',
        hamlet,
        'never said',
        [late, writeStanzaId({ by: elsinore, id: 'z' })],
        rabbithole,
      );
      world.inject(denmark, rooms, forged);
      world.inject(denmark, rooms, message(rabbithole, elsinore, { type: 'groupchat' }, el('subject', NS.client)));
      expect(texts(world, hamlet)).toEqual([]);
    },
  );

  it('decision #157: a subject that this node’s own user is to have set has no author; a joining node sets none that its user might not', () => {
    const world = worldOf();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const forged = message(
      jid(`${rabbithole}/Hamlet`),
      elsinore,
      { type: 'groupchat' },
      el('subject', NS.client, {}, 'his?'),
      el('delay', NS.delay, { from: rabbithole, stamp: '1990-10-13T23:58:00Z' }),
      writeFmuc({ kind: 'from', from: jid(hamlet) }),
    );
    world.inject(denmark, rooms, forged);
    const subject = world.got(hamlet).find((stanza) => subjectChange(stanza) !== undefined);
    expect([subject?.from, subject && subjectChange(subject)]).toEqual([elsinore, 'his?']);

    const joined = worldOf({ rabbithole: { changeSubject: false } });
    enter(joined, alice, 'Alice');
    enter(joined, hamlet, 'Hamlet');
    joined.advance(600_000);
    joined.cut('denmark.lit', 'wonderland.lit', 'silent');
    joined.advance(200_000);
    joined.send(message(jid(hamlet), elsinore, { type: 'groupchat' }, el('subject', NS.client, {}, 'mine')));
    joined.cut('denmark.lit', 'wonderland.lit', undefined);
    joined.advance(200_000);
    expect(joined.status(denmark).subject).toBe('mine');
    expect(joined.status(rooms).subject).toBe('This is the subject');
  });

  it('decision #157: a live message has the identity that its own node gave it, and none of this room’s or another’s', () => {
    const world = joinedByStranger();
    const by = (room: string, id: string) => writeStanzaId({ by: jid(room), id });
    world.inject(rooms, denmark, speaks('Hamlet', hamlet, 'one', [by(rabbithole, 'mine')]));
    world.inject(rooms, denmark, speaks('Hamlet', hamlet, 'two', [by('hall@rooms.a.lit', 'theirs')]));
    world.inject(rooms, denmark, speaks('Hamlet', hamlet, 'three', [by(elsinore, 'own')]));
    const kept = world
      .seat(rooms)
      .node.snapshot()
      .rooms[0]?.history.map((item) => [item.by, item.id === 'own']);
    expect(kept).toEqual([
      [elsinore, false],
      [elsinore, false],
      [elsinore, true],
    ]);
    expect(texts(world, alice)).toEqual(['one', 'two', 'three']);
  });
});

describe('F10: real addresses', () => {
  const canary = 'hamlet@denmark.lit';
  const leaks: readonly XmlElement[] = [
    el('delay', NS.delay, { from: `${canary}/p`, stamp: '1990-10-13T23:58:00Z' }),
    el('x', 'jabber:x:delay', { from: `${canary}/p`, stamp: '19901013T23:58:00' }),
    el(
      'addresses',
      'http://jabber.org/protocol/address',
      {},
      el('address', 'http://jabber.org/protocol/address', { type: 'ofrom', jid: `${canary}/p` }),
    ),
    el('reply', 'urn:example:reply', { to: `${canary}/p` }),
    el('nick', 'urn:example:nick', {}, canary),
    el('occupant-id', NS.occupantId, { id: canary }),
  ];

  it('decision #159: what a node or its server adds beside a user’s words is shown to nobody, and not kept', () => {
    const world = joinedByStranger({ whois: 'moderators', affiliations: [], logging: true });
    world.inject(rooms, denmark, speaks('Hamlet', hamlet, 'live', leaks));
    const psst = speaks('Hamlet', hamlet, 'psst', leaks);
    world.inject(rooms, denmark, { ...psst, type: 'chat', to: jid(`${rabbithole}/Alice`) });
    world.inject(rooms, denmark, introduces('Hamlet', hamlet, [...leaks, el('status', NS.client, {}, 'x'), rank()]));
    const { payloads, ...subject } = speaks('Hamlet', hamlet, 'subject', leaks);
    const named = payloads.map((each) => (each.name === 'body' ? el('subject', NS.client, {}, 'tea') : each));
    world.inject(rooms, denmark, { ...subject, payloads: named });
    world.send(joins(hatter, `${rabbithole}/Hatter`));
    world.send(iq(jid(hatter), rabbithole, { type: 'set', id: 'q' }, el('query', 'urn:xmpp:mam:2')));
    const out = [...world.got(alice), ...world.got(hatter)].map(stanzaText).join('');
    expect(out).toContain('psst');
    expect(out).toContain('tea');
    expect(out).not.toContain(canary);
    const history = JSON.stringify(
      world
        .seat(rooms)
        .node.snapshot()
        .rooms[0]?.history.map((item) => item.payloads),
    );
    expect(history).not.toContain(canary);
  });

  it('decision #159: the same in the history of a node that was joined', () => {
    const lady = 'alice@wonderland.lit';
    const by = leaks.map((leak) => JSON.parse(JSON.stringify(leak).replaceAll(canary, lady)) as XmlElement);
    const mark = el('delay', NS.delay, { from: rabbithole, stamp: '1990-10-13T23:58:00Z' });
    const world = joinedToStranger({ whois: 'moderators' }, [speaks('Alice', alice, 'old', [mark, ...by], rabbithole)]);
    const out = world.got(hamlet).map(stanzaText).join('');
    expect(out).toContain('old');
    expect(out).not.toContain(lady);
  });

  it('decision #159: an address that their own node shows to moderators alone is shown to no more here', () => {
    const world = worldOf({ elsinore: { whois: 'moderators' }, rabbithole: { whois: 'anyone' } });
    enter(world, alice, 'Alice');
    enter(world, hatter, 'Hatter');
    enter(world, hamlet, 'Hamlet');
    world.send(says(hamlet, elsinore, 'x'));
    const seen = (user: string) => world.got(user).map(stanzaText).join('').includes(canary);
    expect([seen(alice), seen(hatter)]).toEqual([true, false]);
    expect(world.got(hatter).map((stanza) => readMucUser(stanza.payloads)?.jid)).toContain(jid(alice));
  });

  it('decision #159: a node that may not see addresses gets the same opaque one in everything, and all goes on as before', () => {
    const world = worldOf({ elsinore: { trust: { seeJids: [] }, whois: 'moderators' } });
    enter(world, alice, 'Alice');
    enter(world, hamlet, 'Hamlet');
    enter(world, ophelia, 'Ophelia');
    const away = el('show', NS.client, {}, 'away');
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, away));
    world.send(says(hamlet, elsinore, 'to all'));
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat' }, el('subject', NS.client, {}, 'tea')));
    world.send(message(jid(hamlet), jid(`${elsinore}/Alice`), { type: 'chat' }, el('body', NS.client, {}, 'to her')));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}));
    const across = world.to(rabbithole);
    const names = new Set(
      across.flatMap((stanza) => {
        const fmuc = readFmuc(stanza.payloads);
        return fmuc?.kind === 'from' && !stanza.from.endsWith('Ophelia') ? [fmuc.from] : [];
      }),
    );
    expect(names.size).toBe(1);
    expect([...names][0]).toMatch(/^[^@]+@talk\.denmark\.lit\/[0-9a-f]+$/);
    expect(across.map(stanzaText).join('')).not.toMatch(/(hamlet|ophelia)@denmark/);
    expect(texts(world, alice)).toEqual(['to all', 'to her']);
    expect(nicks(world, rooms).sort()).toEqual(['Alice', 'Ophelia', 'Prince']);
    world.clear();
    world.send(
      message(jid(alice), jid(`${rabbithole}/Prince`), { type: 'chat' }, el('body', NS.client, {}, 'and back')),
    );
    expect(texts(world, hamlet)).toEqual(['and back']);
    // Both start again, and nobody is there twice.
    world.boot(rooms, world.crash(rooms));
    world.advance(200_000);
    expect(nicks(world, rooms).sort()).toEqual(['Alice', 'Ophelia', 'Prince']);
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Ophelia', 'Prince']);
  });
});

describe('F9: the end of a link', () => {
  it.each(['left', 'reject'] as const)('a %s by a third room, or by an occupant, changes nothing', (kind) => {
    const world = worldOf();
    enter(world, alice, 'Alice');
    enter(world, hamlet, 'Hamlet');
    const fmuc = writeFmuc(kind === 'left' ? { kind } : { kind, text: 'go' });
    const before = world.status(denmark);
    world.inject(denmark, 'chat.evil.lit', presence(jid('room@chat.evil.lit'), elsinore, {}, fmuc));
    world.inject(denmark, rooms, presence(jid(`${rabbithole}/Alice`), elsinore, {}, fmuc));
    expect(world.status(denmark)).toEqual(before);
  });
});

describe('F11: a private message', () => {
  it('for a nick that nobody has is answered, and told to nobody; nor is it kept', () => {
    const world = joinedByStranger();
    const psst = speaks('Hamlet', hamlet, 'psst');
    world.inject(rooms, denmark, { ...psst, type: 'chat', to: jid(`${rabbithole}/Nobody`) });
    expect(errors(world.to(elsinore))).toEqual(['item-not-found']);
    expect(texts(world, alice)).toEqual([]);
    world.inject(rooms, denmark, { ...psst, type: 'chat', to: jid(`${rabbithole}/Alice`) });
    expect(texts(world, alice)).toEqual(['psst']);
    expect(world.status(rooms).historyLength).toBe(0);
  });
});

describe('F13: budgets', () => {
  let ids = 0;
  beforeEach(() => {
    ids = 0;
  });
  /** Hands a node so many stanzas at once. @returns what it sends */
  const flood = (world: World, node: Jid, via: Jid, count: number, stanza: (n: number) => Stanza): Stanza[] => {
    const env = { now: world.now, newId: () => `flood${++ids}` };
    return Array.from({ length: count }, (_, n) => n).flatMap((n) =>
      world
        .seat(node)
        .node.handle({ kind: 'stanza', via, stanza: stanza(n) }, env)
        .flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : [])),
    );
  };
  const to = (user: string, sent: readonly Stanza[]) => sent.filter((stanza) => stanza.to === user);
  const words = (sent: readonly Stanza[], start: string) =>
    sent.filter((stanza) => bodyOf(stanza)?.startsWith(start)).length;
  const flap = (n: number) =>
    introduces('Hamlet', hamlet, [el('status', NS.client, {}, `${n}`), rank('participant', hamlet)]);
  const settled = () => {
    const world = joinedByStranger();
    world.advance(60_000);
    world.clear();
    return world;
  };

  it('decision #160: presence that flaps is shown as far as the budget goes, then the link is given up, and the owner told', () => {
    const world = settled();
    expect(to(alice, flood(world, rooms, denmark, 400, flap))).toHaveLength(400);
    expect(to(alice, flood(world, rooms, denmark, 599, flap))).toHaveLength(100);
    expect(peers(world, rooms)).toEqual(['live']);
    const last = to(alice, flood(world, rooms, denmark, 1, flap));
    expect(peers(world, rooms)).toEqual([]);
    expect(nicks(world, rooms)).toEqual(['Alice']);
    expect(words(last, `${elsinore} sends too much`)).toBe(1);
    // It is too early for another link, and a minute later it is not.
    const join = introduces('Hamlet', hamlet, [writeJoin({}), rank()]);
    world.inject(rooms, denmark, join);
    expect(errors(world.to(elsinore))).toContain('resource-constraint');
    expect(nicks(world, rooms)).toEqual(['Alice']);
    world.advance(60_000);
    world.inject(rooms, denmark, join);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Hamlet']);
  });

  it('decision #160: words beyond the budget are not shown; a second later there are some more', () => {
    const world = settled();
    const says = (n: number) => speaks('Hamlet', hamlet, `w${n}`);
    expect(words(to(alice, flood(world, rooms, denmark, 800, says)), 'w')).toBe(500);
    world.advance(1_000);
    expect(words(to(alice, flood(world, rooms, denmark, 100, says)), 'w')).toBe(50);
  });

  it('decision #160: users who come and go, or change their nick, cost no less', () => {
    const comings = flood(settled(), rooms, denmark, 1_500, (n) => {
      const comes = introduces(`u${n >> 1}`, `u${n >> 1}@denmark.lit/p`, [rank()]);
      return n % 2 === 0 ? comes : { ...comes, type: 'unavailable' };
    });
    expect(to(alice, comings).length).toBeLessThanOrEqual(1_001);
    const world = settled();
    const changes = flood(world, rooms, denmark, 900, (n) => introduces(`n${n}`, hamlet, [rank()]));
    expect(to(alice, changes).length).toBeLessThanOrEqual(1_010);
    // Nobody is shown under a nick that they have no more.
    expect(nicks(world, rooms)).toEqual(['Alice']);
  });

  it('decision #160: a node is told why its user is not heard, and the user is told', () => {
    const world = worldOf();
    enter(world, alice, 'Alice');
    enter(world, hamlet, 'Hamlet');
    world.clear();
    const sent = flood(world, denmark, jid('denmark.lit'), 502, (n) => says(hamlet, elsinore, `w${n}`));
    const across = sent.filter((stanza) => stanza.to === rabbithole);
    expect(across).toHaveLength(502);
    const back = flood(world, rooms, denmark, 502, (n) => across[n] as Stanza).filter(({ type }) => type === 'error');
    expect(errors(back)).toEqual(['resource-constraint', 'resource-constraint']);
    for (const error of back) world.inject(denmark, rooms, error);
    expect(texts(world, hamlet)).toHaveLength(2);
    expect(texts(world, hamlet)[0]).toContain('what you said is not shown: your node sends too much');
    expect(peers(world, rooms)).toEqual(['live']);
  });

  it('decision #160: a node that was joined has the same budget, and is left for a minute', () => {
    const world = joinedToStranger();
    world.advance(30_000);
    world.clear();
    const sent = flood(world, denmark, rooms, 1_000, (n) => speaks('Alice', alice, `w${n}`, [], rabbithole));
    expect(words(to(hamlet, sent), 'w')).toBe(500);
    expect(nicks(world, denmark)).toEqual(['Hamlet']);
    expect(peers(world, denmark)).toEqual(['split']);
    const bye = sent.filter((stanza) => stanza.to.startsWith(rabbithole) && stanza.name === 'presence');
    expect(bye.map(({ type }) => type)).toEqual(['unavailable']);
  });

  it('decision #160: joins are answered as far as the budget goes', () => {
    const join = () => introduces('Hamlet', hamlet, [writeJoin({}), rank()]);
    const sent = flood(joinedByStranger(), rooms, denmark, 50, join);
    expect(sent.filter((stanza) => subjectChange(stanza) !== undefined).length).toBeLessThanOrEqual(20);
  });

  it('decision #160: a join of which nothing comes costs no more than a presence', () => {
    const guest = 'guildenstern@denmark.lit/p';
    const world = worldOf({ rabbithole: { affiliations: [owner(alice), banned(guest)] } });
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    flood(world, rooms, denmark, 30, () => introduces('Guildenstern', guest, [writeJoin({}), rank()]));
    world.inject(rooms, denmark, introduces('Hamlet', hamlet, [writeJoin({}), rank()]));
    expect(nicks(world, rooms)).toEqual(['Hamlet']);
  });
});
