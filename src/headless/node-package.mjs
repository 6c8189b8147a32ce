import { copyFileSync, rmSync } from 'node:fs';
import { build } from 'vite';
import { root } from './install.mjs';

/** The programs in dist/node, by name: those that `netsplit` starts, and what they start themselves. */
const programs = {
  netsplit: 'src/headless/netsplit.ts',
  'sim-thread': 'src/headless/sim-thread.ts',
  bench: 'test/bench/installed.ts',
  load: 'test/bench/load.ts',
};

/**
 * The module in called.mjs says that this is the package. What only the sources can do is gone from it then, with the
 * development packages that it needs.
 *
 * @type {import('vite').Plugin}
 */
const asInstalled = {
  name: 'netsplit:as-installed',
  enforce: 'pre',
  resolveId: {
    filter: { id: /\/sim-(?:bundle|hunt)\.ts$/ },
    handler: (id) => ({ id, external: true }),
  },
  transform: {
    filter: { id: /\/src\/headless\/called\.mjs$/ },
    handler(code) {
      const told = code.replace('isInstalled = false', 'isInstalled = true');
      if (told === code) throw new Error('called.mjs does not say whether this is the package');
      return told;
    },
  },
};

/**
 * Writes the commands for those who install the package: Node runs no TypeScript below node_modules. All files are in one
 * folder, two levels below the package's own, as the sources are; the libraries stay outside.
 *
 * @param {string} [outDir]
 */
export async function buildNode(outDir = `${root}dist/node`) {
  rmSync(outDir, { recursive: true, force: true });
  await build({
    root,
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'warn',
    plugins: [asInstalled],
    build: {
      ssr: true,
      outDir,
      minify: false,
      target: 'node20',
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(programs).map(([name, file]) => [name, root + file])),
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
  copyFileSync(`${root}test/bench/gc.mjs`, `${outDir}/gc.mjs`);
}
