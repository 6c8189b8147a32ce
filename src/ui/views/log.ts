import { html, nothing, type TemplateResult } from 'lit';
import type { Sign } from '../../core/turn/spec.ts';
import type { ModelEvent } from '../fold/event.ts';
import { specEntry } from '../spec-index.ts';
import { shortName } from '../words.ts';
import { Part } from './base.ts';
import { icon, stanzaIcon } from './icons.ts';

const rowHeight = 28;
const overscan = 20;
const rowLimit = 200;
const signs: Readonly<Record<Sign, string>> = {
  bounce: 'split',
  silence: 'split',
  unanswered: 'split',
  gap: 'gap',
  unlinked: 'split',
  restart: 'split',
  refused: 'refused',
  netjoin: 'netjoin',
  judged: 'netjoin',
};

/**
 * One row for each hop and each change of state. Only the rows in view are in the page. A row is used again for whatever comes to
 * its place: one of its own for each event would leave a node behind when it goes (lit's `repeat` keeps the end of a part that
 * it removes).
 */
class Log extends Part {
  #top = 0;
  #view = 400;
  #follow = true;
  #rows: readonly ModelEvent[] = [];
  #lastChosen: number | undefined;

  protected override render(): TemplateResult {
    const { store } = this;
    const { recording } = store.session;
    const kinds = ['message', 'presence', 'iq', 'state', ...(recording ? (['append'] as const) : [])] as const;
    this.#rows = this.#filtered();
    // There may be fewer rows than when the box was scrolled.
    const top = Math.min(this.#top, Math.max(0, this.#rows.length * rowHeight - this.#view));
    const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
    const count = Math.min(rowLimit, Math.ceil(this.#view / rowHeight) + 2 * overscan);
    const shown = this.#rows.slice(first, first + count);
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
            @click=${() => this.#toggle(kind)}
          >${kind === 'state' || kind === 'append' ? html`${icon(kind)} ${kind === 'state' ? 'State' : 'Appends'}` : html`${stanzaIcon(kind, false)} ${kind === 'iq' ? 'IQ' : kind === 'message' ? 'Messages' : 'Presence'}`}</button>`,
        )}
        <span class="count" data-testid="log-count">${this.#rows.length} of ${store.model.events.list.length + store.model.events.forgotten} events</span>
        ${this.#follow ? nothing : html`<button type="button" @click=${this.#toEnd}>Go to the newest</button>`}
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
      <div
        class="rows"
        role="table"
        aria-label="Log"
        aria-rowcount=${this.#rows.length}
        aria-colcount="5"
        tabindex="0"
        data-testid="log"
        @scroll=${this.#onScroll}
        @keydown=${this.#onKey}
        @click=${this.#onClick}
      >
        <svg class="filler" width="1" height=${first * rowHeight} aria-hidden="true"></svg>
        ${shown.map((event, i) => this.#row(event, first + i))}
        <svg class="filler" width="1" height=${Math.max(0, this.#rows.length - first - shown.length) * rowHeight} aria-hidden="true"></svg>
      </div>
    `;
  }

  #row(event: ModelEvent, index: number): TemplateResult {
    const { store } = this;
    const chosen = store.view.event === event.id;
    const family = store.family.has(event.id);
    const error = event.stanza?.type === 'error' || event.outcome !== undefined;
    const rule = store.model.events.ruleOf(event);
    return html`<div
      role="row"
      class=${`row ${chosen ? 'chosen' : family ? 'family' : ''}`}
      data-event=${event.id}
      data-leg=${event.leg ?? event.kind}
      data-kind=${event.stanza?.name ?? event.kind}
      data-sign=${event.sign ?? nothing}
      aria-rowindex=${index + 1}
      aria-current=${chosen ? 'true' : nothing}
    >
      <span role="cell" class="t">${store.when(event.t)}</span>
      <span role="cell" class="k">${event.stanza ? stanzaIcon(event.stanza.name, error) : icon(event.kind === 'hop' ? 'hop' : event.kind === 'pause' ? 'pause' : event.kind)}</span>
      <span role="cell" class="w">${this.#way(event)}</span>
      <span role="cell" class="s">${event.outcome ? html`<b class="lost">${event.outcome}</b> ` : nothing}${event.sign ? html`<b class="sign">${signs[event.sign]}</b> ` : nothing}${event.text}</span>
      <span role="cell" class="p">${rule ? specEntry(rule).label : ''}</span>
    </div>`;
  }

  #way(event: ModelEvent): TemplateResult {
    const { model } = this.store;
    if (event.leg === undefined && !event.to)
      return html`<b>${event.from ? shortName(model, event.from) : event.kind === 'pause' ? 'operator' : 'the run'}</b>`;
    return html`${shortName(model, event.from)} <span class=${`leg ${event.leg ?? ''}`}>${icon(event.leg === 'link' ? 'hop' : (event.leg ?? 'link'))}</span> ${shortName(model, event.to)}`;
  }

  #filtered(): readonly ModelEvent[] {
    const { model, view } = this.store;
    const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
    return model.events.list.filter((event) => {
      const kind = event.stanza?.name ?? (event.kind === 'append' ? 'append' : 'state');
      if (view.hidden.has(kind) && event.id !== view.event) return false;
      // Most timers are for pings.
      if (event.timer && view.hidden.has('iq')) return false;
      if (words.length === 0) return true;
      const rule = model.events.ruleOf(event);
      const text =
        `${event.from} ${shortName(model, event.from)} ${event.to} ${shortName(model, event.to)} ${event.text} ${event.kind} ${event.sign ? signs[event.sign] : ''} ${event.leg ?? ''} ${rule ? specEntry(rule).label : ''} ${rule ?? ''} ${event.outcome ?? ''}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  protected override updated(): void {
    const box = this.querySelector<HTMLElement>('.rows');
    if (!box) return;
    if (box.clientHeight > 0) this.#view = box.clientHeight;
    const { event } = this.store.view;
    if (event !== this.#lastChosen) {
      this.#lastChosen = event;
      const index = this.#rows.findIndex((row) => row.id === event);
      if (index >= 0) {
        const y = index * rowHeight;
        if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - rowHeight) {
          // In a recording, the current event is the last one.
          this.#follow = index === this.#rows.length - 1;
          box.scrollTop = y - box.clientHeight / 2;
        }
        return;
      }
    }
    if (this.#follow) {
      const end = box.scrollHeight - box.clientHeight;
      if (Math.abs(box.scrollTop - end) > 1) box.scrollTop = end;
    }
  }

  readonly #onScroll = (event: Event): void => {
    const box = event.target as HTMLElement;
    this.#top = box.scrollTop;
    // Where the box has become smaller, no person scrolled it away from the end.
    if (box.clientHeight === this.#view)
      this.#follow = box.scrollTop + box.clientHeight >= box.scrollHeight - rowHeight;
    this.#view = box.clientHeight;
    this.requestUpdate();
  };

  readonly #onFilter = (event: Event): void => {
    this.#follow = true;
    this.store.set({ filter: (event.target as HTMLInputElement).value });
  };

  #toggle(kind: string): void {
    const hidden = new Set(this.store.view.hidden);
    if (!hidden.delete(kind)) hidden.add(kind);
    this.store.set({ hidden });
  }

  readonly #toEnd = (): void => {
    this.#follow = true;
    this.requestUpdate();
  };

  readonly #onClick = (event: Event): void => {
    const row = (event.target as Element).closest<HTMLElement>('[data-event]');
    if (row?.dataset.event) this.store.select(Number(row.dataset.event));
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = this.#rows.findIndex((row) => row.id === this.store.view.event);
    const next = this.#rows[at < 0 ? this.#rows.length - 1 : at + step];
    if (next) this.store.select(next.id);
  };
}

customElements.define('ns-log', Log);
