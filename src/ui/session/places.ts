import type { TraceLine } from '../trace/trace.ts';

/**
 * The places in a recording: one for each line that makes an event. What a line makes no event of, such as what a node became, belongs to
 * the place before it.
 */
export class Places {
  readonly #lines: TraceLine[] = [];
  /** By place: how many lines have been told there. */
  readonly #told: number[];
  /** By event: the place where it has just happened. */
  readonly #of = new Map<number, number>();

  /** @param base  so many lines say how everything is at the beginning */
  constructor(lines: readonly TraceLine[], base: number) {
    this.#told = [Math.min(base, lines.length)];
    for (const [i, line] of explainedFirst(lines).entries()) this.#add(line, i < base);
  }

  /** Events in all, without those of the base. */
  get length(): number {
    return this.#told.length - 1;
  }

  add(line: TraceLine): void {
    this.#add(line, false);
  }

  /** All lines, in order. */
  get lines(): readonly TraceLine[] {
    return this.#lines;
  }

  /** How many lines have been told at a place. */
  told(place: number): number {
    return this.#told[place] ?? this.#lines.length;
  }

  /** The first place where so many lines have been told. */
  placeOfLines(lines: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.told(middle) >= lines) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Without what comes after so many lines. */
  until(lines: number): Places {
    return new Places(this.#lines.slice(0, lines), 0);
  }

  /** Lines from one place to a later one; from the very beginning if `from` is undefined. */
  between(from: number | undefined, to: number): readonly TraceLine[] {
    return this.#lines.slice(from === undefined ? 0 : this.#told[from], this.#told[to]);
  }

  /** The event at a place; what is in the base is at the beginning. */
  eventAt(place: number): number | undefined {
    return this.#lineAt(place)?.events[0];
  }

  timeOf(place: number): number | undefined {
    return this.#lineAt(place)?.t;
  }

  has(event: number): boolean {
    return this.#of.has(event);
  }

  placeOf(event: number): number {
    const place = this.#of.get(event);
    if (place !== undefined) return place;
    // What makes no event belongs to the one before it.
    const before = this.#lines.findLast(({ events: [first] }) => first !== undefined && first >= 0 && first < event);
    return (before && this.#of.get(before.events[0] as number)) ?? 0;
  }

  /** The last place at or before a time. */
  placeAt(t: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.timeOf(middle) as number) > t) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  #add(line: TraceLine, isBase: boolean): void {
    const { events } = line;
    this.#lines.push(line);
    if (isBase) this.#told[0] = Math.max(this.#told[0] as number, this.#lines.length);
    else if (events.length === 0) this.#told[this.length] = this.#lines.length;
    else this.#told.push(this.#lines.length);
    for (const event of events) if (!this.#of.has(event)) this.#of.set(event, this.length);
  }

  /** The line that made the event at a place. */
  #lineAt(place: number): TraceLine | undefined {
    return place > 0 ? this.#lines[this.#told[place - 1] as number] : undefined;
  }
}

/**
 * A node says why it sent something after the server has shown that it was sent. Whoever looks at a moment later knows already: so what
 * says so and makes no event of its own comes first.
 */
function explainedFirst(lines: readonly TraceLine[]): readonly TraceLine[] {
  const sent = new Map<string, number>();
  for (const [i, { record }] of lines.entries())
    if (record.kind === 'hop' && record.leg === 'in') sent.set(`${record.stream} ${record.n}`, i);
  const moved = new Map<number, TraceLine[]>();
  const rest = new Set<number>();
  for (const [i, line] of lines.entries()) {
    const { record, events } = line;
    if (record.kind !== 'step' || events.length > 0) continue;
    const first = Math.min(...record.tx.map(({ n }) => sent.get(`${record.stream} ${n}`) ?? i), i);
    if (first === i) continue;
    rest.add(i);
    moved.set(first, [...(moved.get(first) ?? []), line]);
  }
  return lines.flatMap((line, i) => [...(moved.get(i) ?? []), ...(rest.has(i) ? [] : [line])]);
}
