import { html, nothing, type TemplateResult } from 'lit';
import type { ModelEvent } from '../fold/event.ts';
import { describeLink } from '../fold/links.ts';
import { lately } from '../inspected.ts';
import type { Store } from '../store.ts';
import type { Thing } from '../view.ts';
import { counted, roleOf, shortName, shortNode, stateOf } from '../words.ts';

const most = 12;

/** How to use the page, where nothing is selected. */
export function howTo(store: Store): TemplateResult {
  const play = html`<li>Press <b>Play</b>, or go event by event with <kbd>←</kbd> <kbd>→</kbd>.</li>`;
  const first =
    store.fixed !== undefined
      ? play
      : html`${store.session.lab ? play : ''}<li><b>Say something</b> in the bar below the picture, and watch its copies cross the links.</li>
        <li>Press a <b>link</b> to cut it, a <b>node</b> to crash it, a <b>person</b> to have them speak or leave.</li>`;
  return html`<h3>What to do here</h3>
    <ul class="how-to" data-testid="how-to">
      ${first}
      <li>Press a <b>stanza</b> in the picture or a <b>row of the log</b>: here you read its text, the rule that made it, and all its copies.</li>
      <li>By keyboard: <kbd>Tab</kbd> goes into the picture, the arrows from thing to thing, <kbd>Enter</kbd> opens. <kbd>?</kbd> lists all keys.</li>
      <li class="for-presenters">For an audience: <kbd>p</kbd> makes everything large.</li>
    </ul>`;
}

/** All nodes, where none is selected. */
export function nodesOverview(store: Store): TemplateResult {
  const { model } = store;
  return html`<p class="note">Select a room node or a person in the picture, or a node here.</p>
    <table data-testid="inspector-nodes"><thead><tr><th>Node</th><th>State</th><th>Knows</th></tr></thead><tbody>${[
      ...model.network.nodes.values(),
    ].map((node) => {
      const { word, tone, policy } = stateOf(model, node);
      const rooms = model.network.roomsOf(node);
      const sum = (of: (room: (typeof rooms)[number]) => number) => rooms.reduce((all, room) => all + of(room), 0);
      return html`<tr>
        <td><button type="button" class="linkish" title=${node.address} @click=${() => store.choose({ kind: 'node', id: node.address })}>${shortNode(node.address)}<small>${roleOf(node)}</small></button></td>
        <td class=${`tone-${tone}`}>${policy ? `${word}, ${policy}` : word}</td>
        <td>${sum(({ occupants }) => occupants.length)} people, ${counted(
          sum(({ historyLength }) => historyLength),
          'message',
        )}</td>
      </tr>`;
    })}</tbody></table>`;
}

/** All links, where none is selected. */
export function linksOverview(store: Store): TemplateResult {
  const links = [...store.model.network.links.values()];
  if (links.length === 0) return html`<p class="empty">There is one server here, so there is no link.</p>`;
  return html`<p class="note">Select a link in the picture or here${store.fixed !== undefined ? '' : ': it can be cut, healed and slowed'}.</p>
    <table data-testid="inspector-links"><thead><tr><th>Link</th><th>State</th><th>Carried</th></tr></thead><tbody>${links.map(
      (link) => html`<tr>
        <td><button type="button" class="linkish" @click=${() => store.choose({ kind: 'link', id: link.key })}>${link.ends[0]} – ${link.ends[1]}</button></td>
        <td class=${link.state === 'up' ? 'tone-good' : 'tone-bad'}>${describeLink(link)}</td>
        <td>${counted(link.stanzas, 'stanza')}</td>
      </tr>`,
    )}</tbody></table>`;
}

/** What a thing has sent, received or carried lately: each one leads to its stanza. */
export function recently(store: Store, thing: Thing): TemplateResult {
  const events = lately(store.model, thing, store.view.hidden, most);
  return html`<h3>Lately</h3>
    ${events.length === 0 ? html`<p class="note">Nothing that the log shows.</p>` : nothing}
    <ul class="chain" data-testid="lately">${events.map(
      (event) =>
        html`<li><button type="button" class="linkish" data-event=${event.id} @click=${() => store.select(event.id)}>${deed(store, event)} ${event.text} <small>${store.when(event.t, false)}</small></button></li>`,
    )}</ul>`;
}

function deed(store: Store, { leg, from, to, outcome }: ModelEvent): TemplateResult {
  const { model } = store;
  if (leg === 'link')
    return html`<b>${shortName(model, from)} → ${shortName(model, to)}</b>${outcome ? html` <b class="lost">${outcome}</b>` : nothing}`;
  return html`<b>${leg === 'in' ? 'sent' : 'received'}</b>`;
}

/** What is selected, in a few words. */
export function nameOf(store: Store, { kind, id }: Thing): string {
  if (kind === 'link') return id.replace('~', ' – ');
  if (kind === 'occupant') return store.model.people.all().find(({ jid }) => jid === id)?.nick ?? id;
  return id;
}
