import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser, subjectChange } from '../../src/core/xep/xep0045.ts';
import { ping } from '../../src/core/xep/xep0199.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { stanzaError } from '../../src/core/xmpp/errors.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorOf,
  errorReply,
  iq,
  iqResult,
  message,
  presence,
  type Stanza,
} from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain, wallops, wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

// XEP-0045 §7.2.8: several sessions of one user under one nick (decisions #140, #141), in every seat: what a client sees is
// the same wherever the room is distributed.

const coven = 'coven@conference.localhost';
const channel = 'wallops@channel.avalon.irc';

/** Somebody with a phone and a laptop, their room, and others beside them and on other nodes. */
interface Place {
  readonly seat: string;
  readonly world: () => World;
  readonly room: string;
  readonly phone: string;
  readonly laptop: string;
  readonly nick: string;
  /** By address, with the room as they know it. A moderator, who sees JIDs, comes first. */
  readonly others: readonly (readonly [user: string, room: string])[];
  readonly moderator: readonly [user: string, room: string];
}

const inWallops = (nick: string) => wallops.occupants.find((occupant) => occupant.nick === nick)?.jid as string;

function covenWorld(): World {
  const affiliations = [{ jid: 'crone1@localhost', affiliation: 'owner' }];
  const node = {
    kind: 'service',
    address: 'conference.localhost',
    server: 'localhost',
    rooms: [{ jid: coven, affiliations, whois: 'moderators' }],
  };
  const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as unknown as Scenario);
  world.send(joins('crone1@localhost/desktop', `${coven}/firstwitch`));
  world.send(joins('wiccarocks@localhost/laptop', `${coven}/secondwitch`));
  return world;
}
function wallopsWorld(): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants)
    if (nick !== 'Efchen') world.send(joins(address, `${channel}/${nick}`));
  return world;
}
function rabbitholeWorld(): World {
  const world = new World(wonderland);
  world.send(joins('hatter@wonderland.lit/p', 'rabbithole@rooms.wonderland.lit/Hatter'));
  world.send(joins('hamlet@denmark.lit/p', 'elsinore@talk.denmark.lit/Hamlet'));
  return world;
}
const efchen = { nick: 'Efchen', phone: inWallops('Efchen'), laptop: inWallops('Efchen').replace(/\/.*/, '/laptop') };

const places: readonly Place[] = [
  {
    seat: 'plain',
    world: covenWorld,
    room: coven,
    nick: 'thirdwitch',
    phone: 'hag66@localhost/pda',
    laptop: 'hag66@localhost/laptop',
    others: [['wiccarocks@localhost/laptop', coven]],
    moderator: ['crone1@localhost/desktop', coven],
  },
  {
    seat: 'behind a replica',
    world: wallopsWorld,
    room: channel,
    ...efchen,
    others: wallops.occupants
      .filter(({ nick }) => nick !== 'Efchen' && nick !== 'Wumpus')
      .map(({ jid: address }) => [address, channel]),
    moderator: [inWallops('Wumpus'), channel],
  },
  {
    seat: 'FMUC',
    world: rabbitholeWorld,
    room: 'rabbithole@rooms.wonderland.lit',
    nick: 'Alice',
    phone: 'alice@wonderland.lit/p',
    laptop: 'alice@wonderland.lit/laptop',
    others: [
      ['hatter@wonderland.lit/p', 'rabbithole@rooms.wonderland.lit'],
      ['hamlet@denmark.lit/p', 'elsinore@talk.denmark.lit'],
    ],
    moderator: ['hatter@wonderland.lit/p', 'rabbithole@rooms.wonderland.lit'],
  },
];

const codes = (stanza: Stanza) => readMucUser(stanza.payloads)?.statuses ?? [];
const shownOf = (world: World, who: string, room: string, nick: string) =>
  world
    .got(who)
    .filter(({ name, from }) => name === 'presence' && from === `${room}/${nick}`)
    .map((stanza) => [stanza.type ?? 'available', ...codes(stanza).filter((code) => code !== 100)]);
const texts = (world: World, who: string) => world.got(who).flatMap((stanza) => bodyOf(stanza) ?? []);
const away = el('show', NS.client, {}, 'away');

describe.each(places)('XEP-0045 §7.2.8, decision #140: several sessions under one nick, $seat', (place) => {
  const { room, phone, laptop, nick, others } = place;
  const at = `${room}/${nick}`;
  /** The phone is in; then the laptop. */
  function both(): World {
    const world = place.world();
    world.send(joins(phone, at));
    world.send(joins(laptop, at));
    world.clear();
    return world;
  }
  const around = (world: World) => others.map(([who, where]) => shownOf(world, who, where, nick));
  const nothing = others.map(() => []);

  it('a second session gets all that a join brings, and nobody else hears of a join', () => {
    const world = place.world();
    world.send(joins(phone, at));
    world.send(says(phone, room, 'said before'));
    world.clear();
    world.send(joins(laptop, at));
    expect(shownOf(world, laptop, room, nick)).toEqual([['available', 110]]);
    const got = world.got(laptop);
    const self = got.findIndex((stanza) => codes(stanza).includes(110));
    expect(got.slice(0, self).length).toBeGreaterThanOrEqual(others.length);
    expect(texts(world, laptop)).toEqual(['said before']);
    expect(subjectChange(got.at(-1) as Stanza)).toBeDefined();
    for (const [i, [who, where]] of others.entries()) {
      const shown = shownOf(world, who, where, nick);
      // Who sees JIDs is shown the one that is new.
      expect([i, shown.length <= 1 && shown.every(([type]) => type === 'available')]).toEqual([i, true]);
    }
  });

  it('§7.2.2: the presence that ends the answer has the id of the join, for each session', () => {
    const world = place.world();
    for (const [who, id] of [
      [phone, 'first'],
      [laptop, 'second'],
      [laptop, 'again'],
    ] as const) {
      world.clear();
      world.send({ ...joins(who, at), id });
      const own = world.got(who).filter((stanza) => codes(stanza).includes(110));
      expect(own.map((stanza) => stanza.id)).toEqual([id]);
    }
  });

  it('what the second session changes is shown: its presence is the most recent', () => {
    const world = place.world();
    world.send(joins(phone, at));
    world.clear();
    world.send({ ...joins(laptop, at), payloads: [...joins(laptop, at).payloads, away] });
    for (const [who, where] of others)
      expect(shownOf(world, who, where, nick).map(([type]) => type)).toEqual(['available']);
    expect(shownOf(world, phone, room, nick)).toEqual([['available', 110]]);
    world.clear();
    world.send(leaves(laptop, at));
    for (const [who, where] of others) {
      const [back] = world.got(who).filter(({ from }) => from === `${where}/${nick}`);
      expect([back?.type, back?.payloads.some(({ name }) => name === 'show')]).toEqual([undefined, false]);
    }
  });

  it('each session gets every message, and the reflection of what the other one says', () => {
    const world = both();
    world.send(says(laptop, room, 'from the laptop'));
    world.send(says(phone, room, 'from the phone'));
    for (const who of [phone, laptop, ...others.map(([one]) => one)])
      expect([who, texts(world, who)]).toEqual([who, ['from the laptop', 'from the phone']]);
    const ids = world.got(phone).map((stanza) => readOccupantId(stanza.payloads));
    expect(new Set(ids).size).toBe(1);
  });

  it('§7.5: a private message to the nick reaches all of them', () => {
    const world = both();
    for (const [who, where] of others) world.send(tells(who, `${where}/${nick}`, `from ${who}`));
    const sent = others.map(([who]) => `from ${who}`);
    expect([texts(world, phone), texts(world, laptop)]).toEqual([sent, sent]);
  });

  it('one of them leaves: it gets its own unavailable, and nobody else hears of a leave', () => {
    const world = both();
    world.send(leaves(laptop, at));
    expect(shownOf(world, laptop, room, nick)).toEqual([['unavailable', 110]]);
    for (const shown of around(world)) expect(shown.filter(([type]) => type === 'unavailable')).toEqual([]);
    world.clear();
    world.send(says(phone, room, 'still here'));
    world.send(says(laptop, room, 'not any more'));
    for (const [who] of [[phone], ...others]) expect(texts(world, who as string)).toEqual(['still here']);
    world.clear();
    world.send(leaves(phone, at));
    expect(shownOf(world, phone, room, nick)).toEqual([['unavailable', 110]]);
    for (const shown of around(world)) expect(shown).toEqual([['unavailable']]);
  });

  it('the first of them leaves, and the second has all that it needs', () => {
    const world = both();
    world.send(leaves(phone, at));
    for (const shown of around(world)) expect(shown.filter(([type]) => type === 'unavailable')).toEqual([]);
    world.clear();
    world.send(says(laptop, room, 'still here'));
    for (const [who] of [[laptop], ...others]) expect(texts(world, who as string)).toEqual(['still here']);
    world.clear();
    world.send(leaves(laptop, at));
    for (const shown of around(world)) expect(shown).toEqual([['unavailable']]);
  });

  it('§7.2.18: a session whose stanzas bounce is out alone', () => {
    const world = both();
    world.send(says(phone, room, 'x'));
    const [copy] = world.got(laptop);
    world.clear();
    world.send(errorReply(copy as Stanza, stanzaError('cancel', 'service-unavailable')) as Stanza);
    for (const shown of around(world)) expect(shown.filter(([type]) => type === 'unavailable')).toEqual([]);
    world.clear();
    world.send(says(phone, room, 'still here'));
    expect([texts(world, phone), texts(world, laptop)]).toEqual([['still here'], []]);
  });

  it('a new session gets in while an old one lingers, and a session may join again', () => {
    const world = both();
    world.send(joins(laptop, at));
    expect(shownOf(world, laptop, room, nick)).toEqual([['available', 110]]);
    expect(around(world)).toEqual(nothing);
    world.clear();
    world.send(says(laptop, room, 'x'));
    for (const who of [phone, laptop]) expect(texts(world, who)).toEqual(['x']);
  });

  it('§7.6: all sessions change their nick with one, each told with 110', () => {
    const world = both();
    world.send(presence(jid(laptop), jid(`${room}/other`), {}));
    for (const who of [phone, laptop]) {
      expect([who, shownOf(world, who, room, nick)]).toEqual([who, [['unavailable', 303, 110]]]);
      expect([who, shownOf(world, who, room, 'other')]).toEqual([who, [['available', 110]]]);
    }
    for (const [who, where] of others) {
      expect(shownOf(world, who, where, nick)).toEqual([['unavailable', 303]]);
      expect(shownOf(world, who, where, 'other')).toEqual([['available']]);
    }
    world.clear();
    world.send(says(phone, room, 'x'));
    for (const who of [phone, laptop]) expect(texts(world, who)).toEqual(['x']);
  });

  it('§7.6: a user who is in under two nicks takes the other nick, and the two are one', () => {
    const world = place.world();
    world.send(joins(phone, at));
    world.send(joins(laptop, `${room}/other`));
    world.clear();
    world.send(presence(jid(laptop), jid(at), {}));
    expect(shownOf(world, laptop, room, 'other')).toEqual([['unavailable', 303, 110]]);
    expect(shownOf(world, laptop, room, nick)).toEqual([['available', 110]]);
    expect(errorOf(world.got(laptop)[0] as Stanza)).toBeUndefined();
    for (const [who, where] of others)
      expect(shownOf(world, who, where, 'other').map(([type]) => type)).toEqual(['unavailable']);
    world.clear();
    world.send(says(laptop, room, 'x'));
    for (const who of [phone, laptop, ...others.map(([one]) => one)])
      expect([who, texts(world, who)]).toEqual([who, ['x']]);
    world.clear();
    world.send(leaves(phone, at));
    for (const shown of around(world)) expect(shown.filter(([type]) => type === 'unavailable')).toEqual([]);
  });

  it('§17.4: an answer to an iq goes back to the session that asked', () => {
    const world = both();
    const [[other, where]] = others as [readonly [string, string]];
    const target =
      places.indexOf(place) === 1 ? `${room}/Wumpus` : `${room}/${place.seat === 'plain' ? 'secondwitch' : 'Hatter'}`;
    const answerer = places.indexOf(place) === 1 ? place.moderator[0] : other;
    expect(where).toBeDefined();
    for (const who of [phone, laptop]) {
      world.send(iq(jid(who), jid(target), { type: 'get', id: `asked by ${who}` }, el('query', 'jabber:iq:version')));
      const asked = world.got(answerer).findLast(({ name }) => name === 'iq') as Stanza;
      expect(asked.from).toBe(at);
      world.clear();
      world.send(iqResult(asked));
      const answers = [phone, laptop].map((one) => world.got(one).map(({ id, from }) => [id, from]));
      expect(answers).toEqual([phone, laptop].map((one) => (one === who ? [[`asked by ${who}`, target]] : [])));
      world.clear();
    }
  });

  it('XEP-0410: each session pings itself', () => {
    const world = both();
    for (const who of [phone, laptop]) {
      world.send(ping(jid(who), jid(at), 'p'));
      expect(world.got(who).map(({ type }) => type)).toEqual(['result']);
    }
    world.send(leaves(phone, at));
    world.clear();
    world.send(ping(jid(phone), jid(at), 'p'));
    expect(world.got(phone).map((stanza) => errorOf(stanza)?.condition)).toEqual(['not-acceptable']);
  });

  it('another user may not have the nick, nor may a third of 33 sessions', () => {
    const world = both();
    world.send(joins(phone.replace(/^[^@]*/, 'stranger'), at));
    const [answer] = world.got(phone.replace(/^[^@]*/, 'stranger'));
    expect(answer && errorOf(answer)?.condition).toBe('conflict');
    for (let i = 2; i < 32; i++) world.send(joins(`${phone}${i}`, at));
    world.clear();
    world.send(joins(`${phone}-more`, at));
    expect(world.got(`${phone}-more`).map((stanza) => errorOf(stanza)?.condition)).toEqual(['resource-constraint']);
  });
});

describe.each(places.filter(({ seat }) => seat !== 'FMUC'))('decision #140, moderation: $seat', (place) => {
  const { room, phone, laptop, nick, others, moderator } = place;
  const at = `${room}/${nick}`;
  function both(): World {
    const world = place.world();
    world.send(joins(phone, at));
    world.send(joins(laptop, at));
    world.clear();
    return world;
  }
  function administers(world: World, attrs: Record<string, string>): void {
    const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, attrs));
    world.send(iq(jid(moderator[0]), jid(room), { type: 'set', id: 'act' }, query));
  }

  it.each([
    ['§8.2 kick', { nick, role: 'none' }, 307],
    ['§9.1 ban', { jid: phone.split('/')[0] as string, affiliation: 'outcast' }, 301],
  ])('%s: all sessions are out, each told with 110, and the others once', (_what, attrs, code) => {
    const world = both();
    administers(world, attrs);
    for (const who of [phone, laptop])
      expect([who, shownOf(world, who, room, nick)]).toEqual([who, [['unavailable', code, 110]]]);
    for (const [who, where] of others) expect(shownOf(world, who, where, nick)).toEqual([['unavailable', code]]);
    world.clear();
    for (const who of [phone, laptop]) world.send(says(who, room, 'x'));
    for (const [who] of others) expect(texts(world, who)).toEqual([]);
  });

  it('§8.4 a role is that of the occupant: both sessions hear of it', () => {
    const world = both();
    administers(world, { nick, role: 'moderator' });
    for (const who of [phone, laptop]) expect(shownOf(world, who, room, nick)).toEqual([['available', 110]]);
  });

  it('a moderator is shown the JID of the session that is shown', () => {
    const world = both();
    const jids = () =>
      world
        .got(moderator[0])
        .filter(({ from }) => from === at)
        .map((stanza) => readMucUser(stanza.payloads)?.jid);
    world.send(presence(jid(phone), jid(at), {}, away));
    expect(jids()).toEqual([phone]);
    world.clear();
    world.send(leaves(phone, at));
    expect(jids()).toEqual([laptop]);
  });

  it('a room that is configured away from a session is still one occupant', () => {
    const world = both();
    const node = jid(place.seat === 'plain' ? 'conference.localhost' : 'channel.avalon.irc');
    const occupant = world.status(node).occupants.find((one) => one.nick === nick);
    expect(occupant?.sessions).toBe(2);
    expect(occupant?.sessionJids).toEqual([place.phone, place.laptop]);
  });

  it('snapshots keep the sessions', () => {
    const world = both();
    const node = jid(place.seat === 'plain' ? 'conference.localhost' : 'channel.avalon.irc');
    world.boot(node, world.crash(node));
    world.advance(120_000);
    world.clear();
    world.send(says(phone, room, 'x'));
    for (const who of [phone, laptop]) expect([who, texts(world, who)]).toEqual([who, ['x']]);
  });
});

describe('decision #140 and XEP-0282: a netjoin', () => {
  const replica = jid('replica@vesa.yeggmaex.irc');
  const { phone, laptop, nick } = efchen;
  const at = `${channel}/${nick}`;
  function both(): World {
    const world = wallopsWorld();
    world.send(joins(phone, at));
    world.send(joins(laptop, at));
    world.clear();
    return world;
  }
  const cut = (world: World, how: 'bounce' | undefined) => {
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', how);
    if (how) world.send(says(inWallops('Wumpus'), channel, 'finds out'));
    world.advance(121_000);
  };

  it.each([
    ['nothing happened', () => {}],
    ['the replica started anew', (world: World) => world.boot(replica, world.crash(replica))],
    [
      'the replica lost its log',
      (world: World) => {
        world.crash(replica);
        world.boot(replica);
      },
    ],
  ])('both sessions stay in where %s', (what, happens) => {
    const world = both();
    happens(world);
    world.advance(130_000);
    if (what.includes('lost')) for (const who of [phone, laptop]) world.send(joins(who, at));
    world.clear();
    world.send(says(phone, channel, 'x'));
    for (const who of [phone, laptop]) expect([who, texts(world, who)]).toEqual([who, ['x']]);
  });

  it('one session leaves while the replica is cut off, and only that one is out afterwards', () => {
    const world = both();
    cut(world, 'bounce');
    world.clear();
    world.send(leaves(laptop, at));
    expect(shownOf(world, laptop, channel, nick)).toEqual([['unavailable', 110]]);
    cut(world, undefined);
    for (const { jid: who } of wallops.occupants.filter((one) => one.nick !== nick))
      expect(shownOf(world, who, channel, nick).filter(([type]) => type === 'unavailable')).toEqual([]);
    world.clear();
    world.send(says(phone, channel, 'still here'));
    expect([texts(world, phone), texts(world, laptop)]).toEqual([['still here'], []]);
  });

  it('decision #43: one session joins past the replica that is down; each is served once', () => {
    const world = both();
    const log = world.crash(replica);
    world.send(says(inWallops('Wumpus'), channel, 'finds out'));
    world.inject(jid('channel.avalon.irc'), 'vesa.yeggmaex.irc', joins(laptop, at));
    world.boot(replica, log);
    world.advance(121_000);
    world.clear();
    world.send(says(inWallops('Wumpus'), channel, 'x'));
    for (const who of [phone, laptop]) expect([who, texts(world, who)]).toEqual([who, ['x']]);
    world.clear();
    world.send(leaves(phone, at));
    for (const { jid: who } of wallops.occupants.filter((one) => one.nick !== nick))
      expect(shownOf(world, who, channel, nick).filter(([type]) => type === 'unavailable')).toEqual([]);
  });
});

describe('decision #142: one of several sessions comes back under another nick while its replica is cut off', () => {
  const { phone, laptop, nick } = efchen;
  const around = wallops.occupants.filter((one) => one.nick !== nick).map(({ jid: who }) => who);
  const cut = (world: World, how: 'bounce' | undefined) => {
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', how);
    if (how) for (const who of ['Wumpus', 'Efchen']) world.send(says(inWallops(who), channel, 'finds out'));
    world.advance(121_000);
  };

  it('it parts from the others, who stay under the nick that they have', () => {
    const world = wallopsWorld();
    world.send(joins(phone, `${channel}/${nick}`));
    world.send(joins(laptop, `${channel}/${nick}`));
    const fields = ['policy', 'entry'].map((name) => ({
      var: `{${NS.ext}}dmuc_split_${name}`,
      values: [name === 'policy' ? 'local' : '1'],
    }));
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields });
    world.send(
      iq(jid(inWallops('Wumpus')), jid(channel), { type: 'set', id: 'conf' }, el('query', NS.mucOwner, {}, form)),
    );
    cut(world, 'bounce');
    world.send(leaves(laptop, `${channel}/${nick}`));
    world.send(joins(laptop, `${channel}/Other`));
    world.clear();
    cut(world, undefined);
    for (const who of [phone, laptop, ...around]) {
      expect([who, shownOf(world, who, channel, nick).filter(([type]) => type === 'unavailable')]).toEqual([who, []]);
      expect([who, shownOf(world, who, channel, 'Other').map(([type]) => type)]).toEqual([who, ['available']]);
    }
    world.clear();
    world.send(says(phone, channel, 'from the phone'));
    world.send(says(laptop, channel, 'from the laptop'));
    for (const who of [phone, laptop, ...around])
      expect([who, texts(world, who)]).toEqual([who, ['from the phone', 'from the laptop']]);
    const by = world.got(phone).flatMap(({ name, from }) => (name === 'message' ? [from] : []));
    expect(by).toEqual([`${channel}/${nick}`, `${channel}/Other`]);
  });
});

describe('decision #7: a replica that has no moderator any more', () => {
  it('forgets all JIDs of an occupant whose two nicks it saw become one', () => {
    const world = wallopsWorld();
    const [first, second] = ['ghost@avalon.irc/phone', 'ghost@avalon.irc/laptop'];
    world.send(joins(efchen.phone, `${channel}/Efchen`));
    world.send(joins(first, `${channel}/Ghost`));
    world.send(joins(second, `${channel}/Spook`));
    const role = (to: string) => {
      const item = el('item', NS.mucAdmin, { nick: 'Efchen', role: to });
      const query = el('query', NS.mucAdmin, {}, item);
      world.send(iq(jid(inWallops('Wumpus')), jid(channel), { type: 'set', id: to }, query));
    };
    const kept = () => JSON.stringify(world.seat(jid('replica@vesa.yeggmaex.irc')).node.snapshot());
    role('moderator');
    world.send(presence(jid(second), jid(`${channel}/Ghost`), {}));
    expect([kept().includes(first), kept().includes(second)]).toEqual([true, true]);
    role('participant');
    expect(kept()).not.toContain('ghost@avalon.irc');
  });
});

describe('decision #141: a user of another node', () => {
  it('is known by the session that entered first, also where two nicks of theirs became one', () => {
    const world = rabbitholeWorld();
    const [phone, laptop, tablet] = ['p', 'laptop', 'tablet'].map((resource) => `alice@wonderland.lit/${resource}`);
    const there = 'rabbithole@rooms.wonderland.lit';
    world.send(joins(phone as string, `${there}/Queen`));
    world.send(joins(laptop as string, `${there}/Queen`));
    world.send(joins(tablet as string, `${there}/Alice`));
    world.send(presence(jid(phone as string), jid(`${there}/Alice`), {}));
    const alice = () => world.status(jid('talk.denmark.lit')).occupants.find(({ nick }) => nick === 'Alice')?.jid;
    expect(alice()).toBe(tablet);
    world.send(leaves(tablet as string, `${there}/Alice`));
    expect(alice()).toBe(phone);
  });

  it('is one JID there; where the first session leaves, the same user has the JID of the next', () => {
    const world = rabbitholeWorld();
    for (const who of ['alice@wonderland.lit/p', 'alice@wonderland.lit/laptop'])
      world.send(joins(who, 'rabbithole@rooms.wonderland.lit/Alice'));
    const node = jid('talk.denmark.lit');
    const alice = () => world.status(node).occupants.find(({ nick }) => nick === 'Alice')?.jid;
    expect(alice()).toBe('alice@wonderland.lit/p');
    world.send(leaves('alice@wonderland.lit/p', 'rabbithole@rooms.wonderland.lit/Alice'));
    expect(alice()).toBe('alice@wonderland.lit/laptop');
    world.clear();
    world.send(tells('hamlet@denmark.lit/p', 'elsinore@talk.denmark.lit/Alice', 'psst'));
    expect(texts(world, 'alice@wonderland.lit/laptop')).toEqual(['psst']);
    world.send(
      message(
        jid('alice@wonderland.lit/laptop'),
        jid('rabbithole@rooms.wonderland.lit'),
        { type: 'groupchat' },
        el('body', NS.client, {}, 'hi'),
      ),
    );
    expect(texts(world, 'hamlet@denmark.lit/p')).toContain('hi');
  });
});
