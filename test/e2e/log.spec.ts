import type { Page } from '@playwright/test';
import { talk } from '../support/traces.ts';
import { expect, type RoomPage, test } from './support/netsplit.ts';

const eventsOfMessage = 10;

/** A recorded run, at its end: quicker than to say as much. */
async function open({ page, phase }: RoomPage, messages: number): Promise<void> {
  const body = talk(messages);
  await page.route(
    ({ pathname }) => pathname === '/run.ndjson',
    (route) => route.fulfill({ body, contentType: 'application/x-ndjson' }),
  );
  await page.goto('/?trace=/run.ndjson');
  await expect(phase).toHaveAttribute('data-phase', 'paused');
}

/** All nodes of the page: elements, texts and comments. */
const nodesOf = (page: Page) =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    let count = 0;
    while (walker.nextNode()) count++;
    return count;
  });

test.describe('The log', () => {
  test('10,000 messages leave no more nodes in the page than 100', async ({ room }) => {
    test.slow();
    const { page } = room;
    await open(room, 10_000);
    const log = room.testId('log');
    /** Right after the n-th message. */
    const goTo = (message: number) => page.evaluate((event) => window.lab.seek({ event }), message * eventsOfMessage);
    await goTo(100);
    const few = await nodesOf(page);
    for (let message = 200; message <= 10_000; message += 200) await goTo(message);
    expect(await nodesOf(page)).toBeLessThan(few + 200);
    await expect(log).toHaveAttribute('aria-rowcount', String(10_000 * eventsOfMessage));

    // Up and down through all of it.
    const scrollTo = (part: number) =>
      log.evaluate(async (box, y) => {
        box.scrollTop = y * (box.scrollHeight - box.clientHeight);
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }, part);
    for (let part = 100; part >= 0; part--) await scrollTo(part / 100);
    await expect(log.locator('[aria-rowindex="1"]')).toBeInViewport({ ratio: 1 });
    await scrollTo(1);
    await expect(log.locator(`[aria-rowindex="${10_000 * eventsOfMessage}"]`)).toBeInViewport({ ratio: 1 });
    expect(await nodesOf(page)).toBeLessThan(few + 200);
    expect(await log.locator('[role=row]').count()).toBeLessThanOrEqual(200);
  });
});
