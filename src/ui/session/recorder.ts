import type { Scenario } from '../../scenario/scenario.ts';
import { Model } from '../fold/model.ts';
import { ownIdsOf } from '../fold/own-ids.ts';
import type { News } from '../trace/records.ts';
import type { Trace, TraceLine } from '../trace/trace.ts';
import type { Action } from './acts.ts';
import { CutState } from './cut-state.ts';
import type { Kept, TimedAct } from './session.ts';

/** What this page has done is kept, so many acts of it: the last ones. */
const actsMost = 500;
/** Characters of the records as text. */
const usualMost = 32 * 1024 * 1024;
/** So much is left when something is dropped: to drop a little each time would cost the same as to drop much. */
const leftShare = 7 / 8;

export interface RecorderListener {
  /** One more line. */
  line(line: TraceLine): void;
  /** The oldest part was dropped. */
  dropped(): void;
}

/**
 * Records a live session: all that its page is told, in order. Of what gets too much the oldest part is dropped, and what it led to is
 * said at the beginning: so what is left folds to the same network and people as everything would.
 */
export class Recorder {
  readonly #scenario: Scenario;
  readonly #most: number;
  readonly #cut: CutState;
  readonly #listeners = new Set<RecorderListener>();
  /** What is said at the beginning. */
  #base: readonly TraceLine[] = [];
  #lines: TraceLine[] = [];
  /** Of each line. */
  #lengths: number[] = [];
  #length = 0;
  #dropped = 0;
  #firstOwn = -1;
  #t = 0;
  #acts: TimedAct[] = [];

  /** @param most  so many characters of records are kept */
  constructor(scenario: Scenario, most = usualMost) {
    this.#scenario = scenario;
    this.#most = most;
    this.#cut = new CutState(scenario);
  }

  get kept(): Kept {
    return {
      since: this.#lines.find(({ t }) => t > 0)?.t,
      length: this.#length,
      most: this.#most,
      dropped: this.#dropped,
      acts: this.#acts,
    };
  }

  /** This page has done something. @param t  in milliseconds since 1970 */
  did(action: Action, t: number): void {
    this.#acts = [...this.#acts, { t, action }].slice(-actsMost);
  }

  listen(listener: RecorderListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param events  ids of those that it made in the page */
  take(news: News, events: readonly number[]): void {
    if ('t' in news) this.#t = Math.max(this.#t, news.t);
    const line = { t: this.#t, record: news, events };
    const length = JSON.stringify(news).length;
    this.#lines.push(line);
    this.#lengths.push(length);
    this.#length += length;
    if (this.#length > this.#most) this.#drop();
    else for (const listener of this.#listeners) listener.line(line);
  }

  /** All that is kept. */
  trace(): Trace {
    const lines = [...this.#base, ...this.#lines];
    return {
      scenario: this.#scenario,
      label: this.#scenario.title,
      start: this.kept.since ?? 0,
      violations: [],
      skipped: new Map(),
      isLive: true,
      isFixed: false,
      hasIds: true,
      firstOwn: this.#firstOwn,
      base: this.#base.length,
      lines,
    };
  }

  #drop(): void {
    let count = 0;
    for (const { record } of this.#lines) {
      if (this.#length <= this.#most * leftShare) break;
      this.#length -= this.#lengths[count] as number;
      count++;
      this.#cut.take(record);
      if (record.kind === 'step') this.#firstOwn -= ownIdsOf(record);
    }
    this.#lines = this.#lines.slice(count);
    this.#lengths = this.#lengths.slice(count);
    this.#dropped += count;
    const model = new Model(this.#scenario);
    const t = this.kept.since ?? this.#t;
    this.#base = this.#cut.records().map((record) => ({
      t,
      record,
      events: 'progress' in record ? [] : model.fold([record]).map(({ id }) => id),
    }));
    for (const listener of this.#listeners) listener.dropped();
  }
}
