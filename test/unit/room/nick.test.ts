import { expect, it } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { plain } from '../../../src/core/distribution/plain.ts';
import { nickIsAnothers, nickIsFree } from '../../../src/core/room/nick.ts';
import { RoomState } from '../../../src/core/room/state.ts';
import { bareOf, type Jid, jid } from '../../../src/core/xmpp/jid.ts';

const hall = jid('hall@rooms.s0.sim');
const [alice, bob, carol] = [jid('alice@s0.sim/r'), jid('bob@s1.sim/r'), jid('carol@s0.sim/r')] as const;

it('XEP-0045 §17.1.1: a nick stays taken when one confusable with it, let in by another node, goes', () => {
  const room = new RoomState(plainRoomConfig(hall), plain.traits);
  const enters = (nick: string, user: Jid) =>
    room.apply({
      kind: 'occupantEntered',
      room: hall,
      occupant: { nick, jid: user, affiliation: 'none', role: 'participant', occupantId: nick, presence: [] },
    });
  enters('nick0', alice);
  enters('nicko', bob);
  for (const nick of ['nick0', 'nicko', 'Nick0']) {
    expect(nickIsFree(room, nick, carol)).toBe(false);
    expect(nickIsAnothers(room, nick, bareOf(carol))).toBe(true);
  }
  // Each keeps what is theirs, and may not take what is like the other's.
  expect([nickIsFree(room, 'nick0', alice), nickIsFree(room, 'nicko', alice)]).toEqual([true, false]);
  room.apply({ kind: 'occupantLeft', room: hall, nick: 'nicko' });
  expect(nickIsFree(room, 'nick0', carol)).toBe(false);
  expect(nickIsFree(room, 'nicko', alice)).toBe(true);
  room.apply({ kind: 'occupantLeft', room: hall, nick: 'nick0' });
  expect(nickIsFree(room, 'nick0', carol)).toBe(true);
});
