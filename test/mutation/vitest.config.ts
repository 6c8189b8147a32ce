import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { mutating, type Order } from './plugin.ts';

// For the runs of mutation.ts, which writes down what each of them is to do.
const file = process.env['MUTATION_ORDER'] ?? '';
const order: Order = JSON.parse(readFileSync(file, 'utf8'));

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      order.tests.indexOf(relative(order.root, moduleId).replaceAll('\\', '/'));
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  plugins: [mutating(order)],
  test: {
    root: order.root,
    include: [...order.tests],
    env: { MUTATION_SEEDS: String(order.seeds), MUTATION_REACHED: order.reachedFile },
    setupFiles:
      order.active === undefined ? [`${import.meta.dirname}/reached.ts`] : [`${import.meta.dirname}/../ledger/said.ts`],
    sequence: { sequencer: InOrder },
    experimental: { fsModuleCache: true, fsModuleCachePath: order.cacheFolder },
    pool: 'threads',
    // What a file comes by while it is loaded is seen only if it is loaded for each file of tests.
    isolate: order.active === undefined,
    bail: order.active === undefined ? 0 : 1,
    // An endless loop is found by the clock of mutation.ts.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
