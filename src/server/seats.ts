import type { ClassSeat } from '../core/xep/classroom.ts';
import { type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { plus } from '../core/xmpp/time.ts';
import type { Cancel, ServerHost } from './host.ts';
import type { Session } from './session.ts';

/** Whose connection is lost finds their seat as it was for so long, in milliseconds. */
const graceMs = 20_000;

/** A student who plays a person. */
interface Holder {
  /** What shows that a new session is theirs, too; empty: nothing does. */
  readonly key: string;
  /** Undefined while the connection is lost. */
  session: Session | undefined;
  ending: Cancel | undefined;
}

/** In a class with a live room: which people of it students play. Each is played by one student, and each student plays one. */
export class Seats {
  readonly #host: ServerHost;
  readonly #changed: (who: Session | undefined) => void;
  #offered: readonly ClassSeat[] = [];
  readonly #holders = new Map<string, Holder>();

  /** @param changed  called when a seat was taken or is free again: with the session of whoever has it, or had it */
  constructor(host: ServerHost, changed: (who: Session | undefined) => void) {
    this.#host = host;
    this.#changed = changed;
  }

  /** @returns whether there are others than before */
  offer(seats: readonly ClassSeat[]): boolean {
    if (JSON.stringify(seats) === JSON.stringify(this.#offered)) return false;
    this.#offered = seats;
    for (const who of [...this.#holders.keys()]) if (!seats.some((seat) => seat.who === who)) this.release(who);
    return true;
  }

  /** As one student is told: which are taken, and which is theirs, but not who has the others. */
  shownTo(session: Session): readonly ClassSeat[] {
    return this.#offered.map(({ who, nick }) => {
      const holder = this.#holders.get(who);
      const yours = holder?.session === session;
      return { who, nick, ...(holder ? { taken: true as const } : {}), ...(yours ? { yours: true as const } : {}) };
    });
  }

  /** Whom somebody plays. */
  of(session: Session): string | undefined {
    for (const [who, holder] of this.#holders) if (holder.session === session) return who;
    return undefined;
  }

  /** @returns why not */
  take(session: Session, who: string, key: string): StanzaError | undefined {
    if (!this.#offered.some((seat) => seat.who === who))
      return stanzaError('cancel', 'item-not-found', 'nobody can play this person');
    if (this.#holders.get(who)?.session === session) return undefined;
    if (this.#holders.has(who)) return stanzaError('cancel', 'conflict', 'somebody plays this person already');
    if (this.of(session) !== undefined) return stanzaError('cancel', 'conflict', 'you play somebody already');
    this.#holders.set(who, { key, session, ending: undefined });
    this.#changed(session);
    return undefined;
  }

  /** Somebody is there again, or for the first time. */
  came(session: Session, key: string): void {
    for (const holder of this.#holders.values()) {
      if (key === '' || holder.key !== key || holder.session !== undefined) continue;
      holder.ending?.();
      holder.ending = undefined;
      holder.session = session;
      return this.#changed(session);
    }
  }

  /** Somebody’s connection is lost. */
  lost(session: Session): void {
    const who = this.of(session);
    const holder = who === undefined ? undefined : this.#holders.get(who);
    if (who === undefined || holder === undefined) return;
    holder.session = undefined;
    holder.ending = this.#host.setTimer(plus(this.#host.now(), graceMs), () => this.release(who));
  }

  release(who: string): void {
    const holder = this.#holders.get(who);
    if (holder === undefined) return;
    holder.ending?.();
    this.#holders.delete(who);
    this.#changed(holder.session);
  }

  /** Somebody plays nobody any more. */
  give(session: Session): void {
    const who = this.of(session);
    if (who !== undefined) this.release(who);
  }

  stop(): void {
    for (const { ending } of this.#holders.values()) ending?.();
    this.#holders.clear();
  }
}
