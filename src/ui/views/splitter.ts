import { html, type TemplateResult } from 'lit';
import { keyed, percentOf, sized, usual } from '../panel-size.ts';
import { Part } from './base.ts';

/** The border between the picture and the panel below: dragged, or moved with the arrow keys. */
class Splitter extends Part {
  protected override render(): TemplateResult {
    return html`<div
      class="splitter"
      role="separator"
      tabindex="0"
      aria-orientation="horizontal"
      aria-label="Height of the views"
      aria-controls="views"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${percentOf(this.store.preferences)}
      aria-valuetext=${`${percentOf(this.store.preferences)} %`}
      data-testid="splitter"
      title="Drag it, or use ↑ ↓ Home End; Enter or a double click gives the views all the room"
      @keydown=${this.#onKey}
      @dblclick=${() => this.store.prefer(keyed(this.store.preferences, 'Enter') ?? usual)}
      @pointerdown=${this.#onDown}
      @pointermove=${this.#onMove}
    ></div>`;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const size = keyed(this.store.preferences, event.key);
    if (!size || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.store.prefer(size);
  };

  readonly #onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  };

  readonly #onMove = (event: PointerEvent): void => {
    const border = event.currentTarget as HTMLElement;
    const whole = this.parentElement?.getBoundingClientRect();
    if (!border.hasPointerCapture(event.pointerId) || !whole) return;
    this.store.prefer(sized(this.store.preferences, (100 * (whole.bottom - event.clientY)) / whole.height));
  };
}

customElements.define('ns-splitter', Splitter);
