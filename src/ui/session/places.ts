import type { TraceLine } from '../trace/read-trace.ts';

/** The lines of a trace and the places in it. A place is a number of events; what a node became belongs to the event before it. */
export class Places {
  readonly lines: TraceLine[] = [];
  /** By place: how many lines have been told there. */
  readonly told: number[] = [0];
  readonly start: number;

  /** @param start  when the run began, in milliseconds since 1970 */
  constructor(start: number, lines: readonly TraceLine[] = []) {
    this.start = start;
    for (const line of lines) this.push(line);
  }

  get length(): number {
    return this.told.length - 1;
  }

  push(line: TraceLine): void {
    this.lines.push(line);
    if (line.record.kind === 'status' && this.length > 0) this.told[this.length] = this.lines.length;
    else this.told.push(this.lines.length);
  }

  /** Without what comes after so many lines. */
  until(lines: number): Places {
    return new Places(this.start, this.lines.slice(0, lines));
  }

  /** Right after a line. */
  placeOf(seq: number): number {
    const line = firstOf(this.lines, (one) => one.seq >= seq);
    return Math.min(
      this.length,
      firstOf(this.told, (told) => told > line),
    );
  }

  /** The last one at or before a time, in milliseconds since the run began. */
  placeAt(ms: number): number {
    const later = firstOf(this.lines, ({ t }) => t - this.start > ms);
    return firstOf(this.told, (told) => told > later) - 1;
  }

  /** The place that is shown when so many lines were told. */
  placeOfLines(lines: number): number {
    return firstOf(this.told, (told) => told >= lines);
  }

  /** The last event at a place. */
  eventAt(at: number): TraceLine | undefined {
    return at > 0 ? this.lines[this.told[at - 1] as number] : undefined;
  }

  /** In milliseconds since 1970. */
  timeOf(at: number): number {
    return this.eventAt(at)?.t ?? this.start;
  }
}

/** @returns the index of the first item for which `holds` is true, as it is for all items after it; the length if there is none */
function firstOf<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
