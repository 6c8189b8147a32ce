import { html, nothing, type TemplateResult } from 'lit';
import { lessons } from '../../lessons/built-in.ts';
import type { LessonGuide, StepView } from '../lesson/guide.ts';
import { icon } from './icons.ts';

/** What leads on in a lesson: back, play, again, the next step. */
export function lessonNext(guide: LessonGuide, { phase, isUnderWay }: StepView): TemplateResult {
  const { number, step, exercise } = guide;
  const isDone = phase === 'read' || phase === 'revealed';
  const runs = (phase === 'run' || phase === 'amiss') && step !== undefined;
  // Between two acts there may be something to watch.
  const plays = phase === 'run' || (phase === 'do' && isUnderWay);
  const mayRetry = phase !== 'read' && phase !== 'predict';
  return html`<footer class="lesson-foot">
    <button type="button" data-testid="lesson-back" aria-label="Back" title="The step before" ?disabled=${number === 1} @click=${() => guide.goTo(number - 1)}>${icon('back')}</button>
    ${mayRetry ? html`<button type="button" data-testid="lesson-retry" @click=${() => guide.retry()}>${icon('restart')} Try again</button>` : nothing}
    ${runs && step.run === 'steps' ? html`<button type="button" class="primary" data-testid="lesson-step" @click=${() => guide.stepOn()}>${icon('forward')} Step</button>` : nothing}
    ${plays && step ? html`<button type="button" class=${step.run === 'steps' && phase === 'run' ? '' : 'primary'} data-testid="lesson-play" @click=${() => guide.play()}>${icon('play')} ${phase === 'do' ? 'Play' : playInWords(guide)}</button>` : nothing}
    ${
      number < guide.count
        ? html`<button type="button" class=${isDone ? 'primary' : ''} data-testid="lesson-next" @click=${() => guide.next()}>${exercise || isDone ? nextInWords(guide) : 'Skip'} ${icon('forward')}</button>`
        : nextLesson(guide)
    }
  </footer>`;
}

function playInWords({ step }: LessonGuide): string {
  return typeof step?.run === 'object' ? `Play ${Math.round(step.run.ms / 1_000)} s` : 'Play';
}

function nextInWords({ number, lesson: { steps } }: LessonGuide): string {
  if (number < steps.length) return 'Next';
  return number === steps.length ? 'Exercises' : 'Next exercise';
}

function nextLesson({ lesson }: LessonGuide): TemplateResult | typeof nothing {
  const next = lesson.number === undefined ? undefined : lessons[lesson.number];
  if (next === undefined) return nothing;
  return html`<a class="button primary" data-testid="lesson-next" href=${`#lesson=${next.id}`}>Lesson ${next.number} ${icon('forward')}</a>`;
}
