import type { Branch } from './lab-branch.ts';
import type { Hearer, SessionListener } from './session.ts';
import { tellAll } from './tell.ts';

/** Among so many lines before a place those are looked for that tell of what is under way there. */
const underWayMost = 2_000;

/** The place of a run of the Lab that is shown, and what of the run was told to get there. */
export class LabTelling {
  /** The one that is shown. Another one is told from the beginning: `restart`. */
  branch: Branch;
  /** It plays by time: what is under way stands where it is at that time. */
  byTime = false;
  /** When the run began, in milliseconds since 1970. */
  readonly start: number;
  readonly #listeners = new Set<SessionListener>();
  #at = 0;
  #ms = 0;
  /** Lines that were told. */
  #lines = 0;

  constructor(branch: Branch, start: number) {
    this.branch = branch;
    this.start = start;
  }

  get at(): number {
    return this.#at;
  }

  /** The time of the run there, in ms since it began. */
  get ms(): number {
    return this.#ms;
  }

  get length(): number {
    return this.branch.lines.places.length;
  }

  get atEnd(): boolean {
    return this.#at === this.length;
  }

  /** The last line of the world's trace that was told. */
  get lastLine(): number {
    return this.branch.lines.lastOf(this.#lines);
  }

  /** Tells everything from the beginning to the place at which the branch was left. */
  add(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    [this.#at, this.#lines] = [0, 0];
    this.go(this.branch.at, false);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    this.#listeners.clear();
  }

  moved(): void {
    for (const listener of this.#listeners) listener.moved();
  }

  /** @param other  what will be told is not what was told before */
  restart(at: number, other = true): void {
    const ms = this.#ms;
    this.#forget(other, at);
    this.go(at, false, other ? undefined : ms);
  }

  /**
   * @param moving  what happens on the way is shown moving
   * @param ms  the time that is shown there; absent: that of the last event, and at the end of the run that of the world
   */
  go(at: number, moving: boolean, ms?: number): void {
    const {
      now,
      lines: { places },
    } = this.branch;
    const kept = moving ? [] : [...this.#listeners].map((listener) => listener.keptBefore?.(at) ?? 0);
    if (at < this.#at || kept.some((place) => place > this.#at)) this.#forget(false, at);
    this.#at = at;
    this.#ms = ms ?? (at === places.length ? now : (places.timeOf(at) ?? this.start)) - this.start;
    const until = places.told(at);
    const under = !this.byTime || moving ? -1 : this.#underWay(until);
    if (under >= this.#lines) {
      this.#tell(under, false);
      this.#tell(until, true);
    } else this.#tell(until, moving || this.byTime);
  }

  /** Tells somebody else what happens from one place to a later one; from the very beginning if `from` is undefined. */
  between(listener: Hearer, from: number | undefined, to: number): void {
    const all = this.branch.lines.places.between(from, to).map(({ record }) => record);
    tellAll(listener, all, true);
  }

  #forget(other: boolean, place: number): void {
    // There is one listener, the page: what it knows of is not told again.
    const [known] = [...this.#listeners].map((listener) => listener.restart(other, place));
    this.#at = known ?? 0;
    this.#lines = known === undefined ? 0 : this.branch.lines.places.told(known);
  }

  /** The first line of those that tell of a stanza which is under way at the time that is shown. */
  #underWay(until: number): number {
    const { lines } = this.branch.lines.places;
    // A link that takes longer is too long to look for.
    for (let i = Math.max(this.#lines, until - underWayMost); i < until; i++) {
      const record = lines[i]?.record;
      if (record?.kind === 'hop' && (record.arrives ?? 0) > this.start + this.#ms) return i;
    }
    return until;
  }

  #tell(until: number, moving: boolean): void {
    const all = this.branch.lines.places.lines.slice(this.#lines, until).map(({ record }) => record);
    this.#lines = Math.max(this.#lines, until);
    for (const listener of this.#listeners) tellAll(listener, all, !moving);
  }
}
