/** Stanzas whose bounce would be believed. More than are in flight at any time on a link that works. */
const outstandingMax = 256;

/** Ids of what went to a neighbour lately: only a bounce of one of them is believed (decision #10). */
export class Outstanding {
  /** With the id that the author of the stanza gave it. */
  readonly #ids = new Map<string, string | undefined>();

  add(id: string, origin?: string): void {
    this.#ids.set(id, origin);
    if (this.#ids.size > outstandingMax) this.#forgetOldest();
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The author's own id of what went out under this one. */
  originOf(id: string): string | undefined {
    return this.#ids.get(id);
  }

  #forgetOldest(): void {
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
