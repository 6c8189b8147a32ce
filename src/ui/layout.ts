import type { Model } from './fold/model.ts';
import type { OccupantView } from './fold/people.ts';

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
}

/** Where what goes to and from one device of an occupant ends: beside that of the others, so that all copies are seen. */
export interface PlacedDevice extends Point {
  readonly disc: PlacedOccupant;
}

/** A curve between two hubs, and the point on it where its label stands. */
export interface PlacedLink {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly a: Point;
  readonly control: Point;
  readonly b: Point;
  readonly label: Point;
}

export interface Layout {
  readonly compact: boolean;
  /** Too little room between servers for long labels. */
  readonly tight: boolean;
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

interface Metrics {
  readonly title: number;
  readonly nodeW: number;
  readonly nodeH: number;
  readonly hub: number;
  readonly cellW: number;
  readonly cellH: number;
  readonly radius: number;
  readonly pad: number;
  readonly perRow: number;
  readonly minW: number;
}

const wide: Metrics = {
  title: 34,
  nodeW: 206,
  nodeH: 58,
  hub: 38,
  cellW: 85,
  cellH: 74,
  radius: 22,
  pad: 14,
  perRow: 4,
  minW: 230,
};
const narrow: Metrics = {
  title: 24,
  nodeW: 138,
  nodeH: 46,
  hub: 22,
  cellW: 52,
  cellH: 50,
  radius: 14,
  pad: 7,
  perRow: 3,
  minW: 156,
};

/** From the last row of a lecture hall down to what a person can still read. */
const scales = [1.6, 1.45, 1.3, 1.15, 1, 0.92, 0.84, 0.77];
const compactScales = [1.15, 1, 0.92, 0.85, 0.78];

/**
 * Places everything, as large as fits. A pure function of the model and the size, so nothing jumps when data arrives: only
 * people and nodes that come or go move anything, and all characters of the scenario have a place from the start.
 *
 * @returns positions in a picture of its own size, to be shown in width x height
 */
export function layOut(model: Model, width: number, height: number): Layout {
  if (width >= 620) {
    for (const scale of scales) {
      const layout = layOutAt(model, width, height, scale, wide);
      if (layout) return layout;
    }
  }
  for (const scale of compactScales) {
    const layout = layOutAt(model, width, height, scale, narrow);
    if (layout) return layout;
  }
  return layOutAt(model, width, height, 0.7, narrow, true) as Layout;
}

/** @returns undefined if the servers do not fit beside each other, unless it is the last resort */
function layOutAt(
  model: Model,
  shownWidth: number,
  shownHeight: number,
  scale: number,
  metrics: Metrics,
  anyhow = false,
): Layout | undefined {
  const width = shownWidth / scale;
  const height = shownHeight / scale;
  const compact = metrics === narrow;
  const people = new Map<string, OccupantView[]>();
  for (const occupant of model.people.all()) {
    people.set(occupant.server, [...(people.get(occupant.server) ?? []), occupant]);
  }
  const vacancies = new Set(model.network.vacancies().map(({ server }) => server));
  const boxes = model.scenario.servers.map((server) => {
    const nodes = [...model.network.nodes.values()].filter((node) => node.server === server.domain);
    const here = people.get(server.domain) ?? [];
    const vacant = vacancies.has(server.domain) ? 1 : 0;
    const perRow = Math.min(Math.max(here.length, 1), here.length > 8 ? 6 : metrics.perRow);
    const rows = Math.ceil(here.length / perRow);
    return {
      domain: server.domain,
      nodes,
      vacant,
      here,
      perRow,
      x: 0,
      y: 0,
      w: Math.max(metrics.minW, metrics.nodeW + 2 * metrics.pad, perRow * metrics.cellW + 2 * metrics.pad),
      h:
        metrics.title +
        (nodes.length + vacant) * (metrics.nodeH + 8) +
        metrics.hub +
        rows * metrics.cellH +
        metrics.pad,
    };
  });
  spread(boxes, model, width, height);
  // Enlarging is worth it only while the links stay long enough to watch.
  const gap: readonly [number, number] = compact
    ? [26, 34]
    : scale > 1
      ? [180, 66]
      : scale === 1
        ? [130, 58]
        : [92, 50];
  separate(boxes, width, height, gap[0], gap[1]);
  if (!anyhow && !apart(boxes, width, height, gap)) return undefined;

  const servers = new Map<string, PlacedServer>();
  const nodes = new Map<string, PlacedNode>();
  const places = new Map<string, Box>();
  const occupants = new Map<string, PlacedOccupant>();
  const devices = new Map<string, PlacedDevice>();
  for (const box of boxes) {
    let y = box.y - box.h / 2 + metrics.title;
    for (const node of box.nodes) {
      nodes.set(node.address, {
        address: node.address,
        x: box.x,
        y: y + metrics.nodeH / 2,
        w: metrics.nodeW,
        h: metrics.nodeH,
      });
      y += metrics.nodeH + 8;
    }
    if (box.vacant > 0) {
      places.set(box.domain, { x: box.x, y: y + metrics.nodeH / 2, w: metrics.nodeW, h: metrics.nodeH });
      y += metrics.nodeH + 8;
    }
    const hub = { x: box.x, y: y + metrics.hub / 2 - 4 };
    y += metrics.hub;
    servers.set(box.domain, { domain: box.domain, x: box.x, y: box.y, w: box.w, h: box.h, hub });
    // Few people in a wide hull spread out, so that their names have room.
    const cellW = (box.w - 2 * metrics.pad) / box.perRow;
    for (const [i, occupant] of box.here.entries()) {
      const row = Math.floor(i / box.perRow);
      const inRow = Math.min(box.perRow, box.here.length - row * box.perRow);
      const disc = {
        occupant,
        x: box.x + ((i % box.perRow) - (inRow - 1) / 2) * cellW,
        y: y + row * metrics.cellH + metrics.radius + 4,
      };
      occupants.set(occupant.jid, disc);
      for (const [jid, place] of placeDevices(disc, metrics.radius)) devices.set(jid, place);
    }
  }
  const links = new Map<string, PlacedLink>();
  for (const link of model.network.links.values()) {
    const a = servers.get(link.ends[0]);
    const b = servers.get(link.ends[1]);
    if (a && b) links.set(link.key, placeLink(link.key, a, b, [...servers.values()], [...links.values()], compact));
  }
  return {
    compact,
    tight: compact || scale < 1,
    width,
    height,
    servers,
    nodes,
    vacancies: places,
    occupants,
    devices,
    links,
    radius: metrics.radius,
  };
}

/** Side by side across the disc. */
function placeDevices(disc: PlacedOccupant, radius: number): (readonly [string, PlacedDevice])[] {
  const { devices } = disc.occupant;
  const gap = Math.min(1.2, 2 / (devices.length - 1)) * radius;
  return devices.map(({ jid }, i) => {
    const x = disc.x + (devices.length > 1 ? (i - (devices.length - 1) / 2) * gap : 0);
    return [jid, { disc, x, y: disc.y }];
  });
}

/** Stretches the scenario's positions so that the outermost servers stand at the edges. */
function spread(
  boxes: { x: number; y: number; readonly w: number; readonly h: number }[],
  model: Model,
  width: number,
  height: number,
): void {
  const place = (
    axis: 0 | 1,
    size: number,
    half: (box: (typeof boxes)[number]) => number,
    set: (i: number, at: number) => void,
  ) => {
    const all = model.scenario.servers.map((server) => server.at[axis]);
    const low = Math.min(...all);
    const span = Math.max(...all) - low;
    for (const [i, box] of boxes.entries()) {
      const share = span === 0 ? 0.5 : ((all[i] as number) - low) / span;
      const edge = half(box) + Math.min(28, size * 0.03);
      set(i, span === 0 ? size / 2 : edge + share * (size - 2 * edge));
    }
  };
  place(
    0,
    width,
    (box) => box.w / 2,
    (i, at) => {
      (boxes[i] as (typeof boxes)[number]).x = at;
    },
  );
  place(
    1,
    height,
    (box) => box.h / 2,
    (i, at) => {
      (boxes[i] as (typeof boxes)[number]).y = at;
    },
  );
}

/** Moves boxes apart until none touches another, and keeps them inside; the order of the boxes decides ties. */
function separate(
  boxes: { x: number; y: number; readonly w: number; readonly h: number }[],
  width: number,
  height: number,
  gapX: number,
  gapY: number,
): void {
  const clamp = () => {
    for (const box of boxes) {
      box.x = Math.min(Math.max(box.x, box.w / 2 + 4), Math.max(width - box.w / 2 - 4, box.w / 2 + 4));
      box.y = Math.min(Math.max(box.y, box.h / 2 + 4), Math.max(height - box.h / 2 - 4, box.h / 2 + 4));
    }
  };
  clamp();
  for (let round = 0; round < 120; round++) {
    let moved = false;
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const overX = (a.w + b.w) / 2 + gapX - Math.abs(a.x - b.x);
        const overY = (a.h + b.h) / 2 + gapY - Math.abs(a.y - b.y);
        if (overX <= 0.5 || overY <= 0.5) continue;
        moved = true;
        const roomX = width - (a.w + b.w + gapX) > 0;
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
    clamp();
    if (!moved) break;
  }
}

function apart(boxes: readonly Box[], width: number, height: number, [gapX, gapY]: readonly [number, number]): boolean {
  return boxes.every(
    (a, i) =>
      a.w < width &&
      a.h < height &&
      boxes
        .slice(i + 1)
        .every(
          (b) =>
            Math.abs(a.x - b.x) > (a.w + b.w) / 2 + gapX * 0.85 || Math.abs(a.y - b.y) > (a.h + b.h) / 2 + gapY * 0.85,
        ),
  );
}

/** The bend that keeps the curve clear of other servers, and the label on the part of it that can be seen. */
function placeLink(
  key: string,
  from: PlacedServer,
  to: PlacedServer,
  servers: readonly PlacedServer[],
  others: readonly PlacedLink[],
  compact: boolean,
): PlacedLink {
  const a = from.hub;
  const b = to.hub;
  let best: { control: Point; label: Point; cost: number } | undefined;
  for (const bend of [0.06, -0.06, 0.16, -0.16, 0.3, -0.3, 0.5, -0.5, 0.75, -0.75]) {
    const control = { x: (a.x + b.x) / 2 - (b.y - a.y) * bend, y: (a.y + b.y) / 2 + (b.x - a.x) * bend };
    let cost = Math.abs(bend) * 3;
    const open: Point[] = [];
    for (let i = 1; i < 40; i++) {
      const p = pointAt({ a, control, b }, i / 40);
      const inside = servers.find((server) => within(p, server, 6));
      if (!inside) open.push(p);
      else if (inside !== from && inside !== to) cost += 1;
      if (p.x < 4 || p.y < 4) cost += 2;
    }
    const label = bestLabel(open, servers, others, compact) ?? pointAt({ a, control, b }, 0.5);
    if (!best || cost < best.cost) best = { control, label, cost };
  }
  const { control, label } = best as NonNullable<typeof best>;
  return { key, from: from.domain, to: to.domain, a, control, b, label };
}

function bestLabel(
  open: readonly Point[],
  servers: readonly PlacedServer[],
  others: readonly PlacedLink[],
  compact: boolean,
): Point | undefined {
  const half = { w: compact ? 34 : 58, h: compact ? 15 : 22 };
  let best: { point: Point; cost: number } | undefined;
  for (const [i, point] of open.entries()) {
    let cost = Math.abs(i - (open.length - 1) / 2) / open.length;
    for (const server of servers) {
      const overX = server.w / 2 + half.w - Math.abs(server.x - point.x);
      const overY = server.h / 2 + half.h - Math.abs(server.y - point.y);
      if (overX > 0 && overY > 0) cost += 1 + Math.min(overX, overY) / 20;
    }
    for (const other of others) {
      if (Math.abs(other.label.x - point.x) < 2 * half.w && Math.abs(other.label.y - point.y) < 2 * half.h) cost += 2;
    }
    if (!best || cost < best.cost) best = { point, cost };
  }
  return best?.point;
}

function within(p: Point, box: Box, margin: number): boolean {
  return Math.abs(p.x - box.x) < box.w / 2 + margin && Math.abs(p.y - box.y) < box.h / 2 + margin;
}

/** A point of a quadratic curve, at 0 its start, at 1 its end. */
export function pointAt(curve: Pick<PlacedLink, 'a' | 'control' | 'b'>, s: number): Point {
  const u = 1 - s;
  return {
    x: u * u * curve.a.x + 2 * u * s * curve.control.x + s * s * curve.b.x,
    y: u * u * curve.a.y + 2 * u * s * curve.control.y + s * s * curve.b.y,
  };
}
