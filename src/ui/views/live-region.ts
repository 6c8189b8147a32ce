import { html, type TemplateResult } from 'lit';
import type { Sentence } from '../fold/model.ts';
import { refusalSentence } from '../refused.ts';
import { sayable } from '../spec-index.ts';
import { capitalised, counted, roleOf, shortNode } from '../words.ts';
import { Part } from './base.ts';

/** Says what the nodes do: one sentence for each step, at most once a second, and no more than a person can listen to. */
class LiveRegion extends Part {
  #timer = 0;

  protected override storeChanged(): void {
    const { model } = this.store;
    if (model.sentences.length + model.refusals.untold.length === 0 || this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      const sentences = this.store.model.sentences.splice(0);
      const refused = this.store.model.refusals.untold.splice(0);
      const spoken = sentences.filter((sentence) => sentence.spec?.startsWith('0199') !== true);
      // People first.
      const words = refused.slice(-3).map((refusal) => refusalSentence(this.store.model, refusal));
      if (refused.length > 3) words.push(`And ${counted(refused.length - 3, 'more refusal')} before that.`);
      words.push(...spoken.slice(0, 3).map((sentence) => this.#sentence(sentence)));
      if (spoken.length > 3) words.push(`And ${counted(spoken.length - 3, 'more step')}.`);
      if (words.length === 0) return;
      this.store.set({ said: words.join(' ') });
      this.requestUpdate();
    }, 1_000);
  }

  protected override render(): TemplateResult {
    return html`<div class="sr" role="status" aria-live="polite" data-testid="live-region">${this.store.view.said}</div>`;
  }

  #sentence({ node, sent, spec, notes }: Sentence): string {
    const view = this.store.model.network.nodeOf(node);
    const name = view ? `${roleOf(view)} ${shortNode(view.address)}` : node;
    const what = sent > 0 ? `sends ${sent} ${sent === 1 ? 'stanza' : 'stanzas'}` : '';
    const parts = [what, ...notes].filter(Boolean).join(', ');
    return `${capitalised(name)} ${parts}${spec ? `, ${sayable(spec)}` : ''}.`;
  }
}

customElements.define('ns-live-region', LiveRegion);
