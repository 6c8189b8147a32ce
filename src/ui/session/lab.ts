import type { PlainWorkerApi } from '../../host/control.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { VariantId } from '../../scenario/variant-nodes.ts';
import { variantsOf } from '../../scenario/variants.ts';
import type { Deed } from '../../sim/lab.ts';
import type { LabNews, LabRun } from '../../sim/lab-branches.ts';
import type { Action } from './acts.ts';
import { ComparedRun } from './compared-run.ts';
import { labActOf } from './lab-acts.ts';
import type { Branch } from './lab-branch.ts';
import { LabLines } from './lab-lines.ts';
import { LabTelling } from './lab-telling.ts';
import { type LabApi, withLabWorker } from './lab-worker.ts';
import {
  type ActResult,
  type Hearer,
  type LabBranch,
  type LabControls,
  type Recording,
  refuse,
  type Session,
  type SessionListener,
  type TimedAct,
} from './session.ts';
import { readShared, type Shared, writeShared } from './share.ts';

/** Time on the screen from one instant of the run to the next, at pace 1, when it plays event by event. */
const leastMs = 150;
const mostMs = 900;
/** How often a run that plays by its time goes on, in ms. */
const tickMs = 40;
/** A run that is never quiet goes on for so long of its own time. */
const quietMs = 10 * 60_000;
/** The next event is looked for so far: what nodes do of their own, such as to ask whether another is there, is rarer than a minute. */
const nextMs = 10 * 60_000;
/** Nobody waits longer between two acts that were done elsewhere, in ms of the run. */
const gapMs = 10 * 60_000;
/** Somebody who follows another is shown so many events moving; more are jumped over. */
const movingMost = 60;

/**
 * The Lab: the same nodes and rooms as everywhere, on a virtual clock, in one worker. What has happened can be looked at again at any
 * place, as in a recorded run. What is done at the end of it goes on from there, and what is done in the past begins a branch.
 */
export class LabSession implements Session, Recording, LabControls {
  readonly mode = 'lab';
  readonly runsNodes = true;
  readonly joinInfo = [];
  readonly fixed = undefined;
  readonly kept = undefined;
  readonly isLive = false;
  readonly isFixed = false;
  readonly firstOwn = -1;
  readonly violations = [];
  readonly skipped: ReadonlyMap<string, number> = new Map();
  readonly scenario: Scenario;
  readonly seed: number;
  readonly variants: readonly VariantId[];
  /** The scenario does not come with Netsplit. */
  readonly #own: boolean;
  readonly start: number;
  pace = 1;
  #speed: number | undefined;
  readonly #api: LabApi;
  readonly #domains: readonly string[];
  readonly #branches: Branch[] = [];
  readonly #told: LabTelling;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #playing = false;
  /** While it plays: the time of the page when that of the run was shown. */
  #page: number | undefined;
  /** What was asked of the worker: one thing after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #comparison: ComparedRun | undefined;
  #shared: string | undefined;

  /** Settles when everybody is in whom the script sends in. */
  static async open(scenario: Scenario, seed: number, isOwn = false): Promise<LabSession> {
    return withLabWorker(async (api) => {
      const { opening, news } = await api.open(scenario, seed);
      const session = new LabSession(scenario, seed, isOwn, api, opening, news);
      // Its link has the scenario from the beginning.
      if (isOwn) await session.#note();
      return session;
    });
  }

  private constructor(scenario: Scenario, seed: number, isOwn: boolean, api: LabApi, opening: number, news: LabNews) {
    this.scenario = scenario;
    this.seed = seed;
    this.variants = variantsOf(scenario);
    this.#own = isOwn;
    this.#api = api;
    this.#domains = scenario.servers.map(({ domain }) => domain);
    this.start = JSON.parse(news.lines[0] ?? '{"t":0}').t;
    this.#told = new LabTelling(this.#add(0, 'main'), this.start);
    this.#append(news);
    this.#branch.at = this.#branch.lines.placeAfter(opening);
  }

  /** The one that is shown. */
  get #branch(): Branch {
    return this.#told.branch;
  }

  get recording(): Recording {
    return this;
  }

  get plain(): PlainWorkerApi {
    return this.#api;
  }

  get lab(): LabControls {
    return this;
  }

  get label(): string {
    return `seed ${this.seed}`;
  }

  get shared(): string | undefined {
    return this.#shared;
  }

  get deeds(): LabControls['deeds'] {
    const { done, lines } = this.#branch;
    return (done?.deeds ?? []).map(({ line, act }) => ({ place: lines.placeAfter(line), act }));
  }

  get branches(): readonly LabBranch[] {
    return this.#branches.map(({ id, name, lines }) => ({ id, name, length: lines.places.length }));
  }

  get branch(): number {
    return this.#branch.id;
  }

  get isQuiet(): boolean {
    return this.#branch.isQuiet && this.#comparison?.isQuiet !== false;
  }

  get comparison(): ComparedRun | undefined {
    return this.#comparison;
  }

  compare(variant: VariantId | undefined): Promise<void> {
    return this.#ask(async () => {
      this.#append(await this.#api.compare(variant));
      this.#told.moved();
    });
  }

  get isFull(): boolean {
    return this.#branch.isFull;
  }

  get length(): number {
    return this.#told.length;
  }

  get at(): number {
    return this.#told.at;
  }

  get playing(): boolean {
    return this.#playing;
  }

  get ms(): number {
    return this.#told.ms;
  }

  get clock(): number {
    const { start } = this;
    if (this.#speed === undefined || this.#page === undefined) return start + this.ms;
    return start + this.ms + (performance.now() - this.#page) * this.#speed;
  }

  get speed(): number | undefined {
    return this.#speed;
  }

  set speed(speed: number | undefined) {
    if (this.#playing) this.#page = performance.now();
    this.#speed = speed;
    this.#told.byTime = speed !== undefined;
    // What is under way stands where it is at this time, or has been shown.
    this.#told.restart(this.at, false);
    this.#told.moved();
  }

  get seq(): number | undefined {
    return this.#branch.lines.places.eventAt(this.at);
  }

  /** Tells everything until everybody is in. */
  listen(listener: SessionListener): () => void {
    return this.#told.add(listener);
  }

  /** The same from the beginning, with the same seed: all branches are gone. */
  async startOver(): Promise<ActResult> {
    this.#halt();
    return this.#ask(async () => {
      const compared = this.#comparison?.variant.id;
      const { opening, news } = await this.#api.open(this.scenario, this.seed);
      this.#branches.length = 0;
      this.#told.branch = this.#add(0, 'main');
      this.#append(news);
      if (compared !== undefined) this.#append(await this.#api.compare(compared));
      this.#told.restart(this.#branch.lines.placeAfter(opening));
      await this.#note();
      this.#told.moved();
      return { ok: true };
    });
  }

  async act(action: Action): Promise<ActResult> {
    if (action.act === 'pause') {
      if (action.paused) this.pause();
      else this.play();
      return { ok: true };
    }
    const act = labActOf(action, this.scenario);
    if (typeof act === 'string') return refuse(act);
    return this.#ask(async () => {
      const before = this.#branch;
      const began = await this.#beginIfPast();
      const { why, news } = await this.#api.act(act);
      this.#append(news);
      if (why !== undefined) {
        if (began) {
          await this.#show(before.id);
          await this.#drop(this.#branches.at(-1)?.id ?? 0);
        }
        return refuse(why);
      }
      // Whoever follows this page is told of a place together with what was done before it.
      await this.#note();
      this.#told.go(this.length, true);
      this.#told.moved();
      return { ok: true };
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#halt();
    this.#told.end();
  }

  tell(listener: Hearer, from: number | undefined, to: number): void {
    this.#told.between(listener, from, to);
  }

  placeOf(seq: number): number {
    return this.#branch.lines.places.placeOf(seq);
  }

  placeAt(ms: number): number {
    return this.#branch.lines.places.placeAt(this.start + ms);
  }

  /** One step beyond the end makes the next thing happen. */
  seek(at: number): void {
    if (at > this.length) void this.step(at - this.at);
    else {
      this.#halt();
      this.#told.go(Math.max(0, Math.trunc(at) || 0), at === this.at + 1);
      this.#told.moved();
    }
  }

  play(): void {
    if (this.#playing) return;
    this.#playing = true;
    this.#page = performance.now();
    this.#timer = setTimeout(() => void this.#advance());
    this.#told.moved();
  }

  pause(): void {
    this.#halt();
    this.#told.moved();
  }

  ndjson(): Promise<string> {
    return this.#ask(() => this.#api.ndjson());
  }

  async settled(): Promise<void> {
    for (let last: unknown; last !== this.#queue; ) {
      last = this.#queue;
      await last;
    }
  }

  /** Whoever listens next begins at the place that is shown. */
  leaveHere(): void {
    this.#branch.at = this.at;
  }

  step(events: number): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      const to = this.at + events;
      await this.#reach(to);
      this.#told.go(Math.min(this.length, Math.max(0, to)), events === 1);
      this.#told.moved();
    });
  }

  toQuiet(): Promise<void> {
    return this.#onward({ quiet: true, mostMs: quietMs });
  }

  runFor(ms: number): Promise<void> {
    return this.#onward({ ms });
  }

  select(branch: number): Promise<void> {
    this.#halt();
    return this.#ask(() => this.#show(branch));
  }

  begin(name: string, at = this.at): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      this.#told.go(at, false);
      await this.#begin(name);
      this.#told.moved();
    });
  }

  rename(branch: number, name: string): void {
    const one = this.#branches.find(({ id }) => id === branch);
    if (one === undefined || name.trim() === '') return;
    one.name = name.trim().slice(0, 60);
    this.#told.moved();
  }

  remove(branch: number): Promise<void> {
    return this.#ask(() => this.#drop(branch));
  }

  // ---- the worker ----

  #ask<T>(what: () => Promise<T>): Promise<T> {
    const asked = this.#queue.then(what);
    this.#queue = asked.catch(() => undefined);
    return asked;
  }

  async #run(how: LabRun): Promise<void> {
    this.#append(await this.#api.run(how));
  }

  /** The run goes on until it has a place, or nothing more happens. */
  async #reach(place: number): Promise<void> {
    while (place > this.length && !this.isFull) {
      const before = this.length;
      await this.#run({ lines: 1, mostMs: nextMs });
      if (this.length === before) break;
    }
  }

  /** From the place that is shown to the end of what has happened, and on from there. */
  #onward(how: LabRun): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      const place = 'ms' in how && !this.#told.atEnd ? this.ms + how.ms : undefined;
      const { now } = this.#branch;
      // What has happened already is not made to happen again.
      if (place !== undefined && place <= now - this.start) this.#told.go(this.placeAt(place), false, place);
      else {
        await this.#run(place === undefined ? how : { ms: place - (now - this.start) });
        await this.#note();
        this.#told.go(this.length, this.#speed !== undefined);
      }
      this.#told.moved();
    });
  }

  /** What the link of this moment says. */
  async #note(): Promise<void> {
    const { done, until } = await this.#api.done();
    this.#branch.done = { ...done, until, lines: until.lines };
    const all = this.#branches.flatMap(({ name, done }) => (done ? [{ name, ...done }] : []));
    const shown = all.findIndex((_, i) => this.#branches.filter(({ done }) => done)[i] === this.#branch);
    const isNew = all.length < 2 && done.opened && done.deeds.length === 0;
    const scenario = this.#own ? { scenario: this.scenario } : {};
    this.#shared =
      isNew && !this.#own ? undefined : await writeShared({ branches: all, shown, ...scenario }, this.start);
  }

  /**
   * Does again what a link says.
   *
   * @returns what is different here; undefined if nothing is
   */
  async restore(shared: Shared): Promise<string | undefined> {
    return this.#ask(async () => {
      const different = await this.#load(shared);
      this.#told.restart(this.length);
      await this.#note();
      this.#told.moved();
      return different;
    });
  }

  /** In the place of all branches. @returns what is different here */
  async #load({ branches, shown }: Shared): Promise<string | undefined> {
    let different: string | undefined;
    const old = this.#branches.map(({ id }) => id);
    const ids: number[] = [];
    for (const { name, deeds, opened, until, lines } of branches) {
      const { branch: id, news } = await this.#api.load({ deeds, opened }, { ...until, t: until.t as Deed['at'] });
      this.#told.branch = this.#add(id, name);
      this.#append(news);
      this.#branch.at = this.length;
      const { done } = await this.#api.done();
      this.#branch.done = { ...done, until, lines };
      ids.push(id);
      if (this.#branch.lines.last !== lines)
        different = 'This link was made with another version of Netsplit: what happens is not all the same here.';
    }
    await this.#show(ids[shown] ?? 0);
    for (const id of old) await this.#drop(id);
    return different;
  }

  follow(shared: string | undefined, at: number): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      if (shared !== undefined && shared !== this.#shared) {
        const from = this.at;
        await this.#load(await readShared(shared, this.start));
        this.#told.restart(Math.min(from, this.length));
        await this.#note();
        // What this browser makes of it may be written in other words: what was given is what is known.
        this.#shared = shared;
      }
      await this.#reach(at);
      this.#told.go(Math.min(this.length, at), at > this.at && at - this.at <= movingMost);
      this.#told.moved();
    });
  }

  /**
   * Does what was done elsewhere, with as much time between two acts as there was.
   *
   * @returns what cannot be done here; undefined if all can
   */
  async perform(acts: readonly TimedAct[]): Promise<string | undefined> {
    if (acts.length === 0) return undefined;
    this.#told.go(this.#branch.at, false);
    const refused: string[] = [];
    for (const [i, { t, action }] of acts.entries()) {
      if (i > 0) await this.runFor(Math.min(Math.max(0, t - (acts[i - 1]?.t ?? t)), gapMs));
      const result = action.act === 'pause' ? undefined : await this.act(action);
      if (result?.ok === false) refused.push(`${action.act}: ${result.error}`);
    }
    await this.toQuiet();
    this.#branch.at = this.at;
    const [first] = refused;
    return first && `${refused.length} of ${acts.length} acts cannot be done here. The first: ${first}`;
  }

  #append(news: LabNews): void {
    const { now, isQuiet, isFull, comparison } = news;
    this.#branch.lines.append(news);
    Object.assign(this.#branch, { now, isQuiet, isFull });
    this.#comparison = ComparedRun.after(this.#comparison, comparison, this.scenario);
  }

  #add(id: number, name: string, lines = new LabLines(this.#domains)): Branch {
    const branch = { id, name, lines, now: this.start, isQuiet: true, isFull: false, at: 0, done: undefined };
    this.#branches.push(branch);
    return branch;
  }

  /** @returns whether what is about to be done is done in the past */
  async #beginIfPast(): Promise<boolean> {
    if (this.#told.atEnd) return false;
    await this.#begin(`branch ${this.#branches.length}`);
    return true;
  }

  async #begin(name: string): Promise<void> {
    const from = this.#branch;
    from.at = this.at;
    const { branch: id, lines, news } = await this.#api.branch(this.#told.lastLine);
    this.#told.branch = this.#add(id, name, from.lines.until(lines));
    this.#append(news);
    this.#told.restart(this.length);
  }

  async #show(id: number): Promise<void> {
    const branch = this.#branches.find((one) => one.id === id);
    if (branch === undefined) throw new RangeError(`there is no branch ${id}`);
    if (branch === this.#branch) return;
    this.#branch.at = this.at;
    const news = await this.#api.select(id);
    this.#told.branch = branch;
    this.#append(news);
    this.#told.restart(branch.at);
    this.#told.moved();
  }

  async #drop(id: number): Promise<void> {
    if (id === this.#branch.id) throw new RangeError('the branch that is shown stays');
    const i = this.#branches.findIndex((one) => one.id === id);
    if (i < 0) throw new RangeError(`there is no branch ${id}`);
    await this.#api.remove(id);
    this.#branches.splice(i, 1);
    this.#told.moved();
  }

  // ---- what is told ----

  async #advance(): Promise<void> {
    if (!this.#playing) return;
    const went = this.speed === undefined ? await this.#nextInstant() : await this.#nextTick(this.speed);
    if (!this.#playing) return;
    if (went === undefined) this.#halt();
    else this.#timer = setTimeout(() => void this.#advance(), went);
    this.#told.moved();
  }

  /** Tells everything of the next instant together. @returns how long it is shown; undefined: nothing more happens */
  #nextInstant(): Promise<number | undefined> {
    return this.#ask(async () => {
      if (this.#told.atEnd && !this.#branch.isQuiet) await this.#run({ lines: 1, mostMs: nextMs });
      // Only what it is compared with goes on.
      else if (this.#told.atEnd && !this.isQuiet) {
        await this.#run({ quiet: true, mostMs: quietMs });
        this.#told.go(this.length, true);
        return undefined;
      }
      if (!this.#playing || this.#told.atEnd) return undefined;
      const { places } = this.#branch.lines;
      const timeOf = (place: number) => places.timeOf(place) ?? this.start;
      const t = timeOf(this.at + 1);
      const instant = () => {
        let to = this.at + 1;
        while (to < this.length && timeOf(to + 1) === t) to++;
        return to;
      };
      // More may happen at that instant.
      if (instant() === this.length && this.#branch.now <= t) await this.#run({ ms: 0 });
      const to = instant();
      this.#told.go(to, true);
      const then = to < this.length ? timeOf(to + 1) : t + mostMs;
      return Math.min(mostMs, Math.max(leastMs, then - t)) * Math.max(this.pace, 0.25);
    });
  }

  #nextTick(speed: number): Promise<number | undefined> {
    return this.#ask(async () => {
      const page = performance.now();
      // A page that was not shown goes on where it was.
      const target = this.ms + Math.min(page - (this.#page ?? page), 1_000) * speed;
      this.#page = page;
      const ahead = target - (this.#branch.now - this.start);
      if (ahead > 0) await this.#run({ ms: ahead });
      if (!this.#playing || this.isFull) return undefined;
      this.#told.go(Math.max(this.placeAt(target), this.at), true, target);
      return tickMs;
    });
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#playing = false;
    this.#page = undefined;
  }
}
