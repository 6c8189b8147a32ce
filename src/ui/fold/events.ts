import type { ModelEvent } from './event.ts';

const eventWindow = 20_000;
/** So many at once fall out of a full window: to move the rest costs the same for one. */
const droppedAtOnce = 1_000;
/** More events of our own never come between two of the server's. */
const ownPerNumber = 2 ** 20;
/** Two clocks differ by less than this number of events. */
const disorder = 500;

/** The events in the order of their times, and what led to what. */
export class Events {
  /** Oldest first. */
  readonly list: ModelEvent[] = [];
  /** Number of events that fell out of the window. */
  forgotten = 0;
  readonly #window: number;
  readonly #byId = new Map<number, ModelEvent>();
  readonly #effects = new Map<number, number[]>();
  /** By first cause: the number that the picture and the log give to a submission. */
  readonly #numbers = new Map<number, number>();
  #nextNumber = 1;
  /** The last number of the server's, and how many events of our own came since. */
  #lastId = 0;
  #own = 0;
  /** Of events of our own: by id, between which of the server's numbers they came. */
  readonly #places = new Map<number, number>();

  /** @param whole  of a run that is over: all of it is there already, so nothing falls out of the window */
  constructor(whole: boolean) {
    this.#window = whole ? Number.POSITIVE_INFINITY : eventWindow;
  }

  get window(): number {
    return this.#window;
  }

  get(id: number): ModelEvent | undefined {
    return this.#byId.get(id);
  }

  /** A place behind every event that is there, and before every later one. */
  mark(): number {
    return this.#lastId + (this.#own + 1) / ownPerNumber;
  }

  /** Whether an event came at this place or later. */
  isSince(id: number, place: number): boolean {
    return (this.#places.get(id) ?? id) >= place;
  }

  /**
   * Puts an event where its time belongs.
   *
   * @param first  before what happened in the same millisecond
   * @returns false if it is there already
   */
  add(event: ModelEvent, first = false): boolean {
    if (this.#byId.has(event.id)) return false;
    this.#byId.set(event.id, event);
    if (event.id < 0) this.#places.set(event.id, this.#lastId + ++this.#own / ownPerNumber);
    else if (event.id > this.#lastId) {
      this.#lastId = event.id;
      this.#own = 0;
    }
    const { list } = this;
    let at = list.length;
    const floor = Math.max(0, at - disorder);
    while (at > floor) {
      const before = list[at - 1] as ModelEvent;
      const isBefore = before.t < event.t || (before.t === event.t && !first);
      if (isServers(event) && isServers(before) ? before.id < event.id : isBefore) break;
      at--;
    }
    // Records of the server keep the server's order even where two clocks disagree.
    if (isServers(event)) at = Math.max(at, this.#lastOfServer(floor, event.id) + 1);
    if (at === list.length) list.push(event);
    else list.splice(at, 0, event);
    return true;
  }

  /** Makes `cause` what led to the event. */
  attach(event: ModelEvent, cause: number): void {
    event.cause = cause;
    const siblings = this.#effects.get(cause);
    if (siblings) siblings.push(event.id);
    else this.#effects.set(cause, [event.id]);
    const number = this.#numbers.get(event.id);
    if (number === undefined) return;
    this.#numbers.delete(event.id);
    const root = this.rootOf(event.id);
    if (!this.#numbers.has(root)) this.#numbers.set(root, number);
  }

  effectsOf(id: number): readonly number[] {
    return this.#effects.get(id) ?? [];
  }

  /** The events from the first cause down to this one. */
  pathTo(id: number): readonly number[] {
    const path: number[] = [];
    for (let at: number | undefined = id; at !== undefined && this.#byId.has(at); at = this.#byId.get(at)?.cause)
      path.unshift(at);
    return path;
  }

  rootOf(id: number): number {
    let at = id;
    for (;;) {
      const cause = this.#byId.get(at)?.cause;
      if (cause === undefined || !this.#byId.has(cause)) return at;
      at = cause;
    }
  }

  /** Everything with the same first cause: all copies of one submission, and their way. */
  family(id: number): ReadonlySet<number> {
    const all = new Set<number>();
    const queue = [this.rootOf(id)];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (all.has(at)) continue;
      all.add(at);
      queue.push(...this.effectsOf(at));
    }
    return all;
  }

  /** The rule that made an event: its own, or for a later leg of a stanza's way the one that sent it on that way. */
  ruleOf(event: ModelEvent): string | undefined {
    if (event.leg === 'in') return event.spec;
    let at: ModelEvent | undefined = event;
    while (at !== undefined && at.spec === undefined) at = this.#byId.get(at.cause ?? Number.NaN);
    return at?.spec;
  }

  /** "7" for the seventh submission, "7b" for the second copy that one step made of it. */
  indexOf(id: number): string {
    const root = this.rootOf(id);
    let number = this.#numbers.get(root);
    if (number === undefined) {
      number = this.#nextNumber++;
      this.#numbers.set(root, number);
    }
    for (let at: number | undefined = id; at !== undefined; at = this.#byId.get(at)?.cause) {
      const copy = this.#byId.get(at)?.copy;
      if (copy !== undefined) return `${number}${letters(copy)}`;
    }
    return `${number}`;
  }

  /** @returns the events that fell out of the window */
  forget(): readonly ModelEvent[] {
    if (this.list.length <= this.#window) return [];
    const old = this.list.splice(0, this.list.length - this.#window + droppedAtOnce);
    this.forgotten += old.length;
    for (const { id } of old) {
      this.#byId.delete(id);
      this.#effects.delete(id);
      this.#numbers.delete(id);
      this.#places.delete(id);
    }
    return old;
  }

  /** The place of the server's last event before the one with this id. */
  #lastOfServer(floor: number, id: number): number {
    for (let i = this.list.length - 1; i >= floor; i--) {
      const event = this.list[i] as ModelEvent;
      if (isServers(event) && event.id < id) return i;
    }
    return -1;
  }
}

function isServers({ id }: ModelEvent): boolean {
  return id >= 0;
}

function letters(index: number): string {
  return (index >= 26 ? letters(Math.floor(index / 26) - 1) : '') + String.fromCharCode(97 + (index % 26));
}
