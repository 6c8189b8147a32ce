import { lessons } from '../../src/lessons/built-in.ts';
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

  test('who does something else is told so, and can begin the step again', async ({ page }) => {
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

  test('it can be left and gone on with, and a link leads to a step with what was done', async ({ page, context }) => {
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
