import { html, nothing, svg, type TemplateResult } from 'lit';
import type { Kept, LabControls, Recording } from '../session/session.ts';
import type { Violation } from '../trace/records.ts';
import { counted, mebibytes, seconds, shortName, shortTime, time as timeOfDay } from '../words.ts';
import { Part } from './base.ts';
import { compareControl } from './compare.ts';
import { icon } from './icons.ts';

/** Moves through a recorded run: play, steps, a scrubber, and the run's violations. */
class Transport extends Part {
  /** There is room for everything at once. */
  readonly #wide = matchMedia('(min-width: 768px)');
  readonly #onWidth = (): void => this.requestUpdate();

  override connectedCallback(): void {
    super.connectedCallback();
    this.#wide.addEventListener('change', this.#onWidth);
  }

  override disconnectedCallback(): void {
    this.#wide.removeEventListener('change', this.#onWidth);
    super.disconnectedCallback();
  }

  /** Where the scrubber was dragged to, until the next frame shows it. */
  #wanted: number | undefined;

  protected override render(): TemplateResult | typeof nothing {
    const { store } = this;
    const { recording, lab } = store.session;
    if (!recording) return nothing;
    const { at, length, playing } = recording;
    const time = recording.isLive ? timeOfDay(recording.start + recording.ms) : seconds(recording.ms);
    const place = `event ${at} of ${length}`;
    const button = (id: string, label: string, key: string, to: number) =>
      html`<button type="button" data-testid=${`transport-${id}`} aria-label=${label} title=${key ? `${label} (${key})` : label} ?disabled=${to === at || to < 0 || to > (lab ? length + 1 : length) || (to > length && lab?.isFull)} @click=${() => store.seek(to)}>${icon(id)}</button>`;
    return html`<section class="transport" aria-label=${lab ? 'Transport' : 'Recorded run'} data-testid="transport" data-at=${at} data-length=${length}>
      <div class="controls" role="toolbar" aria-label="Transport">
        ${button('first', 'To the beginning', '', 0)}
        ${button('back', 'One event back', '←', at - 1)}
        <button type="button" class="primary" data-testid="transport-play" title=${`${playing ? 'Pause' : 'Play'} (Space)`} @click=${() => store.play()}>${icon(playing ? 'pause' : 'play')}<span>${playing ? 'Pause' : 'Play'}</span></button>
        ${button('forward', 'One event forward', '→', at + 1)}
        ${button('last', 'To the end', '', length)}
        ${lab ? html`<button type="button" data-testid="transport-quiet" title="Go on until nothing is under way (Shift+→)" ?disabled=${at === length && (lab.isQuiet || lab.isFull)} @click=${() => store.toQuiet()}>To quiet</button>` : nothing}
      </div>
      <div class="scrubber">
        ${this.#marks(recording)}
        <input type="range" min="0" max=${length} step="1" data-testid="transport-scrubber" aria-label="Position in the run" aria-valuetext=${`${time}, ${place}`} .value=${String(at)} @input=${this.#onScrub} />
      </div>
      <p class="place" role="status" aria-live=${playing ? 'off' : 'polite'}><b data-testid="transport-time">${time}</b> <span data-testid="transport-place">${place}</span><span class="sr">: ${this.#event(recording)}</span></p>
      ${lab ? this.#lab(lab) : nothing}
      ${recording.kept ? html`<p class="note" data-testid="kept">${this.#kept(recording.kept)} <button type="button" data-testid="to-lab" title="The same scenario, and what this page did in it, on a virtual clock: there a branch can begin" @click=${() => store.onLab(recording.kept?.acts ?? [])}>Take this into the Lab</button></p>` : nothing}
      ${recording.violations.length > 0 ? this.#violations(recording) : nothing}
      ${recording.skipped.size > 0 ? html`<p class="note" data-testid="transport-skipped">Left out because this page does not know their kind: ${[...recording.skipped].map(([kind, count]) => `${counted(count, 'line')} “${kind}”`).join(', ')}.</p>` : nothing}
    </section>`;
  }

  #lab(lab: LabControls): TemplateResult {
    const { isQuiet, isFull, branch, branches, speed } = lab;
    const speeds = [0.25, 0.5, 1, 2, 4, 8];
    const shown = branches.find(({ id }) => id === branch);
    return html`<details class="lab-more" data-testid="lab-more" ?open=${this.#wide.matches}><summary>Branches, pace, comparison</summary><div class="lab-controls">
      <label><span>Plays</span>
        <select data-testid="transport-speed" aria-label="How it plays" @change=${(event: Event) => this.#onSpeed(lab, event)}>
          <option value="" .selected=${speed === undefined}>event by event</option>
          ${speeds.map((value) => html`<option value=${value} .selected=${speed === value}>in time, ×${fraction(value)}</option>`)}
        </select>
      </label>
      <label><span>Branch</span>
        <select data-testid="transport-branch" @change=${(event: Event) => void lab.select(Number((event.target as HTMLSelectElement).value))}>
          ${branches.map(({ id, name, length }) => html`<option value=${id} .selected=${id === branch}>${name} (${counted(length, 'event')})</option>`)}
        </select>
      </label>
      <button type="button" data-testid="branch-rename" @click=${() => this.querySelector<HTMLDialogElement>('dialog')?.showModal()}>Rename…</button>
      <button type="button" data-testid="branch-remove" title="The branch that is shown before it in the list is shown in its place" ?disabled=${branches.length < 2} @click=${() => void this.#remove(lab)}>Delete branch</button>
      ${this.#renaming(lab, shown?.name ?? '')}
      ${compareControl(this.store, lab)}
    </div></details>
      <p class="note" role="status" data-testid="transport-state">${isFull ? 'This run has 100,000 events, and goes no further: go back, or start over.' : isQuiet ? 'Nothing is under way at the end of this run.' : 'Stanzas are under way at the end of this run.'}</p>`;
  }

  readonly #onSpeed = (lab: LabControls, event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    lab.speed = value === '' ? undefined : Number(value);
    this.store.changed();
  };

  /** A form that opens over the page. */
  #renaming(lab: LabControls, name: string): TemplateResult {
    const rename = (event: SubmitEvent) => {
      event.preventDefault();
      const dialog = this.querySelector<HTMLDialogElement>('dialog');
      lab.rename(lab.branch, this.querySelector<HTMLInputElement>('dialog input')?.value ?? '');
      dialog?.close();
    };
    return html`<dialog data-testid="branch-dialog" aria-labelledby="branch-title">
      <form @submit=${rename}>
        <h2 id="branch-title">Rename the branch</h2>
        <label>Name <input data-testid="branch-name" required maxlength="60" autocomplete="off" .value=${name} /></label>
        <p class="buttons">
          <button type="button" @click=${() => this.querySelector<HTMLDialogElement>('dialog')?.close()}>Cancel</button>
          <button class="primary" data-testid="branch-apply">Rename</button>
        </p>
      </form>
    </dialog>`;
  }

  /** A branch that is shown cannot be deleted: another one is shown first. */
  async #remove(lab: LabControls): Promise<void> {
    const { branch, branches } = lab;
    const i = branches.findIndex(({ id }) => id === branch);
    const other = branches[i - 1] ?? branches[i + 1];
    if (other === undefined) return;
    await lab.select(other.id);
    await lab.remove(branch);
  }

  /** How much is kept, from when, and what cannot be done with it. */
  #kept({ since, length, most, dropped }: Kept): string {
    const from =
      since === undefined
        ? 'Nothing is recorded yet.'
        : `Recorded since ${shortTime(since)}: ${mebibytes(length)} of at most ${mebibytes(most)}.`;
    const lost =
      dropped === 0 ? '' : ` ${counted(dropped, 'older record')} had to go; the beginning shows what they led to.`;
    return `${from}${lost} The session goes on. Its record is shown again, not run again, so no branch can begin in it.`;
  }

  /** What a screen reader says of the event that a step leads to. */
  #event({ seq }: Recording): string {
    const { model } = this.store;
    const event = seq === undefined ? undefined : this.store.told.events.get(seq);
    if (!event) return 'the beginning';
    return `${shortName(model, event.from)} ${event.to ? `to ${shortName(model, event.to)}` : ''}, ${event.text}`;
  }

  #violations(recording: Recording): TemplateResult {
    const { violations } = recording;
    return html`<div class="violations" role="group" aria-label="Violations">
      <h2 class="tone-bad">${icon('warn')} ${counted(violations.length, 'violation')}</h2>
      <ul data-testid="violations">${violations.map((violation) => html`<li>${this.#violation(recording, violation)}</li>`)}</ul>
    </div>`;
  }

  #violation({ length, seq: now, at }: Recording, { invariant, what, seq }: Violation): TemplateResult {
    const here = seq === undefined ? at === length : seq === now;
    const go = () => (seq === undefined ? this.store.seek(length) : this.store.reveal(seq));
    return html`<button type="button" class=${`linkish ${here ? 'chosen' : ''}`} aria-current=${here ? 'true' : nothing} data-testid="violation" data-seq=${seq ?? nothing} @click=${go}><b>${invariant}</b> ${what}${seq === undefined ? html` <small>at the end</small>` : nothing}</button>`;
  }

  /** Where on the scrubber the violations are. */
  #marks(recording: Recording): TemplateResult | typeof nothing {
    const { violations, length } = recording;
    if (violations.length === 0) return nothing;
    const x = (seq: number | undefined) =>
      (100 * (seq === undefined ? length : recording.placeOf(seq))) / Math.max(1, length);
    const lines = violations.map(({ seq }) => svg`<line x1=${x(seq)} x2=${x(seq)} y1="0" y2="1" />`);
    return html`<svg class="marks" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">${lines}</svg>`;
  }

  /** A drag passes more places than there are frames to show them. */
  readonly #onScrub = (event: Event): void => {
    const first = this.#wanted === undefined;
    this.#wanted = Number((event.target as HTMLInputElement).value);
    if (!first) return;
    requestAnimationFrame(() => {
      const to = this.#wanted ?? 0;
      this.#wanted = undefined;
      this.store.seek(to);
    });
  };
}

function fraction(value: number): string {
  return value === 0.25 ? '¼' : value === 0.5 ? '½' : String(value);
}

customElements.define('ns-transport', Transport);
