import { html, nothing, type TemplateResult } from 'lit';
import type { ClassQuestion } from '../../core/xep/classroom.ts';
import { Bar } from './bar.ts';
import type { Following } from './student.ts';

/** Above a student’s page: who leads it, and the lecturer’s question. */
export class StudentBar extends Bar {
  declare following: Following;
  #why = '';

  protected override render(): TemplateResult {
    const { phase, isLed, question, isLessons } = this.following;
    return html`<section aria-label="Your class" data-testid="class-student" data-phase=${phase} data-led=${isLed ? 'true' : 'false'}>
      <div class="class-line">
        <p role="status">${this.#words()}</p>
        <span class="grow"></span>
        ${this.#button()}
      </div>
      ${question && !isLessons && phase !== 'over' ? this.#question(question) : nothing}
    </section>`;
  }

  #words(): string {
    const { phase, isLed, hasBegun } = this.following;
    if (phase === 'over') return 'The class is over. You go on alone.';
    if (phase === 'away') return 'The connection to the class is lost: trying again …';
    if (!isLed) return 'You have let go: this page is yours.';
    return hasBegun ? 'You follow the class.' : 'You are in the class. The lecturer has not shown anything yet.';
  }

  #button(): TemplateResult {
    const { phase, isLed } = this.following;
    if (phase === 'over')
      return html`<button type="button" data-testid="class-leave" @click=${this.#leave}>Close</button>`;
    if (isLed)
      return html`<button type="button" data-testid="class-let-go" @click=${() => this.following.letGo()}>Let go</button>`;
    return html`<button type="button" class="primary" data-testid="class-follow" @click=${() => this.following.followAgain()}>Follow again</button>`;
  }

  #question({ id, ask, choices, unit }: ClassQuestion): TemplateResult {
    const { answered } = this.following;
    const given =
      answered === undefined ? undefined : (choices[Number(answered)] ?? `${answered} ${unit ?? ''}`.trim());
    return html`<form class="class-form" data-testid="class-question" data-question=${id} @submit=${this.#onAnswer}>
      <fieldset>
        <legend>${ask}</legend>
        ${
          choices.length > 0
            ? choices.map(
                (choice, i) =>
                  html`<label class="check"><input type="radio" name="answer" value=${i} required /> ${choice}</label>`,
              )
            : html`<label>${unit === undefined ? 'A number' : `A number of ${unit}`} <input name="answer" inputmode="decimal" required pattern="-?[0-9]+([.][0-9]{1,3})?" maxlength="14" autocomplete="off" /></label>`
        }
      </fieldset>
      <p class="class-line"><button class="primary" data-testid="class-answer">Answer</button>
      <span role="status" data-testid="class-answered">${this.#why || (given === undefined ? '' : `Your answer: ${given}. You can change it until the lecturer closes the question.`)}</span></p>
    </form>`;
  }

  readonly #onAnswer = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const value = new FormData(event.target as HTMLFormElement).get('answer');
    const result = await this.following.answer(typeof value === 'string' ? value : '');
    this.#why = result.ok ? '' : result.error;
    this.requestUpdate();
  };

  readonly #leave = (): void => {
    this.remove();
    void this.following.leave();
    const url = new URL(location.href);
    url.searchParams.delete('class');
    history.replaceState(null, '', url);
  };
}

customElements.define('ns-student-bar', StudentBar);
