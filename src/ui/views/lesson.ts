import { html, nothing, type TemplateResult } from 'lit';
import type { Focus } from '../../lessons/lesson.ts';
import { linkKey } from '../fold/links.ts';
import type { LessonGuide, StepView } from '../lesson/guide.ts';
import { actInWords, checkInWords, focusInWords } from '../lesson/words.ts';
import { openCosts } from '../open-costs.ts';
import { sayable } from '../spec-index.ts';
import type { Store } from '../store.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';
import { lessonNext } from './lesson-buttons.ts';
import { predictionForm, predictionResult } from './lesson-predict.ts';
import { lessonText, type TermNotes } from './lesson-text.ts';

/** Few print, so that is loaded when somebody does. It is a part of the whole page: on paper all other parts are left out. */
async function openHandout(store: Store): Promise<void> {
  const { Handout } = await import('./handout.ts');
  const page = document.querySelector('ns-app');
  page?.querySelector('ns-handout')?.remove();
  const handout = new Handout();
  handout.store = store;
  page?.append(handout);
  await handout.updateComplete;
  handout.open();
}

/** The region beside the picture in which a lesson is told. */
class LessonView extends Part {
  /** The place of the word whose meaning is shown. */
  #term: string | undefined;
  /** What the heading was when it was read last, and the phase. */
  #heading = '';
  #phase = '';

  protected override updated(): void {
    const guide = this.store.lesson;
    if (guide === undefined) return;
    const heading = `${guide.lesson.id} ${guide.number}`;
    const phase = this.querySelector<HTMLElement>('.lesson')?.dataset.lessonPhase ?? '';
    const isOver = phase !== this.#phase && (phase === 'revealed' || phase === 'amiss');
    this.#phase = phase;
    if (this.#heading === heading) {
      if (isOver) this.querySelector('.lesson-result')?.scrollIntoView({ block: 'nearest' });
      return;
    }
    // Not when the page is loaded: there the reader begins at its top.
    const isNext = this.#heading !== '';
    this.#heading = heading;
    this.#term = undefined;
    this.querySelector('.lesson-body')?.scrollTo(0, 0);
    if (isNext) this.querySelector<HTMLElement>('h2')?.focus();
  }

  protected override render(): TemplateResult | typeof nothing {
    const guide = this.store.lesson;
    if (guide === undefined) return nothing;
    const { lesson, number, step, exercise } = guide;
    const view = guide.view();
    const { length } = lesson.steps;
    const where = step ? `step ${number} of ${length}` : `exercise ${number - length} of ${lesson.exercises.length}`;
    const course = lesson.number === undefined ? 'Lesson' : `Lesson ${lesson.number}`;
    const text = (body: string, place: string) => lessonText(body, `${number}/${place}`, this.#notes);
    return html`<section class="lesson" aria-label="Lesson" data-testid="lesson" data-lesson=${lesson.id} data-step=${number} data-lesson-phase=${view.phase}>
      <header class="lesson-head">
        <p class="lesson-course"><span>${course}: ${lesson.title}</span>${document.querySelector('ns-app') ? html`<button type="button" class="round" data-testid="lesson-print" aria-label="Print the lesson" title="Print the lesson: a handout, with answers or without" @click=${() => void openHandout(this.store)}>${icon('print')}</button>` : nothing}<button type="button" class="round" data-testid="lesson-close" aria-label="Close the lesson" title="Close the lesson: it can be gone on with later" @click=${() => this.store.closeLesson()}>${icon('close')}</button></p>
        <progress max=${guide.count} value=${guide.progress.done.length} aria-label=${`${guide.progress.done.length} of ${guide.count} steps and exercises came out`}></progress>
        <p class="lesson-where" data-testid="lesson-where">${where}</p>
        <h2 tabindex="-1">${(step ?? exercise)?.title}</h2>
      </header>
      <div class="lesson-body">
        ${text((step ?? exercise)?.text ?? '', 'text')}
        ${this.#focus(step?.focus ?? [])}
        ${step?.predict ? predictionForm(guide, step.predict, view, (body) => text(body, 'ask')) : nothing}
        ${view.asked.length > 0 && view.phase !== 'predict' ? this.#acts(guide, view, text) : nothing}
        ${view.phase === 'do' && view.strayed ? html`<p class="lesson-note" role="status" data-testid="lesson-strayed">You did something else as well. That is fine, but other numbers may come out. <button type="button" class="linkish" data-testid="lesson-again" @click=${() => guide.retry()}>Try this step again</button></p>` : nothing}
        <div role="status" aria-live="polite" class="lesson-result" data-testid="lesson-result">${this.#result(guide, view, text)}</div>
        ${step?.spec && (step.predict === undefined || view.phase === 'revealed') ? html`<aside class="lesson-spec" aria-label=${`What ${sayable(step.spec.section)} says`}><h3>${sayable(step.spec.section)}, in our words</h3>${text(step.spec.says, 'spec')}</aside>` : nothing}
        ${exercise ? this.#checks(view) : nothing}
        ${exercise ? html`<details class="lesson-solution"><summary>Show a way</summary>${text(exercise.solution, 'solution')}</details>` : nothing}
      </div>
      ${this.store.led === undefined ? lessonNext(guide, view) : nothing}
    </section>`;
  }

  readonly #notes: TermNotes = {
    open: undefined,
    toggle: (place) => {
      this.#term = this.#term === place ? undefined : place;
      Object.assign(this.#notes, { open: this.#term });
      this.requestUpdate();
    },
    costs: () => void openCosts(this.store),
  };

  #acts(
    guide: LessonGuide,
    { asked }: StepView,
    text: (body: string, place: string) => TemplateResult,
  ): TemplateResult {
    const { led, session } = this.store;
    const { scenario } = session;
    const next = asked.findIndex(({ done }) => !done);
    return html`<h3>${led === undefined ? 'What you do' : 'What the lecturer does'}</h3>
      <ol class="lesson-acts" data-testid="lesson-acts">
        ${asked.map(
          (
            { act, done },
            i,
          ) => html`<li data-done=${done ? 'true' : 'false'} aria-current=${i === next ? 'step' : nothing}>
            ${icon(done ? 'check' : 'todo')}<span>${actInWords(act, scenario)}<span class="sr">${done ? ', done' : ', to do'}</span></span>
            ${i === next && led === undefined ? html`<div class="lesson-hint">${text(guide.step?.do?.[i]?.hint ?? '', `hint${i}`)}</div>` : nothing}
          </li>`,
        )}
      </ol>`;
  }

  #result(
    guide: LessonGuide,
    view: StepView,
    text: (body: string, place: string) => TemplateResult,
  ): TemplateResult | typeof nothing {
    const { step, exercise } = guide;
    if (view.phase === 'revealed') {
      if (exercise) return html`<p class="lesson-right">${icon('check')} It came out as the exercise wants it.</p>`;
      const wrong = view.right === false ? step?.reveal?.wrong : undefined;
      return html`${step?.predict ? predictionResult(step.predict, view) : nothing}${step?.reveal ? text(wrong ?? step.reveal.right, 'reveal') : nothing}`;
    }
    if (view.phase !== 'amiss' || exercise) return nothing;
    return html`<p class="lesson-note" data-testid="lesson-amiss">Something else came out than this step is about, because something else was done before or in between.</p>${this.#checks(view)}`;
  }

  #checks({ checked }: StepView): TemplateResult {
    const { scenario } = this.store.session;
    return html`<h3>What is to come out</h3>
      <ul class="lesson-acts" data-testid="lesson-checks">${checked.map(({ check, done }) => html`<li data-done=${done ? 'true' : 'false'}>${icon(done ? 'check' : 'todo')}<span>${checkInWords(check, scenario)}<span class="sr">${done ? ': yes' : ': not yet'}</span></span></li>`)}</ul>`;
  }

  #focus(focus: readonly Focus[]): TemplateResult | typeof nothing {
    if (focus.length === 0) return nothing;
    const { scenario } = this.store.session;
    return html`<p class="lesson-focus">Look at ${focus.map((one, i) => html`${i === 0 ? '' : i === focus.length - 1 ? ' and ' : ', '}<button type="button" class="linkish" @click=${() => this.#show(one)}>${focusInWords(one, scenario)}</button>`)}.</p>`;
  }

  /** Leads to what there is to look at: the keyboard is there, too. */
  #show(focus: Focus): void {
    if ('view' in focus) {
      if (focus.view === 'inspector') return this.store.set({ region: 'inspector' });
      this.store.open(focus.view);
      this.store.set({ region: 'panel' });
      return;
    }
    this.store.set({ region: 'topology' });
    const id =
      'link' in focus
        ? linkKey(...focus.link)
        : 'node' in focus
          ? focus.node
          : 'person' in focus
            ? focus.person
            : undefined;
    if (id === undefined) return;
    const find = () => document.querySelector<SVGElement>(`.picture [data-id="${CSS.escape(id)}"]`)?.focus();
    requestAnimationFrame(() => requestAnimationFrame(find));
  }
}

customElements.define('ns-lesson', LessonView);
