import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { lessons } from '../../src/lessons/built-in.ts';
import { answerOf } from '../../src/lessons/lesson.ts';
import { parseMarkdown } from '../../src/lessons/markdown.ts';
import { serveFiles } from './support/files.ts';
import { Learner } from './support/lesson.ts';
import { expect, test } from './support/netsplit.ts';

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

const [first] = lessons;
if (first === undefined) throw new Error('there are no lessons');
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';

test.describe('A lesson', () => {
  test('files alone: the page shows lesson 1, paused, and says what to do', async ({ page, troubles }) => {
    troubles.allow(/404/);
    await page.goto(files.url);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    const learner = new Learner(page);
    await expect(learner.region).toHaveAttribute('data-lesson', first.id);
    await expect(learner.region.getByRole('heading', { level: 2 })).toHaveText('Who is where');
    await expect(page.getByTestId('lesson-marks').locator('rect')).toHaveCount(1);
    await learner.region.locator('[data-term=server]').click();
    await expect(page.getByTestId('term-note')).toContainText('hands stanzas to other servers');
  });

  test('without a network, once the page is loaded: all lessons, their list, the editor, and a frame to copy', async ({
    page,
    context,
    troubles,
  }) => {
    troubles.allow(/404|ERR_INTERNET_DISCONNECTED/);
    const missed: string[] = [];
    page.on('requestfailed', (request) => missed.push(request.url()));
    await page.goto(files.url);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await page.waitForSelector('html[data-loaded=whole]');
    await context.setOffline(true);
    for (const { id } of lessons) {
      await page.evaluate((lesson) => window.lab.load(lesson), id);
      await expect(page.getByTestId('lesson')).toHaveAttribute('data-lesson', id);
    }
    await page.getByTestId('lessons-open').click();
    await expect(page.getByTestId('lessons')).toBeVisible();
    await page.keyboard.press('Escape');
    await page.getByTestId('own').click();
    await page.getByTestId('edit-this').click();
    await expect(page.getByTestId('editor')).toBeVisible();
    await page.getByTestId('editor-close').click();
    await page.getByTestId('export').click();
    await page.getByTestId('export-embed').click();
    await expect(page.getByRole('dialog')).toBeVisible();
    expect(missed.filter((url) => !/icon/.test(url))).toEqual([]);
  });

  test('a number is asked for first, then shown beside that of the run; a step can be tried again', async ({
    page,
  }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first, 2);
    await learner.isIn('predict');
    await expect(page.getByTestId('lesson-play')).toHaveCount(0);
    await page.getByTestId('lesson-number').fill('5');
    await page.getByTestId('lesson-answer').click();
    await learner.isIn('do');
    await learner.do({ act: 'say', who: BigCheese, text: 'In my own words' });
    await learner.isIn('run');
    await page.getByTestId('lesson-play').click();
    await page.getByTestId('transport-quiet').click();
    await learner.isIn('revealed');
    await expect(page.getByTestId('lesson-count')).toHaveText('8 stanzas');
    await expect(page.getByTestId('lesson-result')).toContainText('5 stanzas');
    await expect(page.locator('.picture.chosen')).toHaveCount(1);
    await page.getByTestId('lesson-retry').click();
    await learner.isIn('predict');
    await page.getByTestId('lesson-skip').click();
    await learner.isIn('do');
    await learner.do({ act: 'say', who: BigCheese, text: 'Once more' });
    await page.getByTestId('transport-quiet').click();
    await learner.isIn('revealed');
    expect(await page.evaluate(() => window.lab.branches().length)).toBe(2);
    expect(await page.evaluate(() => window.lab.lesson()?.answers)).toEqual({ 2: null });
  });

  test('a handout has every question and no answer; with answers it has each; on paper it is alone', {
    tag: '@long',
  }, async ({ page }) => {
    const plain = (text: string) =>
      parseMarkdown(text)
        .flatMap((block) => (block.kind === 'list' ? block.items : [block.inlines]))
        .map((inlines) => inlines.map(({ text: words }) => words).join(''));
    for (const lesson of lessons.slice(0, 3)) {
      await page.goto(`${files.url}#lesson=${lesson.id}`);
      await page.waitForSelector(`[data-testid=lesson][data-lesson=${lesson.id}]`);
      await page.getByTestId('lesson-print').click();
      const sheet = page.getByTestId('handout');
      const words = async () => (await sheet.textContent())?.replace(/\s+/g, ' ') ?? '';
      const questions = lesson.steps.flatMap(({ predict }) => (predict ? plain(predict.ask) : []));
      const answers = [
        ...lesson.steps.flatMap(({ predict, reveal }) => (predict && reveal ? plain(reveal.right) : [])),
        ...lesson.exercises.flatMap(({ solution }) => plain(solution)),
      ];
      expect(questions.length * answers.length, lesson.id).toBeGreaterThan(0);
      const without = await words();
      expect(questions.filter((one) => !without.includes(one))).toEqual([]);
      expect(answers.filter((one) => without.includes(one))).toEqual([]);
      await expect(sheet.locator('[data-right]')).toHaveCount(0);
      await page.getByTestId('handout-answers').check();
      const all = await words();
      expect([...questions, ...answers].filter((one) => !all.includes(one))).toEqual([]);
      await expect(sheet.locator('[data-right]')).toHaveCount(
        lesson.steps.filter((step) => answerOf(step) !== undefined).length,
      );
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().include('dialog[open]').analyze();
      expect(violations.map(({ help, nodes }) => `${help}: ${nodes[0]?.html}`)).toEqual([]);
    }
    await page.emulateMedia({ media: 'print' });
    await expect(page.getByTestId('handout').locator('.handout-picture')).toBeVisible();
    for (const one of ['lesson', 'transport', 'handout-print', 'help'])
      await expect(page.getByTestId(one)).toBeHidden();
    // All of it is there, not only what fits into the window.
    const [inside, outside] = await page
      .getByTestId('handout')
      .evaluate((dialog) => [dialog.scrollHeight, dialog.clientHeight]);
    expect(inside).toBe(outside);
  });

  test('who does something else is told so, and can begin the step again', { tag: '@long' }, async ({ page }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first, 2);
    await page.getByTestId('lesson-skip').click();
    await learner.do({ act: 'leave', who: BigCheese });
    await expect(page.getByTestId('lesson-strayed')).toBeVisible();
    await page.getByTestId('lesson-again').click();
    await learner.isIn('predict');
    await page.getByTestId('lesson-skip').click();
    await expect(page.getByTestId('lesson-strayed')).toHaveCount(0);
    await expect(page.locator(`[data-occupant="${BigCheese}"]`)).toHaveAttribute('data-phase', 'joined');
  });

  test('it can be left and gone on with, and a link leads to a step with what was done', { tag: '@long' }, async ({
    page,
    context,
  }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first, 2);
    await page.getByTestId('lesson-skip').click();
    await learner.do({ act: 'say', who: BigCheese, text: 'Kept in the link' });
    await page.getByTestId('transport-quiet').click();
    await learner.isIn('revealed');
    await learner.next();
    await learner.isAt(3);
    await expect(page).toHaveURL(/lesson=one-room-one-server&step=3&from=\d+/);
    const other = new Learner(await context.newPage());
    await other.page.goto(page.url());
    await other.isAt(3);
    await other.page.getByTestId('tab-transcripts').click();
    await expect(other.page.locator('[data-transcript]', { hasText: 'Kept in the link' })).toHaveCount(7);
    await page.getByTestId('lesson-close').click();
    await expect(learner.region).toHaveCount(0);
    await page.getByTestId('lessons-open').click();
    const row = page.locator(`[data-lesson-row=${first.id}]`);
    await expect(row.getByTestId('lesson-far')).toHaveText(`1 of ${first.steps.length + first.exercises.length} done`);
    await row.getByTestId('lesson-begin').click();
    await learner.isAt(3);
    await page.getByTestId('lesson-back').click();
    await learner.isAt(2);
  });
});

test.describe('A lesson of one’s own', () => {
  const own = JSON.stringify({ ...first, id: 'my-own', number: undefined, title: 'My own' }, undefined, 2);
  const choose = async (page: Page, text: string) => {
    const chosen = page.waitForEvent('filechooser');
    await page.getByTestId('open-trace').click();
    await (await chosen).setFiles({ name: 'my.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  };

  test('is opened as a file; one with a fault is refused with its line, and what was shown stays', {
    tag: '@long',
  }, async ({ page }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first);
    const line = own.split('\n').findIndex((one) => one.includes('"minutes"')) + 1;
    await choose(page, own.replace('"minutes"', '"hours"'));
    await expect(page.getByTestId('toast')).toContainText(`Line ${line}, $.hours`);
    await expect(learner.region).toHaveAttribute('data-lesson', first.id);
    await choose(page, own);
    await expect(learner.region).toHaveAttribute('data-lesson', 'my-own');
    await learner.next();
    await learner.isIn('predict');
    // The address is for everybody.
    await expect(page).not.toHaveURL(/lesson=/);
  });

  test('what is in it is shown as text', { tag: '@long' }, async ({ page }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first);
    const text = '<img src=x onerror=alert(1)> [go](javascript:alert(1))';
    await choose(page, JSON.stringify({ ...JSON.parse(own), steps: [{ title: '<b>bold</b>', text }] }));
    await expect(learner.region.getByRole('heading', { level: 2 })).toHaveText('<b>bold</b>');
    await expect(learner.region.locator('.lesson-body')).toContainText(text);
    await expect(learner.region.locator('img, b')).toHaveCount(0);
  });
});

test.describe('A lesson, for everybody', () => {
  test('at 360 px: it has a region of its own, nothing is cut off, and what leads on can be pressed', async ({
    page,
  }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    const learner = new Learner(page);
    const lesson = lessons[1] ?? first;
    await learner.open(files.url, lesson, 2);
    await expect(page.getByTestId('region-lesson')).toHaveAttribute('aria-pressed', 'true');
    await page.getByTestId('lesson-number').fill('4');
    await page.getByTestId('lesson-answer').click();
    for (const id of ['lesson-back', 'lesson-next', 'transport-play', 'transport-forward'])
      expect((await page.getByTestId(id).boundingBox())?.height, id).toBeGreaterThanOrEqual(44);
    await page.getByTestId('region-topology').click();
    await expect(learner.region).toBeHidden();
    await learner.do({ act: 'say', who: BigCheese, text: 'Hello' });
    await page.getByTestId('region-lesson').click();
    await page.getByTestId('lesson-play').click();
    await page.getByTestId('transport-quiet').click();
    await learner.isIn('revealed');
    await expect(page.getByTestId('lesson-count')).toHaveText('4 stanzas');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });

  test('what is pointed at has another outline than what is selected, and is said in words', { tag: '@long' }, async ({
    page,
  }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first);
    await learner.region.getByRole('button', { name: 'channel.avalon.irc' }).click();
    await expect(page.locator('[data-node="channel.avalon.irc"]')).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    const styleOf = (selector: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((one) => getComputedStyle(one).strokeDasharray);
    expect(await styleOf('.lesson-marks rect')).not.toBe(await styleOf('[data-node="channel.avalon.irc"] rect'));
  });

  test('the list has all lessons, and the glossary says what earlier editions call a term', { tag: '@long' }, async ({
    page,
  }) => {
    const learner = new Learner(page);
    await learner.open(files.url, first);
    await page.getByTestId('lessons-open').click();
    await expect(page.locator('[data-lesson-row]')).toHaveCount(lessons.length);
    await page.getByTestId('glossary').locator('summary').click();
    await expect(page.getByTestId('glossary')).toContainText('Earlier editions say slave');
    await page.locator('[data-lesson-row=netsplit]').getByTestId('lesson-begin').click();
    await expect(learner.region).toHaveAttribute('data-lesson', 'netsplit');
    await expect(page.getByTestId('lessons')).toHaveCount(0);
  });

  test('axe finds nothing in any lesson, light and dark', { tag: '@long' }, async ({ browser }) => {
    test.slow();
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ colorScheme, reducedMotion: 'reduce' });
      const learner = new Learner(page);
      for (const lesson of lessons) {
        const step = lesson.steps.findIndex(({ predict, spec }) => predict !== undefined && spec !== undefined) + 1;
        await learner.open(files.url, lesson, step);
        const { violations: asked } = await new AxeBuilder({ page }).setLegacyMode().analyze();
        expect(asked, `${lesson.id}, ${colorScheme}`).toEqual([]);
      }
      await page.close();
    }
  });
});

test.describe('lab.load', () => {
  test('takes the id of a lesson, and lab.lesson() says where the learner is', { tag: '@long' }, async ({ page }) => {
    test.slow();
    const learner = new Learner(page);
    await learner.open(files.url, first);
    for (const lesson of lessons) {
      await page.evaluate((id) => window.lab.load(id, { seed: 7 }), lesson.id);
      await learner.isAt(1);
      const number = lesson.steps.findIndex(({ do: acts, check }) => acts && check) + 1;
      // Whatever leads there.
      for (let i = 1; i < number; i++) await learner.next();
      const { predict, do: acts = [], run } = lesson.steps[number - 1] ?? {};
      if (predict) await page.getByTestId('lesson-skip').click();
      for (const { act, after } of acts) {
        if (after) await page.evaluate(() => window.lab.runToQuiet());
        expect(await page.evaluate((one) => window.lab.act(one as never), act), lesson.id).toEqual({ ok: true });
      }
      if (typeof run === 'object') await page.evaluate((ms) => window.lab.runFor(ms), run.ms);
      else await page.evaluate(() => window.lab.runToQuiet());
      await learner.isIn('revealed');
      const told = await page.evaluate(() => window.lab.lesson());
      expect(told).toMatchObject({ id: lesson.id, step: number, phase: 'revealed', steps: lesson.steps.length });
      expect(told?.checks.map(({ done }) => done)).not.toContain(false);
      expect(told?.acts.map(({ done }) => done)).not.toContain(false);
    }
    await page.evaluate(() => window.lab.load('plain'));
    expect(await page.evaluate(() => window.lab.lesson())).toBeUndefined();
  });
});

for (const lesson of lessons) {
  test.describe(`Lesson ${lesson.number}: ${lesson.title}`, { tag: '@long' }, () => {
    for (const isRight of [true, false])
      test(`by keyboard, with ${isRight ? 'right' : 'wrong'} guesses`, async ({ page }) => {
        test.slow();
        const learner = new Learner(page);
        await learner.open(files.url, lesson);
        for (const [i, step] of lesson.steps.entries()) {
          await learner.isAt(i + 1);
          await learner.predict(step, isRight);
          await learner.act(step);
          await learner.run(step);
          await learner.revealed(step, isRight);
          await learner.next();
        }
        await expect(page.getByTestId('lesson-where')).toContainText('exercise 1');
      });
  });
}
