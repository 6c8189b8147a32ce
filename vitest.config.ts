import { defineConfig } from 'vitest/config';

// Apart from vite.config.ts: the tests do without the embedded server that its plugin starts.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    // Two cores are the machine we promise to be quick on.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
});
