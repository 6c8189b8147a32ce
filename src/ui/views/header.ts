import { html, nothing, type TemplateResult } from 'lit';
import { linkTo, withoutSelection } from '../address.ts';
import { showOwnScenarios } from '../open-editor.ts';
import { chooseTrace } from '../open-trace.ts';
import type { Store } from '../store.ts';
import type { Phase, Theme } from '../view.ts';
import { models, shortTime } from '../words.ts';
import { Part } from './base.ts';
import './export-menu.ts';
import type { Help } from './help.ts';
import { icon } from './icons.ts';
import type { JoinPanel } from './join-panel.ts';
import type { LessonList } from './lesson-list.ts';

/** What the badge says where the session is not well. */
const states: Partial<Record<Phase, { readonly text: string; readonly class: string }>> = {
  offline: { text: 'Offline', class: 'bad' },
  failed: { text: 'Failed', class: 'bad' },
};

/** The list of the lessons is loaded when somebody asks for it. */
async function openLessons(store: Store): Promise<void> {
  await import('./lesson-list.ts');
  const list = document.createElement('ns-lessons') as LessonList;
  list.store = store;
  document.querySelector('#app')?.append(list);
}

/** Title, scenario, what model it shows, and the switches. */
class Header extends Part {
  protected override render(): TemplateResult {
    const { session, scenarios, model, preferences, instance, view } = this.store;
    const { recording, lab, mode } = session;
    const isFile = mode === 'recorded' && recording?.kept === undefined;
    const state = states[this.store.phase];
    return html`<header class="top">
      <h1>Netsplit</h1>
      ${
        isFile
          ? html`<span class="run" data-testid="run">${recording?.label}</span>`
          : html`<label class="sr" for="scenario">Scenario</label>
            <select id="scenario" data-testid="scenario" ?disabled=${this.store.led !== undefined} @change=${this.#onScenario}>
              ${scenarios.map((scenario) => html`<option value=${scenario.id} .selected=${scenario.id === session.scenario.id}>${scenario.title}</option>`)}
            </select>
            <button type="button" class="round own" data-testid="own" aria-label="Scenarios of your own" aria-haspopup="dialog" title="Make or edit a scenario, open one of yours" @click=${() => showOwnScenarios(session)}>${icon('nick')}</button>`
      }
      <button type="button" class="open-trace" data-testid="open-trace" aria-label="Open a trace…" title="Open the trace of a run (npm run sim -- --seed N --mode M --json), or a lesson" @click=${this.#onOpen}>${icon('open')}<span class="wide">Open a trace…</span><span class="narrow">Trace</span></button>
      <ns-export .store=${this.store}></ns-export>
      ${isFile ? html`<a class="button" href=${location.pathname} data-testid="to-live"><span class="wide">Back to the live rooms</span><span class="narrow">Live</span></a>` : this.#modes()}
      <span class="badge model" data-testid="model-badge" title=${models[session.scenario.xep]}>XEP-${session.scenario.xep}</span>
      ${
        recording?.fixed !== undefined
          ? html`<span class="badge recorded" data-testid="mode-badge" title=${recording.fixed}>${isFile ? 'Recording' : 'Record of live'}</span>`
          : lab
            ? html`<span class="badge lab" data-testid="mode-badge" title="On a virtual clock, all in this page">Lab</span>`
            : html`<span class=${`badge ${state?.class ?? 'live'}`} data-testid="mode-badge"><span class="dot"></span>${state?.text ?? 'Live'}</span>`
      }
      ${instance === '' ? nothing : html`<span class="badge" data-testid="room-badge" title="A network of its own, at the addresses that end in room=${instance}">Room ${instance}</span>`}
      ${session.runsNodes || recording ? nothing : html`<span class="badge" data-testid="observer-badge" title="Another page runs the nodes; you can watch, speak and cut links">Nodes run elsewhere</span>`}
      <span class="grow"></span>
      <div role="toolbar" aria-label=${recording ? 'Pace' : 'Transport'} class="toolbar">
        ${isFile || lab ? nothing : this.#rewind()}
        ${
          recording
            ? nothing
            : html`<button type="button" class=${model.paused ? 'primary' : ''} data-testid="pause" aria-label=${model.paused ? 'Release' : 'Pause'} aria-pressed=${model.paused ? 'true' : 'false'} title="Hold or release all stanzas on the links (Space)" @click=${() => this.store.act({ act: 'pause', paused: !model.paused })}>
          ${model.paused ? html`${icon('play')}<span>Release</span>` : html`${icon('pause')}<span>Pause</span>`}
        </button>`
        }
        <label class="pace" title="How long a stanza takes on the screen; the trace itself is not changed">
          <span>Pace</span>
          <select data-testid="pace" aria-label="Pace of the picture" @change=${this.#onPace}>
            ${(
              [
                [4, '×¼'],
                [2, '×½'],
                [1, '×1'],
                [0.5, '×2'],
                [0, 'still'],
              ] as const
            ).map(
              ([value, label]) =>
                html`<option value=${value} .selected=${preferences.pace === value}>${label}</option>`,
            )}
          </select>
        </label>
      </div>
      <button type="button" class="lessons-button" data-testid="lessons-open" aria-label="Lessons" title="Eight lessons, in this page" @click=${() => openLessons(this.store)}>${icon('lesson')}<span>Lessons</span></button>
      ${session.runsNodes && this.store.led === undefined ? html`<button type="button" class="start-over" data-testid="start-over" aria-label="Start over" title=${lab ? 'The same scenario and seed from the beginning: all branches are gone' : 'Everything that was said and counted is gone, in all pages'} @click=${() => this.store.startOver()}>${icon('restart')}<span class="wide">Start over</span><span class="narrow">Start over</span></button>` : nothing}
      ${recording ? nothing : html`<button type="button" class="join-own" data-testid="join-own" aria-label="Join with your own client" @click=${() => document.querySelector<JoinPanel>('ns-join')?.open()}>${icon('client')}<span class="wide">Join with your own client</span><span class="narrow">Join</span></button>`}
      ${mode === 'lab' ? html`<button type="button" class="copy-link" data-testid="copy-link" aria-label="Copy a link to this moment" title="A link to this moment: whoever opens it sees the same, and can go on (s)" @click=${() => this.store.copy(linkTo(this.store))}>${icon('copy')}<span class="wide">Copy link</span><span class="narrow">Link</span></button>` : nothing}
      <label class="pace theme">
        <span class="sr">Theme</span>
        <select data-testid="theme" aria-label="Theme" @change=${this.#onTheme}>
          ${(['auto', 'light', 'dark'] as const).map((theme) => html`<option value=${theme} .selected=${preferences.theme === theme}>${theme}</option>`)}
        </select>
      </label>
      ${view.presenting ? html`<button type="button" class="drawer" data-testid="drawer" aria-pressed=${view.drawer ? 'true' : 'false'} aria-controls="views" title="Show or hide the views (1 – 4)" @click=${() => this.store.open(view.tab)}>Views</button>` : nothing}
      <button type="button" class=${`round present ${view.presenting ? 'primary' : ''}`} data-testid="present" aria-pressed=${view.presenting ? 'true' : 'false'} aria-label="Presenter mode" title="Presenter mode: large type, the picture alone (p)" @click=${() => this.store.present(view.presenting ? undefined : preferences.scale)}>${icon('present')}</button>
      <button type="button" class="round" data-testid="help" aria-label="Help: keys, glossary, simulation notes" @click=${() => document.querySelector<Help>('ns-help')?.open()}>${icon('help')}</button>
    </header>`;
  }

  /** The same scenario, in real time on a server, or on a virtual clock in this page alone. */
  #modes(): TemplateResult {
    const { session, offline } = this.store;
    const { id } = session.scenario;
    const isLab = session.lab !== undefined;
    const live =
      offline === undefined
        ? html`<a class="button" href=${this.#liveAddress(id)} data-testid="mode-live" aria-current=${isLab ? 'false' : 'true'} title="Real nodes on the server, in real time">Live</a>`
        : html`<span class="button" data-testid="mode-live" aria-disabled="true" title=${offline}>Live</span>`;
    return html`<nav class="modes" aria-label="Mode">
      ${live}
      <a class="button" href=${isLab ? location.hash : `#lab=${encodeURIComponent(id)}`} data-testid="mode-lab" aria-current=${isLab ? 'true' : 'false'} title="The same nodes on a virtual clock: step, go back, branch">Lab</a>
    </nav>`;
  }

  #liveAddress(scenario: string): string {
    const query = new URLSearchParams(location.search);
    query.set('scenario', scenario);
    return `${location.pathname}?${query}`;
  }

  /** One button, so that the focus stays on it. */
  #rewind(): TemplateResult {
    const { recording } = this.store.session;
    const since = (recording?.kept ?? this.store.recorder?.kept)?.since;
    const title = recording
      ? 'Show what happens now (w)'
      : `Look at what happened${since === undefined ? '' : ` since ${shortTime(since)}`}, step by step; the session goes on meanwhile (w)`;
    return html`<button type="button" class=${`rewind ${recording ? 'primary' : ''}`} data-testid=${recording ? 'back-to-live' : 'rewind'} aria-label=${recording ? 'Back to live' : 'Rewind'} title=${title} @click=${() => this.store.onRewind()}>${icon(recording ? 'play' : 'rewind')}<span>${recording ? 'Back to live' : 'Rewind'}</span></button>`;
  }

  readonly #onScenario = (event: Event): void => {
    if (this.store.session.lab) {
      location.hash = `#lab=${encodeURIComponent((event.target as HTMLSelectElement).value)}`;
      return;
    }
    const url = new URL(location.href);
    url.searchParams.set('scenario', (event.target as HTMLSelectElement).value);
    url.hash = withoutSelection(location.hash);
    location.assign(url);
  };

  readonly #onOpen = (): void => {
    const { store } = this;
    chooseTrace(
      store.onTrace,
      (lesson) => store.onLesson(lesson, 1, false),
      ({ message, advice }) => store.toast(`${message} ${advice}`),
    );
  };

  readonly #onPace = (event: Event): void => {
    this.store.prefer({ pace: Number((event.target as HTMLSelectElement).value) });
  };

  readonly #onTheme = (event: Event): void => {
    this.store.prefer({ theme: (event.target as HTMLSelectElement).value as Theme });
  };
}

customElements.define('ns-header', Header);
