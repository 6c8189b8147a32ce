import { html, nothing, svg, type TemplateResult } from 'lit';
import { type VariantId, variantIds } from '../../scenario/variant-nodes.ts';
import type { LabControls } from '../session/session.ts';
import type { Store } from '../store.ts';
import { counted, variantName } from '../words.ts';

/** Chooses the protocol with which the run is compared, and says which number is which. */
export function compareControl(store: Store, { variants, comparison }: LabControls): TemplateResult | typeof nothing {
  if (variants.length === 0) return nothing;
  const chosen = comparison?.variant.id;
  const onChange = (event: Event) => {
    const { value } = event.target as HTMLSelectElement;
    void store.compare(variantIds.find((id) => id === value));
  };
  return html`<label title="The same acts at the same times in another protocol (c)"><span>Compare with</span>
      <select data-testid="compare" @change=${onChange}>
        <option value="" .selected=${chosen === undefined}>nothing</option>
        ${variants.map((id) => html`<option value=${id} .selected=${chosen === id}>${variantName(id, store.session.scenario).long}</option>`)}
      </select>
    </label>
    ${chosen === undefined ? nothing : legend(store, chosen)}`;
}

function legend(store: Store, id: VariantId): TemplateResult {
  const { comparison } = store;
  const { leftOut = 0, run } = comparison ?? {};
  return html`<p class="legend" data-testid="compare-legend">
    <span class="here">${sample()}<b>First: this run</b></span> <span class="bar">|</span>
    <span class="there">${sample()}<b>second: ${variantName(id, store.session.scenario).short}</b></span>
    ${leftOut > 0 ? html`<span class="note" data-testid="compare-left-out">${counted(leftOut, 'act')} left out, which cannot be done there</span>` : nothing}
    ${run?.isFull ? html`<span class="note">The other run has 100,000 events, and goes no further</span>` : nothing}
  </p>`;
}

/** How its line is drawn in the chart. */
function sample(): TemplateResult {
  return html`<svg class="sample" viewBox="0 0 22 6" width="22" height="6" aria-hidden="true">${svg`<path d="M0 3H22" />`}</svg>`;
}

/** Two numbers, each in its colour; whoever does not see which is which hears it. @param other  the name of the other run */
export function pair(here: unknown, there: unknown, other: string): TemplateResult {
  return html`<span class="here"><span class="sr">this run: </span>${here}</span> <span class="bar" aria-hidden="true">|</span> <span class="there"><span class="sr">, ${other}: </span>${there}</span>`;
}
