import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import { glyphPath, glyphText } from '../glyphs.ts';
import type { Columns, PlacedGroup } from '../spacetime/columns.ts';
import { type ArrowShape, type BarShape, dashes, placesOfWords } from '../spacetime/shapes.ts';
import type { Row } from '../spacetime/sheet.ts';
import { gapMs } from '../spacetime/spacing.ts';
import { barLabel } from '../spacetime/words.ts';

/** The part of the diagram that is in the page, in pixels from its top. */
export interface Window {
  readonly top: number;
  readonly bottom: number;
}

/** A server's head: its button makes one column of it, or shows all its columns again. */
export function groupHead(
  group: PlacedGroup,
  stateOf: (node: string) => string,
  toggle: (server: string) => void,
): TemplateResult {
  const { server, isCollapsed, columns, left, width, size } = group;
  return html`<div class="group" style=${`left:${left}px;width:${width}px`} data-group=${server}>
    <button
      type="button"
      class="group-name"
      aria-expanded=${isCollapsed ? 'false' : 'true'}
      data-collapse=${server}
      title=${`${server}: ${isCollapsed ? 'show its nodes and users' : 'make it one column'}`}
      @click=${() => toggle(server)}
    ><svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M7 4l8 6-8 6"></path></svg><span>${server}</span></button>
    ${columns.map(
      ({ id, kind, name, role, x, width: own }) => html`<div
        class="head"
        data-column=${id}
        data-kind=${kind}
        title=${id}
        style=${`left:${x - own / 2 - left}px;width:${own}px`}
      ><small>${kind === 'node' ? stateOf(id) || role : isCollapsed ? 'server' : nothing}</small><span>${isCollapsed ? `and ${size} more` : name}</span></div>`,
    )}
  </div>`;
}

/** Lifelines, and gaps in time. */
export function ground(columns: Columns, rows: readonly Row[], { top, bottom }: Window): SVGTemplateResult {
  return svg`
    ${columns.groups.map(({ left, width }, i) => svg`<rect class=${i % 2 === 0 ? 'lane' : 'lane other'} x=${left} y=${top} width=${width} height=${bottom - top}/>`)}
    ${[...columns.byId.values()].map(({ x, kind }) => svg`<line class="life" data-kind=${kind} x1=${x} x2=${x} y1=${top} y2=${bottom}/>`)}
    ${rows.filter(({ sinceMs }) => sinceMs >= gapMs).map(({ y }) => svg`<rect class="gap" x="0" y=${y - 36} width=${columns.width} height="18"/>`)}
  `;
}

/** What a bar of a split is filled with. */
export const hatching = svg`<defs><pattern id="space-time-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-line" width="2.2" height="6"/></pattern></defs>`;

/** A time of trouble: a bar as long as it lasted, and a word. */
export function barOf(shape: BarShape, words: string, { top, bottom }: Window): SVGTemplateResult {
  const { span, x } = shape;
  const from = Math.max(shape.top, top);
  const height = Math.max(6, Math.min(shape.bottom, bottom) - from);
  const label = barLabel(shape);
  const width = span.kind === 'cut' ? 5 : 12;
  const ends = [shape.top, ...(span.to === undefined ? [] : [shape.bottom])];
  return svg`<g class="bar" role="img" aria-label=${words} data-span=${span.kind} data-at=${shape.column.id} data-how=${span.how ?? nothing}>
    <title>${words}</title>
    <rect x=${x - width / 2} y=${from} width=${width} height=${height}/>
    ${span.kind === 'cut' ? ends.map((y) => svg`<path class="end" d="M-5-5L5 5M5-5L-5 5" transform=${`translate(${x} ${y})`}/>`) : nothing}
    ${placesOfWords(shape, 120)
      .filter((y) => y >= top && y <= bottom)
      .map((y) => svg`<text x=${x + 8} y=${y + 14} aria-hidden="true">${label}</text>`)}
  </g>`;
}

/** How an arrow stands out: chosen, of the same family as what is chosen, or where the keyboard is. */
export interface Standing {
  readonly isChosen: boolean;
  readonly isFamily: boolean;
  readonly isActive: boolean;
  /** The number of its submission, and the letter of its copy. */
  readonly index: string | undefined;
}

export function arrowId(event: number): string {
  return `space-time-${event}`;
}

export function arrowOf(
  shape: ArrowShape,
  words: string,
  { isChosen, isFamily, isActive, index }: Standing,
): SVGTemplateResult {
  const { arrow, kind, path, head, cross, mark, label, event } = shape;
  const isClass = `arrow ${isChosen ? 'chosen' : isFamily ? 'family' : ''} ${isActive ? 'active' : ''}`;
  return svg`<g
      class=${isClass}
      role="option"
      id=${arrowId(event)}
      aria-label=${words}
      aria-selected=${isChosen ? 'true' : 'false'}
      data-event=${event}
      data-events=${arrow.hops.map(({ id }) => id).join(' ')}
      data-kind=${kind}
      data-fate=${arrow.fate}
      data-from=${arrow.from}
      data-to=${arrow.toward ?? arrow.to}
    >
    <title>${words}</title>
    <path class="hit" d=${path}/>
    <path class="halo" d=${path}/>
    <path class="way" d=${path} stroke-dasharray=${dashes[kind]}/>
    ${head ? svg`<polygon class="point" points=${head.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}/>` : nothing}
    ${cross ? svg`<path class="cross" d="M-5-5L5 5M5-5L-5 5" transform=${`translate(${cross.x} ${cross.y})`}/>` : nothing}
    <g class="glyph mark" data-kind=${kind} transform=${`translate(${mark.x.toFixed(1)} ${mark.y.toFixed(1)}) scale(0.62)`}><path d=${glyphPath[kind]}/><text y="4" text-anchor="middle">${glyphText[kind]}</text></g>
    ${index === undefined ? nothing : svg`<text class="index" x=${mark.x} y=${mark.y - 8} text-anchor="middle">${index}</text>`}
    ${label ? svg`<text class="said" x=${label.at.x} y=${label.at.y} text-anchor=${label.anchor}>${label.text}</text>` : nothing}
  </g>`;
}
