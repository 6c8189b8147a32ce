import { describe, expect, it } from 'vitest';
import { broadcast, rejoin } from '../bench/links.ts';

// What the protocol is for, in stanzas on links between servers; `npm run bench` prints more of the same figures.

describe('XEP-0282 §2: what crosses the links', () => {
  it.each([8, 60])('a broadcast in a room of %i: to the primary, and one for each replica', (occupants) => {
    expect(broadcast('replicated', occupants).stanzas).toBe(1 + 3);
    // One for each participant who is not at the room's own server, and one to the room.
    expect(broadcast('plain', occupants).stanzas).toBe(1 + (occupants * 3) / 4);
  });

  it.each([8, 60])('decision #41: a netjoin in a room of %i costs what was missed', (occupants) => {
    // The request and its answer, the changes, ready and its answer.
    for (const missed of [1, 7, 40]) expect(rejoin('netjoin', occupants, missed).stanzas).toBe(2 + missed + 2);
  });
});
