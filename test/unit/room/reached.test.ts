import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { plain } from '../../../src/core/distribution/plain.ts';
import { Reached } from '../../../src/core/room/reached.ts';
import { RoomState } from '../../../src/core/room/state.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';

const [room, other] = [jid('hall@a.example'), jid('hall@b.example')];

describe('decision #203: how far rooms have come', () => {
  it('of one room 16 epochs are told apart: an early one goes first, but not the one that comes', () => {
    const reached = new Reached();
    for (let epoch = 101; epoch <= 117; epoch++) reached.set(other, { epoch, n: epoch });
    expect(reached.entries).toHaveLength(16);
    expect([reached.in(other, 101), reached.in(other, 102)]).toEqual([0, 102]);
    // Its clock was set back, and it has lost its log.
    for (let n = 1; n <= 3; n++) reached.count(other, { epoch: 7, n });
    expect(reached.entries).toHaveLength(16);
    expect([reached.in(other, 7), reached.in(other, 102), reached.in(other, 103)]).toEqual([3, 0, 103]);
  });

  it('a room counts on, whatever others say of later epochs of it', () => {
    const state = new RoomState(plainRoomConfig(room), plain.traits);
    state.apply({ kind: 'roomCreated', room, epoch: 7 });
    state.apply({ kind: 'reached', room, by: room, order: { epoch: 7, n: 40 } });
    for (let epoch = 101; epoch <= 140; epoch++)
      state.apply({ kind: 'reached', room, by: room, order: { epoch, n: 1 } });
    expect(state.reached.in(room, 7)).toBe(40);
    expect(state.reached.entries).toHaveLength(16);
  });
});
