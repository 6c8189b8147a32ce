import AxeBuilder from '@axe-core/playwright';
import type { FrameLocator, Page } from '@playwright/test';
import type { RemoteAnswer } from '../../src/ui/embed/remote.ts';
import { serveFiles } from './support/files.ts';
import { eventually, expect, test } from './support/netsplit.ts';
import { serveParent } from './support/parent-page.ts';

const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';

interface Lecture extends Window {
  readonly keys: string[];
  readonly told: (RemoteAnswer & { readonly origin: string })[];
}

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

const closers: (() => Promise<void>)[] = [];
test.afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** Opens a page of another site with the static files in a frame. */
async function lecture(
  page: Page,
  query: string,
  hash = '#lab=wallops&seed=7',
  attributes = '',
): Promise<FrameLocator> {
  const parent = await serveParent(
    `<iframe src="${files.url}?embed=1${query}${hash}" title="A room" width="800" height="480" ${attributes}></iframe>`,
  );
  closers.push(parent.close);
  await page.goto(parent.url);
  return page.frameLocator('[title="A room"]');
}

const ready = (frame: FrameLocator) => expect(frame.locator('html[data-phase=paused][data-mode=lab]')).toHaveCount(1);
const transport = (frame: FrameLocator) => frame.getByTestId('transport');
/** The parent sends what a function makes in it. */
const send = (page: Page, message: unknown) =>
  page.evaluate((data) => document.querySelector('iframe')?.contentWindow?.postMessage(data, '*'), message);
const told = (page: Page) => page.evaluate(() => (window as unknown as Lecture).told);
const last = async (page: Page) => (await told(page)).at(-1);
const far = (page: Page) => page.evaluate(() => scrollTo(0, 4_000));
const near = (page: Page) => page.evaluate(() => scrollTo(0, 0));

test.describe('Embedded in a page of another site', () => {
  test('the focus and the arrow keys stay with the parent, and nothing plays until somebody says so', {
    tag: '@long',
  }, async ({ page }) => {
    const frame = await lecture(page, '&region=topology,transport&keys=0&autoplay=0');
    await ready(frame);
    await page.getByLabel('Notes').focus();
    await expect(frame.locator('[data-occupant]')).toHaveCount(7);
    await expect(transport(frame)).toHaveAttribute('data-at', /^[1-9]/);
    await expect(page.getByLabel('Notes')).toBeFocused();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    expect(await page.evaluate(() => (window as unknown as Lecture).keys)).toEqual(['ArrowRight', ' ']);
    const at = await transport(frame).getAttribute('data-at');
    expect((await told(page)).map(({ playing, waiting }) => playing || waiting)).not.toContain(true);
    expect((await last(page))?.at).toBe(Number(at));
    // Only what was asked for is there.
    for (const one of ['log', 'speak-bar', 'help', 'tab-log', 'inspect-stanza'])
      await expect(frame.getByTestId(one)).toHaveCount(0);

    // Somebody presses a button in it with the mouse: then the keys are the parent’s again.
    await transport(frame).getByTestId('transport-back').click();
    await eventually(() =>
      page.evaluate(() => document.hasFocus() && document.activeElement?.tagName !== 'IFRAME'),
    ).toBe(true);
    await page.keyboard.press('ArrowLeft');
    expect(await page.evaluate(() => (window as unknown as Lecture).keys.at(-1))).toBe('ArrowLeft');
    // In the frame itself, keys do nothing to the run.
    const there = await transport(frame).getAttribute('data-at');
    await frame.locator('[data-occupant]').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    await page.keyboard.press('x');
    await expect(transport(frame)).toHaveAttribute('data-at', there ?? '');
    await expect(frame.locator('html')).toHaveAttribute('data-phase', 'paused');
  });

  test('with keys=1 they work in the frame that has the focus', { tag: '@long' }, async ({ page }) => {
    const frame = await lecture(page, '&keys=1');
    await ready(frame);
    const at = Number(await transport(frame).getAttribute('data-at'));
    await frame.getByTestId('transport-back').focus();
    await page.keyboard.press('ArrowLeft');
    await expect(transport(frame)).toHaveAttribute('data-at', String(at - 1));
  });

  test('play, pause, step and seek are done, and the parent is told where it is', async ({ page }) => {
    const frame = await lecture(page, '&keys=0');
    await ready(frame);
    await send(page, { netsplit: 'seek', at: 5 });
    await expect(transport(frame)).toHaveAttribute('data-at', '5');
    await eventually(() => last(page)).toMatchObject({ netsplit: 'at', at: 5, playing: false, waiting: false });
    await send(page, { netsplit: 'step' });
    await expect(transport(frame)).toHaveAttribute('data-at', '6');
    await send(page, { netsplit: 'step', by: -4 });
    await expect(transport(frame)).toHaveAttribute('data-at', '2');
    const { length } = (await last(page)) ?? { length: 0 };
    // At the end of a run of the Lab the next thing happens.
    await send(page, { netsplit: 'seek', at: length });
    await send(page, { netsplit: 'step', by: 3 });
    await eventually(async () => (await last(page))?.at ?? 0).toBeGreaterThan(length);
    await send(page, { netsplit: 'seek', at: 0 });
    await send(page, { netsplit: 'play' });
    await expect(frame.locator('html')).toHaveAttribute('data-phase', 'playing');
    await eventually(async () => (await last(page))?.playing).toBe(true);
    await send(page, { netsplit: 'pause' });
    await expect(frame.locator('html')).toHaveAttribute('data-phase', 'paused');
    await eventually(async () => (await last(page))?.playing).toBe(false);
    expect(new Set((await told(page)).map(({ origin }) => origin))).toEqual(new Set([new URL(files.url).origin]));
  });

  test('nothing else that the parent sends does anything, and nothing fails', { tag: '@long' }, async ({ page }) => {
    const frame = await lecture(page, '&keys=0');
    await ready(frame);
    await send(page, { netsplit: 'seek', at: 5 });
    await eventually(async () => (await last(page))?.at).toBe(5);
    const before = (await told(page)).length;
    await page.evaluate(() => {
      const cyclic: Record<string, unknown> = { netsplit: 'play' };
      cyclic['self'] = cyclic;
      const to = document.querySelector('iframe')?.contentWindow;
      for (const data of [
        'play',
        null,
        undefined,
        42,
        true,
        Symbol.iterator.toString(),
        [],
        ['play'],
        ['netsplit', 'play'],
        new Map([['netsplit', 'play']]),
        new Date(),
        new Uint8Array(8),
        { netsplit: 'act', act: { act: 'cut' } },
        { netsplit: 'load', scenario: 'coven' },
        { netsplit: 'PLAY' },
        { netsplit: ['play'] },
        { netsplit: { toString: 'play' } },
        { netsplit: 'constructor' },
        { netsplit: '__proto__' },
        { netsplit: 'play', at: 3 },
        { netsplit: 'step', by: '1' },
        { netsplit: 'step', by: 0 },
        { netsplit: 'step', by: 1.5 },
        { netsplit: 'step', by: 1e9 },
        { netsplit: 'step', by: Number.NaN },
        { netsplit: 'seek' },
        { netsplit: 'seek', at: -1 },
        { netsplit: 'seek', at: Number.POSITIVE_INFINITY },
        { netsplit: 'seek', at: '7' },
        { netsplit: 'seek', at: { valueOf: 7 } },
        { netsplit: '<img src=x onerror=alert(1)>' },
        { netsplit: 'javascript:alert(1)' },
        { eval: 'document.body.remove()' },
        { netsplit: 'x'.repeat(5_000_000) },
        Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`netsplit${i}`, 'play'])),
        { ...Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`n${i}`, i])), netsplit: 'play' },
        cyclic,
      ])
        to?.postMessage(data, '*');
    });
    // Another window than the parent, here one inside of the parent, may not ask either.
    await page.evaluate(() => {
      const other = document.body.appendChild(document.createElement('iframe'));
      other.srcdoc =
        '<script>parent.frames[0].postMessage({ netsplit: "seek", at: 9 }, "*"); parent.asked = true</script>';
    });
    await page.waitForFunction(() => 'asked' in window);
    // What is asked after all of these is done after them.
    await send(page, { netsplit: 'step' });
    await expect(transport(frame)).toHaveAttribute('data-at', '6');
    await eventually(async () => (await told(page)).slice(before).map(({ at }) => at)).toEqual([6]);
    await expect(frame.locator('html')).toHaveAttribute('data-phase', 'paused');
    // A place beyond the end is none: it is answered, and nothing happens.
    await send(page, { netsplit: 'seek', at: 99_999 });
    await eventually(async () => (await told(page)).slice(before).map(({ at }) => at)).toEqual([6, 6]);
  });

  test('scrolled away it stands still, and goes on when it is back', { tag: '@long' }, async ({ page }) => {
    const frame = await lecture(page, '&keys=0');
    await ready(frame);
    await send(page, { netsplit: 'seek', at: 0 });
    await send(page, { netsplit: 'play' });
    await eventually(async () => (await last(page))?.playing).toBe(true);
    await far(page);
    await eventually(() => last(page)).toMatchObject({ playing: false, waiting: true });
    const { at } = (await last(page)) ?? { at: -1 };
    await near(page);
    await eventually(() => last(page)).toMatchObject({ playing: true, waiting: false });
    await far(page);
    await eventually(() => last(page)).toMatchObject({ playing: false, waiting: true });
    expect((await last(page))?.at).toBeGreaterThanOrEqual(at);
    await send(page, { netsplit: 'pause' });
    await eventually(() => last(page)).toMatchObject({ playing: false, waiting: false });
    await send(page, { netsplit: 'play' });
    await eventually(() => last(page)).toMatchObject({ playing: false, waiting: true });
    await near(page);
    await eventually(() => last(page)).toMatchObject({ playing: true });
    // A frame that is not shown at all is not seen either.
    await page.evaluate(() => document.querySelector('iframe')?.style.setProperty('display', 'none'));
    await eventually(() => last(page)).toMatchObject({ playing: false });
  });

  test('the name of a region that there is not is said, with those there are', { tag: '@long' }, async ({ page }) => {
    const frame = await lecture(page, '&region=topology,sidebar');
    await expect(frame.getByTestId('embed-wrong')).toContainText('“sidebar”');
    await expect(frame.getByTestId('embed-wrong')).toContainText('topology, speak, transport, log');
    await expect(frame.locator('[data-occupant]')).toHaveCount(7);
  });

  test('the link to the whole page opens it in a new tab, at the same moment', { tag: '@long' }, async ({
    page,
    context,
  }) => {
    const frame = await lecture(page, '&region=topology,transport&keys=0', '#lab=wallops&seed=7&at=9');
    await expect(transport(frame)).toHaveAttribute('data-at', '9');
    const opened = context.waitForEvent('page');
    await frame.getByTestId('open-whole').click();
    const whole = await opened;
    await expect(whole.getByTestId('transport')).toHaveAttribute('data-at', '9');
    await expect(whole.getByTestId('help')).toBeVisible();
    expect(new URL(whole.url()).search).toBe('');
    expect(page.url()).not.toContain('lab=');
  });

  test('a lesson with its picture: a reader goes through it in the frame', { tag: '@long' }, async ({ page }) => {
    const frame = await lecture(page, '&region=topology,transport,lesson&keys=0', '#lesson=one-room-one-server');
    await expect(frame.getByTestId('lesson')).toHaveAttribute('data-step', '1');
    await frame.getByTestId('lesson-next').click();
    await expect(frame.getByTestId('lesson')).toHaveAttribute('data-step', '2');
    expect((await told(page)).some(({ playing }) => playing)).toBe(false);
  });

  test('any of the views; axe finds nothing in the frame', { tag: '@long' }, async ({ page }) => {
    const regions = 'topology,speak,transport,log,spacetime,transcripts,counters,outline,inspector';
    const frame = await lecture(page, `&region=${regions}`);
    await ready(frame);
    await frame.getByTestId('say-text').fill('Hello from a lecture');
    await frame.getByTestId('say-send').click();
    await frame.getByTestId('transport-quiet').click();
    await frame.getByTestId('tab-transcripts').click();
    await expect(frame.locator('[data-transcript]', { hasText: 'Hello from a lecture' })).toHaveCount(7);
    const { violations } = await new AxeBuilder({ page }).include('iframe').analyze();
    expect(violations.map(({ help, nodes }) => `${help}: ${nodes[0]?.html}`)).toEqual([]);
  });
});

test.describe('With motion', () => {
  test.use({ contextOptions: { reducedMotion: 'no-preference' } });

  test('autoplay=1 plays as soon as it is on the screen; without a transport there is a button that stops it', {
    tag: '@long',
  }, async ({ page }) => {
    const frame = await lecture(page, '&region=topology&autoplay=1', '#lab=wallops&seed=7&at=0');
    await expect(frame.locator('html')).toHaveAttribute('data-phase', 'playing');
    await frame.getByTestId('embed-play').click();
    await expect(frame.locator('html')).toHaveAttribute('data-phase', 'paused');
    await far(page);
    await near(page);
    await eventually(() => last(page)).toMatchObject({ playing: false, waiting: false });
  });
});

test.describe('Reduced motion', () => {
  test('autoplay=1 waits for the reader', { tag: '@long' }, async ({ page }) => {
    const frame = await lecture(page, '&region=topology&autoplay=1', '#lab=wallops&seed=7&at=0');
    await ready(frame);
    expect(await last(page)).toMatchObject({ playing: false, waiting: false });
  });
});

test.describe('The HTML to copy', () => {
  test('shows in a page of another site what is shown, with what was done', { tag: '@long' }, async ({ page }) => {
    await page.goto(`${files.url}#lab=wallops&seed=7`);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await page.evaluate((who) => window.lab.act({ act: 'say', who, text: 'Copied & "embedded"' }), BigCheese);
    await page.evaluate(() => window.lab.runToQuiet());
    await page.getByTestId('export').click();
    await page.getByTestId('export-embed').click();
    await page.getByTestId('embed-region-transcripts').check();
    await page.getByTestId('embed-height').fill('600');
    await page.getByTestId('embed-height').blur();
    const html = await page.getByTestId('embed-html').inputValue();
    expect(html).toContain('height="600"');
    expect(html).toContain('keys=0&amp;autoplay=0');
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().include('dialog[open]').analyze();
    expect(violations).toEqual([]);
    const parent = await serveParent(html);
    closers.push(parent.close);
    await page.goto(parent.url);
    const frame = page.frameLocator('iframe');
    await expect(frame.locator('[data-transcript]', { hasText: 'Copied & "embedded"' })).toHaveCount(7);
    expect(await page.locator('iframe').getAttribute('title')).toMatch(/^Netsplit: /);
    const opened = page.context().waitForEvent('page');
    await frame.getByTestId('open-whole').click();
    await expect((await opened).getByTestId('transport')).toBeVisible();
  });
});

test.describe('On the server of npm start', () => {
  test('a page of another site may not embed it; a live room can be watched where one may', { tag: '@long' }, async ({
    room,
    troubles,
    browser,
    baseURL,
  }) => {
    troubles.allow(/frame-ancestors|violates the following/);
    await room.open();
    const address = `${room.address()}${room.address().includes('?') ? '&' : '?'}embed=1&region=topology`;
    const url = new URL(address, baseURL).href;
    const parent = await serveParent(`<iframe src="${url}" title="A room" width="800" height="480"></iframe>`);
    closers.push(parent.close);
    const other = await browser.newContext();
    const visitor = await other.newPage();
    const refused = visitor.waitForEvent('console', { predicate: (line) => line.text().includes('frame-ancestors') });
    await visitor.goto(parent.url);
    await refused;
    await expect(visitor.frameLocator('iframe').locator('ns-embedded')).toHaveCount(0);
    // What it would show, by itself: a guest’s page, which runs nothing.
    await visitor.goto(url);
    await expect(
      visitor.locator('[data-occupant][data-phase=joined], [data-occupant][data-phase=elsewhere]'),
    ).toHaveCount(7);
    await expect(visitor.getByTestId('transport')).toHaveCount(0);
    await other.close();
  });
});
