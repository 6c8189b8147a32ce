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
 * What comes in parts, one after the other: links between servers may repeat a stanza, or lose one. A part that has been here, or
 * comes after one that has not, is none.
 */
export class Parts {
  #next = 1;

  /** @returns 'some' if more are to come, 'all' if this was the last; undefined: it is not to be taken */
  take(part: Part | undefined): 'some' | 'all' | undefined {
    if (part === undefined || (part.n !== 1 && part.n !== this.#next)) return undefined;
    const isLast = part.n === part.of;
    this.#next = isLast ? 1 : part.n + 1;
    return isLast ? 'all' : 'some';
  }
}
