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
    // In a page that is open already, the address would change and nothing be loaded: whoever looks at once still sees the step that was there.
    if (this.page.url() !== 'about:blank') await this.page.goto('about:blank');
    await this.page.goto(`${url}#lesson=${id}&step=${step}`);
    await this.isAt(step);
    await this.page.waitForSelector('html[data-phase=paused]');
  }

  async isAt(step: number): Promise<void> {
    await expect(this.region).toHaveAttribute('data-step', String(step));
  }

  async isIn(phase: string): Promise<void> {
    await expect(this.region).toHaveAttribute('data-lesson-phase', phase, { timeout: 45_000 });
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

  /** Opens a step and brings it to its end, by `window.lab`: what it looks like then is looked at elsewhere. */
  async reveal(url: string, lesson: Lesson, number: number, isRight = true): Promise<void> {
    await this.open(url, lesson, number);
    const step = lesson.steps[number - 1] as LessonStep;
    await this.predict(step, isRight);
    for (const { act, after } of step.do ?? []) {
      if (after === 'quiet') await this.page.evaluate(() => window.lab.runToQuiet());
      expect(await this.page.evaluate((one) => window.lab.act(one as never), act), lesson.id).toEqual({ ok: true });
    }
    if (typeof step.run === 'object') await this.page.evaluate((ms) => window.lab.runFor(ms), step.run.ms);
    else await this.page.evaluate(() => window.lab.runToQuiet());
    await this.revealed(step, isRight);
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
      case 'pm':
        await menu(who ?? '', 'whisper');
        await page.getByTestId('whisper-dialog').getByLabel('To').selectOption(String(act['to']));
        await page
          .getByTestId('whisper-dialog')
          .getByLabel('Message')
          .fill(String(act['text'] || 'psst'));
        return page.keyboard.press('Enter');
      case 'kick':
        await menu(who ?? '', 'kick');
        await page
          .getByTestId('kick-dialog')
          .getByLabel('Whom')
          .selectOption(nick ?? '');
        await page
          .getByTestId('kick-dialog')
          .getByLabel('Reason')
          .fill(String(act['reason'] ?? ''));
        return page.keyboard.press('Enter');
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

/** A learner who has no picture: everything is done in the outline and the speak bar, by keys. */
export class OutlineLearner extends Learner {
  override async isAt(step: number): Promise<void> {
    await super.isAt(step);
    // Neither a pointer, a key nor a screen reader gets to the picture any more.
    await this.page.locator('ns-topology').evaluate((one) => one.setAttribute('inert', ''));
  }

  override async act(step: LessonStep): Promise<void> {
    // A step may have pointed at another view.
    await this.page.getByTestId('tab-outline').press('Enter');
    await super.act(step);
  }

  override async do(act: LessonAct): Promise<void> {
    const { who, link, node, room, nick } = act as {
      who?: string;
      link?: readonly [string, string];
      node?: string;
      room?: string;
      nick?: string;
    };
    const press = (where: string, id: string) => this.page.locator(where).getByTestId(`outline-${id}`).press('Enter');
    const person = `[data-outline-occupant="${who}"]`;
    const key = [...(link ?? [])].sort().join('~');
    switch (act.act) {
      case 'say':
        return super.do(act);
      case 'cut':
        return press(`[data-link-row="${key}"]`, act['how'] === 'silent' ? 'cut-silent' : 'cut-bounce');
      case 'heal':
        return press(`[data-link-row="${key}"]`, 'heal');
      case 'join':
        return press(person, room === undefined ? 'join' : 'join-source');
      case 'leave':
      case 'accept':
        return press(person, act.act);
      case 'nick':
        await press(person, 'nick');
        await this.page.getByLabel('Nick').fill(nick ?? '');
        return this.page.keyboard.press('Enter');
      case 'crash':
      case 'restart':
        return press(`[data-outline-node="${node}"]`, act.act);
      case 'configure':
        return press(
          `[data-outline-node="${String(room).split('@')[1]}"]`,
          act['distributed'] === true ? 'distribute' : 'gather',
        );
      default:
        throw new Error(`nobody here knows how to ${act.act} in the outline`);
    }
  }
}
