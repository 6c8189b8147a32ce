import { nothing, type SVGTemplateResult, svg } from 'lit';
import type { Box, Point } from '../boxes.ts';
import type { Refusal } from '../fold/refusals.ts';
import { type Layout, leastCovering, type PlacedOccupant } from '../layout.ts';
import { refusalInWords, refusalOf } from '../refused.ts';
import type { Store } from '../store.ts';

/** As wide as it needs to be for most reasons to have two lines. */
const wide = { lineChars: 34, charW: 7.4, lineH: 16, linesMax: 3 };
const narrow = { lineChars: 24, charW: 6.2, lineH: 13, linesMax: 4 };

interface Shown {
  readonly placed: PlacedOccupant;
  readonly refusal: Refusal;
}

/** In the picture: how people were refused, in words, at them. Of several on one server the last; the others have a mark. */
export function refusalBubbles(store: Store, layout: Layout): SVGTemplateResult {
  const last = new Map<string, Shown>();
  for (const placed of layout.occupants.values()) {
    const refusal = refusalOf(store.model, placed.occupant);
    const { server } = placed.occupant;
    if (refusal && refusal.event > (last.get(server)?.refusal.event ?? Number.NEGATIVE_INFINITY))
      last.set(server, { placed, refusal });
  }
  return svg`${[...last.values()].map((shown) => bubble(store, layout, shown))}`;
}

/** The mark on the disc of whoever was refused. */
export function refusedMark({ x, y }: PlacedOccupant, layout: Layout, refusal: Refusal | undefined) {
  if (!refusal) return nothing;
  const r = layout.compact ? 7 : 9;
  const [cx, cy] = [x - layout.radius * 0.85, y - layout.radius * 0.7];
  return svg`<g class="refused-mark" aria-hidden="true">
    <circle cx=${cx} cy=${cy} r=${r} />
    <text x=${cx} y=${cy + r * 0.55} text-anchor="middle">!</text>
  </g>`;
}

function bubble({ model }: Store, layout: Layout, { placed, refusal }: Shown): SVGTemplateResult {
  const words = refusalInWords(model, refusal);
  const { lineChars, charW, lineH, linesMax } = layout.compact ? narrow : wide;
  const lines = wrapped(words, lineChars, linesMax);
  const w = Math.max(...lines.map(({ length }) => length)) * charW + 18;
  const h = lines.length * lineH + 10;
  const place = placeFor(layout, placed, w, h);
  const [x, y] = [place.x - w / 2, place.y - h / 2];
  return svg`<g class="refusal" data-refusal=${refusal.who} data-event=${refusal.event} data-condition=${refusal.condition ?? nothing} aria-hidden="true">
    <title>${words}</title>
    <path class="tip" d=${tipOf(layout, placed, place)} />
    <rect x=${x} y=${y} width=${w} height=${h} rx="8" />
    ${lines.map((line, i) => svg`<text x=${x + 9} y=${y + 5 + lineH * (i + 0.78)}>${line}</text>`)}
  </g>`;
}

/** Beside the hull of the server, where nothing else is; where everything is full, on the server. */
function placeFor(layout: Layout, { x, y, occupant }: PlacedOccupant, w: number, h: number): Box {
  const hull = layout.servers.get(occupant.server);
  const keepIn = (value: number, half: number, size: number) =>
    Math.min(Math.max(value, half + 4), Math.max(half + 4, size - half - 4));
  const place = (px: number, py: number) => ({
    x: keepIn(px, w / 2, layout.width),
    y: keepIn(py, h / 2, layout.height),
    w,
    h,
  });
  const own = place(x, y - layout.radius - 8 - h / 2);
  if (!hull) return own;
  const [aside, above] = [(hull.w + w) / 2 + 10, (hull.h + h) / 2 + 10];
  const beside = [
    ...[0, -w / 3, w / 3].map((shift) => place(x + shift, hull.y + above)),
    ...[aside, -aside].flatMap((by) => [0, -h, h].map((shift) => place(hull.x + by, y + shift))),
    ...[0, -w / 3, w / 3].map((shift) => place(x + shift, hull.y - above)),
  ];
  return leastCovering(layout, [...beside, own]);
}

/** From the edge that is nearest to the disc, to the disc. */
function tipOf(layout: Layout, { x, y }: Point, place: Box): string {
  const within = (value: number, middle: number, size: number) =>
    Math.min(Math.max(value, middle - size / 2 + 12), middle + size / 2 - 12);
  const [from, to] = [
    { x: within(x, place.x, place.w), y: within(y, place.y, place.h) },
    { x, y },
  ];
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [ux, uy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const end = { x: x - ux * (layout.radius + 1), y: y - uy * (layout.radius + 1) };
  return `M${from.x - uy * 5} ${from.y + ux * 5}L${end.x} ${end.y}L${from.x + uy * 5} ${from.y - ux * 5}z`;
}

/** Broken between words into a few lines. */
function wrapped(words: string, lineChars: number, linesMax: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= lineChars) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word.length > lineChars ? `${word.slice(0, lineChars - 1)}…` : word);
  }
  if (lines.length <= linesMax) return lines;
  return [...lines.slice(0, linesMax - 1), `${lines[linesMax - 1]} …`];
}
