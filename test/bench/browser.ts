import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { build } from 'vite';
import { findChromium } from '../../src/headless/chromium.mjs';
import type { LiveConfig } from '../../src/scenario/live-config-type.ts';
import type { HistoryFigures } from './history.ts';
import type { BenchPage } from './page/page.ts';
import { familyOf, startNode, stopped } from './processes.ts';
import { processes, type Running } from './targets.ts';

declare const benchPage: BenchPage;

const executablePath = await findChromium();

/** Why there is no browser; undefined: there is one. */
export const noBrowser = executablePath === undefined ? 'no Chromium was found (CHROMIUM_PATH names one)' : undefined;

/** The embedded server in one process, Chromium with the bench page in others. */
async function openPage() {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-bench-`);
  await build({
    configFile: false,
    root: fileURLToPath(new URL('./page', import.meta.url)),
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: directory, emptyOutDir: true, target: 'es2022' },
  });
  const { child, match } = await startNode('./page-host.ts', [directory], /ready (ws:\S+) (http:\S+)/);
  const [, websocket, origin] = match as unknown as [string, string, string];
  const server = await chromium.launchServer({ ...(executablePath === undefined ? {} : { executablePath }) });
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage();
  page.on('console', (line) => console.error(`page: ${line.text()}`));
  await page.goto(`${origin}/index.html`);
  await page.waitForFunction('globalThis.benchPage !== undefined');
  const stop = async () => {
    await browser.close();
    await server.close();
    await stopped(child);
    rmSync(directory, { recursive: true, force: true });
  };
  return { page, websocket, origin, stop, host: child.pid as number, browser: server.process().pid as number };
}

/** A service's node in a worker of Chromium, logged in to the embedded server over WebSocket. */
export async function startInBrowser(): Promise<Running> {
  const { page, websocket, origin, stop, host, browser } = await openPage();
  const { scenario, credentials } = (await (await fetch(`${origin}/config.json`)).json()) as LiveConfig;
  const node = scenario.nodes[0];
  if (node === undefined) throw new Error('the scenario has no node');
  const config = { scenario, node, websocket, password: credentials.nodes[node.address] as string };
  const result = await page.evaluate((given) => benchPage.startNode(given), config);
  if (!result.ok) throw new Error(result.error);
  return {
    url: websocket,
    domain: 'localhost',
    rooms: node.address,
    ...processes([host, ...familyOf(browser)], [host]),
    stop,
  };
}

export async function historyInBrowser(messages: number): Promise<HistoryFigures> {
  const { page, stop } = await openPage();
  try {
    return await page.evaluate((count) => benchPage.history(count), messages);
  } finally {
    await stop();
  }
}
