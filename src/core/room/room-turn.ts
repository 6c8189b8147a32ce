import type { TimerId } from '../turn/effect.ts';
import type { Env } from '../turn/env.ts';
import type { Sign, Spec } from '../turn/spec.ts';
import type { Turn } from '../turn/turn.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Distribution } from './distribution.ts';
import type { Happening, RoomEvent } from './event.ts';
import type { RoomView } from './state.ts';

/** What one handled input does to one room. It is made once for each room that the input concerns. */
export class RoomTurn {
  readonly room: RoomView;
  readonly distribution: Distribution;
  readonly #turn: Turn<RoomEvent>;

  constructor(turn: Turn<RoomEvent>, room: RoomView, distribution: Distribution) {
    this.#turn = turn;
    this.room = room;
    this.distribution = distribution;
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

/** Timers belong to a room: `<name> <room jid>`. */
function timerOf(room: Jid, name: string): TimerId {
  return `${name} ${room}` as TimerId;
}

export function readTimer(timer: TimerId): { readonly name: string; readonly room: Jid } {
  const space = timer.indexOf(' ');
  return { name: timer.slice(0, space), room: timer.slice(space + 1) as Jid };
}
