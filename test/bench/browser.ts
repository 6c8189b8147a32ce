import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { findChromium } from '../../src/headless/chromium.mjs';
import type { Result } from '../../src/host/control.ts';
import type { HistoryFigures } from './history.ts';
import { familyOf, startNode, stopped } from './processes.ts';
import type { PairFigures } from './stores.ts';
import { processes, type Running } from './targets.ts';

const executablePath = await findChromium();

/** Why there is no browser; undefined: there is one. */
export const noBrowser = executablePath === undefined ? 'no Chromium was found (CHROMIUM_PATH names one)' : undefined;

const patienceMs = 400_000;

/**
 * The embedded server in one process, Chromium with the bench page in others; resolves with what the page answers.
 *
 * Without Playwright: it has itself told of every frame on every WebSocket, which costs more than the frames do.
 */
async function openPage<T>(query: string) {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-bench-`);
  await build({
    configFile: false,
    root: fileURLToPath(new URL('./page', import.meta.url)),
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: `${directory}/page`, emptyOutDir: true, target: 'es2022' },
  });
  const { child, match } = await startNode('./page-host.ts', [`${directory}/page`], /ready (ws:\S+) (http:\S+)/);
  const [, websocket, origin] = match as unknown as [string, string, string];
  const browser = spawn(
    executablePath as string,
    // biome-ignore format: one flag after the other
    ['--headless', '--no-first-run', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), `--user-data-dir=${directory}/profile`,
      `${origin}/index.html?${query}`],
    { stdio: 'ignore' },
  );
  const stop = async () => {
    await stopped(browser);
    await stopped(child);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const answer = await new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the page does not answer')), patienceMs);
      let output = '';
      child.stdout?.on('data', (chunk) => {
        output += chunk;
        const found = /^result (.*)\n/m.exec(output);
        if (!found) return;
        clearTimeout(timer);
        resolve(JSON.parse(found[1] as string) as T);
      });
    });
    return { answer, websocket, stop, host: child.pid as number, browser: browser.pid as number };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A service's node in a worker of Chromium, logged in to the embedded server over WebSocket. */
export async function startInBrowser(): Promise<Running> {
  const { answer, websocket, stop, host, browser } = await openPage<Result>('node');
  if (!answer.ok) {
    await stop();
    throw new Error(answer.error);
  }
  return {
    url: websocket,
    domain: 'localhost',
    rooms: 'conference.localhost',
    ...processes([host, ...familyOf(browser)], [host]),
    stop,
  };
}

export function historyInBrowser(messages: number): Promise<HistoryFigures> {
  return measuredInBrowser(`history=${messages}`);
}

export function storesInBrowser(messages: number, pairs: number): Promise<readonly PairFigures[]> {
  return measuredInBrowser(`history=${messages}&pairs=${pairs}`);
}

async function measuredInBrowser<T extends object>(query: string): Promise<T> {
  const { answer, stop } = await openPage<T | { readonly error: string }>(query);
  await stop();
  if ('error' in answer) throw new Error(answer.error);
  return answer;
}
