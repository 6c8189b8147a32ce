import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { Scenario } from '../../scenario/scenario.ts';
import type { Desk } from '../editor/desk.ts';
import type { Editing } from '../editor/editing.ts';
import { keyOf, nameOf, thingAt } from '../editor/faults.ts';
import { stepsOfNobody, withoutStepsOfNobody } from '../editor/people.ts';
import type { Place } from '../editor/put.ts';
import { addLink } from '../editor/servers.ts';
import { save } from '../export/exports.ts';
import type { Openers } from '../lab-api.ts';
import { sentence } from './editor-fields.ts';
import './editor-picture.ts';
import { treeOf, without } from './editor-tree.ts';
import { icon } from './icons.ts';

/** Faults that are listed; the others are counted. */
const listedMax = 5;

/** The editor of a scenario: over the page, which goes on below. */
export class Editor extends LitElement {
  static override properties = { editing: { attribute: false }, note: { state: true } };
  declare editing: Editing;
  declare note: string;
  desk: Desk | undefined;
  isLive = false;
  openLab: Openers['openLab'] | undefined;
  #off: (() => void) | undefined;
  /** What gets the focus when it is there: the first field of a thing, or its name. */
  #focus: { readonly key: string; readonly on: 'field' | 'name' } | undefined;

  constructor() {
    super();
    this.note = '';
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#off = this.editing.subscribe(() => this.requestUpdate());
    addEventListener('beforeunload', this.#onUnload);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#off?.();
    removeEventListener('beforeunload', this.#onUnload);
  }

  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal();
  }

  protected override render(): TemplateResult {
    const { editing } = this;
    const { faults, scenario } = editing;
    return html`<dialog class="editor" data-testid="editor" aria-labelledby="editor-title" @keydown=${this.#onKey} @input=${this.#onInput} @change=${this.#onInput} @close=${this.#onClose}>
      <header class="editor-head">
        <h2 id="editor-title">Scenario editor</h2>
        <button type="button" class="round" data-testid="editor-undo" aria-label="Undo" title="Undo (Ctrl+Z)" ?disabled=${!editing.canUndo} @click=${() => editing.undo()}>${icon('undo')}</button>
        <button type="button" class="round" data-testid="editor-redo" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" ?disabled=${!editing.canRedo} @click=${() => editing.redo()}>${icon('redo')}</button>
        <button type="button" data-testid="editor-save" @click=${this.#save}>Save</button>
        <span class="kept" data-testid="editor-kept">${editing.isSaved ? 'Saved in this browser' : 'Not saved'}</span>
        <span class="grow"></span>
        <button type="button" data-testid="editor-export" aria-label="Save as a file" title="A file for npm start -- --scenario FILE" @click=${this.#export}>${icon('save')}<span class="wide">Save as a file</span></button>
        <button type="button" class="primary" data-testid="editor-open" aria-disabled=${faults.length > 0 ? 'true' : 'false'} title=${faults.length > 0 ? 'Something is to be put right first' : 'Play it on a virtual clock'} @click=${this.#open}>Open in the Lab</button>
        <button type="button" class="round" data-testid="editor-close" aria-label="Close the editor" title="Close (Esc)" @click=${() => this.querySelector('dialog')?.close()}>${icon('close')}</button>
      </header>
      ${this.isLive ? html`<p class="banner warn" data-testid="editor-live"><span>Live runs the scenario that the server was started with. Yours opens in the Lab.</span></p>` : nothing}
      ${this.note ? html`<p class="banner warn" role="alert" data-testid="editor-note"><span>${this.note}</span><button type="button" class="round" aria-label="Close the message" @click=${() => this.#say('')}>${icon('close')}</button></p>` : nothing}
      <div class="editor-body">
        <ns-editor-picture .editing=${editing} @chosen=${this.#onChosen} @removed=${(event: CustomEvent<Place>) => this.#remove(event.detail)}></ns-editor-picture>
        <div class="editor-side" data-testid="editor-side">
          ${this.#faults()}
          ${this.#orphans(scenario)}
          ${treeOf(editing, { toggle: this.#toggle, add: this.#add, remove: (place) => this.#remove(place) })}
        </div>
      </div>
    </dialog>`;
  }

  protected override updated(): void {
    const wanted = this.#focus;
    if (wanted === undefined) return;
    this.#focus = undefined;
    const thing = this.querySelector<HTMLElement>(`[data-thing="${CSS.escape(wanted.key)}"]`);
    const field = thing?.querySelector<HTMLElement>(':scope > .form :is(input, select, textarea, button)');
    const target = (wanted.on === 'field' ? field : undefined) ?? thing?.querySelector<HTMLElement>('button');
    target?.focus();
    thing?.scrollIntoView({ block: 'nearest' });
  }

  #faults(): TemplateResult {
    const { faults, scenario } = this.editing;
    const rest = faults.length - listedMax;
    return html`<section class="faults" role="status" aria-label="What is to be put right" data-testid="faults" data-faults=${faults.length}>
      ${
        faults.length === 0
          ? html`<p class="tone-good">${icon('check')} It can be opened.</p>`
          : html`<p class="tone-bad"><b>${faults.length === 1 ? 'One thing is' : `${faults.length} things are`} to be put right before it can be opened.</b></p>
            <ul>${faults.slice(0, listedMax).map(({ at, message }) => {
              const place = thingAt(at);
              return html`<li><button type="button" class="linkish" @click=${() => this.#show(place)}><b>${nameOf(scenario, place)}</b></button> ${sentence(message)}</li>`;
            })}
            ${rest > 0 ? html`<li>And ${rest} more.</li>` : nothing}</ul>`
      }
    </section>`;
  }

  /** Who acts in the script may be gone: their steps are dropped with a person's word alone. */
  #orphans(scenario: Scenario): TemplateResult | typeof nothing {
    const steps = stepsOfNobody(scenario);
    if (steps.length === 0) return nothing;
    return html`<section class="faults" aria-label="Steps of the script of people who are gone" data-testid="orphans">
      <p>The script has ${steps.length === 1 ? 'a step' : `${steps.length} steps`} of people who are not there any more:</p>
      <ul>${steps.map(({ act, who }) => html`<li>${act} ${who}</li>`)}</ul>
      <button type="button" data-testid="drop-steps" @click=${() => this.editing.change(withoutStepsOfNobody(scenario))}>Remove ${steps.length === 1 ? 'this step' : 'these steps'}</button>
    </section>`;
  }

  readonly #toggle = (place: Place): void => {
    const isOpen = keyOf(this.editing.selected) === keyOf(place);
    // The form of the scenario itself is open where no other one is.
    this.editing.select(isOpen ? [] : place);
  };

  #show(place: Place): void {
    this.#focus = { key: keyOf(place), on: 'field' };
    this.editing.select(place);
    this.requestUpdate();
  }

  readonly #add = (next: Scenario, place: Place): void => {
    this.#focus = { key: keyOf(place), on: 'field' };
    this.editing.change(next, place);
  };

  #remove(place: Place): void {
    const around = place.length > 2 ? place.slice(0, 2) : [];
    this.#focus = { key: keyOf(around), on: 'name' };
    this.editing.change(without(this.editing, place), around);
  }

  readonly #onChosen = (
    event: CustomEvent<{ place?: Place; between?: readonly [string, string]; focus: boolean }>,
  ): void => {
    const { place, between, focus } = event.detail;
    if (between) {
      const { scenario } = this.editing;
      return this.#add(addLink(scenario, between), ['links', (scenario.links ?? []).length]);
    }
    if (!place) return;
    this.#focus = focus ? { key: keyOf(place), on: 'field' } : undefined;
    this.requestUpdate();
    void this.updateComplete.then(() =>
      this.querySelector(`[data-thing="${CSS.escape(keyOf(place))}"]`)?.scrollIntoView({ block: 'nearest' }),
    );
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const isRedo = event.key.toLowerCase() === 'y' || (event.key.toLowerCase() === 'z' && event.shiftKey);
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !['z', 'y'].includes(event.key.toLowerCase())) return;
    // What is being typed is the browser’s to undo.
    const field =
      event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement
        ? event.target
        : undefined;
    if (field && field.type !== 'checkbox' && this.#typed === field) return;
    event.preventDefault();
    if (isRedo) this.editing.redo();
    else this.editing.undo();
  };

  /** The field in which somebody has typed what is not a part of the scenario yet. */
  #typed: EventTarget | null = null;

  readonly #onInput = (event: Event): void => {
    this.#typed = event.type === 'input' ? event.target : null;
  };

  readonly #onClose = (): void => {
    this.dispatchEvent(new Event('closed'));
  };

  readonly #onUnload = (event: BeforeUnloadEvent): void => {
    if (!this.editing.isSaved && this.editing.canUndo) event.preventDefault();
  };

  #say(note: string): void {
    this.note = note;
  }

  readonly #save = async (): Promise<void> => {
    const { editing, desk } = this;
    const { scenario } = editing;
    try {
      const saved = await desk?.saved.save(scenario, editing.keptAs, Date.now());
      if (!saved) return;
      if (saved.beside) editing.change(saved.scenario);
      editing.kept(saved.beside ? editing.scenario : scenario, saved);
      this.#say(
        saved.beside
          ? `Another tab has changed it meanwhile. Yours is saved beside it, as “${saved.scenario.title}”.`
          : '',
      );
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  };

  readonly #export = (): void => {
    const { scenario } = this.editing;
    save(`${JSON.stringify(scenario, undefined, 2)}\n`, `${scenario.id || 'scenario'}.json`, 'application/json');
  };

  readonly #open = async (): Promise<void> => {
    const { scenario, faults } = this.editing;
    const [first] = faults;
    if (first) return this.#show(thingAt(first.at));
    try {
      await this.openLab?.({ scenario: scenario.id, seed: 0 }, { scenario });
      this.querySelector('dialog')?.close();
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  };
}

customElements.define('ns-editor', Editor);
