import type { Point } from './boxes.ts';
import type { Layout } from './layout.ts';

/** A place for a replica among the things that the arrow keys go to. */
export function vacancyId(domain: string): string {
  return `+${domain}`;
}

/** Where the arrow keys find each thing of the picture. */
export function placesOf(layout: Layout): ReadonlyMap<string, Point> {
  return new Map<string, Point>([
    ...layout.nodes,
    ...[...layout.vacancies].map(([domain, place]) => [vacancyId(domain), place] as const),
    ...layout.occupants,
    ...[...layout.links].map(([key, { label }]) => [key, label] as const),
  ]);
}

/** More than any distance. */
const far = 100_000;

/** The nearest in a direction, if anything is there; else the nearest that is at least not behind. */
export function neighbour(
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
    const cost = ahead + aside + (aside > ahead ? far : 0);
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}
