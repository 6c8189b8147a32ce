import type { Box, PlacedServer, Point } from './boxes.ts';
import { overlaps, type PlacedLink, placeLinks, pointAt } from './curves.ts';
import type { Model } from './fold/model.ts';
import type { OccupantView } from './fold/people.ts';
import {
  at,
  boxesOf,
  boxOf,
  type Content,
  contentOf,
  count,
  type Frame,
  type Hull,
  isInside,
  keepInside,
  narrow,
  type ServerContent,
  type Size,
  shelve,
  spread,
  squeezed,
  wide,
} from './hulls.ts';
import { fitted } from './text-width.ts';

export interface PlacedNode extends Box {
  readonly address: string;
}

export interface PlacedOccupant extends Point {
  readonly occupant: OccupantView;
  /** As much of the nick as fits. */
  readonly nick: string;
  /** How wide what is written below may be. */
  readonly room: number;
}

/** Where what goes to and from one device of an occupant ends: beside that of the others, so that all copies are seen. */
export interface PlacedDevice extends Point {
  readonly disc: PlacedOccupant;
  /** From the hub to here, between the people in the rows before. */
  readonly way: readonly Point[];
}

export interface Layout {
  readonly compact: boolean;
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  readonly servers: ReadonlyMap<string, PlacedServer>;
  readonly nodes: ReadonlyMap<string, PlacedNode>;
  /** By server: the place of a replica that could be added there. */
  readonly vacancies: ReadonlyMap<string, Box>;
  /** By real server: where it says that only its edge is known. */
  readonly edges: ReadonlyMap<string, Box>;
  readonly occupants: ReadonlyMap<string, PlacedOccupant>;
  /** By full JID. */
  readonly devices: ReadonlyMap<string, PlacedDevice>;
  readonly links: ReadonlyMap<string, PlacedLink>;
  readonly radius: number;
}

/** What a layout goes by besides the model and the size. */
export interface Held {
  /** What is shown now: servers stay where they are while people come. */
  readonly before?: Layout | undefined;
  /** By domain: where a person put a server. The middle of its upper edge, in shares of the width and of the height. */
  readonly moved?: ReadonlyMap<string, Point>;
}

/** From the last row of a lecture hall down to what a person can still read. */
const scales = [1.6, 1.45, 1.3, 1.15, 1, 0.92, 0.84, 0.77];
const compactScales = [1.15, 1, 0.92, 0.85, 0.78];

/**
 * Places everything, as large as fits, and nothing on anything else. A pure function of the model, of the size, and of where
 * things were, so nothing jumps when data arrives: all characters of the scenario have a place from the start, and the servers
 * stay where they are while guests come.
 *
 * @returns positions in a picture of its own size, to be shown in width x height
 */
export function layOut(model: Model, width: number, height: number, held: Held = {}): Layout {
  const content = contentOf(model);
  return stay(content, width, height, held) ?? arrangeAnew(content, width, height, held);
}

/** How much smaller things may be so that there is room for guests; and so that every link has its counter. */
const shares = { roomy: 0.84, counted: 0.68 };

function arrangeAnew(content: Content, width: number, height: number, { moved = new Map() }: Held): Layout {
  const steps = [
    ...(width >= 620 ? scales.map((scale) => [scale, wide] as const) : []),
    ...compactScales.map((scale) => [scale, narrow] as const),
  ];
  let best: { readonly layout: Layout; readonly rank: number } | undefined;
  for (const [scale, metrics] of steps) {
    const frame = { width: width / scale, height: height / scale, scale, metrics };
    const share = best && best.rank >= counted ? shares.roomy : shares.counted;
    if (best && (scale < share * best.layout.scale || best.layout.compact !== (metrics === narrow))) break;
    for (const spare of [1, 0]) {
      const boxes = boxesOf(content, metrics, spare);
      if (!spread(boxes, content, frame)) continue;
      const placed = boxesOf(content, metrics).map((box, i) => at(box, boxes[i] as Hull));
      const layout = finish(content, move(placed, moved, frame), frame);
      const rank = rankOf(layout) + spare;
      if (!best || rank > best.rank) best = { layout, rank };
      if (rank === counted + 1) return layout;
    }
  }
  return best?.layout ?? crowded(content, width, height, moved);
}

/** Every link has its counter, and none of these lies on another link; what is left is room for a guest. */
const counted = 6;

function rankOf({ links }: Layout): number {
  const pills = [...links.values()].map(({ pill }) => pill);
  return (pills.every((pill) => pill) ? 4 : 0) + (pills.some((pill) => pill?.covers) ? 0 : 2);
}

/** More than fits in a size that can be read: row by row, as large as it may be. */
function crowded(content: Content, width: number, height: number, moved: ReadonlyMap<string, Point>): Layout {
  const metrics = narrow;
  for (let scale = 0.74; ; scale *= 0.94) {
    const frame = { width: width / scale, height: height / scale, scale, metrics };
    const boxes = boxesOf(content, metrics);
    if (shelve(boxes, content, frame)) return finish(content, move(boxes, moved, frame), frame);
  }
}

/** The same again with more people. @returns undefined if there is no such, or if there is no room for them */
function stay(
  content: Content,
  width: number,
  height: number,
  { before, moved = new Map() }: Held,
): Layout | undefined {
  if (!before || !isSize(before, width, height)) return undefined;
  // Who leaves makes room for larger things.
  if (content.servers.length !== before.servers.size || count(content) < before.occupants.size) return undefined;
  const metrics = before.compact ? narrow : wide;
  const frame = { width: before.width, height: before.height, scale: before.scale, metrics };
  const gap = moved.size > 0 ? leastGap : metrics === narrow ? 20 : 34;
  const ways = [
    { closer: false, shift: false },
    { closer: true, shift: false },
    { closer: false, shift: true },
  ];
  for (const { closer, shift } of ways) {
    const boxes = content.servers.map((server) => {
      const former = before.servers.get(server.domain) as PlacedServer;
      return at(closer ? squeezed(server, former, metrics) : boxOf(server, metrics), former);
    });
    if (shift) keepInside(boxes, frame);
    const placed = move(boxes, moved, frame);
    if (isInOrder(placed, frame, gap)) return finish(content, placed, frame, before);
  }
  return undefined;
}

function isSize({ width, height, scale }: Layout, shownWidth: number, shownHeight: number): boolean {
  return Math.abs(width * scale - shownWidth) < 0.5 && Math.abs(height * scale - shownHeight) < 0.5;
}

/** Puts servers where a person put them, unless they would lie on each other there: in another size, say. */
function move(boxes: readonly Hull[], moved: ReadonlyMap<string, Point>, frame: Frame): readonly Hull[] {
  if (moved.size === 0) return boxes;
  const there = boxes.map((box) => {
    const place = moved.get(box.domain);
    return place ? { ...box, x: place.x * frame.width, y: place.y * frame.height + box.h / 2 } : { ...box };
  });
  keepInside(there, frame);
  return isInOrder(there, frame, leastGap - 1) ? there : boxes;
}

const leastGap = 12;

function isInOrder(boxes: readonly Box[], frame: Size, gap: number): boolean {
  return boxes.every((a, i) => isInside(a, frame) && boxes.slice(i + 1).every((b) => !overlaps(a, b, gap)));
}

/** Whether a server may be put there: within the picture, and not on another one. */
export function mayStand(layout: Layout, server: PlacedServer): boolean {
  const others = [...layout.servers.values()].filter(({ domain }) => domain !== server.domain);
  return isInside(server, layout) && others.every((other) => !overlaps(server, other, leastGap));
}

/** Where something is written that belongs to no server: on as little as possible. @returns its middle */
export function roomFor(layout: Layout, { w, h }: Pick<Box, 'w' | 'h'>): Point {
  const { width, height } = layout;
  const places = [1, 0, 2, 3, 4, 5, 6].flatMap((row) =>
    [2, 1, 3, 0, 4].map((column) => ({
      x: w / 2 + 6 + (column / 4) * (width - w - 12),
      y: h / 2 + 6 + (row / 6) * (height - h - 12),
      w,
      h,
    })),
  );
  return leastCovering(layout, places);
}

/** The first of those places that lie on as little as possible. */
export function leastCovering(layout: Layout, places: readonly Box[]): Box {
  const covered = (place: Box) =>
    [...layout.servers.values()].filter((server) => overlaps(place, server, 4)).length * 100 +
    [...layout.links.values()].filter(({ pill }) => pill && overlaps(place, pill, 4)).length * 10 +
    [...layout.links.values()].filter((link) => isCrossed(place, link)).length;
  const costs = places.map(covered);
  return places[costs.indexOf(Math.min(...costs))] as Box;
}

function isCrossed({ x, y, w, h }: Box, link: PlacedLink): boolean {
  return Array.from({ length: 41 }, (_, i) => pointAt(link, i / 40)).some(
    (p) => Math.abs(p.x - x) < w / 2 + 6 && Math.abs(p.y - y) < h / 2 + 6,
  );
}

/** @param before  its links are kept where no server has moved since */
function finish(content: Content, boxes: readonly Hull[], frame: Frame, before?: Layout): Layout {
  const { metrics } = frame;
  const servers = new Map<string, PlacedServer>();
  const nodes = new Map<string, PlacedNode>();
  const vacancies = new Map<string, Box>();
  const edges = new Map<string, Box>();
  const occupants = new Map<string, PlacedOccupant>();
  const devices = new Map<string, PlacedDevice>();
  for (const [i, box] of boxes.entries()) {
    const { domain, nodes: own, vacant, real, here, characters } = content.servers[i] as ServerContent;
    let y = box.y - box.h / 2 + metrics.title;
    const next = () => {
      const place = { x: box.x, y: y + metrics.nodeH / 2, w: metrics.nodeW, h: metrics.nodeH };
      y += metrics.nodeH + 8;
      return place;
    };
    for (const { address } of own) nodes.set(address, { address, ...next() });
    if (vacant) vacancies.set(domain, next());
    if (real) edges.set(domain, next());
    const hub = { x: box.x, y: y + metrics.hub / 2 - 4 };
    y += metrics.hub;
    servers.set(domain, { domain, x: box.x, y: box.y, w: box.w, h: box.h, hub });
    const cellW = (box.w - 2 * metrics.pad) / box.perRow;
    for (const [n, occupant] of here.entries()) {
      const row = Math.floor(n / box.perRow);
      const column = columnOf(n, box.perRow, characters);
      const disc = {
        occupant,
        nick: fitted(occupant.nick, metrics.nickSize, cellW - 6),
        room: cellW - 6,
        x: box.x + (column - (box.perRow - 1) / 2) * cellW,
        y: y + row * (metrics.cellH + metrics.rowGap) + metrics.radius + 4,
      };
      occupants.set(occupant.jid, disc);
      const first = y + metrics.radius + 4;
      const aisle = disc.x + (disc.x > box.x ? -cellW / 2 : cellW / 2);
      const corners =
        row === 0
          ? []
          : [
              { x: aisle, y: first - metrics.radius },
              { x: aisle, y: disc.y },
            ];
      for (const [jid, place] of placeDevices(disc, metrics.radius))
        devices.set(jid, { ...place, way: [hub, ...corners, { x: place.x, y: place.y }] });
    }
  }
  const compact = metrics === narrow;
  const { scale, width, height } = frame;
  const links =
    before && content.links.length === before.links.size && isSame(before.servers, servers)
      ? before.links
      : linksOf(content, servers, { width, height, compact });
  return {
    compact,
    scale,
    width,
    height,
    servers,
    nodes,
    vacancies,
    edges,
    occupants,
    devices,
    links,
    radius: metrics.radius,
  };
}

function linksOf(
  content: Content,
  servers: ReadonlyMap<string, PlacedServer>,
  frame: Parameters<typeof placeLinks>[2],
): ReadonlyMap<string, PlacedLink> {
  const ends = content.links.flatMap(({ key, ends: [one, other] }) => {
    const [from, to] = [servers.get(one), servers.get(other)];
    return from && to ? [[key, from, to] as const] : [];
  });
  return new Map(placeLinks(ends, [...servers.values()], frame).map((link) => [link.key, link]));
}

function isSame(some: ReadonlyMap<string, Box>, others: ReadonlyMap<string, Box>): boolean {
  return [...some].every(([domain, { x, y, w, h }]) => {
    const other = others.get(domain);
    return other !== undefined && Math.hypot(other.x - x, other.y - y, other.w - w, other.h - h) < 0.01;
  });
}

/** One who is alone stands in the middle, and whoever comes stands beside. */
function columnOf(n: number, perRow: number, characters: number): number {
  const column = n % perRow;
  return characters < 2 && perRow === 3 ? ([1, 0, 2][column] as number) : column;
}

/** Side by side across the disc. */
function placeDevices(disc: PlacedOccupant, radius: number): (readonly [string, Omit<PlacedDevice, 'way'>])[] {
  const { devices } = disc.occupant;
  const gap = Math.min(1.2, 2 / (devices.length - 1)) * radius;
  return devices.map(({ jid }, i) => {
    const x = disc.x + (devices.length > 1 ? (i - (devices.length - 1) / 2) * gap : 0);
    return [jid, { disc, x, y: disc.y }];
  });
}
