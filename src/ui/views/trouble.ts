import { html, nothing, type TemplateResult } from 'lit';
import type { NodeView } from '../fold/network.ts';
import { retryNow } from '../session/retry.ts';
import { capitalised } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** What is wrong with the page as a whole, or with a node for good; and the button that helps. */
class TroubleBanner extends Part {
  protected override render(): TemplateResult {
    const { trouble } = this.store.view;
    // A server that is away, or another one, knows no node.
    const isAway = trouble?.kind === 'offline' || trouble?.kind === 'loading';
    const nodes = isAway ? [] : [...this.store.model.network.nodes.values()];
    const failed = nodes.filter(({ phase }) => phase === 'failed');
    return html`
      ${trouble ? html`<div class="banner bad" role="alert" data-testid="trouble" data-trouble=${trouble.kind}>${icon('warn')}<span>${capitalised(trouble.text)}${this.#hint(trouble.kind)}</span>${this.#help(trouble.kind)}</div>` : nothing}
      ${isAway || this.store.session.mode !== 'live' ? nothing : this.store.model.network.away().map(({ server, why }) => this.#unreached(server, why))}
      ${failed.map((node) => this.#failed(node))}
      ${this.#notKept(nodes)}
    `;
  }

  #hint(kind: string): string {
    return kind === 'offline' ? '. The page goes on by itself when the server is back.' : '';
  }

  /** A real server is away, or does not take a service. The rooms go on for all who are here. */
  #unreached(server: string, why: string): TemplateResult {
    return html`<div class="banner bad" role="alert" data-testid="trouble" data-trouble="offline" data-real-server=${server}>${icon('warn')}<span>${server} is not reached. ${why}. What is for it bounces until it is back. The rooms go on for everybody else.</span></div>`;
  }

  #help(kind: string): TemplateResult | typeof nothing {
    if (kind === 'offline')
      return html`<button type="button" data-testid="reconnect" @click=${retryNow}>${icon('restart')} Reconnect now</button>`;
    if (kind === 'failed')
      return html`<button type="button" data-testid="load-again" @click=${() => location.reload()}>${icon('restart')} Load the page again</button>`;
    return nothing;
  }

  #notKept(nodes: readonly NodeView[]): TemplateResult | typeof nothing {
    const full = nodes.filter(({ notKept }) => notKept === 'full').map(({ address }) => address);
    if (full.length > 0)
      return html`<div class="banner bad" role="alert" data-testid="not-kept" data-not-kept="full">${icon('warn')}<span>The browser gives this page no more disk space. Nothing new is taken at ${full.join(', ')}: whoever says something there is told so, until there is room. “Start over” makes room, and forgets all that was said.</span></div>`;
    if (nodes.some(({ notKept }) => notKept === 'denied'))
      return html`<div class="banner warn" role="status" data-testid="not-kept" data-not-kept="denied">${icon('warn')}<span>Nothing is kept: this browser gives the page no database (IndexedDB). History is in memory only, and is lost when a node crashes or the page is closed.</span></div>`;
    return nothing;
  }

  #failed({ address, detail, lost }: NodeView): TemplateResult {
    const start = (acceptLoss: boolean) => () =>
      void this.store.act({ act: 'restart', node: address, ...(acceptLoss ? { acceptLoss } : {}) });
    return html`<div class="banner bad" role="alert" data-failed-node=${address}>
      ${icon('warn')}<span><b>${address}</b> does not run: ${detail}.${lost ? ' It can start without what is lost; all that was found is kept aside.' : nothing}</span>
      ${
        lost
          ? html`<button type="button" data-testid="accept-loss" @click=${start(true)}>${icon('restart')} Go on without it</button>`
          : html`<button type="button" data-testid="start-again" @click=${start(false)}>${icon('restart')} Start it again</button>`
      }
    </div>`;
  }
}

customElements.define('ns-trouble', TroubleBanner);
