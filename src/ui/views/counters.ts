import { html, nothing, type TemplateResult } from 'lit';
import { describeLink } from '../fold/links.ts';
import { shorten } from '../fold/summary.ts';
import { bytes, counted, shortName } from '../words.ts';
import { Part } from './base.ts';

/** What the links carried, and what each message cost beside the same message in a plain room. */
class Counters extends Part {
  protected override render(): TemplateResult {
    const { model } = this.store;
    const messages = model.costs.messages.slice(-100).reverse();
    const links = [...model.network.links.values()];
    return html`<div class="tables" data-testid="counters" tabindex="0" role="group" aria-label="Counters">
      <section>
        <h3>Messages</h3>
        ${
          messages.length === 0
            ? html`<p class="empty">No message yet. ${this.store.session.recording ? 'Step forward to the first one' : 'Say something in the bar above'}; its stanzas on links are counted here beside a plain room’s.</p>`
            : html`<table data-testid="counters-messages">
              <thead>
                <tr><th>Message</th><th class="n">On links</th><th class="n">Plain room</th><th class="n">Ratio</th><th class="n">Bytes</th><th class="n">Deliveries</th></tr>
              </thead>
              <tbody>
                ${messages.map(
                  (cost) => html`<tr data-event=${cost.id} class=${this.store.family.has(cost.id) ? 'family' : ''}>
                    <td class="message-cell"><button type="button" class="linkish" @click=${() => this.store.select(cost.id)}>${shortName(model, cost.who)}: ${shorten(cost.body, 44)}</button></td>
                    <td class="n" data-cell="crossed"><b>${cost.crossed}</b> ${cost.crossed === 1 ? 'stanza' : 'stanzas'}${cost.lost > 0 ? html`, <span class="lost">${cost.lost} lost</span>` : nothing}</td>
                    <td class="n" data-cell="plain">${cost.plain === undefined ? 'unknown' : counted(cost.plain, 'stanza')}</td>
                    <td class="n" data-cell="ratio">${cost.plain ? `${Math.round((100 * cost.crossed) / cost.plain)} %` : '–'}</td>
                    <td class="n">${bytes(cost.crossedBytes)}</td>
                    <td class="n" data-cell="deliveries">${cost.deliveries}</td>
                  </tr>`,
                )}
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
                    <td class="n">${counted(link.stanzas, 'stanza')}</td>
                    <td class="n">${bytes(link.bytes)}</td>
                    <td class="n">${counted(link.dropped, 'stanza')}</td>
                  </tr>`,
                )}
              </tbody>
            </table>`
        }
        <p class="note">Bytes are the UTF-8 length of each stanza as it crossed the link, without stream framing and TLS.
          “Plain room” is what XEP-0045 would have sent across links for the same people in one room.</p>
      </section>
    </div>`;
  }
}

customElements.define('ns-counters', Counters);
