/**
 * How time is spaced. Every instant at which something happened has a row of its own, and a row is high enough to be read, however
 * short the time since the last one: so a burst is legible. More time takes more room, but only by its logarithm: a link of 100 ms
 * is about twice as steep as none at all. After a second without anything the room grows no more: the gap is a band that says in
 * words how long it was.
 */

/** From one row to the next, in pixels, at least. */
export const rowHeight = 20;
/** So long a time is a gap, in milliseconds. */
export const gapMs = 1_000;
const gapHeight = 48;

/** @returns pixels between two rows that are so many milliseconds apart */
export function distance(ms: number): number {
  if (ms >= gapMs) return gapHeight;
  return rowHeight + Math.round(3.5 * Math.log2(1 + Math.max(0, ms) / 5));
}

/** How long a gap was, in words: "2.5 s", "1 min 5 s". */
export function lasted(ms: number): string {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
    : `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
