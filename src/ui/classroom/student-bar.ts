import { html, nothing, type TemplateResult } from 'lit';
import { type ClassQuestion, classLimits } from '../../core/xep/classroom.ts';
import { Bar } from './bar.ts';
import type { Following } from './student.ts';

/** Above a student’s page: who leads it, and the lecturer’s question. */
export class StudentBar extends Bar {
  declare following: Following;
  #why = '';
  #seatWhy = '';

  protected override render(): TemplateResult {
    const { phase, isLed, question, isLessons } = this.following;
    return html`<section aria-label="Your class" data-testid="class-student" data-phase=${phase} data-led=${isLed ? 'true' : 'false'}>
      <div class="class-line">
        <p role="status">${this.#words()}</p>
        <span class="grow"></span>
        ${this.#button()}
      </div>
      ${isLed && phase === 'there' ? this.#play() : nothing}
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

  /** In a live room: whom the student can play, or what they say as whoever they play. */
  #play(): TemplateResult | typeof nothing {
    const { seat, seats } = this.following;
    const why =
      this.#seatWhy === '' ? nothing : html`<span role="alert" data-testid="class-seat-why">${this.#seatWhy}</span>`;
    if (seat) {
      const others = seats.filter(({ who }) => who !== seat.who);
      return html`<form class="class-line" data-testid="class-speak" data-seat=${seat.who} @submit=${this.#onSay}>
        <p role="status">You play <b>${seat.nick}</b>.</p>
        <label class="sr" for="class-text">What ${seat.nick} says</label>
        <input id="class-text" name="text" class="grow" required maxlength=${classLimits.text} autocomplete="off" placeholder=${`Say something as ${seat.nick}, then Enter`} data-testid="class-text" />
        <label>to <select name="to" data-testid="class-to"><option value="">everybody</option>${others.map(({ nick }) => html`<option value=${nick}>${nick} alone</option>`)}</select></label>
        <button class="primary" data-testid="class-say">Send</button>
        <button type="button" data-testid="class-give" @click=${() => void this.#playAs(undefined)}>Give ${seat.nick} back</button> ${why}
      </form>`;
    }
    const free = seats.filter(({ taken }) => !taken);
    if (seats.length === 0) return nothing;
    if (free.length === 0)
      return html`<p class="note" role="status" data-testid="class-none-free">Others play all the people of this room. You take part as a guest.</p>`;
    return html`<form class="class-line" data-testid="class-seats" @submit=${this.#onTake}>
      <label>Play somebody of this room <select name="who" data-testid="class-seat">${free.map(({ who, nick }) => html`<option value=${who}>${nick}</option>`)}</select></label>
      <button data-testid="class-take">Play</button> ${why}
    </form>`;
  }

  readonly #onTake = (event: SubmitEvent): void => {
    event.preventDefault();
    const who = new FormData(event.target as HTMLFormElement).get('who');
    if (typeof who === 'string') void this.#playAs(who);
  };

  async #playAs(who: string | undefined): Promise<void> {
    const result = await this.following.play(who);
    this.#seatWhy = result.ok ? '' : `Not now: ${result.error}.`;
    this.requestUpdate();
  }

  readonly #onSay = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const values = new FormData(form);
    const input = form.elements.namedItem('text') as HTMLInputElement;
    const text = input.value;
    if (text.trim() === '') return;
    input.value = '';
    const result = await this.following.say(text, String(values.get('to') ?? ''));
    this.#seatWhy = result.ok ? '' : `Not said: ${result.error}.`;
    // What could not be said is put back, unless the student is already typing the next line.
    if (!result.ok && input.value === '') input.value = text;
    this.requestUpdate();
  };

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
