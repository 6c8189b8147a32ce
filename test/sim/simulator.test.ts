import { describe, expect, it } from 'vitest';
import { checkers } from '../../src/sim/checkers.ts';
import { type Mode, modes } from '../../src/sim/setup.ts';
import { type RunOptions, run } from '../../src/sim/simulator.ts';
import { noFaults } from '../../src/sim/workload.ts';

/** Seeds in which something is wrong, with the first thing that is. */
function wrong(from: number, to: number, options: RunOptions): string[] {
  const found: string[] = [];
  for (let seed = from; seed <= to; seed++) {
    const [first] = run(seed, options).violations;
    if (first) found.push(`seed ${seed}: ${first.invariant} ${first.what}`);
  }
  return found;
}

describe('A network of its own for every seed', () => {
  it.each(modes)('%s: same seed, same run', (mode) => {
    const [one, two] = [run(7, { mode, acts: 60 }), run(7, { mode, acts: 60 })];
    expect(JSON.stringify(two.trace)).toBe(JSON.stringify(one.trace));
    expect(one.trace.length).toBeGreaterThan(500);
  });

  it.each(modes)('%s: without faults nothing is ever wrong', (mode) => {
    expect(wrong(1, 15, { mode, acts: 120, faults: noFaults })).toEqual([]);
  });

  // XEP-0289 has no keepalive yet: a node that was cut off in silence may stay out of step (decision #24 wants a bounce).
  it.each(['plain', '0282'] as const)(
    '%s: cuts, crashes, freezes, vanishing clients; then everything heals',
    (mode) => {
      expect(wrong(1, 25, { mode, acts: 120 })).toEqual([]);
    },
  );

  it('every checker has something to look at', () => {
    const total: Record<string, number> = {};
    for (const mode of modes satisfies readonly Mode[])
      for (let seed = 1; seed <= 5; seed++)
        for (const [name, times] of Object.entries(run(seed, { mode, acts: 60 }).exercised))
          total[name] = (total[name] ?? 0) + times;
    expect(Object.keys(total).sort()).toEqual(Object.keys(checkers).sort());
    for (const [name, times] of Object.entries(total)) expect([name, times > 20]).toEqual([name, true]);
  });
});
