import type { AddressInfo } from 'node:net';
import { type BrowserContext, test as base, expect, type Locator, type Page } from '@playwright/test';
import { preview } from 'vite';
import type { ModelEvent } from '../../../src/ui/fold/event.ts';
import type { EventFilter, LabCounters, LabState } from '../../../src/ui/lab-api.ts';
import type { Action } from '../../../src/ui/session/acts.ts';
import type { ActResult } from '../../../src/ui/session/session.ts';
import config from '../../../vite.config.ts';

/** The built page and the embedded server on a port of their own. */
export class Served {
  #server: Awaited<ReturnType<typeof preview>> | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Started again, it has the same address, but new accounts and an empty memory. */
  async start(): Promise<void> {
    this.#server = await preview({
      ...config,
      // Vite would bundle the file anew for each server.
      configFile: false,
      logLevel: 'warn',
      preview: { host: '127.0.0.1', port: this.#port, strictPort: true },
    });
    this.#port = (this.#server.httpServer.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }
}

/** What the browser complains about: errors on the console, uncaught exceptions, reports of the security policy. */
export class Troubles {
  readonly #seen: string[] = [];
  readonly #allowed: RegExp[] = [];

  watch(context: BrowserContext): void {
    context.on('weberror', (error) => this.#seen.push(`uncaught: ${error.error().message}`));
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.#seen.push(`console: ${message.text()} (${message.location().url})`);
    });
  }

  /** For a test that breaks something on purpose. */
  allow(text: RegExp): void {
    this.#allowed.push(text);
  }

  get all(): readonly string[] {
    return this.#seen.filter((text) => !this.#allowed.some((allowed) => allowed.test(text)));
  }
}

export const wallops = 'wallops@channel.avalon.irc';
/** Nick and full JID of the dramatis personae of XEP-0282. */
export const cast = {
  Wumpus: 'argl@killrc.oulubox.irc/laptop',
  Valdis: 'valdis@killrc.oulubox.irc/desktop',
  Phaedrus: 'phaedrus@killrc.oulubox.irc/phone',
  WiZ: 'squit@eris.dclxvii.irc/jupiter',
  Troy: 'troy@eris.dclxvii.irc/screwdriver',
  BigCheese: 'rubenro@vesa.yeggmaex.irc/shaver',
  Efchen: 'msa@vesa.yeggmaex.irc/bicycle',
} as const;
export const avalon = 'avalon.irc';
export const vesa = 'vesa.yeggmaex.irc';
export const killrc = 'killrc.oulubox.irc';
export const eris = 'eris.dclxvii.irc';
export const wallopsNodes = ['channel.avalon.irc', `replica@${vesa}`, `replica@${killrc}`, `replica@${eris}`] as const;

/** One page of Netsplit, seen by its hooks and by window.lab. */
export class RoomPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** From nothing to everybody in the room. */
  async open(scenario = 'wallops'): Promise<void> {
    await this.page.goto(scenario === 'wallops' ? '/' : `/?scenario=${scenario}`);
    await this.ready();
  }

  /** Looked at in the page: expect() would look once a second in the end, and every test begins here. */
  async ready(): Promise<void> {
    const quiet = () => document.documentElement.dataset.phase === 'quiet';
    await this.page.waitForFunction(quiet, undefined, { timeout: 45_000, polling: 50 });
  }

  act(action: Action): Promise<ActResult> {
    return this.page.evaluate((one) => window.lab.act(one), action);
  }

  /** An action that has to succeed, and all that follows from it. */
  async do(action: Action): Promise<void> {
    expect(await this.act(action), JSON.stringify(action)).toEqual({ ok: true });
    await this.quiet();
  }

  /** Something said, and its way through the servers: where every later event begins. */
  async say(who: string, text: string): Promise<void> {
    await this.do({ act: 'say', who, text });
  }

  quiet(): Promise<void> {
    return this.page.evaluate(() => window.lab.runToQuiet());
  }

  state(): Promise<LabState> {
    return this.page.evaluate(() => window.lab.state());
  }

  counters(): Promise<LabCounters> {
    return this.page.evaluate(() => window.lab.counters());
  }

  events(filter: EventFilter = {}): Promise<readonly ModelEvent[]> {
    return this.page.evaluate((wanted) => window.lab.events(wanted), filter);
  }

  mark(): Promise<number> {
    return this.page.evaluate(() => window.lab.mark());
  }

  /** Stanzas handed to one person, oldest first. */
  async received(who: string, since = 0): Promise<readonly ModelEvent[]> {
    return (await this.events({ kind: 'hop', leg: 'out', since })).filter(({ to }) => to === who);
  }

  /** Bodies of what one person was given, history too. */
  async heard(who: string, since = 0): Promise<readonly string[]> {
    return (await this.received(who, since)).flatMap(({ stanza }) => {
      const body = /<body[^>]*>(.*?)<\/body>/.exec(stanza?.xml ?? '')?.[1];
      return stanza?.name === 'message' && stanza.type === 'groupchat' && body !== undefined ? [body] : [];
    });
  }

  /** Of each node's first room: how many messages it keeps. */
  async historyLengths(): Promise<readonly number[]> {
    return (await this.state()).nodes.map(({ rooms }) => (rooms[0] as { historyLength: number }).historyLength);
  }

  testId(id: string): Locator {
    return this.page.getByTestId(id);
  }

  get phase(): Locator {
    return this.page.locator('html');
  }

  node(address: string): Locator {
    return this.page.locator(`[data-node="${address}"]`);
  }

  occupant(jid: string): Locator {
    return this.page.locator(`[data-occupant="${jid}"]`);
  }

  link(a: string, b: string): Locator {
    return this.page.locator(`[data-link="${keyOf(a, b)}"]`);
  }

  pill(a: string, b: string): Locator {
    return this.page.locator(`[data-link-label="${keyOf(a, b)}"]`);
  }
}

export function keyOf(a: string, b: string): string {
  return [a, b].sort().join('~');
}

/** Waits until a value read from the page is as wanted. */
export function eventually<T>(read: () => Promise<T>, timeout = 20_000) {
  return expect.poll(read, { timeout, intervals: [50, 100, 200] });
}

interface Fixtures {
  /** A server for this test alone: no test sees the links, sessions and trace of another. */
  readonly server: Served;
  readonly room: RoomPage;
  readonly troubles: Troubles;
  /** Another machine: a browser that shares nothing with the first. */
  readonly elsewhere: RoomPage;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright reads
  server: async ({}, use) => {
    const server = new Served();
    await server.start();
    await use(server);
    await server.stop();
  },
  baseURL: async ({ server }, use) => use(server.url),
  // Pictures of each step double the time of a page that moves; one of the end, where it failed, is enough.
  trace: [{ mode: 'retain-on-failure', screenshots: false, snapshots: false }, { scope: 'worker' }],
  screenshot: ['only-on-failure', { scope: 'worker' }],
  troubles: [
    async ({ context }, use) => {
      const troubles = new Troubles();
      troubles.watch(context);
      await use(troubles);
      expect(troubles.all, 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
  room: async ({ page }, use) => use(new RoomPage(page)),
  elsewhere: async ({ browser, baseURL, troubles }, use) => {
    const context = await browser.newContext({ ...(baseURL === undefined ? {} : { baseURL }) });
    troubles.watch(context);
    await use(new RoomPage(await context.newPage()));
    await context.close();
  },
});

export { expect };
