import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** `npm run interop`: all of it. `npm test` takes *.test.ts with the other tests, and *.interop.ts after the end-to-end ones. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: process.env['INTEROP'] === 'fast' ? ['test/interop/*.interop.ts'] : ['test/interop/*.{test,interop}.ts'],
    // They share two cores with the servers and browsers that they start: what is played for minutes comes one after the other.
    maxWorkers: process.env['INTEROP'] === 'fast' ? 2 : 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
