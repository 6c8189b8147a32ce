import type { Point } from '../boxes.ts';
import type { Span } from '../fold/spans.ts';
import { bodyOf, shorten } from '../fold/summary.ts';
import type { GlyphKind } from '../glyphs.ts';
import type { Column, Columns } from './columns.ts';
import type { Arrow, Sheet } from './sheet.ts';

/** Kinds differ by colour, by the dashes of the line, and by the mark. */
export const dashes: Readonly<Record<GlyphKind, string>> = {
  message: 'none',
  presence: '7 4',
  iq: '2 3',
  error: '9 3 2 3',
};

/** An arrow as it is drawn. Points are in pixels from the top left of the diagram. */
export interface ArrowShape {
  readonly arrow: Arrow;
  /** The event that it stands for: the leg on a link if it crosses one, else its first. */
  readonly event: number;
  readonly kind: GlyphKind;
  readonly line: readonly [Point, Point];
  /** Path of the line, which is a loop where somebody writes to themself. */
  readonly path: string;
  /** Corners of the head of one that has arrived. */
  readonly head: readonly Point[] | undefined;
  /** Where it was lost. */
  readonly cross: Point | undefined;
  /** Of the mark that tells its kind. */
  readonly mark: Point;
  /** What a user says to a room, where the arrow begins. */
  readonly label: { readonly text: string; readonly at: Point; readonly anchor: 'start' | 'end' } | undefined;
}

/** A time of trouble in a column. */
export interface BarShape {
  readonly span: Span;
  readonly column: Column;
  /** Of a link: the server at its other end. */
  readonly far: string | undefined;
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
}

const headLength = 9;
const headWidth = 4;
/** From the point of the arrow to the middle of its mark. */
const markAway = 20;
/** A stanza is lost beside the server, on the side of the one that it was to go to. */
const crossAside = 17;
const loopWidth = 26;
/** Between two bars of a server, and for all of them. */
const laneWidth = 9;
const mostLanes = 30;
const wordsEvery = 240;

/** @returns undefined where an end has no column */
export function arrowShape(arrow: Arrow, sheet: Sheet, columns: Columns): ArrowShape | undefined {
  const from = columns.byId.get(arrow.from);
  const to = columns.byId.get(arrow.to);
  const [first] = arrow.hops;
  if (!from || !to || !first?.stanza) return undefined;
  const [top, bottom] = sheet.reach(arrow);
  const isLost = arrow.toward !== undefined;
  // What bounces comes back from where it was lost.
  const p = { x: from.x + asideOf(columns, arrow.answers?.toward, from), y: top };
  const q = { x: to.x + asideOf(columns, arrow.toward, to), y: bottom };
  const isLoop = p.x === q.x;
  const bend = p.x + loopWidth;
  const path = isLoop ? `M${p.x} ${p.y}C${bend} ${p.y} ${bend} ${q.y} ${q.x} ${q.y}` : `M${p.x} ${p.y}L${q.x} ${q.y}`;
  const length = Math.hypot(q.x - p.x, q.y - p.y) || 1;
  const along = isLoop ? { x: -1, y: 0 } : { x: (q.x - p.x) / length, y: (q.y - p.y) / length };
  const back = isLost ? length / 2 : Math.min(markAway, length / 2);
  const crossed = arrow.hops.find(({ leg }) => leg === 'link') ?? first;
  return {
    arrow,
    event: crossed.id,
    kind: arrow.hops.at(-1)?.stanza?.type === 'error' ? 'error' : first.stanza.name,
    line: [p, q],
    path,
    head: isLost || arrow.fate === 'open' ? undefined : headOf(q, along),
    cross: isLost ? q : undefined,
    mark: isLoop
      ? { x: p.x + loopWidth * 0.75, y: (p.y + q.y) / 2 }
      : { x: q.x - along.x * back, y: q.y - along.y * back },
    label: labelOf(arrow, from, p, q),
  };
}

/** How far beside its server a stanza is lost that was to go to another one. */
function asideOf({ byId }: Columns, toward: string | undefined, server: Column): number {
  if (toward === undefined) return 0;
  return (byId.get(toward)?.x ?? 0) >= server.x ? crossAside : -crossAside;
}

function headOf({ x, y }: Point, along: Point): readonly Point[] {
  const base = { x: x - along.x * headLength, y: y - along.y * headLength };
  const across = { x: -along.y * headWidth, y: along.x * headWidth };
  return [
    { x, y },
    { x: base.x + across.x, y: base.y + across.y },
    { x: base.x - across.x, y: base.y - across.y },
  ];
}

/** What a node sends is a copy. */
function labelOf({ hops: [first] }: Arrow, from: Column, p: Point, q: Point): ArrowShape['label'] {
  if (from.kind !== 'user' || first?.stanza === undefined || bodyOf(first.stanza) === undefined) return undefined;
  const toTheRight = q.x >= p.x;
  return {
    text: shorten(first.text, 30),
    at: { x: p.x + (toTheRight ? 7 : -7), y: p.y - 5 },
    anchor: toTheRight ? 'start' : 'end',
  };
}

/** A link has a bar at each of its two servers. */
export function barShapes(spans: readonly Span[], sheet: Sheet, columns: Columns): readonly BarShape[] {
  return spans.flatMap((span) =>
    span.at.flatMap((id, i) => {
      const column = columns.byId.get(id);
      if (!column) return [];
      const far = span.kind === 'cut' ? span.at[1 - i] : undefined;
      const bottom = span.to === undefined ? sheet.height : sheet.yAt(span.to);
      return [{ span, column, far, x: column.x + laneOf(columns, id, far), top: sheet.yAt(span.from), bottom }];
    }),
  );
}

/** Several links of a server may be cut at once: each has its place beside the lifeline. */
function laneOf({ groups }: Columns, server: string, far: string | undefined): number {
  if (far === undefined) return 0;
  const others = groups.filter((group) => group.server !== server);
  const place = others.findIndex((group) => group.server === far);
  const step = Math.min(laneWidth, mostLanes / Math.max(1, others.length - 1));
  return (place - (others.length - 1) / 2) * step;
}

/** Heights at which a bar says what it is: where it begins, and again and again below, so that one of them is in view. */
export function placesOfWords({ top, bottom }: BarShape, least: number): readonly number[] {
  const count = Math.max(1, Math.ceil((bottom - top - least) / wordsEvery));
  return Array.from({ length: count }, (_, i) => top + i * wordsEvery);
}
