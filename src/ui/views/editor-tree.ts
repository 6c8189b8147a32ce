/** Everything that a scenario has, as a tree: each thing opens its form in its place. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ScenarioNode } from '../../scenario/scenario.ts';
import { parts } from '../editor/addresses.ts';
import type { Editing } from '../editor/editing.ts';
import { faultsAt, keyOf, nameOf, thingAt } from '../editor/faults.ts';
import { addPerson, removePerson } from '../editor/people.ts';
import type { Place } from '../editor/put.ts';
import { addRoom, addService, removeNode, removeRoom } from '../editor/rooms.ts';
import { addLink, addServer, plainPairs, removeLink, removeServer } from '../editor/servers.ts';
import { formOf } from './editor-forms.ts';
import { icon } from './icons.ts';

/** What is asked of whoever shows the tree: the focus goes along. */
export interface TreeActs {
  /** Opens a form, or closes it. */
  readonly toggle: (place: Place) => void;
  /** Changes the scenario; what is added is selected, and its first field has the focus. */
  readonly add: (next: Editing['scenario'], place: Place) => void;
  readonly remove: (place: Place) => void;
}

/** The scenario without a thing. */
export function without(editing: Editing, place: Place): Editing['scenario'] {
  const { scenario } = editing;
  const [list, at, , room] = place;
  const index = Number(at);
  switch (list) {
    case 'servers':
      return removeServer(scenario, scenario.servers[index]?.domain ?? '');
    case 'links':
      return removeLink(scenario, index);
    case 'occupants':
      return removePerson(scenario, index);
    case 'nodes': {
      const node = scenario.nodes[index];
      if (room === undefined || node?.kind !== 'service') return removeNode(scenario, node?.address ?? '');
      return removeRoom(scenario, node.rooms[Number(room)]?.jid ?? '');
    }
    default:
      return scenario;
  }
}

export function treeOf(editing: Editing, acts: TreeActs): TemplateResult {
  const { scenario } = editing;
  const links = scenario.links ?? [];
  const domains = new Set(scenario.servers.map(({ domain }) => domain));
  const lost = scenario.occupants.flatMap(({ jid }, i) => (domains.has(parts(jid).domain) ? [] : [i]));
  const lostNodes = scenario.nodes.flatMap(({ server }, i) => (domains.has(server) ? [] : [i]));
  return html`
    <ul class="things">
      ${thing(editing, acts, [], html`Scenario <b>${scenario.title}</b>`, { fixed: true })}
    </ul>
    <h3 id="edit-servers">Servers</h3>
    <ul class="things" aria-labelledby="edit-servers">
      ${scenario.servers.map((server, i) =>
        thing(editing, acts, ['servers', i], html`Server <b>${server.domain}</b>`, {
          within: html`<ul>
            ${scenario.nodes.map((node, n) => (node.server === server.domain ? nodeThing(editing, acts, node, n) : nothing))}
            ${scenario.occupants.map(({ jid }, n) => (parts(jid).domain === server.domain ? personThing(editing, acts, n) : nothing))}
            <li class="adds">
              ${add('person', 'Add a person', () => acts.add(addPerson(scenario, server.domain), ['occupants', scenario.occupants.length]))}
              ${add('service', 'Add a service', () => acts.add(addService(scenario, server.domain), ['nodes', scenario.nodes.length]))}
            </li>
          </ul>`,
        }),
      )}
      ${lostNodes.map((n) => nodeThing(editing, acts, scenario.nodes[n] as ScenarioNode, n))}
      ${lost.map((n) => personThing(editing, acts, n))}
      <li class="adds">${add('server', 'Add a server', () => acts.add(addServer(scenario), ['servers', scenario.servers.length]))}</li>
    </ul>
    <h3 id="edit-links">Links</h3>
    <small>Every pair of servers has a link: 20 ms one way, no jitter, unlimited. Here are those that differ.</small>
    <ul class="things" aria-labelledby="edit-links">
      ${links.map(({ between: [a, b] }, i) => thing(editing, acts, ['links', i], html`Link <b>${a} – ${b}</b>`))}
      ${addLinkForm(editing, acts)}
    </ul>
    <h3 id="edit-script">Script</h3>
    <ul class="things" aria-labelledby="edit-script">
      ${thing(editing, acts, ['script'], html`Script <b>${scenario.script.length} ${scenario.script.length === 1 ? 'step' : 'steps'}</b>`, { fixed: true })}
    </ul>`;
}

function nodeThing(editing: Editing, acts: TreeActs, node: ScenarioNode, index: number): TemplateResult {
  const { scenario } = editing;
  const place = ['nodes', index];
  if (node.kind === 'replica') return thing(editing, acts, place, html`Replica <b>${node.address}</b>`);
  return thing(editing, acts, place, html`Service <b>${node.address}</b>`, {
    within: html`<ul>
      ${node.rooms.map(({ jid }, r) => thing(editing, acts, [...place, 'rooms', r], html`Room <b>${parts(jid).local}</b>`))}
      <li class="adds">${add('room', 'Add a room', () => acts.add(addRoom(scenario, node.address), [...place, 'rooms', node.rooms.length]))}</li>
    </ul>`,
  });
}

function personThing(editing: Editing, acts: TreeActs, index: number): TemplateResult {
  return thing(editing, acts, ['occupants', index], html`Person <b>${editing.scenario.occupants[index]?.nick}</b>`);
}

function add(what: string, label: string, act: () => void): TemplateResult {
  return html`<button type="button" class="add" data-testid=${`add-${what}`} @click=${act}>${icon('add')} ${label}</button>`;
}

interface More {
  readonly within?: TemplateResult;
  /** It cannot be removed. */
  readonly fixed?: boolean;
}

function thing(
  editing: Editing,
  acts: TreeActs,
  place: Place,
  name: TemplateResult,
  { within, fixed }: More = {},
): TemplateResult {
  const { selected, faults } = editing;
  const key = keyOf(place);
  const isOpen = keyOf(selected) === key;
  // What is said within it is said there.
  const own = faults.filter(({ at }) => keyOf(thingAt(at)) === key).length;
  const isMarked = own > 0 || (place.length > 0 && within !== undefined && faultsAt(faults, place).length > 0);
  return html`<li class=${`thing ${isOpen ? 'open' : ''}`} data-thing=${key}>
    <div class="thing-head">
      <button type="button" class="linkish" aria-expanded=${isOpen ? 'true' : 'false'} @click=${() => acts.toggle(place)}>
        ${icon(isOpen ? 'down' : 'forward')}<span>${name}</span>${isMarked ? html`<span class="tone-bad">${icon('warn')}<span class="sr">Something is to be put right</span></span>` : nothing}
      </button>
      ${fixed ? nothing : html`<button type="button" class="round" data-testid="remove" aria-label=${`Remove ${nameOf(editing.scenario, place)}`} title="Remove" @click=${() => acts.remove(place)}>${icon('close')}</button>`}
    </div>
    ${isOpen ? html`<div class="form" role="group" aria-label=${nameOf(editing.scenario, place)}>${formOf(editing, place)}</div>` : nothing}
    ${within ?? nothing}
  </li>`;
}

function addLinkForm(editing: Editing, acts: TreeActs): TemplateResult | typeof nothing {
  const { scenario } = editing;
  const pairs = plainPairs(scenario);
  if (pairs.length === 0) return nothing;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const pair = pairs[Number(new FormData(event.target as HTMLFormElement).get('pair'))];
    if (pair) acts.add(addLink(scenario, pair), ['links', (scenario.links ?? []).length]);
  };
  return html`<li class="adds"><form class="add-step" @submit=${submit}>
    <select name="pair" aria-label="Link">${pairs.map(([a, b], i) => html`<option value=${i}>${a} – ${b}</option>`)}</select>
    <button class="add" data-testid="add-link">${icon('add')} Give it settings</button>
  </form></li>`;
}
