import { describe, expect, it } from 'vitest';
import { readElsewhere, readTrail, writeLinkPlace } from '../../src/core/xep/fmuc-sync.ts';
import { writeStamp } from '../../src/core/xep/xep0082.ts';
import { readStanzaId } from '../../src/core/xep/xep0359.ts';
import { type Jid, jid, resourceOf } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, payloadOf } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import {
  between,
  far,
  hall,
  inside,
  left,
  near,
  node,
  origin,
  Peer,
  right,
  roomOf,
  shown,
  user,
} from '../support/fmuc-peer.ts';
import { joins, leaves, says, type World } from '../support/world.ts';

// XEP-0289 in rings (decisions #145 and #146), as one node of a ring sees it: the two others are played by the test.

describe('decision #145: a user who is reached by two ways', () => {
  it('a user of an answer who comes by another way before it ends is one user, and nobody’s nick is in conflict', () => {
    const { world, one, other } = between();
    other.lists(far, 'Far');
    one.lists(far, 'Far');
    one.endsAnswer();
    world.clear();
    other.endsAnswer();
    expect(world.sent.filter(({ stanza }) => stanza.type === 'error' || stanza.type === 'unavailable')).toEqual([]);
    expect(world.status(node).occupants.map(({ nick, home }) => [nick, home])).toEqual([
      ['Far', left],
      ['me', undefined],
    ]);
  });
});

describe('decision #145: users of an answer whom this room knows by another way, by older nicks', () => {
  /** Far is in by the left room. It joins the right one, which has news of them. */
  function known() {
    const { world, one, other } = between();
    one.listsAs(far, 'Far', 1);
    one.endsAnswer();
    return { world, other };
  }

  it('a nick that one has given up, and another has now, is the other’s, and both are in', () => {
    const { world, other } = known();
    other.listsAs(near, 'Far', 4);
    other.listsAs(far, 'Farther', 3);
    other.endsAnswer();
    expect(inside(world)).toContainEqual(['Far', right]);
    expect(inside(world).map(([nick]) => nick)).toEqual(expect.arrayContaining(['Far', 'Farther', 'me']));
  });

  it('a nick that one session has given up, and another of the same user has now, is the other’s, and both are in', () => {
    const { world, other } = known();
    other.listsAs(jid('far@origin.lit/tablet'), 'Far', 4);
    other.listsAs(far, 'Farther', 3);
    other.endsAnswer();
    expect(inside(world).map(([nick]) => nick)).toEqual(expect.arrayContaining(['Far', 'Farther', 'me']));
  });

  it('two that have changed their nicks with each other are in, each under the other’s', () => {
    const { world, one, other } = between();
    one.listsAs(far, 'Far', 1);
    one.listsAs(near, 'Near', 2);
    one.endsAnswer();
    other.listsAs(near, 'Far', 4);
    other.listsAs(far, 'Near', 3);
    other.endsAnswer();
    const users = world.status(node).occupants.map(({ nick, jid: session }) => [nick, session]);
    expect(users).toEqual(
      expect.arrayContaining([
        ['Far', near],
        ['Near', far],
      ]),
    );
  });
});

describe('decision #145: what a user does whose own node is linked with neither way', () => {
  it.each(['first', 'second'])('counts from the %s way, if it comes by that one first', (which) => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    one.tells(far, 'Far', 'enters');
    other.tells(far, 'Far', 'enters');
    world.clear();
    const [quicker, slower] = which === 'first' ? [one, other] : [other, one];
    quicker.tells(far, 'Far', 'leaves', 'unavailable');
    expect(shown(world)).toEqual(['unavailable Far']);
    slower.tells(far, 'Far', 'leaves', 'unavailable');
    expect(shown(world)).toEqual(['unavailable Far']);
  });
});

describe('decision #148: the ways to one user', () => {
  /** Both links are there; nobody else is in. */
  function linked() {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    world.clear();
    return { world, one, other };
  }

  it('a user whose way is lost is then as the other way shows them, and nobody sees them leave', () => {
    const { world, one, other } = between();
    one.lists(far, 'Far');
    one.endsAnswer();
    // The link with the first is silent: of the change of nick only the second has heard.
    other.lists(far, 'Near');
    other.endsAnswer();
    expect(inside(world)).toContainEqual(['Far', left]);
    world.clear();
    one.ends();
    expect(inside(world)).toContainEqual(['Near', right]);
    expect(shown(world)).toEqual(['unavailable Far', 'available Near']);
  });

  it('a user who was lost with a link comes back when the slower way has brought them', () => {
    const { world, one, other } = linked();
    one.tells(far, 'Far', 'enters');
    one.ends();
    expect(shown(world)).toEqual(['available Far', 'unavailable Far']);
    world.clear();
    other.tells(far, 'Far', 'enters');
    expect(shown(world)).toEqual(['available Far']);
    expect(inside(world)).toContainEqual(['Far', right]);
  });

  it('a user who was lost with a link comes back by a node that has not heard the last of them', () => {
    const { world, one, other } = linked();
    one.tells(far, 'Far', 'enters', undefined, 1);
    one.tells(far, 'Far', 'is away', undefined, 2);
    one.ends();
    world.clear();
    other.tells(far, 'Far', 'enters', undefined, 1);
    expect(shown(world)).toEqual(['available Far']);
    expect(inside(world)).toContainEqual(['Far', right]);
  });

  it('a user who has left does not come back by the slower way', () => {
    const { world, one, other } = linked();
    one.tells(far, 'Far', 'enters');
    one.tells(far, 'Far', 'leaves', 'unavailable');
    other.tells(far, 'Far', 'enters');
    other.tells(far, 'Far', 'leaves', 'unavailable');
    expect(shown(world)).toEqual(['available Far', 'unavailable Far']);
  });

  it('a user who takes a nick that another of the same node has given up is in no collision with them', () => {
    const { world, one, other } = linked();
    one.tells(far, 'Nick', 'enters');
    other.tells(far, 'Nick', 'enters');
    world.clear();
    // Of the two that say so, the second is the one that the first user is not reached by.
    other.tells(near, 'Nick', 'enters too');
    expect(world.sent.filter(({ stanza }) => stanza.type === 'error')).toEqual([]);
    expect(world.status(node).occupants.map(({ nick, jid }) => [nick, jid])).toContainEqual(['Nick', near]);
  });

  it('a node that passes on what the own node of a user says, too, is not said to speak for somebody unknown', () => {
    const { world, one: own, other } = between(origin, right);
    other.lists(near, 'Near');
    for (const peer of [own, other]) peer.endsAnswer();
    own.brings(near, 'Near');
    world.clear();
    other.says(near, 'Near', 'hello', 1);
    own.says(near, 'Near', 'hello', 1);
    expect(world.got(user).map(bodyOf)).toEqual(['hello']);
    expect(world.notes.filter(({ spec }) => spec === '0289#7')).toEqual([]);
    other.says(far, 'Far', 'who?', 2);
    expect(world.notes.filter(({ spec }) => spec === '0289#7')).toHaveLength(1);
  });

  it('nodes that have had a way by this room learn that it is another', () => {
    const { world, one, other } = between();
    one.lists(far, 'Far');
    one.endsAnswer();
    other.lists(far, 'Far');
    other.endsAnswer();
    world.clear();
    one.ends();
    const told = world.to(right).filter(({ name, type }) => name === 'presence' && type === 'unavailable');
    expect(told.map(({ payloads }) => readElsewhere(payloads))).toEqual(['now']);
  });
});

describe('decision #163: the order of what one user does', () => {
  it('what comes by a slower way after a later message is shown with delay, and each once', () => {
    const { world, one, other } = between();
    one.lists(far, 'Far');
    one.endsAnswer();
    other.lists(far, 'Far');
    other.endsAnswer();
    world.clear();
    other.says(far, 'Far', 'second', 2);
    one.says(far, 'Far', 'first', 1);
    one.says(far, 'Far', 'second', 2);
    one.says(far, 'Far', 'third', 3);
    const heard = world.got(user).map((stanza) => [bodyOf(stanza), payloadOf(stanza, 'delay', NS.delay) !== undefined]);
    expect(heard).toEqual([
      ['second', false],
      ['first', true],
      ['third', false],
    ]);
  });

  it('so is what was said before a start of their node, though they had said nothing here before that', () => {
    const { world, one, other } = between();
    one.lists(far, 'Far');
    one.endsAnswer();
    other.lists(far, 'Far');
    other.endsAnswer();
    world.clear();
    one.says(far, 'Far', 'after the start', 1, 'second', 'first');
    other.says(far, 'Far', 'before the start', 2, 'first');
    other.says(far, 'Far', 'after the start', 1, 'second', 'first');
    one.says(far, 'Far', 'and more', 2, 'second', 'first');
    const heard = world.got(user).map((stanza) => [bodyOf(stanza), payloadOf(stanza, 'delay', NS.delay) !== undefined]);
    expect(heard).toEqual([
      ['after the start', false],
      ['before the start', true],
      ['and more', false],
    ]);
  });

  it('whoever heard the author before the start of their node and after it says so to the next one', () => {
    const { one, other } = between();
    one.lists(far, 'Far');
    one.endsAnswer();
    other.endsAnswer();
    one.says(far, 'Far', 'before the start', 2, 'first');
    one.says(far, 'Far', 'after the start', 1, 'second');
    const orders = other
      .got()
      .filter((stanza) => bodyOf(stanza) !== undefined)
      .map((stanza) => readTrail(payloadOf(stanza, 'fmuc', NS.fmuc), hall)?.order);
    expect(orders).toEqual([
      { run: 'first', n: 2 },
      { run: 'second', n: 1, before: 'first' },
    ]);
  });
});

describe('decision #166: the way of what one user says to another alone', () => {
  it('it comes by a node that has not brought in its author, and is read', () => {
    const { world, one, other } = between();
    one.lists(far, 'Far', jid('hall@rooms.middle.lit'));
    one.endsAnswer();
    other.endsAnswer();
    world.clear();
    other.writes(far, 'Far', 'me', 'psst');
    expect(world.got(user).map((stanza) => [stanza.from, stanza.type, bodyOf(stanza)])).toEqual([
      [`${hall}/Far`, 'chat', 'psst'],
    ]);
  });

  it('in the name of a user whose own node is linked with this one nobody else writes', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    const own = jid('own@left.lit/x');
    one.brings(own, 'Own');
    expect(inside(world)).toContainEqual(['Own', left]);
    world.clear();
    other.writes(own, 'Own', 'me', 'psst');
    expect(world.got(user)).toEqual([]);
  });
});

describe('decision #165: how far a user has come whose node has started again', () => {
  it('in the answer to a join, too, their node says how far they have come since', () => {
    const world = roomOf({ outbound: [], allowedNodes: [left] });
    world.send(joins(user, `${hall}/me`));
    world.boot(node, world.crash(node));
    const peer = new Peer(world, left);
    peer.joins(jid('own@left.lit/x'), 'Own');
    const [told] = peer.got().filter(({ from, name }) => name === 'presence' && resourceOf(from) === 'me');
    expect(readTrail(told && payloadOf(told, 'fmuc', NS.fmuc), hall)?.order?.n).toBe(1);
  });
});

describe('decision #167: the order of what one user says, after a start of this node', () => {
  it('what comes by a slower way after a message from before the start is shown with delay', () => {
    const { world, one, other } = between();
    one.lists(far, 'Far');
    one.endsAnswer();
    other.endsAnswer();
    one.says(far, 'Far', 'second', 2);
    world.boot(node, world.crash(node));
    one.takesRequest();
    other.takesRequest();
    one.endsAnswer();
    other.lists(far, 'Far');
    other.endsAnswer();
    world.clear();
    other.says(far, 'Far', 'first', 1);
    other.says(far, 'Far', 'third', 3);
    const heard = world.got(user).map((stanza) => [bodyOf(stanza), payloadOf(stanza, 'delay', NS.delay) !== undefined]);
    expect(heard).toEqual([
      ['first', true],
      ['third', false],
    ]);
  });
});

describe('decision #168: one old message under two identities', () => {
  it('is shown once; another message of the author with the same words is another', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    world.clear();
    one.tellsOf(far, 'Far', 'psst', 'said', 'first');
    other.tellsOf(far, 'Far', 'psst', 'said', 'second');
    other.tellsOf(far, 'Far', 'psst', 'said again', 'third');
    const ids = world.got(user).map(({ id, payloads }) => [id, readStanzaId(payloads)?.id]);
    expect(ids).toEqual([
      ['said', 'first'],
      ['said again', 'third'],
    ]);
  });
});

describe('decision #148: a user of another node in whose name this one joins a third', () => {
  it('if they are lost before the answer has come, that one learns that this room is no way to them, and not that they left', () => {
    const world = roomOf({ outbound: [right], allowedNodes: [left] });
    const [one, other] = [new Peer(world, left), new Peer(world, right)];
    const own = jid('own@left.lit/x');
    one.joins(own, 'Own');
    world.send(joins(user, `${hall}/me`));
    other.takesRequest();
    one.isNoWayTo(own, 'Own');
    world.clear();
    other.endsAnswer();
    const [told] = other.got().filter(({ from, type }) => type === 'unavailable' && resourceOf(from) === 'Own');
    expect(told && readElsewhere(told.payloads)).toBe('now');
  });
});

describe('decision #169: a conflict between the users of two rooms that this one joins', () => {
  it('where the winner does not come here, the other one stays, and what they say does not go to the room that says so', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    one.tells(far, 'Far', 'enters');
    other.refuses(far, 'Far');
    expect(inside(world)).toContainEqual(['Far', left]);
    world.clear();
    one.says(far, 'Far', 'first', 1);
    expect(world.got(user).map(bodyOf)).toEqual(['first']);
    expect(other.got().map(bodyOf)).toEqual([]);
  });

  it('whose nick somebody has there who is banned here stays, is told so once, and says nothing to that room', () => {
    const winner = 'winner@left.lit/x';
    const world = roomOf({ outbound: [], allowedNodes: [left] }, [{ jid: 'winner@left.lit', affiliation: 'outcast' }]);
    const peer = new Peer(world, left);
    world.send(joins(user, `${hall}/Nick`));
    peer.joins(jid('other@left.lit/x'), 'Other');
    world.clear();
    peer.brings(jid(winner), 'Nick');
    peer.brings(jid(winner), 'Nick');
    const told = peer.got().filter(({ type }) => type === 'error');
    expect(told.map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden', 'forbidden']);
    expect(world.got(user).map(bodyOf).filter(Boolean)).toHaveLength(1);
    expect(inside(world)).toContainEqual(['Nick', undefined]);
    world.clear();
    world.send(says(user, hall, 'hello'));
    expect(world.got(user).map(bodyOf)).toEqual(['hello']);
    expect(peer.got().map(bodyOf)).toEqual([]);
  });
});

describe('decision #23: a room between one that it joins and one that joins it', () => {
  it('a user of the one that joins it loses their nick to a user of the other: their own node is told', () => {
    const world = roomOf({ outbound: [left], allowedNodes: [right] });
    const [above, below] = [new Peer(world, left), new Peer(world, right)];
    const loser = 'loser@right.lit/x';
    below.joins(jid(loser), 'Nick');
    world.send(joins(user, `${hall}/me`));
    above.takesRequest();
    above.endsAnswer();
    world.clear();
    above.brings(jid('winner@left.lit/x'), 'Nick');
    const told = below.got().filter(({ type }) => type === 'error');
    expect(told.map((stanza) => [resourceOf(stanza.from), errorOf(stanza)?.condition])).toEqual([['Nick', 'conflict']]);
    expect(told[0] && payloadOf(told[0], 'fmuc', NS.fmuc)?.attrs['from']).toBe(loser);
    expect(inside(world)).toContainEqual(['Nick', left]);
    expect(shown(world)).toEqual(['unavailable Nick', 'available Nick']);
  });
});

describe('decision #156: the user in whose name a room asks is not let in there', () => {
  it.each([
    ['the request that is open: the room is asked in nobody’s name, and the user enters alone', undefined, ['me']],
    ['an earlier request: the user goes on waiting', 'earlier', []],
  ])('the answer to %s', (_, session, entered) => {
    const world = roomOf({ outbound: [left], allowedNodes: [] });
    world.send(joins(user, `${hall}/me`));
    const peer = new Peer(world, left);
    peer.takesRequest();
    peer.turnsAway(user, 'me', session);
    expect(inside(world).map(([nick]) => nick)).toEqual(entered);
  });
});

describe('decisions #156 and #148: this room leaves another that lets in none of its users', () => {
  it('who is reached by a third room, too, stays, and is heard', () => {
    const { world, one, other } = between();
    for (const peer of [one, other]) {
      peer.lists(far, 'Far');
      peer.endsAnswer();
    }
    one.lists(near, 'Near');
    world.clear();
    one.turnsAway(user, 'me');
    expect(inside(world)).toEqual([
      ['Far', right],
      ['me', undefined],
    ]);
    other.says(far, 'Far', 'still here', 1);
    expect(world.got(user).flatMap((stanza) => bodyOf(stanza) ?? [])).toContain('still here');
  });
});

describe('decision #158: the rank of users of other nodes', () => {
  it('follows this room’s lists, also where the role stays the same', () => {
    const world = roomOf({ outbound: [], allowedNodes: [left] }, [{ jid: 'user@here.lit', affiliation: 'owner' }]);
    const peer = new Peer(world, left);
    world.send(joins(user, `${hall}/me`));
    peer.joins(jid('guest@left.lit/x'), 'Guest');
    const rank = () => {
      const guest = world
        .seat(node)
        .node.snapshot()
        .rooms[0]?.occupants.find(({ nick }) => nick === 'Guest');
      return guest && [guest.affiliation, guest.role];
    };
    expect(rank()).toEqual(['none', 'participant']);
    const item = el('item', NS.mucAdmin, { jid: 'guest@left.lit', affiliation: 'member' });
    world.send(iq(jid(user), hall, { type: 'set', id: 'a' }, el('query', NS.mucAdmin, {}, item)));
    expect(rank()).toEqual(['member', 'participant']);
  });
});

describe('XEP-0421 §3.1: two rooms answer at the same time', () => {
  it('a user whom both name has one occupant id, also if the first of them loses its way to them', () => {
    const { world, one, other } = between();
    const inRoom = () =>
      world
        .seat(node)
        .node.snapshot()
        .rooms[0]?.occupants.find(({ nick }) => nick === 'Far');
    one.lists(far, 'Far');
    other.lists(far, 'Far');
    one.endsAnswer();
    const first = inRoom()?.occupantId;
    one.isNoWayTo(far, 'Far');
    expect(inRoom()).toBeUndefined();
    other.endsAnswer();
    expect(first).toBeDefined();
    expect(inRoom()?.occupantId).toBe(first);
  });
});

describe('decision #163: presence that is late', () => {
  it('a user who left and came again is in, though the slower way tells of the leave only now', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    world.clear();
    one.tells(far, 'Far', 'enters again', undefined, 3);
    other.tells(far, 'Far', 'leaves', 'unavailable', 2);
    expect(shown(world)).toEqual(['available Far']);
    one.tells(far, 'Far', 'leaves again', 'unavailable', 4);
    other.tells(far, 'Far', 'enters again', undefined, 3);
    expect(shown(world)).toEqual(['available Far', 'unavailable Far']);
  });

  it('nor does such a leave count where the slower way had brought them in before', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    one.tells(far, 'Far', 'enters', undefined, 1);
    other.tells(far, 'Far', 'enters', undefined, 1);
    world.clear();
    one.tells(far, 'Far', 'enters again', undefined, 3);
    other.tells(far, 'Far', 'leaves', 'unavailable', 2);
    expect(shown(world)).not.toContain('unavailable Far');
    expect(inside(world)).toContainEqual(['Far', left]);
  });
});

describe('decision #174: what a node on the way may forge', () => {
  /** Far is in by the left room, and the right one says so, too. */
  const twoWays = (scope: Readonly<Record<Jid, readonly string[]>>) => {
    const world = roomOf({ outbound: [], allowedNodes: [left, right], trust: { scope } });
    world.send(joins(user, `${hall}/me`));
    const [honest, other] = [new Peer(world, left), new Peer(world, right)];
    honest.joins(jid('near@left.lit/x'), 'Near');
    other.joins(jid('new@right.lit/x'), 'New');
    honest.tells(far, 'Far', 'far comes');
    other.tells(far, 'Far', 'far comes');
    other.says(far, 'Far', 'never said', 1);
    honest.says(far, 'Far', 'said', 2);
    return { world, other, said: () => world.got(user).flatMap((stanza) => bodyOf(stanza) ?? []) };
  };

  it('a peer that claims to be a way to a user is believed as the others are', () => {
    const { world, other, said } = twoWays({});
    expect(said()).toEqual(['never said', 'said']);
    other.tells(far, 'Far', 'far leaves', 'unavailable');
    expect(inside(world)).not.toContainEqual(['Far', left]);
  });

  it('what is to have been said by a user whose node others reach, and it does not, is not taken from it', () => {
    const world = roomOf({ outbound: [], allowedNodes: [left, right] });
    world.send(joins(user, `${hall}/me`));
    const [honest, other] = [new Peer(world, left), new Peer(world, right)];
    other.joins(jid('new@right.lit/x'), 'New');
    other.tellsOf(far, 'Far', 'of before', 'own 1', 'one');
    honest.joins(jid('near@left.lit/x'), 'Near');
    honest.tells(near, 'Nearer', 'near comes');
    other.tellsOf(far, 'Far', 'never said', 'own 2', 'two');
    honest.tellsOf(far, 'Far', 'said', 'own 3', 'three');
    expect(world.got(user).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['of before', 'said']);
  });

  it('nor of a user whose own node is linked with this one', () => {
    const world = roomOf({ outbound: [], allowedNodes: [origin, right] });
    world.send(joins(user, `${hall}/me`));
    const [own, other] = [new Peer(world, origin), new Peer(world, right)];
    other.joins(jid('new@right.lit/x'), 'New');
    own.joins(near, 'Near');
    other.tellsOf(far, 'Far', 'never said', 'own 1', 'one');
    own.tellsOf(far, 'Far', 'said', 'own 2', 'two');
    expect(world.got(user).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['said']);
  });

  it('nor of a user whose own node is linked with this one and has nobody in', () => {
    const { world, one: own, other } = between(origin, right);
    for (const peer of [own, other]) peer.endsAnswer();
    other.tellsOf(near, 'Near', 'never said', 'own 1', 'one');
    own.tellsOf(near, 'Near', 'said', 'own 2', 'two');
    expect(world.got(user).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['said']);
  });

  it('one whose scope is its own domain brings in its own users, and nothing of others is taken from it', () => {
    const { world, other, said } = twoWays({ [right]: ['right.lit'] });
    expect(said()).toEqual(['said']);
    other.tells(far, 'Far', 'far leaves', 'unavailable');
    expect(inside(world)).toContainEqual(['Far', left]);
    expect(inside(world)).toContainEqual(['New', right]);
  });
});

describe('decision #160: a join that is to stand off', () => {
  it('costs no more than a presence: the same node may join at once in the name of somebody who is not here', () => {
    const world = roomOf({ outbound: [], allowedNodes: [left, right] });
    world.send(joins(user, `${hall}/me`));
    const first = new Peer(world, left);
    first.joins(jid('near@left.lit/x'), 'Near');
    first.tells(far, 'Far', 'far comes');
    for (let n = 0; n < 40; n++) new Peer(world, right).joins(far, 'Far', origin);
    expect(inside(world)).not.toContainEqual(['Far', right]);
    new Peer(world, right).joins(jid('new@right.lit/x'), 'New');
    expect(inside(world)).toContainEqual(['New', right]);
  });
});

describe('decision #146: the link that closes a ring', () => {
  const also = 'also@here.lit/x';
  const isEnded = (world: World, room: Jid) =>
    world.to(room).some((stanza) => payloadOf(stanza, 'fmuc', NS.fmuc)?.children.some((one) => isLoopMark(one)));
  const isLoopMark = (one: XmlElement | string) => typeof one !== 'string' && one.name === 'loop';

  /** The other end sorts first, so this one ends the link. */
  function ring() {
    const first = jid('hall@rooms.a.lit');
    const world = roomOf({ outbound: [first, right], allowedNodes: [] });
    world.send(joins(user, `${hall}/me`));
    const [one, other] = [new Peer(world, first), new Peer(world, right)];
    one.takesRequest();
    other.takesRequest();
    one.endsAnswer();
    other.endsAnswer();
    world.clear();
    return { world, one, other, first };
  }

  it('the end that may end it does so when the other can do without it', () => {
    const { world, one, first } = ring();
    one.offers(1);
    expect(isEnded(world, first)).toBe(true);
  });

  it('who has come since the other end said so is not lost with it: the link stays', () => {
    const { world, one, first } = ring();
    world.send(joins(also, `${hall}/also`));
    one.offers(1);
    expect(isEnded(world, first)).toBe(false);
    one.offers(2);
    expect(isEnded(world, first)).toBe(true);
  });

  it('the end that may say so says it three times, and leaves it where the other end does not answer', () => {
    const { world, one, other, first } = ring();
    for (const peer of [one, other]) peer.brings(jid('their@a.lit/x'), 'Their', first);
    world.clear();
    world.advance(60_000);
    const said = other
      .got()
      .filter(({ payloads }) =>
        payloads.some(({ children }) => children.some((child) => typeof child !== 'string' && child.name === 'spare')),
      );
    expect(said).toHaveLength(3);
  });
});

describe('decision #181: of two subjects the newer one counts', () => {
  it('one that comes again is the same change: the time that is known stands, whatever the other room’s clock says', () => {
    const { world, one } = between();
    const at = () =>
      world
        .seat(node)
        .node.snapshot()
        .rooms.map(({ subject }) => [subject?.text, subject?.at]);
    one.endsAnswerWith('croquet', '1990-01-01T00:00:00Z');
    const first = at();
    expect(first).toEqual([['croquet', Date.parse('1990-01-01T00:00:00Z')]]);
    one.ends();
    one.takesRequest();
    one.endsAnswerWith('croquet', '1990-01-01T00:29:00Z');
    expect(at()).toEqual(first);
  });
});

describe('decision #164: a time of another clock', () => {
  it('a subject of before was set as long ago as the clock says that it is of', () => {
    for (const there of ['1990-01-01T00:10:00Z', '2090-01-01T00:10:00Z']) {
      const { world, one } = between();
      const now = instant(Date.parse(there));
      one.endsAnswerWith('croquet', there.replace('00:10', '00:09'), now);
      const [room] = world.seat(node).node.snapshot().rooms;
      expect([room?.subject?.text, room?.subject?.at]).toEqual(['croquet', world.now - 60_000]);
    }
  });

  it('clocks that differ by less than a stanza may be under way are the same', () => {
    const { world, one } = between();
    const now = instant(world.now - 100_000);
    one.endsAnswerWith('croquet', writeStamp(instant(now - 60_000)), now);
    const [room] = world.seat(node).node.snapshot().rooms;
    expect(room?.subject?.at).toBe(now - 60_000);
  });
});

describe('decision #147: two rooms that have each let the other join', () => {
  it('a ping of a link that is not this one is answered as one of no link', () => {
    const { world, one } = between();
    one.endsAnswer();
    world.clear();
    const position = writeLinkPlace({ session: 'another', n: 1 });
    world.inject(node, 'rooms.left.lit', iq(left, hall, { type: 'get', id: 'p1' }, el('ping', NS.ping, {}, position)));
    expect(world.to(left).map((stanza) => [stanza.id, errorOf(stanza)?.condition])).toEqual([['p1', 'not-acceptable']]);
  });
});

describe('XEP-0289 §5.4, for a room that joins two others', () => {
  it('the user in whose name it asked leaves before both answered: each is told, and the node is out of the set', () => {
    const { world, one, other } = between();
    world.send(leaves(user, `${hall}/me`));
    world.clear();
    one.endsAnswer();
    other.endsAnswer();
    const told = world.crossed().map(({ stanza: { to, type } }) => [to, type]);
    expect(told).toEqual([
      [`${left}/me`, 'unavailable'],
      [`${right}/me`, 'unavailable'],
    ]);
  });
});

describe('decisions #23 and #141: a user with two sessions loses a nick', () => {
  it('the other node names the session that entered first, and another one is shown here', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    other.endsAnswer();
    world.send(joins('user@here.lit/phone', `${hall}/me`));
    world.clear();
    one.refuses(user, 'me');
    expect(world.got(user).map(({ type }) => type)).toEqual(['error', 'unavailable']);
    expect(world.got('user@here.lit/phone').map(({ type }) => type)).toEqual(['error', 'unavailable']);
    expect(inside(world)).toEqual([]);
  });
});
