import type { OccupantState } from '../core/occupant/occupant.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { VariantId } from '../scenario/variant-nodes.ts';
import { variantOf } from '../scenario/variants.ts';
import { withoutRoomPasswords } from '../scenario/without-passwords.ts';
import { type Done, Lab, type LabAct, type Mark, type PlacedDone } from './lab.ts';
import { type ComparisonNews, LabComparison } from './lab-comparison.ts';
import { type NumberedLine, plain } from './lines.ts';

/** What is new on the branch that is shown. */
export interface LabNews {
  /** Lines of the trace, each with its line feed. */
  readonly lines: readonly string[];
  /** How far people's clients are: each with the number of lines before it, counted from the beginning of the branch. */
  readonly people: readonly { readonly after: number; readonly who: Jid; readonly state: OccupantState }[];
  readonly now: Instant;
  /** Nothing is under way. */
  readonly isQuiet: boolean;
  /** No more lines are kept. */
  readonly isFull: boolean;
  /** Of the world with which it is compared; absent: there is none. */
  readonly comparison?: ComparisonNews;
}

/** How far to go on. */
export type LabRun =
  /** Until so many more lines are there, or more, where things happen in one go; never beyond `mostMs`. */
  | { readonly lines: number; readonly mostMs: number }
  /** Until nothing is under way, also in the world with which it is compared. */
  | { readonly quiet: true; readonly mostMs: number }
  | { readonly ms: number };

/** What the page asks of the worker in which the worlds are. */
export interface LabWorkerApi {
  /** @returns also how many lines there are until everybody is in */
  open(scenario: Scenario, seed: number): Promise<{ readonly opening: number; readonly news: LabNews }>;
  run(how: LabRun): Promise<LabNews>;
  /** `why`: it cannot be done. */
  act(act: LabAct): Promise<{ readonly why: string | undefined; readonly news: LabNews }>;
  branch(lines: number): Promise<{ readonly branch: number; readonly lines: number; readonly news: LabNews }>;
  select(branch: number): Promise<LabNews>;
  remove(branch: number): Promise<void>;
  /** Compares with the scenario in another protocol, from now on; undefined: with none. */
  compare(variant: VariantId | undefined): Promise<LabNews>;
  /** What was done on the branch that is shown, and where it is. */
  done(): Promise<{ readonly done: PlacedDone; readonly until: Mark }>;
  /** The trace of the branch that is shown, as a file. */
  ndjson(): Promise<string>;
  load(done: Done, until: Pick<Mark, 'events' | 't'>): Promise<{ readonly branch: number; readonly news: LabNews }>;
}

/** Worlds that are kept; a branch whose world is not is played again when it is chosen. */
const worldsMax = 4;

/** Two worlds are waited for in turn, so often at most: timers of one may set something off while the other comes to rest. */
const settlingMax = 10;

interface Branch extends Done {
  /** Where it was left. */
  readonly until: Mark;
}

/**
 * The branches of one scenario and seed: each is what happened with other acts from some place on. The first is number 0. One of
 * them is shown, and goes on.
 */
export class LabBranches {
  readonly #scenario: Scenario;
  readonly #seed: number;
  readonly #branches = new Map<number, Branch | undefined>();
  /** Worlds by branch, those used last at the end. */
  readonly #worlds = new Map<number, Lab>();
  #shown = 0;
  #next = 1;
  #lines: string[] = [];
  #people: LabNews['people'][number][] = [];
  /** Its trace is known already. */
  #isMute = false;
  /** When everybody was in whom the script sends in, on every branch. */
  readonly #opened: Instant;
  #comparison: LabComparison | undefined;

  constructor(scenario: Scenario, seed: number) {
    this.#scenario = scenario;
    this.#seed = seed;
    this.#branches.set(0, undefined);
    const world = this.#make();
    world.open();
    this.#opened = world.now;
    this.#keep(0, world);
  }

  /** Lines until everybody is in. */
  get opening(): number {
    return this.#world.opening;
  }

  /** What happened since this was asked last. */
  news(): LabNews {
    const { done, now, isQuiet, isFull } = this.#world;
    const comparison = this.#comparison;
    comparison?.follow(done.deeds, now);
    const [lines, people] = [this.#lines, this.#people];
    this.#lines = [];
    this.#people = [];
    return { lines, people, now, isQuiet, isFull, ...(comparison ? { comparison: comparison.news() } : {}) };
  }

  run(how: LabRun): void {
    const world = this.#world;
    if ('ms' in how) return world.runUntil(plus(world.now, how.ms));
    if ('quiet' in how) return this.#runToQuiet(how.mostMs);
    const end = plus(world.now, how.mostMs);
    const until = world.length + how.lines;
    while (world.length < until && world.next !== undefined && world.next <= end) if (!world.step()) return;
  }

  #runToQuiet(mostMs: number): void {
    const world = this.#world;
    const comparison = this.#comparison;
    world.runToQuiet(mostMs);
    // Meanwhile a timer of the other one may run out.
    for (let i = 0; i < settlingMax && comparison !== undefined; i++) {
      comparison.follow(world.done.deeds, world.now);
      if (comparison.isQuiet) return;
      world.runUntil(comparison.runToQuiet(mostMs));
      if (!comparison.isQuiet) return;
      world.runToQuiet(mostMs);
    }
  }

  /** @throws RangeError if the scenario cannot be in that protocol */
  compare(id: VariantId | undefined): void {
    const variant = id && variantOf(this.#scenario, id);
    if (id !== undefined && variant === undefined) throw new RangeError(`${this.#scenario.id} cannot be in ${id}`);
    this.#comparison = variant && new LabComparison(variant, this.#seed, this.#opened);
  }

  /** @returns why it cannot be done */
  act(act: LabAct): string | undefined {
    return this.#world.act(act);
  }

  /**
   * A branch that begins at a place of the one that is shown, and is shown from now on.
   *
   * @returns its number, and how many lines it has of the other: what happens in one go is not taken apart
   */
  branch(lines: number): { readonly branch: number; readonly lines: number } {
    const world = this.#world;
    const mark = world.markAt(lines);
    const branch = this.#next++;
    this.#leave();
    this.#branches.set(branch, undefined);
    this.#keep(branch, this.#replayed({ deeds: world.deeds.slice(0, mark.deeds), opened: false, until: mark }));
    this.#shown = branch;
    return { branch, lines: mark.lines };
  }

  /** Shows another branch, where it was left. @throws RangeError */
  select(branch: number): void {
    if (!this.#branches.has(branch)) throw new RangeError(`there is no branch ${branch}`);
    if (branch === this.#shown) return;
    this.#leave();
    const left = this.#branches.get(branch);
    const world = this.#worlds.get(branch) ?? (left && this.#replayed(left)) ?? this.#make();
    this.#keep(branch, world);
    this.#shown = branch;
  }

  /**
   * A branch on which that was done, up to a place; it is shown from now on, and all of it is news.
   *
   * @returns its number
   */
  load(done: Done, until: Pick<Mark, 'events' | 't'>): number {
    const branch = this.#next++;
    this.#leave();
    this.news();
    const world = this.#make();
    world.replay(done, until);
    this.#branches.set(branch, undefined);
    this.#keep(branch, world);
    this.#shown = branch;
    return branch;
  }

  /** Where the branch that is shown is now. */
  get place(): Mark {
    const world = this.#world;
    return { ...world.markAt(world.length), t: world.now };
  }

  /** The trace of the branch that is shown, as a file of the form in README.md, section Trace. Rooms have no passwords in it. */
  ndjson(): string {
    const lines: string[] = [];
    const world = new Lab(this.#scenario, this.#seed, {
      line: (line) => lines.push(textOf(line)),
      person: () => undefined,
    });
    const start = world.now;
    world.replay({ deeds: this.#world.deeds, opened: false }, this.place);
    return headerOf(this.#scenario, this.#seed, start) + lines.join('');
  }

  /** One that is not shown is no more. */
  remove(branch: number): void {
    if (branch === this.#shown) throw new RangeError(`branch ${branch} is shown`);
    this.#branches.delete(branch);
    this.#worlds.delete(branch);
  }

  /** What was done on the branch that is shown. */
  get done(): PlacedDone {
    return this.#world.done;
  }

  get #world(): Lab {
    return this.#worlds.get(this.#shown) as Lab;
  }

  #leave(): void {
    const world = this.#world;
    this.#branches.set(this.#shown, { deeds: world.deeds, opened: false, until: this.place });
  }

  #keep(branch: number, world: Lab): void {
    this.#worlds.delete(branch);
    this.#worlds.set(branch, world);
    const [oldest] = this.#worlds.keys();
    if (this.#worlds.size > worldsMax && oldest !== undefined) this.#worlds.delete(oldest);
  }

  #make(): Lab {
    let count = 0;
    return new Lab(this.#scenario, this.#seed, {
      line: (line) => {
        count++;
        if (!this.#isMute) this.#lines.push(textOf(line));
      },
      person: (who, state) => {
        if (!this.#isMute) this.#people.push({ after: count, who, state });
      },
    });
  }

  #replayed({ until, ...done }: Branch): Lab {
    this.#isMute = true;
    const world = this.#make();
    world.replay(done, until);
    this.#isMute = false;
    return world;
  }
}

function textOf(line: NumberedLine): string {
  return `${JSON.stringify(line, plain)}\n`;
}

function headerOf(given: Scenario, seed: number, start: Instant): string {
  const scenario = withoutRoomPasswords(given);
  const { id: mode, servers, links = [], nodes, occupants: people } = scenario;
  const network = { servers: servers.map(({ domain }) => domain), links, nodes, people };
  const format = { format: 'netsplit-trace', version: 1, origin: 'lab', mode, seed, start };
  return `${JSON.stringify({ ...format, ...network, violations: [], scenario })}\n`;
}
