import { html, nothing, type TemplateResult } from 'lit';
import { linkTo } from '../address.ts';
import { type Embedding, readEmbedding } from '../embed/embedding.ts';
import { wholeAddress } from '../embed/snippet.ts';
import { tabPanel, tabs } from './app.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';
import { tabKeys } from './inspector.ts';

/** The page inside of another one: what its address names of it, and a link to the whole. */
class Embedded extends Part {
  readonly #read = readEmbedding(location.search);

  protected override render(): TemplateResult | typeof nothing {
    if (this.#read === undefined) return nothing;
    const { store } = this;
    const { embedding, wrong } = this.#read;
    const { session, view } = store;
    const shows = (region: Embedding['regions'][number]) => embedding.regions.includes(region);
    const lesson = shows('lesson') && store.lesson !== undefined;
    const shown = tabs.filter(([id]) => shows(id));
    return html`
      <ns-trouble .store=${store}></ns-trouble>
      ${wrong === undefined ? nothing : html`<div class="banner warn" role="status" data-testid="embed-wrong">${icon('warn')}<span>The address of this frame is not as it should be. ${wrong}</span></div>`}
      <div class="body" data-lesson=${lesson ? '' : nothing} data-side=${shows('inspector') ? '' : nothing} data-selected=${view.event !== undefined || view.thing ? '' : nothing}>
        ${lesson ? html`<ns-lesson .store=${store}></ns-lesson>` : nothing}
        <main>
          ${
            shows('topology')
              ? html`<div class="picture-area">
                  <ns-topology .store=${store}></ns-topology>
                  <ns-startup .store=${store}></ns-startup>
                </div>`
              : nothing
          }
          ${shows('speak') && session.lab ? html`<ns-speak .store=${store}></ns-speak>` : nothing}
          ${shown.length > 0 ? this.#panel(shown) : nothing}
        </main>
        ${shows('inspector') ? html`<ns-inspector .store=${store}></ns-inspector>` : nothing}
      </div>
      ${shows('transport') ? html`<ns-transport .store=${store}></ns-transport>` : nothing}
      ${this.#foot(!shows('transport'))}
      ${view.toast ? html`<div class="toast" role="alert" data-testid="toast">${icon('warn')}<span>${view.toast}</span></div>` : nothing}
      <ns-menu .store=${store}></ns-menu>
      <ns-live-region .store=${store}></ns-live-region>
    `;
  }

  #panel(shown: typeof tabs): TemplateResult {
    const { store } = this;
    const [tab] = shown.find(([id]) => id === store.view.tab) ?? shown[0] ?? ['log' as const];
    return html`<section class="panel" aria-label="Views">
      ${
        shown.length === 1
          ? html`<h2 class="sr" id="tab-${tab}">${shown[0]?.[1]}</h2>`
          : html`<div class="tabs" role="tablist" aria-label="Views" @keydown=${tabKeys}>
              ${shown.map(([id, label]) => html`<button role="tab" type="button" id=${`tab-${id}`} aria-controls="panel-view" aria-selected=${tab === id ? 'true' : 'false'} tabindex=${tab === id ? 0 : -1} data-testid=${`tab-${id}`} @click=${() => store.open(id)}>${label}</button>`)}
            </div>`
      }
      <div class="view" id="panel-view" role=${shown.length === 1 ? 'group' : 'tabpanel'} aria-labelledby=${`tab-${tab}`}>${tabPanel(tab, store)}</div>
    </section>`;
  }

  /** @param plays  there is no other button that plays: what moves can be stopped */
  #foot(plays: boolean): TemplateResult {
    const { store } = this;
    const { scenario, recording } = store.session;
    const playing = recording?.playing === true;
    return html`<footer class="embed-foot">
      ${plays && recording ? html`<button type="button" data-testid="embed-play" @click=${() => store.play()}>${icon(playing ? 'pause' : 'play')}<span>${playing ? 'Pause' : 'Play'}</span></button>` : nothing}
      <h1 class="embed-title">${scenario.title} <small>XEP-${scenario.xep}</small></h1>
      <a href=${wholeAddress(linkTo(store))} target="_blank" rel="noopener" data-testid="open-whole">Open in Netsplit ${icon('out-of')}</a>
    </footer>`;
  }
}

customElements.define('ns-embedded', Embedded);
