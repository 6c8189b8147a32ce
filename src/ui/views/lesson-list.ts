import { html, nothing, type TemplateResult } from 'lit';
import { lessons } from '../../lessons/built-in.ts';
import { terms } from '../../lessons/glossary.ts';
import type { Lesson } from '../../lessons/lesson.ts';
import { loadProgress, saveProgress } from '../lesson/progress.ts';
import { openCosts } from '../open-costs.ts';
import { counted } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';
import { explained } from './lesson-text.ts';

/** The course, while somebody looks at it: its lessons with how far this browser is in each, and the glossary. */
export class LessonList extends Part {
  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal();
  }

  protected override render(): TemplateResult {
    return html`<dialog class="lessons" aria-labelledby="lessons-title" data-testid="lessons" @close=${() => this.remove()}>
      <div class="dialog-body">
        <h2 id="lessons-title">Lessons</h2>
        <p>Eight lessons, from one room on one server to rooms that federate. Each runs in this page, on a virtual clock, and each has exercises.</p>
        <ol class="lesson-list">${lessons.map((lesson) => this.#row(lesson))}</ol>
        <p class="note">A lesson of your own is a file: <em>Open a trace…</em> opens it, too.</p>
        <details data-testid="glossary"><summary>Glossary</summary>${terms.map(({ id }) => explained(id))}</details>
        <p class="buttons"><button type="button" data-testid="costs-open" aria-haspopup="dialog" @click=${this.#costs}>Costs at scale…</button><button type="button" data-testid="lessons-close" @click=${this.#close}>Close</button></p>
      </div>
    </dialog>`;
  }

  #row(lesson: Lesson): TemplateResult {
    const { id, number, title, summary, minutes, steps, exercises } = lesson;
    const progress = loadProgress()[id];
    const done = progress?.done.length ?? 0;
    const all = steps.length + exercises.length;
    const far = progress === undefined ? 'not begun' : done >= all ? 'all done' : `${done} of ${all} done`;
    const isOpen = this.store.lesson?.lesson.id === id;
    const begins = progress === undefined || progress.step === 1;
    const again = done > 0 || !begins;
    return html`<li data-lesson-row=${id}>
      <div><b>${number}. ${title}</b> <small>${minutes} minutes · ${counted(steps.length, 'step')}, ${counted(exercises.length, 'exercise')} · <span data-testid="lesson-far">${far}</span></small><p>${summary}</p></div>
      <span class="buttons">
        <a class="button ${isOpen ? '' : 'primary'}" href=${`#lesson=${id}${begins ? '' : `&step=${progress?.step}`}`} data-testid="lesson-begin" aria-label=${`${begins ? 'Begin' : 'Go on with'} lesson ${number}`} @click=${this.#close}>${begins ? 'Begin' : `Go on at step ${progress?.step}`}</a>
        ${again ? html`<button type="button" data-testid="lesson-forget" aria-label=${`Forget what was done in lesson ${number}`} title="As if it had not been begun" @click=${() => this.#forget(id)}>${icon('restart')}</button>` : nothing}
      </span>
    </li>`;
  }

  #forget(id: string): void {
    saveProgress(id, undefined);
    if (this.store.lesson?.lesson.id === id) this.store.closeLesson();
    this.requestUpdate();
    this.querySelector<HTMLElement>(`[data-lesson-row="${id}"] a`)?.focus();
  }

  readonly #costs = (): void => {
    this.#close();
    void openCosts(this.store);
  };

  readonly #close = (): void => this.querySelector('dialog')?.close();
}

customElements.define('ns-lessons', LessonList);
