import { overlaps, type PlacedLink, placeLinks, pointAt } from './curves.ts';
import type { LinkView } from './fold/links.ts';
import type { Model } from './fold/model.ts';
import type { NodeView } from './fold/network.ts';
import type { OccupantView } from './fold/people.ts';
import { fitted } from './text-width.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  /** x and y are the centre. */
  readonly w: number;
  readonly h: number;
}

export interface PlacedServer extends Box {
  readonly domain: string;
  /** The XMPP server itself, where sessions and links meet. */
  readonly hub: Point;
}

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

interface Metrics {
  readonly title: number;
  readonly nodeW: number;
  readonly nodeH: number;
  readonly hub: number;
  readonly cellW: number;
  readonly cellH: number;
  /** Below every row of people but the last, for what is written under a nick. */
  readonly rowGap: number;
  readonly radius: number;
  readonly pad: number;
  readonly perRow: number;
  readonly minW: number;
  readonly nickSize: number;
}

const wide: Metrics = {
  title: 34,
  nodeW: 206,
  nodeH: 58,
  hub: 38,
  cellW: 85,
  cellH: 74,
  rowGap: 16,
  radius: 22,
  pad: 14,
  perRow: 4,
  minW: 230,
  nickSize: 15,
};
const narrow: Metrics = {
  title: 24,
  nodeW: 138,
  nodeH: 46,
  hub: 22,
  cellW: 52,
  cellH: 50,
  rowGap: 9,
  radius: 14,
  pad: 7,
  perRow: 3,
  minW: 156,
  nickSize: 11.5,
};

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
    const share = best && best.rank >= 2 ? shares.roomy : shares.counted;
    if (best && (scale < share * best.layout.scale || best.layout.compact !== (metrics === narrow))) break;
    for (const spare of [1, 0]) {
      const boxes = boxesOf(content, metrics, spare);
      if (!spread(boxes, content, frame)) continue;
      const placed = boxesOf(content, metrics).map((box, i) => at(box, boxes[i] as Hull));
      const layout = finish(content, move(placed, moved, frame), frame);
      // Every link has its counter; and then, there is room for a guest.
      const rank = ([...layout.links.values()].every(({ pill }) => pill) ? 2 : 0) + spare;
      if (!best || rank > best.rank) best = { layout, rank };
      if (rank === 3) return layout;
    }
  }
  return best?.layout ?? crowded(content, width, height, moved);
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

/** What is to be placed. */
interface Content {
  readonly servers: readonly ServerContent[];
  readonly links: readonly LinkView[];
}

interface ServerContent {
  readonly domain: string;
  readonly at: readonly [number, number];
  readonly nodes: readonly NodeView[];
  readonly vacant: boolean;
  readonly here: readonly OccupantView[];
  readonly characters: number;
}

interface Hull {
  readonly domain: string;
  readonly perRow: number;
  x: number;
  y: number;
  readonly w: number;
  readonly h: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Frame extends Size {
  readonly scale: number;
  readonly metrics: Metrics;
}

function contentOf(model: Model): Content {
  const people = model.people.all();
  const vacancies = new Set(model.network.vacancies().map(({ server }) => server));
  const servers = model.scenario.servers.map(({ domain, at: place }) => {
    const here = people.filter(({ server }) => server === domain);
    return {
      domain,
      at: place,
      nodes: [...model.network.nodes.values()].filter(({ server }) => server === domain),
      vacant: vacancies.has(domain),
      here,
      characters: here.filter(({ character }) => character).length,
    };
  });
  return { servers, links: [...model.network.links.values()] };
}

function count(content: Content): number {
  return content.servers.reduce((sum, { here }) => sum + here.length, 0);
}

/** Columns for those who are there from the start; a guest begins a row. More when it gets crowded. */
function columns(characters: number, all: number, { perRow }: Metrics): number {
  // One person is in the middle of three.
  const usual = characters < 2 ? 3 : Math.min(characters, perRow);
  return all <= 3 * usual ? usual : Math.min(10, Math.max(usual, Math.ceil(Math.sqrt(1.7 * all))));
}

/** @param spare  how many there is room for on a server where nobody is */
function boxesOf({ servers }: Content, metrics: Metrics, spare = 0): Hull[] {
  return servers.map((server) => boxOf(server, metrics, Math.max(spare, server.here.length)));
}

function boxOf(
  { domain, nodes, vacant, here, characters }: ServerContent,
  metrics: Metrics,
  people = here.length,
  perRow = columns(characters, people, metrics),
): Hull {
  const rows = Math.ceil(people / perRow);
  const cells = perRow > metrics.perRow ? perRow * metrics.cellW : Math.min(perRow, people) * metrics.cellW;
  return {
    domain,
    perRow,
    x: 0,
    y: 0,
    w: Math.max(metrics.minW, metrics.nodeW + 2 * metrics.pad, cells + 2 * metrics.pad),
    h:
      metrics.title +
      (nodes.length + (vacant ? 1 : 0)) * (metrics.nodeH + 8) +
      metrics.hub +
      rows * metrics.cellH +
      Math.max(0, rows - 1) * metrics.rowGap +
      metrics.pad,
  };
}

/** In the box that there is, with people closer to each other. */
function squeezed(server: ServerContent, { w, h }: Box, metrics: Metrics): Hull {
  const box = boxOf(server, metrics);
  if (box.h <= h) return box;
  const most = Math.floor((w - 2 * metrics.pad) / (0.74 * metrics.cellW));
  for (let perRow = box.perRow + 1; perRow <= most; perRow++) {
    const closer = { ...boxOf(server, metrics, server.here.length, perRow), w };
    if (closer.h <= h) return closer;
  }
  return box;
}

/** With the upper edge where that of the other is: hubs and nodes stay when people come. */
function at(box: Hull, other: Box): Hull {
  box.x = other.x;
  box.y = other.y - other.h / 2 + box.h / 2;
  return box;
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
  const covered = (place: Box) =>
    [...layout.servers.values()].filter((server) => overlaps(place, server, 4)).length * 100 +
    [...layout.links.values()].filter(({ pill }) => pill && overlaps(place, pill, 4)).length * 10 +
    [...layout.links.values()].filter((link) => isCrossed(place, link)).length;
  const costs = places.map(covered);
  return places[costs.indexOf(Math.min(...costs))] as Point;
}

function isCrossed({ x, y, w, h }: Box, link: PlacedLink): boolean {
  return Array.from({ length: 41 }, (_, i) => pointAt(link, i / 40)).some(
    (p) => Math.abs(p.x - x) < w / 2 + 6 && Math.abs(p.y - y) < h / 2 + 6,
  );
}

function isInside(
  { x, y, w, h }: Box,
  { width, height }: { readonly width: number; readonly height: number },
): boolean {
  return x - w / 2 >= 3.9 && y - h / 2 >= 3.9 && x + w / 2 <= width - 3.9 && y + h / 2 <= height - 3.9;
}

/** @param before  its links are kept where no server has moved since */
function finish(content: Content, boxes: readonly Hull[], frame: Frame, before?: Layout): Layout {
  const { metrics } = frame;
  const servers = new Map<string, PlacedServer>();
  const nodes = new Map<string, PlacedNode>();
  const vacancies = new Map<string, Box>();
  const occupants = new Map<string, PlacedOccupant>();
  const devices = new Map<string, PlacedDevice>();
  for (const [i, box] of boxes.entries()) {
    const { domain, nodes: own, vacant, here, characters } = content.servers[i] as ServerContent;
    let y = box.y - box.h / 2 + metrics.title;
    const next = () => {
      const place = { x: box.x, y: y + metrics.nodeH / 2, w: metrics.nodeW, h: metrics.nodeH };
      y += metrics.nodeH + 8;
      return place;
    };
    for (const { address } of own) nodes.set(address, { address, ...next() });
    if (vacant) vacancies.set(domain, next());
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

/**
 * Stretches the scenario's positions so that the outermost servers stand at the edges, and moves them apart.
 *
 * @returns whether they fit beside each other
 */
function spread(boxes: readonly Hull[], content: Content, frame: Frame): boolean {
  const { width, height, scale, metrics } = frame;
  const places = placesFor(content, frame);
  const along = (axis: 0 | 1, size: number, half: (box: Hull) => number) => {
    const all = places.map((place) => place[axis]);
    const low = Math.min(...all);
    const range = Math.max(...all) - low;
    return boxes.map((box, i) => {
      const edge = half(box) + Math.min(28, size * 0.03);
      return range === 0 ? size / 2 : edge + (((all[i] as number) - low) / range) * (size - 2 * edge);
    });
  };
  const xs = along(0, width, ({ w }) => w / 2);
  const ys = along(1, height, ({ h }) => h / 2);
  for (const [i, box] of boxes.entries()) Object.assign(box, { x: xs[i], y: ys[i] });
  // Enlarging is worth it only while the links stay long enough to watch. Between two servers there is room for a counter.
  const gap: readonly [number, number] =
    metrics === narrow ? [30, 40] : scale > 1 ? [180, 66] : scale === 1 ? [150, 60] : [140, 54];
  separate(boxes, frame, gap);
  return apart(boxes, frame, gap);
}

/** Servers in a row stand in a column where the picture is higher than it is wide. */
function placesFor(content: Content, { width, height }: Frame): readonly (readonly [number, number])[] {
  const range = (axis: 0 | 1) => {
    const all = content.servers.map((server) => server.at[axis]);
    return Math.max(...all) - Math.min(...all);
  };
  const turn = height > width && range(0) > 1.5 * range(1);
  return content.servers.map(({ at: [x, y] }) => (turn ? [y, x] : [x, y]));
}

/** Moves boxes apart until none touches another, and keeps them inside; the order of the boxes decides ties. */
function separate(boxes: readonly Hull[], frame: Frame, [gapX, gapY]: readonly [number, number]): void {
  keepInside(boxes, frame);
  for (let round = 0; round < 120; round++) {
    let moved = false;
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const overX = (a.w + b.w) / 2 + gapX - Math.abs(a.x - b.x);
        const overY = (a.h + b.h) / 2 + gapY - Math.abs(a.y - b.y);
        if (overX <= 0.5 || overY <= 0.5) continue;
        moved = true;
        const roomX = frame.width - (a.w + b.w + gapX) > 0;
        if (overX < overY && roomX) {
          const push = (a.x <= b.x ? -1 : 1) * (overX / 2);
          a.x += push;
          b.x -= push;
        } else {
          const push = (a.y <= b.y ? -1 : 1) * (overY / 2);
          a.y += push;
          b.y -= push;
        }
      }
    }
    keepInside(boxes, frame);
    if (!moved) break;
  }
}

function keepInside(boxes: readonly Hull[], { width, height }: Frame): void {
  for (const box of boxes) {
    box.x = Math.min(Math.max(box.x, box.w / 2 + 4), Math.max(width - box.w / 2 - 4, box.w / 2 + 4));
    box.y = Math.min(Math.max(box.y, box.h / 2 + 4), Math.max(height - box.h / 2 - 4, box.h / 2 + 4));
  }
}

function apart(boxes: readonly Hull[], frame: Frame, [gapX, gapY]: readonly [number, number]): boolean {
  return boxes.every(
    (a, i) =>
      isInside(a, frame) &&
      boxes
        .slice(i + 1)
        .every(
          (b) =>
            Math.abs(a.x - b.x) > (a.w + b.w) / 2 + gapX * 0.85 || Math.abs(a.y - b.y) > (a.h + b.h) / 2 + gapY * 0.85,
        ),
  );
}

/** Rows from the top, each in the order of the scenario's places. @returns whether they fit */
function shelve(boxes: readonly Hull[], content: Content, frame: Frame): boolean {
  const [gapX, gapY] = [30, 40];
  const order = boxes.map((_, i) => i).sort((a, b) => rank(content.servers[a]) - rank(content.servers[b]));
  let [x, y, h] = [4, 4, 0];
  for (const i of order) {
    const box = boxes[i] as Hull;
    if (x > 4 && x + box.w > frame.width - 4) [x, y, h] = [4, y + h + gapY, 0];
    box.x = x + box.w / 2;
    box.y = y + box.h / 2;
    x += box.w + gapX;
    h = Math.max(h, box.h);
  }
  return boxes.every((box) => isInside(box, frame));
}

function rank(server: ServerContent | undefined): number {
  const [x = 0, y = 0] = server?.at ?? [];
  return Math.round(y * 3) * 10 + x;
}
