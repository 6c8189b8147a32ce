import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { createServer, type ViteDevServer } from 'vite';
import { eventStoreContract } from '../contract/event-store.contract.ts';
import { indexedDbCases } from './contract-page/indexeddb-cases.ts';

declare function runStoreCase(name: string, durability: 'strict' | 'relaxed'): Promise<void>;

// The product's page has no use for these cases: a tiny page of their own, served from the sources.
test.describe('Store in IndexedDB', () => {
  // One server for all of them.
  test.describe.configure({ mode: 'default' });
  let server: ViteDevServer;
  let page: Page;

  test.beforeAll(async ({ browser }) => {
    // In a fresh clone the server has to bundle what the page imports first.
    test.setTimeout(180_000);
    const root = fileURLToPath(new URL('../../', import.meta.url));
    server = await createServer({
      configFile: false,
      root,
      cacheDir: 'node_modules/.vite-contract',
      logLevel: 'error',
      server: { host: '127.0.0.1', port: 0, hmr: false },
      optimizeDeps: { entries: ['test/e2e/contract-page/index.html'], include: ['idb'] },
    });
    await server.listen();
    const { port } = (server.httpServer as Server).address() as AddressInfo;
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/test/e2e/contract-page/index.html`);
    await page.waitForFunction(() => 'runStoreCase' in globalThis);
  });
  test.afterAll(async () => {
    await page?.close();
    await server?.close();
  });

  for (const durability of ['strict', 'relaxed'] as const) {
    for (const { name } of eventStoreContract)
      test(`contract (${durability}): ${name}`, durability === 'strict' ? {} : { tag: '@long' }, async () => {
        await page.evaluate(([n, d]) => runStoreCase(n, d), [name, durability] as const);
      });
  }
  for (const { name } of indexedDbCases)
    test(name, async () => {
      await page.evaluate((n) => runStoreCase(n, 'strict'), name);
    });

  test('a worker that is ended in the middle of writing leaves a whole log', async () => {
    // Twenty workers and two hundred writes that wait for the disk.
    test.slow();
    const lost = await page.evaluate(() =>
      (globalThis as unknown as { killMidWrite(): Promise<number> }).killMidWrite(),
    );
    expect(lost).toBe(0);
  });
});
