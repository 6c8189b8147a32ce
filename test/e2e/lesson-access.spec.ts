import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { lessons } from '../../src/lessons/built-in.ts';
import type { Lesson } from '../../src/lessons/lesson.ts';
import { serveFiles } from './support/files.ts';
import { Learner, OutlineLearner } from './support/lesson.ts';
import { expect, test } from './support/netsplit.ts';

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

const long = { tag: '@long' };
/** The first step of a lesson that asks for a guess and shows what came out; from 1. */
const asking = ({ steps }: Lesson) => steps.findIndex(({ predict, check, reveal }) => predict && check && reveal) + 1;
/** One of them is tried in `npm test`, the others in `npm run test:long`. */
const share = (i: number) => (i === 4 ? {} : long);

const axeFaults = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations.map(({ help, nodes }) => `${help}: ${nodes[0]?.html}`);
};

for (const [i, lesson] of lessons.entries())
  test.describe(`Lesson ${lesson.number}: ${lesson.title}`, () => {
    test(
      'by the outline alone, without a picture: every step, its guess and its checks',
      share(i),
      async ({ page }) => {
        test.slow();
        const learner = new OutlineLearner(page);
        await learner.open(files.url, lesson);
        for (const [at, step] of lesson.steps.entries()) {
          await learner.isAt(at + 1);
          // A screen reader goes on at the heading of the step.
          if (at > 0) await expect(learner.region.getByRole('heading', { level: 2 })).toBeFocused();
          await learner.predict(step, true);
          await learner.act(step);
          await learner.run(step);
          await learner.revealed(step, true);
          await learner.next();
        }
        await expect(page.getByTestId('lesson-where')).toContainText('exercise 1');
      },
    );

    test(
      'axe finds nothing in what is revealed, after a right and a wrong guess, light and dark',
      long,
      async ({ page }) => {
        test.slow();
        const learner = new Learner(page);
        for (const isRight of [true, false]) {
          await learner.reveal(files.url, lesson, asking(lesson), isRight);
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            expect(await axeFaults(page), `${isRight ? 'right' : 'wrong'}, ${colorScheme}`).toEqual([]);
          }
        }
      },
    );

    test(
      'at 200 %: nothing is beside the window, and all that a step and what it reveals have can be reached',
      long,
      async ({ browser }) => {
        test.slow();
        // A window of 1440 by 900 px, at 200 %.
        const page = await browser.newPage({ viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 });
        const learner = new Learner(page);
        const number = asking(lesson);
        await learner.open(files.url, lesson, number);
        expect(await unreachable(page), 'asked').toEqual([]);
        await learner.reveal(files.url, lesson, number);
        expect(await unreachable(page), 'revealed').toEqual([]);
        await page.close();
      },
    );
  });

/** Controls of the lesson and the transport that nobody can press, even if they scroll to them; and whether the page is wider than the window. */
async function unreachable(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const all = document.querySelectorAll<HTMLElement>(
      ':is([data-testid=lesson], [data-testid=transport], header, [data-testid^=region-]):is(button, a, input, summary, select), :is([data-testid=lesson], [data-testid=transport], header) :is(button, a, input, summary, select)',
    );
    const beside = document.documentElement.scrollWidth > innerWidth ? ['the page is wider than the window'] : [];
    const hidden = [...all].flatMap((one) => {
      if (!one.checkVisibility() || one.matches(':disabled')) return [];
      one.scrollIntoView({ block: 'center', inline: 'nearest' });
      // A text that is a link may be on two lines.
      const { left, top, right, bottom, width, height } = one.getClientRects()[0] ?? one.getBoundingClientRect();
      const there = document.elementFromPoint(left + width / 2, top + height / 2);
      const isSeen = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
      const isOnTop =
        there !== null &&
        (one.contains(there) || there.contains(one) || there.closest('label')?.contains(one) === true);
      return isSeen && isOnTop ? [] : [one.outerHTML.slice(0, 120)];
    });
    return [...beside, ...hidden];
  });
}

test.describe('In grey', () => {
  const grey = (page: Page) =>
    page.evaluate(() => document.documentElement.style.setProperty('filter', 'grayscale(1)'));
  const shapeOf = (page: Page, selector: string) =>
    page
      .locator(`${selector} .icon`)
      .first()
      .evaluate((one) => one.innerHTML.replace(/<!--.*?-->/g, ''));

  test(
    'an act that is done and one to do, a right guess and a wrong one, differ by shape and in words',
    long,
    async ({ page }) => {
      const lesson = lessons[3] as Lesson;
      const learner = new Learner(page);
      await learner.open(files.url, lesson, asking(lesson));
      await grey(page);
      const step = lesson.steps[asking(lesson) - 1];
      if (step?.do === undefined) throw new Error('the step asks for nothing');
      await page.getByTestId('lesson-skip').click();
      const acts = page.getByTestId('lesson-acts').getByRole('listitem');
      await expect(acts.first()).toContainText(', to do');
      const toDo = await shapeOf(page, '[data-testid=lesson-acts] li');
      await learner.act(step);
      await expect(acts.first()).toContainText(', done');
      expect(await shapeOf(page, '[data-testid=lesson-acts] li')).not.toBe(toDo);

      const seen: Record<string, string> = {};
      for (const isRight of [true, false]) {
        await learner.reveal(files.url, lesson, asking(lesson), isRight);
        await grey(page);
        const result = page.getByTestId('lesson-result').locator('[data-right]');
        await expect(result).toHaveText(isRight ? 'That is right.' : 'It came out otherwise.');
        seen[String(isRight)] = await shapeOf(page, '[data-testid=lesson-result] [data-right]');
      }
      expect(seen['true']).not.toBe(seen['false']);
    },
  );

  test(
    'nothing in the lesson has a meaning by its colour: each coloured word or sign says it otherwise, too',
    long,
    async ({ page }) => {
      test.slow();
      const learner = new Learner(page);
      for (const lesson of lessons) {
        await learner.reveal(files.url, lesson, asking(lesson));
        await grey(page);
        // Whatever stands out by colour has a sign, is underlined, framed, or heavier than the text around it.
        const byColourAlone = await page.evaluate(() => {
          const body = document.querySelector('.lesson-body');
          const ink = body && getComputedStyle(body).color;
          return [...(body?.querySelectorAll<HTMLElement>('*') ?? [])].flatMap((one) => {
            const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
            const style = getComputedStyle(one);
            if (!hasText || style.color === ink || one.closest('svg')) return [];
            const apart = [one, one.parentElement as HTMLElement].some((at) => {
              const look = getComputedStyle(at);
              return (
                look.textDecorationLine.includes('underline') ||
                Number(look.fontWeight) >= 600 ||
                Number.parseFloat(look.fontSize) !== Number.parseFloat(getComputedStyle(body as Element).fontSize) ||
                look.borderBottomStyle !== 'none' ||
                at.querySelector('.icon') !== null
              );
            });
            return apart ? [] : [`${one.className}: ${one.textContent}`];
          });
        });
        expect(byColourAlone, lesson.id).toEqual([]);
      }
    },
  );
});
