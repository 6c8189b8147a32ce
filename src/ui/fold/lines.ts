import type { ModelEvent } from './event.ts';
import type { Events } from './events.ts';
import { isGroupchat } from './summary.ts';

/** A line of the log: a submission with everything that it led to, or one event that stands for itself. */
export interface Line {
  /** The first cause, then the rest in the order in which it happened. */
  readonly events: ModelEvent[];
}

/** What came of a submission. */
export interface Outcome {
  /** Stanzas that crossed a link between servers. */
  readonly crossed: number;
  /** Stanzas that a cut link dropped or bounced. */
  readonly lost: number;
  /** Copies handed to users. */
  readonly deliveries: number;
}

/**
 * The lines of the log. Events with the same first cause are one line. A change of state, of a link or of a session is a line of
 * its own, whatever led to it.
 */
export class Lines {
  readonly #events: Events;
  readonly #of = new Map<number, Line>();
  #list: Line[] = [];

  constructor(events: Events) {
    this.#events = events;
  }

  /** Oldest first. */
  get list(): readonly Line[] {
    return this.#list;
  }

  of(event: number): Line | undefined {
    return this.#of.get(event);
  }

  add(event: ModelEvent): void {
    this.#place(event);
  }

  /** The cause of an event has become known: its line is a part of the cause's. */
  attached(event: ModelEvent): void {
    const line = this.#of.get(event.id);
    if (line?.events[0] !== event || isAlone(event)) return;
    this.#list.splice(this.#list.lastIndexOf(line), 1);
    for (const member of line.events) this.#place(member);
  }

  /** Events that fell out of the window. What is left of a line without its first cause begins anew. */
  forget(old: readonly ModelEvent[]): void {
    if (old.length === 0) return;
    for (const { id } of old) this.#of.delete(id);
    const left: ModelEvent[] = [];
    this.#list = this.#list.filter(({ events }) => {
      const kept = events.filter(({ id }) => this.#of.has(id));
      if (kept[0] === events[0]) {
        events.splice(0, events.length, ...kept);
        return kept.length > 0;
      }
      left.push(...kept);
      return false;
    });
    for (const { id } of left) this.#of.delete(id);
    for (const event of left) if (!this.#of.has(event.id)) this.#place(event);
  }

  #place(event: ModelEvent): void {
    const root = this.#rootOf(event);
    const line = root === event ? this.#begin(event) : (this.#of.get(root.id) ?? this.#begin(root));
    this.#of.set(event.id, line);
    if (root !== event) insert(line.events, event, (member) => member !== root && isLater(member, event));
  }

  #begin(root: ModelEvent): Line {
    const line = { events: [root] };
    this.#of.set(root.id, line);
    insert(this.#list, line, ({ events: [first] }) => first !== undefined && isLater(first, root));
    return line;
  }

  #rootOf(event: ModelEvent): ModelEvent {
    if (isAlone(event)) return event;
    let root = event;
    for (let at: ModelEvent | undefined = event; at !== undefined; at = this.#events.get(at.cause ?? Number.NaN))
      if (!isAlone(at)) root = at;
    return root;
  }
}

/** The event that a line is shown as: the stanza as its author submitted it, else the first cause. */
export function leadOf({ events }: Line): ModelEvent {
  return events.find(({ leg }) => leg === 'in') ?? (events[0] as ModelEvent);
}

/** Of a message to a room, only the message and its copies count, as in what it cost. */
export function outcomeOf(line: Line, isNode: (address: string) => boolean): Outcome {
  const submitted = leadOf(line).stanza;
  const talk = submitted !== undefined && isGroupchat(submitted);
  const counted = line.events.filter(({ stanza }) => stanza !== undefined && (!talk || isGroupchat(stanza)));
  const links = counted.filter(({ leg }) => leg === 'link');
  const lost = links.filter(({ outcome }) => outcome !== undefined).length;
  const deliveries = counted.filter(({ leg, to }) => leg === 'out' && !isNode(to)).length;
  return { crossed: links.length - lost, lost, deliveries };
}

/** Neither a deed nor a part of its way. */
function isAlone({ kind }: ModelEvent): boolean {
  return kind !== 'hop' && kind !== 'act' && kind !== 'append';
}

/** Records of the server keep the server's order. */
function isLater(a: ModelEvent, b: ModelEvent): boolean {
  return a.id >= 0 && b.id >= 0 ? a.id > b.id : a.t > b.t;
}

function insert<T>(list: T[], item: T, isAfter: (other: T) => boolean): void {
  let at = list.length;
  while (at > 0 && isAfter(list[at - 1] as T)) at--;
  list.splice(at, 0, item);
}
