import type { Point } from './layout.ts';

/**
 * Where an arrow key goes: to the nearest in that direction, where distance ahead counts once and distance to the side twice.
 *
 * @param direction  a step to the right and a step down
 */
export function neighbourOf(
  places: ReadonlyMap<string, Point>,
  from: string,
  [dx, dy]: readonly [number, number],
): string | undefined {
  const here = places.get(from);
  if (!here) return undefined;
  let best: { id: string; cost: number } | undefined;
  for (const [id, place] of places) {
    const ahead = (place.x - here.x) * dx + (place.y - here.y) * dy;
    const aside = Math.abs((place.x - here.x) * dy) + Math.abs((place.y - here.y) * dx);
    if (id === from || ahead < 4) continue;
    const cost = ahead + 2 * aside;
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}
