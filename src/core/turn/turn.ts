import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import { plus } from '../xmpp/time.ts';
import type { Effect, TimerId } from './effect.ts';
import type { Env } from './env.ts';
import type { Sign, Spec } from './spec.ts';

/**
 * What one handled input does: events are applied at once and collected, everything else waits behind them. So a rule
 * reads the state it has just made, and `finish` returns one append before the first thing that leaves the node.
 */
export class Turn<Event, Change = never, Search = never> {
  readonly env: Env;
  readonly #apply: (event: Event) => readonly Change[] | undefined;
  #events: Event[] | undefined;
  readonly #archived: Change[] = [];
  readonly #effects: Effect<Event, Change, Search>[] = [];

  /** @param apply  returns what the event changes in the archive; undefined: nothing */
  constructor(env: Env, apply: (event: Event) => readonly Change[] | undefined) {
    this.env = env;
    this.#apply = apply;
  }

  record(event: Event): void {
    const changes = this.#apply(event);
    if (changes !== undefined) for (const change of changes) this.#archived.push(change);
    if (this.#events !== undefined) {
      this.#events.push(event);
      return;
    }
    this.#events = [event];
    // Mostly it is the first of all: a rule records, and then tells.
    const append: Effect<Event, Change, Search> = { kind: 'append', events: this.#events, archived: this.#archived };
    if (this.#effects.length === 0) this.#effects.push(append);
    else this.#effects.unshift(append);
  }

  /** Sends to a user or, with `over`, to a peer node. */
  send(stanza: Stanza | undefined, spec: Spec, over?: Jid): void {
    if (stanza) this.#effects.push({ kind: 'send', over, stanza, spec });
  }

  /** @param asked  the stanza that is answered with what is found */
  search(search: Search, asked: Stanza): void {
    this.#effects.push({ kind: 'search', search, asked });
  }

  /** @param afterMs  milliseconds from now; the timer replaces one of the same name */
  setTimer(timer: TimerId, afterMs: number): void {
    this.#effects.push({ kind: 'setTimer', timer, at: plus(this.env.now, afterMs) });
  }

  clearTimer(timer: TimerId): void {
    this.#effects.push({ kind: 'clearTimer', timer });
  }

  /** What the log holds so far must not stay on the disk. */
  compact(): void {
    if (!this.#effects.some(({ kind }) => kind === 'compact')) this.#effects.push({ kind: 'compact' });
  }

  /** Says what happened and which rule made it so. */
  note(spec: Spec, what: string, where: { readonly room?: Jid; readonly peer?: Jid; readonly sign?: Sign } = {}): void {
    this.#effects.push({ kind: 'trace', spec, what, room: where.room, peer: where.peer, sign: where.sign });
  }

  finish(): readonly Effect<Event, Change, Search>[] {
    return this.#effects;
  }
}
