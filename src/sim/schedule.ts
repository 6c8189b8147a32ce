import type { Instant } from '../core/xmpp/time.ts';

interface Entry {
  readonly at: Instant;
  readonly seq: number;
  readonly run: () => void;
}

/** What is going to happen, ordered by (time, sequence): two things of one instant happen in the order they were planned. */
export class Schedule {
  readonly #heap: Entry[] = [];
  #seq = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(at: Instant, run: () => void): void {
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

  /** When the next thing happens. */
  next(): Instant | undefined {
    return this.#heap[0]?.at;
  }

  take(): { readonly at: Instant; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
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
    return first;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}
