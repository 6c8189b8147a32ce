import type { Stanza } from '../core/xmpp/stanza.ts';

/** As long as a server waits for another one that may be far away; what comes later still counts. */
const answerMs = 10_000;
const lateMax = 100;

/**
 * What a user said and the room has neither given back (XEP-0045 §7.4) nor refused: nobody knows whether it was said. A room
 * behind a link that swallows everything gives no other sign.
 */
export class Unanswered {
  readonly #tell: () => void;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #late = new Set<string>();

  /** @param tell  there is another one */
  constructor(tell: () => void) {
    this.#tell = tell;
  }

  /** Ids, in the order in which they became late. */
  get late(): readonly string[] {
    return [...this.#late];
  }

  sent({ type, id }: Stanza): void {
    if (type !== 'groupchat' || id === undefined) return;
    const late = () => {
      this.#timers.delete(id);
      this.#late.add(id);
      if (this.#late.size > lateMax) this.#late.delete(this.late[0] as string);
      this.#tell();
    };
    this.#timers.set(id, setTimeout(late, answerMs));
  }

  received({ name, type, id }: Stanza): void {
    if (name !== 'message' || id === undefined || (type !== 'groupchat' && type !== 'error')) return;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#late.delete(id);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}
