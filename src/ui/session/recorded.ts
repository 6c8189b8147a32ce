import type { Scenario } from '../../scenario/scenario.ts';
import type { Violation } from '../trace/records.ts';
import type { Trace, TraceLine } from '../trace/trace.ts';
import { Places } from './places.ts';
import type { NodeProgress } from './progress.ts';
import type { ActResult, Hearer, Kept, Recording, Session, SessionListener } from './session.ts';
import { tellAll } from './tell.ts';

/** Time on the screen from one instant of the run to the next, at pace 1: long enough to follow, too short to be bored. */
const leastMs = 150;
const mostMs = 900;

/** Shows a run from its trace. Folding is quick, so a step back folds it again from the beginning. */
export class RecordedSession implements Session, Recording {
  readonly mode = 'recorded';
  readonly runsNodes = false;
  readonly joinInfo = [];
  readonly fixed: string = 'This run is over: you can look at it, but nothing in it can be changed.';
  readonly scenario: Scenario;
  readonly label: string;
  readonly isLive: boolean;
  readonly isFixed: boolean;
  readonly violations: readonly Violation[];
  readonly skipped: ReadonlyMap<string, number>;
  pace = 1;
  readonly #trace: Trace;
  #start: number;
  #firstOwn: number;
  #places: Places;
  /** Whose progress the trace does not tell: it follows from their sessions. */
  readonly #nodes: ReadonlySet<string>;
  readonly #listeners = new Set<SessionListener>();
  #at = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(trace: Trace) {
    const { scenario, label, isLive, isFixed, violations, skipped, lines, start, firstOwn, base } = trace;
    this.#trace = trace;
    this.scenario = scenario;
    this.label = label;
    this.isLive = isLive;
    this.isFixed = isFixed;
    this.violations = violations;
    this.skipped = skipped;
    this.#start = start;
    this.#firstOwn = firstOwn;
    this.#places = new Places(lines, base);
    const isToldOf = lines.some(({ record }) => record.kind === 'node');
    this.#nodes = new Set(isToldOf ? [] : scenario.nodes.map(({ address }) => address));
  }

  get recording(): Recording {
    return this;
  }

  get trace(): Trace {
    return this.#trace;
  }

  get kept(): Kept | undefined {
    return undefined;
  }

  get start(): number {
    return this.#start;
  }

  get firstOwn(): number {
    return this.#firstOwn;
  }

  get length(): number {
    return this.#places.length;
  }

  get at(): number {
    return this.#at;
  }

  get playing(): boolean {
    return this.#timer !== undefined;
  }

  get ms(): number {
    return Math.max(0, this.#timeOf(this.#at) - this.start);
  }

  get seq(): number | undefined {
    return this.#places.eventAt(this.#at);
  }

  /** Only how everything is at the beginning is told at once: then the listener seeks. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    this.#tell([listener], this.#places.between(undefined, this.#at), true);
    return () => this.#listeners.delete(listener);
  }

  async startOver(): Promise<ActResult> {
    return { ok: false, error: this.fixed };
  }

  async act(): Promise<ActResult> {
    return { ok: false, error: this.fixed };
  }

  async stop(): Promise<void> {
    this.#halt();
    this.#listeners.clear();
  }

  placeOf(event: number): number {
    return this.#places.placeOf(event);
  }

  placeAt(ms: number): number {
    return this.#places.placeAt(this.start + ms);
  }

  seek(at: number): void {
    this.#halt();
    this.#go(Math.min(this.length, Math.max(0, Math.trunc(at) || 0)), at === this.#at + 1);
    this.#moved();
  }

  play(): void {
    if (this.playing) return;
    if (this.#at === this.length) this.#go(0, false);
    this.#timer = setTimeout(() => this.#advance());
    this.#moved();
  }

  pause(): void {
    this.#halt();
    this.#moved();
  }

  tell(listener: Hearer, from: number | undefined, to: number): void {
    this.#tell([listener], this.#places.between(from, to), true);
  }

  /** There is more of it. */
  protected grow(line: TraceLine): void {
    this.#places.add(line);
    this.#moved();
  }

  /** Another part of it is there from now on: shows the same event there, or the beginning if it is there no more. */
  protected replace({ lines, base, start, firstOwn }: Pick<Trace, 'lines' | 'base' | 'start' | 'firstOwn'>): void {
    const shown = this.seq;
    this.#places = new Places(lines, base);
    this.#start = start;
    this.#firstOwn = firstOwn;
    this.#halt();
    this.#at = shown === undefined || !this.#places.has(shown) ? 0 : this.#places.placeOf(shown);
    for (const listener of this.#listeners) listener.restart();
    this.#tell(this.#listeners, this.#places.between(undefined, this.#at), true);
    this.#moved();
  }

  /** Tells everything of the next instant together: what was sent at the same time leaves at the same time. */
  #advance(): void {
    const t = this.#timeOf(this.#at + 1);
    let next = this.#at + 1;
    while (next < this.length && this.#timeOf(next + 1) === t) next++;
    this.#go(next, true);
    const waitMs = Math.min(mostMs, Math.max(leastMs, this.#timeOf(next + 1) - t)) * Math.max(this.pace, 0.25);
    this.#timer = next < this.length ? setTimeout(() => this.#advance(), waitMs) : undefined;
    this.#moved();
  }

  #go(at: number, moving: boolean): void {
    const from = this.#at;
    this.#at = at;
    for (const listener of this.#listeners) {
      const kept = moving ? 0 : (listener.keptBefore?.(at) ?? 0);
      const known = at < from || kept > from ? listener.restart(false, at) : from;
      this.#tell([listener], this.#places.between(known, at), !moving);
    }
  }

  #tell(listeners: Iterable<Hearer>, lines: readonly TraceLine[], past: boolean): void {
    const all = lines.map(({ record }) => record);
    const progress = [...this.#progressIn(lines)];
    for (const listener of listeners) {
      tellAll(listener, all, past);
      for (const one of progress) listener.node(one, past);
    }
  }

  /** A node is up while it has its session. */
  #progressIn(lines: readonly TraceLine[]): Iterable<NodeProgress> {
    const found = new Map<string, NodeProgress>();
    for (const { record } of lines) {
      if (record.kind !== 'session' || !this.#nodes.has(record.address)) continue;
      const state = record.up ? { phase: 'ready', detail: '' } : { phase: 'down', detail: 'it crashed' };
      found.set(record.address, { node: record.address, ...state } as NodeProgress);
    }
    return found.values();
  }

  #timeOf(at: number): number {
    return this.#places.timeOf(at) ?? this.start;
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #moved(): void {
    for (const listener of this.#listeners) listener.moved();
  }
}
