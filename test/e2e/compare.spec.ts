import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { serveFiles } from './support/files.ts';
import { expect, test } from './support/netsplit.ts';

const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const toKillrc = 'avalon.irc~killrc.oulubox.irc';

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

async function open(page: Page, hash = '#lab=wallops&seed=7'): Promise<void> {
  await page.goto(`${files.url}${hash}`);
  await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
}

async function say(page: Page, text = 'Phaedrus, we are having a rotten time.'): Promise<void> {
  await page.evaluate(([who, said]) => window.lab.act({ act: 'say', who, text: said }), [BigCheese, text] as const);
  await page.evaluate(() => window.lab.runToQuiet());
}

const comparison = (page: Page) => page.evaluate(() => window.lab.comparison());
/** Of a cell with two numbers: what is shown, without what only a screen reader says. */
const shown = (page: Page, selector: string) =>
  page
    .locator(selector)
    .first()
    .evaluate((cell) => {
      const copy = cell.cloneNode(true) as Element;
      for (const one of copy.querySelectorAll('.sr')) one.remove();
      return copy.textContent?.replace(/\s+/g, ' ').trim();
    });

test.describe('Compare', () => {
  // Where counters have their units.
  test.use({ viewport: { width: 1440, height: 900 } });

  test('a message: 4 stanzas on links beside 8 of a plain room, with the same 7 deliveries; everywhere both are told', async ({
    page,
  }) => {
    await open(page);
    expect(await comparison(page)).toBeUndefined();
    await expect(page.getByTestId('compare-legend')).toHaveCount(0);
    await page.getByTestId('compare').selectOption('plain');
    await expect(page.getByTestId('compare-legend')).toHaveText(/First: this run\s*\|\s*second: plain room/);
    await say(page);
    expect(await comparison(page)).toMatchObject({
      variant: 'plain',
      leftOut: 0,
      messages: [
        {
          who: BigCheese,
          here: { crossed: 4, lost: 0, deliveries: 7, lastDeliveryMs: 42 },
          there: { crossed: 8, lost: 0, deliveries: 7, lastDeliveryMs: 41 },
          ratio: 0.5,
          sameDeliveries: true,
        },
      ],
    });

    const { links = [] } = (await comparison(page)) ?? {};
    const link = links.find((one) => one.link === toKillrc);
    const both = `${link?.here.stanzas} | ${link?.there.stanzas} stanzas`;
    expect(link?.there.stanzas).toBeGreaterThan(link?.here.stanzas ?? 0);
    const pill = page.locator(`[data-link-label="${toKillrc}"]`);
    await expect(pill.locator('.carried')).toHaveText(both);
    await expect(pill.locator('.carried .here')).toHaveText(String(link?.here.stanzas));
    await expect(page.locator(`[data-link="${toKillrc}"]`)).toHaveAccessibleName(
      new RegExp(`this run: ${link?.here.stanzas} stanzas, .*; plain room: ${link?.there.stanzas} stanzas, `),
    );

    await page.getByTestId('tab-counters').click();
    const row = '[data-testid=compared-messages] tbody tr';
    expect(await shown(page, `${row} [data-cell=crossed]`)).toBe('4 | 8 stanzas');
    expect(await shown(page, `${row} [data-cell=ratio]`)).toBe('50 %');
    expect(await shown(page, `${row} [data-cell=deliveries]`)).toBe('7 | 7');
    expect(await shown(page, `${row} [data-cell=last]`)).toBe('42 ms | 41 ms');
    expect(await shown(page, `${row} [data-cell=same]`)).toBe('yes');
    expect(await shown(page, `[data-link-row="${toKillrc}"] [data-cell=stanzas]`)).toBe(both);
    await expect(page.getByTestId('counters-messages')).toHaveCount(0);

    await page.getByTestId('compare').selectOption('');
    await expect(page.getByTestId('counters-messages')).toBeVisible();
    await expect(pill.locator('.carried')).toHaveText(`${link?.here.stanzas} stanzas`);
    expect(await comparison(page)).toBeUndefined();
  });

  test('a chart over time: two lines that differ without colours, their ends in words, stanzas or bytes', {
    tag: '@long',
  }, async ({ page }) => {
    await open(page, '#lab=wallops&seed=7&compare=plain&view=counters');
    await say(page);
    const chart = page.getByTestId('compare-chart');
    const sum = async (what: 'stanzas' | 'bytes') => {
      const { links = [] } = (await comparison(page)) ?? {};
      return (['here', 'there'] as const).map((run) => links.reduce((all, link) => all + link[run][what], 0));
    };
    const [here, there] = await sum('stanzas');
    await expect(chart.locator('.series-name')).toHaveText([`this run${here} stanzas`, `plain room${there} stanzas`]);
    await expect(chart).toHaveAccessibleName(/^Stanzas on all links over the time of the run/);
    await expect(chart.locator('desc')).toHaveText(
      new RegExp(`this run has had ${here} stanzas on its links, and plain room ${there} stanzas`),
    );
    const dash = (which: string) =>
      chart.locator(`.series.${which}`).evaluate((line) => getComputedStyle(line).strokeDasharray);
    expect(await dash('here')).toBe('none');
    expect(await dash('there')).not.toBe('none');
    await page.getByTestId('compare-chart-bytes').click();
    await expect(chart).toHaveAttribute('data-unit', 'bytes');
    const kilobytes = (await sum('bytes')).map((one) => `${(one / 1_000).toFixed(1)} kB`);
    await expect(chart.locator('.series-name')).toHaveText([`this run${kilobytes[0]}`, `plain room${kilobytes[1]}`]);
  });

  test('it follows the place, the branch and a new beginning', { tag: '@long' }, async ({ page }) => {
    await open(page);
    await page.evaluate(() => window.lab.compare('0281'));
    await say(page, 'one');
    const one = await comparison(page);
    const end = await page.evaluate(() => window.lab.events().at(-1)?.id ?? 0);
    await say(page, 'two');
    const two = await comparison(page);
    await page.evaluate((event) => window.lab.seek({ event }), end);
    expect(await comparison(page)).toEqual(one);
    await page.evaluate((event) => window.lab.seek({ event }), one?.messages[0]?.id ?? 0);
    expect((await comparison(page))?.messages[0]?.there?.deliveries ?? 0).toBeLessThan(7);
    await page.evaluate(() => window.lab.seek({ t: 1e9 }));
    expect(await comparison(page)).toEqual(two);
    await page.evaluate((event) => window.lab.seek({ event }), end);
    await say(page, 'three');
    const bodies = async () => (await comparison(page))?.messages.map(({ body, there }) => [body, there?.crossed]);
    expect(await bodies()).toEqual([
      ['one', 3],
      ['three', 3],
    ]);
    await page.evaluate(() => window.lab.branch('main'));
    await page.evaluate(() => window.lab.seek({ t: 1e9 }));
    expect(await comparison(page)).toEqual(two);
    await page.getByTestId('start-over').click();
    await expect(page.getByTestId('transport-branch').locator('option')).toHaveCount(1);
    await expect.poll(bodies).toEqual([]);
    await expect(page.getByTestId('compare')).toHaveValue('0281');
  });

  test('what cannot be done there is left out, and said; an address keeps the comparison', { tag: '@long' }, async ({
    page,
  }) => {
    await open(page, '#lab=wallops&seed=7&compare=0289');
    await expect(page.getByTestId('compare')).toHaveValue('0289');
    await page.evaluate(() => window.lab.act({ act: 'crash', node: 'replica@eris.dclxvii.irc' }));
    await expect(page.getByTestId('compare-left-out')).toHaveText('1 act left out, which cannot be done there');
    await expect(page).toHaveURL(/&s=[\w-]+&compare=0289/);
    await page.reload();
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await expect(page.getByTestId('compare')).toHaveValue('0289');
    await expect(page.getByTestId('compare-left-out')).toBeVisible();
    expect(await page.evaluate(() => window.lab.compare('0282').catch((error: Error) => error.message))).toBe(
      'compare: wallops can be compared with plain, 0289, 0281, not 0282',
    );
  });

  test('by keyboard: c compares, and compares no more; it does the same protocol again', { tag: '@long' }, async ({
    page,
  }) => {
    await open(page);
    await page.keyboard.press('c');
    await expect(page.getByTestId('compare')).toHaveValue('plain');
    await page.getByTestId('compare').focus();
    await page.getByTestId('compare').selectOption('0281');
    // Typed into a control it is none of the page's keys.
    await page.getByTestId('say-text').press('c');
    await expect(page.getByTestId('compare')).toHaveValue('0281');
    await page.getByTestId('say-text').press('Escape');
    await page.keyboard.press('c');
    await expect(page.getByTestId('compare')).toHaveValue('');
    await page.keyboard.press('c');
    await expect(page.getByTestId('compare')).toHaveValue('0281');
    await page.getByTestId('tab-counters').click();
    await page.getByTestId('compare-chart-bytes').focus();
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('compare-chart')).toHaveAttribute('data-unit', 'bytes');
    await page.keyboard.press('?');
    await expect(page.locator('ns-help dialog')).toContainText('compare with the same run in another protocol');
  });

  test('played to its end, it goes on until the last delivery in both', { tag: '@long' }, async ({ page }) => {
    await open(page, '#lab=wonderland&compare=plain');
    const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
    await page.evaluate((who) => window.lab.act({ act: 'join', who }), hamlet);
    await page.evaluate(() => window.lab.runToQuiet());
    await page.evaluate((who) => window.lab.act({ act: 'say', who, text: 'Hi Alice' }), hamlet);
    expect((await comparison(page))?.messages[0]?.sameDeliveries).toBeUndefined();
    await page.getByTestId('pace').selectOption('0');
    await page.getByTestId('transport-play').click();
    await expect.poll(async () => (await comparison(page))?.messages[0]?.sameDeliveries).toBe(true);
    await page.waitForSelector('html[data-phase=paused]');
    const [{ here, there } = {}] = (await comparison(page))?.messages ?? [];
    expect(there?.lastDeliveryMs).toBeGreaterThan(2_000);
    expect(here?.lastDeliveryMs).toBeLessThan(2_000);
  });

  for (const colorScheme of ['light', 'dark'] as const)
    test(`axe finds nothing, ${colorScheme}; at 390 px nothing is cut off`, { tag: '@long' }, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      await open(page, '#lab=wallops&seed=7&compare=plain&view=counters');
      await say(page);
      await page.evaluate(() =>
        window.lab.act({ act: 'cut', link: ['avalon.irc', 'killrc.oulubox.irc'], how: 'silent' }),
      );
      await say(page, 'two');
      await expect(page.getByTestId('compare-chart')).toBeVisible();
      const find = async () => (await new AxeBuilder({ page }).setLegacyMode().analyze()).violations;
      expect(await find()).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      const carried = page.locator('[data-link-label="avalon.irc~vesa.yeggmaex.irc"] .carried');
      await expect(carried).toHaveText(/^\d+ \| \d+$/);
      await page.getByTestId('region-panel').click();
      await expect(page.getByTestId('compare-chart')).toBeVisible();
      const { chart, room } = await page.evaluate(() => ({
        chart: document.querySelector('[data-testid=compare-chart]')?.getBoundingClientRect().right ?? Infinity,
        room: document.documentElement.scrollWidth,
      }));
      expect([room, chart <= 390]).toEqual([390, true]);
      const wide = await page
        .locator('.compared')
        .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
      expect(wide).toBe(0);
      expect(await find()).toEqual([]);
      await context.close();
    });
});
