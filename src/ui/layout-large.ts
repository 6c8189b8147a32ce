import type { Model } from './fold/model.ts';
import { type Layout, layOut } from './layout.ts';
import { scales } from './scales.ts';

/** The type of a compact picture is smaller than that of another one of the same scale, and it says less. */
const compactWorth = 0.64;

/**
 * Places everything with type as large as presenter mode has it, or as near to that as fits.
 *
 * @param factor  on the size of the type, from 1
 */
export function layOutLarge(model: Model, width: number, height: number, factor: number): Layout {
  const factors = [1, ...scales.map((percent) => percent / 100)].filter((one) => one <= factor);
  const layouts = factors.map((one) => layOut(model, width / one, height / one));
  const worthOf = (layout: Layout) => (width / layout.width) * (layout.compact ? compactWorth : 1);
  return layouts.reduce((best, layout) => (worthOf(layout) > worthOf(best) ? layout : best));
}
