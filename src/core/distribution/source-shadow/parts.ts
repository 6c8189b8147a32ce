import type { Part } from '../../xep/instances.ts';

/** Bytes of what is told in one part: less than half of what a server takes, whatever is around it. */
const partBytes = 128 * 1024;

/** A list in parts that fit into a stanza each; of an empty list one empty part. @param max  entries of a part */
export function inParts<T>(list: readonly T[], max: number, bytesOf: (entry: T) => number): readonly (readonly T[])[] {
  const parts: T[][] = [[]];
  let bytes = 0;
  for (const entry of list) {
    const more = bytesOf(entry);
    const last = parts.at(-1) as T[];
    if (last.length > 0 && (last.length >= max || bytes + more > partBytes)) {
      parts.push([entry]);
      bytes = more;
    } else {
      last.push(entry);
      bytes += more;
    }
  }
  return parts;
}

/**
 * A list that comes in parts, one after the other. Links between servers may repeat a stanza, or lose one: a part that has been
 * here, or comes after one that has not, is dropped (decision #212).
 */
export class Parts<T> {
  readonly #max: number;
  #next = 1;
  #all: readonly T[] = [];

  /** @param max  entries that are kept of it: more is not believed */
  constructor(max: number) {
    this.#max = max;
  }

  /** @returns the whole list, if this was its last part */
  take(part: Part | undefined, entries: readonly T[]): readonly T[] | 'more' | 'dropped' {
    if (part === undefined || (part.n !== 1 && part.n !== this.#next)) return 'dropped';
    const all = [...(part.n === 1 ? [] : this.#all), ...entries].slice(0, this.#max);
    const isLast = part.n === part.of;
    this.#next = isLast ? 1 : part.n + 1;
    this.#all = isLast ? [] : all;
    return isLast ? all : 'more';
  }
}
