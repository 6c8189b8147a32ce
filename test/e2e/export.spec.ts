import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import type { Download, Page } from '@playwright/test';
import { parseScenario } from '../../src/scenario/load.ts';
import type { ModelEvent } from '../../src/ui/fold/event.ts';
import { avalon, cast, expect, killrc, type RoomPage, test, wallops } from './support/netsplit.ts';

const kinds = ['ndjson', 'scenario', 'svg', 'space-time', 'mermaid', 'shiviz', 'bundle'] as const;
type Kind = (typeof kinds)[number];

const exported = (page: Page, kind: Kind) => page.evaluate((one) => window.lab.export(one), kind);

/** By the menu, as a person does it. */
async function saved({ page, testId }: RoomPage, kind: Kind): Promise<Download> {
  const download = page.waitForEvent('download');
  await page.getByTestId('export').click();
  await page.getByTestId(`export-${kind}`).click();
  void testId;
  return download;
}

const textOf = async (download: Download) => readFileSync(await download.path(), 'utf8');

/** Whoever was handed a copy, in no order: a page may learn late which message a copy is of. */
async function countersOf(room: RoomPage) {
  const { links, messages } = await room.counters();
  return { links, messages: messages.map((one) => ({ ...one, recipients: [...one.recipients].sort() })) };
}

/** All rows of the log, opened and with all kinds; the transcripts; the counters. */
async function shown(room: RoomPage) {
  const { page } = room;
  const log = room.testId('log');
  const rows = await page.evaluate(async () => {
    const box = document.querySelector<HTMLElement>('[data-testid=log]');
    const found = new Map<string, string>();
    if (!box) return [];
    for (let y = 0; y <= box.scrollHeight; y += box.clientHeight / 2) {
      box.scrollTop = y;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      for (const row of box.querySelectorAll<HTMLElement>('.row'))
        found.set(
          row.getAttribute('aria-rowindex') ?? '',
          `${row.dataset['event']} ${row.className} ${row.textContent}`,
        );
    }
    return [...found].sort(([a], [b]) => Number(a) - Number(b));
  });
  const count = await log.getAttribute('aria-rowcount');
  await room.testId('tab-transcripts').click();
  const transcripts = await page.locator('ns-transcripts').textContent();
  await room.testId('tab-counters').click();
  await expect(page.locator('ns-counters')).not.toContainText('…');
  const counters = await page.locator('ns-counters').textContent();
  await room.testId('tab-log').click();
  return { rows, count, transcripts, counters };
}

/** Something of each kind: messages, a split, a change of nick, a crash. */
async function live(room: RoomPage): Promise<void> {
  await room.open();
  await room.say(cast.BigCheese, 'a <b>rotten</b> time');
  await room.do({ act: 'cut', link: [avalon, killrc], how: 'bounce' });
  await room.say(cast.WiZ, 'cut off');
  await room.do({ act: 'nick', who: cast.Troy, nick: 'Helen; -->> end' });
  await room.do({ act: 'pm', who: cast.WiZ, to: 'BigCheese', text: 'between us' });
  await room.do({ act: 'heal', link: [avalon, killrc] });
  await room.waitForState({ node: `replica@${killrc}`, state: 'live' });
}

/** Looks until nothing has happened meanwhile: nodes ask each other whether they are there, whenever they like. */
async function undisturbed<T>(room: RoomPage, look: (events: readonly ModelEvent[]) => Promise<T>): Promise<T> {
  for (;;) {
    await room.quiet();
    const events = await room.events();
    const seen = await look(events);
    if (JSON.stringify(await room.events()) === JSON.stringify(events)) return seen;
  }
}

test.use({ pace: 0 });

test.describe('Export', () => {
  test('a trace of a live session that is opened again shows the same log, transcripts and counters', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    const { page, phase } = room;
    await live(room);
    for (const kind of ['iq']) await room.testId(`log-kind-${kind}`).click();
    const { before, counters, events, download } = await undisturbed(room, async (events) => ({
      events,
      before: await shown(room),
      counters: await countersOf(room),
      download: await saved(room, 'ndjson'),
    }));
    expect(download.suggestedFilename()).toMatch(/^netsplit-wallops-\d{4}-\d\d-\d\d\.ndjson$/);
    const text = await textOf(download);

    await page.evaluate((trace) => window.lab.import(trace), text);
    await expect(phase).toHaveAttribute('data-mode', 'recorded');
    await expect(phase).toHaveAttribute('data-phase', 'paused');
    for (const kind of ['iq']) await room.testId(`log-kind-${kind}`).click();
    expect(await room.events()).toEqual(events);
    const after = await shown(room);
    expect(after).toEqual(before);
    expect(await countersOf(room)).toEqual(counters);
    await expect(room.testId('model-badge')).toHaveText('XEP-0282');
    await expect(room.testId('run')).toHaveText((await page.evaluate(() => window.lab.scenario())).title);
    // What was opened from a file is saved as that file.
    expect(await exported(page, 'ndjson')).toBe(text);
  });

  test('a scenario, a picture, two diagrams and a report: each is saved by its item in the menu', {
    tag: '@long',
  }, async ({ room, context }) => {
    const { page } = room;
    await live(room);
    const scenario = await textOf(await saved(room, 'scenario'));
    expect(parseScenario(scenario)).toMatchObject({ ok: true, scenario: { id: 'wallops' } });

    const picture = await textOf(await saved(room, 'svg'));
    const alone = await context.newPage();
    await alone.setContent(`<!doctype html><body style="margin:0">${picture}</body>`);
    const drawn = alone.locator('svg');
    for (const text of ['avalon.irc', 'eris.dclxvii.irc', 'primary', 'BigCheese', 'WiZ', 'Efchen', 'Wumpus', 'Valdis'])
      await expect(drawn).toContainText(text);
    const sizes = await drawn.evaluate((svg: SVGSVGElement) => {
      const [back] = svg.querySelectorAll('rect');
      const look = (one: Element | null | undefined) => one && getComputedStyle(one).fill;
      const fills = new Set([...svg.querySelectorAll('circle, rect, text')].map((one) => look(one)));
      return {
        width: svg.getBoundingClientRect().width,
        back: look(back),
        fills: fills.size,
        styles: svg.querySelectorAll('style, script, [class]').length,
      };
    });
    expect(sizes).toMatchObject({
      styles: 0,
      back: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
    });
    expect(sizes.width).toBeGreaterThan(300);
    expect(sizes.fills).toBeGreaterThan(5);
    await alone.close();

    const { events, diagram, log, report } = await undisturbed(room, async (events) => ({
      events,
      diagram: await textOf(await saved(room, 'mermaid')),
      log: await textOf(await saved(room, 'shiviz')),
      report: JSON.parse(await textOf(await saved(room, 'bundle'))),
    }));
    expect(diagram).toMatch(/^sequenceDiagram\n {2}participant p1 as /);
    expect(diagram.match(/->>/g)).toHaveLength(events.filter(({ leg }) => leg === 'out').length);
    expect(diagram.match(/-x/g)).toHaveLength(events.filter(({ outcome }) => outcome !== undefined).length);
    expect(log.match(/(?<host>\S*) (?<clock>{.*})\n(?<event>.*)/g)).toHaveLength(events.length);

    expect(report).toMatchObject({ format: 'netsplit-report', version: 1, mode: 'live', phase: 'quiet' });
    expect(report).toMatchObject({ viewport: { width: 1280 }, preferences: { pace: 0 }, shown: { tab: 'log' } });
    expect(report.build).toMatch(/\.js$/);
    expect(report.userAgent).toContain('Chrom');
    await expect(page.evaluate((kind) => window.lab.export(kind as 'svg'), 'omen')).rejects.toThrow(
      'is not one of ndjson',
    );
  });

  test('no password and no token of the server’s is in any of them', { tag: '@long' }, async ({ room, server }) => {
    const { page } = room;
    const answer = page.waitForResponse((response) => response.url().includes('/netsplit.json'));
    await room.open();
    const { credentials } = await (await answer).json();
    const secrets = new Set<string>();
    const collect = (value: unknown, name = ''): void => {
      if (typeof value === 'string' && (name === 'password' || /secret|token/i.test(name))) secrets.add(value);
      else if (typeof value === 'object' && value !== null)
        for (const [key, one] of Object.entries(value))
          collect(one, typeof one === 'string' && !('jid' in value) ? 'password' : key);
    };
    collect(credentials);
    const token = await page.evaluate(() => sessionStorage.getItem('netsplit-token'));
    if (token) secrets.add(token);
    const long = [...secrets].filter((secret) => secret.length >= 8);
    expect(long.length).toBeGreaterThan(3);
    void server;
    for (const kind of kinds) {
      const text = await exported(page, kind);
      for (const secret of long) expect(text.includes(secret), `${kind} has ${secret}`).toBe(false);
    }
    await expect(room.testId('export')).toBeVisible();
  });

  test('the menu works by the keyboard, fits on a telephone, and axe finds nothing', { tag: '@long' }, async ({
    room,
  }) => {
    const { page } = room;
    await room.open();
    await room.testId('export').focus();
    await page.keyboard.press('Enter');
    await expect(room.testId('export-ndjson')).toBeFocused();
    await page.keyboard.press('End');
    await expect(room.testId('teach')).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await expect(room.testId('export-ndjson')).toBeFocused();
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    }
    await page.keyboard.press('Escape');
    await expect(room.testId('export-menu')).toBeHidden();
    await expect(room.testId('export')).toBeFocused();
    await page.setViewportSize({ width: 360, height: 740 });
    await room.testId('export').click();
    for (const kind of kinds) await expect(room.testId(`export-${kind}`)).toBeInViewport({ ratio: 1 });
    await page.keyboard.press('Escape');
    await room.testId('rewind').click();
    await expect(room.testId('kept')).toBeInViewport({ ratio: 1 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
  });
});

test.describe('Import', () => {
  test('what is no trace is refused with a sentence, and what is shown stays', { tag: '@long' }, async ({ room }) => {
    const { page, phase } = room;
    await room.open();
    const trace = await exported(page, 'ndjson');
    for (const [text, why] of [
      ['Hello', 'It is not a trace: line 1 is not JSON.'],
      [trace.replace('"version":1', '"version":2'), 'It is a trace of version 2'],
      ['{"format":"netsplit-report","version":7,"trace":""}', 'It is a report of version 7'],
      [trace.replace('"xep":"0282"', '"xep":"<script>"'), '“scenario.xep” is not one of'],
      [trace.replace(wallops, 'x'.repeat(10_000_000)), 'characters'],
    ] as const)
      await expect(page.evaluate((one) => window.lab.import(one), text)).rejects.toThrow(why);
    await expect(phase).toHaveAttribute('data-mode', 'live');
    // A title that would run as markup is the text that it is.
    const hostile = '<img src=x onerror=alert(1)>';
    await page.evaluate(
      (one) => window.lab.import(one),
      trace.replace(/("scenario":.*?"title":")[^"]*/, `$1${hostile}`),
    );
    await expect(room.testId('run')).toHaveText(hostile);
    await expect(page.locator('img')).toHaveCount(0);
  });
});
