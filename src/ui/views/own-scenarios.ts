import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { builtIn } from '../../scenario/built-in.ts';
import { formatErrors, mistakesIn, parseScenario } from '../../scenario/load.ts';
import { withoutRealServers } from '../../scenario/real-servers.ts';
import { Desk } from '../editor/desk.ts';
import type { Editing } from '../editor/editing.ts';
import type { Saved } from '../editor/saved.ts';
import type { Openers } from '../lab-api.ts';
import type { Session } from '../session/session.ts';
import { Editor } from './editor.ts';
import { icon } from './icons.ts';

/** Of this page, so that closing a dialog loses nothing. */
const desk = new Desk();
/** A scenario within the schema's limits is far smaller. */
const fileMax = 1024 * 1024;
/** Faults of a file that are shown. */
const faultsMax = 20;

/** Scenarios of one's own: begin one, go on with one, open, rename, duplicate, delete. */
class OwnScenarios extends LitElement {
  static override properties = { below: { attribute: false }, saved: { state: true }, note: { state: true } };
  declare below: Session;
  declare saved: readonly Saved[];
  declare note: string;
  openLab: Openers['openLab'] | undefined;
  /** The one whose title is being changed. */
  #renamed = '';
  #removed: Saved | undefined;

  constructor() {
    super();
    [this.saved, this.note] = [[], ''];
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal();
    void this.#load();
  }

  protected override render(): TemplateResult {
    const { scenario, mode } = this.below;
    return html`<dialog class="own" data-testid="own-scenarios" aria-labelledby="own-title" @close=${() => this.remove()}>
      <div class="dialog-body">
        <h2 id="own-title">Scenarios of your own</h2>
        ${mode === 'live' ? html`<p>Live runs the scenario that the server was started with. Yours opens in the Lab.</p>` : nothing}
        <p class="own-acts">
          <button type="button" class="primary" data-testid="make-own" @click=${() => this.#edit(desk.fresh(), 'new')}>${icon('add')} Make your own…</button>
          <button type="button" data-testid="edit-this" @click=${() => this.#edit(desk.same(scenario), 'this')}>${icon('nick')} Edit this one…</button>
          <button type="button" data-testid="open-file" @click=${this.#chooseFile}>${icon('open')} Open a scenario file…</button>
        </p>
        <label>Begin with a copy of
          <select data-testid="copy-of" @change=${this.#onCopy}>
            <option value="">Choose a scenario…</option>
            ${builtIn.map(({ id, title }) => html`<option value=${id}>${title}</option>`)}
          </select>
        </label>
        ${this.note ? html`<div class="note-box" role="alert" data-testid="own-note"><pre>${this.note}</pre></div>` : nothing}
        ${this.#unsaved()}
        <h3 id="own-saved">My scenarios</h3>
        ${this.saved.length === 0 ? html`<p class="note">There is none yet. What you save in the editor stays in this browser and is listed here.</p>` : nothing}
        <ul class="own-list" aria-labelledby="own-saved">${this.saved.map((one) => this.#row(one))}</ul>
        ${this.#removed ? html`<p class="note" role="status">“${this.#removed.scenario.title}” is deleted. <button type="button" data-testid="undelete" @click=${this.#undelete}>Keep it after all</button></p>` : nothing}
        <form method="dialog"><button>Close</button></form>
      </div>
    </dialog>`;
  }

  #unsaved(): TemplateResult | typeof nothing {
    const all = desk.unsaved;
    if (all.length === 0) return nothing;
    return html`<h3 id="own-unsaved">Not saved</h3>
      <ul class="own-list" aria-labelledby="own-unsaved">${all.map(
        (one) => html`<li data-testid="unsaved"><span class="own-name"><b>${one.scenario.title}</b></span>
          <button type="button" @click=${() => this.#edit(one, 'this')}>Go on</button></li>`,
      )}</ul>`;
  }

  #row(saved: Saved): TemplateResult {
    const { scenario, key, at } = saved;
    const { title } = scenario;
    if (this.#renamed === key)
      return html`<li data-saved=${key}><form class="own-rename" @submit=${(event: SubmitEvent) => this.#rename(event, saved)}>
        <input name="title" aria-label="Title" autocomplete="off" maxlength="100" required .value=${title} />
        <button class="primary">Rename</button>
      </form></li>`;
    const isRight = mistakesIn(scenario).length === 0;
    return html`<li data-saved=${key}>
      <span class="own-name"><b>${title}</b> <small>${new Date(at).toLocaleString()}${isRight ? '' : '; not finished'}</small></span>
      <button type="button" data-testid="saved-open" aria-label=${`Open ${title} in the Lab`} ?disabled=${!isRight} @click=${() => this.#open(saved)}>Open</button>
      <button type="button" data-testid="saved-edit" aria-label=${`Edit ${title}`} @click=${() => this.#edit(desk.open(saved), key)}>Edit</button>
      <button type="button" data-testid="saved-rename" aria-label=${`Rename ${title}`} @click=${() => this.#askTitle(key)}>Rename</button>
      <button type="button" data-testid="saved-copy" aria-label=${`Duplicate ${title}`} @click=${() => this.#duplicate(saved)}>Duplicate</button>
      <button type="button" data-testid="saved-delete" aria-label=${`Delete ${title}`} @click=${() => this.#delete(saved)}>Delete</button>
    </li>`;
  }

  async #load(): Promise<void> {
    await this.#attempt(async () => {
      this.saved = await desk.saved.list();
    });
  }

  async #attempt(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.note = error instanceof Error ? error.message : String(error);
    }
  }

  async #edit(editing: Editing | Promise<Editing>, addressed: string): Promise<void> {
    const { below, openLab } = this;
    this.querySelector('dialog')?.close();
    await showEditor(await editing, addressed, below, openLab);
  }

  readonly #onCopy = async (event: Event): Promise<void> => {
    const chosen = builtIn.find(({ id }) => id === (event.target as HTMLSelectElement).value);
    if (chosen) await this.#edit(desk.same(chosen), 'this');
  };

  readonly #chooseFile = (): void => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = '.json';
    input.addEventListener('change', () => void this.#import(input.files?.[0]));
    input.click();
  };

  async #import(file: File | undefined): Promise<void> {
    if (!file) return;
    const text = file.size > fileMax ? undefined : await file.text().catch(() => undefined);
    if (text === undefined) {
      this.note = `${file.name} is larger than 1 MiB, or could not be read.`;
      return;
    }
    const parsed = parseScenario(text);
    if (parsed.ok) return this.#edit(desk.imported(parsed.scenario), 'this');
    const { errors } = parsed;
    const rest = errors.length - faultsMax;
    this.note = `This file cannot be opened.\n${formatErrors(file.name, errors.slice(0, faultsMax))}${rest > 0 ? `\nand ${rest} more` : ''}`;
  }

  #open({ scenario }: Saved): Promise<void> {
    return this.#attempt(async () => {
      await this.openLab?.({ scenario: scenario.id, seed: 0 }, { scenario });
      this.querySelector('dialog')?.close();
    });
  }

  #askTitle(key: string): void {
    this.#renamed = key;
    this.requestUpdate();
    void this.updateComplete.then(() => this.querySelector<HTMLInputElement>('.own-rename input')?.select());
  }

  #rename(event: SubmitEvent, { scenario, ...keptAs }: Saved): Promise<void> {
    event.preventDefault();
    const title = String(new FormData(event.target as HTMLFormElement).get('title')).trim();
    this.#renamed = '';
    return this.#attempt(async () => {
      await desk.saved.save({ ...scenario, title }, keptAs, Date.now());
      await this.#load();
      this.querySelector<HTMLElement>(`[data-saved="${keptAs.key}"] [data-testid=saved-rename]`)?.focus();
    });
  }

  #duplicate({ scenario }: Saved): Promise<void> {
    return this.#attempt(async () => {
      await desk.saved.save(await desk.duplicate(scenario), undefined, Date.now());
      await this.#load();
    });
  }

  #delete(saved: Saved): Promise<void> {
    return this.#attempt(async () => {
      await desk.saved.remove(saved.key);
      this.#removed = saved;
      await this.#load();
      await this.updateComplete;
      this.querySelector<HTMLElement>('[data-testid=undelete]')?.focus();
    });
  }

  readonly #undelete = (): Promise<void> =>
    this.#attempt(async () => {
      if (this.#removed) await desk.saved.save(this.#removed.scenario, undefined, Date.now());
      this.#removed = undefined;
      await this.#load();
    });
}

customElements.define('ns-own-scenarios', OwnScenarios);

export async function showOwn(below: Session, openLab: Openers['openLab']): Promise<void> {
  const own = new OwnScenarios();
  Object.assign(own, { below, openLab });
  document.body.append(own);
  await own.updateComplete;
}

/** @param addressed  how the address names what is edited */
async function showEditor(
  editing: Editing,
  addressed: string,
  { mode }: Session,
  openLab: Openers['openLab'] | undefined,
): Promise<void> {
  document.querySelector('ns-editor')?.remove();
  const editor = new Editor();
  Object.assign(editor, { editing, desk, isLive: mode === 'live', openLab });
  editor.addEventListener('closed', () => {
    address(undefined);
    editor.remove();
    document.querySelector<HTMLElement>('[data-testid=own]')?.focus();
  });
  address(addressed);
  // What is saved has an address that lasts.
  const off = editing.subscribe(() => editor.isConnected && editing.keptAs && address(editing.keptAs.key));
  editor.addEventListener('closed', off);
  document.body.append(editor);
  await editor.updateComplete;
}

/** @param what  is edited: a reload edits the same; undefined: nothing */
function address(what: string | undefined): void {
  const query = new URLSearchParams(location.search);
  if (what === undefined) query.delete('edit');
  else query.set('edit', what);
  const search = query.toString();
  history.replaceState(null, '', `${location.pathname}${search && `?${search}`}${location.hash}`);
}

/** @param what  `new`, `this`, the id of a scenario that comes with Netsplit, or the key of one that is saved */
export async function editAddressed(what: string, below: Session, openLab: Openers['openLab']): Promise<void> {
  const known = builtIn.find(({ id }) => id === what);
  const saved =
    known || what === 'new' || what === 'this' ? undefined : await desk.saved.get(what).catch(() => undefined);
  const editing = saved
    ? desk.open(saved)
    : what === 'new'
      ? await desk.fresh()
      : await desk.same(known ?? withoutRealServers(below.scenario));
  await showEditor(editing, what, below, openLab);
}
