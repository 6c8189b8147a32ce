import { html, nothing, type TemplateResult } from 'lit';
import type { ComparedLink, ComparedMessage, Comparison } from '../comparison.ts';
import type { MessageCost } from '../fold/costs.ts';
import { describeLink } from '../fold/links.ts';
import { shorten } from '../fold/summary.ts';
import { openCosts } from '../open-costs.ts';
import type { Store } from '../store.ts';
import { bytes, shortName, variantName } from '../words.ts';
import { pair } from './compare.ts';
import './growth-chart.ts';

/** The counters of a run beside those of the same run in another protocol. */
export function comparedCounters(store: Store, comparison: Comparison): TemplateResult {
  const { long, short } = variantName(comparison.run.variant.id, store.session.scenario);
  const messages = store.compared(comparison, store.model).slice(-100).reverse();
  const links = comparison.links(store.model);
  return html`<section class="compared">
      <h3>Messages: this run | ${short}</h3>
      ${
        messages.length === 0
          ? html`<p class="empty">No message yet. Say something in the bar above; it is counted here in both.</p>`
          : html`<table data-testid="compared-messages">
            <thead>
              <tr><th>Message</th><th class="n">On links</th><th class="n">Ratio</th><th class="n">Bytes</th><th class="n">Deliv&shy;eries</th><th class="n">Last after</th><th>Same deliv&shy;eries</th></tr>
            </thead>
            <tbody>
              ${messages.map((message) => messageRow(store, message, short))}
            </tbody>
          </table>`
      }
    </section>
    <section class="compared">
      <ns-growth-chart .store=${store}></ns-growth-chart>
      <p><button type="button" data-testid="compare-costs" aria-haspopup="dialog" @click=${() => openCosts(store)}>Costs at scale…</button></p>
    </section>
    <section class="compared">
      <h3>Links: this run | ${short}</h3>
      <table data-testid="compared-links">
        <thead><tr><th>Link</th><th>State</th><th class="n">Stanzas</th><th class="n">Ratio</th><th class="n">Bytes</th><th class="n">Lost</th></tr></thead>
        <tbody>
          ${links.map((link) => linkRow(store, link, short))}
        </tbody>
      </table>
      <p class="note">The other run is the same scenario in another protocol, with the same seed: ${long}. “Last after” is the time from
        when a message was sent to its last delivery.
        The same people do the same at the same times, and the same links are cut. Both clocks count from the moment at which everybody
        is in whom the script sends in. Bytes are the UTF-8 length of each stanza as it crossed the link, without stream framing and TLS.</p>
    </section>`;
}

function messageRow(store: Store, { here, there, same }: ComparedMessage, other: string): TemplateResult {
  const both = (of: (cost: MessageCost) => unknown) => pair(of(here), there ? of(there) : '–', other);
  return html`<tr data-event=${here.id} class=${store.family.has(here.id) ? 'family' : ''}>
    <td class="message-cell"><button type="button" class="linkish" @click=${() => store.select(here.id)}>${shortName(store.model, here.who)}: ${shorten(here.body, 44)}</button></td>
    <td class="n" data-cell="crossed">${both(crossed)}<span class="unit"> stanzas</span></td>
    <td class="n" data-cell="ratio">${ratio(here.crossed, there?.crossed)}</td>
    <td class="n" data-cell="bytes">${both(({ crossedBytes }) => bytes(crossedBytes))}</td>
    <td class="n" data-cell="deliveries">${both(({ recipients }) => recipients.length)}</td>
    <td class="n" data-cell="last">${both(({ t, lastDelivery }) => (lastDelivery === undefined ? '–' : `${lastDelivery - t} ms`))}</td>
    <td data-cell="same">${same === undefined ? '–' : same ? 'yes' : html`<b class="lost">no</b>`}</td>
  </tr>`;
}

/** Stanzas that crossed links, and those that a cut link lost. */
function crossed({ crossed: count, lost }: MessageCost): TemplateResult {
  return html`<b>${count}</b>${lost > 0 ? html` <span class="lost">(${lost} lost)</span>` : nothing}`;
}

function linkRow(store: Store, { here, there }: ComparedLink, other: string): TemplateResult {
  return html`<tr data-link-row=${here.key}>
    <td><button type="button" class="linkish" @click=${() => store.choose({ kind: 'link', id: here.key })}>${here.ends[0]} – ${here.ends[1]}</button></td>
    <td>${describeLink(here)}</td>
    <td class="n" data-cell="stanzas">${pair(here.stanzas, there.stanzas, other)}<span class="unit"> stanzas</span></td>
    <td class="n" data-cell="ratio">${ratio(here.stanzas, there.stanzas)}</td>
    <td class="n" data-cell="bytes">${pair(bytes(here.bytes), bytes(there.bytes), other)}</td>
    <td class="n" data-cell="lost">${pair(here.dropped, there.dropped, other)}<span class="unit"> stanzas</span></td>
  </tr>`;
}

/** What crosses links here, in percent of what crosses them there. */
function ratio(here: number, there: number | undefined): string {
  return there ? `${Math.round((100 * here) / there)} %` : '–';
}
