import { html, type TemplateResult } from 'lit';
import type { OccupantView } from '../fold/people.ts';
import { deviceName, devicesInside } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

interface Speaker {
  /** Full JID of the device. */
  readonly jid: string;
  readonly name: string;
  readonly inside: boolean;
}

/** An occupant speaks from any of their devices that are in the room. */
function speakersOf(who: OccupantView): readonly Speaker[] {
  if (!who.mine) return [];
  const own = devicesInside(who).filter(({ mine }) => mine);
  if (own.length === 0) return [{ jid: who.jid, name: who.nick, inside: false }];
  return own.map(({ jid }) => ({
    jid,
    name: own.length > 1 ? `${who.nick} (${deviceName(jid)})` : who.nick,
    inside: true,
  }));
}

/** Choose a character, type, Enter: the first thing to try on the page. */
class Speak extends Part {
  protected override render(): TemplateResult {
    const all = this.store.model.people.all().flatMap(speakersOf);
    const speaker = all.find(({ jid }) => jid === this.store.view.speaker) ?? all[0];
    if (!speaker) {
      return html`<p class="speak" data-testid="speak-none">Another page plays all the characters. Speak there, or press “Join with your own client” above.</p>`;
    }
    const { name, inside } = speaker;
    return html`<form class="speak" data-testid="speak-bar" @submit=${this.#onSubmit}>
      <label class="sr" for="say-who">Who speaks</label>
      <select id="say-who" data-testid="say-who" @change=${this.#onWho}>
        ${all.map(
          (one) =>
            html`<option value=${one.jid} .selected=${one.jid === speaker.jid}>${one.name}${one.inside ? '' : ' (not in the room)'}</option>`,
        )}
      </select>
      <label class="sr" for="say-text">What ${name} says</label>
      <input
        id="say-text"
        data-testid="say-text"
        autocomplete="off"
        placeholder=${inside ? `Say something as ${name}, then Enter` : `${name} is not in the room: press Join`}
      />
      ${
        inside
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
