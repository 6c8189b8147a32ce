import type { HopRecord, LinkRecord } from '../core/node/trace.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { crowd, displayTime, leastMs } from './display-time.ts';
import type { ModelEvent } from './fold/event.ts';
import { countHop, linkKey } from './fold/links.ts';
import { Model } from './fold/model.ts';
import { OwnIds } from './fold/own-ids.ts';
import type { News } from './trace/records.ts';

/**
 * `moving`: a stanza moves, and counts when it has arrived. `standing`: it counts at once, and its token stands on its way for a
 * moment (reduced motion). `none`: it counts at once, and no token is shown.
 */
export type Motion = 'moving' | 'standing' | 'none';

/** A stanza on the screen: when it starts and arrives, in the time of the page's clock (ms). */
export interface Flight {
  readonly event: ModelEvent;
  start: number;
  end: number;
}

/** News that the picture does not show yet. */
interface Pending {
  readonly news: News;
  /** The events that it made. */
  readonly events: readonly ModelEvent[];
  /** When the page was told, by its clock. */
  readonly told: number;
}

/** News with the time at which the picture shows it. */
interface Due {
  readonly news: News;
  readonly flight: Flight | undefined;
  end: number;
}

/** A way on which nothing overtakes: a session's to its server or back, one direction of a link, a node's own reports. */
interface Lane {
  /** When the last stanza on it has arrived, or the last change of it is shown. */
  end: number;
  /** When its last change is shown: later stanzas start after that. */
  changed: number;
}

/** How long a leg that a node sent may wait for the node's own record, which says what caused it. */
const explanationMs = 700;
/** The sessions of this page tell how far they are before the trace does. */
const traceMs = 250;
/** Longest time of a leg while a recording plays, in ms: a slow link looks slow, but nobody has to wait for it. */
const recordedMostMs = 1_500;
/** Least time between two looks at what is due. */
const lookMs = 15;

/**
 * The one clock of the picture. There are two models of the same trace: `told` has all that the page was told, at once, and `seen`
 * is what the picture shows. Each record is folded into `seen` when its token has arrived on the screen; what has no token, such
 * as a node's new state, when that which led to it has arrived.
 *
 * Reads no clock. Holds nothing once everything has been shown, so an idle page does no work.
 */
export class Picture {
  readonly seen: Model;
  readonly #told: Model;
  /** What `seen` has of the past and `#told` has not yet: to fold it twice is half of the time until a place is shown. */
  #behind: News[] = [];
  pace = 1;
  #exact = false;
  #motion: Motion = 'none';
  readonly #recorded: boolean;
  /** How far people are, until the trace may have told of it, too. */
  #early: Pending[] = [];
  #pending: Pending[] = [];
  /** By time; what is due at the same time in the order in which it was told. */
  #due: Due[] = [];
  #flights: Flight[] = [];
  readonly #lanes = new Map<string, Lane>();
  /** By event. */
  readonly #shown = new Map<number, { readonly end: number }>();
  /** By how much the page's clock is ahead of the server's: the smallest difference seen. */
  #skew = Number.POSITIVE_INFINITY;

  /**
   * @param recorded  stanzas begin to move as soon as they are told, for a recording sets its own pace
   * @param ids  of events that the server did not see
   * @param fixed  no replica can come or go
   */
  constructor(scenario: Scenario, recorded = false, ids = new OwnIds(), fixed = recorded) {
    this.#told = new Model(scenario, recorded, ids, fixed);
    this.seen = new Model(scenario, recorded, ids, fixed);
    this.#recorded = recorded;
  }

  /** Where nothing is under way the two are the same. */
  get told(): Model {
    return this.#behind.length > 0 ? this.seen : this.#told;
  }

  /**
   * Folds the past into the model that was spared it; what happens next needs that.
   *
   * @param most  so much of it
   * @returns whether there is more
   */
  catchUp(most = Number.POSITIVE_INFINITY): boolean {
    for (const news of this.#behind.splice(0, most)) tell(this.#told, news);
    return this.#behind.length > 0;
  }

  /**
   * Every stanza is shown where it is at that moment of the run: the clock that the picture is given is that of the run, and nothing
   * is stretched. Otherwise it is the page's.
   */
  get exact(): boolean {
    return this.#exact;
  }

  set exact(exact: boolean) {
    if (exact === this.#exact) return;
    this.arrive();
    this.#exact = exact;
  }

  get motion(): Motion {
    return this.#motion;
  }

  /** What was moving has arrived where nothing moves any more. */
  set motion(motion: Motion) {
    if (motion === this.#motion) return;
    this.arrive();
    this.#motion = motion;
  }

  /**
   * @param past  it is over: it is shown at once
   * @returns the events that are new
   */
  take(news: News, now: number, past = false): readonly ModelEvent[] {
    if (news.kind === 'hop') this.#skew = Math.min(this.#skew, now - news.t);
    if (past) {
      this.arrive();
      this.#behind.push(news);
      return tell(this.seen, news);
    }
    if (news.kind === 'pause') this.#hold(now);
    if (this.#behind.length > 0) this.catchUp();
    const events = tell(this.#told, news);
    if (this.#motion === 'moving') {
      const pending = news.kind === 'occupant' && !this.#exact ? this.#early : this.#pending;
      pending.push({ news, events, told: now });
    } else {
      tell(this.seen, news);
      if (this.#motion === 'standing') this.#stand(events, now);
    }
    return events;
  }

  /** Shows what is due. @returns whether there was anything */
  advance(now: number): boolean {
    this.#place(now);
    this.#hold(now);
    let count = 0;
    for (let [first] = this.#due; first !== undefined && first.end <= now; [first] = this.#due, count++) {
      this.#due.shift();
      this.#show(first.news, this.#due);
    }
    if (this.#due.length === 0 && !this.#isWaiting) this.#lanes.clear();
    return count > 0;
  }

  /** Shows everything that was told, without waiting for what moves. */
  arrive(): void {
    const all = [...this.#due, ...this.#pending, ...this.#early];
    this.#due = [];
    this.#pending = [];
    this.#early = [];
    for (let first = all.shift(); first !== undefined; first = all.shift()) this.#show(first.news, all);
    this.#flights = [];
    this.#lanes.clear();
  }

  /** When to call `advance` next; undefined when everything is shown. */
  next(now: number): number | undefined {
    const times = [
      ...this.#early.map(({ told }) => told + traceMs),
      ...this.#pending.map(({ told }) => told + explanationMs),
    ];
    const [first] = this.#due;
    if (first) times.push(first.end);
    return times.length === 0 ? undefined : Math.max(now + lookMs, Math.min(...times));
  }

  /** Nothing moves: everything that was told is shown, but for what the paused links hold. */
  isAtRest(now: number): boolean {
    return (
      !this.#isWaiting && this.#due.every(({ flight }) => flight && this.held(flight.event) && half(flight) <= now)
    );
  }

  /** Nothing is on the screen that moves, glows or stands. */
  get idle(): boolean {
    return !this.#isWaiting && this.#due.length === 0 && this.#flights.length === 0;
  }

  /** Everything that is on its way at `now`, or has arrived at most `afterglowMs` ago. */
  flights(now: number, afterglowMs: number): readonly Flight[] {
    this.#place(now);
    this.#hold(now);
    this.#flights = this.#flights.filter(({ end }) => end + afterglowMs > now);
    return this.#flights;
  }

  /** Whether the paused links hold a stanza back: it stands in the middle of its link. */
  held(event: ModelEvent): boolean {
    return (
      this.told.paused && event.leg === 'link' && !event.outcome && this.told.events.effectsOf(event.id).length === 0
    );
  }

  /** @param later  what is shown after it */
  #show(news: News, later: readonly { readonly news: News }[]): void {
    tell(this.seen, news.kind === 'link' ? withoutHeld(news, later) : news);
  }

  get #isWaiting(): boolean {
    return this.#pending.length + this.#early.length > 0;
  }

  /** Gives times to the news for which it is known what it has to follow, in the order in which it was told. */
  #place(now: number): void {
    const isLate = ({ told }: Pending) => now - told >= traceMs;
    this.#pending.push(...this.#early.filter(isLate));
    this.#early = this.#early.filter((one) => !isLate(one));
    const left: Pending[] = [];
    const lanesLeft = new Set<string>();
    const eventsLeft = new Set<number>();
    for (const one of this.#pending) {
      const lanes = this.#lanesOf(one.news);
      const cause = this.#causeOf(one);
      const follows = lanes.some((lane) => lanesLeft.has(lane)) || (cause !== undefined && eventsLeft.has(cause));
      const isPatient = !this.#recorded && now - one.told < explanationMs;
      const waits = isPatient && (follows || this.#isUnexplained(one.news, cause));
      if (!waits) {
        this.#time(one, lanes, cause);
        continue;
      }
      left.push(one);
      for (const lane of lanes) lanesLeft.add(lane);
      for (const { id } of one.events) eventsLeft.add(id);
    }
    this.#pending = left;
    if (this.#shown.size > 30_000) for (const id of [...this.#shown.keys()].slice(0, 10_000)) this.#shown.delete(id);
  }

  #time({ news, events, told }: Pending, names: readonly string[], cause: number | undefined): void {
    const lanes = names.map((name) => this.#lane(name));
    // Another machine's clock may be ahead.
    const at =
      this.#exact && 't' in news
        ? news.t
        : this.#recorded || !('t' in news)
          ? told
          : Math.min(told, news.t + this.#skew);
    const causeEnd = (cause === undefined ? undefined : this.#shown.get(cause)?.end) ?? Number.NEGATIVE_INFINITY;
    const [event] = events;
    let flight: Flight | undefined;
    let end = Math.max(at, causeEnd, ...lanes.map((lane) => lane.end));
    if (news.kind === 'hop' && event) {
      const { start, end: arrival } = this.#exact
        ? exactTime(news)
        : displayTime(event, {
            at,
            causeEnd: Math.max(causeEnd, ...lanes.map(({ changed }) => changed)),
            pace: this.pace,
            busy: this.#flights.length,
            ...(this.#recorded ? { mostMs: recordedMostMs } : {}),
          });
      end = Math.max(arrival, ...lanes.map((lane) => lane.end));
      flight = { event, start: start + (end - arrival), end };
      if (end > told || (this.#exact && end > start)) this.#flights.push(flight);
    }
    // Most records of a link only say what it has carried.
    const changes = news.kind === 'link' ? events.length > 0 : !flight;
    for (const lane of lanes) {
      lane.end = end;
      if (changes) lane.changed = end;
    }
    const due = { news, flight, end };
    for (const { id } of events) this.#shown.set(id, due);
    this.#enqueue(due);
  }

  #enqueue(due: Due): void {
    let at = this.#due.length;
    while (at > 0 && (this.#due[at - 1] as Due).end > due.end) at--;
    this.#due.splice(at, 0, due);
  }

  /**
   * What the links hold goes no further than to the middle, and has the second half before it when they are released. Where nothing
   * moves it stands there until then.
   */
  #hold(now: number): void {
    if (!this.told.paused) return;
    if (this.#motion === 'standing')
      for (const flight of this.#flights) if (this.held(flight.event)) flight.end = now + leastMs.link * this.pace;
    const held = this.#due.filter(({ flight }) => flight && half(flight) < now && this.held(flight.event));
    if (held.length === 0) return;
    this.#due = this.#due.filter((due) => !held.includes(due));
    for (const due of held) {
      const flight = due.flight as Flight;
      const delay = now - half(flight);
      flight.start += delay;
      flight.end += delay;
      due.end = flight.end;
      for (const name of this.#lanesOf(due.news)) this.#lane(name).end = Math.max(this.#lane(name).end, due.end);
      this.#enqueue(due);
    }
  }

  #stand(events: readonly ModelEvent[], now: number): void {
    for (const event of events)
      if (event.leg && this.#flights.length < crowd)
        this.#flights.push({ event, start: now, end: now + leastMs[event.leg] * this.pace });
  }

  /** What led to it is not known yet. */
  #isUnexplained(news: News, cause: number | undefined): boolean {
    if (cause !== undefined) return false;
    if (news.kind === 'step') return news.rx !== undefined;
    return news.kind === 'hop' && news.leg === 'in' && this.told.network.nodeOf(news.from) !== undefined;
  }

  #causeOf({ news, events: [event] }: Pending): number | undefined {
    if (news.kind !== 'step') return event?.cause;
    if ('cause' in news) return news.cause;
    return news.rx === undefined ? undefined : this.told.handed({ stream: news.stream, n: news.rx });
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane = { end: Number.NEGATIVE_INFINITY, changed: Number.NEGATIVE_INFINITY };
    this.#lanes.set(name, lane);
    return lane;
  }

  #lanesOf(news: News): readonly string[] {
    switch (news.kind) {
      case 'hop':
        if (news.leg === 'link') return [`${news.from} > ${news.to}`];
        return news.leg === 'in' ? [`${this.#keyOf(news.from)} out`] : [`${this.#keyOf(news.to)} in`];
      case 'link':
        return bothWays(news.server);
      case 'told':
        return news.link ? bothWays(news.link.server) : [];
      case 'step':
      case 'status':
        return [`${this.#keyOf(news.node)} itself`];
      case 'session':
        return this.#lanesAt(news.address);
      case 'node':
        return this.#lanesAt(news.progress.node);
      case 'occupant':
        return this.#lanesAt(news.progress.who);
      case 'pause':
        return [];
    }
  }

  #lanesAt(address: string): readonly string[] {
    const key = this.#keyOf(address);
    return [`${key} in`, `${key} itself`, `${key} out`];
  }

  /** A replica's account and its session are one. */
  #keyOf(address: string): string {
    return this.told.network.nodeOf(address)?.address ?? address;
  }
}

/** @returns the events that are new to the model */
function tell(model: Model, news: News): readonly ModelEvent[] {
  if (news.kind === 'node') model.network.progress(news.progress);
  else if (news.kind === 'occupant') {
    model.people.progress(news.progress);
    model.refusals.unanswered(news.progress.who, news.progress.unanswered);
  } else return model.fold([news]);
  return [];
}

/** What a link has carried by then, without the stanzas that a pause keeps on it: those count when they have arrived. */
function withoutHeld(record: LinkRecord, later: readonly { readonly news: News }[]): LinkRecord {
  const key = linkKey(...record.server);
  const counted = { stanzas: 0, bytes: 0, dropped: 0 };
  for (const { news } of later)
    if (news.kind === 'hop' && news.leg === 'link' && news.seq < record.seq)
      if (linkKey(...(news.server ?? [news.from, news.to])) === key) countHop(counted, news);
  const { stanzas, bytes, dropped } = record;
  return {
    ...record,
    stanzas: stanzas - counted.stanzas,
    bytes: bytes - counted.bytes,
    dropped: dropped - counted.dropped,
  };
}

/** When a leg is on its way, in the time of the run. */
function exactTime({ leg, t, arrives }: HopRecord): { readonly start: number; readonly end: number } {
  return { start: t, end: leg === 'link' && arrives !== undefined ? arrives : t };
}

function half({ start, end }: Flight): number {
  return (start + end) / 2;
}

function bothWays([a, b]: readonly [string, string]): readonly string[] {
  return [`${a} > ${b}`, `${b} > ${a}`];
}
