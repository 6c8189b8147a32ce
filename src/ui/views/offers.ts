import { html, nothing, type TemplateResult } from 'lit';
import { offerCommands } from '../commands.ts';
import type { OccupantView } from '../fold/people.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** XEP-0281 §3.5, decision #209: a room sends somebody to another instance of it, and nobody is moved without being asked. */
class Offers extends Part {
  protected override render(): TemplateResult {
    const sent = this.store.model.people.all().filter(({ mine, offer }) => mine && offer !== undefined);
    return html`<div role="status">${sent.length === 0 ? nothing : html`<div class="offers">${sent.map((who) => this.#offer(who))}</div>`}</div>`;
  }

  #offer(who: OccupantView): TemplateResult {
    return html`<div class="offer" data-testid="offer" data-offer=${who.jid}>
      <p><b>${who.nick}</b> is sent from ${who.room} to <b>${who.offer}</b>. Both rooms confirm that they are one.</p>
      <p class="buttons">${offerCommands(this.store, who).map(
        (command) =>
          html`<button type="button" class=${command.id === 'accept' ? 'primary' : ''} data-testid=${`offer-${command.id}`} @click=${command.run}>${icon(command.icon)} ${command.short ?? command.label}</button>`,
      )}</p>
    </div>`;
  }
}

customElements.define('ns-offers', Offers);
