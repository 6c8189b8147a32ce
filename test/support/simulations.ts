import { afterAll, beforeAll } from 'vitest';
import { bundleThread } from '../../src/headless/sim-bundle.ts';
import { SimPool } from '../../src/headless/sim-pool.ts';
import type { Outcome } from '../../src/headless/sim-thread.ts';
import type { RunOptions } from '../../src/sim/simulator.ts';

/**
 * Runs simulations as `npm run sim` does, in a thread that has the simulator as one file: that takes half as long as in
 * the test runner's modules. For tests that look at what the checkers say, and not at the trace.
 */
export function simulations(): (seed: number, options: RunOptions) => Promise<Outcome> {
  let pool: SimPool;
  beforeAll(async () => {
    pool = new SimPool(await bundleThread(), 1);
  });
  afterAll(() => pool.stop());
  return async (seed, options) => (await pool.all([{ kind: 'run', seed, options, digest: true }]))[0] as Outcome;
}
