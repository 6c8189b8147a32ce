import type { TimerId } from '../turn/effect.ts';
import type { Env } from '../turn/env.ts';
import type { Sign, Spec } from '../turn/spec.ts';
import type { Turn } from '../turn/turn.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { ArchiveChange, ArchiveSearch } from './archive-store.ts';
import type { Change } from './change.ts';
import type { Happening, Occupant, RoomEvent } from './event.ts';
import { type Asked, PassedOn } from './passed.ts';
import type { Refusal } from './refusal.ts';
import type { RoomView } from './state.ts';
import type { Traits } from './traits.ts';

/** What one handled input does to a node, whichever of its rooms it concerns. */
export type NodeTurn = Turn<RoomEvent, ArchiveChange, ArchiveSearch>;

/**
 * The one seam between a room and a protocol: one per room, chosen in its configuration. A distribution holds only
 * volatile state of its own (tickets, pings in flight); what must survive it records as events of the room.
 */
export interface Distribution {
  readonly traits: Traits;
  /**
   * A stanza that may come from a peer node, before anything else looks at it.
   *
   * @returns true if it does: the distribution has dealt with it, by doing something or by refusing it
   */
  fromPeer(turn: RoomTurn, stanza: Stanza): boolean;
  /**
   * A stanza from a user, before the room looks at it.
   *
   * @returns true if the distribution took it over, for example because another node decides
   */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean;
  /** The peer that will serve this user once they are in; undefined: this node does. */
  homeOf(room: RoomView, user: Jid): Jid | undefined;
  /**
   * A change that the room's own rules allow.
   *
   * @param stanza  by which a user asked for it
   * @returns whether it happens now. `held`: the distribution commits it later, or answers the user who asked
   */
  decide(turn: RoomTurn, change: Change, stanza: Stanza): 'commit' | 'held' | Refusal;
  /** A change as it is to be recorded: a message gets its place among what several rooms count. */
  placed?(turn: RoomTurn, change: Change): Change;
  /** Tells the peers what the room has just told its own users. */
  spread(turn: RoomTurn, change: Change): void;
  /** A private message from `from` to an occupant whose home is a peer. XEP-0045 §7.5. @param asked  as in `PassedOn.add` */
  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): void;
  /**
   * An iq of an occupant to one whose home is a peer (§17.4), who may not be written to.
   *
   * @returns whether it goes there; if not, or if the distribution has no such way, the room refuses it
   */
  routeIq?(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): boolean;
  /** The stream to our server is a new one. Nothing of the old one is in flight. */
  linkUp(turn: RoomTurn): void;
  /** The node goes down on purpose. */
  stop?(turn: RoomTurn): void;
  /** @param name  as given to `RoomTurn.setTimer` */
  timer(turn: RoomTurn, name: string): void;
}

/** What one handled input does to one room. It is made once for each room that the input concerns. */
export class RoomTurn {
  readonly room: RoomView;
  readonly distribution: Distribution;
  readonly passed: PassedOn;
  readonly #turn: NodeTurn;

  constructor(turn: NodeTurn, room: RoomView, distribution: Distribution, passed = new PassedOn()) {
    this.#turn = turn;
    this.room = room;
    this.distribution = distribution;
    this.passed = passed;
  }

  get env(): Env {
    return this.#turn.env;
  }

  record(happening: Happening): void {
    this.#turn.record({ room: this.room.jid, ...happening });
  }

  /** Sends to a user or, with `over`, to a peer node. */
  send(stanza: Stanza | undefined, spec: Spec, over?: Jid): void {
    this.#turn.send(stanza, spec, over);
  }

  /** Has the room's archive searched. @param asked  the stanza that is answered with what is found */
  search(search: Omit<ArchiveSearch, 'room'>, asked: Stanza): void {
    this.#turn.search({ room: this.room.jid, ...search }, asked);
  }

  /**
   * The same, but that one answer goes another way: the one to this iq.
   *
   * @param answered  takes the answer in place of whoever would get it
   */
  answering(request: Stanza, answered: (answer: Stanza, spec: Spec) => void): RoomTurn {
    return new AnsweringTurn(this.#turn, this, request, answered);
  }

  /** @param afterMs  milliseconds from now; the timer replaces this room's one of the same name */
  setTimer(name: string, afterMs: number): void {
    this.#turn.setTimer(timerOf(this.room.jid, name), afterMs);
  }

  clearTimer(name: string): void {
    this.#turn.clearTimer(timerOf(this.room.jid, name));
  }

  /** What the log holds so far must not stay on the disk. */
  compact(): void {
    this.#turn.compact();
  }

  /** Says what happened and which rule made it so. */
  note(spec: Spec, what: string, where: { readonly peer?: Jid; readonly sign?: Sign } = {}): void {
    this.#turn.note(spec, what, { room: this.room.jid, ...where });
  }
}

class AnsweringTurn extends RoomTurn {
  readonly #request: Stanza;
  readonly #answered: (answer: Stanza, spec: Spec) => void;

  constructor(
    turn: NodeTurn,
    { room, distribution, passed }: RoomTurn,
    request: Stanza,
    answered: (answer: Stanza, spec: Spec) => void,
  ) {
    super(turn, room, distribution, passed);
    this.#request = request;
    this.#answered = answered;
  }

  override send(stanza: Stanza | undefined, spec: Spec, over?: Jid): void {
    const { id, from } = this.#request;
    const isAnswer =
      stanza?.name === 'iq' && stanza.id === id && stanza.to === from && stanza.type !== 'get' && stanza.type !== 'set';
    if (isAnswer) this.#answered(stanza, spec);
    else super.send(stanza, spec, over);
  }
}

/** Timers belong to a room: `<name> <room jid>`. */
function timerOf(room: Jid, name: string): TimerId {
  return `${name} ${room}` as TimerId;
}

export function readTimer(timer: TimerId): { readonly name: string; readonly room: Jid } {
  const space = timer.indexOf(' ');
  return { name: timer.slice(0, space), room: timer.slice(space + 1) as Jid };
}
