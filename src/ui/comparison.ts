import { isSame } from './baseline.ts';
import type { MessageCost } from './fold/costs.ts';
import type { LinkView } from './fold/links.ts';
import { Model } from './fold/model.ts';
import type { ComparedRun } from './session/compared-run.ts';

/** A message in a run, and the same message in the run in another protocol. */
export interface ComparedMessage {
  readonly here: MessageCost;
  /** Undefined: it was not sent there. */
  readonly there: MessageCost | undefined;
  /** Whether both were delivered to the same users; undefined while they are under way. */
  readonly same: boolean | undefined;
}

/** A link in both. */
export interface ComparedLink {
  readonly here: LinkView;
  readonly there: LinkView;
}

/** What the links have carried in all until some time: one for each stanza. */
export interface Carried {
  /** In milliseconds since the run began. */
  readonly ms: number;
  readonly stanzas: number;
  readonly bytes: number;
}

/** The run in another protocol, as far as the run with which it is compared is shown. */
export class Comparison {
  readonly run: ComparedRun;
  /** When the run began that it is compared with, in milliseconds since 1970. */
  readonly #start: number;
  #model: Model;
  #ms = 0;
  /** Lines that were folded. */
  #lines = 0;

  constructor(run: ComparedRun, start: number) {
    this.run = run;
    this.#start = start;
    this.#model = this.#empty();
  }

  get model(): Model {
    return this.#model;
  }

  /** Acts until now that cannot be done there. */
  get leftOut(): number {
    return this.run.leftOut(this.#start + this.#ms);
  }

  /** Goes to a time, in milliseconds since the run began; also back. */
  seek(ms: number): void {
    if (ms < this.#ms) {
      this.#model = this.#empty();
      this.#lines = 0;
    }
    this.#ms = ms;
    const { lines, aheadMs } = this.run;
    const until = this.#start + ms + aheadMs;
    const from = this.#lines;
    while ((lines[this.#lines]?.t ?? Number.POSITIVE_INFINITY) <= until) this.#lines++;
    if (this.#lines > from) this.#model.fold(lines.slice(from, this.#lines).map(({ record }) => record));
  }

  /**
   * The messages of a run, each with what became of it there: it was sent at the same time by the same person.
   *
   * @param isOver  nothing is under way in either
   */
  messages(here: readonly MessageCost[], isOver: boolean): readonly ComparedMessage[] {
    const there = new Map<string, MessageCost[]>();
    for (const cost of this.#model.costs.messages) {
      const key = keyOf(cost, this.run.aheadMs);
      there.set(key, [...(there.get(key) ?? []), cost]);
    }
    return here.map((cost) => {
      const other = there.get(keyOf(cost, 0))?.shift();
      const same = other !== undefined && isSame(cost, other);
      // Before the first delivery both have reached nobody.
      const isKnown = isOver || (same && cost.recipients.length > 0);
      return { here: cost, there: other, same: isKnown ? same : undefined };
    });
  }

  links({ network }: Model): readonly ComparedLink[] {
    return [...network.links.values()].map((here) => ({ here, there: this.#model.network.linkOf(here.ends) }));
  }

  /** How what the links have carried grew, here and there. */
  growth(here: Model): { readonly here: readonly Carried[]; readonly there: readonly Carried[] } {
    return {
      here: growthOf(here, this.#start),
      there: growthOf(this.#model, this.#start + this.run.aheadMs),
    };
  }

  #empty(): Model {
    return new Model(this.run.variant.scenario, true);
  }
}

function keyOf({ t, who, body }: MessageCost, aheadMs: number): string {
  return `${t - aheadMs} ${who} ${body}`;
}

function growthOf({ events }: Model, start: number): readonly Carried[] {
  let [stanzas, bytes] = [0, 0];
  return events.list.flatMap(({ leg, t, outcome, stanza }) => {
    if (leg !== 'link' || outcome || stanza === undefined) return [];
    stanzas++;
    bytes += stanza.bytes;
    return [{ ms: Math.max(0, t - start), stanzas, bytes }];
  });
}
