import { describe, expect, it } from 'vitest';
import { type Mode, modes, noFaults } from '../../src/sim/plan.ts';
import { type RunOptions, run } from '../../src/sim/simulator.ts';
import type { Violation } from '../../src/sim/trace.ts';

/** Seeds in which something is wrong, with the first thing that is. */
function wrong(from: number, to: number, options: RunOptions, counts = (_: Violation) => true): string[] {
  const found: string[] = [];
  for (let seed = from; seed <= to; seed++) {
    const first = run(seed, options).violations.find(counts);
    if (first) found.push(`seed ${seed}: ${first.invariant} ${first.what}`);
  }
  return found;
}

describe('A network of its own for every seed', () => {
  it.each(modes)('%s: same seed, same run', (mode) => {
    const [one, two] = [run(8, { mode, events: 60 }), run(8, { mode, events: 60 })];
    expect(JSON.stringify(two.trace)).toBe(JSON.stringify(one.trace));
    expect(one.trace.length).toBeGreaterThan(500);
  });

  it.each(modes)(
    '%s: without faults nothing is ever wrong',
    (mode) => {
      expect(wrong(1, 10, { mode, events: 120, faults: noFaults })).toEqual([]);
    },
    60_000,
  );

  it.each(modes)(
    '%s: with faults, then healed: everybody sees everybody, and every last word arrives',
    (mode: Mode) => {
      expect(wrong(61, 85, { mode, events: 120 })).toEqual([]);
    },
    60_000,
  );
});
