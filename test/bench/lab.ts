import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { findChromium } from '../../src/headless/chromium.mjs';
import { serveFiles } from '../e2e/support/files.ts';

/** How the page kept up while it showed something, in milliseconds. */
export interface Smoothness {
  readonly frames: number;
  readonly medianFps: number;
  readonly longestTaskMs: number;
  readonly longTasks: number;
  /** After its garbage was collected, in bytes. */
  readonly heapBefore: number;
  readonly heapAfter: number;
}

const tokensMost = 1_000;
const crowdSeconds = 5;
/** Somebody who goes through a run looks at a place for so long, at least. */
const lookMs = 400;

/** The Lab's page on a web server that knows nothing of rooms. */
export interface LabFigures {
  /** From the address to the first picture. */
  readonly firstPictureMs: readonly number[];
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly seconds: number;
  /** The reference: the same page, as long, with nothing that moves. */
  readonly still: Smoothness;
  readonly playing: Smoothness;
  /** So many stanzas moved at once, on links that take 20 s. */
  readonly tokens: number;
  readonly crowd: Smoothness;
  /** To places all over the run, until it is drawn; somebody looks at each. */
  readonly seeksMs: readonly number[];
  /** The same one right after the other, as a slider is dragged. */
  readonly draggedMs: readonly number[];
  readonly stepsMs: readonly number[];
}

/** @param seconds  how long it plays, and as long it stands still */
export async function measureLab(seconds: number, tell: (line: string) => void): Promise<LabFigures> {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-lab-`);
  await build({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    logLevel: 'error',
    build: { outDir: directory, emptyOutDir: true },
  });
  const files = await serveFiles(directory);
  const executablePath = await findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'],
  });
  try {
    const firstPictureMs: number[] = [];
    for (let i = 0; i < 5; i++) {
      tell(`first picture, ${i + 1} of 5`);
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(files.url);
      firstPictureMs.push(await page.evaluate(firstPicture));
      await context.close();
    }
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    // Functions with names of their own are handed to the page as esbuild wrote them.
    await page.addInitScript('globalThis.__name = (it) => it');
    await page.goto(`${files.url}#lab=wallops&seed=7`);
    await page.waitForSelector('html[data-phase="paused"]');
    tell(`a run of ${seconds} s`);
    const events = await page.evaluate(record, { seconds, everyMs: 175 });
    tell('standing still');
    const still = await smoothness(page, seconds);
    tell('playing');
    const begun = await page.evaluate(play);
    const playing = await smoothness(page, seconds);
    const reached = await page.evaluate(() =>
      Number(document.querySelector('[data-testid="transport"]')?.getAttribute('data-at')),
    );
    tell('seeks');
    const seeks = await page.evaluate(seekAbout, lookMs);
    const dragged = await page.evaluate(seekAbout, 0);
    const steps = await page.evaluate(stepBack, lookMs);
    tell('a thousand stanzas at once');
    await page.evaluate(gather, tokensMost);
    const crowd = await smoothness(page, crowdSeconds);
    const tokens = await page.locator('.token').count();
    return {
      ...{ firstPictureMs, events, seconds, still, playing, tokens, crowd },
      eventsPerSecond: (reached - begun) / seconds,
      seeksMs: seeks,
      draggedMs: dragged,
      stepsMs: steps,
    };
  } finally {
    await browser.close();
    await files.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Milliseconds from the address to a picture with everybody in it. */
async function firstPicture(): Promise<number> {
  for (;;) {
    await new Promise(requestAnimationFrame);
    if (document.querySelectorAll('[data-occupant][data-phase="joined"]').length === 7) return performance.now();
  }
}

/** People talk in turn, for so many seconds of the run; then its beginning is shown. @returns events in all */
async function record({ seconds, everyMs }: { seconds: number; everyMs: number }): Promise<number> {
  const people = window.lab.state().occupants.map(({ jid }) => jid);
  for (let i = 0; i * everyMs < seconds * 1000; i++) {
    await window.lab.act({ act: 'say', who: people[i % people.length] as string, text: `Line ${i} of a long talk.` });
    await window.lab.runFor(everyMs);
  }
  await window.lab.runToQuiet();
  return Number(document.querySelector('[data-testid="transport"]')?.getAttribute('data-length'));
}

/** Plays in the run's own time, from where the talk begins. @returns that place */
async function play(): Promise<number> {
  const first = window.lab.events({}).find(({ text }) => text === 'Line 0 of a long talk.');
  await window.lab.seek({ event: first?.id ?? 0 });
  const speed = document.querySelector<HTMLSelectElement>('[data-testid="transport-speed"]');
  if (speed) speed.value = '1';
  speed?.dispatchEvent(new Event('change'));
  document.querySelector<HTMLButtonElement>('[data-testid="transport-play"]')?.click();
  return Number(document.querySelector('[data-testid="transport"]')?.getAttribute('data-at'));
}

async function smoothness(page: Page, seconds: number): Promise<Smoothness> {
  return page.evaluate(async (ms) => {
    const { gc } = window as unknown as { gc: () => void };
    const heap = () => {
      gc();
      return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
    };
    const heapBefore = heap();
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ type: 'longtask' });
    const gaps: number[] = [];
    const until = performance.now() + ms;
    let last = await new Promise(requestAnimationFrame);
    while (last < until) {
      const next = await new Promise(requestAnimationFrame);
      gaps.push(next - last);
      last = next;
    }
    observer.disconnect();
    gaps.sort((a, b) => a - b);
    return {
      ...{ frames: gaps.length, medianFps: 1000 / (gaps[gaps.length >> 1] ?? 1), heapBefore, heapAfter: heap() },
      ...{ longestTaskMs: Math.max(0, ...tasks), longTasks: tasks.length },
    };
  }, seconds * 1000);
}

/** Everybody speaks until so many stanzas are on the links, and it plays while they are all under way. */
async function gather(tokens: number): Promise<void> {
  await window.lab.load('wallops', { seed: 8 });
  for (const { ends } of window.lab.state().links)
    await window.lab.act({ act: 'slow', link: ends, latencyMs: 20_000, jitterMs: 0, bytesPerSecond: 0 });
  const people = window.lab.state().occupants.map(({ jid }) => jid);
  // Each crosses one link, and later three.
  for (let i = 0; i < tokens / 2; i++) {
    await window.lab.act({ act: 'say', who: people[i % people.length] as string, text: `Line ${i}.` });
    if (i % people.length === 0) await window.lab.runFor(100);
  }
  await window.lab.runFor(20_000);
  const speed = document.querySelector<HTMLSelectElement>('[data-testid="transport-speed"]');
  if (speed) speed.value = '1';
  speed?.dispatchEvent(new Event('change'));
  document.querySelector<HTMLButtonElement>('[data-testid="transport-play"]')?.click();
  while (document.querySelectorAll('.token').length < tokens) await new Promise(requestAnimationFrame);
}

/** To twenty places all over the run. */
async function seekAbout(lookMs: number): Promise<number[]> {
  const length = Number(document.querySelector('[data-testid="transport"]')?.getAttribute('data-length'));
  const events = window.lab.events({}).map(({ id }) => id);
  const times: number[] = [];
  // Steps of 7 of 20 come to every part, and never to the next one.
  for (let i = 0; i < 20; i++) {
    const event = events[Math.floor((((i * 7) % 20) / 20) * Math.min(length, events.length - 1))] as number;
    if (lookMs > 0) await new Promise((resolve) => setTimeout(resolve, lookMs));
    const begun = performance.now();
    // Settles when the page shows it.
    await window.lab.seek({ event });
    times.push(performance.now() - begun);
  }
  return times;
}

async function stepBack(lookMs: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    const begun = performance.now();
    await window.lab.step(-1);
    times.push(performance.now() - begun);
  }
  return times;
}
