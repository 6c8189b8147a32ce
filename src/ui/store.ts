import type { Acted } from '../host/control.ts';
import type { Lesson } from '../lessons/lesson.ts';
import type { VariantId } from '../scenario/variant-nodes.ts';
import { Baseline, isSame } from './baseline.ts';
import { Checkpoints } from './checkpoints.ts';
import { type ComparedMessage, Comparison } from './comparison.ts';
import { effectOf } from './effects.ts';
import type { MessageCost } from './fold/costs.ts';
import type { ModelEvent } from './fold/event.ts';
import { linkKey } from './fold/links.ts';
import type { Model } from './fold/model.ts';
import { OwnIds } from './fold/own-ids.ts';
import type { LessonGuide } from './lesson/guide.ts';
import { type Motion, Picture } from './picture.ts';
import { type Preferences, savePreferences } from './preferences.ts';
import type { Action } from './session/acts.ts';
import type { Known } from './session/kinds.ts';
import { Recorder } from './session/recorder.ts';
import { type ActResult, refuse, type Session, type TimedAct } from './session/session.ts';
import type { News } from './trace/records.ts';
import type { Trace } from './trace/trace.ts';
import type { Phase, Tab, Thing, View } from './view.ts';
import { seconds, shortTime, time } from './words.ts';

/** What is known beside a session. */
export interface Beside {
  /** Of the network, where there are several side by side. */
  readonly instance?: string;
  /** Why there are no live rooms; absent if there may be. */
  readonly offline?: string | undefined;
  readonly baseline?: Baseline;
}

/** Longest that what happened waits to be shown where nothing moves: while the nodes start, and later; in ms. */
const startingMs = 250;
const togetherMs = 40;
/** Pictures to go back to are made for so long at a time, and nothing for so long between two times, in ms. */
const workMs = 8;
const keepMs = 20;
/** What the picture is behind by is folded in slices of so many. */
const slice = 100;
/** What the trace has not shown by then it will never show: a connection was lost. */
const awaitMs = 10_000;

/** What the page is showing: the model of the session, and what the person selected. The views re-render on `changed`. */
export class Store {
  readonly session: Session;
  /** Of the network, where there are several side by side. */
  readonly instance: string;
  /** Why there are no live rooms; undefined if there may be. */
  readonly offline: string | undefined;
  /** Another one where what is told is not what was told before. */
  baseline: Baseline;
  /** Of a live session: what it has recorded. */
  readonly recorder: Recorder | undefined;
  /** A new one when a recording goes back. */
  picture: Picture;
  /** Why nothing can be done here while another page leads this one. */
  led: string | undefined;
  readonly scenarios: readonly { readonly id: string; readonly title: string }[];
  view: View;
  preferences: Preferences;
  /** Events with the same first cause as the selected one. */
  family: ReadonlySet<number> = new Set();
  started = false;
  /** In the Lab: the lesson that is told beside the picture. */
  lesson: LessonGuide | undefined;
  readonly #checkpoints = new Checkpoints(
    () => this.#emptyPicture(),
    (picture, from, to) => this.#tellPicture(picture, from, to),
  );
  /** Of a recording: the place that the picture is a picture of; undefined while it is told. */
  #place: number | undefined;
  #checkpointTimer: ReturnType<typeof setTimeout> | undefined;
  #comparison: Comparison | undefined;
  /** The protocol with which it was compared last. */
  #variant: VariantId | undefined;
  readonly #listeners = new Set<() => void>();
  /** The place in the trace up to which nothing is under way any more. */
  #settled = 0;
  readonly #ownsBaseline: boolean;
  readonly #offRecords: () => void;
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
  #pictureTimer: ReturnType<typeof setTimeout> | undefined;
  #queued = false;
  #laterTimer: ReturnType<typeof setTimeout> | undefined;
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
  /** Called when a person wants the Lab to begin with what was done here. */
  onLab: (acts: readonly TimedAct[]) => void = () => {};
  /** Called when a person wants that pages of students follow this one. */
  onTeach: () => void = () => {};
  /** Called when a person goes to a step of a lesson that begins in another run. */
  onLesson: (lesson: Lesson, step: number, isBuiltIn: boolean) => void = () => {};
  /** Called when a person wants to see the record of a live session, or the session again. */
  onRewind: () => void = () => {};

  /** @param beside  what is known beside the session; of a live session whose record is shown the plain rooms are the same */
  constructor(session: Session, scenarios: Store['scenarios'], preferences: Preferences, beside: Beside = {}) {
    this.session = session;
    this.instance = beside.instance ?? '';
    this.offline = beside.offline;
    this.scenarios = scenarios;
    this.preferences = preferences;
    // A run that is over has nothing to start.
    this.started = session.recording !== undefined;
    this.picture = this.#emptyPicture();
    this.recorder = session.mode === 'live' ? new Recorder(session.scenario) : undefined;
    this.baseline = beside.baseline ?? this.#newBaseline();
    this.#ownsBaseline = beside.baseline === undefined;
    this.view = {
      tab: 'log',
      region: 'topology',
      filter: '',
      hidden: new Set(['iq', 'append', 'ping']),
      collapsed: new Set(),
      opened: new Set(),
      event: undefined,
      thing: undefined,
      inspect: 'stanza',
      speaker: this.fixed === undefined ? (session.scenario.occupants[0]?.jid ?? '') : '',
      menu: undefined,
      trouble: undefined,
      toast: undefined,
      presenting: undefined,
      drawer: false,
      said: '',
    };
    this.#offRecords = session.listen({
      records: (batch, past = false) => this.#take(batch, past),
      restart: (other, place) => {
        if (other || place === undefined) this.#checkpoints.clear();
        else this.#leave();
        const kept = place === undefined ? undefined : this.#checkpoints.take(place);
        this.picture = kept?.picture ?? this.#emptyPicture();
        this.#set(this.picture);
        if (!other) return kept?.place;
        this.baseline.stop();
        this.baseline = this.#newBaseline();
        this.#settled = 0;
      },
      keptBefore: (place) => this.#checkpoints.nearest(place),
      moved: () => {
        this.#place = session.recording?.at;
        this.#keepPlaces();
        this.#advance();
        this.changed();
      },
      node: (progress, past) => this.#take([{ kind: 'node', progress }], past),
      occupant: (progress, past) => this.#take([{ kind: 'occupant', progress }], past),
      sent: (stream, n) => this.#await(`${stream} ${n}`, () => this.told.taken({ stream, n }) !== undefined),
      trouble: (trouble) => this.set({ trouble }),
    });
    if (session.recording) {
      session.recording.pace = preferences.pace;
      if (this.#ownsBaseline) this.baseline.enter(this.told);
    }
  }

  /** The Lab goes on without its lesson. */
  closeLesson(): void {
    this.lesson?.close();
    this.lesson = undefined;
    this.set(this.view.region === 'lesson' ? { region: 'topology' } : {});
  }

  close(): void {
    this.lesson?.close();
    this.#offRecords();
    clearTimeout(this.#pictureTimer);
    clearTimeout(this.#checkpointTimer);
    clearTimeout(this.#laterTimer);
    if (this.#ownsBaseline) this.baseline.stop();
  }

  /** What the picture and all other views show: a stanza counts there when its token has arrived. */
  get model(): Model {
    return this.picture.seen;
  }

  /** All that the page was told. */
  get told(): Model {
    return this.picture.told;
  }

  /** The views show all that the page was told. */
  get isAtRest(): boolean {
    return this.#stands || this.picture.isAtRest(this.now);
  }

  /** Why nothing in what is shown can be changed; undefined if it can. */
  get fixed(): string | undefined {
    return this.led ?? this.session.recording?.fixed;
  }

  /** The clock of the picture, in ms: the page's; or that of the run, where it plays by time. */
  get now(): number {
    const { lab } = this.session;
    return lab?.speed === undefined ? Date.now() : lab.clock;
  }

  /** The clock of the picture stands still, and what is under way with it. */
  get #stands(): boolean {
    const { lab, recording } = this.session;
    return lab?.speed !== undefined && recording?.playing !== true;
  }

  /** Whether what is under way moves. */
  get moves(): boolean {
    return !this.#stands;
  }

  /** Calls back once a frame at most, after anything changed. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    if (this.#queued) return;
    this.#queued = true;
    clearTimeout(this.#laterTimer);
    this.#laterTimer = undefined;
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

  /** The trace goes on. Where nothing moves, a moment is waited for what comes with it: to draw the page for each costs more. */
  #wentOn(): void {
    if (this.started ? this.picture.motion === 'moving' : this.ready) return this.changed();
    if (this.#queued) return;
    this.#laterTimer ??= setTimeout(() => this.changed(), this.started ? togetherMs : startingMs);
  }

  /** What waits to be shown is shown with the next frame. */
  flush(): void {
    if (this.#laterTimer !== undefined) this.changed();
  }

  set(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    this.changed();
  }

  prefer(change: Partial<Preferences>): void {
    this.preferences = { ...this.preferences, ...change };
    this.#set(this.picture);
    if (this.session.recording) this.session.recording.pace = this.preferences.pace;
    savePreferences(this.preferences);
    this.changed();
  }

  /** Begins or ends presenter mode, or changes its size. */
  present(scale: number | undefined): void {
    const began = this.view.presenting === undefined;
    this.set({ presenting: scale, ...(began ? { drawer: false } : {}) });
    if (scale !== undefined) this.prefer({ scale });
  }

  /** Factor on the type. There is no presenter mode on a phone. */
  get scale(): number {
    return innerWidth < 768 ? 1 : (this.view.presenting ?? 100) / 100;
  }

  /** Shows or leaves out a kind in the log and the space-time view. */
  toggleKind(kind: string): void {
    const hidden = new Set(this.view.hidden);
    if (!hidden.delete(kind)) hidden.add(kind);
    this.set({ hidden });
  }

  /** Goes on where another session of the same network was looked at: what is chosen stays so. */
  takeOver({ view, preferences }: Store): void {
    const { tab, region, filter, hidden, opened, event, thing, inspect, presenting, drawer } = view;
    this.preferences = preferences;
    if (this.session.recording) this.session.recording.pace = preferences.pace;
    this.set({ tab, region, filter, hidden, opened, event, thing, inspect, presenting, drawer });
  }

  /** Shows a tab of the panel. In presenter mode the panel opens for it, and closes if it shows that tab already. */
  open(tab: Tab): void {
    this.set({ tab, drawer: !(this.view.drawer && this.view.tab === tab) });
  }

  /** One that is not here is said to be so. */
  select(event: number | undefined): void {
    this.set({ event, ...(event === undefined ? {} : { inspect: 'stanza' as const }) });
  }

  /** Goes to a place in a recording, and selects the event that happens there. */
  seek(at: number): void {
    const { recording } = this.session;
    // A step forward does not wait for the one before.
    this.picture.arrive();
    recording?.seek(at);
    this.select(recording?.seq);
  }

  /** Selects an event; a recording also goes to the moment when it happens. */
  reveal(event: number): void {
    const { recording } = this.session;
    if (recording && this.led === undefined) this.seek(recording.placeOf(event));
    this.select(event);
  }

  /** In the Lab: goes on until nothing is under way. */
  toQuiet(): void {
    this.set({ event: undefined });
    void this.session.lab?.toQuiet();
  }

  /** The run in another protocol, at the time that is shown; undefined: this one is compared with none. */
  get comparison(): Comparison | undefined {
    const { lab, recording } = this.session;
    const run = lab?.comparison;
    if (run === undefined || recording === undefined) return undefined;
    if (this.#comparison?.run !== run) this.#comparison = new Comparison(run, recording.start);
    this.#comparison.seek(recording.ms);
    return this.#comparison;
  }

  /** The messages of this run, each beside the same message in the other one. */
  compared(comparison: Comparison, { costs }: Model): readonly ComparedMessage[] {
    const { lab, recording } = this.session;
    return comparison.messages(costs.messages, lab?.isQuiet === true && recording?.at === recording?.length);
  }

  /** In the Lab: compares with the run in another protocol. */
  async compare(variant: VariantId | undefined): Promise<void> {
    this.#variant = variant ?? this.#variant;
    await this.session.lab?.compare(variant);
  }

  /** Compares as it did last, or no more. */
  toggleComparison(): void {
    const { variants = [], comparison } = this.session.lab ?? {};
    const [first] = variants;
    if (first === undefined) this.toast('Nobody is on another server, so this scenario is the same in every protocol.');
    else void this.compare(comparison ? undefined : (this.#variant ?? first));
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
    const result = this.led === undefined ? await this.perform(action) : refuse(this.led);
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
    if (result.ok) this.recorder?.did(action, this.#lastRecord);
    // Where stanzas were sent, they are awaited already.
    if (!result.ok || result.sent !== undefined) return result;
    // The last one counts: what a link was for a moment, the trace may tell together with what came next.
    const about = 'link' in action ? linkKey(...action.link) : 'node' in action ? action.node : action.act;
    this.#await(about, effectOf(this.told, action).shown);
    return result;
  }

  /** Whether a message has the same recipients as in a plain room; undefined while it is under way, or if nobody knows. */
  sameDeliveries(cost: MessageCost): boolean | undefined {
    const plain = this.baseline.of(cost);
    if (plain === undefined) return undefined;
    const { recording } = this.session;
    const isOver = recording ? recording.at === recording.length : cost.id < this.#settled;
    return isSame(cost, plain) || (isOver ? false : undefined);
  }

  /** Everything so far has come to its end, on the screen, too. */
  settle(): void {
    const settled = this.told.events.mark();
    if (settled === this.#settled || !this.isAtRest || !this.quiet(Date.now())) return;
    this.#settled = settled;
    this.changed();
  }

  /** What an act may name by now. */
  get known(): Known {
    const { scenario, joinInfo } = this.session;
    const { network, people } = this.told;
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
    if (recording && !recording.isLive) return seconds(t - recording.start, precisely);
    return precisely ? time(t) : shortTime(t);
  }

  /** Puts a link into the clipboard. */
  async copy(link: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(link);
      this.toast(`The link is copied: ${link.length.toLocaleString('en')} characters.`);
    } catch {
      this.toast('The browser does not let this page copy: copy the address of the page instead.');
    }
  }

  toast(text: string): void {
    this.set({ toast: text });
    window.clearTimeout(this.#toastTimer);
    this.#toastTimer = window.setTimeout(() => this.set({ toast: undefined }), 8_000);
  }

  /** The nodes are up (here or elsewhere) and the script has been played. */
  get ready(): boolean {
    return (
      [...this.told.network.nodes.values()].every((node) => node.phase === 'ready' || node.phase === 'elsewhere') &&
      this.told.people.scriptDone() &&
      this.told.people.everyoneTold()
    );
  }

  /**
   * No hop and no action for 300 ms, nothing on the links, every node has handled what it was handed, and the trace has
   * shown what this page did. Silence alone may also mean a slow disk, or a busy machine.
   */
  quiet(now: number): boolean {
    const { recording } = this.session;
    if (recording) return !recording.playing && this.baseline.isReady;
    // Nobody knows what happens there.
    if (this.view.trouble?.kind === 'offline') return false;
    for (const [key, { shown, until }] of this.#awaited) if (now > until || shown()) this.#awaited.delete(key);
    const there = now - this.#skew;
    const { told } = this;
    return (
      now - this.#lastRecord > 300 &&
      this.#awaited.size === 0 &&
      this.baseline.isReady &&
      told.waiting.inFlight(there, told.paused) === 0 &&
      told.waiting.busy(there) === 0
    );
  }

  get phase(): Phase {
    const { trouble } = this.view;
    if (trouble && trouble.kind !== 'limited') return trouble.kind;
    if (this.session.mode === 'live' && this.told.network.away().length > 0) return 'offline';
    if ([...this.told.network.nodes.values()].some((node) => node.phase === 'failed')) return 'failed';
    if (!this.started) return 'loading';
    if (this.session.recording) return this.session.recording.playing ? 'playing' : 'paused';
    if (this.told.paused) return 'paused';
    return this.quiet(Date.now()) ? 'quiet' : 'playing';
  }

  #newBaseline(): Baseline {
    return new Baseline(this.session.scenario, () => this.changed(), this.session.plain);
  }

  /** What happens from one place of a recording to a later one, in a picture that is not shown. */
  #tellPicture(picture: Picture, from: number | undefined, to: number): void {
    const take = (news: News) => void picture.take(news, 0, true);
    this.session.recording?.tell(
      {
        records: (batch) => batch.forEach(take),
        node: (progress) => take({ kind: 'node', progress }),
        occupant: (progress) => take({ kind: 'occupant', progress }),
      },
      from,
      to,
    );
    picture.catchUp();
    picture.seen.sentences = [];
    picture.seen.refusals.untold = [];
  }

  /** Keeps the picture, before another place is shown. */
  #leave(): void {
    if (this.#place === undefined) return;
    this.picture.arrive();
    this.#checkpoints.leave(this.#place, this.picture);
    this.#place = undefined;
  }

  /** Makes the pictures to go back to, a little at a time while nothing plays. */
  #keepPlaces(): void {
    const { recording } = this.session;
    if (!recording || this.#checkpointTimer !== undefined) return;
    const work = () => this.picture.catchUp(slice) || this.#checkpoints.work(recording.length);
    this.#checkpointTimer = setTimeout(() => {
      this.#checkpointTimer = undefined;
      if (recording.playing) return;
      const until = performance.now() + workMs;
      while (work()) if (performance.now() > until) return this.#keepPlaces();
    }, keepMs);
  }

  #emptyPicture(): Picture {
    const { scenario, recording } = this.session;
    const picture = recording
      ? new Picture(scenario, true, new OwnIds(recording.firstOwn), recording.isFixed)
      : new Picture(scenario);
    this.#set(picture);
    return picture;
  }

  #set(picture: Picture): void {
    picture.exact = this.session.lab?.speed !== undefined;
    picture.pace = this.preferences.pace;
    picture.motion = this.#motion;
  }

  /** Nothing moves while the nodes start and people enter, nor where nobody looks. */
  get #motion(): Motion {
    if (!this.started || this.preferences.pace === 0 || document.visibilityState !== 'visible') return 'none';
    return this.#reducedMotion.matches ? 'standing' : 'moving';
  }

  #take(batch: readonly News[], past = false): void {
    this.#set(this.picture);
    this.#place = undefined;
    const { recording } = this.session;
    // A step forward does not wait for the one before.
    if (recording?.playing === false && !this.picture.exact) this.picture.arrive();
    const { now } = this;
    const fresh = batch.flatMap((news) => {
      const events = this.picture.take(news, now, past);
      this.recorder?.take(
        news,
        events.map(({ id }) => id),
      );
      return events;
    });
    if (this.#ownsBaseline) this.baseline.take(batch, this.told);
    // What a live network does next is told in no time.
    if (past && !recording) this.picture.catchUp();
    if (past) {
      this.model.sentences = [];
      this.model.refusals.untold = [];
    } else {
      this.#noteHops(fresh);
      this.onEvents(fresh);
    }
    this.#advance();
    this.#wentOn();
  }

  /** Shows what is due by now, and comes back for the rest. */
  #advance(): void {
    clearTimeout(this.#pictureTimer);
    const { now } = this;
    if (this.picture.advance(now)) this.changed();
    const next = this.picture.next(now);
    if (next === undefined || this.#stands) return;
    this.#pictureTimer = setTimeout(() => this.#advance(), (next - now) / (this.session.lab?.speed ?? 1));
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
    if (!this.started && this.ready) {
      this.started = true;
      this.baseline.enter(this.told);
    }
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
    if (chosen === undefined || !this.told.events.get(chosen)) {
      if (this.family.size > 0) this.family = new Set();
    } else {
      this.family = this.told.events.family(chosen);
    }
  }
}
