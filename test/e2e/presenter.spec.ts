import AxeBuilder from '@axe-core/playwright';
import { avalon, cast, expect, killrc, test, wallopsNodes } from './support/netsplit.ts';

const axe = async (room: { page: import('@playwright/test').Page }) =>
  (await new AxeBuilder({ page: room.page }).setLegacyMode().analyze()).violations;

test.describe('Presenter mode', () => {
  test.use({ viewport: { width: 1280, height: 720 } });

  test('large type, captions on the picture, the inspector over it; keys, Esc and a reload', { tag: '@long' }, async ({
    room,
  }) => {
    const { page, phase } = room;
    await room.open();
    const nodeText = room.node(wallopsNodes[0]).locator('.role');
    const sizeOf = async () => (await nodeText.boundingBox())?.height ?? 0;
    const usual = await sizeOf();
    const body = page.locator('body');
    await body.press('p');
    await expect(phase).toHaveAttribute('data-presenting', '150');
    await expect(page).toHaveURL(/#present=150$/);
    await expect(room.testId('log')).toBeHidden();
    await expect(room.testId('inspector')).toBeHidden();
    await expect.poll(sizeOf).toBeGreaterThanOrEqual(1.15 * usual);

    // What is said aloud is seen, too, and hides nothing of the picture.
    const caption = room.testId('caption');
    await room.say(cast.BigCheese, 'hello, all');
    await expect(room.testId('live-region')).toContainText('sends');
    await expect(caption).toHaveText(
      ((await room.testId('live-region').textContent()) ?? '').replaceAll('XEP-', 'XEP\u2011'),
    );
    expect(await caption.evaluate((one) => Number.parseFloat(getComputedStyle(one).fontSize))).toBe(25.5);
    const [box, picture] = [await caption.boundingBox(), await room.testId('topology').boundingBox()];
    expect((picture?.y ?? 0) + (picture?.height ?? 0)).toBeLessThanOrEqual(Math.ceil(box?.y ?? 0));

    // A remote control goes from line to line, and the inspector comes and goes with the selection.
    await body.press('PageDown');
    const title = room.testId('inspector-title');
    await expect(title).toBeVisible();
    await expect(title).toContainText('hello, all');
    await body.press('PageUp');
    await expect(title).not.toContainText('hello, all');
    await body.press('PageDown');
    await expect(title).toContainText('hello, all');
    expect(await axe(room)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axe(room)).toEqual([]);
    await room.testId('inspector-close').click();
    await expect(room.testId('inspector')).toBeHidden();

    await body.press('+');
    await expect(phase).toHaveAttribute('data-presenting', '175');
    for (let i = 0; i < 3; i++) await body.press('+');
    await expect(phase).toHaveAttribute('data-presenting', '200');
    await body.press('-');
    await expect(phase).toHaveAttribute('data-presenting', '175');

    // The views come and go.
    await body.press('4');
    await expect(room.testId('counters-messages')).toBeVisible();
    await body.press('4');
    await expect(room.testId('counters-messages')).toBeHidden();
    await room.testId('drawer').click();
    await room.testId('tab-log').click();
    await expect(room.testId('log')).toBeVisible();
    expect(await axe(room)).toEqual([]);

    // Esc: the menu, the selection, the views, the mode.
    await room.link(avalon, killrc).focus();
    await page.keyboard.press('Shift+F10');
    await expect(room.testId('menu')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(room.testId('menu')).toBeHidden();
    await expect(room.testId('inspector')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(room.testId('inspector')).toBeHidden();
    await page.keyboard.press('Escape');
    await expect(room.testId('log')).toBeHidden();
    // The menu opens at its thing.
    await room.link(avalon, killrc).focus();
    await page.keyboard.press('Shift+F10');
    const menu = await room.testId('menu').boundingBox();
    const pill = await room.pill(avalon, killrc).boundingBox();
    expect(Math.abs((menu?.x ?? 0) - (pill?.x ?? 0) - (pill?.width ?? 0) / 2)).toBeLessThan(2);
    await page.keyboard.press('Escape');
    await expect(room.testId('menu')).toBeHidden();
    await page.keyboard.press('Escape');
    await expect(room.testId('inspector')).toBeHidden();
    await expect(phase).toHaveAttribute('data-presenting', '175');
    await expect(page).toHaveURL(/#present=175$/);
    await page.reload();
    await room.ready();
    await expect(phase).toHaveAttribute('data-presenting', '175');
    await page.keyboard.press('Escape');
    await expect(phase).not.toHaveAttribute('data-presenting');
    // Its size is remembered.
    await page.getByRole('button', { name: 'Presenter mode' }).click();
    await expect(phase).toHaveAttribute('data-presenting', '175');
    await body.press('p');
    await expect(phase).not.toHaveAttribute('data-presenting');
  });
});

test.describe('The address', () => {
  test('names what is shown: live, after a reload, and without what began anew', { tag: '@long' }, async ({ room }) => {
    const { page } = room;
    await room.open();
    await room.say(cast.BigCheese, 'find me');
    const copy = (await room.events({ kind: 'hop', leg: 'link', stanza: 'message' })).at(-1)?.id ?? 0;
    const title = room.testId('inspector-title');
    await page.evaluate((id) => {
      location.hash = `#ev=${id}`;
    }, copy);
    await expect(title).toHaveAttribute('data-event', String(copy));
    await expect(room.testId('log').locator('[aria-current=true]')).toHaveAttribute('data-event', String(copy));

    await room.testId('tab-transcripts').click();
    await expect(page).toHaveURL(new RegExp(`#view=transcripts&ev=${copy}$`));
    await page.reload();
    await expect(title).toHaveAttribute('data-event', String(copy));
    await expect(room.testId('tab-transcripts')).toHaveAttribute('aria-selected', 'true');
    await room.ready();
    await expect(title).toHaveAttribute('data-event', String(copy));

    await room.node(wallopsNodes[1]).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await expect(page).toHaveURL(new RegExp(`#view=transcripts&node=${wallopsNodes[1]}$`));
    await page.reload();
    await room.ready();
    await expect(room.testId('inspector').getByRole('heading', { level: 2 })).toHaveText(wallopsNodes[1]);

    await page.evaluate((id) => {
      location.hash = `#ev=${id}`;
    }, copy);
    await expect(title).toBeVisible();
    await page.evaluate(() => window.lab.reset());
    await room.ready();
    await expect(page).toHaveURL(/#view=transcripts$/);
    await expect(title).toHaveCount(0);
  });
});
