import type { StepRecord } from '../../core/node/trace.ts';

/**
 * Ids of events that the server did not see, from -1 down: what a node's step tells. A step that tells any takes one for what the node
 * did of its own accord, and one for each note: so whoever is told the same steps gives the same ids. A step gives its events the same
 * ids in every model that it is folded into.
 */
export class OwnIds {
  #next: number;
  readonly #first = new WeakMap<StepRecord, number>();

  /** @param next  of the first step: less than -1 where there were steps before it */
  constructor(next = -1) {
    this.#next = next;
  }

  /** Of what the node did; its notes follow downwards. */
  of(step: StepRecord): number {
    const known = this.#first.get(step);
    if (known !== undefined) return known;
    const first = this.#next;
    this.#first.set(step, first);
    this.#next -= ownIdsOf(step);
    return first;
  }
}

/** How many ids a step takes. */
export function ownIdsOf({ rx, input, tx, notes }: StepRecord): number {
  const isAct = rx === undefined && input !== undefined && tx.length > 0;
  return isAct || notes.length > 0 ? 1 + notes.length : 0;
}
