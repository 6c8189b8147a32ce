import { expect, type Page } from '@playwright/test';
import { answerOf, type Lesson, type LessonAct, type LessonStep } from '../../../src/lessons/lesson.ts';

/** A learner at a page that shows a lesson. */
export class Learner {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get region() {
    return this.page.getByRole('region', { name: 'Lesson', exact: true });
  }

  async open(url: string, { id }: Pick<Lesson, 'id'>, step = 1): Promise<void> {
    await this.page.goto(`${url}#lesson=${id}&step=${step}`);
    await this.isAt(step);
    await this.page.waitForSelector('html[data-phase=paused]');
  }

  async isAt(step: number): Promise<void> {
    await expect(this.region).toHaveAttribute('data-step', String(step));
  }

  async isIn(phase: string): Promise<void> {
    await expect(this.region).toHaveAttribute('data-lesson-phase', phase);
  }

  /** @param isRight  what to guess */
  async predict(step: LessonStep, isRight: boolean): Promise<void> {
    const answer = answerOf(step);
    if (step.predict === undefined || answer === undefined) return;
    await this.isIn('predict');
    await expect(this.page.getByTestId('lesson-play')).toHaveCount(0);
    const given = isRight
      ? answer
      : 'choices' in step.predict
        ? (answer + 1) % step.predict.choices.length
        : answer + 1;
    if ('choices' in step.predict) await this.region.getByRole('radio').nth(given).check();
    else await this.page.getByTestId('lesson-number').fill(String(given));
    await this.page.getByTestId('lesson-answer').click();
  }

  /** Does what a step asks for, by the picture and its menus, and sees that it is ticked. */
  async act({ do: asked = [] }: LessonStep): Promise<void> {
    for (const [i, { act, after }] of asked.entries()) {
      if (after === 'quiet') {
        await this.page.getByTestId('lesson-play').click();
        await this.page.keyboard.press('Shift+ArrowRight');
        await expect(this.page.getByTestId('transport-state')).toHaveText(/^Nothing is under way/);
      }
      await this.do(act);
      await expect(this.page.getByTestId('lesson-acts').getByRole('listitem').nth(i)).toHaveAttribute(
        'data-done',
        'true',
      );
    }
  }

  /** Lets the run go on, if there is more of it. */
  async run({ run }: LessonStep): Promise<void> {
    if ((await this.region.getAttribute('data-lesson-phase')) !== 'run') return;
    if (run === 'steps') await this.page.getByTestId('lesson-step').click();
    else await this.page.getByTestId('lesson-play').click();
    // Nobody here waits until they have seen it all.
    if (typeof run !== 'object') await this.page.keyboard.press('Shift+ArrowRight');
  }

  async revealed(step: LessonStep, isRight: boolean): Promise<void> {
    if (step.check === undefined) return this.isIn('read');
    await this.isIn('revealed');
    if (step.predict)
      await expect(this.page.getByTestId('lesson-result').locator('[data-right]')).toHaveAttribute(
        'data-right',
        String(isRight),
      );
  }

  async next(): Promise<void> {
    await this.page.getByTestId('lesson-next').click();
  }

  /** One act, as somebody does it who has no mouse: the thing gets the focus, and its menu opens with Enter. */
  async do(act: LessonAct): Promise<void> {
    const { page } = this;
    const { who, link, node, room, nick } = act as {
      who?: string;
      link?: readonly [string, string];
      node?: string;
      room?: string;
      nick?: string;
    };
    const menu = async (id: string, item: string) => {
      await page.locator(`.picture [data-id="${id}"]`).focus();
      await page.keyboard.press('Enter');
      await page.getByTestId(`menu-${item}`).click();
    };
    switch (act.act) {
      case 'say':
        await page.getByTestId('say-who').selectOption(who ?? '');
        await page.getByTestId('say-text').fill(String(act['text']));
        return page.keyboard.press('Enter');
      case 'cut':
      case 'heal':
        await page.locator(`.picture [data-id="${[...(link ?? [])].sort().join('~')}"]`).focus();
        return page.keyboard.press('x');
      case 'join':
        return menu(who ?? '', room === undefined ? 'join' : 'join-source');
      case 'leave':
      case 'accept':
        return menu(who ?? '', act.act);
      case 'nick':
        await menu(who ?? '', 'nick');
        await page.getByLabel('Nick').fill(nick ?? '');
        return page.getByTestId('nick-apply').click();
      case 'crash':
      case 'restart':
        return menu(node ?? '', act.act);
      case 'configure':
        return menu(String(room).split('@')[1] ?? '', act['distributed'] === true ? 'distribute' : 'gather');
      default:
        throw new Error(`nobody here knows how to ${act.act}`);
    }
  }
}
