import { html, nothing, type TemplateResult } from 'lit';
import { leadOf } from '../fold/lines.ts';
import { isMuted, logRows, type Row, signs } from '../log-rows.ts';
import { specEntry } from '../spec-index.ts';
import { counted, lineInWords, wayOf } from '../words.ts';
import { Part } from './base.ts';
import { icon, stanzaIcon } from './icons.ts';
import { RowPool } from './row-pool.ts';

const overscan = 10;
const rowLimit = 200;
const columns = ['Time', 'Kind', 'What happened', 'From, to', 'Rule'] as const;

/** One line for each submission, which opens to its hops, and one for each change of state. Only the rows in view are in the page. */
class Log extends Part {
  #top = 0;
  #view = 400;
  #rowHeight = 28;
  /** Whether the newest row is kept in view; in a recording that stands, the chosen one. */
  #follow = true;
  #rows: readonly Row[] = [];
  /** The place of the first row that is in the page, and how many are. */
  #first = 0;
  #count = 0;
  readonly #pool = new RowPool();
  readonly #observer = new ResizeObserver(() => this.requestUpdate());
  /** What happened or was chosen since the rows were made. To scroll does not change them. */
  #isStale = true;
  #lastChosen: number | undefined;
  #lastFilter = '';
  /** A line that was opened just now, by its event. */
  #justOpened: number | undefined;
  #wasPlaying = false;

  protected override storeChanged(): void {
    this.#isStale = true;
    super.storeChanged();
  }

  protected override render(): TemplateResult {
    const { store } = this;
    const { recording } = store.session;
    const kinds = ['message', 'presence', 'iq', 'state', ...(recording ? (['append'] as const) : [])] as const;
    if (this.#isStale) this.#rows = logRows(store.model, store.view);
    this.#isStale = false;
    const rowHeight = this.#rowHeight;
    this.#top = this.#topToBe();
    this.#first = this.#firstAt(this.#top);
    const most = Math.min(rowLimit, Math.ceil(this.#view / rowHeight) + 2 * overscan);
    this.#count = Math.max(0, Math.min(most, this.#rows.length - this.#first));
    const below = this.#rows.length - this.#first - this.#count;
    const isChosen = this.#placeOf(store.view.event) >= 0;
    const isThere = this.#shown().some(({ event }) => event.id === store.view.event);
    return html`
      <div class="tools">
        <label class="sr" for="log-filter">Filter the log</label>
        <input id="log-filter" type="search" data-testid="log-filter" placeholder="Filter: name, text, §4.9 …" .value=${store.view.filter} @input=${this.#onFilter} />
        ${kinds.map(
          (kind) => html`<button
            type="button"
            class="chip"
            data-kind=${kind}
            data-testid=${`log-kind-${kind}`}
            aria-pressed=${store.view.hidden.has(kind) ? 'false' : 'true'}
            @click=${() => store.toggleKind(kind)}
          >${kind === 'state' || kind === 'append' ? html`${icon(kind)} ${kind === 'state' ? 'State' : 'Appends'}` : html`${stanzaIcon(kind, false)} ${kind === 'iq' ? 'IQ' : kind === 'message' ? 'Messages' : 'Presence'}`}</button>`,
        )}
        <span class="count" data-testid="log-count">${this.#told()}</span>
      </div>
      ${
        this.#rows.length === 0
          ? html`<p class="empty">${
              store.model.events.list.length === 0
                ? recording
                  ? 'This is the beginning of the run. Press Play, or step forward: every event appears here.'
                  : 'Nothing has happened yet. Say something in the bar above, and every hop that it takes appears here.'
                : 'No event matches the filter. Clear the filter box, or press the buttons beside it to show more kinds.'
            }</p>`
          : nothing
      }
      ${this.#rows.length === 0 ? nothing : html`<div class="heads" aria-hidden="true">${columns.map((name) => html`<span>${name === 'Kind' ? '' : name}</span>`)}</div>`}
      <div
        class="rows"
        role="treegrid"
        aria-label="Log"
        aria-rowcount=${this.#rows.length + 1}
        aria-colcount=${columns.length}
        aria-activedescendant=${isThere ? rowId(store.view.event) : nothing}
        tabindex="0"
        data-testid="log"
        @scroll=${this.#onScroll}
        @keydown=${this.#onKey}
        @click=${this.#onClick}
      >
        <div role="row" class="sr" aria-rowindex="1">${columns.map((name) => html`<span role="columnheader">${name}</span>`)}</div>
        <svg class="filler" width="1" height=${this.#first * rowHeight} aria-hidden="true"></svg>
        <div role="rowgroup" class="shown"></div>
        <svg class="filler" width="1" height=${below * rowHeight} aria-hidden="true"></svg>
      </div>
      ${this.#follow ? nothing : html`<button type="button" class="go-on" @click=${this.#goOn}>${recording && isChosen ? 'Go to the chosen event' : 'Go to the newest'}</button>`}
    `;
  }

  #told(): string {
    const { list, forgotten } = this.store.model.events;
    const lines = this.#rows.filter(({ level }) => level === 1).length;
    return `${counted(lines, 'line')}, ${counted(list.length + forgotten, 'event')}`;
  }

  #shown(): readonly Row[] {
    return this.#rows.slice(this.#first, this.#first + this.#count);
  }

  #row(row: Row, index: number): TemplateResult {
    const { store } = this;
    const { event, line, level, isOpen } = row;
    const { what, outcome } = level === 1 ? lineInWords(store.model, line) : { what: event.text, outcome: '' };
    const chosen = store.view.event === event.id;
    const state = chosen ? 'chosen' : store.family.has(event.id) ? 'family' : '';
    const error = event.stanza?.type === 'error' || event.outcome !== undefined;
    const rule = store.model.events.ruleOf(event);
    return html`<div
      role="row"
      id=${rowId(event.id)}
      class=${`row ${state} ${outcome ? 'submission' : ''} ${isMuted(store.model, row) ? 'muted' : ''}`}
      data-event=${event.id}
      data-leg=${event.leg ?? event.kind}
      data-kind=${event.stanza?.name ?? event.kind}
      data-sign=${event.sign ?? nothing}
      aria-level=${level}
      aria-expanded=${isOpen ?? nothing}
      aria-rowindex=${index + 2}
      aria-current=${chosen ? 'true' : nothing}
    >
      <span role="gridcell" class="t">${store.when(event.t)}</span>
      <span role="gridcell" class="k">${event.stanza ? stanzaIcon(event.stanza.name, error) : icon(event.kind)}</span>
      <span role="gridcell" class="s" aria-colspan=${outcome ? 2 : nothing}>${isOpen === undefined ? nothing : icon('forward')}${this.#flag(row)}<span class="what">${what}</span>${outcome ? html`<span class="colon">: </span><span class="outcome">${outcome}</span>` : nothing}</span>
      ${outcome ? nothing : html`<span role="gridcell" class="w">${wayOf(store.model, event)}</span>`}
      <span role="gridcell" class="p"><span class="rule">${rule ? specEntry(rule).label : ''}</span>${chosen ? html`<button type="button" class="inspect" data-testid="log-inspect" aria-label="Show it in the inspector" @click=${this.#inspect}>${icon('info')}</button>` : nothing}</span>
    </div>`;
  }

  /** How a split was noticed; or what became of a stanza on a cut link. */
  #flag({ event: { sign, outcome }, level }: Row): TemplateResult | typeof nothing {
    if (sign) return html`<b class="sign">${signs[sign]}</b>`;
    return outcome && level === 2 ? html`<b class="lost">${outcome}</b>` : nothing;
  }

  protected override firstUpdated(): void {
    const box = this.querySelector('.rows');
    if (box) this.#observer.observe(box);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  protected override updated(): void {
    const box = this.querySelector<HTMLElement>('.rows');
    const shown = box?.querySelector<HTMLElement>('.shown');
    if (!box || !shown) return;
    const rows = this.#shown().map((row, i) => ({ key: row.event.id, row: this.#row(row, this.#first + i) }));
    this.#pool.show(shown, rows);
    if (box.clientHeight > 0) this.#view = box.clientHeight;
    // The style sheet says how high a row is: on a phone it has two lines.
    const rowHeight = Number.parseFloat(getComputedStyle(box).getPropertyValue('--row-height'));
    if (rowHeight > 0 && rowHeight !== this.#rowHeight) {
      this.#rowHeight = rowHeight;
      this.requestUpdate();
      return;
    }
    const { event, filter } = this.store.view;
    const playing = this.store.session.recording?.playing ?? false;
    if (playing && !this.#wasPlaying) this.#follow = true;
    this.#wasPlaying = playing;
    const opened = this.#rows.findIndex((row) => row.isOpen && row.event.id === this.#justOpened);
    if (opened >= 0) {
      this.#justOpened = undefined;
      this.#lastChosen = event;
      return this.#showInside(box, opened);
    }
    const filtered = filter !== this.#lastFilter;
    if (event !== this.#lastChosen || filtered) {
      this.#lastFilter = filter;
      const place = this.#placeOf(event);
      // An address may name an event that the page has not been told yet.
      if (place >= 0 || event === undefined) this.#lastChosen = event;
      if (place >= 0) {
        const wasInView = this.#isInView(box, place);
        this.#bringIntoView(box, place);
        if (!wasInView || filtered || this.store.session.recording) this.#follow = this.#isFollowing(box);
        return;
      }
    }
    if (!this.#follow) return;
    const followed = this.#followed();
    const end = box.scrollHeight - box.clientHeight;
    if (followed !== undefined) this.#bringIntoView(box, followed);
    else if (Math.abs(box.scrollTop - end) > 1) box.scrollTop = end;
  }

  /** How far the box will be scrolled once the rows are there: those that are in view then are drawn, and no others before. */
  #topToBe(): number {
    const { event, filter } = this.store.view;
    const chosen = event !== this.#lastChosen || filter !== this.#lastFilter ? this.#placeOf(event) : -1;
    const place = chosen >= 0 ? chosen : this.#follow ? this.#followed() : undefined;
    // There may be fewer rows than when the box was scrolled.
    const end = Math.max(0, this.#rows.length * this.#rowHeight - this.#view);
    if (place === undefined) return this.#follow ? end : Math.min(this.#top, end);
    const box = { scrollTop: this.#top, clientHeight: this.#view };
    return Math.min(end, this.#isInView(box, place) ? this.#top : this.#topOf(place, this.#view));
  }

  #firstAt(top: number): number {
    return Math.max(0, Math.floor(top / this.#rowHeight) - overscan);
  }

  /** How far a box is scrolled that has a row in its middle. */
  #topOf(place: number, boxHeight: number): number {
    return Math.max(0, place * this.#rowHeight - Math.max(0, (boxHeight - this.#rowHeight) / 2));
  }

  #placeOf(event: number | undefined): number {
    return event === undefined ? -1 : this.#rows.findIndex((row) => row.event.id === event);
  }

  /** The place of the row that is kept in view; undefined where it is the end. */
  #followed(): number | undefined {
    const { session, view } = this.store;
    const place = session.recording ? this.#placeOf(view.event) : -1;
    return place < 0 ? undefined : place;
  }

  #isFollowing(box: HTMLElement): boolean {
    const followed = this.#followed();
    if (followed !== undefined) return this.#isInView(box, followed);
    return box.scrollTop + box.clientHeight >= box.scrollHeight - this.#rowHeight;
  }

  #isInView({ scrollTop, clientHeight }: Pick<HTMLElement, 'scrollTop' | 'clientHeight'>, place: number): boolean {
    const y = place * this.#rowHeight;
    return y >= scrollTop && y <= scrollTop + Math.max(0, clientHeight - this.#rowHeight);
  }

  #bringIntoView(box: HTMLElement, place: number): void {
    if (this.#isInView(box, place)) return;
    box.scrollTop = this.#topOf(place, box.clientHeight);
  }

  /** Scrolls as far as the end of a line that is open, but not beyond its beginning. */
  #showInside(box: HTMLElement, index: number): void {
    const size = this.#rows.filter(({ line }) => line === this.#rows[index]?.line).length;
    const end = (index + size) * this.#rowHeight - box.clientHeight;
    if (end > box.scrollTop) box.scrollTop = Math.min(end, index * this.#rowHeight);
    this.#follow = this.#isFollowing(box);
  }

  readonly #onScroll = (event: Event): void => {
    const box = event.target as HTMLElement;
    this.#top = box.scrollTop;
    const follow = this.#follow;
    // Where the box has become smaller, no person scrolled it away from the end.
    if (box.clientHeight === this.#view) this.#follow = this.#isFollowing(box);
    this.#view = box.clientHeight;
    // It was scrolled to where it was drawn for.
    if (this.#firstAt(this.#top) !== this.#first || this.#follow !== follow) this.requestUpdate();
  };

  readonly #onFilter = (event: Event): void => {
    this.#follow = true;
    this.store.set({ filter: (event.target as HTMLInputElement).value });
  };

  readonly #goOn = (): void => {
    this.#follow = true;
    this.requestUpdate();
  };

  /** On a phone the inspector is a region of its own. */
  readonly #inspect = (event: Event): void => {
    event.stopPropagation();
    this.store.set({ region: 'inspector', inspect: 'stanza' });
  };

  /** Opens or closes a line, and chooses what it is shown as. */
  #open({ line }: Row, open: boolean): void {
    const { id } = leadOf(line);
    const opened = new Set(this.store.view.opened);
    if (open) opened.add(id);
    else opened.delete(id);
    if (open) this.#justOpened = id;
    this.store.set({ opened });
    this.store.select(id);
  }

  readonly #onClick = (event: Event): void => {
    const id = (event.target as Element).closest<HTMLElement>('[data-event]')?.dataset.event;
    const row = this.#rows.find((one) => String(one.event.id) === id);
    if (row?.isOpen !== undefined) this.#open(row, !row.isOpen);
    else if (row) this.store.select(row.event.id);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const { key } = event;
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.#placeOf(this.store.view.event);
    const row = this.#rows[at];
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step !== undefined) {
      const next = this.#rows[row ? at + step : this.#rows.length - 1];
      if (next) this.store.select(next.event.id);
    } else if (key === 'ArrowRight') {
      if (row?.isOpen === false) this.#open(row, true);
    } else if (key === 'ArrowLeft') {
      if (row && row.isOpen !== false) this.#open(row, false);
    } else if (key === 'Enter') {
      if (row?.isOpen !== undefined) this.#open(row, !row.isOpen);
    } else {
      return;
    }
    event.preventDefault();
  };
}

function rowId(event: number | undefined): string {
  return `log-row-${event}`;
}

customElements.define('ns-log', Log);
