import type { Acted, Trouble } from '../host/control.ts';
import { Display } from './display-time.ts';
import { effectOf } from './effects.ts';
import type { ModelEvent } from './fold/event.ts';
import { linkKey } from './fold/links.ts';
import { Model } from './fold/model.ts';
import type { Action } from './session/acts.ts';
import type { Known } from './session/kinds.ts';
import { type ActResult, refuse, type Session } from './session/session.ts';
import type { Trace } from './trace/read-trace.ts';
import { seconds, shortTime, time } from './words.ts';

export type Tab = 'log' | 'transcripts' | 'counters' | 'outline';
export type Theme = 'auto' | 'light' | 'dark';
/** Below 768 px one region is shown at a time. */
export type Region = 'topology' | 'panel' | 'inspector';
export type Thing =
  | { readonly kind: 'node'; readonly id: string }
  | { readonly kind: 'link'; readonly id: string }
  /** A server's domain. */
  | { readonly kind: 'server'; readonly id: string }
  | { readonly kind: 'occupant'; readonly id: string };

export interface Preferences {
  readonly theme: Theme;
  readonly keys: boolean;
  /** Factor on the time a token takes on screen; 0 shows none. */
  readonly pace: number;
}

export interface View {
  readonly tab: Tab;
  readonly region: Region;
  readonly filter: string;
  /** Kinds of log rows that are left out. */
  readonly hidden: ReadonlySet<string>;
  /** Lines of the log that somebody opened, by the event that each is shown as. */
  readonly opened: ReadonlySet<number>;
  readonly event: number | undefined;
  readonly thing: Thing | undefined;
  /** The inspector shows the stanza or the thing, whichever was selected last. */
  readonly inspect: 'stanza' | 'node' | 'link';
  /** Full JID of the character who speaks from the speak bar. */
  readonly speaker: string;
  readonly menu: { readonly thing: Thing; readonly x: number; readonly y: number } | undefined;
  readonly trouble: Trouble | undefined;
  readonly toast: string | undefined;
}

export type Phase = 'loading' | 'playing' | 'quiet' | 'paused' | 'offline' | 'failed';

/** What the trace has not shown by then it will never show: a connection was lost. */
const awaitMs = 10_000;

/** What the page is showing: the model of the session, and what the person selected. The views re-render on `changed`. */
export class Store {
  readonly session: Session;
  /** Of the network, where there are several side by side. */
  readonly instance: string;
  /** A new one when a recording goes back. */
  model: Model;
  display: Display;
  readonly scenarios: readonly { readonly id: string; readonly title: string }[];
  view: View;
  preferences: Preferences;
  /** Events with the same first cause as the selected one. */
  family: ReadonlySet<number> = new Set();
  started = false;
  readonly #listeners = new Set<() => void>();
  readonly #offRecords: () => void;
  #queued = false;
  /** Page time of the last hop or action, and by how much the page's clock is ahead of the server's, in milliseconds. */
  #lastRecord = Date.now();
  #skew = 0;
  /** What this page did and the trace has not shown yet, by subject. */
  readonly #awaited = new Map<string, { readonly shown: () => boolean; readonly until: number }>();
  #toastTimer = 0;
  /** Called with each batch's new events, before the views render. */
  onEvents: (events: readonly ModelEvent[]) => void = () => {};
  /** Called with a trace that a person opened. */
  onTrace: (trace: Trace) => void = () => {};

  constructor(session: Session, scenarios: Store['scenarios'], preferences: Preferences, instance = '') {
    this.session = session;
    this.instance = instance;
    this.scenarios = scenarios;
    this.preferences = preferences;
    // A run that is over has nothing to start.
    this.started = session.recording !== undefined;
    this.model = this.#emptyModel();
    this.display = this.#emptyDisplay();
    this.view = {
      tab: 'log',
      region: 'topology',
      filter: '',
      hidden: new Set(['iq', 'append']),
      opened: new Set(),
      event: undefined,
      thing: undefined,
      inspect: 'stanza',
      speaker: session.recording ? '' : (session.scenario.occupants[0]?.jid ?? ''),
      menu: undefined,
      trouble: undefined,
      toast: undefined,
    };
    this.#offRecords = session.listen({
      records: (batch, past = false) => {
        const fresh = this.model.fold(batch);
        if (past) {
          this.model.sentences = [];
          this.model.refusals.untold = [];
        } else {
          this.#noteHops(fresh);
          this.display.offer(fresh, Date.now());
          this.onEvents(fresh);
        }
        this.changed();
      },
      restart: () => {
        this.model = this.#emptyModel();
        this.display = this.#emptyDisplay();
      },
      moved: () => this.changed(),
      node: (progress) => {
        this.model.network.progress(progress);
        this.changed();
      },
      occupant: (progress) => {
        this.model.people.progress(progress);
        this.model.refusals.unanswered(progress.who, progress.unanswered);
        this.changed();
      },
      sent: (stream, n) => this.#await(`${stream} ${n}`, () => this.model.taken({ stream, n }) !== undefined),
      trouble: (trouble) => this.set({ trouble }),
    });
    if (session.recording) session.recording.pace = preferences.pace;
  }

  close(): void {
    this.#offRecords();
  }

  /** Calls back once a frame at most, after anything changed. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    if (this.#queued) return;
    this.#queued = true;
    const run = () => {
      if (!this.#queued) return;
      this.#queued = false;
      this.#refresh();
      for (const listener of this.#listeners) listener();
    };
    // A page in the background gets no frames, but window.lab has to go on.
    if (document.visibilityState === 'visible') requestAnimationFrame(run);
    else setTimeout(run, 50);
  }

  set(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    this.changed();
  }

  prefer(change: Partial<Preferences>): void {
    this.preferences = { ...this.preferences, ...change };
    this.display.pace = this.preferences.pace;
    if (this.session.recording) this.session.recording.pace = this.preferences.pace;
    savePreferences(this.preferences);
    this.changed();
  }

  select(event: number | undefined): void {
    const stanza = event === undefined ? undefined : this.model.events.get(event);
    this.set({ event, ...(stanza ? { inspect: 'stanza' as const } : {}) });
  }

  /** Goes to a place in a recording, and selects the event that happens there. */
  seek(at: number): void {
    const { recording } = this.session;
    recording?.seek(at);
    this.select(recording?.seq);
  }

  /** Selects an event; a recording also goes to the moment when it happens. */
  reveal(event: number): void {
    const { recording } = this.session;
    if (recording) this.seek(recording.placeOf(event));
    this.select(event);
  }

  /** Plays or stops a recording. Clears the selection, which would dim what moves. */
  play(): void {
    const { recording } = this.session;
    if (recording?.playing) return recording.pause();
    this.set({ event: undefined });
    recording?.play();
  }

  choose(thing: Thing): void {
    this.set({ thing, event: undefined, inspect: thing.kind === 'link' ? 'link' : 'node' });
  }

  /** Does what a person asked for, and shows on the page what goes wrong. */
  async act(action: Action): Promise<ActResult> {
    const result = await this.perform(action);
    if (!result.ok) this.toast(result.error);
    return result;
  }

  /** Begins anew, for all pages. */
  async startOver(): Promise<void> {
    const result = await this.session.startOver();
    if (!result.ok) this.toast(result.error);
  }

  /** Has the session do it, and remembers that the trace has yet to show it. */
  async perform(action: Action): Promise<Acted> {
    const result = await this.session
      .act(action)
      .catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error)));
    this.#lastRecord = Math.max(this.#lastRecord, Date.now());
    // Where stanzas were sent, they are awaited already.
    if (!result.ok || result.sent !== undefined) return result;
    // The last one counts: what a link was for a moment, the trace may tell together with what came next.
    const about = 'link' in action ? linkKey(...action.link) : 'node' in action ? action.node : action.act;
    this.#await(about, effectOf(this.model, action).shown);
    return result;
  }

  /** What an act may name by now. */
  get known(): Known {
    const { scenario, joinInfo } = this.session;
    const { network, people } = this.model;
    const rooms = [
      ...scenario.nodes.flatMap((node) => (node.kind === 'service' ? node.rooms.map(({ jid }) => jid) : [])),
      ...[...network.nodes.values()].flatMap((node) => network.roomsOf(node).map(({ room }) => room)),
    ];
    return {
      people: [...people.jids()],
      guests: joinInfo.map(({ jid }) => jid),
      nodes: [...network.nodes.keys()],
      servers: scenario.servers.map(({ domain }) => domain),
      rooms: [...new Set(rooms)],
    };
  }

  /** When something happened: time of day, or seconds since the recorded run began. */
  when(t: number, precisely = true): string {
    const { recording } = this.session;
    if (recording) return seconds(t - recording.start, precisely);
    return precisely ? time(t) : shortTime(t);
  }

  toast(text: string): void {
    this.set({ toast: text });
    window.clearTimeout(this.#toastTimer);
    this.#toastTimer = window.setTimeout(() => this.set({ toast: undefined }), 8_000);
  }

  /** The nodes are up (here or elsewhere) and the script has been played. */
  get ready(): boolean {
    return (
      [...this.model.network.nodes.values()].every((node) => node.phase === 'ready' || node.phase === 'elsewhere') &&
      this.model.people.scriptDone() &&
      this.model.people.everyoneTold()
    );
  }

  /**
   * No hop and no action for 300 ms, nothing on the links, every node has handled what it was handed, and the trace has
   * shown what this page did. Silence alone may also mean a slow disk, or a busy machine.
   */
  quiet(now: number): boolean {
    const { recording } = this.session;
    if (recording) return !recording.playing;
    // Nobody knows what happens there.
    if (this.view.trouble?.kind === 'offline') return false;
    for (const [key, { shown, until }] of this.#awaited) if (now > until || shown()) this.#awaited.delete(key);
    const there = now - this.#skew;
    const { model } = this;
    return (
      now - this.#lastRecord > 300 &&
      this.#awaited.size === 0 &&
      model.waiting.inFlight(there, model.paused) === 0 &&
      model.waiting.busy(there) === 0
    );
  }

  get phase(): Phase {
    const { trouble } = this.view;
    if (trouble && trouble.kind !== 'limited') return trouble.kind;
    if ([...this.model.network.nodes.values()].some((node) => node.phase === 'failed')) return 'failed';
    if (!this.started) return 'loading';
    if (this.session.recording) return this.session.recording.playing ? 'playing' : 'paused';
    if (this.model.paused) return 'paused';
    return this.quiet(Date.now()) ? 'quiet' : 'playing';
  }

  #emptyModel(): Model {
    return new Model(this.session.scenario, this.session.recording !== undefined);
  }

  #emptyDisplay(): Display {
    const display = new Display(this.model, this.session.recording !== undefined);
    display.pace = this.preferences.pace;
    return display;
  }

  #await(key: string, shown: () => boolean): void {
    this.#awaited.set(key, { shown, until: Date.now() + awaitMs });
  }

  #noteHops(events: readonly ModelEvent[]): void {
    const last = events.findLast((event) => event.kind === 'hop');
    if (!last) return;
    this.#lastRecord = Date.now();
    this.#skew = Math.min(this.#lastRecord - last.t, 60_000);
  }

  #refresh(): void {
    if (!this.started && this.ready) this.started = true;
    const { thing } = this.view;
    // The selected thing may come and go: a replica and its place are one thing.
    const vacancies = this.model.network.vacancies();
    if (thing?.kind === 'node' && !this.model.network.nodes.has(thing.id)) {
      const place = vacancies.find(({ address }) => address === thing.id);
      this.view = { ...this.view, thing: place && { kind: 'server', id: place.server } };
    } else if (thing?.kind === 'server' && !vacancies.some(({ server }) => server === thing.id)) {
      const replica = [...this.model.network.nodes.values()].find(
        ({ kind, server }) => kind === 'replica' && server === thing.id,
      );
      this.view = { ...this.view, thing: replica && { kind: 'node', id: replica.address } };
    }
    const chosen = this.view.event;
    if (chosen === undefined || !this.model.events.get(chosen)) {
      if (this.family.size > 0) this.family = new Set();
    } else {
      this.family = this.model.events.family(chosen);
    }
  }
}

const preferenceKey = 'netsplit.preferences';

export function loadPreferences(): Preferences {
  const preferences: Preferences = { theme: 'auto', keys: true, pace: 1 };
  try {
    const stored = JSON.parse(localStorage.getItem(preferenceKey) ?? '{}') as Partial<Preferences>;
    return {
      theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'auto',
      keys: stored.keys !== false,
      pace: typeof stored.pace === 'number' && [0, 0.5, 1, 2, 4].includes(stored.pace) ? stored.pace : 1,
    };
  } catch {
    return preferences; // storage refused, or not ours: the defaults are good
  }
}

function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(preferenceKey, JSON.stringify(preferences));
  } catch {
    // private window: the choice lasts until the page closes
  }
}
