import type { Model } from './fold/model.ts';
import { type Layout, layOut } from './layout.ts';
import { scales } from './scales.ts';

/** The type of a compact picture, beside that of another one of the same scale. */
const compactType = 0.74;

/**
 * Places everything with type as large as presenter mode has it, or as near to that as fits.
 *
 * @param factor  on the size of the type, from 1
 */
export function layOutLarge(model: Model, width: number, height: number, factor: number): Layout {
  const factors = [1, ...scales.map((percent) => percent / 100)].filter((one) => one <= factor);
  const layouts = factors.map((one) => layOut(model, width / one, height / one));
  const typeOf = (layout: Layout) => (width / layout.width) * (layout.compact ? compactType : 1);
  return layouts.reduce((best, layout) => (typeOf(layout) > typeOf(best) ? layout : best));
}
