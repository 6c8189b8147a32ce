import { type SVGTemplateResult, svg } from 'lit';
import type { Focus } from '../../lessons/lesson.ts';
import { linkKey } from '../fold/links.ts';
import type { Layout } from '../layout.ts';

/** How far the outline of what a lesson speaks of is from it, in pixels of the picture. */
const gap = 6;

/** Outlines of what a lesson speaks of, drawn over the picture: dashed, so that they are not taken for the selection's. */
export function focusMarks(focus: readonly Focus[], layout: Layout): SVGTemplateResult {
  return svg`<g class="lesson-marks" aria-hidden="true" data-testid="lesson-marks">${focus.map((one) => markOf(one, layout))}</g>`;
}

function markOf(focus: Focus, layout: Layout): SVGTemplateResult | undefined {
  if ('person' in focus) {
    const placed = layout.occupants.get(focus.person);
    return placed && svg`<circle cx=${placed.x} cy=${placed.y} r=${layout.radius + gap} />`;
  }
  if ('link' in focus) {
    const link = layout.links.get(linkKey(...focus.link));
    if (link === undefined) return undefined;
    const { a, control, b } = link;
    return svg`<path class="along" d=${`M${a.x} ${a.y}Q${control.x} ${control.y} ${b.x} ${b.y}`} />`;
  }
  const box =
    'node' in focus ? layout.nodes.get(focus.node) : 'server' in focus ? layout.servers.get(focus.server) : undefined;
  if (box === undefined) return undefined;
  const { x, y, w, h } = box;
  return svg`<rect x=${x - w / 2 - gap} y=${y - h / 2 - gap} width=${w + 2 * gap} height=${h + 2 * gap} rx="14" />`;
}
