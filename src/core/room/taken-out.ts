import type { Jid } from '../xmpp/jid.ts';

/** Users of other nodes whom a room remembers as taken out: a node that names ever new ones makes it forget the oldest. */
const takenOutMax = 1_000;

/** Users of other nodes (bare JIDs) whom a moderator took out of this room, and why, as they are told. XEP-0289 §5.5. */
export class TakenOut {
  readonly #all = new Map<Jid, string>();

  get entries(): readonly (readonly [Jid, string])[] {
    return [...this.#all];
  }

  /** @returns undefined: they may be in */
  why(user: Jid): string | undefined {
    return this.#all.get(user);
  }

  /** @param why  undefined: they may come again */
  set(user: Jid, why: string | undefined): void {
    this.#all.delete(user);
    if (why === undefined) return;
    this.#all.set(user, why);
    for (const oldest of this.#all.keys()) if (this.#all.size > takenOutMax) this.#all.delete(oldest);
  }

  restore(entries: readonly (readonly [Jid, string])[]): void {
    this.#all.clear();
    for (const [user, why] of entries) this.#all.set(user, why);
  }
}
