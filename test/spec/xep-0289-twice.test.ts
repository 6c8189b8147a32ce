import { describe, expect, it } from 'vitest';
import { jid } from '../../src/core/xmpp/jid.ts';
import { between, hall, inside, left, near, origin, Peer, right, roomOf, shown, user } from '../support/fmuc-peer.ts';
import { joins } from '../support/world.ts';

// XEP-0289: what comes twice, over one link or by two ways. Decisions #60, #148 and #155.

describe('decision #60: a join that comes again over its link', () => {
  it('has been answered already: nothing is said to anybody', () => {
    const world = roomOf({ outbound: [], allowedNodes: [left] });
    world.send(joins(user, `${hall}/me`));
    const peer = new Peer(world, left);
    const own = jid('own@left.lit/x');
    peer.joins(own, 'Own');
    world.clear();
    peer.joins(own, 'Own');
    expect(world.sent).toEqual([]);
    expect(inside(world)).toContainEqual(['Own', left]);
  });
});

describe('decision #155: the leave of a user whose own node is linked with this one', () => {
  it('counts when that says so, though a node that passes it on was quicker to say that they came and that they left', () => {
    const { world, one: own, other } = between(origin, right);
    for (const peer of [own, other]) peer.endsAnswer();
    world.clear();
    for (const peer of [other, own]) peer.tells(near, 'Near', 'enters');
    expect(inside(world)).toContainEqual(['Near', right]);
    other.tells(near, 'Near', 'leaves', 'unavailable');
    expect(inside(world)).toContainEqual(['Near', origin]);
    own.tells(near, 'Near', 'leaves', 'unavailable');
    expect(inside(world)).toEqual([['me', undefined]]);
    expect(shown(world)).toEqual(['available Near', 'unavailable Near']);
  });
});
