import { describe, expect, it } from 'vitest';
import { builtIn } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { layOut } from '../../../src/ui/layout.ts';
import { layOutLarge } from '../../../src/ui/layout-large.ts';

/** Pixels on the screen for each one of the picture's. */
const scaleOf = (width: number, layout: { readonly width: number; readonly compact: boolean }) =>
  (width / layout.width) * (layout.compact ? 0.74 : 1);

describe('The picture in presenter mode', () => {
  // Without inspector and views it has more room than the 932 × 450 of before.
  it.each(builtIn.map((scenario) => [scenario.id, scenario] as const))(
    '%s: its type is larger on a projector, and never smaller with a larger factor',
    (_, scenario) => {
      const model = new Model(scenario);
      const usual = scaleOf(932, layOut(model, 932, 450));
      const sizes = [1, 1.25, 1.5, 1.75, 2].map((factor) => scaleOf(1280, layOutLarge(model, 1280, 493, factor)));
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
      expect(sizes.at(-1)).toBeGreaterThan(1.15 * usual);
    },
  );

  it('is as usual without presenter mode', () => {
    const model = new Model(builtIn[0] as Scenario);
    expect(layOutLarge(model, 1092, 560, 1)).toEqual(layOut(model, 1092, 560));
  });
});
