import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { serveFiles } from './support/files.ts';
import { expect, test } from './support/netsplit.ts';

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

async function open(page: Page): Promise<void> {
  await page.goto(`${files.url}#lab=wallops`);
  await page.waitForSelector('html[data-mode=lab][data-phase=paused]');
  await page.getByTestId('lessons-open').click();
  await page.getByTestId('costs-open').click();
  await expect(page.getByTestId('costs')).toBeVisible();
}

const cell = (page: Page, design: string, measure: string) =>
  page.locator(`[data-testid=costs-table] [data-design="${design}"] [data-cell=${measure}]`);

test.describe('Costs at scale', () => {
  test('sliders by keyboard change the table, the chart and what is too much first', async ({ page, troubles }) => {
    troubles.allow(/404/);
    await open(page);
    // A thousand people on ten servers: 100 messages, each to the 900 people elsewhere, and 90 of them to the room first.
    await expect(cell(page, 'plain', 'messageStanzas')).toHaveText('90,090');
    await expect(cell(page, '0281', 'messageStanzas')).toHaveText('900');
    await page.getByTestId('costs-servers').focus();
    await page.keyboard.press('ArrowRight');
    await expect(page.getByTestId('costs-value-servers')).toHaveText('20 servers');
    await expect(page.getByTestId('costs-servers')).toHaveAttribute('aria-valuetext', '20 servers');
    await expect(cell(page, '0281', 'messageStanzas')).toHaveText('1,900');
    await expect(page.getByTestId('costs-chart')).toHaveAttribute('aria-label', /0281 shadows: 1,900/);
    await page.getByTestId('costs-measure').selectOption('last');
    await expect(page.getByTestId('costs-chart')).toHaveAttribute('aria-label', /Time to the last delivery.* ms/);
    await expect(page.getByTestId('costs-limits')).toContainText('stanzas that one node handles, with');
    await page.keyboard.press('Escape');
    await expect(page.getByTestId('costs')).toHaveCount(0);
  });

  for (const [theme, width] of [
    ['light', 1440],
    ['dark', 360],
  ] as const)
    test(`axe finds nothing, and nothing is cut off: ${theme}, ${width} px`, { tag: '@long' }, async ({
      page,
      troubles,
    }) => {
      troubles.allow(/404/);
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 900 });
      await open(page);
      const { violations } = await new AxeBuilder({ page }).include('dialog.costs').analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
      const body = page.locator('dialog.costs .dialog-body');
      expect(await body.evaluate((one) => one.scrollWidth - one.clientWidth)).toBeLessThanOrEqual(0);
      await page.screenshot({ path: `test-results/costs-${theme}.png` });
      await body.evaluate((one) => one.scrollTo(0, 480));
      await page.screenshot({ path: `test-results/costs-${theme}-2.png` });
    });

  test('a lesson leads to them', { tag: '@long' }, async ({ page, troubles }) => {
    troubles.allow(/404/);
    await page.goto(`${files.url}#lesson=one-room-one-server&step=6`);
    await page.waitForSelector('html[data-mode=lab]');
    await page.getByTestId('lesson-costs').focus();
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('costs')).toBeVisible();
  });
});
