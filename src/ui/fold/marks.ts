import type { NodeStatus, OccupantStatus } from '../../core/node/trace.ts';
import { bareOf, domainOf, type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import type { ModelEvent } from './event.ts';
import type { Events } from './events.ts';
import type { Transcripts } from './transcripts.ts';

/** What a split made of somebody, if anything. */
type Mark = 'cut-off' | 'provisional';

function markOf({ cutOff, provisional }: Pick<OccupantStatus, 'cutOff' | 'provisional'>): Mark | undefined {
  if (provisional) return 'provisional';
  return cutOff ? 'cut-off' : undefined;
}

/** A presence on its way from a node to a user. */
interface Shown {
  readonly node: string;
  readonly nick: string;
  readonly room: string;
  mark: Mark | 'gone' | undefined;
  /** The event with which the user was handed it. */
  delivery?: ModelEvent;
  /** When it was sent. */
  readonly t: number;
}

/**
 * How much later than a presence the status that explains it may come, in milliseconds: a status is sent on its own way, and of
 * what a replica passes on it is the primary's that says why.
 */
const lateMs = 2_000;

/** What a node says of the occupants of its rooms, by room and nick. */
interface Told {
  readonly marks: ReadonlyMap<string, Mark>;
  /** Whom it knows from another node. */
  readonly away: ReadonlySet<string>;
}

/**
 * Lines of a transcript that say who is cut off, or let in for the moment (XEP-0282 §4.11.1). The flags of a node's status
 * decide that, not the text of a presence. A status may come before or after the presences that the node sent in the same
 * step, and before or after the users are handed them. No status comes where nothing changed.
 */
export class Marks {
  readonly #events: Events;
  readonly #transcripts: Transcripts;
  readonly #told = new Map<string, Told>();
  /** By node: what it sent lately, the last presence for each user, room and nick. */
  readonly #fresh = new Map<string, Map<string, Shown>>();
  readonly #shown = new WeakMap<ModelEvent, Shown>();
  /** By user, room and nick: what the transcript says. */
  readonly #written = new Map<string, Mark>();

  constructor(events: Events, transcripts: Transcripts) {
    this.#events = events;
    this.#transcripts = transcripts;
  }

  /** A presence that a node sent to a user. */
  sent(event: ModelEvent, node: string): void {
    const { from = '', to = '', type } = event.stanza ?? {};
    const room = bareOf(from as Jid);
    const nick = resourceOf(from as Jid);
    const mark = type === undefined ? this.#markOf(node, room, nick) : 'gone';
    const shown: Shown = { node, nick, room, mark, t: event.t };
    this.#shown.set(event, shown);
    const fresh = this.#fresh.get(node) ?? new Map<string, Shown>();
    fresh.set(`${to} ${keyOf(room, nick)}`, shown);
    this.#fresh.set(node, fresh);
  }

  /** A presence that a user was handed. */
  handed(event: ModelEvent): void {
    for (const id of this.#events.pathTo(event.id)) {
      const sent = this.#events.get(id);
      const shown = sent && this.#shown.get(sent);
      if (!shown) continue;
      shown.delivery = event;
      return this.#write(shown);
    }
  }

  status({ address: node, rooms }: NodeStatus, t: number): void {
    const marks = new Map<string, Mark>();
    const away = new Set<string>();
    for (const { room, occupants } of rooms) {
      for (const occupant of occupants) {
        const key = keyOf(room, occupant.nick);
        const mark = markOf(occupant);
        if (mark) marks.set(key, mark);
        if (occupant.home !== undefined) away.add(key);
      }
    }
    this.#told.set(node, { marks, away });
    for (const fresh of this.#fresh.values()) {
      for (const [key, shown] of fresh) {
        if (shown.t < t - lateMs) fresh.delete(key);
        else if (shown.mark !== 'gone') shown.mark = this.#markOf(shown.node, shown.room, shown.nick);
        if (shown.delivery) this.#write(shown);
      }
    }
  }

  /** A replica passes on what the primary marked, and does not know why. */
  #markOf(node: string, room: string, nick: string): Mark | undefined {
    const key = keyOf(room, nick);
    const told = this.#told.get(node);
    const relayed = told?.away.has(key) ? this.#told.get(domainOf(room as Jid))?.marks.get(key) : undefined;
    return told?.marks.get(key) ?? relayed;
  }

  #write({ nick, room, mark, delivery }: Shown): void {
    if (!delivery) return;
    const { id, t, to } = delivery;
    const key = `${to} ${keyOf(room, nick)}`;
    const before = this.#written.get(key);
    const now = mark === 'gone' ? undefined : mark;
    if (now === before) return;
    if (now) this.#written.set(key, now);
    else this.#written.delete(key);
    this.#transcripts.write(to, { id, t, kind: 'mark', nick, text: inWords(mark) });
  }
}

function keyOf(room: string, nick: string): string {
  return `${room}/${nick}`;
}

function inWords(mark: Shown['mark']): string {
  switch (mark) {
    case 'cut-off':
      return 'out of reach for the moment';
    case 'provisional':
      return 'let in for the moment: the room has yet to agree';
    case 'gone':
      return 'gone';
    case undefined:
      return 'as before: the split is over';
  }
}
