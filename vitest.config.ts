import { defineConfig } from 'vitest/config';

/** Tests of what is pure: they need no process of their own, in which all that they import would be loaded anew. */
const pure = [
  'test/{spec,security,scenario}/**/*.test.ts',
  'test/unit/{distribution,net,occupant,room,scenario,ui,xmpp}/**/*.test.ts',
  'test/sim/{checkers,divergence,ndjson,plan,schedule,source-shadow-checkers}.test.ts',
];

// Apart from vite.config.ts: the tests do without the embedded server that its plugin starts.
export default defineConfig(({ mode }) => ({
  test: {
    // Two cores are the machine we promise to be quick on.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: pure,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'pure',
          include: pure,
          isolate: false,
          setupFiles: 'test/support/leaves-nothing.ts',
          // After the others: one worker takes file after file only if no other kind is next.
          sequence: { groupOrder: 1 },
        },
      },
    ],
    env: { NETSPLIT_TESTS: mode },
    testTimeout: 20_000,
  },
}));
