import { html, svg, type TemplateResult } from 'lit';

export interface Bar {
  readonly name: string;
  readonly value: number;
}

/** Of a row: its height, and that of the bar in it, in pixels. */
const [row, thick] = [40, 14];
/** The end of the last line of the ground, in percent: what is drawn there is within the drawing. */
const widest = 99.5;

/** One bar for each design, each ten times as far as one with a tenth of its value: designs differ by orders of magnitude. */
export function costChart(title: string, bars: readonly Bar[], told: (value: number) => string): TemplateResult {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const decades = Math.max(1, Math.ceil(Math.log10(most)));
  const length = (value: number) => Math.max(0.3, (widest * Math.log10(Math.max(1, value))) / decades);
  const height = bars.length * row + 6;
  const words = bars.map(({ name, value }) => `${name}: ${told(value)}`).join('; ');
  return html`<figure class="cost-chart">
    <figcaption>${title}. Each line is ten times the one before it.</figcaption>
    <svg class="chart" role="img" aria-label=${`${title}. ${words}`} data-testid="costs-chart" width="100%" height=${height}>
      ${Array.from({ length: decades + 1 }, (_, i) => {
        const x = `${0.2 + ((widest - 0.2) * i) / decades}%`;
        return svg`<line class="grid" x1=${x} x2=${x} y1="0" y2=${height} />`;
      })}
      ${bars.map(({ name, value }, i) => {
        const y = i * row;
        return svg`<text class="bar-name" x="4" y=${y + 17}>${name}<tspan class="bar-value" dx="10">${told(value)}</tspan></text>
        <rect class="cost-bar" x="0.2%" y=${y + 22} width=${`${length(value)}%`} height=${thick} rx="2" />`;
      })}
    </svg>
  </figure>`;
}
