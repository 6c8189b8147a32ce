import { LitElement, type PropertyValues } from 'lit';
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

  /** The record of a live session takes its place in the same elements. */
  protected override willUpdate(changed: PropertyValues): void {
    if (changed.get('store') === undefined || this.#off === undefined) return;
    this.#off();
    this.#off = this.store.subscribe(() => this.storeChanged());
    this.storeChanged();
  }

  protected storeChanged(): void {
    this.requestUpdate();
  }
}
