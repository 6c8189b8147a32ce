import { expect, it } from 'vitest';
import type { Mode } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';

/** The simulator's first seeds in one mode, a test for each; how many, MUTATION_SEEDS says. */
export function seedsOf(mode: Mode): void {
  const seeds = Array.from({ length: Number(process.env['MUTATION_SEEDS']) }, (_, i) => i + 1);
  it.each(seeds)(`simulator, mode ${mode}, seed %i`, (seed) => {
    expect(run(seed, { mode, events: 120 }).violations.slice(0, 1)).toEqual([]);
  });
}
