import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { talk } from '../support/traces.ts';
import { avalon, cast, eventually, expect, killrc, type RoomPage, test, vesa } from './support/netsplit.ts';

const eventsOfMessage = 10;
const arrowsOfMessage = 4;

/** A recorded run, at its end. */
async function open({ page, phase }: RoomPage, messages: number): Promise<void> {
  const body = talk(messages);
  await page.route(
    ({ pathname }) => pathname === '/run.ndjson',
    (route) => route.fulfill({ body, contentType: 'application/x-ndjson' }),
  );
  await page.goto('/?trace=/run.ndjson#view=spacetime');
  await expect(phase).toHaveAttribute('data-phase', 'paused');
}

const arrows = (page: Page): Locator => page.getByTestId('spacetime').getByRole('option');

/** Scrolls, and waits until what is in view is drawn. */
const scrollTo = (box: Locator, x: number, y: number) =>
  box.evaluate(
    async (element, [left, top]) => {
      element.scrollTo({
        left: left * (element.scrollWidth - element.clientWidth),
        top: top * (element.scrollHeight - element.clientHeight),
      });
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    },
    [x, y] as const,
  );

test.describe('The space-time view', () => {
  test('a stanza is selected alike in the log, in the picture and here, with all its copies', { tag: '@long' }, async ({
    room,
  }) => {
    const { page } = room;
    await room.open();
    await page.keyboard.press('2');
    const box = room.testId('spacetime');
    await room.say(cast.BigCheese, 'Hello');
    const [crossing] = (await room.events({ kind: 'hop', leg: 'link', stanza: 'message' })).filter(
      ({ from, to, stanza }) => from === avalon && to === killrc && stanza?.xml.includes('Hello'),
    );
    const id = String(crossing?.id);
    const arrow = box.locator(`.arrow[data-event="${id}"]`);
    await expect(arrow).toHaveAttribute('data-kind', 'message');
    await expect(arrow).toHaveAccessibleName(
      new RegExp(`^message “Hello” from channel.${avalon} to replica@${killrc}, `),
    );

    // From here to the inspector and the log.
    // Without a pointer: what is scrolled to it is drawn anew, and another arrow may be where it was.
    await expect(async () => {
      await arrow.locator('.mark').dispatchEvent('click', {}, { timeout: 3_000 });
      await expect(arrow).toHaveAttribute('aria-selected', 'true', { timeout: 2_000 });
    }).toPass();
    await expect(room.testId('inspector-title')).toHaveAttribute('data-event', id);
    // BigCheese to his replica, to the primary, three copies, seven deliveries.
    await expect(box.locator('.arrow.family, .arrow.chosen')).toHaveCount(12);
    await page.keyboard.press('1');
    await expect(room.testId('log').locator('[aria-current=true]')).toHaveAttribute('data-event', id);

    // From the log to here.
    const other = room.testId('log').locator(`.row[data-leg=link][data-kind=message]:not([data-event="${id}"])`).last();
    const otherId = String(await other.getAttribute('data-event'));
    await other.click();
    await page.keyboard.press('2');
    const chosen = box.locator('[aria-selected=true]');
    await expect(chosen).toHaveAttribute('data-event', otherId);
    await expect(chosen).toBeInViewport();

    // From a token that stands on its link.
    await room.do({ act: 'pause', paused: true });
    await room.act({ act: 'say', who: cast.WiZ, text: 'held' });
    const held = async () =>
      (await room.events({ kind: 'hop', leg: 'link', stanza: 'message' })).find(({ stanza }) =>
        stanza?.xml.includes('held'),
      );
    await eventually(async () => (await held()) !== undefined).toBe(true);
    const tokenId = String((await held())?.id);
    await page.locator(`.token[data-event="${tokenId}"] > path`).click();
    await expect(chosen).toHaveAttribute('data-event', tokenId);
    await expect(chosen).toHaveAttribute('data-fate', 'open');
    await room.do({ act: 'pause', paused: false });
    await expect(chosen).toHaveAttribute('data-fate', 'got');
  });

  test('what a cut link bounces ends in a cross, and bars say how long it was cut and who was split or down', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await room.open();
    await room.testId('tab-spacetime').click();
    await page.keyboard.press('m');
    const box = room.testId('spacetime');
    await room.do({ act: 'cut', link: [avalon, killrc], how: 'bounce' });
    for (const server of [avalon, killrc])
      await expect(box.locator(`[data-span=cut][data-at="${server}"]`)).toHaveAccessibleName(
        new RegExp(`^Link ${avalon} – ${killrc} cut, stanzas bounce, since `),
      );
    await room.say(cast.WiZ, 'who is there?');
    const lost = box.locator('.arrow[data-fate=bounced][data-kind=message]');
    await expect(lost).toHaveAttribute('data-to', killrc);
    await expect(lost.locator('.cross')).toHaveCount(1);
    await expect(lost.locator('.point')).toHaveCount(0);
    await expect(lost).toHaveAccessibleName(/bounced at the cut link$/);
    await expect(box.locator('.arrow[data-kind=error]').last()).toHaveAccessibleName(/^message error/);
    await expect(box.locator(`[data-span=split][data-at="replica@${killrc}"]`)).toHaveCount(1);
    await room.do({ act: 'crash', node: `replica@${vesa}` });
    await expect(box.locator(`[data-span=down][data-at="replica@${vesa}"]`)).toHaveAccessibleName(/ down, since /);
    await expect(box.locator(`[data-column="replica@${vesa}"]`)).toContainText('down');
    await room.do({ act: 'heal', link: [avalon, killrc] });
    await expect(box.locator('[data-span=cut]').first()).toHaveAccessibleName(/, from .* to /);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).include('section.panel').setLegacyMode().analyze();
      expect(violations.map(({ help, nodes }) => `${help}: ${nodes[0]?.html}`)).toEqual([]);
    }
  });

  test('a server is made one column by mouse and keyboard; arrow keys go from arrow to arrow, Enter selects', async ({
    room,
  }) => {
    const { page } = room;
    await open(room, 6);
    const box = room.testId('spacetime');
    await expect(box).toHaveAttribute('data-arrows', String(6 * arrowsOfMessage));
    const head = box.locator('[data-collapse="b.sim"]');
    await expect(head).toHaveAttribute('aria-expanded', 'true');
    await head.click();
    await expect(head).toHaveAttribute('aria-expanded', 'false');
    await expect(box.locator('[data-column="replica@b.sim"]')).toHaveCount(0);
    // What the replica hands to its user is not seen any more.
    await expect(box).toHaveAttribute('data-arrows', String(6 * (arrowsOfMessage - 1)));
    await head.press('Enter');
    await expect(head).toHaveAttribute('aria-expanded', 'true');
    await expect(box).toHaveAttribute('data-arrows', String(6 * arrowsOfMessage));

    const list = room.testId('spacetime-arrows');
    await scrollTo(box, 0, 0);
    await list.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const active = box.locator('.arrow.active');
    await expect(list).toHaveAttribute('aria-activedescendant', String(await active.getAttribute('id')));
    await expect(active).toHaveAccessibleName(/^message “Message 0” from rooms.a.sim to replica@b.sim, /);
    await page.keyboard.press('Enter');
    await expect(active).toHaveAttribute('aria-selected', 'true');
    await expect(room.testId('inspector-title')).toHaveAttribute(
      'data-event',
      String(await active.getAttribute('data-event')),
    );
    for (let i = 0; i < 3 * arrowsOfMessage; i++) await page.keyboard.press('ArrowDown');
    await expect(active).toHaveAccessibleName(/^message “Message 3” from rooms.a.sim to replica@b.sim, /);
    await expect(active).toBeInViewport();

    // Kinds are the log's.
    await room.testId('spacetime-kind-message').click();
    await expect(box).toHaveAttribute('data-arrows', '1');
    await page.keyboard.press('Escape');
    await expect(box).toHaveAttribute('data-arrows', '0');
    await expect(page.locator('ns-space-time .empty')).toContainText('left out');
    await page.keyboard.press('1');
    await expect(room.testId('log-kind-message')).toHaveAttribute('aria-pressed', 'false');
  });

  test('5,000 events scroll; heads and times stay in view; only what is in view is in the page', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    const { page } = room;
    const messages = 5_000 / eventsOfMessage;
    await open(room, messages);
    const box = room.testId('spacetime');
    await expect(box).toHaveAttribute('data-arrows', String(messages * arrowsOfMessage));
    await page.setViewportSize({ width: 390, height: 844 });
    await room.testId('region-panel').click();
    for (let part = 60; part >= 0; part--) await scrollTo(box, (part % 4) / 3, part / 60);
    expect(await arrows(page).count()).toBeLessThan(300);

    // Both at the same moment: a busy page may be laid out anew between two questions.
    const inside = (selector: string) =>
      box.evaluate((outer, of) => {
        const [a, b] = [outer.getBoundingClientRect(), outer.querySelector(of)?.getBoundingClientRect()];
        return { left: Math.round((b?.x ?? -1) - a.x), top: Math.round((b?.y ?? -1) - a.y) };
      }, selector);
    for (const [x, y] of [
      [0, 0],
      [1, 0.5],
      [0.5, 1],
      [1, 1],
    ] as const) {
      await scrollTo(box, x, y);
      await expect.poll(async () => (await inside('.heads')).top).toBe(0);
      await expect.poll(async () => (await inside('.corner')).left).toBe(0);
      await expect.poll(async () => (await inside('.times')).left).toBe(0);
      await expect(box.locator('.corner')).toBeInViewport({ ratio: 0.9 });
      await expect(box.locator('.group').nth(x === 1 ? 1 : 0)).toBeInViewport();
    }
    await expect(arrows(page).last()).toHaveAccessibleName(new RegExp(`Message ${messages - 1}`));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });

  test('nothing jumps for somebody who has scrolled up; at the end it follows', { tag: '@long' }, async ({ room }) => {
    const { page } = room;
    await room.open();
    await room.testId('tab-spacetime').click();
    const box = room.testId('spacetime');
    const places = () =>
      box.evaluate(({ scrollTop, scrollHeight, clientHeight }) => [scrollTop, scrollHeight - clientHeight]);
    const [atEnd = 0, end = 1] = await places();
    expect(Math.abs(atEnd - end)).toBeLessThan(2);
    await room.say(cast.WiZ, 'one');
    await expect(box.locator('.said').last()).toHaveText('“one”');
    await expect.poll(async () => (await places()).reduce((top, last) => last - top)).toBeLessThan(2);
    await scrollTo(box, 0, 0.4);
    const [before] = await places();
    const arrowsBefore = Number(await box.getAttribute('data-arrows'));
    await room.say(cast.WiZ, 'two');
    await expect.poll(async () => Number(await box.getAttribute('data-arrows'))).toBeGreaterThan(arrowsBefore);
    expect((await places())[0]).toBe(before);
    await page.getByRole('button', { name: 'Go to the newest' }).click();
    await expect.poll(async () => (await places()).reduce((top, last) => last - top)).toBeLessThan(2);
  });

  test('is saved as a picture that opens on its own', { tag: '@long' }, async ({ room, context }, info) => {
    await open(room, 6);
    const download = room.page.waitForEvent('download');
    await room.testId('spacetime-svg').click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^netsplit-.*\.space-time\.svg$/);
    const path = info.outputPath('space-time.svg');
    await file.saveAs(path);
    const picture = await context.newPage();
    await picture.goto(`file://${path}`);
    const names = await picture.locator('g > title').allTextContents();
    expect(names).toEqual(expect.arrayContaining(['u@a.sim', 'v@b.sim', 'rooms.a.sim', 'replica@b.sim']));
    await expect(picture.locator('polygon')).toHaveCount(6 * arrowsOfMessage);
    await expect(picture.getByText('Space-time diagram: 24 stanzas')).toBeVisible();
  });
});
