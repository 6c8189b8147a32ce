import { describe, expect, it } from 'vitest';
import { broadcast, reach, rejoin } from '../bench/links.ts';
import { coven } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

// What the protocol is for, in stanzas on links between servers; `npm run bench` prints more of the same figures.

describe('XEP-0281 §1.3: what crosses the links', () => {
  it.each([2, 3, 4, 5])('of %i instances: a message goes to each other one, in one hop', (servers) => {
    expect(reach('instances', servers)).toMatchObject({ stanzas: servers - 1, hops: 1 });
  });

  it('however many are in the room', () => {
    for (const occupants of [8, 60]) expect(broadcast('instances', occupants).stanzas).toBe(3);
  });

  it.each([3, 4, 5])(
    'of %i instances, with the firsthost cut off: the others reach each other with one each',
    (servers) => {
      const { stanzas, heard, of } = reach('instances', servers).after;
      expect([stanzas, heard]).toEqual([servers - 2, of]);
      // Where one node sends on to all others, nobody hears anything, or those on the author's own server alone.
      expect(reach('plain', servers).after.heard).toBe(0);
      expect(reach('replicated', servers).after.heard).toBe(0);
      expect(reach('federated', servers).after.heard).toBe(3);
    },
  );

  it.each([8, 60])(
    'decisions #202, #203: a resync in a room of %i costs what was missed, a page for each hundred',
    (occupants) => {
      const [nothing, twenty, forty, more] = [0, 20, 40, 101].map((missed) => rejoin('instances', occupants, missed));
      if (!nothing || !twenty || !forty || !more) throw new Error('not measured');
      // The greeting and two rosters, each with its answer; then one request and its answer for each page.
      expect([nothing, twenty, forty, more].map(({ stanzas }) => stanzas)).toEqual([6, 8, 8, 10]);
      expect((forty.bytes - nothing.bytes) / (twenty.bytes - nothing.bytes)).toBeLessThan(2.1);
    },
  );

  it('an idle hour costs the pings of each pair, and their answers', () => {
    const world = new World(coven);
    world.send(joins('crone1@shakespeare.lit/desktop', 'coven@chat.shakespeare.lit/foo'));
    world.advance(60_000);
    world.clear();
    world.advance(3_600_000);
    expect(new Set(world.crossed().map(({ stanza }) => stanza.name))).toEqual(new Set(['iq']));
    // Each side pings after a silence of 48 to 72 s, and either's ping ends the silence of both.
    expect(world.crossed().length).toBeLessThanOrEqual(3 * 2 * (3_600 / 48));
  });
});
