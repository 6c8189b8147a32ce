import { html, nothing, type TemplateResult } from 'lit';
import { linkTo } from '../address.ts';
import { type EmbedRegion, embedRegions, usualEmbedding } from '../embed/embedding.ts';
import { snippetOf } from '../embed/snippet.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

const labels: Readonly<Record<EmbedRegion, string>> = {
  topology: 'Picture',
  speak: 'Line to speak in',
  transport: 'Transport',
  log: 'Log',
  spacetime: 'Space-time',
  transcripts: 'Transcripts',
  counters: 'Counters',
  outline: 'Outline',
  inspector: 'Inspector',
  lesson: 'Lesson',
};

/** Smallest and largest frame, in CSS pixels. */
const sizes = { min: 200, max: 4_000 };

/** What an author copies into a page of their own, so that it shows what is shown here. */
export class EmbedDialog extends Part {
  #regions: ReadonlySet<EmbedRegion> = new Set(usualEmbedding.regions);
  #autoplay = false;
  #width = 800;
  #height = 480;
  #copied = '';

  open(): void {
    this.querySelector('dialog')?.showModal();
    this.requestUpdate();
  }

  /** Nobody sees what it would say meanwhile. */
  protected override storeChanged(): void {
    if (this.querySelector('dialog')?.open) super.storeChanged();
  }

  protected override render(): TemplateResult {
    const why = this.#whyNot();
    return html`<dialog data-testid="embed-dialog" aria-labelledby="embed-title">
      <div class="dialog-body">
        <h2 id="embed-title">Embed in a page</h2>
        ${why === undefined ? this.#form() : html`<p data-testid="embed-not">${why}</p><form method="dialog"><button class="primary">Close</button></form>`}
      </div>
    </dialog>`;
  }

  /** What is shown has no address that others could open. */
  #whyNot(): string | undefined {
    const { mode, recording } = this.store.session;
    if (mode !== 'recorded') return undefined;
    if (recording?.kept)
      return 'This is the record of a live session, which is in this page alone. Take it into the Lab, or export the trace and put it beside the page: then its address is ?trace=/run.ndjson.';
    if (new URLSearchParams(location.search).has('trace')) return undefined;
    return 'This trace was opened from a file, which has no address. Put the file beside the page: then its address is ?trace=/run.ndjson, and it can be embedded.';
  }

  #form(): TemplateResult {
    const code = this.#snippet();
    const isLive = this.store.session.mode === 'live';
    const isThere = (name: EmbedRegion) =>
      name === 'lesson'
        ? this.store.lesson?.place !== undefined
        : !isLive || (name !== 'transport' && name !== 'speak');
    const offered = embedRegions.filter(isThere);
    const done = this.#copied === code;
    return html`
      <p>A page of your own shows what you see now, at this very moment. It plays when a reader presses Play, and takes no keys.</p>
      ${isLive ? html`<p class="note">A live session goes on while nobody looks, and everybody sees the same. To begin at a moment and to go step by step, embed the Lab.</p>` : nothing}
      <form method="dialog" class="embed-form">
        <fieldset class="embed-regions"><legend>Shows</legend>
          ${offered.map((name) => html`<label class="check"><input type="checkbox" data-testid=${`embed-region-${name}`} .checked=${this.#regions.has(name)} @change=${() => this.#toggle(name)} />${labels[name]}</label>`)}
        </fieldset>
        <div class="embed-sizes">
          ${this.#size('Width', this.#width, (value) => (this.#width = value))}
          ${this.#size('Height', this.#height, (value) => (this.#height = value))}
        </div>
        ${isLive ? nothing : html`<label class="check"><input type="checkbox" data-testid="embed-autoplay" .checked=${this.#autoplay} @change=${this.#onAutoplay} />It plays by itself while it is on the screen</label>`}
        <label>HTML <textarea readonly rows="6" data-testid="embed-html" .value=${code} @focus=${(event: Event) => (event.target as HTMLTextAreaElement).select()}></textarea></label>
        <p class="buttons"><button>Close</button><button type="button" class="primary" data-testid="embed-copy" @click=${() => void this.#copy(code)}>${icon(done ? 'check' : 'copy')} ${done ? 'Copied' : 'Copy'}</button></p>
      </form>`;
  }

  #size(label: string, value: number, set: (value: number) => void): TemplateResult {
    const change = (event: Event) => {
      const given = Number((event.target as HTMLInputElement).value);
      set(Math.min(sizes.max, Math.max(sizes.min, Math.round(given) || value)));
      this.requestUpdate();
    };
    return html`<label>${label}, in pixels <input type="number" data-testid=${`embed-${label.toLowerCase()}`} min=${sizes.min} max=${sizes.max} .value=${String(value)} @change=${change} /></label>`;
  }

  #snippet(): string {
    const { scenario } = this.store.session;
    const regions = embedRegions.filter((name) => this.#regions.has(name));
    return snippetOf(linkTo(this.store), {
      regions,
      keys: false,
      autoplay: this.#autoplay,
      width: this.#width,
      height: this.#height,
      title: `Netsplit: ${scenario.title}`,
    });
  }

  /** One region at least. */
  #toggle(name: EmbedRegion): void {
    const regions = new Set(this.#regions);
    if (!regions.delete(name)) regions.add(name);
    if (regions.size > 0) this.#regions = regions;
    this.requestUpdate();
  }

  readonly #onAutoplay = (): void => {
    this.#autoplay = !this.#autoplay;
    this.requestUpdate();
  };

  async #copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.#copied = text;
    } catch {
      this.querySelector<HTMLTextAreaElement>('textarea')?.select();
      this.store.toast('The browser did not allow copying. Select the text and copy it by hand.');
    }
    this.requestUpdate();
  }
}

customElements.define('ns-embed-dialog', EmbedDialog);
