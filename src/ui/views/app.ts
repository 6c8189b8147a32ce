import { html, nothing, type TemplateResult } from 'lit';
import type { Store } from '../store.ts';
import type { Region, Tab } from '../view.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';
import { tabKeys } from './inspector.ts';
import './counters.ts';
import './header.ts';
import './help.ts';
import './intro.ts';
import './join-panel.ts';
import './live-region.ts';
import './log.ts';
import './menu.ts';
import './offers.ts';
import './outline.ts';
import './space-time.ts';
import './speak.ts';
import './splitter.ts';
import './startup.ts';
import './topology.ts';
import './transport.ts';
import './transcripts.ts';
import './trouble.ts';

export const tabs: readonly (readonly [Tab, string])[] = [
  ['log', 'Log'],
  ['spacetime', 'Space-time'],
  ['transcripts', 'Transcripts'],
  ['counters', 'Counters'],
  ['outline', 'Outline'],
];

const regions: readonly (readonly [Region, string])[] = [
  ['lesson', 'Lesson'],
  ['topology', 'Picture'],
  ['panel', 'Views'],
  ['inspector', 'Inspector'],
];

/** The whole page: header, picture with the speak bar, panel, inspector; for a run that is over, the transport. */
class App extends Part {
  protected override render(): TemplateResult {
    const { store } = this;
    const { lesson } = store;
    const { tab, region, toast, event, thing, drawer, presenting, said } = store.view;
    const { panel, maximised } = store.preferences;
    const recorded = store.session.recording !== undefined;
    const fixed = store.fixed !== undefined;
    return html`
      <ns-header .store=${store}></ns-header>
      <ns-trouble .store=${store}></ns-trouble>
      <nav class="regions" aria-label="Regions">
        ${regions.filter(([id]) => id !== 'lesson' || lesson).map(([id, label]) => html`<button type="button" aria-pressed=${region === id ? 'true' : 'false'} data-testid=${`region-${id}`} @click=${() => store.set({ region: id })}>${label}</button>`)}
      </nav>
      <ns-intro .store=${store}></ns-intro>
      <div class=${lesson ? 'body with-lesson' : 'body'} style=${`--panel: ${panel}%`} data-region=${region} data-selected=${event !== undefined || thing ? '' : nothing} data-panel=${presenting && !drawer ? 'closed' : maximised ? 'maximised' : 'shared'}>
        ${lesson ? html`<ns-lesson .store=${store}></ns-lesson>` : nothing}
        <main class=${fixed ? 'recorded' : ''}>
          <div class="picture-area">
            <ns-topology .store=${store}></ns-topology>
            <ns-startup .store=${store}></ns-startup>
            <ns-offers .store=${store}></ns-offers>
            ${presenting || lesson ? html`<p class="caption" aria-hidden="true" data-testid="caption">${said.replaceAll('XEP-', 'XEP\u2011') || 'What the nodes do is told here. Say something, or cut a link.'}</p>` : nothing}
          </div>
          ${fixed ? nothing : html`<ns-speak .store=${store}></ns-speak>`}
          <ns-splitter .store=${store}></ns-splitter>
          <section class="panel" id="views" aria-label="Views">
            <h2 class="sr">Views</h2>
            <div class="panel-head">
            <div class="tabs" role="tablist" aria-label="Views" @keydown=${tabKeys}>
              ${tabs.map(
                ([id, label], i) =>
                  html`<button role="tab" type="button" id=${`tab-${id}`} aria-controls="panel-view" aria-selected=${tab === id ? 'true' : 'false'} tabindex=${tab === id ? 0 : -1} data-testid=${`tab-${id}`} title=${`Key ${i + 1}`} @click=${() => store.open(id)}>${label}</button>`,
              )}
            </div>
            <button type="button" class="maximise" data-testid="maximise" aria-pressed=${maximised ? 'true' : 'false'} aria-label="All the room for the views" title="All the room for the views (m)" @click=${() => store.prefer({ maximised: !maximised })}>${icon(maximised ? 'restore' : 'maximise')}</button>
            </div>
            <div class="view" id="panel-view" role="tabpanel" aria-labelledby=${`tab-${tab}`}>${tabPanel(tab, store)}</div>
          </section>
        </main>
        <ns-inspector .store=${store}></ns-inspector>
      </div>
      ${recorded && store.led === undefined ? html`<ns-transport .store=${store}></ns-transport>` : nothing}
      ${toast ? html`<div class="toast" role="alert" data-testid="toast">${icon('warn')}<span>${toast}</span><button type="button" aria-label="Close the message" @click=${() => store.set({ toast: undefined })}>${icon('close')}</button></div>` : nothing}
      <ns-menu .store=${store}></ns-menu>
      <ns-help .store=${store}></ns-help>
      ${recorded ? nothing : html`<ns-join .store=${store}></ns-join>`}
      <ns-live-region .store=${store}></ns-live-region>
    `;
  }
}

/** The view of a tab. */
export function tabPanel(tab: Tab, store: Store): TemplateResult {
  if (tab === 'spacetime') return html`<ns-space-time .store=${store}></ns-space-time>`;
  if (tab === 'transcripts') return html`<ns-transcripts .store=${store}></ns-transcripts>`;
  if (tab === 'counters') return html`<ns-counters .store=${store}></ns-counters>`;
  if (tab === 'outline') return html`<ns-outline .store=${store}></ns-outline>`;
  return html`<ns-log .store=${store}></ns-log>`;
}

customElements.define('ns-app', App);
