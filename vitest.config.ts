import { defineConfig } from 'vitest/config';

/** Tests of the core. */
const core = [
  'test/{spec,security,scenario}/**/*.test.ts',
  'test/unit/{distribution,net,node,occupant,room,xmpp}/**/*.test.ts',
];
/** Others that need no process of their own, in which all that they import would be loaded anew. */
const together = [
  'test/unit/{conformance,cost,headless,host,scenario,server,ui}/**/*.test.ts',
  'test/contract/**/*.test.ts',
  'test/sim/*.test.ts',
];

// Apart from vite.config.ts: the tests do without the embedded server that its plugin starts.
export default defineConfig(({ mode }) => {
  // Each project is configured by this again, and with the mode "test": the first word counts, and workers inherit it.
  process.env['NETSPLIT_TESTS'] ??= mode;
  return {
    test: {
      // Two cores are the machine we promise to be quick on.
      maxWorkers: 2,
      projects: [
        {
          extends: true,
          test: {
            name: 'apart',
            include: ['test/**/*.test.ts'],
            exclude: [...core, ...together],
            sequence: { groupOrder: 0 },
          },
        },
        {
          extends: true,
          test: {
            name: 'together',
            include: together,
            isolate: false,
            setupFiles: 'test/support/leaves-nothing.ts',
            // After the others: one worker takes file after file only if no other kind is next.
            sequence: { groupOrder: 1 },
          },
        },
        {
          extends: true,
          test: {
            name: 'core',
            include: core,
            isolate: false,
            setupFiles: ['test/support/leaves-nothing.ts', 'test/ledger/said.ts'],
            sequence: { groupOrder: 2 },
          },
        },
      ],
      testTimeout: 20_000,
    },
  };
});
