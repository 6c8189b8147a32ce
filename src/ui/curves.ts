import type { Box, PlacedServer, Point } from './boxes.ts';

/** A quadratic curve. */
export interface Curve {
  readonly a: Point;
  readonly control: Point;
  readonly b: Point;
}

/** A curve between two hubs, and the place beside it where its counter stands. */
export interface PlacedLink extends Curve {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** Of the curve, from 0 to 1: the part that no server hides. */
  readonly seen: readonly [number, number];
  /** In pixels. */
  readonly length: number;
  /** Absent where there is no room for one. */
  readonly pill: Pill | undefined;
  /** Where the link is, for menus and for the arrow keys. */
  readonly label: Point;
}

export interface Pill extends Box {
  readonly lines: 1 | 2;
  /** There was no room but on another link. */
  readonly covers?: true;
}

type Size = Pick<Pill, 'w' | 'h' | 'lines'>;

/** Largest first. A pill keeps its size and place, whatever it says. */
const sizes: readonly Size[] = [
  { w: 138, h: 42, lines: 2 },
  { w: 118, h: 26, lines: 1 },
  { w: 92, h: 24, lines: 1 },
];
const compactSizes: readonly Size[] = [
  { w: 88, h: 21, lines: 1 },
  { w: 70, h: 19, lines: 1 },
];

/** Half a token, and a little more: what lies beside a curve keeps this distance. */
const clearance = 17;
const compactClearance = 11;

const steps = 48;

interface Drawn extends Curve {
  readonly key: string;
  readonly from: PlacedServer;
  readonly to: PlacedServer;
  readonly points: readonly Point[];
  /** Those that no server hides. */
  readonly open: readonly Point[];
  /** The longest run of these: indices of the points. */
  readonly seen: readonly [number, number];
}

/**
 * All links at once: first the curves, then their counters where they lie on nothing.
 *
 * @param links  each with its key and its two servers
 */
export function placeLinks(
  links: readonly (readonly [string, PlacedServer, PlacedServer])[],
  servers: readonly PlacedServer[],
  frame: { readonly width: number; readonly height: number; readonly compact: boolean },
): readonly PlacedLink[] {
  const drawn: Drawn[] = [];
  for (const [key, from, to] of links) drawn.push(draw(key, from, to, servers, drawn, frame));
  const pills = new Map<string, Pill>();
  // Where there is little choice, the choice is made first.
  for (const link of drawn.toSorted((a, b) => span(a) - span(b))) {
    const pill = placePill(link, drawn, servers, [...pills.values()], frame);
    if (pill) pills.set(link.key, pill);
  }
  return drawn.map((link) => {
    const { key, from, to, a, control, b, points, seen } = link;
    const pill = pills.get(key);
    return {
      key,
      from: from.domain,
      to: to.domain,
      a,
      control,
      b,
      seen: [edge(link, seen[0], -1, servers), edge(link, seen[1], 1, servers)],
      length: lengthOf(points),
      pill,
      label: pill ?? (points[Math.round((seen[0] + seen[1]) / 2)] as Point),
    };
  });
}

function span({ seen }: Drawn): number {
  return seen[1] - seen[0];
}

/** The bend that keeps the curve clear of other servers and of other curves. */
function draw(
  key: string,
  from: PlacedServer,
  to: PlacedServer,
  servers: readonly PlacedServer[],
  others: readonly Drawn[],
  { width, height }: { readonly width: number; readonly height: number },
): Drawn {
  const a = from.hub;
  const b = to.hub;
  const near = others.flatMap((other) => other.open);
  let best: { link: Drawn; cost: number } | undefined;
  for (const bend of [0.06, -0.06, 0.16, -0.16, 0.3, -0.3, 0.5, -0.5, 0.75, -0.75]) {
    const control = { x: (a.x + b.x) / 2 - (b.y - a.y) * bend, y: (a.y + b.y) / 2 + (b.x - a.x) * bend };
    const points = Array.from({ length: steps + 1 }, (_, i) => pointAt({ a, control, b }, i / steps));
    const inside = points.map((p) => servers.find((server) => within(p, server, 1)));
    let cost = Math.abs(bend) * 3;
    for (const [i, p] of points.entries()) {
      if (best && cost >= best.cost) break;
      const server = inside[i];
      if (server && server !== from && server !== to) cost += 1;
      if (p.x < 6 || p.y < 6 || p.x > width - 6 || p.y > height - 6) cost += 2;
      if (!server && near.some((other) => Math.abs(other.x - p.x) < 12 && Math.abs(other.y - p.y) < 12)) cost += 0.4;
    }
    const open = points.filter((_, i) => !inside[i]);
    const link: Drawn = { key, from, to, a, control, b, points, open, seen: longest(inside) };
    if (!best || cost < best.cost) best = { link, cost };
  }
  return (best as NonNullable<typeof best>).link;
}

/** The longest run of points that no server hides. */
function longest(inside: readonly (PlacedServer | undefined)[]): readonly [number, number] {
  let best: readonly [number, number] = [0, steps];
  let length = 0;
  let start = 0;
  for (const [i, server] of [...inside, inside[0]].entries()) {
    if (server === undefined && i <= steps) continue;
    if (i - start > length) {
      length = i - start;
      best = [start, i - 1];
    }
    start = i + 1;
  }
  return best;
}

/** Where between two points of the curve it goes under a server, in shares of the curve: so near that nobody sees a difference. */
function edge(curve: Drawn, point: number, step: 1 | -1, servers: readonly PlacedServer[]): number {
  if (point + step < 0 || point + step > steps) return point / steps;
  let [open, hidden] = [point, point + step];
  for (let i = 0; i < 6; i++) {
    const middle = (open + hidden) / 2;
    if (servers.some((server) => within(pointAt(curve, middle / steps), server, 1))) hidden = middle;
    else open = middle;
  }
  return open / steps;
}

/** Beside the curve, as near to its middle as nothing else is in the way. */
function placePill(
  link: Drawn,
  all: readonly Drawn[],
  servers: readonly PlacedServer[],
  pills: readonly Pill[],
  { width, height, compact }: { readonly width: number; readonly height: number; readonly compact: boolean },
): Pill | undefined {
  const apart = compact ? compactClearance : clearance;
  const own = link.open;
  const free = (pill: Box) =>
    pill.x - pill.w / 2 > 3 &&
    pill.y - pill.h / 2 > 3 &&
    pill.x + pill.w / 2 < width - 3 &&
    pill.y + pill.h / 2 < height - 3 &&
    !servers.some((server) => overlaps(pill, server, 3)) &&
    !pills.some((other) => overlaps(pill, other, 4));
  const others = all.filter((other) => other !== link).map(({ open }) => open);
  const places = (compact ? compactSizes : sizes)
    .flatMap((size) => placesBeside(link, size, apart))
    .filter(({ pill }) => free(pill))
    .toSorted((a, b) => a.cost - b.cost);
  const isBeside = ({ pill }: Place) => own.every((p) => !within(p, pill, apart - 3));
  // Nearer to its own link than to any other; else at least not on another; else where there is room.
  const isClear = ({ pill }: Place, margin: number) =>
    others.every((curve) => curve.every((p) => !within(p, pill, margin)));
  const clear =
    places.find((place) => isClear(place, apart + 5 + place.far) && isBeside(place)) ??
    places.find((place) => isClear(place, apart - 10 + place.far) && isBeside(place)) ??
    places.find((place) => isClear(place, apart - 10) && isBeside(place));
  if (clear) return clear.pill;
  const covering = places.find(isBeside)?.pill;
  return covering && { ...covering, covers: true };
}

interface Place {
  readonly pill: Pill;
  /** How much farther from the curve than need be, in pixels. */
  readonly far: number;
  readonly cost: number;
}

/** The nearer to the middle of what is seen of the curve, the better. */
function placesBeside({ points, seen }: Drawn, size: Size, apart: number): readonly Place[] {
  const middle = (seen[0] + seen[1]) / 2;
  const places: Place[] = [];
  for (let i = seen[0]; i <= seen[1]; i++) {
    const p = points[i] as Point;
    const before = points[Math.max(0, i - 1)] as Point;
    const after = points[Math.min(steps, i + 1)] as Point;
    const length = Math.hypot(after.x - before.x, after.y - before.y) || 1;
    const normal = { x: -(after.y - before.y) / length, y: (after.x - before.x) / length };
    const distance = (Math.abs(normal.x) * size.w + Math.abs(normal.y) * size.h) / 2 + apart;
    for (const side of [1, -1]) {
      for (const far of [0, 14, 30, 50, 80]) {
        const x = p.x + side * normal.x * (distance + far);
        const y = p.y + side * normal.y * (distance + far);
        const cost = Math.abs(i - middle) + far / 2 + (side < 0 ? 0.1 : 0) + (size.lines === 1 ? 7 : 0);
        places.push({ pill: { ...size, x, y }, far, cost });
      }
    }
  }
  return places;
}

export function overlaps(a: Box, b: Box, margin = 0): boolean {
  return Math.abs(a.x - b.x) < (a.w + b.w) / 2 + margin && Math.abs(a.y - b.y) < (a.h + b.h) / 2 + margin;
}

function within(p: Point, box: Box, margin: number): boolean {
  return Math.abs(p.x - box.x) < box.w / 2 + margin && Math.abs(p.y - box.y) < box.h / 2 + margin;
}

function lengthOf(points: readonly Point[]): number {
  return points.slice(1).reduce((sum, p, i) => {
    const q = points[i] as Point;
    return sum + Math.hypot(p.x - q.x, p.y - q.y);
  }, 0);
}

/** A point of a curve, at 0 its start, at 1 its end. */
export function pointAt(curve: Curve, s: number): Point {
  const u = 1 - s;
  return {
    x: u * u * curve.a.x + 2 * u * s * curve.control.x + s * s * curve.b.x,
    y: u * u * curve.a.y + 2 * u * s * curve.control.y + s * s * curve.b.y,
  };
}
