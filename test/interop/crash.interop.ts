import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium } from '@playwright/test';
import { build } from 'vite';
import { afterEach, describe, expect, it } from 'vitest';
import { jid } from '../../src/core/xmpp/jid.ts';
import { findChromium } from '../../src/headless/chromium.mjs';
import { type Started, startCommand } from '../support/commands.ts';
import { startComponent } from './support/component.ts';
import { chromiumArgs } from './support/converse.ts';
import { crashRounds, type Victim } from './support/crashes.ts';
import { noProsody, startProsody } from './support/prosody.ts';

const fast = process.env['INTEROP'] === 'fast';
const rounds = fast ? 2 : 20;
const patience = rounds * 20_000 + 60_000;
const executablePath = await findChromium();
const noChromium = executablePath === undefined ? 'no Chromium was found' : undefined;
const because = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);

/** In the order in which they are to be undone, the last first. */
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function newDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-crash-`);
  undo.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** Resolves with what a line of its output has. */
async function started(child: Started, ready: RegExp) {
  undo.push(() => ended(child));
  let output = '';
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += data;
      const found = ready.exec(output);
      if (found !== null) resolve(found);
    });
    child.once('close', () => reject(new Error(errors)));
  });
  return { child, match };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
}

async function expectAllThere(victim: Victim): Promise<void> {
  const { shown, lost, duplicated } = await crashRounds(victim, rounds);
  console.log(`${rounds} crashes: ${shown} messages shown, ${lost.length} lost, ${duplicated.length} duplicated`);
  expect({ lost, duplicated }).toEqual({ lost: [], duplicated: [] });
  expect(shown).toBeGreaterThanOrEqual(rounds);
}

describe('A node that is killed at any moment under load loses nothing that anybody was shown, and has nothing twice', () => {
  it(`serve, ${rounds} times`, { timeout: patience }, async () => {
    const store = newDirectory();
    await expectAllThere({
      room: jid('lobby@conference.localhost'),
      users: ['admin@localhost', 'witch@localhost'],
      async start() {
        const args = ['--scenario', 'plain', '--auth', 'open', '--port', '0', '--store', store];
        const { child, match } = await started(await startCommand('serve', args), /^ready (ws:\S+)/m);
        return { websocket: match[1] as string, crash: () => ended(child) };
      },
    });
  });

  it.skipIf(noProsody !== undefined)(
    `a component of Prosody, ${rounds} times${because(noProsody)}`,
    { timeout: patience },
    async () => {
      const domain = 'talk.denmark.lit';
      const prosody = await startProsody({
        hosts: { 'denmark.lit': { hamlet: 'pw', horatio: 'pw' } },
        components: { [domain]: 's3cr3t' },
      });
      undo.push(() => prosody.stop());
      const store = newDirectory();
      await expectAllThere({
        room: jid(`elsinore@${domain}`),
        users: ['hamlet@denmark.lit', 'horatio@denmark.lit'],
        async start() {
          const args = ['--domain', domain, '--store', store];
          const component = await startComponent(prosody.componentPort, 's3cr3t', ...args);
          const crash = async () => void (await component.end('SIGKILL'));
          undo.push(crash);
          return { websocket: prosody.websocket, crash };
        },
      });
    },
  );

  it.skipIf(noChromium !== undefined)(
    `a worker of a browser, ${rounds} times${because(noChromium)}`,
    { timeout: patience },
    async () => {
      const directory = newDirectory();
      await build({
        configFile: false,
        root: fileURLToPath(new URL('../bench/page', import.meta.url)),
        logLevel: 'error',
        worker: { format: 'es' },
        build: { outDir: `${directory}/page`, emptyOutDir: true, target: 'es2022' },
      });
      const path = fileURLToPath(new URL('../bench/page-host.ts', import.meta.url));
      const host = spawn(process.execPath, ['--import', 'tsx', path, `${directory}/page`], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const { match } = await started(host, /ready (ws:\S+) (http:\S+)/);
      const [, websocket, origin] = match as unknown as [string, string, string];
      const context = await newContext(`${directory}/profile`);
      undo.push(() => context.close());
      await expectAllThere({
        room: jid('lobby@conference.localhost'),
        users: ['admin@localhost', 'witch@localhost'],
        async start() {
          const page = await context.newPage();
          const answered = page.waitForRequest(`${origin}/result`);
          await page.goto(`${origin}/index.html?node`);
          const answer = (await answered).postDataJSON() as { readonly ok: boolean };
          if (!answer.ok) throw new Error(JSON.stringify(answer));
          const session = await context.newCDPSession(page);
          return {
            websocket,
            async crash() {
              const gone = page.waitForEvent('crash');
              // The whole renderer, and its workers with it. It does not answer.
              session.send('Page.crash').catch(() => undefined);
              await gone;
              await page.close();
            },
          };
        },
      });
    },
  );
});

function newContext(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: chromiumArgs,
  });
}
