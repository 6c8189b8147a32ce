import AxeBuilder from '@axe-core/playwright';
import { expect, test } from './support/netsplit.ts';

test.describe('The specification', () => {
  test('is a page beside the page: in light and dark, 360 px wide, and axe finds nothing', { tag: '@long' }, async ({
    room,
  }) => {
    const { page } = room;
    // Each width and each theme once: to look at so long a page takes its time.
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await page.goto('/specification.html');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Keeping Distributed Rooms in Step');
      await expect(page.locator('body')).toHaveCSS('max-width', '736px');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations).toEqual([]);
    }
    await page.getByRole('link', { name: '#131' }).first().click();
    await expect(page).toHaveURL(/#decision-131$/);
  });

  test('is there in the XSF’s form, too', async ({ room }) => {
    const answer = await room.page.request.get('/specification.xml');
    expect(answer.ok()).toBe(true);
    expect(await answer.text()).toContain('<section1 topic="Introduction"');
  });
});
