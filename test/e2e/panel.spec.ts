import AxeBuilder from '@axe-core/playwright';
import type { Locator } from '@playwright/test';
import { simulated, talk } from '../support/traces.ts';
import { eventually, expect, type RoomPage, test } from './support/netsplit.ts';

/** A recorded run, at its end. */
async function open({ page, phase }: RoomPage, body = talk(20)): Promise<void> {
  await page.route(
    ({ pathname }) => pathname === '/run.ndjson',
    (route) => route.fulfill({ body, contentType: 'application/x-ndjson' }),
  );
  await page.goto('/?trace=/run.ndjson');
  await expect(phase).toHaveAttribute('data-phase', 'paused');
}

const heightOf = async (part: Locator) => (await part.boundingBox())?.height ?? 0;

test.describe('The views below the picture', () => {
  test('take more room or less by mouse, touch and keyboard, or all of it; a reload keeps it', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await open(room);
    const splitter = page.getByRole('separator', { name: 'Height of the views' });
    const panel = page.locator('#views');
    const whole = await heightOf(page.locator('main'));
    await expect(splitter).toHaveAttribute('aria-valuenow', '28');
    const share = async () => Math.round((100 * (await heightOf(panel))) / whole);
    expect(await share()).toBe(28);

    await splitter.focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await expect(splitter).toHaveAttribute('aria-valuenow', '38');
    await eventually(share).toBe(38);
    // The log fills what it has.
    await expect(room.testId('log').locator('[role=row]').last()).toBeInViewport({ ratio: 1 });

    const box = await splitter.boundingBox();
    const [x, y] = [(box?.x ?? 0) + 40, (box?.y ?? 0) + 4];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y + 0.1 * whole, { steps: 4 });
    await page.mouse.up();
    await expect(splitter).toHaveAttribute('aria-valuenow', /^(27|28|29)$/);
    await page.mouse.move(x, y - 100);
    await expect(splitter).toHaveAttribute('aria-valuenow', /^(27|28|29)$/);

    const touch = await page.context().newCDPSession(page);
    const at = await splitter.boundingBox();
    const finger = (type: 'touchStart' | 'touchMove' | 'touchEnd', dy: number) =>
      touch.send('Input.dispatchTouchEvent', {
        type,
        // A finger is not as exact as a mouse.
        touchPoints: type === 'touchEnd' ? [] : [{ x, y: (at?.y ?? 0) + 9 + dy }],
      });
    await finger('touchStart', 0);
    for (const part of [0.1, 0.2, 0.3]) await finger('touchMove', -part * whole);
    await finger('touchEnd', 0);
    await expect(splitter).toHaveAttribute('aria-valuenow', /^(56|57|58|59)$/);
    const kept = (await splitter.getAttribute('aria-valuenow')) ?? '';
    await page.reload();
    await expect(splitter).toHaveAttribute('aria-valuenow', kept);

    // All of it: by the button, the key and the border.
    await page.getByRole('button', { name: 'All the room for the views' }).click();
    await expect(room.testId('topology')).toBeHidden();
    await expect(splitter).toHaveAttribute('aria-valuenow', '100');
    await eventually(share).toBeGreaterThan(90);
    await page.reload();
    await expect(room.testId('topology')).toBeHidden();
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations).toEqual([]);
    await page.locator('body').press('m');
    await expect(room.testId('topology')).toBeVisible();
    await splitter.press('Enter');
    await expect(room.testId('topology')).toBeHidden();
    await splitter.press('ArrowDown');
    await expect(splitter).toHaveAttribute('aria-valuenow', kept);
    await expect(room.testId('topology')).toBeVisible();
  });

  test('on a phone have a region of their own, and no border', async ({ room }) => {
    const { page } = room;
    await open(room);
    await room.testId('maximise').click();
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(room.testId('topology')).toBeVisible();
    await room.testId('region-panel').click();
    await expect(room.testId('log')).toBeVisible();
    expect(await heightOf(page.locator('#views'))).toBeGreaterThan(400);
    await expect(room.testId('splitter')).toBeHidden();
    await expect(room.testId('maximise')).toBeHidden();
  });
});

test.describe('The inspector', () => {
  test('says what to do where nothing is selected, and lists the nodes and links and what they know', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await open(room, simulated(3, '0282'));
    const inspector = room.testId('inspector');
    await expect(inspector.getByTestId('how-to')).toBeVisible();
    await room.testId('inspect-link').click();
    await expect(inspector.getByTestId('inspector-links').locator('tbody tr').first()).toContainText(/\d+ stanzas/);
    await room.testId('inspect-node').click();
    const nodes = inspector.getByTestId('inspector-nodes').locator('tbody tr');
    await expect(nodes.first()).toContainText('live');
    await nodes.first().getByRole('button').click();
    await expect(inspector.getByRole('heading', { level: 2 })).toHaveText('rooms.s0.sim');

    // What it did lately leads to the stanza, and the stanza to its link.
    await inspector.getByTestId('lately').locator('button').first().click();
    await expect(room.testId('inspector-title')).toBeVisible();
    await page.keyboard.press('Escape');
    const events = await room.events({ kind: 'hop', leg: 'link' });
    await page.evaluate((event) => window.lab.seek({ event }), events.at(-1)?.id ?? 0);
    await room.testId('inspect-link').click();
    await expect(inspector.getByTestId('lately').locator('button').first()).toContainText('→');
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().include('ns-inspector').analyze();
    expect(violations).toEqual([]);

    await page.evaluate(() => {
      location.hash = '#ev=999999';
    });
    await expect(room.testId('inspector-unknown')).toContainText('999999');
  });
});
