import type { ModelEvent } from './event.ts';

/** What a step says of a stanza that it sent. */
export interface Reason {
  /** An event, or the slot of the stanza that the step handled. */
  readonly cause: number | string | undefined;
  readonly spec: string;
  readonly copy?: number;
}

/**
 * Which event is the n-th stanza of a stream. A node's step names stanzas by that, before or after the server shows them:
 * both orders end in the same causes.
 */
export class Slots {
  readonly #events = new Map<string, number>();
  readonly #expected = new Map<string, Reason>();

  eventOf(slot: string): number | undefined {
    return this.#events.get(slot);
  }

  /** @returns what a step has said of it already */
  fill(slot: string, event: number): Reason | undefined {
    this.#events.set(slot, event);
    const reason = this.#expected.get(slot);
    this.#expected.delete(slot);
    return reason;
  }

  expect(slot: string, reason: Reason): void {
    this.#expected.set(slot, reason);
  }

  causeOf({ cause }: Reason): number | undefined {
    return typeof cause === 'string' ? this.#events.get(cause) : cause;
  }

  /** @param most  reasons that are kept for stanzas that have not come */
  forget(old: readonly ModelEvent[], most: number): void {
    for (const { leg, stream, n } of old)
      if (leg && stream !== undefined && n !== undefined) this.#events.delete(slotOf(leg, stream, n));
    if (this.#expected.size <= most) return;
    for (const slot of [...this.#expected.keys()].slice(0, this.#expected.size / 2)) this.#expected.delete(slot);
  }
}

export function slotOf(leg: string, stream: string, n: number): string {
  return `${leg} ${stream} ${n}`;
}
