import type { Page } from '@playwright/test';
import { talk } from '../support/traces.ts';
import { avalon, cast, expect, killrc, type RoomPage, test, vesa } from './support/netsplit.ts';

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

/** All nodes of the page: elements, texts and comments. It scrolls in the frame after the one in which it draws. */
const nodesOf = (page: Page) =>
  page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    let count = 0;
    while (walker.nextNode()) count++;
    return count;
  });

test.describe('The log', () => {
  test('10,000 messages leave no more nodes in the page than 100', { tag: '@long' }, async ({ room }) => {
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
    // A line for each, and the names of the columns.
    await page.keyboard.press('Escape');
    await expect(log).toHaveAttribute('aria-rowcount', '10001');

    // Up and down through all of it.
    const scrollTo = (part: number) =>
      log.evaluate(async (box, y) => {
        box.scrollTop = y * (box.scrollHeight - box.clientHeight);
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }, part);
    for (let part = 100; part >= 0; part--) await scrollTo(part / 100);
    await expect(log.locator('[aria-rowindex="2"]')).toBeInViewport({ ratio: 1 });
    await scrollTo(1);
    const last = log.locator('[aria-rowindex="10001"]');
    await expect(last).toBeInViewport({ ratio: 1 });
    await expect(last).toContainText('Ursula says “Message 9999”: 1 link stanza, 2 deliveries');
    expect(await nodesOf(page)).toBeLessThan(few + 200);
    expect(await log.locator('[role=row]').count()).toBeLessThanOrEqual(200);

    // What is chosen stays so, in view or not.
    await last.click();
    await scrollTo(0);
    await expect(last).toHaveCount(0);
    await scrollTo(1);
    await expect(last).toHaveAttribute('aria-current', 'true');
  });

  test('a message is one line that says what came of it, and opens to its hops', { tag: '@long' }, async ({ room }) => {
    const { page } = room;
    await room.open();
    const log = room.testId('log');
    await expect(log.getByRole('row', { name: 'WiZ joins' })).toHaveClass(/muted/);
    await room.say(cast.BigCheese, 'rotten');
    const line = log.locator('.row[data-kind=message][aria-level="1"]:not(.muted)');
    await expect(line).toHaveCount(1);
    await expect(line).toBeInViewport({ ratio: 1 });
    await expect(line).toContainText('BigCheese says “rotten”: 4 link stanzas, 7 deliveries');
    const hops = log.locator('.row[aria-level="2"]');
    await expect(hops).toHaveCount(0);
    const closed = Number(await log.getAttribute('aria-rowcount'));

    // By the mouse.
    const submitted = await line.getAttribute('data-event');
    await line.click();
    await expect(line).toHaveAttribute('aria-expanded', 'true');
    await expect(line).toHaveAttribute('aria-current', 'true');
    await expect(room.testId('inspector-title')).toHaveAttribute('data-event', String(submitted));
    // One of them is the line itself.
    const inside = (await room.events({ family: Number(submitted) })).length - 1;
    await expect(log).toHaveAttribute('aria-rowcount', String(closed + inside));
    await expect(hops.filter({ hasText: `${avalon} to ${killrc}` })).toHaveCount(1);
    await line.click();
    await expect(hops).toHaveCount(0);

    // By the keyboard.
    await log.focus();
    await page.keyboard.press('ArrowRight');
    await expect(log).toHaveAttribute('aria-rowcount', String(closed + inside));
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown');
    const chosen = log.locator('[aria-current=true]');
    await expect(hops.nth(2)).toHaveAttribute('aria-current', 'true');
    await expect(chosen).toHaveAttribute('aria-level', '2');
    await expect(log).toHaveAttribute('aria-activedescendant', String(await chosen.getAttribute('id')));
    await page.keyboard.press('ArrowLeft');
    await expect(hops).toHaveCount(0);
    await expect(line).toHaveAttribute('aria-current', 'true');
    await page.keyboard.press('Enter');
    await expect(log).toHaveAttribute('aria-rowcount', String(closed + inside));
    await page.keyboard.press('Enter');
    await expect(hops).toHaveCount(0);

    // What else happens is told in lines of its own, and the chosen one stays chosen.
    await room.do({ act: 'cut', link: [avalon, killrc], how: 'bounce' });
    await room.say(cast.WiZ, 'cut off');
    await expect(log.locator('.row[data-kind=link]')).toContainText('Link cut: stanzas bounce');
    await expect(log.locator('.row[data-sign=bounce]').first()).toHaveAttribute('aria-level', '1');
    await expect(line.last()).toContainText('WiZ says “cut off”: 3 link stanzas, 1 lost, 4 deliveries');
    await expect(line.first()).toHaveAttribute('aria-current', 'true');
    await expect(log.locator('[role=row]').last()).toBeInViewport({ ratio: 1 });

    // Its address, in a page that is told of it only later.
    const copy = (await room.events({ kind: 'hop', leg: 'link', stanza: 'message' })).find(({ to }) => to === vesa);
    await page.goto(`${room.address()}#ev=${copy?.id}`);
    await page.reload();
    await expect(chosen).toHaveAttribute('data-event', String(copy?.id));
    await expect(chosen).toHaveAttribute('aria-level', '2');
    await expect(chosen).toBeInViewport({ ratio: 1 });
    await room.ready();
    await expect(chosen).toBeInViewport({ ratio: 1 });
  });

  test('the address of a hop opens its line; Esc clears the filter, then leaves it', { tag: '@long' }, async ({
    room,
  }) => {
    const { page } = room;
    await open(room, 20);
    const event = 3 * eventsOfMessage + 5;
    await page.goto(`/?trace=/run.ndjson#ev=${event}`);
    await page.reload();
    const log = room.testId('log');
    const chosen = log.locator(`.row[data-event="${event}"]`);
    await expect(chosen).toHaveAttribute('aria-current', 'true');
    await expect(chosen).toBeInViewport({ ratio: 1 });
    await expect(chosen).toContainText('a.sim to b.sim');
    await expect(log.locator('[aria-expanded=true]')).toContainText('Message 3');

    const filter = room.testId('log-filter');
    await filter.fill('nothing of the kind');
    await expect(log).toHaveAttribute('aria-rowcount', '1');
    await page.keyboard.press('Escape');
    await expect(filter).toHaveValue('');
    await expect(filter).toBeFocused();
    await expect(log).toHaveAttribute('aria-rowcount', String(1 + 4 + 4));
    await expect(chosen).toBeInViewport({ ratio: 1 });
    await page.keyboard.press('Escape');
    await expect(filter).not.toBeFocused();
    await expect(chosen).toHaveAttribute('aria-current', 'true');
    await page.keyboard.press('Escape');
    await expect(log.locator('[aria-current=true]')).toHaveCount(0);
  });

  test.describe('on a telephone', () => {
    test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

    test('a row has two lines, and a way to the inspector', { tag: '@long' }, async ({ room }) => {
      const { page } = room;
      await open(room, 20);
      await page.keyboard.press('Escape');
      await room.testId('region-panel').tap();
      const line = room.testId('log').locator('.row').last();
      await expect(line).toContainText('Message 19');
      const what = await line.locator('.what').boundingBox();
      const outcome = await line.locator('.outcome').boundingBox();
      expect(outcome?.y).toBeGreaterThanOrEqual((what?.y ?? 0) + (what?.height ?? 0) - 4);
      await line.tap();
      const inspect = room.testId('log-inspect');
      await expect(inspect).toBeInViewport({ ratio: 1 });
      await inspect.tap();
      await expect(room.testId('inspector-title')).toContainText('Message 19');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    });
  });
});
