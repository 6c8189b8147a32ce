import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { findChromium } from '../../src/headless/chromium.mjs';
import { startNode, stopped } from './processes.ts';

/** From the browser's request for the page until everybody is in the room, in milliseconds. */
export interface StartFigures {
  readonly scenario: string;
  readonly nodes: number;
  readonly joinedMs: readonly number[];
}

/** The reference is first: one node, and no replicas. */
const scenarios = [
  { scenario: 'plain', nodes: 1 },
  { scenario: 'wallops', nodes: 4 },
];
/** The browser has nothing else to do before. */
const restMs = 1_500;
const patienceMs = 60_000;

/**
 * A new server for each time, and a page of a browser that runs already: as for somebody who has typed `npm start` and opens
 * the address. No Playwright: it has itself told of every frame on every WebSocket, which takes a third of a second here.
 */
export async function measureStart(times: number, tell: (line: string) => void): Promise<readonly StartFigures[]> {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-start-`);
  await build({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    logLevel: 'error',
    build: { outDir: `${directory}/page`, emptyOutDir: true },
  });
  const browser = spawn(
    (await findChromium()) as string,
    // biome-ignore format: one flag after the other
    ['--headless', '--no-first-run', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), `--user-data-dir=${directory}/profile`,
      '--remote-debugging-port=0', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    const devTools = await printed(browser.stderr, /ws:\/\/(127\.0\.0\.1:\d+)\//);
    const figures = scenarios.map((of) => ({ ...of, joinedMs: [] as number[] }));
    for (let i = 0; i < times; i++)
      for (const { scenario, joinedMs } of figures) {
        tell(`the start of ${scenario}, ${i + 1} of ${times}`);
        joinedMs.push(await startOnce(`${directory}/page/`, scenario, devTools));
      }
    return figures;
  } finally {
    await stopped(browser);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function startOnce(page: string, scenario: string, devTools: string): Promise<number> {
  const { child, match } = await startNode('./start-host.ts', [page, scenario], /ready (\S+)/);
  try {
    await new Promise((resolve) => setTimeout(resolve, restMs));
    const joined = printed(child.stdout, /^joined (\S+)/m);
    const address = encodeURIComponent(`${match[1]}/?scenario=${scenario}`);
    const opened = await fetch(`http://${devTools}/json/new?${address}`, { method: 'PUT' });
    const ms = Number(await joined);
    const { id } = (await opened.json()) as { readonly id: string };
    await fetch(`http://${devTools}/json/close/${id}`);
    return ms;
  } finally {
    await stopped(child);
  }
}

/** @returns what the pattern's group finds in the output */
async function printed(output: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  const patience = AbortSignal.timeout(patienceMs);
  let text = '';
  for (;;) {
    const [chunk] = await once(output as NodeJS.ReadableStream, 'data', { signal: patience });
    text += chunk;
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return found;
  }
}
