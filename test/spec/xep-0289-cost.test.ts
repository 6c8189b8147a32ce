import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { broadcast, rejoin } from '../bench/links.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// What the protocol is for, in stanzas on links between servers; `npm run bench` prints more of the same figures.

const elsinore = 'elsinore@talk.denmark.lit';
const rabbithole = 'rabbithole@rooms.wonderland.lit';
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';

describe('XEP-0289 §1: what crosses the links', () => {
  it.each([8, 60])('a message in a room of %i: once over each link of the tree, and of a ring', (occupants) => {
    expect(broadcast('federated', occupants).stanzas).toBe(3);
    expect(broadcast('ring', occupants).stanzas).toBe(3);
  });

  it.each([8, 60])('decision #181: a resync in a room of %i costs the roster and what was missed', (occupants) => {
    const nothing = rejoin('resync', occupants, 0).stanzas;
    // The others are known by one presence each.
    expect(nothing).toBeLessThanOrEqual(occupants + 6);
    for (const missed of [1, 7, 40]) expect(rejoin('resync', occupants, missed).stanzas - nothing).toBe(missed);
  });

  it('nothing goes to a node without occupants, before the first and after the last', () => {
    const world = new World(wonderland as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`), says(alice, rabbithole, 'one'));
    expect(world.crossed()).toEqual([]);
    world.send(joins(hamlet, `${elsinore}/Hamlet`), leaves(hamlet, `${elsinore}/Hamlet`));
    world.advance(30_000);
    world.clear();
    world.send(says(alice, rabbithole, 'two'));
    world.advance(3_600_000);
    expect(world.crossed()).toEqual([]);
  });

  it('an idle hour costs the pings, and their answers', () => {
    const world = new World(wonderland as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`));
    world.advance(60_000);
    world.clear();
    world.advance(3_600_000);
    const kinds = new Set(world.crossed().map(({ stanza }) => stanza.name));
    expect(kinds).toEqual(new Set(['iq']));
    // Each side pings after a silence of 48 to 72 s, and either's ping ends the silence of both.
    expect(world.crossed().length).toBeLessThanOrEqual(2 * (3_600 / 48));
  });
});
