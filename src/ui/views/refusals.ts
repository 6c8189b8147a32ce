import { nothing, type SVGTemplateResult, svg } from 'lit';
import type { Refusal } from '../fold/refusals.ts';
import type { Layout, PlacedOccupant } from '../layout.ts';
import { refusalInWords, refusalOf } from '../refused.ts';
import type { Store } from '../store.ts';
import { markOf } from '../words.ts';

/** As wide as it needs to be for most reasons to have two lines, which fit between the disc and the box of its node. */
const wide = { lineChars: 34, charW: 7.4, lineH: 16, linesMax: 3, badgeH: 12 };
const narrow = { lineChars: 24, charW: 6.2, lineH: 13, linesMax: 4, badgeH: 10 };

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
  const { lineChars, charW, lineH, linesMax, badgeH } = layout.compact ? narrow : wide;
  const lines = wrapped(words, lineChars, linesMax);
  const w = Math.max(...lines.map(({ length }) => length)) * charW + 18;
  const h = lines.length * lineH + 10;
  const nameH = (layout.compact ? 18 : 26) + (markOf(placed.occupant) ? badgeH : 0);
  const { x, y, isBelow } = placeFor(layout, placed, w, h, nameH);
  const edge = isBelow ? y : y + h;
  // It does not cross the name.
  const tip = isBelow ? y - 6 : placed.y - layout.radius - 1;
  const left = Math.min(Math.max(placed.x, x + 12), x + w - 12);
  return svg`<g class="refusal" data-refusal=${refusal.who} data-event=${refusal.event} data-condition=${refusal.condition ?? nothing} aria-hidden="true">
    <title>${words}</title>
    <path class="tip" d=${`M${left - 6} ${edge}L${placed.x} ${tip}L${left + 6} ${edge}z`} />
    <rect x=${x} y=${y} width=${w} height=${h} rx="8" />
    ${lines.map((line, i) => svg`<text x=${x + 9} y=${y + 5 + lineH * (i + 0.78)}>${line}</text>`)}
  </g>`;
}

/** Below the name if there is room, else above the disc; as far as possible within the hull, so that two do not meet. */
function placeFor(layout: Layout, { x, y, occupant }: PlacedOccupant, w: number, h: number, nameH: number) {
  const hull = layout.servers.get(occupant.server) ?? { x, w };
  const slack = Math.max(0, (hull.w - w) / 2);
  const middle = Math.min(Math.max(x, hull.x - slack), hull.x + slack);
  const left = Math.min(Math.max(4, middle - w / 2), Math.max(4, layout.width - w - 4));
  const below = y + layout.radius + nameH + 6;
  const under = [...layout.occupants.values()].some((other) => other.y > y + 1 && Math.abs(other.x - x) < w);
  const isBelow = !under && below + h + 4 <= layout.height;
  return { x: left, y: isBelow ? below : Math.max(4, y - layout.radius - 8 - h), isBelow };
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
