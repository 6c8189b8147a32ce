import { html, LitElement, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { PlacedServer } from '../boxes.ts';
import type { PlacedLink } from '../curves.ts';
import { Drag } from '../drag.ts';
import { drawable, layOutDraft, placesIn } from '../editor/drawing.ts';
import type { Editing } from '../editor/editing.ts';
import { keyOf } from '../editor/faults.ts';
import { joinsAtStart } from '../editor/people.ts';
import type { Place } from '../editor/put.ts';
import { linkIndex, placeServers } from '../editor/servers.ts';
import { roleInWords } from '../editor/words.ts';
import type { Layout, PlacedNode, PlacedOccupant } from '../layout.ts';
import { neighbour, placesOf } from '../neighbours.ts';
import { bold, fitted, sizeFor } from '../text-width.ts';
import { curveShape, discShape, hullShape, nodeShape, tetherShapes } from './shapes.ts';

/** A server among the things that the arrow keys go to. */
const serverId = (domain: string) => `=${domain}`;

/** The picture of the scenario that is being made: what is pressed is selected, and servers are moved. */
export class EditorPicture extends LitElement {
  static override properties = { editing: { attribute: false } };
  declare editing: Editing;
  #off: (() => void) | undefined;
  #observer: ResizeObserver | undefined;
  #width = 0;
  #height = 0;
  #layout: Layout | undefined;
  /** The one element that Tab reaches. */
  #current = '';
  readonly #drag = new Drag(
    () => this.#layout,
    () => this.requestUpdate(),
  );

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#off = this.editing.subscribe(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#off?.();
    this.#observer?.disconnect();
  }

  protected override firstUpdated(): void {
    this.#observer = new ResizeObserver(([entry]) => {
      const size = entry?.contentRect;
      if (!size || size.width === 0) return;
      [this.#width, this.#height] = [size.width, size.height];
      this.requestUpdate();
    });
    const stage = this.querySelector('.stage');
    if (stage) this.#observer.observe(stage);
  }

  protected override render(): TemplateResult {
    const { scenario } = this.editing;
    this.#layout = layOutDraft(scenario, this.#width, this.#height, this.#drag.moved);
    const layout = this.#layout;
    const ids = layout ? [...this.#places(layout).keys()] : [];
    const current = ids.includes(this.#current) ? this.#current : (ids[0] ?? '');
    return html`<div class="stage" data-testid="editor-picture">
      <svg
        class=${`picture ${layout?.compact ? 'compact' : ''}`}
        viewBox=${`0 0 ${layout?.width ?? 1} ${layout?.height ?? 1}`}
        role="group"
        aria-label="Picture of the scenario: arrow keys move between servers, nodes, people and links; Enter opens the form; Alt and the arrow keys move the server"
        @keydown=${this.#onKey}
        @click=${this.#onClick}
        @focusin=${this.#onFocus}
        @pointerdown=${this.#drag.onDown}
        @pointermove=${this.#drag.onMove}
        @pointerup=${this.#onUp}
        @pointercancel=${this.#onUp}
      >
        ${layout ? this.#drawing(layout, current) : nothing}
      </svg>
    </div>`;
  }

  #drawing(layout: Layout, current: string): TemplateResult[] | SVGTemplateResult {
    const each = <T>(all: ReadonlyMap<string, T>, draw: (one: T) => SVGTemplateResult) =>
      repeat(
        all,
        ([id]) => id,
        ([, one]) => draw(one),
      );
    return svg`
      ${each(layout.links, (link) => this.#link(link, current))}
      ${each(layout.servers, (server) => this.#server(server, layout, current))}
      ${this.#tethers(layout)}
      ${each(layout.nodes, (node) => this.#node(node, layout, current))}
      ${each(layout.occupants, (who) => this.#person(who, layout, current))}
      ${[...layout.links.values()].map((link) => this.#pill(link, layout))}`;
  }

  #attributes(id: string, current: string): { readonly lit: string; readonly tab: 0 | -1 } {
    const place = this.#placeOf(id);
    const isSelected = place !== undefined && keyOf(this.editing.selected).startsWith(keyOf(place));
    return { lit: isSelected && this.editing.selected.length > 0 ? 'lit' : '', tab: id === current ? 0 : -1 };
  }

  #server(server: PlacedServer, layout: Layout, current: string): SVGTemplateResult {
    const id = serverId(server.domain);
    const { lit, tab } = this.#attributes(id, current);
    return svg`<g class=${`server focusable ${lit}`} data-server=${server.domain} data-id=${id} tabindex=${tab} role="button" aria-label=${`Server ${server.domain}`}>${hullShape(server, layout)}</g>`;
  }

  #node(placed: PlacedNode, layout: Layout, current: string): SVGTemplateResult {
    const node = this.editing.scenario.nodes.find(({ address }) => address === placed.address);
    const { lit, tab } = this.#attributes(placed.address, current);
    const role = node ? roleInWords(node) : '';
    const size = sizeFor(role, (layout.compact ? 12.5 : 17) * bold, placed.w - 14) / bold;
    return svg`<g class=${`node focusable ${node?.kind === 'service' ? 'service' : ''} ${lit}`} data-node=${placed.address} data-id=${placed.address} tabindex=${tab} role="button" aria-label=${`${role} ${placed.address}`}>${nodeShape(placed, layout.compact, size, svg`${role}`)}</g>`;
  }

  #person(placed: PlacedOccupant, layout: Layout, current: string): SVGTemplateResult {
    const { jid, nick } = placed.occupant;
    const { lit, tab } = this.#attributes(jid, current);
    const joins = joinsAtStart(this.editing.scenario, jid);
    return svg`<g class=${`occupant focusable ${lit}`} data-occupant=${jid} data-id=${jid} data-phase=${joins ? 'joined' : 'offline'} tabindex=${tab} role="button" aria-label=${`${nick}, ${joins ? 'enters at the start' : 'does not enter at the start'}`}>
      <rect class="hit" x=${placed.x - placed.room / 2} y=${placed.y - layout.radius} width=${placed.room} height=${2 * layout.radius + (layout.compact ? 18 : 23)} />
      ${discShape(placed, layout)}
    </g>`;
  }

  #link(placed: PlacedLink, current: string): SVGTemplateResult {
    const { lit, tab } = this.#attributes(placed.key, current);
    const words = this.#linkInWords(placed);
    return svg`<g class=${`link focusable ${lit}`} data-link=${placed.key} data-id=${placed.key} tabindex=${tab} role="button" aria-label=${`Link ${placed.from} – ${placed.to}, ${words || 'as any other'}`}>${curveShape(placed)}</g>`;
  }

  /** What is said of the settings of its own that a link has. */
  #linkInWords({ from, to }: PlacedLink): string {
    const { links = [] } = this.editing.scenario;
    const link = links[linkIndex(this.editing.scenario, [from, to])];
    if (!link) return '';
    const { latencyMs = 20, jitterMs = 0, bytesPerSecond = 0 } = link;
    return `${latencyMs} ms${jitterMs ? ` ± ${jitterMs}` : ''}${bytesPerSecond ? `, ${bytesPerSecond} B/s` : ''}`;
  }

  #pill(placed: PlacedLink, { compact }: Layout): SVGTemplateResult | typeof nothing {
    const words = this.#linkInWords(placed);
    const { pill } = placed;
    if (!pill || words === '') return nothing;
    return svg`<g class="pill" aria-hidden="true" data-link=${placed.key}>
      <rect x=${pill.x - pill.w / 2} y=${pill.y - 12} width=${pill.w} height="24" rx="10" />
      <text class="carried" font-size=${compact ? 11 : 13} x=${pill.x} y=${pill.y + 4.5} text-anchor="middle">${fitted(words, (compact ? 11 : 13) * bold, pill.w - 10)}</text>
    </g>`;
  }

  #tethers(layout: Layout): SVGTemplateResult {
    const { scenario } = this.editing;
    const nodes = [...layout.nodes.values()].flatMap((node) => {
      const server = scenario.nodes.find(({ address }) => address === node.address)?.server;
      const hub = layout.servers.get(server ?? '')?.hub;
      return hub ? [{ way: [hub, { x: node.x, y: node.y + node.h / 2 }], on: true }] : [];
    });
    const people = [...layout.devices].map(([jid, { way }]) => ({ way, on: joinsAtStart(scenario, jid) }));
    return tetherShapes([...nodes, ...people]);
  }

  #places(layout: Layout) {
    const servers = [...layout.servers.values()].map(
      ({ domain, x, y, h }) => [serverId(domain), { x, y: y - h / 2 + 12 }] as const,
    );
    return new Map([...servers, ...placesOf(layout)]);
  }

  /** Where in the scenario something stands. */
  #placeOf(id: string): Place | undefined {
    const { servers, nodes, occupants } = this.editing.scenario;
    if (id.startsWith('=')) return ['servers', servers.findIndex(({ domain }) => domain === id.slice(1))];
    const node = nodes.findIndex(({ address }) => address === id);
    if (node >= 0) return ['nodes', node];
    const person = occupants.findIndex(({ jid }) => jid === id);
    if (person >= 0) return ['occupants', person];
    const link = this.#layout?.links.get(id);
    const index = link ? linkIndex(this.editing.scenario, [link.from, link.to]) : -1;
    return index < 0 ? undefined : ['links', index];
  }

  #choose(id: string, focus: boolean): void {
    const place = this.#placeOf(id);
    const link = this.#layout?.links.get(id);
    if (place) this.editing.select(place);
    const detail = { place, between: place || !link ? undefined : [link.from, link.to], focus };
    this.dispatchEvent(new CustomEvent('chosen', { detail }));
  }

  readonly #onClick = (event: MouseEvent): void => {
    if (this.#drag.isOver) return;
    const id = this.#idOf(event.target);
    if (id !== undefined) this.#choose(id, false);
  };

  #idOf(target: EventTarget | null): string | undefined {
    const group = target instanceof Element ? target.closest<SVGElement>('[data-id], [data-link]') : null;
    return group?.dataset.id ?? group?.dataset.link;
  }

  readonly #onFocus = (event: FocusEvent): void => {
    const id = this.#idOf(event.target);
    if (id === undefined || id === this.#current) return;
    this.#current = id;
    this.requestUpdate();
  };

  readonly #onUp = (event: PointerEvent): void => {
    this.#drag.onUp(event);
    this.#putDown();
  };

  /** Where servers were moved to is what the scenario says from now on. */
  #putDown(): void {
    if (this.#drag.moved.size === 0) return;
    const { scenario } = this.editing;
    const layout = layOutDraft(scenario, this.#width, this.#height, this.#drag.moved);
    this.#drag.moved.clear();
    if (layout) this.editing.change(placeServers(scenario, placesIn(layout, drawable(scenario))));
  }

  /** The server in whose hull something stands. */
  #serverOf(id: string): string | undefined {
    if (id.startsWith('=')) return id.slice(1);
    const { nodes } = this.editing.scenario;
    const node = nodes.find(({ address }) => address === id);
    return node?.server ?? this.#layout?.occupants.get(id)?.occupant.server;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const id = this.#idOf(event.target);
    const layout = this.#layout;
    if (id === undefined || !layout || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      return this.#choose(id, true);
    }
    if (event.key === 'Delete') {
      event.preventDefault();
      const place = this.#placeOf(id);
      if (place) this.dispatchEvent(new CustomEvent('removed', { detail: place }));
      return;
    }
    if (event.key.startsWith('Arrow') && event.altKey) {
      event.preventDefault();
      const server = this.#serverOf(id);
      if (server !== undefined) this.#drag.nudge(server, event.key);
      return this.#putDown();
    }
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const next = direction && neighbour(this.#places(layout), id, direction as [number, number]);
    if (!direction) return;
    event.preventDefault();
    if (next === undefined) return;
    this.#current = next;
    this.requestUpdate();
    void this.updateComplete.then(() => this.querySelector<SVGElement>(`[data-id="${CSS.escape(next)}"]`)?.focus());
  };
}

customElements.define('ns-editor-picture', EditorPicture);
