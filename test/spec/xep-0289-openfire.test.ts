import { describe, expect, it } from 'vitest';
import { readJoin, readMucUser, subjectChange } from '../../src/core/xep/xep0045.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { stanzaError } from '../../src/core/xmpp/errors.ts';
import { bareOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, errorReply, iq, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { Openfire, type OpenfireSettings } from '../support/openfire.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const denmark = jid('talk.denmark.lit');
const forum = jid('forum@conference.openfire.lit');
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';
const yorick = 'yorick@denmark.lit/p';
const ann = 'ann@openfire.lit/p';
const bob = 'bob@openfire.lit/p';
const mod = 'mod@openfire.lit/p';

/** a: our room joins theirs; b: theirs joins ours. */
type Role = 'a' | 'b';
const roles = ['a', 'b'] as const;

interface Setting extends OpenfireSettings {
  /** Of our room. */
  readonly room?: Readonly<Record<string, unknown>>;
  readonly distribution?: Readonly<Record<string, unknown>>;
}

/** Our room at one server, and one of an Openfire at another. */
function set(role: Role, { room, distribution, ...openfire }: Setting = {}): { world: World; theirs: Openfire } {
  const ours = role === 'a' ? { kind: 'fmuc', outbound: forum } : { kind: 'fmuc', allowedNodes: [forum] };
  const scenario = {
    format: 'netsplit-scenario',
    version: 1,
    id: 'openfire',
    title: 'a room of an Openfire',
    xep: '0289',
    servers: [{ domain: 'denmark.lit', at: [0.2, 0.5] }],
    links: [],
    nodes: [
      {
        kind: 'service',
        address: denmark,
        server: 'denmark.lit',
        rooms: [
          {
            jid: elsinore,
            name: 'elsinore',
            whois: 'anyone',
            changeSubject: true,
            affiliations: [{ jid: 'hamlet@denmark.lit', affiliation: 'owner' }],
            distribution: { ...ours, ...distribution },
            ...room,
          },
        ],
      },
    ],
    occupants: [],
    script: [],
  };
  const world = new World(scenario as unknown as Scenario);
  const theirs = new Openfire(forum, {
    moderators: ['Mod'],
    ...(role === 'b' ? { outbound: elsinore } : {}),
    ...openfire,
  });
  world.host(theirs);
  return { world, theirs };
}

const inHamlet = joins(hamlet, `${elsinore}/Hamlet`);
const inOphelia = joins(ophelia, `${elsinore}/Ophelia`);
const inAnn = joins(ann, `${forum}/Ann`);
const inBob = joins(bob, `${forum}/Bob`);
const inMod = joins(mod, `${forum}/Mod`);

/** The one who joins comes second. */
function linked(role: Role, setting: Setting = {}): { world: World; theirs: Openfire } {
  const both = set(role, setting);
  const { world } = both;
  world.send(...(role === 'a' ? [inMod, inAnn, inHamlet] : [inHamlet, inMod, inAnn]));
  inStep(both);
  world.clear();
  return both;
}

const roster = (world: World) =>
  world
    .status(denmark)
    .occupants.map(({ nick, jid: who }) => `${nick} ${who && bareOf(jid(who))}`)
    .sort();
const states = (world: World) => world.status(denmark).peers.map(({ state }) => state);

function inStep({ world, theirs }: { world: World; theirs: Openfire }): void {
  expect(roster(world)).toEqual(theirs.roster);
  expect(states(world)).toEqual(['live']);
  expect(theirs.outbound).not.toBe('joining');
  expect(theirs.exceptions).toEqual([]);
}

const shown = (stanza: Stanza) =>
  stanza.name === 'presence'
    ? `${stanza.type ?? 'available'} ${stanza.from.split('/')[1] ?? ''} ${readMucUser(stanza.payloads)?.statuses ?? ''}`.trim()
    : (bodyOf(stanza) ?? `subject: ${subjectChange(stanza)}`);
/** The lines that a user has read since. */
const read = (world: World, user: string) =>
  world
    .got(user)
    .filter(({ name }) => name === 'message')
    .map(shown);
const seen = (world: World, user: string) => world.got(user).map(shown);
const toForum = (world: World) =>
  world.crossed().flatMap(({ stanza }) => (bareOf(stanza.to) === forum ? [stanza] : []));
const topic = (user: string, room: Jid, text: string) =>
  message(jid(user), room, { type: 'groupchat', id: 'topic' }, el('subject', NS.client, {}, text));
const admin = (user: string, room: Jid, item: Readonly<Record<string, string>>) =>
  iq(jid(user), room, { type: 'set', id: 'admin' }, el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, item)));

/** Everybody hears everybody, once. */
function talk({ world }: { world: World }): void {
  const clear = () => world.clear();
  clear();
  world.send(says(hamlet, elsinore, 'from us'));
  world.send(says(ann, forum, 'from them'));
  expect(read(world, hamlet)).toEqual(['from us', 'from them']);
  expect(read(world, ann)).toEqual(['from us', 'from them']);
  clear();
}

/** Two keepalives, and the rest of what goes on then. */
const soon = 2 * 72_000 + 30_000;

describe.each(roles)('XEP-0289 with Openfire, in role %s', (role) => {
  describe('first join', () => {
    it('decision #22: no topic', () => {
      const both = linked(role);
      talk(both);
    });

    it('decision #22: a topic of somebody who is here', () => {
      const both = set(role);
      const { world, theirs } = both;
      if (role === 'a') world.send(inAnn, topic(ann, forum, 'theirs'), inHamlet);
      else world.send(inHamlet, topic(hamlet, elsinore, 'ours'), inAnn);
      inStep(both);
      const text = role === 'a' ? 'theirs' : 'ours';
      expect([world.status(denmark).subject, theirs.subject]).toEqual([text, text]);
      talk(both);
    });

    it('decision #22: a topic of somebody who is gone', () => {
      const both = set(role);
      const { world, theirs } = both;
      if (role === 'a') world.send(inAnn, inBob, topic(bob, forum, 'gone'), leaves(bob, `${forum}/Bob`), inHamlet);
      else
        world.send(
          inHamlet,
          inOphelia,
          topic(ophelia, elsinore, 'gone'),
          leaves(ophelia, `${elsinore}/Ophelia`),
          inAnn,
        );
      inStep(both);
      expect([world.status(denmark).subject, theirs.subject]).toEqual(['gone', 'gone']);
      talk(both);
    });

    it('with history on either side', () => {
      const both = set(role);
      const { world } = both;
      world.send(...(role === 'a' ? [inAnn, says(ann, forum, 'old')] : [inHamlet, says(hamlet, elsinore, 'old')]));
      world.send(...(role === 'a' ? [inHamlet] : [inAnn]));
      inStep(both);
      // What it is told of the past as the joining node, it does not keep.
      expect(read(world, role === 'a' ? hamlet : ann)).toEqual(role === 'a' ? ['old', 'subject: '] : ['subject: ']);
      talk(both);
    });
  });

  describe('those who are in', () => {
    it('presence, further users, leaves', () => {
      const both = linked(role);
      const { world, theirs } = both;
      world.send(inBob, inOphelia);
      inStep(both);
      const away = presence(jid(bob), jid(`${forum}/Bob`), {}, el('show', NS.client, {}, 'away'));
      world.clear();
      world.send(away);
      expect(seen(world, hamlet)).toEqual(['available Bob']);
      world.send(presence(jid(ophelia), jid(`${elsinore}/Ophelia`), {}, el('show', NS.client, {}, 'away')));
      world.send(leaves(bob, `${forum}/Bob`), leaves(ophelia, `${elsinore}/Ophelia`));
      inStep(both);
      expect(theirs.roster).toHaveLength(3);
      talk(both);
    });

    it('decision #88, rule 2: a join that is announced twice is one, and nothing is said again to the whole room', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inBob);
      world.advance(5_000);
      expect(seen(world, hamlet)).toEqual(['available Bob']);
      expect(seen(world, ann)).toEqual(['available Bob']);
      inStep(both);
    });

    it('a change of nick', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inOphelia, inBob);
      world.clear();
      world.send(presence(jid(bob), jid(`${forum}/Bobby`), {}));
      expect(seen(world, hamlet)).toEqual(['unavailable Bob 303', 'available Bobby']);
      expect(readMucUser(world.got(hamlet)[0]?.payloads ?? [])?.nick).toBe('Bobby');
      world.send(presence(jid(ophelia), jid(`${elsinore}/Nymph`), {}));
      inStep(both);
      expect(roster(world)).toContain('Bobby bob@openfire.lit');
      expect(roster(world)).toContain('Nymph ophelia@denmark.lit');
      talk(both);
    });

    it('the only user of a side changes nick', () => {
      const both = set(role);
      const { world } = both;
      world.send(...(role === 'a' ? [inAnn, inHamlet] : [inHamlet, inAnn]));
      world.clear();
      world.send(presence(jid(ann), jid(`${forum}/Anna`), {}));
      inStep(both);
      expect(seen(world, hamlet)).toEqual(['unavailable Ann 303', 'available Anna']);
      world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}));
      world.advance(100);
      inStep(both);
      expect(roster(world)).toEqual(['Anna ann@openfire.lit', 'Prince hamlet@denmark.lit']);
      talk(both);
    });

    it('the last one leaves, and somebody comes again', () => {
      const both = set(role);
      const { world, theirs } = both;
      const joiner = role === 'a' ? inHamlet : inAnn;
      world.send(...(role === 'a' ? [inAnn, inHamlet] : [inHamlet, inAnn]));
      world.send(...(role === 'a' ? [leaves(hamlet, `${elsinore}/Hamlet`)] : [leaves(ann, `${forum}/Ann`)]));
      expect([states(world), theirs.inbound, theirs.outbound]).toEqual([[], [], 'none']);
      world.send(joiner);
      inStep(both);
      talk(both);
    });
  });

  it('private messages: read by the addressee alone', () => {
    const both = linked(role);
    const { world, theirs } = both;
    world.send(inBob, inOphelia);
    world.clear();
    world.send(tells(hamlet, `${elsinore}/Ann`, 'psst'));
    expect(read(world, ann)).toEqual(['psst']);
    world.send(tells(ann, `${forum}/Hamlet`, 'hush'));
    expect(read(world, hamlet)).toEqual(['hush']);
    for (const user of [bob, mod, ophelia]) expect(world.got(user)).toEqual([]);
    expect(theirs.history).toEqual([]);
    inStep(both);
  });

  describe('kick, ban, change of role there', () => {
    it.each([
      ['kick', { nick: 'Bob', role: 'none' }, 307],
      ['ban', { jid: 'bob@openfire.lit', affiliation: 'outcast' }, 301],
    ] as const)('%s of its own user', (_, item, status) => {
      const both = linked(role);
      const { world } = both;
      world.send(inBob);
      world.clear();
      world.send(admin(mod, forum, item));
      expect(seen(world, hamlet)).toEqual([`unavailable Bob ${status}`]);
      inStep(both);
      world.send(says(mod, forum, 'next'));
      expect(read(world, hamlet)).toEqual(['next']);
    });

    it('a role of its own user', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inBob);
      world.clear();
      world.send(admin(mod, forum, { nick: 'Bob', role: 'visitor' }));
      expect(world.got(hamlet).map((stanza) => [shown(stanza), readMucUser(stanza.payloads)?.role])).toEqual([
        ['available Bob', 'visitor'],
      ]);
      inStep(both);
    });

    it.each([
      ['kick', { nick: 'Ophelia', role: 'none' }],
      ['ban', { jid: 'ophelia@denmark.lit', affiliation: 'outcast' }],
    ] as const)('decision #191: %s of our user: they stay with us, and their leave is understood there', (_, item) => {
      const both = linked(role);
      const { world, theirs } = both;
      world.send(inOphelia);
      world.clear();
      world.send(admin(mod, forum, item));
      expect(roster(world)).toContain('Ophelia ophelia@denmark.lit');
      expect(roster(world)).toContain('Mod mod@openfire.lit');
      world.send(says(mod, forum, 'next'));
      expect(read(world, hamlet)).toEqual(['next']);
      world.send(leaves(ophelia, `${elsinore}/Ophelia`));
      expect(theirs.exceptions).toEqual([]);
      world.send(leaves(hamlet, `${elsinore}/Hamlet`));
      world.advance(11_000);
      expect(theirs.inbound).toEqual([]);
      world.send(inHamlet);
      world.advance(100);
      inStep(both);
      talk(both);
    });

    it('a role of our user: nothing of it is ours, nor the moderator’s', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inOphelia);
      world.clear();
      world.send(admin(mod, forum, { nick: 'Ophelia', role: 'visitor' }));
      const { occupants } = world.status(denmark);
      expect(
        occupants.map(({ nick, role }) => [nick, role]).filter(([nick]) => nick === 'Ophelia' || nick === 'Mod'),
      ).toEqual([
        ['Mod', 'moderator'],
        ['Ophelia', 'participant'],
      ]);
      inStep(both);
    });

    it('of our own user here', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inOphelia);
      world.clear();
      world.send(admin(hamlet, elsinore, { nick: 'Ophelia', role: 'none' }));
      inStep(both);
      talk(both);
    });
  });

  it('nick taken while linked: the newcomer is refused at home', () => {
    const both = linked(role);
    const { world } = both;
    world.send(joins(ophelia, `${elsinore}/Ann`), joins(bob, `${forum}/Hamlet`));
    expect(errorOf(world.got(ophelia)[0] as Stanza)?.condition).toBe('conflict');
    expect(errorOf(world.got(bob)[0] as Stanza)?.condition).toBe('conflict');
    inStep(both);
    talk(both);
  });

  describe('our restart', () => {
    const after = { kill: 'kill -9', quiet: 'quiet' } as const;
    it.each(Object.keys(after))('with our log: %s', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inOphelia);
      const log = world.crash(denmark);
      world.boot(denmark, log);
      world.advance(soon);
      inStep(both);
      talk(both);
    });

    it('decision #192: kill -9, while its users go on talking', () => {
      const both = linked(role);
      const { world } = both;
      const log = world.crash(denmark);
      world.send(says(ann, forum, 'unheard'), inBob);
      world.boot(denmark, log);
      world.send(says(ann, forum, 'heard'));
      world.advance(soon);
      world.send(says(bob, forum, 'hello'));
      inStep(both);
      talk(both);
    });

    it('without our log: the same users come again', () => {
      const both = linked(role);
      const { world } = both;
      world.crash(denmark);
      world.boot(denmark);
      world.send(inHamlet);
      world.advance(soon);
      world.send(says(ann, forum, 'Ann here'), says(mod, forum, 'Mod here'));
      world.advance(soon);
      inStep(both);
      talk(both);
    });
  });

  it('rule 7: the leave of our user is not that of their user who has the nick, too', () => {
    const both = linked(role);
    const { world, theirs } = both;
    world.cut('denmark.lit', 'openfire.lit', 'silent');
    world.send(joins(bob, `${forum}/Twin`), joins(ophelia, `${elsinore}/Twin`));
    world.cut('denmark.lit', 'openfire.lit', undefined);
    world.send(leaves(ophelia, `${elsinore}/Twin`));
    expect(theirs.roster).toContain('Twin bob@openfire.lit');
    world.advance(soon);
    world.send(says(bob, forum, 'here I am'));
    world.advance(soon);
    inStep(both);
    talk(both);
  });

  describe('its restart', () => {
    it('quiet: its users come again', () => {
      const both = linked(role);
      const { world, theirs } = both;
      theirs.restart();
      world.advance(soon);
      world.send(inAnn);
      world.advance(soon);
      inStep(both);
      expect(roster(world)).toEqual(['Ann ann@openfire.lit', 'Hamlet hamlet@denmark.lit']);
      talk(both);
    });

    it('its users come again at once, the same or others, and both sides talk', () => {
      const both = linked(role);
      const { world, theirs } = both;
      theirs.restart();
      world.send(says(hamlet, elsinore, 'to nobody'), inBob, says(bob, forum, 'I am first'), inAnn);
      world.advance(soon);
      inStep(both);
      expect(roster(world)).toEqual(['Ann ann@openfire.lit', 'Bob bob@openfire.lit', 'Hamlet hamlet@denmark.lit']);
      talk(both);
    });

    it('the room is gone for a while', () => {
      const both = linked(role);
      const { world, theirs } = both;
      theirs.restart();
      theirs.exists = false;
      world.advance(soon);
      expect(roster(world)).toEqual(['Hamlet hamlet@denmark.lit']);
      theirs.exists = true;
      world.send(inAnn);
      world.advance(soon);
      inStep(both);
      talk(both);
    });
  });

  describe.each(['bounce', 'silent'] as const)('s2s cut and healed: %s', (how) => {
    const cut = (world: World, is: boolean) => world.cut('denmark.lit', 'openfire.lit', is ? how : undefined);

    it('decision #197: while both sides talk, come and go', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inOphelia, inBob);
      cut(world, true);
      world.send(says(hamlet, elsinore, 'lost'), says(ann, forum, 'lost, too'));
      world.send(leaves(ophelia, `${elsinore}/Ophelia`), joins(yorick, `${elsinore}/Yorick`));
      world.send(leaves(bob, `${forum}/Bob`));
      world.advance(300_000);
      cut(world, false);
      world.advance(soon);
      inStep(both);
      talk(both);
    });

    it('short: somebody leaves on either side, and somebody comes to us', () => {
      const both = linked(role);
      const { world } = both;
      world.send(inOphelia, inBob);
      world.advance(10_000);
      cut(world, true);
      world.send(leaves(ophelia, `${elsinore}/Ophelia`), joins(yorick, `${elsinore}/Yorick`));
      world.send(leaves(bob, `${forum}/Bob`));
      world.advance(1_000);
      cut(world, false);
      world.advance(soon);
      inStep(both);
      talk(both);
    });

    it('quiet, and short', () => {
      const both = linked(role);
      const { world } = both;
      cut(world, true);
      world.advance(80_000);
      cut(world, false);
      world.advance(soon);
      inStep(both);
      talk(both);
    });
  });
});

describe('XEP-0289 with Openfire', () => {
  it.each([
    [
      'FMUC off',
      (theirs: Openfire, is: boolean) => {
        theirs.enabled = is;
      },
    ],
    [
      'room absent',
      (theirs: Openfire, is: boolean) => {
        theirs.exists = is;
      },
    ],
  ] as const)('role a, %s: alone after 10 s, once; then as soon as it answers', (_, turn) => {
    const both = set('a');
    const { world, theirs } = both;
    turn(theirs, false);
    world.send(inHamlet);
    expect(roster(world)).toEqual([]);
    world.advance(10_000);
    expect(roster(world)).toEqual(['Hamlet hamlet@denmark.lit']);
    world.clear();
    world.advance(120_000);
    expect(world.got(hamlet)).toEqual([]);
    turn(theirs, true);
    world.send(inAnn);
    world.advance(90_000);
    inStep(both);
    talk(both);
  });

  it.each([
    [
      'FMUC off',
      (theirs: Openfire) => {
        theirs.enabled = false;
      },
    ],
  ] as const)('role b, %s: nobody hears of it', (_, turn) => {
    const both = set('b');
    const { world, theirs } = both;
    turn(theirs);
    world.send(inHamlet, inAnn);
    world.advance(120_000);
    expect(world.crossed()).toEqual([]);
    theirs.enabled = true;
    world.send(inBob);
    world.send(says(ann, forum, 'hello'));
    world.advance(soon);
    talk(both);
  });

  it('decision #194: role a, nick taken at the join: one user is refused, and the link lives', () => {
    const both = set('a');
    const { world } = both;
    world.send(inAnn, joins(ophelia, `${elsinore}/Ann`));
    world.advance(10_000);
    expect(world.got(ophelia).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    expect(both.theirs.roster).toEqual(['Ann ann@openfire.lit']);
    world.send(inHamlet);
    world.advance(100);
    inStep(both);
    talk(both);
  });

  it('decision #190: role b, nick taken at the join: <reject/>, and the next local join links', () => {
    const both = set('b');
    const { world, theirs } = both;
    world.send(inHamlet, joins(bob, `${forum}/Hamlet`));
    expect(world.crossed().map(({ stanza }) => [stanza.name, stanza.type, readFmuc(stanza.payloads)?.kind])).toEqual([
      ['presence', undefined, 'from'],
      ['presence', undefined, 'reject'],
    ]);
    expect([theirs.outbound, roster(world)]).toEqual(['none', ['Hamlet hamlet@denmark.lit']]);
    world.send(leaves(bob, `${forum}/Hamlet`), inAnn);
    inStep(both);
    talk(both);
  });

  describe('both configured outbound', () => {
    const setting = { outbound: elsinore, distribution: { outbound: forum, allowedNodes: [forum] } };
    it.each([
      ['ours asks first', [inHamlet, inAnn]],
      ['theirs asks first', [inAnn, inHamlet]],
    ] as const)('%s: one link', (_, joins) => {
      const both = set('a', setting);
      const { world } = both;
      for (const join of joins) world.send(join);
      world.advance(soon);
      inStep(both);
      talk(both);
    });

    it('decision #196: both ask at once: one link', () => {
      const both = set('a', setting);
      const { world } = both;
      world.send(inHamlet, inAnn);
      world.advance(soon);
      inStep(both);
      talk(both);
    });

    it('decision #190: one that may not join gets <reject/>, and hangs in nothing', () => {
      const both = set('a', { outbound: elsinore, distribution: { outbound: forum } });
      const { world, theirs } = both;
      world.send(inHamlet);
      world.send(inAnn);
      world.advance(soon);
      expect(theirs.outbound).not.toBe('joining');
      expect(theirs.exceptions).toEqual([]);
    });
  });

  it('decision #193: once it announces the user whom it joined with it has the answer, and is asked who is in', () => {
    const { world } = set('b');
    world.send(inHamlet, inMod);
    const asked = toForum(world).filter(({ name, type }) => name === 'iq' && type === 'get');
    expect(asked.map(({ payloads }) => payloads[0]?.xmlns)).toEqual([NS.discoItems]);
  });

  describe('rule 4: the answer to its join', () => {
    it('is occupants but for the joiner, then a subject of somebody, if only of the room’s', () => {
      const { world } = set('b');
      world.send(inHamlet, inAnn);
      expect(
        toForum(world)
          .filter(({ name }) => name !== 'iq')
          .map((stanza) => [stanza.name, stanza.to, stanza.from, readFmuc(stanza.payloads)]),
      ).toEqual([
        ['presence', forum, `${elsinore}/Hamlet`, { kind: 'from', from: hamlet }],
        ['message', forum, elsinore, { kind: 'from', from: elsinore }],
      ]);
    });

    it('a later subject has an author, too', () => {
      const both = linked('b');
      const { world } = both;
      world.send(topic(hamlet, elsinore, 'news'));
      expect(read(world, ann)).toEqual(['subject: news']);
    });
  });

  describe('rule 8: the past is of an address of its room', () => {
    it.each(['occupant', 'room'] as const)('%s: nobody’s, whoever has the nick', (past) => {
      const both = set('a', { past });
      const { world } = both;
      world.send(inAnn, inBob, says(ann, forum, 'one'), says(bob, forum, 'two'), inHamlet);
      inStep(both);
      const said = world.got(hamlet).filter((stanza) => bodyOf(stanza) !== undefined);
      expect(said.map((stanza) => [stanza.from, bodyOf(stanza), readOccupantId(stanza.payloads)])).toEqual([
        [`${elsinore}/Ann`, 'one', ''],
        [`${elsinore}/Bob`, 'two', ''],
      ]);
    });

    it('what is here already is not taken again by another join', () => {
      const both = linked('a');
      const { world } = both;
      world.send(says(ann, forum, 'yes'), says(ann, forum, 'yes'), says(hamlet, elsinore, 'no'));
      world.cut('denmark.lit', 'openfire.lit', 'silent');
      world.advance(100_000);
      world.send(says(ann, forum, 'missed'));
      world.cut('denmark.lit', 'openfire.lit', undefined);
      world.clear();
      world.advance(soon);
      inStep(both);
      expect(read(world, hamlet)).toEqual(['missed']);
      talk(both);
    });
  });

  describe('rule 12: of two topics the newer one counts', () => {
    it('role a: theirs is of a while ago', () => {
      const both = set('a');
      const { world, theirs } = both;
      theirs.setSubject('old', 'Ann', ann, instant(world.now - 86_400_000));
      theirs.enabled = false;
      world.send(inHamlet);
      world.advance(10_000);
      world.send(topic(hamlet, elsinore, 'new'), inAnn);
      theirs.enabled = true;
      world.clear();
      world.advance(90_000);
      inStep(both);
      expect(world.status(denmark).subject).toBe('new');
      expect(read(world, ann)).toEqual(['subject: new']);
      expect(read(world, hamlet)).toEqual([]);
    });

    it('role b: ours was set while it was cut off', () => {
      const both = linked('b');
      const { world } = both;
      world.cut('denmark.lit', 'openfire.lit', 'silent');
      world.advance(120_000);
      world.send(topic(hamlet, elsinore, 'new'));
      world.cut('denmark.lit', 'openfire.lit', undefined);
      world.clear();
      world.advance(soon);
      inStep(both);
      expect(read(world, ann)).toEqual(['subject: new']);
    });
  });

  it('rule 3: a join of a user who is known is a restart, and gets a full answer', () => {
    const both = linked('b');
    const { world, theirs } = both;
    world.send(says(hamlet, elsinore, 'old'));
    theirs.restart();
    world.clear();
    world.send(inAnn);
    const answer = toForum(world).filter(({ name }) => name !== 'iq');
    expect(answer.map(shown)).toEqual(['available Hamlet', 'old', 'subject: ']);
    inStep(both);
    expect(roster(world)).toEqual(['Ann ann@openfire.lit', 'Hamlet hamlet@denmark.lit']);
  });

  it('rule 3: one of a user who is not may be a restart, too', () => {
    const both = linked('b');
    const { world, theirs } = both;
    world.send(says(hamlet, elsinore, 'old'));
    theirs.restart();
    world.clear();
    world.send(inBob);
    expect(theirs.outbound).toBe('joined');
    world.send(says(hamlet, elsinore, 'welcome'));
    expect(read(world, bob)).toEqual(['old', 'subject: ', 'welcome']);
  });

  it('rule 13: it has taken our last user out, and was not told that they stay', () => {
    const both = set('a');
    const { world, theirs } = both;
    world.send(inMod, inOphelia);
    world.lose((stanza) => stanza.from === `${elsinore}/Ophelia`);
    world.send(admin(mod, forum, { nick: 'Ophelia', role: 'none' }));
    world.send(leaves(ophelia, `${elsinore}/Ophelia`));
    expect([theirs.exceptions.length, theirs.inbound]).toEqual([1, [elsinore]]);
    theirs.exceptions.splice(0);
    world.advance(10_000);
    expect(states(world)).toEqual([]);
    world.send(inHamlet);
    world.advance(soon);
    theirs.exceptions.splice(0);
    inStep(both);
    world.clear();
    world.send(says(hamlet, elsinore, 'hello'));
    world.send(says(mod, forum, 'welcome'));
    expect([read(world, mod), read(world, hamlet)]).toEqual([
      ['hello', 'welcome'],
      ['hello', 'welcome'],
    ]);
  });

  it('rule 10: a reject that goes to the full address of the request ends the wait at once', () => {
    const { world } = set('a', { outbound: elsinore });
    world.send(inHamlet);
    expect(roster(world)).toEqual(['Hamlet hamlet@denmark.lit']);
    expect(states(world)).toEqual(['rejected']);
  });

  it('rule 11: one that is not on the list is rejected, and hangs in nothing', () => {
    const { world, theirs } = set('b', { distribution: { allowedNodes: [] } });
    world.send(inHamlet, inAnn);
    expect([theirs.outbound, theirs.roster]).toEqual(['none', ['Ann ann@openfire.lit']]);
    expect(roster(world)).toEqual(['Hamlet hamlet@denmark.lit']);
  });

  it('rule 11, decision #159: the real addresses that it adds to messages and history reach nobody who may not see them', () => {
    const both = set('a', { room: { whois: 'moderators' } });
    const { world } = both;
    world.send(inAnn, says(ann, forum, 'old'), inHamlet, inOphelia);
    world.send(says(ann, forum, 'new'));
    expect(read(world, ophelia)).toEqual(['old', 'subject: ', 'new']);
    expect(JSON.stringify(world.got(ophelia))).not.toContain(bareOf(jid(ann)));
  });

  it('decision #195: one that says again and again that we left is not asked for ever', () => {
    const { world, theirs } = linked('a');
    const left = presence(forum, elsinore, {}, writeFmuc({ kind: 'left' }));
    for (let i = 0; i < 20; i++) {
      theirs.restart();
      world.send(left);
    }
    const requests = toForum(world).filter(({ payloads }) => readJoin(payloads) !== undefined);
    expect(requests).toHaveLength(5);
  });

  it('decision #193: a room that does not say who is in it is linked as long as it answers', () => {
    const both = linked('a', { tells: 'nobody' });
    const { world } = both;
    world.advance(600_000);
    expect(world.got(hamlet)).toEqual([]);
    inStep(both);
    talk(both);
  });

  it('decision #193: a room that is not allowed to say who is in it is pinged', () => {
    const both = linked('a', { tells: 'error' });
    const { world } = both;
    world.advance(600_000);
    expect(world.got(hamlet)).toEqual([]);
    inStep(both);
    talk(both);
  });

  it('decision #193: such a room whose service is away is lost at the first ping that its server sends back', () => {
    const { world } = linked('a', { tells: 'error' });
    world.cut('denmark.lit', 'openfire.lit', 'silent');
    world.advance(75_000);
    const ping = toForum(world).findLast(({ name }) => name === 'iq') as Stanza;
    const bounce = errorReply(ping, stanzaError('cancel', 'service-unavailable')) as Stanza;
    world.clear();
    world.inject(denmark, 'conference.openfire.lit', bounce);
    expect([roster(world), states(world)]).toEqual([['Hamlet hamlet@denmark.lit'], ['split']]);
    expect(seen(world, hamlet).sort()).toEqual(['unavailable Ann 333', 'unavailable Mod 333']);
  });

  describe('bridge: ours between two of theirs', () => {
    const other = jid('agora@conference.athens.lit');
    const dio = 'dio@athens.lit/p';
    const inDio = joins(dio, `${other}/Dio`);
    it.each([
      ['we join both', [forum, other], []],
      ['both join us', [], [forum, other]],
      ['one joins us, we join the other', [other], [forum]],
    ] as const)('%s: all hear all once', (_, outbound, allowedNodes) => {
      const joinsUs = (room: Jid) => (allowedNodes.some((node) => node === room) ? { outbound: elsinore } : {});
      const both = set('a', { ...joinsUs(forum), distribution: { outbound, allowedNodes } });
      const { world, theirs } = both;
      const athens = new Openfire(other, joinsUs(other));
      world.host(athens);
      world.send(...(outbound.length === 2 ? [inAnn, inDio, inHamlet] : [inHamlet, inDio, inAnn]), inBob);
      world.advance(60_000);
      const all = ['Ann ann@openfire.lit', 'Bob bob@openfire.lit', 'Dio dio@athens.lit', 'Hamlet hamlet@denmark.lit'];
      expect([roster(world), theirs.roster, athens.roster]).toEqual([all, all, all]);
      world.clear();
      world.send(says(hamlet, elsinore, 'one'));
      world.send(says(ann, forum, 'two'));
      world.send(says(dio, other, 'three'));
      for (const user of [hamlet, ann, bob, dio]) expect(read(world, user)).toEqual(['one', 'two', 'three']);
      world.send(leaves(bob, `${forum}/Bob`));
      expect(athens.roster).toEqual(theirs.roster);
      expect([theirs.exceptions, athens.exceptions]).toEqual([[], []]);
    });
  });
});
