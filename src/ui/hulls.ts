import { isReal } from '../scenario/real-servers.ts';
import type { Box } from './boxes.ts';
import type { LinkView } from './fold/links.ts';
import type { Model } from './fold/model.ts';
import type { NodeView } from './fold/network.ts';
import type { OccupantView } from './fold/people.ts';

export interface Metrics {
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

export const wide: Metrics = {
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
export const narrow: Metrics = {
  title: 24,
  nodeW: 138,
  nodeH: 46,
  hub: 22,
  cellW: 52,
  cellH: 54,
  rowGap: 8,
  radius: 14,
  pad: 7,
  perRow: 3,
  minW: 156,
  nickSize: 11.5,
};

/** What is to be placed. */
export interface Content {
  readonly servers: readonly ServerContent[];
  readonly links: readonly LinkView[];
}

export interface ServerContent {
  readonly domain: string;
  readonly at: readonly [number, number];
  readonly nodes: readonly NodeView[];
  readonly vacant: boolean;
  /** Only its edge is known, which is written there. */
  readonly real: boolean;
  readonly here: readonly OccupantView[];
  readonly characters: number;
}

export interface Hull {
  readonly domain: string;
  readonly perRow: number;
  x: number;
  y: number;
  readonly w: number;
  readonly h: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Frame extends Size {
  readonly scale: number;
  readonly metrics: Metrics;
}

export function contentOf(model: Model): Content {
  const people = model.people.all();
  const vacancies = new Set(model.network.vacancies().map(({ server }) => server));
  const servers = model.scenario.servers.map((server) => {
    const { domain, at: place } = server;
    const here = people.filter((who) => who.server === domain);
    return {
      domain,
      at: place,
      nodes: [...model.network.nodes.values()].filter((node) => node.server === domain),
      vacant: vacancies.has(domain),
      real: isReal(server),
      here,
      characters: here.filter(({ character }) => character).length,
    };
  });
  return { servers, links: [...model.network.links.values()] };
}

export function count(content: Content): number {
  return content.servers.reduce((sum, { here }) => sum + here.length, 0);
}

/** Columns for those who are there from the start; a guest begins a row. More when it gets crowded. */
function columns(characters: number, all: number, { perRow }: Metrics): number {
  // One person is in the middle of three.
  const usual = characters < 2 ? 3 : Math.min(characters, perRow);
  return all <= 3 * usual ? usual : Math.min(10, Math.max(usual, Math.ceil(Math.sqrt(1.7 * all))));
}

/** @param spare  how many there is room for on a server where nobody is */
export function boxesOf({ servers }: Content, metrics: Metrics, spare = 0): Hull[] {
  return servers.map((server) => boxOf(server, metrics, Math.max(spare, server.here.length)));
}

export function boxOf(
  { domain, nodes, vacant, real, here, characters }: ServerContent,
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
      (nodes.length + (vacant ? 1 : 0) + (real ? 1 : 0)) * (metrics.nodeH + 8) +
      metrics.hub +
      rows * metrics.cellH +
      Math.max(0, rows - 1) * metrics.rowGap +
      metrics.pad,
  };
}

/** In the box that there is, with people closer to each other. */
export function squeezed(server: ServerContent, { w, h }: Box, metrics: Metrics): Hull {
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
export function at(box: Hull, other: Box): Hull {
  box.x = other.x;
  box.y = other.y - other.h / 2 + box.h / 2;
  return box;
}

export function isInside(
  { x, y, w, h }: Box,
  { width, height }: { readonly width: number; readonly height: number },
): boolean {
  return x - w / 2 >= 3.9 && y - h / 2 >= 3.9 && x + w / 2 <= width - 3.9 && y + h / 2 <= height - 3.9;
}

/** Positions that differ by so much along an axis, or by more, fill the picture along it. */
export const fullRange = 0.5;

/** How far from the edge of the picture the middle of a server is at least. */
export function edgeOf(half: number, size: number): number {
  return half + Math.min(28, size * 0.03);
}

/**
 * Stretches the scenario's positions so that the outermost servers stand at the edges, and moves them apart.
 *
 * @returns whether they fit beside each other
 */
export function spread(boxes: readonly Hull[], content: Content, frame: Frame): boolean {
  const { width, height, scale, metrics } = frame;
  const places = placesFor(content, frame);
  const along = (axis: 0 | 1, size: number, half: (box: Hull) => number) => {
    const all = places.map((place) => place[axis]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return boxes.map((box, i) => {
      const edge = edgeOf(half(box), size);
      const share = 0.5 + ((all[i] as number) - (low + high) / 2) / Math.max(high - low, fullRange);
      return edge + share * (size - 2 * edge);
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
function placesFor({ servers }: Content, frame: Frame): readonly (readonly [number, number])[] {
  const turn = isTurned(servers, frame);
  return servers.map(({ at: [x, y] }) => (turn ? [y, x] : [x, y]));
}

export function isTurned(servers: readonly Pick<ServerContent, 'at'>[], { width, height }: Size): boolean {
  const range = (axis: 0 | 1) => {
    const all = servers.map((server) => server.at[axis]);
    return Math.max(...all) - Math.min(...all);
  };
  return height > width && range(0) > 1.5 * range(1);
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

export function keepInside(boxes: readonly Hull[], { width, height }: Frame): void {
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
export function shelve(boxes: readonly Hull[], content: Content, frame: Frame): boolean {
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
