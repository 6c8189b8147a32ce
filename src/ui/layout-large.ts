import type { Model } from './fold/model.ts';
import { type Held, type Layout, layOut } from './layout.ts';
import { scales } from './scales.ts';

/** The type of a compact picture is smaller than that of another one of the same scale, and it says less. */
const compactWorth = 0.64;

/**
 * Places everything with type as large as presenter mode has it, or as near to that as fits.
 *
 * @param factor  on the size of the type, from 1
 * @param held  what was shown with the same factor, and what was moved
 */
export function layOutLarge(model: Model, width: number, height: number, factor: number, held: Held = {}): Layout {
  const factors = [1, ...scales.map((percent) => percent / 100)].filter((one) => one <= factor);
  const layouts = factors.map((one) => {
    // As it would be shown in a picture that much smaller.
    const before = held.before && scaled(held.before, 1 / one);
    return scaled(layOut(model, width / one, height / one, { ...held, before }), one);
  });
  const typeOf = ({ scale, compact }: Layout) => scale * (compact ? compactWorth : 1);
  return layouts.reduce((best, layout) => (typeOf(layout) > typeOf(best) ? layout : best));
}

function scaled(layout: Layout, factor: number): Layout {
  return { ...layout, scale: layout.scale * factor };
}
