/** What the picture is made of, wherever one is drawn. */
import { type SVGTemplateResult, svg } from 'lit';
import type { Box, PlacedServer, Point } from '../boxes.ts';
import type { Curve } from '../curves.ts';
import type { Layout, PlacedNode, PlacedOccupant } from '../layout.ts';
import { bold, fitted } from '../text-width.ts';
import { initials } from '../words.ts';

/** A server: its hull, its domain, and the hub where sessions and links meet. */
export function hullShape(server: PlacedServer, { compact }: Pick<Layout, 'compact'>): SVGTemplateResult {
  const [r, size] = compact ? [14, 12.5] : [22, 16];
  return svg`
    <rect x=${server.x - server.w / 2} y=${server.y - server.h / 2} width=${server.w} height=${server.h} rx=${r} />
    <text class="domain" aria-hidden="true" x=${server.x} y=${server.y - server.h / 2 + (compact ? 17 : 24)} text-anchor="middle">${fitted(server.domain, size * bold, server.w - 20)}</text>
    <circle class="hub" aria-hidden="true" cx=${server.hub.x} cy=${server.hub.y} r=${compact ? 3.5 : 5}><title>The XMPP server ${server.domain}</title></circle>`;
}

/** Of a real server: what of it is in the picture. */
export const edgeWords = ['only our own edge is seen,', 'not what is beyond it'] as const;

/** The same, written in it. */
export function edgeShape({ x, y, h }: Box, { compact }: Pick<Layout, 'compact'>): SVGTemplateResult {
  const lines = ['real server', ...edgeWords];
  const top = y - h / 2 + (compact ? 11 : 15);
  return svg`<g class="edge" aria-hidden="true">${lines.map(
    (line, i) =>
      svg`<text class=${i === 0 ? 'what' : ''} x=${x} y=${top + i * (compact ? 13 : 18)} text-anchor="middle">${line}</text>`,
  )}</g>`;
}

/**
 * A room node: a box with two lines.
 *
 * @param size  of the type of the first line
 */
export function nodeShape(
  placed: PlacedNode,
  compact: boolean,
  size: number,
  first: SVGTemplateResult,
): SVGTemplateResult {
  const top = placed.y - placed.h / 2;
  return svg`
    ${boxShape(placed)}
    <text class="role" font-size=${size} x=${placed.x} y=${top + (compact ? 19 : 25)} text-anchor="middle">${first}</text>
    <text class="name" x=${placed.x} y=${top + (compact ? 36 : 46)} text-anchor="middle">${fitted(placed.address, compact ? 10.5 : 13, placed.w - 10)}</text>`;
}

export function boxShape({ x, y, w, h }: Box): SVGTemplateResult {
  return svg`<rect x=${x - w / 2} y=${y - h / 2} width=${w} height=${h} rx="10" />`;
}

/** A person: a disc with initials, and the nick below. */
export function discShape({ x, y, nick, occupant }: PlacedOccupant, { compact, radius: r }: Layout): SVGTemplateResult {
  return svg`
    <circle class="halo" cx=${x} cy=${y} r=${r + 5} />
    <circle class="disc" cx=${x} cy=${y} r=${r} />
    <text class="initials" x=${x} y=${y + (compact ? 4 : 5)} text-anchor="middle">${initials(occupant.nick)}</text>
    <text class="nick" x=${x} y=${y + r + (compact ? 13 : 18)} text-anchor="middle">${nick}</text>`;
}

/** Where a link is pressed, and where it is seen. */
export function curveShape({ a, control, b }: Curve): SVGTemplateResult {
  const d = `M${a.x} ${a.y}Q${control.x} ${control.y} ${b.x} ${b.y}`;
  return svg`<path class="hit" d=${d} /><path class="line" d=${d} />`;
}

/** Thin lines from the server to what is connected to it. */
export function tetherShapes(
  lines: readonly { readonly way: readonly Point[]; readonly on: boolean }[],
): SVGTemplateResult {
  return svg`<g class="tethers">${lines.map(
    ({ way, on }) => svg`<polyline class=${on ? 'on' : ''} points=${way.map(({ x, y }) => `${x},${y}`).join(' ')} />`,
  )}</g>`;
}
