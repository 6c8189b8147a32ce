import { html, nothing, type TemplateResult } from 'lit';
import { type ExportKind, exported, exportKinds, fileName, forms, save } from '../export/exports.ts';
import { Part } from './base.ts';
import type { EmbedDialog } from './embed-dialog.ts';
import { icon } from './icons.ts';
import { moveInMenu } from './menu-keys.ts';

/** A button, and the menu of what can be saved of what is shown. */
class ExportMenu extends Part {
  /** Few want to embed the page: what that takes is loaded when somebody does. */
  #canEmbed = false;

  protected override render(): TemplateResult {
    return html`
      <button type="button" class="export" data-testid="export" popovertarget="export-menu" aria-haspopup="menu" aria-label="Export" title="Save what is shown as a file">${icon('save')}<span class="wide">Export</span></button>
      <div popover="auto" id="export-menu" class="menu" role="menu" aria-label="Export" data-testid="export-menu" @toggle=${this.#onToggle} @keydown=${this.#onKey}>
        <p class="menu-title">Save what is shown</p>
        ${exportKinds.map(
          (kind) =>
            html`<button role="menuitem" type="button" tabindex="-1" data-testid=${`export-${kind}`} @click=${() => this.#save(kind)}>${icon(kind === 'svg' ? 'present' : 'append')}<span>${forms[kind].label}</span><small>${forms[kind].hint}</small></button>`,
        )}
        <button role="menuitem" type="button" tabindex="-1" data-testid="export-embed" @click=${this.#embed}>${icon('embed')}<span>Embed…</span><small>HTML that shows this in a page of your own</small></button>
        <button role="menuitem" type="button" tabindex="-1" data-testid="teach" ?hidden=${this.store.offline !== undefined || this.store.led !== undefined} @click=${this.#teach}>${icon('present')}<span>Teach this…</span><small>pages of students show what this page shows</small></button>
      </div>
      ${this.#canEmbed ? html`<ns-embed-dialog .store=${this.store}></ns-embed-dialog>` : nothing}
    `;
  }

  readonly #teach = (): void => {
    this.#menu?.hidePopover();
    this.store.onTeach();
  };

  readonly #embed = async (): Promise<void> => {
    this.#menu?.hidePopover();
    await import('./embed-dialog.ts');
    this.#canEmbed = true;
    this.requestUpdate();
    await this.updateComplete;
    const dialog = this.querySelector<EmbedDialog>('ns-embed-dialog');
    await dialog?.updateComplete;
    dialog?.open();
  };

  async #save(kind: ExportKind): Promise<void> {
    this.#menu?.hidePopover();
    try {
      save(await exported(kind, this.store), fileName(kind, this.store, Date.now()), forms[kind].type);
    } catch (error) {
      this.store.toast(`${forms[kind].label}: ${error instanceof Error ? error.message : String(error)}.`);
    }
  }

  get #menu(): HTMLElement | null {
    return this.querySelector<HTMLElement>('[popover]');
  }

  get #items(): readonly HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>('[role=menuitem]')];
  }

  readonly #onToggle = (event: Event): void => {
    const menu = this.#menu;
    if ((event as ToggleEvent).newState !== 'open' || !menu) return;
    const button = this.querySelector('button.export')?.getBoundingClientRect();
    menu.style.left = menu.style.top = '0';
    const box = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(button?.left ?? 0, innerWidth - box.width - 8))}px`;
    menu.style.top = `${Math.max(8, Math.min((button?.bottom ?? 0) + 4, innerHeight - box.height - 8))}px`;
    this.#items[0]?.focus();
  };

  readonly #onKey = (event: KeyboardEvent): void => moveInMenu(event, this.#items);
}

customElements.define('ns-export', ExportMenu);
