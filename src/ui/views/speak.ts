import { html, type TemplateResult } from 'lit';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** Choose a character, type, Enter: the first thing to try on the page. */
class Speak extends Part {
  protected override render(): TemplateResult {
    const characters = this.store.model.people.all().filter((occupant) => occupant.mine);
    const speaker = characters.find((who) => who.jid === this.store.view.speaker) ?? characters[0];
    if (!speaker) {
      return html`<p class="speak" data-testid="speak-none">Another page plays all the characters. Speak there, or press “Join with your own client” above.</p>`;
    }
    const can = speaker.phase === 'joined';
    return html`<form class="speak" data-testid="speak-bar" @submit=${this.#onSubmit}>
      <label class="sr" for="say-who">Who speaks</label>
      <select id="say-who" data-testid="say-who" @change=${this.#onWho}>
        ${characters.map(
          (who) =>
            html`<option value=${who.jid} .selected=${who.jid === speaker.jid}>${who.nick}${who.phase === 'joined' ? '' : ' (not in the room)'}</option>`,
        )}
      </select>
      <label class="sr" for="say-text">What ${speaker.nick} says</label>
      <input
        id="say-text"
        data-testid="say-text"
        autocomplete="off"
        placeholder=${can ? `Say something as ${speaker.nick}, then Enter` : `${speaker.nick} is not in the room: press Join`}
      />
      ${
        can
          ? html`<button class="primary" data-testid="say-send">${icon('say')} Send</button>`
          : html`<button class="primary" type="button" data-testid="say-join" @click=${() => this.store.act({ act: 'join', who: speaker.jid })}>${icon('join')} Join</button>`
      }
    </form>`;
  }

  readonly #onWho = (event: Event): void => {
    this.store.set({ speaker: (event.target as HTMLSelectElement).value });
    this.querySelector<HTMLElement>('#say-text')?.focus();
  };

  readonly #onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = this.querySelector<HTMLInputElement>('#say-text');
    const who = this.querySelector<HTMLSelectElement>('#say-who');
    const text = input?.value ?? '';
    if (!input || !who || text.trim() === '') return;
    input.value = '';
    void this.store.act({ act: 'say', who: who.value, text }).then((result) => {
      // What could not be said is put back, unless the person is already typing the next line.
      if (!result.ok && input.value === '') input.value = text;
    });
  };
}

customElements.define('ns-speak', Speak);
