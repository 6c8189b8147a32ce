import { describe, expect, it } from 'vitest';
import { builtIn } from '../../../src/scenario/built-in.ts';
import type { Point } from '../../../src/ui/boxes.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { layOut } from '../../../src/ui/layout.ts';
import { neighbour, placesOf } from '../../../src/ui/neighbours.ts';

const arrows = { right: [1, 0], left: [-1, 0], down: [0, 1], up: [0, -1] } as const;
const sizes = [
  [1092, 560],
  [1920, 900],
  [820, 380],
  [390, 520],
] as const;

describe('The arrow keys in the picture', () => {
  it.each(builtIn.flatMap((scenario) => sizes.map(([w, h]) => [scenario.id, w, h, scenario] as const)))(
    '%s, %i × %i: reach everything from anywhere, and lead where they point',
    (_, width, height, scenario) => {
      const places = placesOf(layOut(new Model(scenario), width, height));
      expect(places.size).toBeGreaterThan(3);
      for (const start of places.keys()) {
        const reached = new Set([start]);
        for (const at of reached)
          for (const direction of Object.values(arrows)) {
            const next = neighbour(places, at, direction);
            if (next === undefined) continue;
            reached.add(next);
            const here = places.get(at) as Point;
            const isThere = (place = here) => {
              const [x, y] = [place.x - here.x, place.y - here.y];
              const ahead = x * direction[0] + y * direction[1];
              return ahead >= 4 && ahead >= Math.abs(x * direction[1]) + Math.abs(y * direction[0]);
            };
            expect(isThere(places.get(next)), `${at} to ${next}`).toBe([...places.values()].some(isThere));
          }
        expect(
          [...places.keys()].filter((id) => !reached.has(id)),
          `from ${start}`,
        ).toEqual([]);
      }
    },
  );
});
