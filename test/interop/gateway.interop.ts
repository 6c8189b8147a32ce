import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Browser, chromium, type Page } from '@playwright/test';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../src/headless/chromium.mjs';
import { noEjabberd, startEjabberd } from '../bench/ejabberd.ts';
import { chromiumArgs } from './support/converse.ts';
import { noProsody, startProsody } from './support/prosody.ts';
import { StropheClient } from './support/strophe.ts';
import { type Program, startProgram } from './support/web-driver.ts';

// The page runs the rooms of a real server: a client of that server enters them, and nothing of the page is known there but
// the components.

/** In `npm test`: one server. */
const fast = process.env['INTEROP'] === 'fast';
const executablePath = await findChromium();
const noChromium = executablePath === undefined ? 'no Chromium was found' : undefined;
const because = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);
const secret = 'canary-3c7f';
const elsinore = 'talk.denmark.lit';
const rabbithole = 'rooms.wonderland.lit';
const components = { [elsinore]: secret, [rabbithole]: secret };
const room = `rabbithole@${rabbithole}`;
const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
const iago = 'iago@venice.lit';
/** What the real server is called: its host. */
const real = '127.0.0.1';

/** Real programs on two cores: what comes, may come late. */
const soon = <T>(get: () => Promise<T>) => expect.poll(get, { timeout: 40_000, interval: 50 });

/** Each starts a server, a browser and the page; the machine may have others to serve. */
const patienceMs = 240_000;

const servers = [
  {
    name: 'Prosody',
    missing: noProsody,
    start: () => startProsody({ hosts: { 'venice.lit': { iago: 'pw' } }, components }),
  },
  {
    name: 'ejabberd',
    missing: noEjabberd,
    start: () => startEjabberd('venice.lit', 'conference.venice.lit', components),
  },
];

let browser: Browser;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(`${tmpdir()}/netsplit-gateway-`);
  writeFileSync(`${directory}/secret`, `${secret}\n`);
  if (executablePath !== undefined) browser = await chromium.launch({ executablePath, args: chromiumArgs });
});
afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

for (const { name, missing: noServer, start } of servers) {
  const missing = noChromium ?? noServer;
  describe.skipIf(missing !== undefined || (fast && name !== 'Prosody'))(
    `The page’s rooms on ${name}${because(missing)}`,
    () => {
      const ends: (() => Promise<void>)[] = [];
      afterEach(async () => {
        for (const end of ends.splice(0).toReversed()) await end();
      });

      const startPage = (port: number, ...more: readonly string[]): Program => {
        const at = ['--port', '0', '--scenario', 'wonderland', '--server', `127.0.0.1:${port}`];
        const program = startProgram(process.execPath, ['src/headless/setup.mjs', 'start', ...at, ...more]);
        ends.push(() => program.end());
        return program;
      };

      it(
        'a client of the server enters, talks with the page’s people, and is in the picture, which says where it ends',
        async () => {
          const server = await start();
          let isUp = true;
          ends.push(async () => {
            if (isUp) await server.stop();
          });
          const program = startPage(server.componentPort, '--secret-file', `${directory}/secret`);
          const [url] = await program.says(/http:\S+#token=\S+/);
          const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
          ends.push(() => context.close());
          const page = await context.newPage();
          const told: string[] = [];
          const troubles: string[] = [];
          page.on('pageerror', ({ message }) => troubles.push(message));
          page.on('websocket', (socket) => {
            socket.on('framereceived', ({ payload }) => told.push(String(payload)));
            socket.on('framesent', ({ payload }) => told.push(String(payload)));
          });
          page.on(
            'response',
            (response) =>
              void response.text().then(
                (text) => told.push(text),
                () => undefined,
              ),
          );
          await page.goto(url);
          await page.waitForSelector('html[data-phase=quiet]');
          expect(await page.textContent(`[data-server="${real}"]`)).toContain('only our own edge is seen');

          const client = await StropheClient.login(browser, { websocket: server.websocket, account: iago, room });
          ends.push(() => client.stop());
          await client.enter('Iago');
          await page.waitForSelector(`[data-occupant="${iago}/strophe"][data-phase=joined]`);
          expect(await serverIn(page, 'Iago')).toBe(real);
          expect(await client.occupants()).toContain('Alice');

          await client.say('I am not what I am');
          await soon(() => heardBy(page, alice)).toContain('I am not what I am');
          await act(page, { act: 'say', who: alice, text: 'Curiouser and curiouser' });
          await soon(() => client.texts()).toContain('Curiouser and curiouser');

          // The rooms of the page reach each other by the real server: the link between their own servers carries nothing of it.
          await act(page, { act: 'join', who: hamlet });
          await soon(() => client.occupants()).toContain('Hamlet');
          await act(page, { act: 'say', who: hamlet, text: 'Words, words, words' });
          await soon(() => client.texts()).toContain('Words, words, words');
          await soon(() => heardBy(page, alice)).toContain('Words, words, words');
          const carried = (await page.evaluate('lab.counters().links')) as { link: string; stanzas: number }[];
          const of = (link: string) => carried.find((one) => one.link === link)?.stanzas;
          expect(of('denmark.lit~wonderland.lit')).toBe(0);
          expect(of(`127.0.0.1~denmark.lit`)).toBeGreaterThan(2);

          // The secret is in nothing that the page was given.
          expect(told.join('\n')).toContain('Words, words, words');
          expect(told.join('\n')).not.toContain(secret);
          expect(program.output()).not.toContain(secret);

          const other = await context.newPage();
          await other.goto(url.replace('/#', '/?room=mine#'));
          await soon(() => other.textContent('[data-testid=fatal]')).toMatch(
            /no room mine: on a real server there is one network/,
          );

          // It goes away: the page says so, and why, and its own people talk on.
          await server.stop();
          isUp = false;
          await page.waitForSelector('html[data-phase=offline]');
          expect(await page.textContent('[data-testid=trouble]')).toMatch(
            /127\.0\.0\.1 is not reached\. .*(closed|refused)/,
          );
          await act(page, { act: 'say', who: alice, text: 'Who are you?' });
          await soon(() => heardBy(page, alice)).toContain('Who are you?');
          expect(troubles).toEqual([]);
        },
        patienceMs,
      );

      it(
        'a wrong secret, and a server that is not there, are said before anything starts',
        async () => {
          const server = await start();
          ends.push(() => server.stop());
          writeFileSync(`${directory}/wrong`, 'x');
          const refused = startPage(server.componentPort, '--secret-file', `${directory}/wrong`);
          await refused.says(
            /does not take talk\.denmark\.lit: not-authorized: the secret is not the one that the server has/,
          );
          const nobody = startPage(1, '--secret-file', `${directory}/secret`);
          await nobody.says(/127\.0\.0\.1:1 does not take talk\.denmark\.lit: the connection was refused/);
        },
        patienceMs,
      );
    },
  );
}

/** In the page’s own words. */
async function act(page: Page, action: Readonly<Record<string, string>>): Promise<void> {
  expect(await page.evaluate((given) => (globalThis as unknown as Lab).lab.act(given), action)).toMatchObject({
    ok: true,
  });
}

interface Lab {
  readonly lab: { act(action: unknown): Promise<unknown>; state(): { occupants: { nick: string; server: string }[] } };
}

const serverIn = (page: Page, nick: string) =>
  page.evaluate(
    (named) => (globalThis as unknown as Lab).lab.state().occupants.find((one) => one.nick === named)?.server,
    nick,
  );

/** Bodies that the server handed to a user. */
const heardBy = (page: Page, who: string) =>
  page.evaluate<string[]>(
    `lab.events({ kind: 'hop', leg: 'out', stanza: 'message' }).filter(({ to, stanza }) => to === '${who}' && /<body/.test(stanza?.xml))
      .map(({ stanza }) => /<body[^>]*>(.*?)</.exec(stanza.xml)[1])`,
  );
