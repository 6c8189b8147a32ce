import { html, nothing, type TemplateResult } from 'lit';
import type { MessageCost } from '../fold/costs.ts';
import { describeLink } from '../fold/links.ts';
import { shorten } from '../fold/summary.ts';
import { bytes, shortName } from '../words.ts';
import { Part } from './base.ts';
import { comparedCounters } from './compared-counters.ts';

/** What the links carried, and what each message cost beside the same message in a plain room. */
class Counters extends Part {
  protected override render(): TemplateResult {
    const { model, comparison } = this.store;
    if (comparison !== undefined)
      return html`<div class="tables" data-testid="counters" tabindex="0" role="group" aria-label="Counters">${comparedCounters(this.store, comparison)}</div>`;
    const messages = model.costs.messages.slice(-100).reverse();
    const links = [...model.network.links.values()];
    return html`<div class="tables" data-testid="counters" tabindex="0" role="group" aria-label="Counters">
      <section>
        <h3>Messages</h3>
        ${
          messages.length === 0
            ? html`<p class="empty">No message yet. ${this.store.fixed !== undefined ? 'Step forward to the first one' : 'Say something in the bar above'}; its stanzas on links are counted here beside a plain room’s.</p>`
            : html`<table data-testid="counters-messages">
              <thead>
                <tr><th>Message</th><th class="n">On links</th><th class="n">Plain room</th><th class="n">Ratio</th><th class="n">Bytes</th><th class="n">Deliveries</th><th class="n">Plain room</th><th>Same deliveries</th></tr>
              </thead>
              <tbody>
                ${messages.map((cost) => this.#message(cost))}
              </tbody>
            </table>`
        }
      </section>
      <section>
        <h3>Links</h3>
        ${
          links.length === 0
            ? html`<p class="empty">This scenario has one server, so there is no link. Choose another scenario above to see links.</p>`
            : html`<table data-testid="counters-links">
              <thead><tr><th>Link</th><th>State</th><th class="n">Stanzas</th><th class="n">Bytes</th><th class="n">Lost</th></tr></thead>
              <tbody>
                ${links.map(
                  (link) => html`<tr data-link-row=${link.key}>
                    <td><button type="button" class="linkish" @click=${() => this.store.choose({ kind: 'link', id: link.key })}>${link.ends[0]} – ${link.ends[1]}</button></td>
                    <td>${describeLink(link)}</td>
                    <td class="n">${stanzas(link.stanzas)}</td>
                    <td class="n">${bytes(link.bytes)}</td>
                    <td class="n">${stanzas(link.dropped)}</td>
                  </tr>`,
                )}
              </tbody>
            </table>`
        }
        <p class="note">Bytes are the UTF-8 length of each stanza as it crossed the link, without stream framing and TLS.
          “Plain room” is one room of XEP-0045 in which the same people do the same, while the same links are cut. Whom a cut link
          made it remove is out until they enter again.</p>
      </section>
    </div>`;
  }

  #message(cost: MessageCost): TemplateResult {
    const { store } = this;
    const plain = store.baseline.of(cost);
    const same = store.sameDeliveries(cost);
    return html`<tr data-event=${cost.id} class=${store.family.has(cost.id) ? 'family' : ''}>
      <td class="message-cell"><button type="button" class="linkish" @click=${() => store.select(cost.id)}>${shortName(store.model, cost.who)}: ${shorten(cost.body, 44)}</button></td>
      <td class="n" data-cell="crossed">${carried(cost)}</td>
      <td class="n" data-cell="plain">${plain ? carried(plain) : 'unknown'}</td>
      <td class="n" data-cell="ratio">${plain?.crossed ? `${Math.round((100 * cost.crossed) / plain.crossed)} %` : '–'}</td>
      <td class="n">${bytes(cost.crossedBytes)}</td>
      <td class="n" data-cell="deliveries">${cost.recipients.length}</td>
      <td class="n" data-cell="plain-deliveries">${plain?.recipients.length ?? 'unknown'}</td>
      <td data-cell="same">${same === undefined ? '–' : same ? 'yes' : html`<b class="lost">no</b>`}</td>
    </tr>`;
  }
}

/** A number with its unit, which a narrow page leaves to the head of the column. */
function stanzas(count: number): TemplateResult {
  return html`${count}<span class="unit"> ${count === 1 ? 'stanza' : 'stanzas'}</span>`;
}

/** Stanzas that crossed links, and those that a cut link lost. */
function carried({ crossed, lost }: { readonly crossed: number; readonly lost: number }): TemplateResult {
  return html`<b>${crossed}</b><span class="unit"> ${crossed === 1 ? 'stanza' : 'stanzas'}</span>${lost > 0 ? html`, <span class="lost">${lost} lost</span>` : nothing}`;
}

customElements.define('ns-counters', Counters);
