import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../src/core/distribution/config.ts';
import { plain as plainProtocol } from '../../src/core/distribution/plain.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { RoomSnapshot } from '../../src/core/room/snapshot.ts';
import { RoomState } from '../../src/core/room/state.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { wallops, wonderland } from '../support/scenarios.ts';
import {
  administers,
  bare,
  conditionOf,
  coven,
  crone,
  enters,
  everySeat,
  hag,
  item,
  itemAt,
  listed,
  plainSeat,
  service,
} from '../support/seats.ts';
import { joins, says, World } from '../support/world.ts';

// Lists of affiliations and roles, in every kind of room: who is told what, and whom an item means.

describe.each(everySeat)('XEP-0045 §9.1, §9.2 Banning, %s', (_, seatWith) => {
  it('decision #103: reason and actor are told to the banned and the others, and are in the list', () => {
    const seat = seatWith();
    enters(seat);
    const { world, owner, user } = seat;
    administers(seat, owner, 'set', item({ affiliation: 'outcast', jid: bare(user) }, 'Treason'));
    for (const who of [user, owner]) {
      const [gone, ...more] = world.got(who).filter(({ name }) => name === 'presence');
      expect(itemAt(gone)).toMatchObject({ affiliation: 'outcast', role: 'none', actor: 'Owner', reason: 'Treason' });
      expect(itemAt(gone)?.statuses).toContain(301);
      expect(more).toEqual([]);
    }
    expect(listed(administers(seat, owner, 'get', item({ affiliation: 'outcast' })))).toContainEqual([
      { affiliation: 'outcast', jid: bare(user) },
      { nick: 'Owner', jid: bare(owner) },
      'Treason',
    ]);
    world.clear();
    world.send(joins(user, `${seat.room}/User`));
    expect([conditionOf(world.got(user)[0]), errorOf(world.got(user)[0] as Stanza)?.text]).toEqual([
      'forbidden',
      'you are banned from this room: Treason',
    ]);
  });

  it('decision #103: of one who is not in the moderators hear by a message with 301, and the banned by one with 101', () => {
    const seat = seatWith();
    enters(seat);
    const { world, owner } = seat;
    administers(seat, owner, 'set', item({ affiliation: 'outcast', jid: 'scroop@england.lit' }, 'Treason'));
    const notices = world.got(owner).filter(({ name }) => name === 'message');
    expect(notices.map(itemAt)).toMatchObject([
      { jid: 'scroop@england.lit', affiliation: 'outcast', actor: 'Owner', reason: 'Treason', statuses: [301] },
    ]);
    expect(world.got('scroop@england.lit').map(itemAt)).toMatchObject([
      { affiliation: 'outcast', actor: 'Owner', actorJid: undefined, reason: 'Treason', statuses: [101] },
    ]);
  });

  it('decision #103: a reason that is too long is refused, and nobody is banned', () => {
    const seat = seatWith();
    enters(seat);
    const { world, owner, user } = seat;
    const ban = (reason: string) =>
      administers(seat, owner, 'set', item({ affiliation: 'outcast', jid: bare(user) }, reason));
    const refused = ban('x'.repeat(1001));
    expect([conditionOf(refused), errorOf(refused)?.text]).toEqual([
      'not-acceptable',
      'a reason has at most 1000 characters',
    ]);
    expect(world.got(user)).toEqual([]);
    expect(conditionOf(ban('x'.repeat(1000)))).toBe('result');
  });

  it('decision #107: another reason replaces the first, and is told to nobody; the end of the ban ends it', () => {
    const seat = seatWith();
    enters(seat);
    const { world, owner } = seat;
    const scroop = { affiliation: 'outcast', jid: 'scroop@england.lit' };
    const reasons = () => {
      const list = listed(administers(seat, owner, 'get', item({ affiliation: 'outcast' })));
      return list
        .filter(([attrs]) => (attrs as XmlElement['attrs'])['jid'] === scroop.jid)
        .map(([, , reason]) => reason);
    };
    for (const [said, kept] of [
      ['Treason', 'Treason'],
      ['Worse', 'Worse'],
      [undefined, 'Worse'],
    ]) {
      administers(seat, owner, 'set', item(scroop, said));
      if (kept !== 'Treason') expect(world.got(owner).map(({ name }) => name)).toEqual(['iq']);
      expect(reasons()).toEqual([kept]);
    }
    administers(seat, owner, 'set', item({ ...scroop, affiliation: 'none' }));
    administers(seat, owner, 'set', item(scroop));
    expect(reasons()).toEqual([undefined]);
  });

  it('decision #102: the address of an occupant means the user; the room itself is nobody', () => {
    const seat = seatWith();
    enters(seat);
    const { world, room, owner, user } = seat;
    for (const address of [room, `${room}/nobody`])
      expect(conditionOf(administers(seat, owner, 'set', item({ affiliation: 'outcast', jid: address })))).toBe(
        'item-not-found',
      );
    const ban = administers(seat, owner, 'set', item({ affiliation: 'outcast', jid: `${room}/User` }));
    expect(conditionOf(ban)).toBe('result');
    expect(world.got(user).map((stanza) => itemAt(stanza)?.affiliation)).toEqual(['outcast']);
    const list = listed(administers(seat, owner, 'get', item({ affiliation: 'outcast' })));
    expect(list.map(([attrs]) => (attrs as XmlElement['attrs'])['jid'])).toContain(bare(user));
  });
});

describe.each(everySeat)('XEP-0045 §9.8 Modifying a list, %s', (_, seatWith) => {
  it('decision #107: what is so already is no refusal, and the rest is done', () => {
    const seat = seatWith();
    enters(seat);
    const { world, room, owner, user } = seat;
    const admin = 'admin@elsewhere.lit/x';
    administers(seat, owner, 'set', item({ affiliation: 'admin', jid: bare(admin) }));
    const roles = administers(
      seat,
      admin,
      'set',
      item({ nick: 'Owner', role: 'moderator' }),
      item({ nick: 'User', role: 'moderator' }),
    );
    expect(conditionOf(roles)).toBe('result');
    expect(
      world
        .got(user)
        .filter((stanza) => stanza.from === `${room}/User`)
        .map((one) => itemAt(one)?.role),
    ).toEqual(['moderator']);
    const affiliations = administers(
      seat,
      admin,
      'set',
      item({ affiliation: 'owner', jid: bare(owner) }),
      item({ affiliation: 'owner', jid: bare(owner), nick: 'Owner' }),
      item({ affiliation: 'admin', jid: bare(admin) }),
      item({ affiliation: 'member', jid: bare(user) }),
    );
    expect(conditionOf(affiliations)).toBe('result');
    const members = listed(administers(seat, admin, 'get', item({ affiliation: 'member' })));
    expect(members.map(([attrs]) => (attrs as XmlElement['attrs'])['jid'])).toContain(bare(user));
  });

  it('decision #107: a role that somebody has already is news to nobody', () => {
    const seat = seatWith();
    enters(seat);
    const { world, owner, user } = seat;
    expect(conditionOf(administers(seat, owner, 'set', item({ nick: 'User', role: 'participant' })))).toBe('result');
    expect(world.got(user)).toEqual([]);
    expect(world.got(owner).map(({ name }) => name)).toEqual(['iq']);
  });

  it('decision #107: whom one list kicks twice is out once', () => {
    const seat = seatWith();
    enters(seat);
    const { world, owner, user } = seat;
    const kick = item({ nick: 'User', role: 'none' });
    expect(conditionOf(administers(seat, owner, 'set', kick, kick))).toBe('result');
    expect(world.got(user).map(({ type }) => type)).toEqual(['unavailable']);
  });

  it('decision #107: a change beside it that may not be refuses all of it, as before', () => {
    const seat = seatWith();
    enters(seat);
    const { owner } = seat;
    const admin = 'admin@elsewhere.lit/x';
    administers(seat, owner, 'set', item({ affiliation: 'admin', jid: bare(admin) }));
    for (const items of [
      [item({ affiliation: 'owner', jid: bare(owner) }), item({ affiliation: 'admin', jid: 'x@y.lit' })],
      [item({ affiliation: 'owner', jid: bare(owner), nick: 'King' })],
      [item({ nick: 'Owner', role: 'participant' })],
    ])
      expect(conditionOf(administers(seat, admin, 'set', ...items))).toMatch(/^(forbidden|not-allowed)$/);
    // And who changes no lists at all is told so, whatever the list says.
    const own = [item({ nick: 'Owner', role: 'moderator' })];
    expect(conditionOf(administers(seat, 'nobody@elsewhere.lit/x', 'set', ...own))).toBe('forbidden');
  });
});

describe.each(everySeat)('XEP-0045 §7.2.1 and others: errors, %s', (_, seatWith) => {
  it('an error of the room says that it is the room’s', () => {
    const seat = seatWith({ moderated: true });
    enters(seat);
    const { world, room, user } = seat;
    const tries: Stanza[] = [
      says(user, room, 'without voice'),
      message(jid(user), room, { type: 'chat', id: 'x' }, el('body', NS.client, {}, 'what?')),
      message(jid(user), jid(`${room}/nobody`), { type: 'chat', id: 'x' }, el('body', NS.client, {}, 'psst')),
      presence(jid(user), jid(`${room}/Owner`), { id: 'x' }),
      iq(jid(user), room, { type: 'get', id: 'x' }, el('query', NS.mucOwner)),
      iq(jid(user), room, { type: 'get', id: 'x' }, el('query', 'unknown:query')),
      iq(jid(user), room, { type: 'get', id: 'x' }, el('query', NS.discoInfo, { node: 'unknown' })),
      iq(jid(user), room, { type: 'set', id: 'x' }, el('query', 'urn:xmpp:mam:2')),
      iq(jid(user), jid(`${room}/nobody`), { type: 'get', id: 'x' }, el('query', 'jabber:iq:version')),
    ];
    for (const stanza of tries) {
      world.clear();
      world.send(stanza);
      const errors = world.got(user).filter(({ type }) => type === 'error');
      expect([stanza, errors.map((one) => errorOf(one)?.by)]).toEqual([stanza, [room]]);
    }
  });
});

describe('XEP-0045 §7.8.2 Mediated Invitation', () => {
  it('decision #102: the address of an occupant means the user; the room is never invited, nor made a member', () => {
    const seat = plainSeat({ membersOnly: true });
    const { world, room, owner } = seat;
    world.send(joins(owner, `${room}/Owner`));
    const invites = (to: string) => {
      world.clear();
      world.send(message(jid(owner), room, { id: 'i' }, el('x', NS.mucUser, {}, el('invite', NS.mucUser, { to }))));
    };
    for (const to of [room, `${room}/nobody`]) {
      invites(to);
      expect([world.to(room).length, conditionOf(world.got(owner)[0])]).toEqual([1, 'item-not-found']);
    }
    invites(`${room}/Owner`);
    expect(payloadOf(world.got(bare(owner))[0] as Stanza, 'x', NS.mucUser)).toBeDefined();
  });
});

describe('XEP-0045 §9.1 who banned, where they are not in', () => {
  const absent = (whois: 'anyone' | 'moderators') => {
    const seat = plainSeat({ whois });
    seat.world.send(joins(hag, `${coven}/User`));
    administers(seat, crone, 'set', item({ affiliation: 'outcast', jid: bare(hag) }, 'Treason'));
    return itemAt(seat.world.got(hag)[0]);
  };
  it('decision #103: by the bare JID where everybody sees JIDs, and else not at all', () => {
    expect(absent('anyone')).toMatchObject({ actor: undefined, actorJid: bare(crone), reason: 'Treason' });
    expect(absent('moderators')).toMatchObject({ actor: undefined, actorJid: undefined, reason: 'Treason' });
  });
  it('decision #103: by the nick that they have from another client', () => {
    const seat = plainSeat();
    enters(seat);
    administers(seat, 'crone1@localhost/phone', 'set', item({ affiliation: 'outcast', jid: bare(hag) }));
    expect(itemAt(seat.world.got(hag)[0])?.actor).toBe('Owner');
  });
});

describe('XEP-0289 §5.4, §5.5 a ban across nodes', () => {
  it('decision #103: users of the other node are told who did it, and why', () => {
    const world = new World(wonderland);
    const room = jid('rabbithole@rooms.wonderland.lit');
    const [alice, hatter, hamlet] = [
      'alice@wonderland.lit/x',
      'hatter@wonderland.lit/x',
      'hamlet@denmark.lit/x',
    ] as const;
    world.send(joins(alice, `${room}/Alice`));
    world.send(joins(hatter, `${room}/Hatter`));
    world.send(joins(hamlet, 'elsinore@talk.denmark.lit/Hamlet'));
    administers({ world, room }, alice, 'set', item({ affiliation: 'outcast', jid: bare(hatter) }, 'no tea'));
    expect(world.got(hamlet).map(itemAt)).toMatchObject([
      { affiliation: 'outcast', role: 'none', actor: 'Alice', reason: 'no tea', statuses: [301] },
    ]);
  });
});

describe('XEP-0045 in a room that XEP-0282 distributes', () => {
  const eris = jid('replica@eris.dclxvii.irc');
  const troy = wallops.occupants.find(({ nick }) => nick === 'Troy')?.jid as string;

  it('decision #103, #53: a replica that was away hears why somebody was banned', () => {
    const world = new World(wallops);
    const room = jid('wallops@channel.avalon.irc');
    const owner = 'argl@killrc.oulubox.irc/x';
    world.send(joins(troy, `${room}/Troy`));
    world.send(joins(owner, `${room}/Wumpus`));
    const log = world.crash(eris);
    administers(
      { world, room },
      owner,
      'set',
      item({ affiliation: 'outcast', jid: 'absent@killrc.oulubox.irc' }, 'Treason'),
    );
    world.clear();
    world.boot(eris, log);
    const notices = world.got(troy).filter(({ name }) => name === 'message');
    expect(notices.map(itemAt)).toMatchObject([
      {
        jid: 'absent@killrc.oulubox.irc',
        actor: 'Wumpus',
        actorJid: 'argl@killrc.oulubox.irc',
        reason: 'Treason',
        statuses: [301],
      },
    ]);
  });
});

describe('Logs and snapshots of before', () => {
  it('a ban without a reason, and a limit of no occupants at all, are read', () => {
    const state = new RoomState(plainRoomConfig(coven), plainProtocol.traits);
    state.apply({ kind: 'roomCreated', room: coven, epoch: 1 });
    state.apply({
      kind: 'affiliationChanged',
      room: coven,
      n: 1,
      user: jid('scroop@localhost'),
      affiliation: 'outcast',
    });
    state.apply({ kind: 'roomConfigured', room: coven, n: 2, changes: { maxOccupants: 0 } });
    expect([...state.bans]).toEqual([]);
    expect(state.config).toMatchObject({ maxOccupants: 'none', historyDefault: 200, membersOnlyRegistration: false });
    const { bans: _, ...before } = state.snapshot();
    const restored = new RoomState(plainRoomConfig(coven), plainProtocol.traits);
    restored.restore(before as RoomSnapshot);
    expect([restored.affiliationOf(jid('scroop@localhost/r')), restored.bans.size]).toEqual(['outcast', 0]);
  });

  it('the reason of a ban outlives a restart, by the log and by a snapshot', () => {
    const seat = plainSeat();
    administers(seat, crone, 'set', item({ affiliation: 'outcast', jid: bare(hag) }, 'Treason'));
    const snapshot = seat.world.seat(service).node.snapshot();
    const log = seat.world.crash(service);
    seat.world.boot(service, log);
    const list = listed(administers(seat, crone, 'get', item({ affiliation: 'outcast' })));
    expect(list.map(([, , reason]) => reason)).toEqual(['Treason']);
    const node = createMucNode({
      kind: 'service',
      address: service,
      server: jid('localhost'),
      openCreation: false,
      admins: [],
      rooms: [plainRoomConfig(coven)],
    });
    node.restore(structuredClone(snapshot));
    expect(node.snapshot()).toEqual(snapshot);
  });
});
