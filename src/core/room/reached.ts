import type { Jid } from '../xmpp/jid.ts';
import type { Order } from './event.ts';

/** Epochs of one room that are told apart: it begins one whenever it has lost its log. */
const epochsMax = 16;

/** How far all that rooms have accepted has been here: of each epoch of each room up to which place nothing is missing. */
export class Reached {
  readonly #rooms = new Map<Jid, Map<number, number>>();

  /** The place in this epoch of the room; 0: nothing of it has been here. */
  in(by: Jid, epoch: number): number {
    return this.#rooms.get(by)?.get(epoch) ?? 0;
  }

  /** @param own  the epoch in which this very room counts on, whatever others say of it and of its clock */
  set(by: Jid, { epoch, n }: Order, own?: number): void {
    const epochs = this.#rooms.get(by) ?? new Map<number, number>();
    this.#rooms.set(by, epochs.set(epoch, n));
    if (epochs.size <= epochsMax) return;
    // The one that counts now may be an early one: it began when the clock was set back.
    epochs.delete(Math.min(...[...epochs.keys()].filter((known) => known !== epoch && known !== own)));
  }

  /** One more is here: it counts if it follows on what has been here. */
  count(by: Jid, { epoch, n }: Order): void {
    if (n === this.in(by, epoch) + 1) this.set(by, { epoch, n });
  }

  get entries(): readonly (readonly [Jid, Order])[] {
    return [...this.#rooms].flatMap(([by, epochs]) =>
      [...epochs].map(([epoch, n]): readonly [Jid, Order] => [by, { epoch, n }]),
    );
  }

  restore(entries: readonly (readonly [Jid, Order])[]): void {
    this.#rooms.clear();
    for (const [by, order] of entries) this.set(by, order);
  }
}
