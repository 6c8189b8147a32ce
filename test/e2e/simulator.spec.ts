import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { createServer, type ViteDevServer } from 'vite';
import { type Mode, modes } from '../../src/sim/plan.ts';
import * as here from './simulator-page/runs.ts';
import { shareOf } from './support/netsplit.ts';

declare function runText(seed: number, mode: Mode): string;
declare function runDigest(seed: number, mode: Mode): Promise<string>;

// A seed that fails in one engine can be looked at in the other: nothing in a run may hang on the engine's sorting,
// numbers or text. A page of its own, served from the sources, as for the stores.
test.describe('Simulator', () => {
  // One server for all of them.
  test.describe.configure({ mode: 'default' });
  let server: ViteDevServer;
  let page: Page;

  test.beforeAll(async ({ browser }) => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    server = await createServer({
      configFile: false,
      root,
      cacheDir: 'node_modules/.vite-simulator',
      logLevel: 'error',
      server: { host: '127.0.0.1', port: 0, hmr: false },
      // It imports no packages.
      optimizeDeps: { noDiscovery: true },
    });
    await server.listen();
    const { port } = (server.httpServer as Server).address() as AddressInfo;
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/test/e2e/simulator-page/index.html`);
    await page.waitForFunction(() => 'runDigest' in globalThis);
  });
  test.afterAll(async () => {
    await page?.close();
    await server?.close();
  });

  for (const mode of modes)
    test(`${mode}: a seed is the same run in Chromium and in Node, byte for byte`, shareOf(mode), async () => {
      for (const seed of [1, 2, 3]) {
        const there = await page.evaluate(([s, m]) => runDigest(s, m), [seed, mode] as const);
        if (there === (await here.runDigest(seed, mode))) continue;
        const lines = (await page.evaluate(([s, m]) => runText(s, m), [seed, mode] as const)).split('\n');
        const own = here.runText(seed, mode).split('\n');
        const first = own.findIndex((line, i) => line !== lines[i]);
        expect(lines[first], `seed ${seed}, record ${first}`).toBe(own[first]);
        expect(lines.length, `seed ${seed}, records`).toBe(own.length);
      }
    });
});
