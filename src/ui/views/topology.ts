import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Box, PlacedServer, Point } from '../boxes.ts';
import type { PlacedLink } from '../curves.ts';
import { Drag } from '../drag.ts';
import { describeLink, type LinkView, linkKey } from '../fold/links.ts';
import type { Model } from '../fold/model.ts';
import type { NodeView } from '../fold/network.ts';
import { type Layout, type PlacedNode, type PlacedOccupant, roomFor } from '../layout.ts';
import { layOutLarge } from '../layout-large.ts';
import { neighbour, placesOf, vacancyId } from '../neighbours.ts';
import { refusalInWords, refusalOf } from '../refused.ts';
import { bold, sizeFor, widthOf } from '../text-width.ts';
import type { Thing } from '../view.ts';
import { deviceCount, devicesInside, markOf, roleOf, stateOf } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';
import { carriedInWords, drawn, pillWords, textOf } from './pill-words.ts';
import { refusalBubbles, refusedMark } from './refusals.ts';
import { curveShape, discShape, edgeShape, edgeWords, hullShape, nodeShape, tetherShapes } from './shapes.ts';
import { Tokens } from './tokens.ts';

/** Each thing keeps its element while others come and go, and with it the focus. */
function each<T>(things: ReadonlyMap<string, T>, draw: (thing: T) => SVGTemplateResult): unknown {
  return repeat(
    things,
    ([id]) => id,
    ([, thing]) => draw(thing),
  );
}

/** The picture: servers, room nodes, people, links, and the stanzas between them. */
export class Topology extends Part {
  #width = 0;
  #height = 0;
  #layout: Layout | undefined;
  /** Of the type, in what is shown now. */
  #scale = 1;
  #tokens: Tokens | undefined;
  #observer: ResizeObserver | undefined;
  readonly #drag = new Drag(
    () => this.#layout,
    () => this.requestUpdate(),
  );
  /** The one element of the picture that Tab reaches; the arrow keys go on from there. */
  #current = '';

  /** Whether things have menus: nothing can be done to a run that is over. */
  get #acts(): boolean {
    return this.store.fixed === undefined;
  }

  protected override firstUpdated(): void {
    const layer = this.querySelector<SVGGElement>('g.tokens');
    if (layer)
      this.#tokens = new Tokens(
        layer,
        () => this.store,
        () => this.#layout,
      );
    this.#observer = new ResizeObserver(([entry]) => {
      const size = entry?.contentRect;
      if (!size || size.width === 0) return;
      this.#width = size.width;
      this.#height = size.height;
      this.requestUpdate();
    });
    const stage = this.querySelector('.stage');
    if (stage) this.#observer.observe(stage);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer?.disconnect();
    this.#tokens?.stop();
  }

  protected override updated(): void {
    this.#tokens?.kick();
    // What came or went has moved the others to other elements: the focus stays with the thing that has it.
    const focused = document.activeElement;
    if (!(focused instanceof SVGElement) || !this.contains(focused) || focused.dataset.id === this.#current) return;
    this.querySelector<SVGElement>(`[data-id="${CSS.escape(this.#current)}"]`)?.focus();
  }

  protected override render(): TemplateResult {
    const { model } = this.store;
    if (this.#width > 0) this.#layOut(model);
    const layout = this.#layout;
    const lit = this.#highlighted();
    const vacancies = [...(layout?.vacancies ?? [])];
    const focusable = layout
      ? [
          ...layout.nodes.keys(),
          ...vacancies.map(([domain]) => vacancyId(domain)),
          ...layout.occupants.keys(),
          ...layout.links.keys(),
        ]
      : [];
    if (layout && this.#current && !focusable.includes(this.#current)) this.#follow(focusable);
    const current = focusable.includes(this.#current) ? this.#current : (focusable[0] ?? '');
    return html`<div class="stage" data-testid="topology">
      <svg
        class=${`picture ${this.store.family.size > 0 ? 'chosen' : ''} ${model.paused ? 'held' : ''} ${layout?.compact ? 'compact' : ''}`}
        viewBox=${`0 0 ${layout?.width ?? 1} ${layout?.height ?? 1}`}
        role="group"
        aria-label=${`Topology: arrow keys move between nodes, people and links; Enter ${this.#acts ? 'opens the menu' : 'chooses'}; Alt and the arrow keys move the server`}
        @keydown=${this.#onKey}
        @click=${this.#onClick}
        @contextmenu=${this.#onContextMenu}
        @focusin=${this.#onFocus}
        @pointerdown=${this.#drag.onDown}
        @pointermove=${this.#drag.onMove}
        @pointerup=${this.#drag.onUp}
        @pointercancel=${this.#drag.onUp}
      >
        <defs>
          <pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="hatch-ground" width="8" height="8" /><rect class="hatch-line" width="3" height="8" />
          </pattern>
        </defs>
        ${layout ? each(layout.links, (link) => this.#link(link, lit, current)) : nothing}
        ${layout ? [...layout.servers.values()].map((server) => this.#server(server, layout)) : nothing}
        ${layout ? this.#tethers(layout) : nothing}
        ${layout ? each(layout.nodes, (node) => this.#node(node, lit, current)) : nothing}
        ${vacancies.map(([domain, place]) => this.#vacancy(domain, place, current))}
        ${layout ? each(layout.occupants, (who) => this.#occupant(who, layout, lit, current)) : nothing}
        ${layout ? [...layout.links.values()].map((link) => this.#pill(link, layout)) : nothing}
        ${layout ? this.store.lesson?.marks(layout) : nothing}
        <g class="refusals" @click=${this.#onToken}>${layout ? refusalBubbles(this.store, layout) : nothing}</g>
        ${layout && layout.links.size > 0 ? svg`<g role="group" aria-label="Links" aria-owns=${[...layout.links.keys()].map(elementId).join(' ')}></g>` : nothing}
        <g class="tokens" aria-hidden="true" @click=${this.#onToken}></g>
      </svg>
      ${layout ? this.#notes(layout) : nothing}
    </div>`;
  }

  #layOut(model: Model): void {
    const { scale } = this.store;
    const before = this.#drag.before(this.#layout);
    const { moved } = this.#drag;
    const held = { before: scale === this.#scale ? before : undefined, moved };
    this.#layout = layOutLarge(model, this.#width, this.#height, scale, held);
    this.#scale = scale;
  }

  /** A replica and the place for one replace each other: the focus goes along. */
  #follow(focusable: readonly string[]): void {
    const { model } = this.store;
    const focused = document.activeElement;
    const had = focused instanceof SVGElement && focused.dataset.id === this.#current && this.contains(focused);
    const server = this.#current.startsWith('+')
      ? this.#current.slice(1)
      : this.#current.includes('@')
        ? model.network.serverOf(this.#current)
        : undefined;
    const next =
      server === undefined
        ? undefined
        : [
            vacancyId(server),
            ...[...model.network.nodes.values()].filter((node) => node.server === server).map((node) => node.address),
          ].find((id) => focusable.includes(id));
    if (next === undefined) return;
    this.#current = next;
    if (had)
      void this.updateComplete.then(() => this.querySelector<SVGElement>(`[data-id="${CSS.escape(next)}"]`)?.focus());
  }

  /** Where nothing else is. */
  #notes(layout: Layout): TemplateResult | typeof nothing {
    const { paused } = this.store.model;
    const isMoved = this.#drag.moved.size > 0;
    if (!paused && !isMoved) return nothing;
    const { x, y } = roomFor(layout, { w: 236 / layout.scale, h: (paused && isMoved ? 78 : 38) / layout.scale });
    return html`<div class="notes" style=${`left:${x * layout.scale}px;top:${y * layout.scale}px`}>
      ${paused ? html`<p class="paused-note" data-testid="paused-note">Paused: press Release or Space</p>` : nothing}
      ${isMoved ? html`<button type="button" class="put-back" data-testid="put-back" title="Key 0" @click=${this.putBack}>${icon('restart')} Put the servers back</button>` : nothing}
    </div>`;
  }

  /** Forgets where a person put the servers. */
  readonly putBack = (): void => {
    this.#layout = undefined;
    const focused = document.activeElement;
    this.#drag.putBack();
    // The button goes, and with it the focus.
    if (focused instanceof HTMLElement && this.contains(focused))
      void this.updateComplete.then(() => this.querySelector<SVGElement>('.focusable[tabindex="0"]')?.focus());
  };

  #server(server: PlacedServer, layout: Layout): SVGTemplateResult {
    const edge = layout.edges.get(server.domain);
    return svg`<g class=${`server ${edge ? 'real' : ''}`} data-server=${server.domain} role="group" aria-label=${edge ? `${server.domain}, a real server: ${edgeWords.join(' ')}` : server.domain} aria-owns=${this.#within(server.domain, layout) || nothing}>
      ${hullShape(server, layout)}
      ${edge ? edgeShape(edge, layout) : nothing}
    </g>`;
  }

  /** Drawn layer by layer, the picture is read server by server: its nodes, then its people; and the links last. */
  #within(domain: string, layout: Layout): string {
    const nodes = [...layout.nodes.keys()].filter((id) => this.store.model.network.nodes.get(id)?.server === domain);
    const vacancies = layout.vacancies.has(domain) ? [vacancyId(domain)] : [];
    const people = [...layout.occupants].flatMap(([id, { occupant }]) => (occupant.server === domain ? [id] : []));
    return [...nodes, ...vacancies, ...people].map(elementId).join(' ');
  }

  /** Thin lines from the server to what is connected to it. */
  #tethers(layout: Layout): SVGTemplateResult {
    const lines: { way: readonly Point[]; on: boolean }[] = [];
    for (const node of layout.nodes.values()) {
      const view = this.store.model.network.nodes.get(node.address);
      const hub = layout.servers.get(view?.server ?? '')?.hub;
      if (hub) lines.push({ way: [hub, { x: node.x, y: node.y + node.h / 2 }], on: view?.phase !== 'down' });
    }
    for (const { occupant } of layout.occupants.values()) {
      for (const { jid, phase } of occupant.devices) {
        const device = layout.devices.get(jid);
        if (device) lines.push({ way: device.way, on: phase === 'joined' });
      }
    }
    return tetherShapes(lines);
  }

  #node(placed: PlacedNode, lit: ReadonlySet<string>, current: string): SVGTemplateResult {
    const node = this.store.model.network.nodes.get(placed.address) as NodeView;
    const state = stateOf(this.store.model, node);
    const role = roleOf(node);
    const rooms = this.store.model.network.roomsOf(node);
    // Whoever has the room from elsewhere looks like a replica.
    const service = node.kind === 'service' && rooms.some((room) => room.role !== 'shadow');
    const empty = node.kind === 'service' && node.hosts.length > 0 && rooms.length === 0;
    const compact = this.#layout?.compact ?? false;
    const words = [compact && state.policy ? '' : role, state.word, state.policy ?? ''].filter(Boolean);
    const size = sizeFor(words.join('m'), (compact ? 12.5 : 17) * bold, placed.w - 14) / bold;
    return svg`<g
      class=${`node focusable ${service ? 'service' : ''} ${empty ? 'empty' : ''} ${state.split ? 'split' : ''} ${node.phase === 'down' ? 'down' : ''} ${lit.has(placed.address) ? 'lit' : ''}`}
      data-node=${placed.address}
      id=${elementId(placed.address)}
      data-id=${placed.address}
      data-role=${role}
      data-state=${state.word}
      data-tone=${state.tone}
      data-policy=${state.policy ?? nothing}
      tabindex=${current === placed.address ? 0 : -1}
      role="button"
      aria-haspopup=${this.#acts ? 'menu' : nothing}
      aria-label=${`${role} ${placed.address}, ${state.word}${state.policy ? `, ${state.policy}` : ''}`}
    >
      ${nodeShape(placed, compact, size, svg`${compact && state.policy ? nothing : role}<tspan class="state" dx=${compact && state.policy ? 0 : 7}>${state.word}</tspan>${state.policy ? svg`<tspan class="policy" dx="7">${state.policy}</tspan>` : nothing}`)}
    </g>`;
  }

  /** Where a replica could be: dashed, with a plus. */
  #vacancy(domain: string, place: Box, current: string): SVGTemplateResult {
    const id = vacancyId(domain);
    const left = place.x - place.w / 2;
    const top = place.y - place.h / 2;
    const compact = this.#layout?.compact;
    const chosen = this.store.view.thing?.kind === 'server' && this.store.view.thing.id === domain;
    return svg`<g
      class=${`vacancy focusable ${chosen ? 'lit' : ''}`}
      data-vacancy=${domain}
      id=${elementId(id)}
      data-id=${id}
      tabindex=${current === id ? 0 : -1}
      role="button"
      aria-haspopup=${this.#acts ? 'menu' : nothing}
      aria-label=${`No replica on ${domain}: one can be added`}
    >
      <rect x=${left} y=${top} width=${place.w} height=${place.h} rx="10" />
      <text class="role" x=${place.x} y=${top + (compact ? 19 : 25)} text-anchor="middle">+ replica</text>
      <text class="name" x=${place.x} y=${top + (compact ? 36 : 46)} text-anchor="middle">${compact ? 'none here' : 'none here: add one'}</text>
    </g>`;
  }

  #occupant(placed: PlacedOccupant, layout: Layout, lit: ReadonlySet<string>, current: string): SVGTemplateResult {
    const { occupant, x, y } = placed;
    const r = layout.radius;
    const away = occupant.show === 'away' || occupant.show === 'xa' || occupant.show === 'dnd';
    const state =
      occupant.phase === 'joined'
        ? away
          ? occupant.show
          : 'in the room'
        : occupant.phase === 'online' || occupant.phase === 'offline'
          ? 'not in the room'
          : occupant.phase;
    const inside = devicesInside(occupant).length;
    const several = deviceCount(occupant);
    const speaker = occupant.devices.some(({ jid }) => jid === this.store.view.speaker);
    const isLit = lit.has(occupant.jid) || occupant.devices.some(({ jid }) => lit.has(jid));
    const mark = markOf(occupant);
    const refusal = refusalOf(this.store.model, occupant);
    const badge = mark?.badge ?? (away ? occupant.show : undefined);
    return svg`<g
      class=${`occupant focusable ${isLit ? 'lit' : ''} ${speaker ? 'speaker' : ''} ${occupant.character ? '' : 'guest'} ${away ? 'away' : ''} ${mark ? 'marked' : ''}`}
      data-occupant=${occupant.jid}
      id=${elementId(occupant.jid)}
      data-id=${occupant.jid}
      data-nick=${occupant.nick}
      data-phase=${occupant.phase}
      data-mark=${mark?.id ?? nothing}
      data-refused=${refusal ? this.store.model.refusals.whatOf(refusal) : nothing}
      data-devices=${inside}
      tabindex=${current === occupant.jid ? 0 : -1}
      role="button"
      aria-haspopup=${this.#acts ? 'menu' : nothing}
      aria-label=${`${occupant.nick}, ${several ? `${several}, ` : ''}${state}${mark ? `, ${mark.words}` : ''}${refusal ? `, ${refusalInWords(this.store.model, refusal)}` : ''}${occupant.character ? '' : ', not one of the page’s characters'}`}
    >
      <rect class="hit" x=${x - placed.room / 2} y=${y - r} width=${placed.room} height=${2 * r + (layout.compact ? 18 : 23)} />
      ${discShape(placed, layout)}
      ${refusedMark(placed, layout, refusal)}
      ${several ? this.#count(inside, x + r * 0.85, y + r * 0.62, layout.compact) : nothing}
      ${badge ? svg`<text class="badge" font-size=${sizeFor(badge, (layout.compact ? 9.5 : 12) * bold, placed.room) / bold} x=${x} y=${y + r + (layout.compact ? 26 : 33)} text-anchor="middle">${badge}</text>` : nothing}
    </g>`;
  }

  /** How many devices an occupant has in the room. */
  #count(devices: number, x: number, y: number, compact: boolean): SVGTemplateResult {
    const r = compact ? 7.5 : 10.5;
    return svg`<g class="devices" aria-hidden="true">
      <circle cx=${x} cy=${y} r=${r} />
      <text x=${x} y=${y + (compact ? 3.5 : 4.5)} text-anchor="middle">${devices}</text>
    </g>`;
  }

  #link(placed: PlacedLink, lit: ReadonlySet<string>, current: string): SVGTemplateResult {
    const link = this.store.model.network.links.get(placed.key) as LinkView;
    const cut = link.state !== 'up';
    return svg`<g
      class=${`link focusable ${cut ? 'cut' : ''} ${link.stanzas > 0 ? 'used' : ''} ${isSlow(link) ? 'slow' : ''} ${lit.has(placed.key) ? 'lit' : ''}`}
      data-link=${placed.key}
      id=${elementId(placed.key)}
      data-id=${placed.key}
      data-state=${link.state}
      tabindex=${current === placed.key ? 0 : -1}
      role="button"
      aria-haspopup=${this.#acts ? 'menu' : nothing}
      aria-label=${`Link ${link.ends[0]} – ${link.ends[1]}, ${describeLink(link)}, ${carriedInWords(link, this.store)}`}
    >
      ${curveShape(placed)}
    </g>`;
  }

  /** Counter of a link, beside its curve. */
  #pill({ key, pill }: PlacedLink, layout: Layout): SVGTemplateResult | typeof nothing {
    const link = this.store.model.network.links.get(key) as LinkView;
    const cut = link.state !== 'up';
    const chosen = this.store.view.thing?.kind === 'link' && this.store.view.thing.id === key;
    const other = this.store.comparison?.model.network.links.get(key);
    const isUsed = link.stanzas > 0 || (other !== undefined && other.stanzas > 0);
    if (!pill || (!isUsed && !cut && !isSlow(link) && !chosen && layout.links.size > 1)) return nothing;
    const words = pillWords(link, other, layout.compact);
    const [first, second] = [textOf(words.first), pill.lines > 1 ? textOf(words.second) : ''];
    const cross = cut ? 20 : 0;
    const size = sizeFor(first, (layout.compact ? 12.5 : 16) * bold, pill.w - 16 - cross) / bold;
    const w = Math.min(pill.w, Math.max(widthOf(first, size * bold) + cross, widthOf(second, restSize)) + 16);
    const { x, y, h } = pill;
    const middle = x + cross / 2;
    const base = second ? y - 3 : y + size * 0.35;
    const left = middle - widthOf(first, size * bold) / 2 - 15;
    return svg`<g class=${`pill ${cut ? 'cut' : ''} ${isSlow(link) ? 'slow' : ''}`} data-link-label=${key} aria-hidden="true">
      <rect x=${x - w / 2} y=${y - h / 2} width=${w} height=${h} rx="10" />
      ${cut ? svg`<path class="cross" d=${`M${left} ${base - 10}l10 10m0 -10l-10 10`} />` : nothing}
      <text class="carried" font-size=${size} x=${middle} y=${base} text-anchor="middle">${drawn(words.first)}</text>
      ${second ? svg`<text class="rest" font-size=${sizeFor(second, restSize, pill.w - 14)} x=${x} y=${y + 14} text-anchor="middle">${drawn(words.second)}</text>` : nothing}
    </g>`;
  }

  /** What the selected stanza and its copies touched. */
  #highlighted(): ReadonlySet<string> {
    const { model, family, view } = this.store;
    const lit = new Set<string>();
    if (view.thing) lit.add(view.thing.id);
    for (const id of family) {
      const event = model.events.get(id);
      if (!event) continue;
      if (event.leg === 'link') lit.add(linkKey(event.from, event.to));
      for (const address of [event.from, event.to]) {
        const { nodes } = model.network;
        const node = nodes.get(address) ?? nodes.get(bareOf(address as Jid));
        if (node) lit.add(node.address);
        else if (address.includes('/')) lit.add(address);
      }
    }
    return lit;
  }

  #thingOf(target: EventTarget | null): Thing | undefined {
    const group =
      target instanceof Element
        ? target.closest<SVGElement>('[data-node],[data-vacancy],[data-link],[data-occupant],[data-link-label]')
        : null;
    if (!group) return undefined;
    const { node, vacancy, link, occupant, linkLabel } = group.dataset;
    if (node) return { kind: 'node', id: node };
    if (vacancy) return { kind: 'server', id: vacancy };
    if (link ?? linkLabel) return { kind: 'link', id: (link ?? linkLabel) as string };
    return { kind: 'occupant', id: occupant as string };
  }

  readonly #onToken = (event: MouseEvent): void => {
    const token = (event.target as Element).closest<SVGElement>('[data-event]');
    if (!token?.dataset.event) return;
    event.stopPropagation();
    this.store.select(Number(token.dataset.event));
  };

  readonly #onClick = (event: MouseEvent): void => {
    if (this.#drag.isOver) return;
    const thing = this.#thingOf(event.target);
    if (thing) this.#open(thing, event.clientX, event.clientY);
    else if (this.store.view.event !== undefined || this.store.view.thing)
      this.store.set({ event: undefined, thing: undefined });
  };

  readonly #onContextMenu = (event: MouseEvent): void => {
    const thing = this.#thingOf(event.target);
    if (!thing) return;
    event.preventDefault();
    this.#open(thing, event.clientX, event.clientY);
  };

  #open(thing: Thing, x: number, y: number): void {
    this.store.choose(thing);
    if (this.#acts) this.store.set({ menu: { thing, x, y } });
  }

  readonly #onFocus = (event: FocusEvent): void => {
    const id = (event.target as SVGElement).dataset.id;
    if (id && id !== this.#current) {
      this.#current = id;
      this.requestUpdate();
    }
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const target = (event.target as Element).closest<SVGElement>('.focusable');
    if (!target) return;
    const menu = event.key === 'Enter' || event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
    if (menu) {
      const thing = this.#thingOf(target);
      const box = target.getBoundingClientRect();
      event.preventDefault();
      const label = thing?.kind === 'link' ? this.#layout?.links.get(thing.id)?.label : undefined;
      const stage = this.getBoundingClientRect();
      const scale = this.#width / (this.#layout?.width ?? 1);
      if (thing) {
        this.#open(
          thing,
          label ? stage.left + label.x * scale : box.left + box.width / 2,
          label ? stage.top + label.y * scale : box.top + box.height / 2,
        );
      }
      return;
    }
    if (event.key.startsWith('Arrow') && event.altKey) {
      event.preventDefault();
      const thing = this.#thingOf(target);
      const server = thing && this.#serverOf(thing);
      if (server) this.#drag.nudge(server, event.key);
      return;
    }
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    const places = this.#layout && placesOf(this.#layout);
    const next = places && neighbour(places, target.dataset.id ?? '', direction as [number, number]);
    if (!next) return;
    this.#current = next;
    this.requestUpdate();
    void this.updateComplete.then(() => this.querySelector<SVGElement>(`[data-id="${CSS.escape(next)}"]`)?.focus());
  };

  /** The server in whose hull something stands. */
  #serverOf({ kind, id }: Thing): string | undefined {
    if (kind === 'server') return id;
    return kind === 'link' ? undefined : this.store.model.network.serverOf(id);
  }
}

/** For attributes that list ids: an address may have spaces in it. */
function elementId(id: string): string {
  return `in-picture-${encodeURIComponent(id)}`;
}

const restSize = 13;

export function isSlow(link: LinkView): boolean {
  return link.latencyMs >= 200 || link.jitterMs > 0 || link.bytesPerSecond > 0;
}

customElements.define('ns-topology', Topology);
