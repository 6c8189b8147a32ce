import { skeleton } from './skeleton.ts';

/** Which nicks of a room look alike (nick.ts). It is made when it is asked for, and kept from then on: reading a log needs none. */
export class Shapes {
  readonly #nicks: ReadonlyMap<string, unknown>;
  #shapes: Map<string, readonly string[]> | undefined;

  /** @param nicks  all of them, by nick */
  constructor(nicks: ReadonlyMap<string, unknown>) {
    this.#nicks = nicks;
  }

  alike(shape: string): readonly string[] {
    if (this.#shapes === undefined) {
      this.#shapes = new Map();
      for (const nick of this.#nicks.keys()) this.add(nick);
    }
    return this.#shapes.get(shape) ?? [];
  }

  add(nick: string): void {
    if (this.#shapes === undefined) return;
    const shape = skeleton(nick);
    this.#shapes.set(shape, [...(this.#shapes.get(shape) ?? []), nick]);
  }

  remove(nick: string): void {
    if (this.#shapes === undefined) return;
    const shape = skeleton(nick);
    const others = (this.#shapes.get(shape) ?? []).filter((other) => other !== nick);
    if (others.length > 0) this.#shapes.set(shape, others);
    else this.#shapes.delete(shape);
  }

  clear(): void {
    this.#shapes = undefined;
  }
}
