import type { Instant } from '../core/xmpp/time.ts';

interface Entry {
  readonly at: Instant;
  readonly seq: number;
  readonly run: () => void;
}

/**
 * The clock, and what is going to happen, ordered by (time, sequence): two things of one instant happen in the order they
 * were planned.
 */
export class Schedule {
  now: Instant;
  readonly #heap: Entry[] = [];
  /**
   * What was planned for the moment at which it was planned: most of all that happens. It needs no sorting, and comes after
   * what the heap has for that moment, which was planned before.
   */
  readonly #soon: (() => void)[] = [];
  /** How many of these have begun, and how many there are; what is behind is of earlier moments. */
  #begun = 0;
  #planned = 0;
  #seq = 0;

  constructor(now: Instant) {
    this.now = now;
  }

  /** @param at  not before now */
  add(at: Instant, run: () => void): void {
    if (at <= this.now) {
      this.#soon[this.#planned++] = run;
      return;
    }
    const heap = this.#heap;
    const entry = { at, seq: this.#seq++, run };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!before(entry, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  /** How many things are planned. */
  get size(): number {
    return this.#heap.length + this.#planned - this.#begun;
  }

  /** When the next thing happens; undefined: nothing is planned. */
  get next(): Instant | undefined {
    return this.#begun < this.#planned ? this.now : this.#heap[0]?.at;
  }

  /** Whether anything happens until then. */
  isDue(end: Instant): boolean {
    if (this.#begun < this.#planned) return true;
    const first = this.#heap[0];
    return first !== undefined && first.at <= end;
  }

  /** The next thing; time goes on to it. */
  take(): () => void {
    const first = this.#heap[0];
    if (this.#begun < this.#planned && (first === undefined || first.at > this.now)) return this.#takeSoon();
    if (first === undefined) throw new RangeError('nothing is planned');
    if (first.at > this.now) this.now = first.at;
    this.#dropFirst();
    return first.run;
  }

  #takeSoon(): () => void {
    const run = this.#soon[this.#begun++] as () => void;
    if (this.#begun === this.#planned) {
      this.#begun = 0;
      this.#planned = 0;
    }
    return run;
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right] as Entry, heap[left] as Entry) ? right : left;
      if (!before(heap[child] as Entry, last)) break;
      heap[i] = heap[child] as Entry;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}
