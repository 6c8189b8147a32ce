/** Sizes of the type in presenter mode, in percent of the usual one. */
export const scales: readonly number[] = [125, 150, 175, 200];

/** The next larger or smaller size, if there is one. */
export function nextScale(scale: number, step: 1 | -1): number {
  return scales[scales.indexOf(scale) + step] ?? scale;
}
