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
