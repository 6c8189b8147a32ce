import { LitElement } from 'lit';

/** A line above the page that goes on whatever the page shows. Light DOM, as all of the page. */
export abstract class Bar extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Puts it above the page, in place of another one. */
  show(): void {
    document.querySelector('.class-bar')?.remove();
    this.classList.add('class-bar');
    document.body.prepend(this);
  }
}
