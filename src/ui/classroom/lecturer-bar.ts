import { html, nothing, type TemplateResult } from 'lit';
import { type ClassStudent, classLimits } from '../../core/xep/classroom.ts';
import { icon } from '../views/icons.ts';
import { counted } from '../words.ts';
import { Bar } from './bar.ts';
import { classLink } from './code.ts';
import type { Lecture } from './lecture.ts';
import { tally } from './tally.ts';

/** Above the lecturer’s page: the link for students, how many follow, a question, and what they answered. */
export class LecturerBar extends Bar {
  declare lecture: Lecture;
  /** Called when the class has ended. */
  onEnd: () => void = () => undefined;
  #copied = false;
  #isAsking = false;
  #why = '';

  protected override render(): TemplateResult {
    const { code, students, phase, question, hidden } = this.lecture;
    const link = classLink(location, code);
    return html`<section aria-label="Your class" data-testid="class-lecturer" data-phase=${phase} data-students=${students.length}>
      <div class="class-line">
        <p>Students open <b class="class-link" data-testid="class-link">${link}</b></p>
        <button type="button" data-testid="class-copy" @click=${() => void this.#copy(link)}>${icon(this.#copied ? 'check' : 'copy')} ${this.#copied ? 'Copied' : 'Copy'}</button>
        <span role="status" data-testid="class-count">${phase === 'away' ? 'The connection is lost: trying again …' : `${counted(students.length, 'student')} in class`}</span>
        <span class="grow"></span>
        <button type="button" data-testid="class-ask" aria-expanded=${this.#isAsking ? 'true' : 'false'} @click=${this.#toggleForm}>Ask the class…</button>
        <button type="button" data-testid="class-end" @click=${() => this.onEnd()}>End the class</button>
      </div>
      ${hidden === undefined ? nothing : html`<p class="note" role="status" data-testid="class-hidden">Students see what you showed before: ${hidden}.</p>`}
      ${this.#isAsking ? this.#form() : nothing}
      ${question && !this.#isAsking ? this.#answers(this.lecture) : nothing}
      ${this.#players(students.filter(({ seat }) => seat !== undefined))}
    </section>`;
  }

  #answers({ question, students, isOwn }: Lecture): TemplateResult | typeof nothing {
    if (question === undefined) return nothing;
    const bars = tally(question, students);
    const answered = students.filter(({ answer }) => answer !== undefined).length;
    const most = Math.max(1, ...bars.map(({ count }) => count));
    return html`<div class="class-answers" data-testid="class-answers">
      <table>
        <caption>${question.ask}</caption>
        <tbody>
          ${bars.map(({ answer, count }) => html`<tr><th scope="row">${answer}</th><td><span class="bar" style=${`--share: ${(100 * count) / most}%`}></span><b data-testid="class-tally" data-none=${count === 0 ? '' : nothing}>${count}</b></td></tr>`)}
        </tbody>
      </table>
      <p class="class-line"><span role="status" data-testid="class-answered">${answered} of ${counted(students.length, 'student')} answered</span>
      ${isOwn ? html`<button type="button" data-testid="class-stop" @click=${() => this.lecture.ask(undefined)}>Close the question</button>` : nothing}</p>
    </div>`;
  }

  /** Who plays whom in the live room. */
  #players(players: readonly ClassStudent[]): TemplateResult | typeof nothing {
    if (players.length === 0) return nothing;
    return html`<ul class="class-line class-players" aria-label="Who plays whom" data-testid="class-players">
      ${players.map(({ nick, n, seat = '' }) => {
        const name = nick || `Student ${n}`;
        const person = this.lecture.nickOf(seat);
        return html`<li data-seat=${seat}>${name} plays <b>${person}</b>
          <button type="button" data-testid="class-take-back" aria-label=${`Take ${person} back from ${name}`} @click=${() => this.lecture.takeBack(seat)}>Take back</button></li>`;
      })}
    </ul>`;
  }

  #form(): TemplateResult {
    return html`<form class="class-form" data-testid="class-form" @submit=${this.#onAsk}>
      <label>Question <input id="class-question" required maxlength=${classLimits.ask} autocomplete="off" data-testid="class-question" /></label>
      <label>Answers to choose from, one a line; none: the answer is a number <textarea id="class-choices" rows="3" data-testid="class-choices" aria-describedby="class-why"></textarea></label>
      <p id="class-why" class="tone-bad" role="alert">${this.#why}</p>
      <p class="class-line"><button class="primary" data-testid="class-send">Ask</button><button type="button" @click=${this.#toggleForm}>Cancel</button></p>
    </form>`;
  }

  readonly #toggleForm = async (): Promise<void> => {
    this.#isAsking = !this.#isAsking;
    this.#why = '';
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector<HTMLElement>('#class-question')?.focus();
  };

  readonly #onAsk = (event: SubmitEvent): void => {
    event.preventDefault();
    const ask = this.querySelector<HTMLInputElement>('#class-question')?.value.trim() ?? '';
    const text = this.querySelector<HTMLTextAreaElement>('#class-choices')?.value ?? '';
    const choices = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    this.#why =
      choices.length === 1 || choices.length > classLimits.choices
        ? `Give from 2 to ${classLimits.choices} answers, or none.`
        : choices.some((line) => line.length > classLimits.choice)
          ? `An answer has at most ${classLimits.choice} characters.`
          : '';
    if (this.#why === '' && ask !== '') {
      this.#isAsking = false;
      this.lecture.ask({ ask, choices });
    }
    this.requestUpdate();
  };

  async #copy(link: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(link);
      this.#copied = true;
    } catch {
      getSelection()?.selectAllChildren(this.querySelector('.class-link') ?? this);
    }
    this.requestUpdate();
  }
}

customElements.define('ns-lecturer-bar', LecturerBar);
