import { createHash } from 'node:crypto';
import type { Page } from '@playwright/test';
import { builtInScenario } from '../../src/scenario/built-in.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { LabBranches } from '../../src/sim/lab-branches.ts';
import { serveFiles } from './support/files.ts';
import { expect, test } from './support/netsplit.ts';

const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const toKillrc = ['avalon.irc', 'killrc.oulubox.irc'] as const;

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

async function open(page: Page, hash = '#lab=wallops&seed=7'): Promise<void> {
  await page.goto(`${files.url}${hash}`);
  await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
}

const say = (page: Page, text: string) =>
  page.evaluate(([who, said]) => window.lab.act({ act: 'say', who, text: said }), [BigCheese, text] as const);
const quiet = (page: Page) => page.evaluate(() => window.lab.runToQuiet());
const place = async (page: Page) => Number(await page.getByTestId('transport').getAttribute('data-at'));
const length = async (page: Page) => Number(await page.getByTestId('transport').getAttribute('data-length'));
/** All that the page knows of the moment, and how it came to it: a digest, since a difference would be long. */
const digest = async (page: Page) =>
  createHash('sha256')
    .update(await all(page))
    .digest('hex');
/** The same as text. */
const all = (page: Page) =>
  page.evaluate(() => JSON.stringify([window.lab.state(), window.lab.events(), window.lab.counters().links]));

test.describe('The Lab', () => {
  test('files alone, in any folder: it opens there, asks nobody else, and goes on without a network', async ({
    page,
    troubles,
  }) => {
    troubles.allow(/404|ERR_INTERNET_DISCONNECTED.*icon/);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(files.url);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await expect(page.getByTestId('mode-badge')).toHaveText('Lab');
    await expect(page.getByTestId('mode-live')).toHaveAttribute('aria-disabled', 'true');
    await page.context().setOffline(true);
    await page.getByTestId('say-text').fill('Can anybody hear me?');
    await page.getByTestId('say-send').click();
    await page.getByTestId('transport-quiet').click();
    await expect(page.locator('[data-transcript]')).toHaveCount(0);
    await page.getByTestId('tab-transcripts').click();
    await expect(page.locator('[data-transcript]', { hasText: 'Can anybody hear me?' })).toHaveCount(7);
    await page.getByTestId('scenario').selectOption('coven');
    await page.waitForSelector('html[data-mode=lab]');
    await expect(page).toHaveURL(/#lab=coven/);
    expect(asked.filter((url) => !url.startsWith(files.url))).toEqual([]);
    // A worker is loaded once; another scenario needs nothing.
    await expect(page.getByTestId('fatal')).toHaveCount(0);
  });

  test('a message to seven people crosses four links, and would have crossed eight', async ({ page }) => {
    await open(page);
    await say(page, 'Phaedrus, we are having a rotten time.');
    await quiet(page);
    const { messages } = await page.evaluate(() => window.lab.counters());
    expect(messages).toMatchObject([{ crossed: 4, deliveries: 7, plain: 8, plainDeliveries: 7, sameDeliveries: true }]);
  });

  test('the same scenario and seed are the same events, in another page, too; every event names its rule', {
    tag: '@long',
  }, async ({ page, browser }) => {
    const other = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage();
    const seen: string[] = [];
    for (const one of [page, other, page]) {
      await open(one);
      await say(one, 'one');
      await one.evaluate((link) => window.lab.act({ act: 'cut', link, how: 'silent' }), toKillrc);
      await say(one, 'two');
      await one.evaluate(() => window.lab.runFor(90_000));
      await quiet(one);
      seen.push(await all(one));
      await one.goto('about:blank');
    }
    expect(new Set(seen.map((one) => createHash('sha256').update(one).digest('hex'))).size).toBe(1);
    await other.context().close();
    const [, events] = JSON.parse(seen[0] ?? '') as [unknown, { kind: string; leg?: string; spec?: string }[]];
    expect(events.filter(({ kind, leg, spec }) => kind === 'hop' && leg === 'in' && !spec)).toEqual([]);
    expect(events.some(({ kind }) => kind === 'state')).toBe(true);
  });

  test('so many steps forward and as many back: all is as it was; a place that is sought is the place that was stepped to', async ({
    page,
  }) => {
    await open(page);
    await say(page, 'one');
    const start = await place(page);
    const before = await digest(page);
    const states: string[] = [];
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press('ArrowRight');
      await expect(page.getByTestId('transport')).toHaveAttribute('data-at', String(start + i + 1));
      states.push(await digest(page));
    }
    expect(new Set(states).size).toBe(6);
    await page.evaluate(() => window.lab.step(-6));
    expect(await digest(page)).toBe(before);
    const ids = await page.evaluate(() => window.lab.events().map(({ id }) => id));
    for (const [i, state] of states.entries()) {
      await page.evaluate((n) => window.lab.step(n), i + 1);
      expect(await digest(page)).toBe(state);
      await page.evaluate((event) => window.lab.seek({ event }), ids.at(-1) ?? 0);
      expect(await digest(page)).toBe(before);
    }
  });

  test('an act in the past begins a branch; both can be shown, and the first is as it was', async ({ page }) => {
    await open(page);
    await say(page, 'one');
    await quiet(page);
    await say(page, 'two');
    await quiet(page);
    const first = await digest(page);
    await page.evaluate(() =>
      window.lab.seek({ event: window.lab.events().find(({ stanza }) => stanza?.xml.includes('<body>one<'))?.id ?? 0 }),
    );
    await say(page, 'another thing');
    await quiet(page);
    expect(await page.evaluate(() => window.lab.branches())).toMatchObject([
      { name: 'main', shown: false },
      { name: 'branch 1', shown: true },
    ]);
    const now = await all(page);
    expect([now.includes('another thing'), now.includes('two')]).toEqual([true, false]);
    await page.getByTestId('transport-branch').selectOption({ index: 0 });
    await page.evaluate(() => window.lab.seek({ t: 1e9 }));
    expect((await all(page)).includes('two')).toBe(true);
    await page.evaluate(() => window.lab.branch('main'));
    expect(await digest(page)).toBe(first);
    await page.getByTestId('transport-branch').selectOption({ index: 1 });
    await page.getByTestId('branch-remove').click();
    await expect(page.getByTestId('transport-branch').locator('option')).toHaveCount(1);
    expect(await page.evaluate(() => window.lab.branch(' ').catch((error: Error) => error.message))).toBe(
      'branch: a branch has a name',
    );
  });

  test('cut with the mouse, with x, and in the Outline: the same trace; heal restores', { tag: '@long' }, async ({
    page,
  }) => {
    const traces: string[] = [];
    const ways = [
      async () => {
        await page.locator('[data-link]').first().focus();
        await page.keyboard.press('x');
      },
      async () => {
        const link = await page.locator('[data-link]').first().getAttribute('data-link');
        await page.getByTestId('tab-outline').click();
        await page.locator(`[data-link-row="${link}"]`).getByTestId('outline-cut-bounce').click();
      },
      async () => {
        const link = await page.locator('[data-link]').first().getAttribute('data-link');
        await page.locator(`[data-link-label="${link}"]`).click();
        await page.getByTestId('menu-cut-bounce').click();
      },
    ];
    for (const cut of ways) {
      await open(page);
      await cut();
      await expect(page.locator('[data-link][data-state=bounce]').first()).toBeVisible();
      await say(page, 'x');
      await quiet(page);
      traces.push(await page.evaluate(() => JSON.stringify(window.lab.events())));
      await page.goto('about:blank');
    }
    expect(new Set(traces).size).toBe(1);
  });

  test('in time: a token is half way at half time', { tag: '@long' }, async ({ browser }) => {
    const page = await (await browser.newContext({ reducedMotion: 'no-preference' })).newPage();
    await open(page, '#lab=growing');
    const who = await page.evaluate(() => window.lab.scenario().occupants[0]?.jid ?? '');
    await page.getByTestId('transport-speed').selectOption('1');
    await page.evaluate(async () => {
      for (const { ends } of window.lab.state().links)
        await window.lab.act({ act: 'slow', link: ends, latencyMs: 200, jitterMs: 0, bytesPerSecond: 0 });
    });
    await page.evaluate((jid) => window.lab.act({ act: 'say', who: jid, text: 'half way' }), who);
    await page.evaluate(() => window.lab.runFor(2));
    const hop = await page.evaluate(() => window.lab.events({ kind: 'hop', leg: 'link', stanza: 'message' }).at(-1));
    expect((hop?.arrives ?? 0) - (hop?.t ?? 0)).toBe(200);
    // The run is 2 ms further than when it was sent, at most.
    const sent = (hop?.t ?? 0) - Date.UTC(2026, 0, 1);
    const now = Number(await page.locator('html').getAttribute('data-sim-time'));
    await page.evaluate((ms) => window.lab.runFor(ms), sent + 100 - now);
    await expect(page.locator('html')).toHaveAttribute('data-sim-time', String(sent + 100));
    const token = page.locator(`.token[data-event="${hop?.id}"]`);
    const middle = await page.evaluate((server) => {
      const [a, b] = server ?? ['', ''];
      const path = document.querySelector<SVGPathElement>(`[data-link="${a}~${b}"] path, [data-link="${b}~${a}"] path`);
      const hulls = [...document.querySelectorAll<SVGGraphicsElement>('g.server > rect')].map((hull) => hull.getBBox());
      const length = path?.getTotalLength() ?? 0;
      // What is seen of it: between the two servers.
      const seen = Array.from({ length: 2_000 }, (_, i) => path?.getPointAtLength((length * i) / 2_000))
        .filter((point) => point !== undefined)
        .filter(({ x, y }) => !hulls.some((r) => x >= r.x && x <= r.x + r.width && y >= r.y && y <= r.y + r.height));
      const at = seen[Math.floor(seen.length / 2)];
      return at && { x: at.x, y: at.y };
    }, hop?.server);
    const [, x, y] = /translate\(([\d.-]+) ([\d.-]+)\)/.exec((await token.getAttribute('transform')) ?? '') ?? [];
    expect(Math.hypot(Number(x) - (middle?.x ?? 0), Number(y) - (middle?.y ?? 0))).toBeLessThan(2);
    await page.evaluate(() => window.lab.runFor(100));
    await expect(token).toHaveCount(0);
    await page.context().close();
  });

  test('in a crowd: stanzas that move are drawn together; one by one where they stand, and somebody may choose one', {
    tag: '@long',
  }, async ({ browser }) => {
    const page = await (await browser.newContext({ reducedMotion: 'no-preference' })).newPage();
    await open(page);
    await page.evaluate(async () => {
      for (const { ends } of window.lab.state().links)
        await window.lab.act({ act: 'slow', link: ends, latencyMs: 10_000, jitterMs: 0, bytesPerSecond: 0 });
      const people = window.lab.state().occupants.map(({ jid }) => jid);
      const lines = Array.from({ length: 350 }, (_, i) => ({
        who: people[i % people.length] as string,
        text: `Line ${i}.`,
      }));
      await Promise.all(lines.map((line) => window.lab.act({ act: 'say', ...line })));
    });
    await page.getByTestId('transport-speed').selectOption('0.25');
    // As far as to see most of them set off, and none arrive.
    await page.evaluate(() => window.lab.runFor(100));
    const tokens = page.locator('.token');
    await expect.poll(() => tokens.count()).toBeGreaterThan(300);
    await expect(tokens.first()).toBeVisible();
    await page.getByTestId('transport-play').click();
    const herd = page.locator('.herd[data-kind="message"] > path');
    await expect(herd).toHaveAttribute('d', /^M[\d.-]+ [\d.-]+m-8-8h16v16h-16z/);
    await expect(tokens.first()).toBeHidden();
    const before = await herd.getAttribute('d');
    await expect(herd).not.toHaveAttribute('d', before ?? '');
    await page.getByTestId('transport-play').click();
    await expect(herd).toHaveCount(0);
    await expect(tokens.first()).toBeVisible();
    await page.context().close();
  });

  test('its address is a link to this moment: another page that opens it shows the same, and goes on from there', {
    tag: '@long',
  }, async ({ page, browser }) => {
    await open(page);
    await say(page, 'one');
    await quiet(page);
    await page.evaluate((link) => window.lab.act({ act: 'cut', link, how: 'bounce' }), toKillrc);
    await say(page, 'two');
    await page.evaluate(() => window.lab.runFor(1_000));
    await page.evaluate(() => window.lab.branch('what if'));
    await say(page, 'three');
    await quiet(page);
    await page.evaluate(() => window.lab.step(-7));
    await page.getByTestId('tab-counters').click();
    await page.locator('[data-event]').first().waitFor({ state: 'attached' });
    const shown = await digest(page);
    await expect(page).toHaveURL(/&s=[\w-]+&at=\d+&view=counters/);
    const other = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage();
    await other.goto(page.url());
    await other.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await expect(other.getByTestId('tab-counters')).toHaveAttribute('aria-selected', 'true');
    expect(await digest(other)).toBe(shown);
    expect(await other.evaluate(() => window.lab.branches())).toMatchObject([
      { name: 'main', shown: false },
      { name: 'what if', shown: true },
    ]);
    for (const one of [page, other]) {
      await one.evaluate(() => window.lab.branch('main'));
      await say(one, 'four');
      await quiet(one);
    }
    expect(await digest(other)).toBe(await digest(page));
    await other.goto(page.url().replace(/s=[\w-]{20}/, 's=AAAA'));
    await other.reload();
    await expect(other.getByTestId('fatal')).toContainText('This link is damaged');
    await other.context().close();
  });

  test('what cannot be done is said; what can be done elsewhere says where', { tag: '@long' }, async ({ page }) => {
    await open(page);
    expect(await page.evaluate(() => window.lab.act({ act: 'heal', link: ['a.lit', 'b.lit'] }))).toMatchObject({
      ok: false,
    });
    expect(await page.evaluate(() => window.lab.load('nothing').catch((error: Error) => error.message))).toMatch(
      /^There is no scenario "nothing": there are wallops, /,
    );
    for (const [what, why] of [
      ['runFor(-1)', 'runFor: ms is -1, and has to be a number from 0 to 86400000'],
      ['load("coven", { seed: 0.5 })', 'load: seed is 0.5, and has to be a whole number from 0 to 4294967295'],
    ] as const)
      expect(await page.evaluate(`lab.${what}.catch((error) => error.message)`)).toBe(why);
    await page.goto(`${files.url}#lab=nothing`);
    await page.reload();
    await expect(page.getByTestId('fatal')).toContainText('There is no scenario "nothing"');
  });

  test('its trace, saved and opened again, shows the same events at the same times; it is what Node.js writes', {
    tag: '@long',
  }, async ({ page }) => {
    await open(page);
    await say(page, 'one');
    await page.evaluate((link) => window.lab.act({ act: 'cut', link, how: 'silent' }), toKillrc);
    await say(page, 'two');
    await quiet(page);
    const before = await page.evaluate(() => window.lab.events());
    const text = await page.evaluate(() => window.lab.export('ndjson'));
    const made = new LabBranches(builtInScenario('wallops') as Scenario, 7);
    made.act({ kind: 'person', who: BigCheese as never, act: { act: 'say', text: 'one' } });
    made.act({ kind: 'link', between: toKillrc as never, settings: { state: 'silent' } });
    made.act({ kind: 'person', who: BigCheese as never, act: { act: 'say', text: 'two' } });
    made.run({ quiet: true, mostMs: 600_000 });
    expect(createHash('sha256').update(text).digest('hex')).toBe(
      createHash('sha256').update(made.ndjson()).digest('hex'),
    );
    await page.evaluate((trace) => window.lab.import(trace), text);
    await page.waitForSelector('html[data-mode=recorded][data-phase=paused]');
    const after = await page.evaluate(() => window.lab.events());
    expect(after.map(({ id, t, text: words }) => [id, t, words])).toEqual(
      before.map(({ id, t, text: words }) => [id, t, words]),
    );
    await expect(page.getByTestId('transport-time')).toHaveText(/^0\.\d+ s$/);
  });

  test('one step beyond the end makes the next thing happen; to quiet has a key', { tag: '@long' }, async ({
    page,
  }) => {
    await open(page);
    await say(page, 'one');
    const end = await length(page);
    await page.getByTestId('transport-forward').click();
    await expect(page.getByTestId('transport')).toHaveAttribute('data-at', String(end + 1));
    await page.locator('h1').click();
    await page.keyboard.press('Shift+ArrowRight');
    await expect(page.getByTestId('transport-state')).toHaveText('Nothing is under way at the end of this run.');
    expect(await place(page)).toBe(await length(page));
    await page.getByTestId('transport-play').click();
    await page.waitForSelector('html[data-phase=paused]');
  });
});
