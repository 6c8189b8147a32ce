import { html, nothing, type TemplateResult } from 'lit';
import type { NodeView } from '../fold/network.ts';
import { roleOf } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

const phases: Record<NodeView['phase'], string> = {
  waiting: 'waiting',
  restoring: 'reading its history',
  connecting: 'connecting',
  'logged-in': 'logged in',
  bound: 'host bound',
  ready: 'ready',
  reconnecting: 'reconnecting',
  down: 'down',
  restarting: 'restarting',
  elsewhere: 'runs in another page',
  failed: 'failed',
};

/** Start-up, node by node and character by character, until the room is ready. */
class Startup extends Part {
  #hidden = false;

  protected override render(): TemplateResult | typeof nothing {
    const { store } = this;
    if (store.started || this.#hidden) return nothing;
    const nodes = [...store.model.network.nodes.values()];
    const people = store.model.people
      .all()
      .filter((who) => store.session.scenario.script.some((act) => who.devices.some(({ jid }) => act.who === jid)));
    const inside = people.filter((who) => who.phase === 'joined' || who.phase === 'elsewhere').length;
    const cut = [...store.model.network.links.values()].filter((link) => link.state !== 'up');
    const failed = nodes.some((node) => node.phase === 'failed') || people.some((who) => who.phase === 'failed');
    return html`<section class="startup" aria-label="Start-up" data-testid="startup">
      <h2>${failed ? 'Something did not start' : 'Starting'}</h2>
      <ul>
        ${nodes.map(
          (
            node,
          ) => html`<li data-progress-node=${node.address} data-phase=${node.phase} class=${node.phase === 'failed' ? 'tone-bad' : node.phase === 'ready' || node.phase === 'elsewhere' ? 'tone-good' : ''}>
            ${node.phase === 'ready' || node.phase === 'elsewhere' ? icon('check') : node.phase === 'failed' ? icon('warn') : html`<span class="spin"></span>`}
            <span><b>${node.address}</b> ${roleOf(node)}: ${phases[node.phase]}${node.detail ? html`<small>${node.detail}</small>` : nothing}</span>
          </li>`,
        )}
        ${
          people.length > 0
            ? html`<li class=${inside === people.length ? 'tone-good' : ''}>
              ${inside === people.length ? icon('check') : html`<span class="spin"></span>`}
              <span>${inside} of ${people.length} people are in the room</span>
            </li>`
            : nothing
        }
        ${people
          .filter((who) => who.phase === 'failed')
          .map(
            (who) =>
              html`<li class="tone-bad">${icon('warn')}<span><b>${who.nick}</b>: ${who.detail || 'could not join'}</span></li>`,
          )}
      </ul>
      ${cut.map(
        (link) => html`<p>The link ${link.ends[0]} – ${link.ends[1]} is cut, so nobody on the far side can enter.
          <button type="button" @click=${() => store.act({ act: 'heal', link: link.ends })}>${icon('heal')} Heal it</button></p>`,
      )}
      <button type="button" class="linkish" @click=${this.#hide}>Hide this list</button>
    </section>`;
  }

  readonly #hide = (): void => {
    this.#hidden = true;
    this.requestUpdate();
  };
}

customElements.define('ns-startup', Startup);
