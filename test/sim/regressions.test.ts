import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';

/** Seeds that found mistakes of the core, with the steps they were found with, and what they found. */
const found: readonly (readonly [Mode, number, number, string])[] = [
  ['plain', 269, 120, 'a client believed to be in after a self-presence meant for its earlier session'],
  ['plain', 533, 120, 'the same, its join having been refused while the node was down'],
  ['plain', 910, 120, 'the same, after a change of nick that the node told of again (decision #50)'],
  ['0289pp', 487, 120, 'an answer to a join that took longer than 10 s over a slow link was given up, each time anew'],
  ['0289pp', 696, 120, 'the same'],
  ['0289pp', 2264, 120, 'a nick was given twice when one confusable with it, of another node, had gone'],
];

describe('What the simulator found stays mended', () => {
  it.each(found)('%s, seed %i, %i steps: %s', (mode, seed, events) => {
    expect(run(seed, { mode, events }).violations).toEqual([]);
  });
});
