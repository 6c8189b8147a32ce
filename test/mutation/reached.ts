import { appendFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
import type { Reached } from './plugin.ts';

// Runs in each file of tests before the tests are loaded.
const reached = new Set<number>();
Object.assign(globalThis, { reached });

afterAll(() => {
  const line: Reached = { test: expect.getState().testPath ?? '', mutants: [...reached] };
  appendFileSync(process.env['MUTATION_REACHED'] ?? '', `${JSON.stringify(line)}\n`);
});
