import { writeFileSync } from 'node:fs';
import { type BrowserContext, test as base, type TestInfo } from '@playwright/test';
import { RoomPage } from './room.ts';
import { type Server, type ServerOptions, Servers } from './server.ts';

export interface NetsplitOptions {
  /**
   * What the server is like: a scenario of one's own, its limits. Tests that ask for the same share one in each worker, unless
   * they want it for themselves.
   */
  readonly serverOptions: ServerOptions;
  /** Factor on the time that a stanza takes on the screen, as in the page's own menu. 0 shows none move, which is quicker. */
  readonly pace: number | undefined;
}

export interface NetsplitFixtures {
  readonly server: Server;
  /** The name of the room of its own (`?room=`) that the test has on its server: no test meets another. */
  readonly instance: string;
  /** The page of the test, not yet open. */
  readonly room: RoomPage;
  /** The same room on another machine: a browser that shares nothing with the first. */
  readonly elsewhere: RoomPage;
  /** The same room in another tab of the first browser; each call opens one more. */
  readonly newTab: () => Promise<RoomPage>;
}

export interface NetsplitWorkerFixtures {
  readonly servers: Servers;
}

let tests = 0;

export const test = base.extend<NetsplitOptions & NetsplitFixtures, NetsplitWorkerFixtures>({
  serverOptions: [{}, { option: true }],
  pace: [undefined, { option: true }],
  servers: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright reads
    async ({}, use) => {
      const servers = new Servers();
      await use(servers);
      await servers.stop();
    },
    { scope: 'worker' },
  ],
  server: async ({ servers, serverOptions }, use) => {
    const server = await servers.get(serverOptions);
    await use(server);
    await servers.release(server);
  },
  instance: async ({ server }, use, info) => {
    const name = `test-${++tests}`;
    await use(name);
    if (info.status !== info.expectedStatus) await keepTraces(server, name, info);
    server.end(name);
  },
  // Named here, the room is there before any page, and is gone after the last of them.
  baseURL: async ({ server, instance: _ }, use) => use(server.url),
  context: async ({ context, pace }, use) => {
    await prefer(context, pace);
    await use(context);
  },
  room: async ({ page, instance }, use) => use(new RoomPage(page, instance)),
  elsewhere: async ({ browser, baseURL, instance, pace }, use) => {
    const context = await browser.newContext(baseURL === undefined ? {} : { baseURL });
    await prefer(context, pace);
    await use(new RoomPage(await context.newPage(), instance));
    await context.close();
  },
  newTab: async ({ context, instance }, use) => {
    await use(async () => new RoomPage(await context.newPage(), instance));
  },
});

async function prefer(context: BrowserContext, pace: number | undefined): Promise<void> {
  if (pace === undefined) return;
  await context.addInitScript((wanted) => {
    // A page without an address has no storage.
    if (location.protocol === 'http:') localStorage['netsplit.preferences'] ??= JSON.stringify({ pace: wanted });
  }, pace);
}

/** As files, so that reports say where they are. */
async function keepTraces(server: Server, instance: string, info: TestInfo): Promise<void> {
  for (const [scenario, text] of await server.traces(instance)) {
    const path = info.outputPath(`${scenario}.ndjson`);
    writeFileSync(path, text);
    await info.attach(`${scenario}.ndjson`, { path, contentType: 'application/x-ndjson' });
  }
}
