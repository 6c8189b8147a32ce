import { LitElement } from 'lit';
import type { Store } from '../store.ts';

/** A part of the page. Light DOM, so that the theme and the test hooks work everywhere. */
export abstract class Part extends LitElement {
  static override properties: Record<string, object> = { store: { attribute: false } };
  declare store: Store;
  #off: (() => void) | undefined;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#off = this.store.subscribe(() => this.storeChanged());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#off?.();
  }

  protected storeChanged(): void {
    this.requestUpdate();
  }
}
