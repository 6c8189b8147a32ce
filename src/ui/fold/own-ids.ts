import type { StepRecord } from '../../core/node/trace.ts';

/**
 * Ids of events that the server did not see, from -1 down: what a node's step tells. A step gives its events the same ids in every
 * model that it is folded into, whatever came before it there.
 */
export class OwnIds {
  #next = -1;
  readonly #first = new WeakMap<StepRecord, number>();

  /** @param place  0 is what the node did of its own accord; its notes follow */
  of(step: StepRecord, place: number): number {
    const known = this.#first.get(step);
    const first = known ?? this.#next;
    if (known === undefined) {
      this.#first.set(step, first);
      this.#next -= 1 + step.notes.length;
    }
    return first - place;
  }
}
