import type { Carried } from './comparison.ts';

/** Of the frame in which a line is drawn: how much time and how much else it is wide and high, and where it is, in pixels. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly mostMs: number;
  readonly most: number;
}

export type Unit = 'stanzas' | 'bytes';

/** A line that goes up in steps, as the path of an SVG; one step a pixel at most. */
export function stepPath(growth: readonly Carried[], unit: Unit, frame: Frame): string {
  const { left, top, width, height, mostMs, most } = frame;
  const x = (ms: number) => Math.round(left + (width * Math.min(ms, mostMs)) / mostMs);
  const y = (value: number) => Math.round(10 * (top + height - (height * value) / most)) / 10;
  let path = `M${left} ${top + height}`;
  for (const [i, one] of growth.entries()) {
    const next = growth[i + 1];
    if (next === undefined || x(next.ms) !== x(one.ms)) path += `H${x(one.ms)}V${y(one[unit])}`;
  }
  return `${path}H${left + width}`;
}

/** Round numbers from 0 to `most`: so many, or about that. */
export function ticks(most: number, about: number, whole = false): readonly number[] {
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const step = whole ? Math.max(1, round) : round;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** Places for two labels that do not touch: as near to where they belong as they can be. @returns in the same order */
export function apart(
  a: number,
  b: number,
  distance: number,
  [least, most]: readonly [number, number],
): [number, number] {
  const missing = Math.max(0, distance - Math.abs(a - b)) / 2;
  const [above, below] = a <= b ? [a - missing, b + missing] : [b - missing, a + missing];
  const moved = Math.max(0, least - above) - Math.max(0, below - most);
  return a <= b ? [above + moved, below + moved] : [below + moved, above + moved];
}
