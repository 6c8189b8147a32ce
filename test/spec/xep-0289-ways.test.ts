import { describe, expect, it } from 'vitest';
import { readTrail } from '../../src/core/xep/fmuc-sync.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, payloadOf } from '../../src/core/xmpp/stanza.ts';
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
import { joins } from '../support/world.ts';

// XEP-0289, decisions #145, #148 and #155: several ways to one user, and who is believed about them.

/** Another room at the server of the users far and near. */
const beside = jid('hall@chat.origin.lit');

describe('decision #155: a user’s own node is believed about them before those that are on the way', () => {
  it('a second node of their server that is on the way is not their own: if another one says that they left, they have', () => {
    const world = roomOf({ outbound: [beside, right], allowedNodes: [] });
    world.send(joins(user, `${hall}/me`));
    const [one, other] = [new Peer(world, beside), new Peer(world, right)];
    for (const peer of [one, other]) peer.takesRequest();
    for (const peer of [other, one]) {
      peer.lists(far, 'Far');
      peer.endsAnswer();
    }
    expect(inside(world)).toContainEqual(['Far', right]);
    other.tells(far, 'Far', 'leaves', 'unavailable');
    expect(inside(world)).toEqual([['me', undefined]]);
  });

  it('nor is a node to which an owner gave their domain, and which is about to be no way to them', () => {
    const scope = { [left]: ['origin.lit', 'left.lit'] };
    const world = roomOf({ outbound: [], allowedNodes: [left, right], trust: { scope } });
    world.send(joins(user, `${hall}/me`));
    const [given, other] = [new Peer(world, left), new Peer(world, right)];
    given.joins(far, 'Far');
    other.joins(jid('new@right.lit/x'), 'New');
    other.brings(far, 'Far', left);
    given.isNoWayTo(far, 'Far', 'soon');
    expect(inside(world)).toContainEqual(['Far', right]);
    other.tells(far, 'Far', 'leaves', 'unavailable');
    expect(inside(world).map(([nick]) => nick)).not.toContain('Far');
  });
});

describe('decision #155: what a user’s own node says replaces what a node that passes them on has said', () => {
  const [phone, tablet, other] = ['phone', 'tablet', 'other'].map((device) => jid(`far@origin.lit/${device}`)) as [
    Jid,
    Jid,
    Jid,
  ];

  it('whoever is in under their name from a third node is out; their other sessions, and other users, are not', () => {
    const world = roomOf({ outbound: [], allowedNodes: [origin, right] });
    world.send(joins(user, `${hall}/me`));
    const [own, onTheWay] = [new Peer(world, origin), new Peer(world, right)];
    onTheWay.joins(jid('new@right.lit/x'), 'New');
    onTheWay.brings(far, 'Impostor', beside);
    onTheWay.brings(near, 'Near', beside);
    onTheWay.brings(tablet, 'Tablet', origin);
    world.clear();
    own.joins(phone, 'Phone');
    expect(inside(world)).toEqual([
      ['me', undefined],
      ['New', right],
      ['Near', right],
      ['Tablet', right],
      ['Phone', origin],
    ]);
    expect(shown(world)).toEqual(['unavailable Impostor', 'available Phone']);
  });

  it('nor is one of a node to which an owner gave their domain, and which has them itself', () => {
    const scope = { [left]: ['origin.lit', 'left.lit'] };
    const world = roomOf({ outbound: [], allowedNodes: [origin, left], trust: { scope } });
    world.send(joins(user, `${hall}/me`));
    new Peer(world, left).joins(far, 'Far');
    new Peer(world, origin).joins(phone, 'Phone');
    expect(inside(world)).toEqual([
      ['me', undefined],
      ['Far', left],
      ['Phone', origin],
    ]);
  });

  it('one whom it passes on itself from a second node of their server stays', () => {
    const world = roomOf({ outbound: [], allowedNodes: [origin] });
    world.send(joins(user, `${hall}/me`));
    const own = new Peer(world, origin);
    own.joins(near, 'Near');
    own.brings(other, 'Other', beside);
    own.brings(phone, 'Phone');
    expect(inside(world).map(([nick]) => nick)).toEqual(['me', 'Near', 'Other', 'Phone']);
  });
});

describe('decision #155: a user’s own node has joined this room, and the room that this one joins passes them on, too', () => {
  it('a nick that their node gives them is no claim of the joined side: of two who want it the one here keeps it', () => {
    const world = roomOf({ outbound: [right], allowedNodes: [origin] });
    world.send(joins(user, `${hall}/me`));
    const [own, other] = [new Peer(world, origin), new Peer(world, right)];
    other.takesRequest();
    other.lists(near, 'Near');
    other.endsAnswer();
    own.joins(far, 'Far');
    world.clear();
    own.tells(near, 'me', 'is me', undefined, 2);
    expect(world.to(origin).map((stanza) => errorOf(stanza)?.condition)).toContain('conflict');
    expect(inside(world)).toContainEqual(['me', undefined]);
    expect(world.got(user).filter(({ type }) => type === 'error')).toEqual([]);
  });
});

describe('decision #145: an answer to a join, and what this room knows by another way', () => {
  it('a nick that the list gives to another user of the same node is theirs, though it has not heard the last of the first: both are in', () => {
    const { world, one, other } = between();
    one.listsAs(far, 'Far', 5);
    one.endsAnswer();
    other.listsAs(near, 'Far', 6);
    other.listsAs(far, 'Farther', 3);
    other.endsAnswer();
    const users = world.status(node).occupants.map(({ nick, jid: session }) => [nick, session]);
    expect(users).toEqual([
      ['Far', near],
      ['Farther', far],
      ['me', user],
    ]);
  });

  it('decision #168: what was said is shown once, though the answer gives it another identity', () => {
    const { world, one, other } = between();
    one.endsAnswer();
    one.tellsOf(far, 'Far', 'psst', 'said', 'first');
    other.tellsOf(far, 'Far', 'psst', 'said', 'second');
    other.tellsOf(far, 'Far', 'psst', 'said again', 'third');
    other.endsAnswer();
    expect(world.got(user).flatMap((stanza) => (bodyOf(stanza) === 'psst' ? [stanza.id] : []))).toEqual([
      'said',
      'said again',
    ]);
  });
});

describe('decision #183: what another node may have missed', () => {
  it('a message of nobody comes from the node that accepted it, not from the one that told of it', () => {
    const { world, one, other } = between();
    one.tellsOfNobody('Gone', 'long ago');
    for (const peer of [one, other]) peer.endsAnswer();
    world.clear();
    other.asksForPast();
    expect(
      other.got().map((stanza) => [bodyOf(stanza), readTrail(payloadOf(stanza, 'fmuc', NS.fmuc), hall)]),
    ).toMatchObject([['long ago', { by: origin, via: [], past: true }]]);
  });
});

describe('decision #148: the best way to a user is one that stays, and of those the shortest', () => {
  // Decision #145: a change goes past at most 16 nodes.
  const longest = Array.from({ length: 14 }, (_, i) => jid(`hall@rooms.n${i}.lit`));

  it('one that stays is better than one that ends soon, even if it is as long as ways are, and their own node is the other', () => {
    const { world, one, other } = between(origin, right);
    one.lists(far, 'Far');
    other.lists(far, 'Far', ...longest);
    for (const peer of [one, other]) peer.endsAnswer();
    expect(inside(world)).toContainEqual(['Far', origin]);
    one.isNoWayTo(far, 'Far', 'soon');
    expect(inside(world)).toContainEqual(['Far', right]);
  });
});
