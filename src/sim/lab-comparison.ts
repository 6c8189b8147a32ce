import { jid } from '../core/xmpp/jid.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import type { VariantId } from '../scenario/variant-nodes.ts';
import type { Variant } from '../scenario/variants.ts';
import { type Deed, Lab, type LabAct } from './lab.ts';
import { plain } from './lines.ts';

/** What is new in the world with which a run is compared. */
export interface ComparisonNews {
  readonly variant: VariantId;
  /** What was told before is no more: the lines are from the beginning. */
  readonly anew: boolean;
  /** Lines of its trace, each with its line feed. */
  readonly lines: readonly string[];
  /** How much later it is there at the same moment, in milliseconds. */
  readonly aheadMs: number;
  /** When something was done, by the clock of the run, that cannot be done there. */
  readonly leftOut: readonly Instant[];
  readonly isQuiet: boolean;
  readonly isFull: boolean;
}

/**
 * The world of the same scenario in another protocol, with the same seed: the same is done there at the same time. Both clocks count
 * from the moment at which everybody is in whom the script sends in, for one protocol takes longer than another until then.
 */
export class LabComparison {
  readonly #variant: Variant;
  readonly #seed: number;
  readonly #opened: Instant;
  #lab: Lab;
  #aheadMs = 0;
  #lines: string[] = [];
  #anew = true;
  /** What was done so far, as text. */
  #played: string[] = [];
  #leftOut: Instant[] = [];

  /** @param opened  when everybody was in, in the run that it is compared with */
  constructor(variant: Variant, seed: number, opened: Instant) {
    this.#variant = variant;
    this.#seed = seed;
    this.#opened = opened;
    this.#lab = this.#begin();
  }

  get isQuiet(): boolean {
    return this.#lab.isQuiet;
  }

  /** Does what was done in the run, and goes on to the same moment; from the beginning, if it has done anything else. */
  follow(deeds: readonly Deed[], until: Instant): void {
    const all = deeds.map(({ at, act }) => `${at} ${JSON.stringify(act)}`);
    const { length } = this.#played;
    const next = deeds[length];
    const isOther = this.#played.some((one, i) => one !== all[i]);
    if (isOther || (next !== undefined && this.#there(next.at) < this.#lab.now)) this.#lab = this.#begin();
    for (const { at, act } of deeds.slice(this.#played.length)) {
      this.#lab.runUntil(this.#there(at));
      const there = actIn(this.#variant, act);
      if (there === undefined || this.#lab.act(there) !== undefined) this.#leftOut.push(at);
    }
    this.#played = all;
    this.#lab.runUntil(this.#there(until));
  }

  /** Goes on until nothing is under way there, or for so long. @returns when that is, by the clock of the run */
  runToQuiet(mostMs: number): Instant {
    this.#lab.runToQuiet(mostMs);
    return plus(this.#lab.now, -this.#aheadMs);
  }

  /** What happened since this was asked last. */
  news(): ComparisonNews {
    const { isQuiet, isFull } = this.#lab;
    const news = {
      variant: this.#variant.id,
      anew: this.#anew,
      lines: this.#lines,
      aheadMs: this.#aheadMs,
      leftOut: [...this.#leftOut],
      isQuiet,
      isFull,
    };
    this.#lines = [];
    this.#anew = false;
    return news;
  }

  #begin(): Lab {
    this.#lines = [];
    this.#anew = true;
    this.#played = [];
    this.#leftOut = [];
    const lab = new Lab(this.#variant.scenario, this.#seed, {
      line: (line) => this.#lines.push(`${JSON.stringify(line, plain)}\n`),
      person: () => undefined,
    });
    lab.open();
    this.#aheadMs = lab.now - this.#opened;
    return lab;
  }

  #there(at: Instant): Instant {
    return plus(at, this.#aheadMs);
  }
}

/** The same act in another protocol; undefined: it is about what does not exist there, such as the list of a room's replicas. */
function actIn({ roomFor }: Variant, act: LabAct): LabAct | undefined {
  if (act.kind === 'configure') return undefined;
  if (act.kind !== 'person' || act.act.act !== 'join' || act.act.room === undefined) return act;
  return { ...act, act: { ...act.act, room: jid(roomFor(act.who, act.act.room)) } };
}
