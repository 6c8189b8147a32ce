import type { Scenario } from '../../scenario/scenario.ts';
import type { Trace, TraceLine } from '../trace/read-trace.ts';
import type { Violation } from '../trace/records.ts';
import type { ActResult, NodeProgress, Recording, Session, SessionListener } from './session.ts';

/** Time on the screen from one instant of the run to the next, at pace 1: long enough to follow, too short to be bored. */
const leastMs = 150;
const mostMs = 900;

/** Shows a run that is over, from its trace. Folding is quick, so a step back folds it again from the beginning. */
export class RecordedSession implements Session, Recording {
  readonly mode = 'recorded';
  readonly runsNodes = false;
  readonly joinInfo = [];
  readonly fixed = 'This run is over: you can look at it, but nothing in it can be changed.';
  readonly scenario: Scenario;
  readonly label: string;
  readonly start: number;
  readonly violations: readonly Violation[];
  readonly skipped: ReadonlyMap<string, number>;
  pace = 1;
  readonly #lines: readonly TraceLine[];
  /** By place: how many lines have been told there. What a node became belongs to the event before it. */
  readonly #told: readonly number[];
  readonly #nodes: ReadonlySet<string>;
  readonly #listeners = new Set<SessionListener>();
  #at = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ scenario, label, start, violations, lines, skipped }: Trace) {
    this.scenario = scenario;
    this.label = label;
    this.violations = violations;
    this.skipped = skipped;
    this.start = start;
    this.#lines = lines;
    const ends = lines.flatMap((_, i) => (lines[i + 1]?.record.kind === 'status' ? [] : [i + 1]));
    this.#told = [0, ...ends];
    this.#nodes = new Set(scenario.nodes.map(({ address }) => address));
  }

  get recording(): Recording {
    return this;
  }

  get length(): number {
    return this.#told.length - 1;
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
    return this.#eventAt(this.#at)?.seq;
  }

  /** Nothing is told at once: the listener seeks. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
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

  placeOf(seq: number): number {
    const line = firstOf(this.#lines, (one) => one.seq >= seq);
    return Math.min(
      this.length,
      firstOf(this.#told, (told) => told > line),
    );
  }

  placeAt(ms: number): number {
    const later = firstOf(this.#lines, ({ t }) => t - this.start > ms);
    return firstOf(this.#told, (told) => told > later) - 1;
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
    if (at < this.#at) {
      this.#at = 0;
      for (const listener of this.#listeners) listener.restart();
    }
    const lines = this.#lines.slice(this.#told[this.#at], this.#told[at]);
    this.#at = at;
    const batch = lines.map(({ record }) => record);
    for (const listener of this.#listeners) {
      listener.records(batch, !moving);
      for (const progress of this.#progressIn(lines)) listener.node(progress);
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

  /** The last event at a place. */
  #eventAt(at: number): TraceLine | undefined {
    return at > 0 ? this.#lines[this.#told[at - 1] as number] : undefined;
  }

  #timeOf(at: number): number {
    return this.#eventAt(at)?.t ?? this.start;
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #moved(): void {
    for (const listener of this.#listeners) listener.moved();
  }
}

/** @returns the index of the first item for which `holds` is true, as it is for all items after it; the length if there is none */
function firstOf<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
