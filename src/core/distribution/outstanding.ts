/** Stanzas whose bounce would be believed. More than are in flight at any time on a link that works. */
const outstandingMax = 256;

/** Ids of what went to a neighbour lately: only a bounce of one of them is believed (decision #10). */
export class Outstanding {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size > outstandingMax) this.#forgetOldest();
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  #forgetOldest(): void {
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
