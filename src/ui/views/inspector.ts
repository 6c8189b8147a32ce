import { html, nothing, type TemplateResult } from 'lit';
import type { RoomStatus } from '../../core/node/trace.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import {
  type Command,
  formsOfPage,
  linkCommands,
  nodeCommands,
  occupantCommands,
  serverCommands,
} from '../commands.ts';
import type { ModelEvent } from '../fold/event.ts';
import { describeLink } from '../fold/links.ts';
import type { NodeView } from '../fold/network.ts';
import type { DeviceView, OccupantView } from '../fold/people.ts';
import { inspectedLink, inspectedNode } from '../inspected.ts';
import { refusalInWords, refusalOf } from '../refused.ts';
import { specEntry } from '../spec-index.ts';
import {
  bytes,
  capitalised,
  counted,
  deviceName,
  markOf,
  noticed,
  policyInWords,
  roleOf,
  shortName,
  shortNode,
  stateOf,
} from '../words.ts';
import { Part } from './base.ts';
import { icon, stanzaIcon } from './icons.ts';
import { howTo, linksOverview, nameOf, nodesOverview, recently } from './inspector-overview.ts';
import { stanzaTree } from './stanza-tree.ts';

/** Why something happened that no rule of a XEP requires. */
const reasons: Partial<Record<ModelEvent['kind'], string>> = {
  act: 'Somebody did this, or a timer ran out. The chain of causes begins here.',
  append:
    'The node decided this and wrote it to its log. Nothing that follows from it is sent until the log is durable.',
  fault: 'The run has a fault here.',
};

/** What is selected: a stanza with its causes and copies, or a node, a person or a link. */
class Inspector extends Part {
  protected override render(): TemplateResult {
    const { inspect, thing, event } = this.store.view;
    const tabs = [
      ['stanza', 'Stanza', event !== undefined],
      [
        'node',
        inspectedNode(this.store.model, this.store.view)?.kind === 'occupant' ? 'Person' : 'Node',
        thing !== undefined && thing.kind !== 'link',
      ],
      ['link', 'Link', thing?.kind === 'link'],
    ] as const;
    return html`<aside class="inspector" aria-label="Inspector" data-testid="inspector">
      <div class="panel-head">
      <div class="tabs" role="tablist" aria-label="Inspector views" @keydown=${tabKeys}>
        ${tabs.map(
          ([id, label]) =>
            html`<button role="tab" type="button" id=${`inspect-${id}`} aria-controls="inspector-view" aria-selected=${inspect === id ? 'true' : 'false'} tabindex=${inspect === id ? 0 : -1} data-testid=${`inspect-${id}`} @click=${() => this.store.set({ inspect: id })}>${label}</button>`,
        )}
      </div>
      ${this.store.view.presenting ? html`<button type="button" class="maximise" data-testid="inspector-close" aria-label="Close the inspector" title="Close the inspector (Esc)" @click=${() => this.store.set({ event: undefined, thing: undefined })}>${icon('close')}</button>` : nothing}
      </div>
      <div class="view" id="inspector-view" role="tabpanel" aria-labelledby=${`inspect-${inspect}`} tabindex="0">
        ${inspect === 'stanza' ? this.#stanza() : inspect === 'link' ? this.#link() : this.#node()}
      </div>
    </aside>`;
  }

  #stanza(): TemplateResult {
    const { model, view } = this.store;
    const event = view.event === undefined ? undefined : this.store.told.events.get(view.event);
    if (!event && view.event !== undefined)
      return html`<p class="empty" data-testid="inspector-unknown">Event ${view.event} is not here. Either it has not happened yet, or it was too long ago. Esc forgets it.</p>`;
    if (!event && view.thing)
      return html`<p class="note">No stanza of ${nameOf(this.store, view.thing)} is selected. Press one of these, or one that is moving in the picture.</p>
        ${recently(this.store, view.thing)}`;
    if (!event) {
      return html`<section class="intro" data-testid="description">
          <h2>${model.scenario.title}</h2>
          <p>${model.scenario.description}</p>
          ${this.#run()}
        </section>
        ${howTo(this.store)}`;
    }
    const legs = { in: 'handed to its server by', out: 'delivered by', link: 'crosses the link from' } as const;
    return html`
      <h2 data-testid="inspector-title" data-event=${event.id}>
        ${event.stanza ? stanzaIcon(event.stanza.name, event.stanza.type === 'error') : nothing}
        <span>${event.text}</span>
      </h2>
      <dl>
        <dt>When</dt><dd>${this.store.when(event.t)}</dd>
        <dt>${event.leg === 'out' ? 'To' : 'Where'}</dt>
        <dd>${
          event.leg === 'out'
            ? html`${shortName(model, event.to)}, ${legs.out} ${event.from}`
            : event.leg
              ? html`${legs[event.leg]} ${shortName(model, event.from)}${event.leg === 'link' ? html` to ${event.to}` : nothing}`
              : html`${event.from ? shortName(model, event.from) : 'the run'}${event.to ? html` – ${shortName(model, event.to)}` : nothing}`
        }</dd>
        ${event.leg === 'link' ? html`<dt>On the link</dt><dd>${event.outcome ? html`<b class="lost">${event.outcome}</b>` : `${Math.round((event.arrives ?? event.t) - event.t)} ms`}</dd>` : nothing}
        ${event.stanza ? html`<dt>Size</dt><dd>${event.stanza.bytes} B</dd>` : nothing}
      </dl>
      ${this.#moment(event)}
      <h3>Why</h3>
      ${this.#why(event)}
      ${event.stanza ? html`<h3>Stanza</h3>${stanzaTree(event.stanza.xml)}` : nothing}
      ${this.#causes(event)} ${this.#copies(event)}
    `;
  }

  /** Of a recording: how much is in it. */
  #run(): TemplateResult | typeof nothing {
    const { recording } = this.store.session;
    if (!recording) return nothing;
    return html`<dl data-testid="inspector-run">
      <dt>Events</dt><dd>${recording.length}</dd>
      ${this.store.session.lab ? nothing : html`<dt>Violations</dt><dd>${recording.violations.length || 'none'}</dd>`}
    </dl>`;
  }

  /** Of a recording: the picture may show another moment than the selected event's. */
  #moment(event: ModelEvent): TemplateResult | typeof nothing {
    const { recording } = this.store.session;
    if (!recording || recording.seq === event.id) return nothing;
    return html`<p class="buttons"><button type="button" data-testid="inspector-reveal" @click=${() => this.store.reveal(event.id)}>${icon('state')} Go to this moment</button></p>`;
  }

  #why(event: ModelEvent): TemplateResult {
    const spec = this.store.told.events.ruleOf(event);
    if (!spec) {
      const text =
        reasons[event.kind] ??
        'Local: no rule of a XEP is recorded for it. A client that is not ours sent it, or its node has not reported it yet.';
      return html`<p data-testid="why" data-spec="local">${text}</p>`;
    }
    const entry = specEntry(spec);
    return html`<p data-testid="why" data-spec=${spec}>
      <b>${entry.label}</b> ${entry.title}<br />
      <small>${entry.url ? html`<a href=${entry.url} rel="noopener noreferrer" target="_blank">${entry.document}</a>` : entry.document}${event.spec ? nothing : ' (the rule that sent the stanza on its way)'}</small>
    </p>`;
  }

  #causes(event: ModelEvent): TemplateResult {
    const path = this.store.told.events.pathTo(event.id).slice(0, -1);
    return html`<h3>Causes</h3>
      ${path.length === 0 ? html`<p class="note">None is known. The chain begins here.</p>` : html`<ol class="chain" data-testid="causes">${path.map((id) => this.#item(id))}</ol>`}`;
  }

  #copies(event: ModelEvent): TemplateResult {
    const { model } = this.store;
    const all = [...this.store.family]
      .map((id) => model.events.get(id))
      .filter(
        (other): other is ModelEvent =>
          other?.leg === 'link' ||
          (other?.leg === 'out' &&
            !model.network.nodes.has(other.to) &&
            !model.network.nodes.has(bareOf(other.to as Jid))),
      )
      .sort((a, b) => a.t - b.t || a.id - b.id);
    const cost = model.costs.of(event.id);
    const plain = cost && this.store.baseline.of(cost);
    return html`<h3>Copies of the same submission</h3>
      ${
        cost
          ? html`<p data-testid="cost"><b>${cost.crossed}</b> stanzas on links${plain ? html`, a plain room: <b>${plain.crossed}</b>` : nothing}; ${cost.recipients.length} deliveries${plain ? html`, a plain room: ${plain.recipients.length}` : nothing}</p>`
          : nothing
      }
      ${all.length === 0 ? html`<p class="note">No copy has crossed a link or reached a person.</p>` : html`<ul class="chain" data-testid="copies">${all.slice(0, 60).map((other) => this.#item(other.id))}</ul>`}
      ${all.length > 60 ? html`<p class="note">and ${all.length - 60} more</p>` : nothing}`;
  }

  #item(id: number): TemplateResult | typeof nothing {
    const { model, view } = this.store;
    const { events } = this.store.told;
    const event = events.get(id);
    if (!event) return nothing;
    return html`<li>
      <button type="button" class=${`linkish ${view.event === id ? 'chosen' : ''}`} data-event=${id} @click=${() => this.store.select(id)}>
        ${event.stanza ? html`<small class="index">${events.indexOf(id)}</small> ` : nothing}${
          event.kind === 'act'
            ? model.network.isNode(event.from)
              ? html`${shortName(model, event.from)}: ${event.text}`
              : event.text
            : event.leg === 'link'
              ? html`${event.from} → ${event.to}${event.outcome ? html` <b class="lost">${event.outcome}</b>` : nothing}`
              : event.leg === 'out'
                ? html`to ${shortName(model, event.to)}`
                : html`from ${shortName(model, event.from)}${event.to && event.leg !== 'in' ? html` – ${event.text}` : nothing}`
        }${event.spec ? html` <small>${specEntry(event.spec).label}</small>` : nothing}
      </button>
    </li>`;
  }

  #node(): TemplateResult {
    const { model, view } = this.store;
    const thing = inspectedNode(model, view);
    const who =
      thing?.kind === 'occupant' ? model.people.all().find((occupant) => occupant.jid === thing.id) : undefined;
    if (who) {
      return html`<h2>${who.nick}</h2>
        <dl>
          <dt>Address</dt><dd>${who.devices.length > 1 ? bareOf(who.jid as Jid) : (who.devices[0]?.jid ?? who.jid)}</dd>
          ${who.devices.length > 1 ? html`<dt>Devices</dt><dd data-testid="inspector-devices">${who.devices.map((device) => this.#device(device))}</dd>` : nothing}
          <dt>Room</dt><dd>${who.room}</dd>
          ${who.offer ? html`<dt>Sent to</dt><dd>${who.offer}</dd>` : nothing}
          <dt>State</dt><dd>${who.phase}${who.detail ? html`, ${who.detail}` : nothing}${who.show ? html`, ${who.show}` : nothing}${markOf(who) ? html`, <b class="tone-warn">${markOf(who)?.words}</b>` : nothing}</dd>
          ${this.#refused(who)}
          <dt>Served by</dt><dd>${who.node ?? 'no node, as far as is known'}</dd>
          <dt>Role</dt><dd>${who.role || 'unknown'}, affiliation ${who.affiliation || 'unknown'}</dd>
        </dl>
        ${this.#buttons(occupantCommands(this.store, who, formsOfPage()))} ${recently(this.store, { kind: 'occupant', id: who.jid })}`;
    }
    const node = thing?.kind === 'node' ? model.network.nodes.get(thing.id) : undefined;
    if (!node && thing?.kind === 'server')
      return html`<h2>${thing.id}</h2>
        <p>There is no replica here. The primary sends each of this server’s users their own copy over the link. A replica can be added while the room is in use: its occupants are told only that the configuration changed.</p>
        ${this.#buttons(serverCommands(this.store, thing.id))}`;
    if (!node) return nodesOverview(this.store);
    const state = stateOf(model, node);
    return html`<h2>${node.address}</h2>
      <dl>
        <dt>Part</dt><dd>${roleOf(node)} on ${node.server}</dd>
        <dt>State</dt><dd class=${`tone-${state.tone}`}>${state.policy ? `${state.word}, ${state.policy}` : state.word}</dd>
        <dt>Process</dt><dd>${node.phase === 'elsewhere' ? 'another page runs it' : node.phase}${node.detail ? html`, ${node.detail}` : nothing}</dd>
      </dl>
      ${this.#buttons(nodeCommands(this.store, node, formsOfPage()))}
      ${state.word === 'no room' ? html`<p class="note">This service hosts rooms of ${node.hosts.join(', ')}. It has none until it is asked for one.</p>` : nothing}
      ${model.network.roomsOf(node).map(
        (room) => html`<h3>${room.room}</h3>
          <dl>
            <dt>Subject</dt><dd>${room.subject || 'none'}</dd>
            <dt>History</dt><dd>${counted(room.historyLength, 'message')}</dd>
            <dt>Epoch</dt><dd title="It grows whenever the room starts again. Whatever carries an earlier one is out of date">${room.epoch}</dd>
            ${room.instance ? this.#instance(room.instance) : nothing}
            ${room.federation ? html`<dt>Mode</dt><dd data-testid="mode">${room.federation.mode}</dd>` : nothing}
            ${room.split ? html`<dt>If cut off</dt><dd data-testid="policy" data-policy=${room.split.policy}>${policyInWords(room.split)}</dd>` : nothing}
          </dl>
          ${
            room.peers.length > 0
              ? html`<table><thead><tr><th>Peer</th><th>State</th><th>Since</th></tr></thead><tbody>${room.peers.map(
                  (peer) =>
                    html`<tr><td title=${peer.peer}>${this.#short(peer.peer)}</td><td class=${peer.state === 'split' || peer.state === 'rejected' ? 'tone-bad' : peer.state === 'live' ? 'tone-good' : 'tone-warn'}>${peer.state}</td><td>${this.store.when(peer.since, false)}</td></tr>${peer.reason ? html`<tr class="tone-bad"><td colspan="3" data-testid="reason">${peer.reason}</td></tr>` : nothing}`,
                )}</tbody></table>
                ${room.peers.map(({ peer, state: now }) => this.#signs(node, peer, now === 'split'))}`
              : nothing
          }
          <table><thead><tr><th>Occupant</th><th>Role</th><th>Through</th></tr></thead><tbody>${room.occupants.map(
            (occupant) =>
              html`<tr><td>${occupant.nick}${occupant.sessions ? html` <small title=${counted(occupant.sessions, 'device')}>×${occupant.sessions}</small>` : nothing}</td><td>${occupant.role}</td><td>${occupant.home ? html`<span title=${occupant.home}>${this.#short(occupant.home)}</span>` : 'this node'}</td></tr>`,
          )}</tbody></table>
          ${room.occupants.length === 0 ? html`<p class="note">Nobody is in the room.${this.store.fixed !== undefined ? nothing : ' Select someone below the picture and press Join.'}</p>` : nothing}`,
      )}
      ${recently(this.store, { kind: 'node', id: node.address })}`;
  }

  /** XEP-0281: what this room is an instance of, or where it is to have others. */
  #instance({ source, distributed, peerhosts = [] }: NonNullable<RoomStatus['instance']>): TemplateResult {
    if (source !== undefined) return html`<dt>Source</dt><dd data-testid="source">${source}</dd>`;
    return html`<dt>Peerhosts</dt><dd data-testid="peerhosts">${peerhosts.join(', ') || 'none'}${distributed ? nothing : html`, <b class="tone-warn">not distributed</b>`}</dd>`;
  }

  #refused(who: OccupantView): TemplateResult | typeof nothing {
    const refusal = refusalOf(this.store.model, who);
    if (!refusal) return nothing;
    const words = refusalInWords(this.store.model, refusal);
    return html`<dt>Refused</dt><dd data-testid="refused"><button type="button" class="linkish" data-event=${refusal.event} @click=${() => this.store.select(refusal.event)}>${capitalised(words)} <u>why?</u></button></dd>`;
  }

  #device({ jid, phase }: DeviceView): TemplateResult {
    return html`<div data-device=${jid}>${deviceName(jid)}${phase === 'joined' ? nothing : html` <small>not in the room</small>`}</div>`;
  }

  /** How a split was noticed and what the netjoin brought, each with its event, which says why. */
  #signs(node: NodeView, peer: string, split: boolean): TemplateResult | typeof nothing {
    const { noticed: apart, joined, judged } = this.store.model.splits.signsOf(node.address, peer);
    const at = (event: ModelEvent, words: string) =>
      html`<li data-sign=${event.sign ?? nothing}><button type="button" class="linkish" data-event=${event.id} @click=${() => this.store.select(event.id)}>${words} <small>${this.store.when(event.t, false)}, <u>why?</u></small></button></li>`;
    if (!apart && !joined && !judged) return nothing;
    return html`<h4>${this.#short(peer)}: ${split ? 'split' : 'the last split'}</h4>
      <ul class="chain" data-testid="signs" data-peer=${peer}>
        ${apart ? at(apart, `Noticed: ${noticed(apart)}`) : nothing}
        ${joined ? at(joined, `Netjoin: ${joined.text}`) : nothing}
        ${judged ? at(judged, capitalised(judged.text)) : nothing}
      </ul>`;
  }

  /** A room is named by the node that runs it. */
  #short(peer: string): string {
    return shortNode(this.store.model.network.nodeOf(peer)?.address ?? peer);
  }

  #link(): TemplateResult {
    const thing = inspectedLink(this.store.model, this.store.view);
    const link = thing && this.store.model.network.links.get(thing.id);
    if (!link) return linksOverview(this.store);
    return html`<h2>${link.ends[0]} – ${link.ends[1]}</h2>
      <dl>
        <dt>State</dt><dd class=${link.state === 'up' ? 'tone-good' : 'tone-bad'}>${describeLink(link)}</dd>
        <dt>Carried</dt><dd>${counted(link.stanzas, 'stanza')}, ${bytes(link.bytes)}</dd>
        <dt>Lost</dt><dd>${counted(link.dropped, 'stanza')}</dd>
        <dt>Latency</dt><dd>${link.latencyMs} ms ± ${link.jitterMs} ms</dd>
        <dt>Bandwidth</dt><dd>${link.bytesPerSecond ? `${link.bytesPerSecond} B/s` : 'unlimited'}</dd>
      </dl>
      ${link.ends.some((domain) => this.store.model.network.isReal(domain)) ? html`<p class="note" data-testid="edge-note">This is the edge of the network. One end is a real server: what passes between it and the rooms is seen, and what happens beyond it is not. A cut here has the gateway keep back what these rooms and that server say to each other; no other link of that server is cut.</p>` : nothing}
      ${this.#buttons(linkCommands(this.store, link, formsOfPage()))} ${recently(this.store, { kind: 'link', id: link.key })}`;
  }

  #buttons(commands: readonly Command[]): TemplateResult {
    const { fixed } = this.store;
    if (fixed !== undefined) return html`<p class="note" data-testid="inspector-fixed">${fixed}</p>`;
    return html`<p class="buttons">${commands.map(
      (command) =>
        html`<button type="button" data-testid=${`inspector-${command.id}`} ?disabled=${command.not !== undefined} title=${command.not ?? ''} @click=${command.run}>${icon(command.icon)} ${command.label}</button>`,
    )}</p>`;
  }
}

/** Arrow keys in a row of tabs. */
export function tabKeys(event: KeyboardEvent): void {
  const tabs = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=tab]')];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const at = tabs.indexOf(document.activeElement as HTMLElement);
  if (step === undefined || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  const next = tabs[(at + step + tabs.length) % tabs.length];
  next?.click();
  next?.focus();
}

customElements.define('ns-inspector', Inspector);
