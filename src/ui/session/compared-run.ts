import type { Scenario } from '../../scenario/scenario.ts';
import { type Variant, variantOf } from '../../scenario/variants.ts';
import type { ComparisonNews } from '../../sim/lab-comparison.ts';
import { Fields } from '../trace/fields.ts';
import { readLine } from '../trace/read-line.ts';
import type { ModelRecord } from '../trace/records.ts';

/** The same run in another protocol, from its beginning. If it turns out that it was another run, there is another one of these. */
export class ComparedRun {
  readonly variant: Variant;
  readonly lines: { readonly t: number; readonly record: ModelRecord }[] = [];
  /** How much later it is there at the same moment, in milliseconds. */
  readonly aheadMs: number;
  #last: ComparisonNews;
  readonly #domains: readonly string[];

  private constructor(variant: Variant, news: ComparisonNews) {
    this.variant = variant;
    this.aheadMs = news.aheadMs;
    this.#domains = variant.scenario.servers.map(({ domain }) => domain);
    this.#last = news;
  }

  /** @returns the run before with what is new of it, or another one */
  static after(
    before: ComparedRun | undefined,
    news: ComparisonNews | undefined,
    scenario: Scenario,
  ): ComparedRun | undefined {
    if (news === undefined) return undefined;
    const variant = before?.variant.id === news.variant ? before.variant : variantOf(scenario, news.variant);
    if (variant === undefined) return undefined;
    const run = before === undefined || news.anew ? new ComparedRun(variant, news) : before;
    run.#take(news);
    return run;
  }

  /** Nothing is under way there at the end of the run. */
  get isQuiet(): boolean {
    return this.#last.isQuiet;
  }

  get isFull(): boolean {
    return this.#last.isFull;
  }

  /** @param t  by the clock of the run, in milliseconds since 1970 @returns how many acts until then meant nothing there */
  leftOut(t: number): number {
    return this.#last.leftOut.filter((at) => at <= t).length;
  }

  #take(news: ComparisonNews): void {
    this.#last = news;
    for (const text of news.lines) {
      const of = JSON.parse(text);
      const record = readLine(new Fields(of, this.lines.length + 2), this.#domains);
      if (record !== undefined && !('progress' in record)) this.lines.push({ t: of.t, record });
    }
  }
}
