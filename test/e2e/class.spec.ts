import AxeBuilder from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { cast, eventually, expect, type RoomPage, test } from './support/netsplit.ts';

const token = '00112233445566778899aabbccddeeff';
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';

// As `npm start` does it: only the page with the token is the operator’s.
test.use({ serverOptions: { token } });

const contexts: BrowserContext[] = [];
test.afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});

/** Opens a class from the Lab. @returns the link for students */
async function teach(room: RoomPage): Promise<string> {
  const { page } = room;
  await page.goto(`/?room=${room.instance}#token=${token}`);
  await page.waitForFunction(() => 'lab' in window);
  await page.goto('/#lab=wallops&seed=7');
  await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
  await page.getByTestId('export').click();
  await page.getByTestId('teach').click();
  await expect(page.getByTestId('class-lecturer')).toHaveAttribute('data-phase', 'there');
  return (await page.getByTestId('class-link').textContent()) ?? '';
}

/** A student on another machine. */
async function join(browser: Browser, link: string, nick = ''): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  contexts.push(context);
  const page = await context.newPage();
  await page.goto(link);
  await page.getByTestId('class-nick').fill(nick);
  await page.getByTestId('class-enter').click();
  await expect(page.getByTestId('class-student')).toHaveAttribute('data-phase', 'there');
  return page;
}

const state = (page: Page) => page.evaluate(() => JSON.stringify([window.lab.state(), window.lab.events()]));
const at = (page: Page) => page.evaluate(() => Number(document.documentElement.dataset['simTime']));
const say = (page: Page, text: string) =>
  page.evaluate(([who, said]) => window.lab.act({ act: 'say', who, text: said }), [BigCheese, text] as const);
const inLab = (page: Page) => page.waitForSelector('html[data-mode=lab][data-phase=paused]');
/** All pages show the same, to the last event. */
const same = (pages: readonly Page[], as: Page) =>
  eventually(async () => new Set(await Promise.all([as, ...pages].map(state))).size).toBe(1);

test.describe('A class', () => {
  test('students are where the lecturer is: acts, steps, branches, another scenario; also who comes late', {
    tag: '@long',
  }, async ({ room, browser }) => {
    test.slow();
    const lecturer = room.page;
    const link = await teach(room);
    const ann = await join(browser, link, 'Ann');
    await inLab(ann);
    await same([ann], lecturer);
    await say(lecturer, 'Welcome');
    await same([ann], lecturer);
    await lecturer.evaluate(() => window.lab.runToQuiet());
    await same([ann], lecturer);
    await lecturer.evaluate(() => window.lab.step(-5));
    await same([ann], lecturer);
    // In the past, so a branch begins.
    await say(lecturer, 'Another way');
    const bob = await join(browser, link, 'Bob');
    await inLab(bob);
    await same([ann, bob], lecturer);
    expect(await bob.evaluate(() => window.lab.branches())).toEqual(
      await lecturer.evaluate(() => window.lab.branches()),
    );
    await lecturer.evaluate(() => window.lab.load('coven', { seed: 3 }));
    await expect(ann).toHaveURL(/lab=coven/);
    await same([ann, bob], lecturer);
    await expect(lecturer.getByTestId('class-count')).toHaveText('2 students in class');
    await bob.context().close();
    await expect(lecturer.getByTestId('class-count')).toHaveText('1 student in class');
  });

  test('a student looks around but does not lead; lets go, goes another way, and follows again', {
    tag: '@long',
  }, async ({ room, browser }) => {
    const lecturer = room.page;
    const ann = await join(browser, await teach(room), 'Ann');
    await inLab(ann);
    await same([ann], lecturer);
    const before = await at(ann);
    for (const one of ['transport', 'speak-bar', 'start-over']) await expect(ann.getByTestId(one)).toHaveCount(0);
    await ann.keyboard.press('ArrowLeft');
    await expect(ann.getByTestId('toast')).toContainText('Let go');
    await ann.getByTestId('tab-counters').click();
    await ann.getByTestId('tab-log').click();
    await ann.getByTestId('log').locator('.row').first().click();
    await expect(ann.locator('.row.chosen')).toHaveCount(1);
    expect(await at(ann)).toBe(before);

    await ann.getByTestId('class-let-go').click();
    await ann.getByTestId('say-text').fill('On my own');
    await ann.getByTestId('say-send').click();
    await ann.getByTestId('transport-quiet').click();
    await say(lecturer, 'Meanwhile');
    await lecturer.evaluate(() => window.lab.runToQuiet());
    await expect
      .poll(() => ann.evaluate(() => window.lab.counters().messages.map(({ body }) => body)))
      .toEqual(['On my own']);
    expect(await lecturer.evaluate(() => window.lab.counters().messages.map(({ body }) => body))).toEqual([
      'Meanwhile',
    ]);
    await ann.getByTestId('class-follow').click();
    await same([ann], lecturer);
    await expect(ann.getByTestId('transport')).toHaveCount(0);
  });

  test('answers are counted at the lecturer’s, in a chart, as text', { tag: '@long' }, async ({ room, browser }) => {
    test.slow();
    const lecturer = room.page;
    const link = await teach(room);
    const nick = '<img src=x onerror=alert(1)>';
    const pages = await Promise.all([join(browser, link, nick), join(browser, link), join(browser, link, 'Bob')]);
    await lecturer.getByTestId('class-ask').click();
    await lecturer.getByTestId('class-question').fill('How many stanzas cross the links?');
    await lecturer.getByTestId('class-send').click();
    for (const [i, page] of pages.entries()) {
      await page
        .getByTestId('class-question')
        .getByRole('textbox')
        .fill(i === 0 ? '8' : '4');
      await page.getByTestId('class-answer').click();
      await expect(page.getByTestId('class-answered')).toContainText('Your answer');
    }
    await expect(lecturer.getByTestId('class-answered')).toHaveText('3 of 3 students answered');
    await expect(lecturer.getByTestId('class-answers').locator('tr')).toHaveText([/^4\s*2$/, /^8\s*1$/]);
    expect((await new AxeBuilder({ page: lecturer }).setLegacyMode().analyze()).violations).toEqual([]);
    // Somebody thinks again.
    const [first] = pages as [Page, Page, Page];
    await first.getByTestId('class-question').getByRole('textbox').fill('4');
    await first.getByTestId('class-answer').click();
    await expect(lecturer.getByTestId('class-answers').locator('tr')).toHaveText([/^4\s*3$/]);

    await lecturer.getByTestId('class-ask').click();
    await lecturer.getByTestId('class-question').fill('Who gets it?');
    await lecturer.getByTestId('class-choices').fill('Everybody\n\nNobody');
    await lecturer.getByTestId('class-send').click();
    await first.getByLabel('Nobody').check();
    expect((await new AxeBuilder({ page: first }).setLegacyMode().analyze()).violations).toEqual([]);
    await first.getByTestId('class-answer').click();
    await expect(lecturer.getByTestId('class-answers').locator('tr')).toHaveText([/^Everybody\s*0$/, /^Nobody\s*1$/]);
    await lecturer.getByTestId('class-stop').click();
    await expect(first.getByTestId('class-question')).toHaveCount(0);
    // Names are kept nowhere.
    for (const page of [lecturer, first]) {
      const kept = await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
      );
      expect(kept).not.toContain('Bob');
      expect(kept).not.toContain('onerror');
    }
  });

  test('a lesson: students are at its step, and their guesses are the answers that are counted', {
    tag: '@long',
  }, async ({ room, browser }) => {
    test.slow();
    const lecturer = room.page;
    const link = await teach(room);
    const [ann, bob] = [await join(browser, link, 'Ann'), await join(browser, link, 'Bob')];
    await lecturer.evaluate(() => window.lab.load('one-room-one-server'));
    const lesson = (page: Page) => page.getByTestId('lesson');
    for (const page of [ann, bob]) {
      await expect(lesson(page)).toHaveAttribute('data-step', '1');
      // Who leads on is the lecturer.
      await expect(page.getByTestId('lesson-next')).toHaveCount(0);
    }
    // The step changes, and nothing else: the page of a student is not made anew.
    await ann.evaluate(() => document.querySelector('ns-app')?.setAttribute('data-marked', ''));
    await lecturer.getByTestId('lesson-next').click();
    await expect(lesson(ann)).toHaveAttribute('data-step', '2');
    await expect(ann.locator('ns-app')).toHaveAttribute('data-marked');
    for (const [page, guess] of [
      [ann, '8'],
      [bob, '7'],
    ] as const) {
      await expect(lesson(page)).toHaveAttribute('data-step', '2');
      await expect(page.getByTestId('class-question')).toHaveCount(0);
      await page.getByTestId('lesson-number').fill(guess);
      await page.getByTestId('lesson-answer').click();
    }
    await expect(lecturer.getByTestId('class-answers').locator('tr')).toHaveText([
      /^7 stanzas\s*1$/,
      /^8 stanzas\s*1$/,
    ]);
    await expect(lecturer.getByTestId('class-answered')).toHaveText('2 of 2 students answered');
    await expect(lesson(ann).getByRole('heading', { level: 3 }).first()).toHaveText('What the lecturer does');
    // The lecturer does what the step asks for, and it comes out at everybody’s.
    await lecturer.getByTestId('lesson-skip').click();
    await say(lecturer, 'Phaedrus, we are all having a truly rotten time.');
    await lecturer.evaluate(() => window.lab.runToQuiet());
    for (const page of [lecturer, ann, bob])
      await expect(lesson(page)).toHaveAttribute('data-lesson-phase', 'revealed');
    await expect(ann.getByTestId('lesson-result')).toContainText('8 stanzas');
    await lecturer.getByTestId('lesson-next').click();
    for (const page of [ann, bob]) await expect(lesson(page)).toHaveAttribute('data-step', '3');
    await expect(ann.locator('ns-app')).toHaveAttribute('data-marked');
    await same([ann, bob], lecturer);
    await lecturer.getByTestId('lesson-back').click();
    for (const page of [ann, bob]) await expect(lesson(page)).toHaveAttribute('data-step', '2');
    await same([ann, bob], lecturer);
  });

  test('a live room: students come to it as guests, under the name that they typed', { tag: '@long' }, async ({
    room,
    browser,
  }) => {
    test.slow();
    const lecturer = room.page;
    await lecturer.goto(`/?room=${room.instance}#token=${token}`);
    await room.ready();
    await lecturer.getByTestId('export').click();
    await lecturer.getByTestId('teach').click();
    const ann = await join(browser, (await lecturer.getByTestId('class-link').textContent()) ?? '', 'Ann');
    await ann.waitForSelector('html[data-mode=live]');
    await expect(lecturer.locator('[data-occupant][data-nick=Ann]')).toHaveCount(1);
    // There everybody takes part.
    await ann.getByTestId('say-text').fill('Hello from the last row');
    await ann.getByTestId('say-send').click();
    await eventually(() => room.heard(BigCheese)).toContain('Hello from the last row');
    // From there the lecturer leads into the Lab.
    await lecturer.evaluate(() => window.lab.load('coven'));
    await inLab(ann);
    await expect(ann).toHaveURL(/lab=coven/);
  });

  test('a live room: a student plays one of its people, and speaks as them; nobody else can, until the lecturer takes them back', {
    tag: '@long',
  }, async ({ room, browser }) => {
    test.slow();
    const lecturer = room.page;
    await lecturer.goto(`/?room=${room.instance}#token=${token}`);
    await room.ready();
    await lecturer.getByTestId('export').click();
    await lecturer.getByTestId('teach').click();
    const link = (await lecturer.getByTestId('class-link').textContent()) ?? '';
    const ann = await join(browser, link, 'Ann');
    await expect(lecturer.locator('[data-occupant][data-nick=Ann]')).toHaveCount(1);
    await ann.getByTestId('class-seat').selectOption('BigCheese');
    await ann.getByTestId('class-take').click();
    await expect(ann.getByTestId('class-speak')).toHaveAttribute('data-seat', BigCheese);
    await expect(lecturer.getByTestId('class-players')).toContainText('Ann plays BigCheese');
    // Who plays somebody is no guest meanwhile.
    await expect(lecturer.locator('[data-occupant][data-nick=Ann]')).toHaveCount(0);
    await ann.getByTestId('class-text').fill('It is I who speak');
    await ann.keyboard.press('Enter');
    await eventually(() => room.heard(cast.Wumpus)).toContain('It is I who speak');
    await ann.getByTestId('class-text').fill('For you alone');
    await ann.getByTestId('class-to').selectOption('Troy');
    await ann.getByTestId('class-say').click();
    await expect(lecturer.getByTestId('log').getByText('BigCheese whispers to Troy: “For you alone”')).toBeVisible();
    for (const page of [lecturer, ann])
      expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations).toEqual([]);

    const bob = await join(browser, link, 'Bob');
    await expect(bob.getByTestId('class-seat').getByRole('option')).toHaveCount(6);
    await expect(bob.getByTestId('class-seat')).not.toContainText('BigCheese');
    await lecturer.getByTestId('class-take-back').click();
    await expect(ann.getByTestId('class-seats')).toBeVisible();
    await expect(lecturer.locator('[data-occupant][data-nick=Ann]')).toHaveCount(1);
    await bob.getByTestId('class-seat').selectOption('BigCheese');
    await bob.getByTestId('class-take').click();
    await expect(lecturer.getByTestId('class-players')).toContainText('Bob plays BigCheese');
    await bob.getByTestId('class-give').click();
    await expect(lecturer.getByTestId('class-players')).toHaveCount(0);
  });

  test('a lecturer whose page is reloaded goes on; when they end the class, students go on alone', {
    tag: '@long',
  }, async ({ room, browser }) => {
    const lecturer = room.page;
    const ann = await join(browser, await teach(room), 'Ann');
    await inLab(ann);
    await lecturer.getByTestId('class-ask').click();
    await lecturer.getByTestId('class-question').fill('How many?');
    await lecturer.getByTestId('class-send').click();
    await ann.getByTestId('class-question').getByRole('textbox').fill('4');
    await ann.getByTestId('class-answer').click();
    await expect(lecturer.getByTestId('class-answered')).toHaveText('1 of 1 student answered');
    await lecturer.reload();
    // What they asked is still asked, and what was answered is still there.
    await expect(lecturer.getByTestId('class-answers').locator('tr')).toHaveText([/^4\s*1$/]);
    await expect(ann.getByTestId('class-answered')).toContainText('Your answer: 4');
    await expect(lecturer.getByTestId('class-count')).toHaveText('1 student in class');
    await inLab(lecturer);
    await say(lecturer, 'Back again');
    await same([ann], lecturer);
    await lecturer.getByTestId('class-end').click();
    await expect(lecturer.getByTestId('class-lecturer')).toHaveCount(0);
    await expect(ann.getByTestId('class-student')).toHaveAttribute('data-phase', 'over');
    await ann.getByTestId('class-leave').click();
    await expect(ann.getByTestId('class-student')).toHaveCount(0);
    await expect(ann.getByTestId('transport')).toBeVisible();
    expect(new URL(ann.url()).searchParams.has('class')).toBe(false);
  });

  test('without the token a page cannot teach; a code that nobody teaches is said', { tag: '@long' }, async ({
    baseURL,
    browser,
  }) => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...(baseURL ? { baseURL } : {}) });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto('/#lab=wallops');
    await inLab(page);
    await page.getByTestId('export').click();
    await page.getByTestId('teach').click();
    await expect(page.getByTestId('toast')).toContainText('can teach');
    await page.goto('/?class=abcdef');
    await page.getByTestId('class-enter').click();
    await expect(page.getByTestId('class-why')).toContainText('there is no class with this code');
  });
});
