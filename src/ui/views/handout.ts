import { html, nothing, type TemplateResult } from 'lit';
import { answerOf, type Exercise, type Lesson, type LessonStep, type Prediction } from '../../lessons/lesson.ts';
import { type Inline, parseMarkdown } from '../../lessons/markdown.ts';
import { pictureText } from '../export/exports.ts';
import { actInWords } from '../lesson/words.ts';
import { sayable } from '../spec-index.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** A lesson on paper, over the page: the picture, what each step says and asks, and room for answers; or the answers. */
export class Handout extends Part {
  #withAnswers = false;
  /** The picture as it was when the handout was asked for; undefined: it was not drawn. */
  #picture: string | undefined;

  open(): void {
    this.#picture = pictureOnPaper();
    this.requestUpdate();
    this.querySelector('dialog')?.showModal();
  }

  /** What the run does meanwhile is not on paper. */
  protected override storeChanged(): void {}

  protected override render(): TemplateResult | typeof nothing {
    const lesson = this.store.lesson?.lesson;
    if (lesson === undefined) return nothing;
    const { title, summary, number, steps, exercises } = lesson;
    return html`<dialog class="handout" data-testid="handout" aria-labelledby="handout-title" data-answers=${this.#withAnswers ? 'true' : 'false'}>
      <div class="handout-tools">
        <label class="check"><input type="checkbox" data-testid="handout-answers" .checked=${this.#withAnswers} @change=${this.#toggle} />With answers</label>
        <span class="grow"></span>
        <button type="button" class="primary" data-testid="handout-print" @click=${() => print()}>${icon('print')} Print</button>
        <button type="button" data-testid="handout-close" @click=${() => this.querySelector('dialog')?.close()}>Close</button>
      </div>
      <article class="paper">
        <h2 id="handout-title">${number === undefined ? '' : `Lesson ${number}: `}${title}</h2>
        <p>${summary}</p>
        ${this.#withAnswers ? html`<p><b>With answers.</b></p>` : html`<p class="handout-name">Name <span class="blank"></span></p>`}
        ${this.#picture === undefined ? nothing : html`<img class="handout-picture" src=${this.#picture} alt=${`The network of this lesson: ${this.store.session.scenario.title}`} />`}
        <ol>${steps.map((step) => this.#step(lesson, step))}</ol>
        ${exercises.length > 0 ? html`<h3>Exercises</h3><ol>${exercises.map((exercise) => this.#exercise(exercise))}</ol>` : nothing}
      </article>
    </dialog>`;
  }

  #step(lesson: Lesson, step: LessonStep): TemplateResult {
    const { title, text, predict, do: acts = [], reveal, spec } = step;
    const { scenario } = this.store.session;
    // What the specification says gives away what comes out.
    const says = spec && (predict === undefined || this.#withAnswers);
    return html`<li data-step=${lesson.steps.indexOf(step) + 1}>
      <h3>${title}</h3>
      ${plain(text)}
      ${predict ? this.#question(predict, answerOf(step)) : nothing}
      ${acts.length > 0 ? html`<p>Then, in the page:</p><ul>${acts.map(({ act }) => html`<li>${actInWords(act, scenario)}</li>`)}</ul>` : nothing}
      ${this.#withAnswers && reveal ? html`<div class="handout-answer">${plain(reveal.right)}</div>` : nothing}
      ${says ? html`<p><small>${sayable(spec.section)}, in our words:</small></p>${plain(spec.says)}` : nothing}
    </li>`;
  }

  #question(predict: Prediction, right: number | undefined): TemplateResult {
    const shown = this.#withAnswers ? right : undefined;
    return html`<div class="handout-question">
      ${plain(predict.ask)}
      ${
        'choices' in predict
          ? html`<ul class="handout-choices">${predict.choices.map((choice, i) => html`<li data-right=${shown === i ? 'true' : nothing}><span class="box" aria-hidden="true">${shown === i ? icon('check') : nothing}</span> ${choice}${shown === i ? html`<span class="sr"> (right)</span>` : nothing}</li>`)}</ul>`
          : html`<p>${shown === undefined ? html`<span class="blank short"></span>` : html`<b data-right="true">${shown}</b>`} ${predict.unit}</p>`
      }
    </div>`;
  }

  #exercise({ title, text, solution }: Exercise): TemplateResult {
    return html`<li>
      <h3>${title}</h3>
      ${plain(text)}
      ${this.#withAnswers ? html`<div class="handout-answer">${plain(solution)}</div>` : html`<div class="handout-space" aria-hidden="true"></div>`}
    </li>`;
  }

  readonly #toggle = (): void => {
    this.#withAnswers = !this.#withAnswers;
    this.requestUpdate();
  };
}

/** A text of a lesson without what can be pressed. */
function plain(text: string): TemplateResult {
  const inline = ({ kind, text: words }: Inline) =>
    kind === 'strong'
      ? html`<strong>${words}</strong>`
      : kind === 'emphasis'
        ? html`<em>${words}</em>`
        : kind === 'code'
          ? html`<code>${words}</code>`
          : words;
  return html`${parseMarkdown(text).map((block) =>
    block.kind === 'list'
      ? html`<ul>${block.items.map((item) => html`<li>${item.map(inline)}</li>`)}</ul>`
      : html`<p>${block.inlines.map(inline)}</p>`,
  )}`;
}

/** The picture as an image, in the colours of paper, whatever the theme of the page is. */
function pictureOnPaper(): string | undefined {
  const { dataset } = document.documentElement;
  const { theme } = dataset;
  dataset.theme = 'light';
  try {
    return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(pictureText('#ffffff'))}`;
  } catch {
    return undefined;
  } finally {
    if (theme === undefined) delete dataset.theme;
    else dataset.theme = theme;
  }
}

customElements.define('ns-handout', Handout);
