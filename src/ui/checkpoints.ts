import type { Picture } from './picture.ts';

/** Places from one kept picture to the next, at least. */
const leastStep = 500;
/** Pictures that are kept, at most; and events that they have together. */
const most = 12;
const eventsMax = 80_000;
/** Besides, so many of those that were shown last are kept: people go to and fro. */
const leftMost = 3;
/** So many places are folded in one go, while nobody waits. */
const slice = 100;

/**
 * Pictures of earlier places of a run: to go back, only what is after the nearest of them is folded again. They are made while
 * nothing else is to be done.
 */
export class Checkpoints {
  readonly #make: () => Picture;
  readonly #tell: (picture: Picture, from: number | undefined, to: number) => void;
  readonly #kept = new Map<number, Picture>();
  /** Of those that are kept: the places that were left last, the latest at the end. */
  #left: readonly number[] = [];
  /** The one that is being made, and how far it is. */
  #next: { readonly place: number; readonly picture: Picture; at: number | undefined } | undefined;

  /** @param tell  tells a picture what happens from one place to a later one; from the very beginning if `from` is undefined */
  constructor(make: () => Picture, tell: (picture: Picture, from: number | undefined, to: number) => void) {
    this.#make = make;
    this.#tell = tell;
  }

  /** Where the nearest is, at a place or before it; undefined if there is none. */
  nearest(place: number): number | undefined {
    const before = [...this.#kept.keys()].filter((one) => one <= place);
    return before.length === 0 ? undefined : Math.max(...before);
  }

  /** The nearest at a place or before it, which is kept no more; undefined if there is none. */
  take(place: number): { readonly picture: Picture; readonly place: number } | undefined {
    const nearest = this.nearest(place);
    const picture = nearest === undefined ? undefined : this.#kept.get(nearest);
    if (nearest === undefined || picture === undefined) return undefined;
    this.#kept.delete(nearest);
    return { picture, place: nearest };
  }

  /** Another place is shown now: the picture of the one that was shown, with nothing under way, is kept for a while. */
  leave(place: number, picture: Picture): void {
    this.#kept.set(place, picture);
    this.#left = [...this.#left.filter((one) => one !== place && this.#kept.has(one)), place];
    // Until others are made in their place, these are what there is to go back to.
    if (this.#kept.size > most + leftMost) this.#kept.delete(this.#left[0] as number);
  }

  /** The run is another one. */
  clear(): void {
    this.#kept.clear();
    this.#left = [];
    this.#next = undefined;
  }

  /** Makes a part of one that is missing. @returns whether there is more to do */
  work(length: number): boolean {
    const wanted = placesOf(length);
    if (this.#next !== undefined && !wanted.includes(this.#next.place)) this.#next = undefined;
    if (this.#next === undefined) {
      const place = wanted.find((one) => !this.#kept.has(one));
      if (place === undefined) {
        this.#left = this.#left.slice(-leftMost);
        for (const one of this.#kept.keys())
          if (!wanted.includes(one) && !this.#left.includes(one)) this.#kept.delete(one);
        return false;
      }
      this.#next = { place, picture: this.#make(), at: undefined };
    }
    const { place, picture, at = 0 } = this.#next;
    const to = Math.min(place, at + slice);
    this.#tell(picture, this.#next.at, to);
    this.#next.at = to;
    if (to < place) return true;
    this.#kept.set(place, picture);
    this.#next = undefined;
    return true;
  }
}

/** Where pictures are kept of a run with so many events. */
export function placesOf(length: number): readonly number[] {
  let step = leastStep;
  const count = () => Math.floor((length - 1) / step);
  const events = () => (step * count() * (count() + 1)) / 2;
  while (count() > most || events() > eventsMax) step *= 2;
  return Array.from({ length: Math.max(0, count()) }, (_, i) => (i + 1) * step);
}
