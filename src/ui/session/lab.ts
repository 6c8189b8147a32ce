import * as Comlink from 'comlink';
import type { PlainWorkerApi } from '../../host/control.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { VariantId } from '../../scenario/variant-nodes.ts';
import { variantsOf } from '../../scenario/variants.ts';
import type { Deed, PlacedDone } from '../../sim/lab.ts';
import type { LabNews, LabRun, LabWorkerApi } from '../../sim/lab-branches.ts';
import type { Action } from './acts.ts';
import { ComparedRun } from './compared-run.ts';
import { labActOf } from './lab-acts.ts';
import { LabLines } from './lab-lines.ts';
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
import { type Shared, type SharedBranch, writeShared } from './share.ts';
import { tellAll } from './tell.ts';

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
/** Among so many lines before a place those are looked for that tell of what is under way there. */
const underWayMost = 2_000;

type LabApi = Comlink.Remote<LabWorkerApi & PlainWorkerApi>;

/** The one worker of all sessions of this page: once it is loaded, the Lab needs no network. */
let shared: { readonly api: LabApi; readonly failed: Promise<never> } | undefined;

function startWorker(): NonNullable<typeof shared> {
  const worker = new Worker(new URL('../../worker/lab.worker.ts', import.meta.url), { type: 'module', name: 'lab' });
  const failed = new Promise<never>((_, reject) =>
    worker.addEventListener('error', ({ message }) => reject(new Error(`the Lab’s worker: ${message}`))),
  );
  failed.catch(() => undefined);
  return { api: Comlink.wrap(worker), failed };
}

/** A branch as the page knows it. */
interface Branch {
  readonly id: number;
  name: string;
  readonly lines: LabLines;
  /** Where the world stands, in milliseconds since 1970. */
  now: number;
  isQuiet: boolean;
  isFull: boolean;
  /** The place at which it was left. */
  at: number;
  /** What was done on it, and where it is. */
  done: (PlacedDone & Omit<SharedBranch, 'name' | 'deeds'>) | undefined;
}

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
  readonly #listeners = new Set<SessionListener>();
  readonly #branches: Branch[] = [];
  #branch: Branch;
  #at = 0;
  /** Lines that were told. */
  #lines = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #playing = false;
  /** The time of the run that is shown, in ms since it began; and while it plays, that of the page then. */
  #ms = 0;
  #page: number | undefined;
  /** What was asked of the worker: one thing after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #comparison: ComparedRun | undefined;
  #shared: string | undefined;

  /** Settles when everybody is in whom the script sends in. */
  static async open(scenario: Scenario, seed: number, isOwn = false): Promise<LabSession> {
    shared ??= startWorker();
    const { api, failed } = shared;
    try {
      const { opening, news } = await Promise.race([api.open(scenario, seed), failed]);
      const session = new LabSession(scenario, seed, isOwn, api, opening, news);
      // Its link has the scenario from the beginning.
      if (isOwn) await session.#note();
      return session;
    } catch (error) {
      shared = undefined;
      throw error;
    }
  }

  private constructor(scenario: Scenario, seed: number, isOwn: boolean, api: LabApi, opening: number, news: LabNews) {
    this.scenario = scenario;
    this.seed = seed;
    this.variants = variantsOf(scenario);
    this.#own = isOwn;
    this.#api = api;
    this.#domains = scenario.servers.map(({ domain }) => domain);
    this.start = JSON.parse(news.lines[0] ?? '{"t":0}').t;
    this.#branch = this.#add(0, 'main');
    this.#append(news);
    this.#branch.at = this.#branch.lines.placeAfter(opening);
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
      this.#moved();
    });
  }

  get isFull(): boolean {
    return this.#branch.isFull;
  }

  get length(): number {
    return this.#branch.lines.places.length;
  }

  get at(): number {
    return this.#at;
  }

  get playing(): boolean {
    return this.#playing;
  }

  get ms(): number {
    return this.#ms;
  }

  get clock(): number {
    const { start } = this;
    if (this.#speed === undefined || this.#page === undefined) return start + this.#ms;
    return start + this.#ms + (performance.now() - this.#page) * this.#speed;
  }

  get speed(): number | undefined {
    return this.#speed;
  }

  set speed(speed: number | undefined) {
    if (this.#playing) this.#page = performance.now();
    this.#speed = speed;
    // What is under way stands where it is at this time, or has been shown.
    this.#restart(this.#at, false);
    this.#moved();
  }

  get seq(): number | undefined {
    return this.#branch.lines.places.eventAt(this.#at);
  }

  /** Tells everything until everybody is in. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    // It is told everything from the beginning.
    [this.#at, this.#lines] = [0, 0];
    this.#go(this.#branch.at, false);
    return () => this.#listeners.delete(listener);
  }

  /** The same from the beginning, with the same seed: all branches are gone. */
  async startOver(): Promise<ActResult> {
    this.#halt();
    return this.#ask(async () => {
      const compared = this.#comparison?.variant.id;
      const { opening, news } = await this.#api.open(this.scenario, this.seed);
      this.#branches.length = 0;
      this.#branch = this.#add(0, 'main');
      this.#append(news);
      if (compared !== undefined) this.#append(await this.#api.compare(compared));
      this.#restart(this.#branch.lines.placeAfter(opening));
      await this.#note();
      this.#moved();
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
      this.#go(this.length, true);
      await this.#note();
      this.#moved();
      return { ok: true };
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#halt();
    this.#listeners.clear();
  }

  placeOf(seq: number): number {
    return this.#branch.lines.places.placeOf(seq);
  }

  placeAt(ms: number): number {
    return this.#branch.lines.places.placeAt(this.start + ms);
  }

  /** One step beyond the end makes the next thing happen. */
  seek(at: number): void {
    if (at > this.length) void this.step(at - this.#at);
    else {
      this.#halt();
      this.#go(Math.max(0, Math.trunc(at) || 0), at === this.#at + 1);
      this.#moved();
    }
  }

  play(): void {
    if (this.#playing) return;
    this.#playing = true;
    this.#page = performance.now();
    this.#timer = setTimeout(() => void this.#advance());
    this.#moved();
  }

  pause(): void {
    this.#halt();
    this.#moved();
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
    this.#branch.at = this.#at;
  }

  step(events: number): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      const to = this.#at + events;
      while (to > this.length && !this.isFull) {
        const before = this.length;
        await this.#run({ lines: 1, mostMs: nextMs });
        if (this.length === before) break;
      }
      this.#go(Math.min(this.length, Math.max(0, to)), events === 1);
      this.#moved();
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

  begin(name: string, at = this.#at): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      this.#go(at, false);
      await this.#begin(name);
      this.#moved();
    });
  }

  rename(branch: number, name: string): void {
    const one = this.#branches.find(({ id }) => id === branch);
    if (one === undefined || name.trim() === '') return;
    one.name = name.trim().slice(0, 60);
    this.#moved();
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

  /** From the place that is shown to the end of what has happened, and on from there. */
  #onward(how: LabRun): Promise<void> {
    this.#halt();
    return this.#ask(async () => {
      const place = 'ms' in how && this.#at < this.length ? this.ms + how.ms : undefined;
      const { now } = this.#branch;
      // What has happened already is not made to happen again.
      if (place !== undefined && place <= now - this.start) this.#go(this.placeAt(place), false, place);
      else {
        await this.#run(place === undefined ? how : { ms: place - (now - this.start) });
        this.#go(this.length, this.#speed !== undefined);
        await this.#note();
      }
      this.#moved();
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
  async restore({ branches, shown }: Shared): Promise<string | undefined> {
    return this.#ask(async () => {
      let different: string | undefined;
      const ids: number[] = [];
      for (const { name, deeds, opened, until, lines } of branches) {
        const { branch: id, news } = await this.#api.load({ deeds, opened }, { ...until, t: until.t as Deed['at'] });
        this.#branch = this.#add(id, name);
        this.#append(news);
        this.#branch.at = this.length;
        const { done } = await this.#api.done();
        this.#branch.done = { ...done, until, lines };
        ids.push(id);
        if (this.#branch.lines.last !== lines)
          different = 'This link was made with another version of Netsplit: what happens is not all the same here.';
      }
      await this.#show(ids[shown] ?? 0);
      await this.#drop(0);
      this.#restart(this.length);
      await this.#note();
      this.#moved();
      return different;
    });
  }

  /**
   * Does what was done elsewhere, with as much time between two acts as there was.
   *
   * @returns what cannot be done here; undefined if all can
   */
  async perform(acts: readonly TimedAct[]): Promise<string | undefined> {
    if (acts.length === 0) return undefined;
    this.#go(this.#branch.at, false);
    const refused: string[] = [];
    for (const [i, { t, action }] of acts.entries()) {
      if (i > 0) await this.runFor(Math.min(Math.max(0, t - (acts[i - 1]?.t ?? t)), gapMs));
      const result = action.act === 'pause' ? undefined : await this.act(action);
      if (result?.ok === false) refused.push(`${action.act}: ${result.error}`);
    }
    await this.toQuiet();
    this.#branch.at = this.#at;
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
    if (this.#at === this.length) return false;
    await this.#begin(`branch ${this.#branches.length}`);
    return true;
  }

  async #begin(name: string): Promise<void> {
    const from = this.#branch;
    from.at = this.#at;
    const { branch: id, lines, news } = await this.#api.branch(from.lines.lastOf(this.#lines));
    this.#branch = this.#add(id, name, from.lines.until(lines));
    this.#append(news);
    this.#restart(this.length);
  }

  async #show(id: number): Promise<void> {
    const branch = this.#branches.find((one) => one.id === id);
    if (branch === undefined) throw new RangeError(`there is no branch ${id}`);
    if (branch === this.#branch) return;
    this.#branch.at = this.#at;
    const news = await this.#api.select(id);
    this.#branch = branch;
    this.#append(news);
    this.#restart(branch.at);
    this.#moved();
  }

  async #drop(id: number): Promise<void> {
    if (id === this.#branch.id) throw new RangeError('the branch that is shown stays');
    const i = this.#branches.findIndex((one) => one.id === id);
    if (i < 0) throw new RangeError(`there is no branch ${id}`);
    await this.#api.remove(id);
    this.#branches.splice(i, 1);
    this.#moved();
  }

  // ---- what is told ----

  async #advance(): Promise<void> {
    if (!this.#playing) return;
    const went = this.speed === undefined ? await this.#nextInstant() : await this.#nextTick(this.speed);
    if (!this.#playing) return;
    if (went === undefined) this.#halt();
    else this.#timer = setTimeout(() => void this.#advance(), went);
    this.#moved();
  }

  /** Tells everything of the next instant together. @returns how long it is shown; undefined: nothing more happens */
  #nextInstant(): Promise<number | undefined> {
    return this.#ask(async () => {
      if (this.#at === this.length && !this.#branch.isQuiet) await this.#run({ lines: 1, mostMs: nextMs });
      // Only what it is compared with goes on.
      else if (this.#at === this.length && !this.isQuiet) {
        await this.#run({ quiet: true, mostMs: quietMs });
        this.#go(this.length, true);
        return undefined;
      }
      if (!this.#playing || this.#at === this.length) return undefined;
      const { places } = this.#branch.lines;
      const timeOf = (place: number) => places.timeOf(place) ?? this.start;
      const t = timeOf(this.#at + 1);
      const instant = () => {
        let to = this.#at + 1;
        while (to < this.length && timeOf(to + 1) === t) to++;
        return to;
      };
      // More may happen at that instant.
      if (instant() === this.length && this.#branch.now <= t) await this.#run({ ms: 0 });
      const to = instant();
      this.#go(to, true);
      const then = to < this.length ? timeOf(to + 1) : t + mostMs;
      return Math.min(mostMs, Math.max(leastMs, then - t)) * Math.max(this.pace, 0.25);
    });
  }

  #nextTick(speed: number): Promise<number | undefined> {
    return this.#ask(async () => {
      const page = performance.now();
      // A page that was not shown goes on where it was.
      const target = this.#ms + Math.min(page - (this.#page ?? page), 1_000) * speed;
      this.#page = page;
      const ahead = target - (this.#branch.now - this.start);
      if (ahead > 0) await this.#run({ ms: ahead });
      if (!this.#playing || this.isFull) return undefined;
      this.#go(Math.max(this.placeAt(target), this.#at), true, target);
      return tickMs;
    });
  }

  /** @param other  what will be told is not what was told before */
  #restart(at: number, other = true): void {
    const { ms } = this;
    this.#forget(other, at);
    this.#go(at, false, other ? undefined : ms);
  }

  #forget(other: boolean, place: number): void {
    const { places } = this.#branch.lines;
    // There is one listener, the page: what it knows of is not told again.
    const [known] = [...this.#listeners].map((listener) => listener.restart(other, place));
    this.#at = known ?? 0;
    this.#lines = known === undefined ? 0 : places.told(known);
  }

  tell(listener: Hearer, from: number | undefined, to: number): void {
    const { places } = this.#branch.lines;
    const all = places.between(from, to).map(({ record }) => record);
    tellAll(listener, all, true);
  }

  /**
   * @param moving  what happens on the way is shown moving
   * @param ms  the time that is shown there; absent: that of the last event, and at the end of the run that of the world
   */
  #go(at: number, moving: boolean, ms?: number): void {
    const {
      now,
      lines: { places },
    } = this.#branch;
    if (at < this.#at) this.#forget(false, at);
    this.#at = at;
    this.#ms = ms ?? (at === places.length ? now : (places.timeOf(at) ?? this.start)) - this.start;
    const until = places.told(at);
    const under = this.#speed === undefined || moving ? -1 : this.#underWay(until);
    if (under >= this.#lines) {
      this.#tell(under, false);
      this.#tell(until, true);
    } else this.#tell(until, moving || this.#speed !== undefined);
  }

  /** The first line of those that tell of a stanza which is under way at the time that is shown. */
  #underWay(until: number): number {
    const { lines } = this.#branch.lines.places;
    // A link that takes longer is too long to look for.
    for (let i = Math.max(this.#lines, until - underWayMost); i < until; i++) {
      const record = lines[i]?.record;
      if (record?.kind === 'hop' && (record.arrives ?? 0) > this.start + this.#ms) return i;
    }
    return until;
  }

  #tell(until: number, moving: boolean): void {
    const { lines } = this.#branch.lines.places;
    const all = lines.slice(this.#lines, until).map(({ record }) => record);
    this.#lines = Math.max(this.#lines, until);
    for (const listener of this.#listeners) tellAll(listener, all, !moving);
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#playing = false;
    this.#page = undefined;
  }

  #moved(): void {
    for (const listener of this.#listeners) listener.moved();
  }
}
