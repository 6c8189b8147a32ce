import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import type { Carried } from '../comparison.ts';
import { apart, type Frame, stepPath, ticks, type Unit } from '../growth.ts';
import { bytes, counted, seconds, variantName } from '../words.ts';
import { Part } from './base.ts';

const height = 216;
/** Room for numbers on the left, names on the right, and the time below, in pixels. */
const [left, right, top, bottom] = [56, 92, 12, 40];

/** What the links have carried in all over the time of the run, in both of the runs that are compared. */
class GrowthChart extends Part {
  #width = 0;
  #unit: Unit = 'stanzas';
  #observer: ResizeObserver | undefined;

  protected override firstUpdated(): void {
    this.#observer = new ResizeObserver(([entry]) => {
      const { width = 0 } = entry?.contentRect ?? {};
      if (width === 0 || Math.round(width) === this.#width) return;
      this.#width = Math.round(width);
      this.requestUpdate();
    });
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer?.disconnect();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { comparison, session, model } = this.store;
    if (comparison === undefined) return nothing;
    const unit = this.#unit;
    const { here, there } = comparison.growth(model);
    const { short } = variantName(comparison.run.variant.id, session.scenario);
    const last = (growth: readonly Carried[]) => growth.at(-1)?.[unit] ?? 0;
    const told = (count: number) => (unit === 'bytes' ? bytes(count) : counted(count, 'stanza'));
    const mostMs = Math.max(1, session.recording?.ms ?? 0);
    const words = `After ${seconds(mostMs)} of the run, this run has had ${told(last(here))} on its links, and ${short} ${told(last(there))}.`;
    const button = (id: Unit, label: string) =>
      html`<button type="button" aria-pressed=${unit === id ? 'true' : 'false'} data-testid=${`compare-chart-${id}`} @click=${() => this.#show(id)}>${label}</button>`;
    return html`<div class="chart-head">
        <h3>On all links so far</h3>
        <div class="switch" role="group" aria-label="What the chart counts">${button('stanzas', 'Stanzas')}${button('bytes', 'Bytes')}</div>
      </div>
      ${this.#width === 0 ? nothing : this.#chart(here, there, { mostMs, most: Math.max(1, last(here), last(there)), short, words, told })}`;
  }

  #show(unit: Unit): void {
    this.#unit = unit;
    this.requestUpdate();
  }

  #chart(
    here: readonly Carried[],
    there: readonly Carried[],
    { mostMs, most, short, words, told }: Pick<Frame, 'mostMs' | 'most'> & ChartWords,
  ): TemplateResult {
    const unit = this.#unit;
    const width = this.#width;
    const frame: Frame = { left, top, width: width - left - right, height: height - top - bottom, mostMs, most };
    const ground = top + frame.height;
    const yOf = (value: number) => ground - (frame.height * value) / most;
    const ends = [here, there].map((growth) => yOf(growth.at(-1)?.[unit] ?? 0)) as [number, number];
    const [hereY, thereY] = apart(...ends, 34, [top + 8, ground - 12]);
    return html`<svg class="chart" role="img" aria-labelledby="chart-title chart-words" data-testid="compare-chart" data-unit=${unit} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
      <title id="chart-title">${unit === 'bytes' ? 'Bytes' : 'Stanzas'} on all links over the time of the run</title>
      <desc id="chart-words">${words}</desc>
      ${ticks(most, 4, true).map(
        (value) => svg`<path class="grid" d=${`M${left} ${yOf(value)}h${frame.width}`} />
        <text class="tick" x=${left - 6} y=${yOf(value) + 4} text-anchor="end">${unit === 'bytes' ? bytes(value) : value}</text>`,
      )}
      ${ticks(mostMs, width < 500 ? 3 : 6).map((ms) => this.#time(ms, frame))}
      <text class="tick" x=${left + frame.width / 2} y=${height - 4} text-anchor="middle">Time of the run, in ${inSeconds(mostMs) ? 'seconds' : 'milliseconds'}</text>
      <path class="series there" d=${stepPath(there, unit, frame)} />
      <path class="series here" d=${stepPath(here, unit, frame)} />
      ${label('here', 'this run', told(here.at(-1)?.[unit] ?? 0), left + frame.width, hereY)}
      ${label('there', short, told(there.at(-1)?.[unit] ?? 0), left + frame.width, thereY)}
    </svg>`;
  }

  #time(ms: number, { mostMs, width, height: high }: Frame): SVGTemplateResult {
    const x = left + (width * ms) / mostMs;
    return svg`<path class="axis" d=${`M${x} ${top + high}v5`} />
      <text class="tick" x=${x} y=${top + high + 18} text-anchor="middle">${inSeconds(mostMs) ? ms / 1_000 : ms}</text>`;
  }
}

interface ChartWords {
  readonly short: string;
  /** What it shows, for those who do not see it. */
  readonly words: string;
  told(count: number): string;
}

function inSeconds(mostMs: number): boolean {
  return mostMs >= 2_000;
}

/** At the end of a line: whose it is, and how far it is. */
function label(which: 'here' | 'there', name: string, count: string, x: number, y: number): SVGTemplateResult {
  return svg`<text class=${`series-name ${which}`} x=${x + 8} y=${y}>${name}<tspan x=${x + 8} dy="15">${count}</tspan></text>`;
}

customElements.define('ns-growth-chart', GrowthChart);
