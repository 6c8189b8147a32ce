import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import { exported, fileName, forms, save } from '../export/exports.ts';
import type { Model } from '../fold/model.ts';
import { type Columns, placeColumns } from '../spacetime/columns.ts';
import { participantsOf } from '../spacetime/participants.ts';
import { arrowShape, barShapes } from '../spacetime/shapes.ts';
import { Sheet } from '../spacetime/sheet.ts';
import { gapMs, lasted, rowHeight } from '../spacetime/spacing.ts';
import { arrowInWords, barInWords } from '../spacetime/words.ts';
import { counted, stateOf } from '../words.ts';
import { Part } from './base.ts';
import { icon, stanzaIcon } from './icons.ts';
import { arrowId, arrowOf, barOf, ground, groupHead, hatching, type Window } from './space-time-drawing.ts';

const kinds = [
  ['message', 'Messages'],
  ['presence', 'Presence'],
  ['iq', 'IQ'],
  ['ping', 'Pings'],
] as const;
const marginPx = 400;
/** The part of the diagram that is in the page changes only when somebody has scrolled this far. */
const stepPx = 200;
/** What the style sheet gives to the column of times. */
const timesPx = 96;

/** The space-time diagram: participants side by side, time downward, an arrow for each stanza. Only what is in view is in the page. */
class SpaceTime extends Part {
  #sheet: Sheet | undefined;
  #columns: Columns = { groups: [], byId: new Map(), width: 0 };
  /** What the sheet was made of. */
  #model: Model | undefined;
  #options = '';
  #isStale = true;
  #top = 0;
  #view = 400;
  #room = 0;
  /** Whether the end is kept in view; in a recording that stands, the chosen event. */
  #follow = true;
  #wasPlaying = false;
  #lastChosen: number | undefined;
  /** Where the arrow keys are, by the arrow's event. */
  #active: number | undefined;
  /** The arrow on which a button went down. */
  #pressed: string | undefined;
  /** By how much what is in view was moved when rows came above it, in pixels. */
  #shift = 0;
  readonly #observer = new ResizeObserver(([entry]) => {
    this.#view = entry?.contentRect.height ?? this.#view;
    this.#room = (entry?.contentRect.width ?? 0) - timesPx;
    this.#isStale = true;
    this.requestUpdate();
  });

  protected override storeChanged(): void {
    this.#isStale = true;
    super.storeChanged();
  }

  protected override render(): TemplateResult {
    const { store } = this;
    const { hidden } = store.view;
    const sheet = this.#isStale || !this.#sheet ? this.#layOut() : this.#sheet;
    const { length } = sheet.arrows;
    return html`
      <div class="tools">
        ${kinds.map(
          ([kind, name]) => html`<button
            type="button"
            class="chip"
            data-testid=${`spacetime-kind-${kind}`}
            aria-pressed=${hidden.has(kind) ? 'false' : 'true'}
            ?disabled=${kind === 'ping' && hidden.has('iq')}
            @click=${() => store.toggleKind(kind)}
          >${kind === 'ping' ? nothing : stanzaIcon(kind, false)} ${name}</button>`,
        )}
        <button type="button" data-testid="spacetime-svg" title="Save this diagram as a picture" @click=${this.#save}>${icon('save')} Save as SVG</button>
        <span class="count" data-testid="spacetime-count">${counted(length, 'stanza')}</span>
      </div>
      ${length === 0 ? html`<p class="empty">${this.#whatToDo()}</p>` : nothing}
      <div class="spacetime" data-testid="spacetime" data-rows=${sheet.rows.length} data-arrows=${length} @scroll=${this.#onScroll}>
        <div class="sheet" style=${`width:${this.#columns.width + timesPx}px`}>
          <div class="heads">
            <span class="corner">Time</span>
            ${this.#columns.groups.map((group) => groupHead(group, (node) => this.#wordOf(node), this.#toggle))}
          </div>
          ${this.#plane(sheet)}
        </div>
      </div>
      ${this.#follow || length === 0 ? nothing : html`<button type="button" class="go-on" @click=${this.#goOn}>${this.#followed() === undefined ? 'Go to the newest' : 'Go to the chosen event'}</button>`}
    `;
  }

  #plane(sheet: Sheet): TemplateResult {
    const { store } = this;
    const { model } = store;
    const window = this.#window(sheet);
    const height = window.bottom - window.top;
    const rows = sheet.rows.slice(sheet.rowAtHeight(window.top), sheet.rowAtHeight(window.bottom));
    const when = (t: number) => store.when(t);
    const bars = barShapes(model.spans.list, sheet, this.#columns).filter(
      ({ top, bottom }) => top <= window.bottom && bottom >= window.top,
    );
    const marked = sheet.arrowOf(store.view.event ?? Number.NaN)
      ? undefined
      : sheet.rowOf(store.view.event ?? Number.NaN);
    const place = (name: string, content: SVGTemplateResult) =>
      html`<svg class=${name} style=${`top:${window.top}px`} width=${this.#columns.width} height=${height} viewBox=${`0 ${window.top} ${this.#columns.width} ${height}`} role=${name === 'bars' ? 'group' : 'presentation'} aria-label=${name === 'bars' ? 'Faults' : nothing}>${content}</svg>`;
    return html`<div class="plane" style=${`height:${sheet.height}px`}>
      <div class="times" aria-hidden="true">
        ${rows.map(
          ({ t, y, sinceMs }) => html`
            ${sinceMs >= gapMs ? html`<span class="later" style=${`top:${y - rowHeight - 7}px`}>${lasted(sinceMs)} later</span>` : nothing}
            ${sinceMs > 0 || y < rowHeight * 2 ? html`<span style=${`top:${y}px`}>${store.when(t)}</span>` : nothing}`,
        )}
      </div>
      ${place(
        'ground',
        svg`${ground(this.#columns, rows, window)}${marked ? svg`<rect class="marked" x="0" y=${marked.y - 9} width=${this.#columns.width} height="18"/>` : nothing}`,
      )}
      ${place('bars', svg`${hatching}${bars.map((bar) => barOf(bar, barInWords(model, bar, when), window))}`)}
      ${this.#arrows(sheet, window)}
    </div>`;
  }

  #arrows(sheet: Sheet, window: Window): TemplateResult {
    const { store } = this;
    const { event: chosen } = store.view;
    const shapes = sheet
      .within(window.top, window.bottom)
      .flatMap((arrow) => arrowShape(arrow, sheet, this.#columns) ?? []);
    const { width } = this.#columns;
    const height = window.bottom - window.top;
    const isThere = shapes.some(({ event }) => event === this.#active);
    return html`<svg
      class=${store.family.size > 0 ? 'arrows choosing' : 'arrows'}
      style=${`top:${window.top}px`}
      width=${width}
      height=${height}
      viewBox=${`0 ${window.top} ${width} ${height}`}
      role=${shapes.length > 0 ? 'listbox' : 'presentation'}
      aria-label=${shapes.length > 0 ? 'Stanzas, in the order in which they were sent; the log lists them too' : nothing}
      aria-activedescendant=${isThere && this.#active !== undefined ? arrowId(this.#active) : nothing}
      tabindex="0"
      data-testid="spacetime-arrows"
      @pointerdown=${this.#onPress}
      @click=${this.#onClick}
      @keydown=${this.#onKey}
    >${shapes.map((shape) => {
      const { hops } = shape.arrow;
      const isFamily = hops.some(({ id }) => store.family.has(id));
      return arrowOf(
        shape,
        arrowInWords(store.model, sheet, shape.arrow, (t) => store.when(t)),
        {
          isChosen: hops.some(({ id }) => id === chosen),
          isFamily,
          isActive: shape.event === this.#active,
          index: isFamily ? store.told.events.indexOf(shape.event) : undefined,
        },
      );
    })}</svg>`;
  }

  #whatToDo(): string {
    const { model, session } = this.store;
    if (model.events.list.some(({ leg }) => leg !== undefined))
      return 'All stanzas are of kinds that are left out. Press the buttons above to show them.';
    if (session.recording)
      return 'This is the beginning of the run. Press Play, or step forward: every stanza appears here as an arrow.';
    return 'No stanza has been sent yet. Say something in the bar above, and an arrow appears here for every stanza that carries it.';
  }

  /** What is wrong with a node, where something is. */
  #wordOf(address: string): string {
    const node = this.store.model.network.nodes.get(address);
    const state = node && stateOf(this.store.model, node);
    return state?.tone === 'bad' ? state.word : '';
  }

  /** Lays out what is new; all of it, if something else is to be shown than before. */
  #layOut(): Sheet {
    const { model, view } = this.store;
    const { collapsed, hidden } = view;
    const keep = this.#keep();
    const options = [[...collapsed], [...hidden], keep].join(' ');
    const before = this.#sheet;
    // Going back, a recording is folded anew.
    const isOther = before === undefined || model !== this.#model || options !== this.#options;
    const sheet = isOther ? new Sheet(model.network, { collapsed, hidden, keep }) : before;
    const at = before?.rows[before.rowAtHeight(this.#top)]?.t;
    const was = at === undefined ? 0 : (before?.yAt(at) ?? 0);
    sheet.take(model.events.list);
    this.#shift = at === undefined ? 0 : sheet.yAt(at) - was;
    this.#top += this.#shift;
    this.#model = model;
    this.#options = options;
    this.#sheet = sheet;
    this.#columns = placeColumns(participantsOf(model, collapsed, sheet.met), this.#room);
    this.#isStale = false;
    return sheet;
  }

  /** The first leg of a chosen stanza whose kind is left out: it is shown all the same. */
  #keep(): number | undefined {
    const { events } = this.store.model;
    const { event, hidden } = this.store.view;
    const name = events.get(event ?? Number.NaN)?.stanza?.name;
    if (event === undefined || name === undefined || !(hidden.has(name) || (name === 'iq' && hidden.has('ping'))))
      return undefined;
    return events.pathTo(event).findLast((id) => events.get(id)?.leg === 'in');
  }

  #window(sheet: Sheet): Window {
    const last = Math.max(0, sheet.height - this.#view);
    const top = Math.floor(Math.min(this.#top, last) / stepPx) * stepPx - marginPx;
    return { top: Math.max(0, top), bottom: Math.min(sheet.height, top + this.#view + stepPx + 2 * marginPx) };
  }

  protected override firstUpdated(): void {
    const box = this.#box;
    if (box) this.#observer.observe(box);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  protected override updated(): void {
    const box = this.#box;
    if (!box) return;
    // What somebody looks at stays where it is when rows come above it.
    if (this.#shift !== 0) box.scrollTop += this.#shift;
    this.#shift = 0;
    if (this.#top !== box.scrollTop) this.#scrolled(box);
    const { event } = this.store.view;
    const playing = this.store.session.recording?.playing ?? false;
    if (playing && !this.#wasPlaying) this.#follow = true;
    this.#wasPlaying = playing;
    if (event !== this.#lastChosen) {
      const isHere = event === undefined || this.#sheet?.rowOf(event) !== undefined;
      // An address may name an event that the page has not been told yet.
      if (isHere) this.#lastChosen = event;
      if (isHere && event !== undefined) {
        this.#bringIntoView(box, event);
        this.#follow = this.#isFollowing(box);
        return;
      }
    }
    if (!this.#follow) return;
    const followed = this.#followed();
    const end = box.scrollHeight - box.clientHeight;
    if (followed !== undefined) this.#bringIntoView(box, followed);
    else if (Math.abs(box.scrollTop - end) > 1) box.scrollTop = end;
  }

  get #box(): HTMLElement | null {
    return this.querySelector<HTMLElement>('.spacetime');
  }

  /** The event that is kept in view; undefined where it is the end. */
  #followed(): number | undefined {
    const { session, view } = this.store;
    return session.recording && this.#sheet?.rowOf(view.event ?? Number.NaN) ? view.event : undefined;
  }

  #isFollowing(box: HTMLElement): boolean {
    const followed = this.#followed();
    if (followed !== undefined) return this.#isInView(box, followed);
    return box.scrollTop + box.clientHeight >= box.scrollHeight - rowHeight;
  }

  /** The heads lie on the first rows. */
  #isInView(box: HTMLElement, event: number): boolean {
    const y = this.#sheet?.rowOf(event)?.y ?? 0;
    const heads = box.querySelector<HTMLElement>('.heads')?.offsetHeight ?? 0;
    return y > box.scrollTop + rowHeight / 2 && y < box.scrollTop + box.clientHeight - heads - rowHeight / 2;
  }

  #bringIntoView(box: HTMLElement, event: number): void {
    const heads = box.querySelector<HTMLElement>('.heads')?.offsetHeight ?? 0;
    const y = this.#sheet?.rowOf(event)?.y ?? 0;
    if (!this.#isInView(box, event)) box.scrollTop = y - (box.clientHeight - heads) / 2;
    const arrow = this.#sheet?.arrowOf(event);
    const [a = 0, b = 0] = [arrow?.from, arrow?.to]
      .map((id) => this.#columns.byId.get(id ?? '')?.x ?? 0)
      .sort((one, other) => one - other);
    const room = box.clientWidth - timesPx;
    if (arrow && (b < box.scrollLeft || a > box.scrollLeft + room)) box.scrollLeft = (a + b - room) / 2;
  }

  readonly #onScroll = (event: Event): void => {
    const box = event.target as HTMLElement;
    this.#scrolled(box);
    const follows = this.#isFollowing(box);
    if (follows !== this.#follow) this.requestUpdate();
    this.#follow = follows;
  };

  /** Draws another part, if it has come into view. */
  #scrolled(box: HTMLElement): void {
    const before = this.#sheet && this.#window(this.#sheet).top;
    this.#top = box.scrollTop;
    if (this.#sheet && this.#window(this.#sheet).top !== before) this.requestUpdate();
  }

  readonly #toggle = (server: string): void => {
    const collapsed = new Set(this.store.view.collapsed);
    if (!collapsed.delete(server)) collapsed.add(server);
    this.store.set({ collapsed });
  };

  readonly #goOn = (): void => {
    this.#follow = true;
    this.requestUpdate();
  };

  /** What is chosen here is in view already. */
  #select(event: number): void {
    this.#active = event;
    this.#lastChosen = event;
    this.store.select(event);
  }

  readonly #onPress = (event: Event): void => {
    this.#pressed = arrowAt(event);
  };

  /** What was pressed counts: the diagram may have grown before the button came up again. A screen reader presses nothing. */
  readonly #onClick = (event: MouseEvent): void => {
    const id = event.detail > 0 ? this.#pressed : arrowAt(event);
    if (id !== undefined) this.#select(Number(id));
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Enter' && this.#active !== undefined) this.#select(this.#active);
    else if (step !== undefined) this.#go(step);
    else return;
    event.preventDefault();
  };

  /** Goes to the next arrow in the order in which the stanzas were sent; at first to the chosen one, or to one in view. */
  #go(step: number): void {
    const box = this.#box;
    if (!this.#sheet || !box) return;
    const { arrows } = this.#sheet;
    const known = this.#sheet.arrowOf(this.#active ?? this.store.view.event ?? Number.NaN);
    const inView = arrows.findIndex((arrow) => (this.#sheet?.reach(arrow)[0] ?? 0) >= this.#top);
    const at = known ? arrows.indexOf(known) + step : inView;
    const next = arrows[Math.min(arrows.length - 1, Math.max(0, at))];
    const shape = next && arrowShape(next, this.#sheet, this.#columns);
    if (!shape) return;
    this.#active = shape.event;
    this.#bringIntoView(box, shape.event);
    this.requestUpdate();
  }

  readonly #save = async (): Promise<void> => {
    const kind = 'space-time';
    save(await exported(kind, this.store), fileName(kind, this.store, Date.now()), forms[kind].type);
  };
}

function arrowAt({ target }: Event): string | undefined {
  return (target as Element).closest<SVGElement>('[data-event]')?.dataset['event'];
}

customElements.define('ns-space-time', SpaceTime);
