import { html, nothing, type TemplateResult } from 'lit';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import {
  type Command,
  formsOfPage,
  linkCommands,
  nodeCommands,
  occupantCommands,
  serverCommands,
} from '../commands.ts';
import { describeLink } from '../fold/links.ts';
import type { NodeView } from '../fold/network.ts';
import type { OccupantView } from '../fold/people.ts';
import { refusalInWords, refusalOf } from '../refused.ts';
import { bytes, counted, deviceCount, deviceName, devicesInside, markOf, roleOf, stateOf } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** The same model as text, with every action of the picture as a button: for screen readers, small screens, keyboards. */
class Outline extends Part {
  protected override render(): TemplateResult {
    const { model } = this.store;
    const people = model.people.all();
    const recorded = this.store.fixed !== undefined;
    return html`<div class="tables stacked" data-testid="outline" tabindex="0" role="group" aria-label="Outline">
      <section>
        <h3>Servers, nodes and people</h3>
        <ul class="tree">
          ${model.scenario.servers.map((server) => {
            const nodes = [...model.network.nodes.values()].filter((node) => node.server === server.domain);
            const here = people.filter((who) => who.server === server.domain);
            const served = (node: NodeView) => here.filter((who) => who.node === node.address);
            const others = here.filter((who) => !nodes.some((node) => who.node === node.address));
            return html`<li>
              <strong>${server.domain}</strong>
              <ul>
                ${nodes.map((node) => html`<li>${this.#node(node)}<ul>${served(node).map((who) => this.#person(who))}</ul></li>`)}
                ${this.#vacancy(server.domain)}
                ${others.map((who) => this.#person(who))}
              </ul>
            </li>`;
          })}
        </ul>
      </section>
      <section>
        <h3>Links</h3>
        ${
          model.network.links.size === 0
            ? html`<p class="empty">This scenario has one server, so there is no link to cut. Choose another scenario above.</p>`
            : html`<table data-testid="outline-links">
              <thead><tr><th>Link</th><th>State</th><th class="n">Carried</th>${recorded ? nothing : html`<th>Actions</th>`}</tr></thead>
              <tbody>
                ${[...model.network.links.values()].map(
                  (link) => html`<tr data-link-row=${link.key}>
                    <td>${link.ends[0]} – ${link.ends[1]}</td>
                    <td>${describeLink(link)}</td>
                    <td class="n">${counted(link.stanzas, 'stanza')} · ${bytes(link.bytes)}</td>
                    ${recorded ? nothing : html`<td>${this.#buttons(linkCommands(this.store, link, formsOfPage()), `${link.ends[0]} – ${link.ends[1]}`)}</td>`}
                  </tr>`,
                )}
              </tbody>
            </table>`
        }
      </section>
    </div>`;
  }

  #node(node: NodeView): TemplateResult {
    const state = stateOf(this.store.model, node);
    return html`<div class="line" data-outline-node=${node.address} data-state=${state.word} data-policy=${state.policy ?? nothing}>
      <span><b>${node.address}</b> ${roleOf(node)}, <span class=${`tone-${state.tone}`}>${state.policy ? `${state.word}, ${state.policy}` : state.word}</span>${node.detail ? html` <small>${node.detail}</small>` : nothing}</span>
      ${this.#buttons(nodeCommands(this.store, node, formsOfPage()), node.address)}
    </div>`;
  }

  #vacancy(domain: string): TemplateResult | typeof nothing {
    const commands = serverCommands(this.store, domain);
    if (commands.length === 0) return nothing;
    return html`<li class="line" data-outline-vacancy=${domain}>
      <span>no replica: the primary serves these users itself</span> ${this.#buttons(commands, domain)}
    </li>`;
  }

  #person(who: OccupantView): TemplateResult {
    const state = who.phase === 'joined' ? who.show || who.role || 'in the room' : who.phase;
    const mark = markOf(who);
    const refusal = refusalOf(this.store.model, who);
    const inside = devicesInside(who);
    const several = deviceCount(who);
    const names = inside.map(({ jid }) => deviceName(jid)).join(', ');
    return html`<li class="line" data-outline-occupant=${who.jid} data-mark=${mark?.id ?? nothing} data-refused=${refusal ? this.store.model.refusals.whatOf(refusal) : nothing} data-devices=${inside.length}>
      <span>${who.nick}${several ? html`, <b>${several}</b>` : nothing} <small>${several ? `${bareOf(who.jid as Jid)} on ${names}` : who.jid}, ${state}${mark ? html`, <b class="tone-warn">${mark.words}</b>` : nothing}${refusal ? html`, <b class="tone-bad">${refusalInWords(this.store.model, refusal)}</b>` : nothing}</small></span>
      ${this.#buttons(occupantCommands(this.store, who, formsOfPage()), who.nick)}
    </li>`;
  }

  #buttons(commands: readonly Command[], of: string): TemplateResult {
    const possible = this.store.fixed !== undefined ? [] : commands.filter((command) => !command.not);
    return html`<span class="buttons">${possible.map(
      (command) =>
        html`<button type="button" data-testid=${`outline-${command.id}`} aria-label=${`${command.label}: ${of}`} @click=${command.run}>${icon(command.icon)} ${command.short ?? command.label}</button>`,
    )}</span>`;
  }
}

customElements.define('ns-outline', Outline);
