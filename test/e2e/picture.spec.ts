import type { Page } from '@playwright/test';
import { simulated } from '../support/traces.ts';
import { avalon, cast, eventually, expect, killrc, type RoomPage, test } from './support/netsplit.ts';

test.use({ contextOptions: { reducedMotion: 'no-preference' } });

/** What the picture says at one frame, and which stanzas move in it. */
interface Frame {
  readonly tokens: readonly number[];
  /** On the pills of all links together. */
  readonly carried: number;
  readonly crossed: string;
  readonly deliveries: string;
  readonly picture: string | undefined;
}

interface Watching {
  frames: Frame[];
}

/** Keeps what each frame shows from now on. */
function watch(page: Page): Promise<void> {
  return page.evaluate(() => {
    const frames: Frame[] = [];
    (window as unknown as Watching).frames = frames;
    const texts = (selector: string) => [...document.querySelectorAll(selector)].map((one) => one.textContent ?? '');
    const look = () => {
      frames.push({
        tokens: [...document.querySelectorAll<SVGElement>('.tokens .token')].map(({ dataset }) =>
          Number(dataset.event),
        ),
        carried: texts('.pill .carried').reduce((sum, text) => sum + Number.parseInt(text, 10), 0),
        crossed: texts('[data-cell=crossed]').join(),
        deliveries: texts('[data-cell=deliveries]').join(),
        picture: document.documentElement.dataset.picture,
      });
      requestAnimationFrame(look);
    };
    look();
  });
}

function frames(page: Page): Promise<readonly Frame[]> {
  return page.evaluate(() => (window as unknown as Watching).frames);
}

const atRest = ({ page }: RoomPage) => page.evaluate(() => window.lab.pictureAtRest());

test.describe('One clock', () => {
  test('a number changes when its stanza has arrived on the screen, and window.lab knows before', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    const { page } = room;
    await room.open();
    await expect(room.phase).toHaveAttribute('data-picture', 'rest');
    await room.testId('pace').selectOption('×¼');
    await room.testId('tab-counters').click();
    const before = (await room.state()).links.reduce((sum, { stanzas }) => sum + stanzas, 0);
    await watch(page);
    const since = await room.mark();
    await room.say(cast.BigCheese, 'on its way');
    // All has happened, and next to nothing of it has been seen.
    expect((await room.counters()).messages).toMatchObject([{ crossed: 4, deliveries: 7 }]);
    await expect(room.phase).toHaveAttribute('data-phase', 'quiet');
    await expect(room.phase).toHaveAttribute('data-picture', 'moving');
    expect(await page.evaluate(() => document.querySelector('[data-cell=deliveries]')?.textContent ?? '0')).toBe('0');
    await atRest(room);
    await expect(room.phase).toHaveAttribute('data-picture', 'rest');
    expect(await room.testId('counters-messages').locator('[data-cell=deliveries]').textContent()).toBe('7');

    const seen = await frames(page);
    const links = (await room.events({ leg: 'link', since })).map(({ id }) => id);
    expect(links).toHaveLength(4);
    for (const [i, { carried }] of seen.entries()) {
      const moved = links.filter((id) => seen.slice(0, i + 1).some(({ tokens }) => tokens.includes(id)));
      // The frame in which a token goes and the one in which the number comes may be neighbours.
      const arrived = moved.filter((id) => !seen[i + 1]?.tokens.includes(id));
      expect(carried - before, `frame ${i} of ${seen.length}`).toBeLessThanOrEqual(arrived.length);
    }
    const steps = [...new Set(seen.map(({ carried }) => carried - before))];
    expect([steps[0], steps.at(-1)]).toEqual([0, 4]);
    expect(steps.length).toBeGreaterThan(2);
    expect(new Set(seen.map(({ crossed }) => crossed)).size).toBeGreaterThan(2);
    expect(new Set(seen.map(({ deliveries }) => deliveries)).size).toBeGreaterThan(2);
  });

  test('still: all at once, in the middle of the way, too', { tag: '@long' }, async ({ room }) => {
    const { page } = room;
    await room.open();
    await room.testId('pace').selectOption('×¼');
    await room.testId('tab-transcripts').click();
    const heard = page.locator('[data-transcript] li[data-event]').filter({ hasText: 'all at once' });
    await room.say(cast.BigCheese, 'all at once');
    await expect(room.phase).toHaveAttribute('data-picture', 'moving');
    await expect(heard).toHaveCount(0);
    await room.testId('pace').selectOption('still');
    await expect(heard).toHaveCount(7);
    await expect(room.phase).toHaveAttribute('data-picture', 'rest');
    await expect(page.locator('.token')).toHaveCount(0);
    const shown = await page.evaluate(
      async ([who, text]) => {
        await window.lab.act({ act: 'say', who, text });
        await window.lab.runToQuiet();
        const lines = [...document.querySelectorAll('[data-transcript] li')];
        return [
          lines.filter(({ textContent }) => textContent?.includes(text)).length,
          document.documentElement.dataset.picture,
        ];
      },
      [cast.WiZ, 'no way to go'] as const,
    );
    expect(shown).toEqual([7, 'rest']);
  });

  test('a stanza that the paused links hold stands on its link, and is not counted yet', { tag: '@long' }, async ({
    room,
  }) => {
    const { page } = room;
    await room.open();
    await room.do({ act: 'pause', paused: true });
    const carried = room.pill(avalon, killrc).locator('.carried');
    const before = await carried.textContent();
    await room.act({ act: 'say', who: cast.Wumpus, text: 'held' });
    await atRest(room);
    await expect(page.locator('.token[data-kind=message]')).toHaveCount(1);
    expect(await carried.textContent()).toBe(before);
    await room.do({ act: 'pause', paused: false });
    await atRest(room);
    await expect(page.locator('.token')).toHaveCount(0);
    expect(await carried.textContent()).not.toBe(before);
  });

  test('a moving stanza can be chosen: it is read at once, and its row comes when it has arrived', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await room.open();
    await room.testId('pace').selectOption('×¼');
    await room.act({ act: 'say', who: cast.BigCheese, text: 'catch me' });
    await eventually(() =>
      page.evaluate(() => {
        const token = document.querySelector('.token[data-kind=message]');
        token?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
        return token !== null;
      }),
    ).toBe(true);
    const title = room.testId('inspector-title');
    await expect(title).toContainText('catch me');
    const event = await title.getAttribute('data-event');
    await atRest(room);
    await expect(room.testId('log').locator(`[data-event="${event}"]`)).toHaveAttribute('aria-current', 'true');
    await expect(room.link(avalon, killrc)).toHaveClass(/\blit\b/);
  });
});

test('a recording: a step moves, a further step does not wait for it, and a place is there at once', {
  tag: '@long',
}, async ({ room }) => {
  const { page } = room;
  const run = simulated(3, '0282');
  const lines = run
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line));
  await page.route(
    ({ pathname }) => pathname === '/run.ndjson',
    (route) => route.fulfill({ body: run, contentType: 'application/x-ndjson' }),
  );
  await page.goto('/?trace=/run.ndjson');
  await expect(room.phase).toHaveAttribute('data-phase', 'paused');
  await expect(room.phase).toHaveAttribute('data-picture', 'rest');
  const { seq } = lines.find(({ leg, stanza }) => leg === 'link' && stanza.type === 'groupchat');
  for (const kind of ['iq', 'append']) await room.testId(`log-kind-${kind}`).click();
  const count = room.testId('log-count');
  await page.evaluate((event) => window.lab.seek({ event }), seq);
  expect(await page.evaluate(() => document.documentElement.dataset.picture)).toBe('rest');
  const place = Number(await room.testId('transport').getAttribute('data-at'));
  await expect(count).toContainText(`${place} events`);
  await page.evaluate(() => window.lab.step(-1));
  await expect(count).toContainText(`${place - 1} events`);
  await room.testId('pace').selectOption('×¼');
  await page.keyboard.press('Escape');
  const shown = () =>
    page.evaluate(() => [document.documentElement.dataset.picture, document.querySelectorAll('.token').length]);
  await page.evaluate(() => window.lab.step(1));
  // Its token is there with the next frame.
  await eventually(shown).toEqual(['moving', 1]);
  expect(await room.events()).toHaveLength(place);
  await expect(room.testId('inspector-title')).toHaveAttribute('data-event', String(seq));
  await expect(count).toContainText(`${place - 1} events`);
  await page.evaluate(() => window.lab.step(1));
  // The first one has arrived by now, in a hurry.
  await expect(page.locator(`.token[data-event="${seq}"]`)).toHaveCount(0);
  await expect(count).toContainText(new RegExp(`^.*, (${place}|${place + 1}) events`));
  await page.evaluate(() => window.lab.pictureAtRest());
  await expect(count).toContainText(`${place + 1} events`);
  await page.evaluate(() => window.lab.seek({ t: 0 }));
  expect(await page.evaluate(() => document.documentElement.dataset.picture)).toBe('rest');
});
