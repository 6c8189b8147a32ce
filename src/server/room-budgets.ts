import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';
import { Bucket, type Budgets } from './budget.ts';
import { Remembered } from './remembered.ts';

interface Flow {
  readonly in: Bucket;
  readonly out: Bucket;
}

/** What goes into and out of each room of a network. */
export class RoomBudgets {
  readonly #rooms: Remembered<Flow>;

  constructor({ roomIn, roomOut }: Budgets) {
    this.#rooms = new Remembered(
      (now) => ({ in: new Bucket(roomIn, now), out: new Bucket(roomOut, now) }),
      (flow, now) => flow.in.isFull(now) && flow.out.isFull(now),
    );
  }

  received(to: Jid, bytes: number, now: Instant): void {
    this.#flow(to, now).in.take(now, bytes);
  }

  sent(from: Jid, bytes: number, now: Instant): void {
    this.#flow(from, now).out.take(now, bytes);
  }

  /** How long somebody who last sent to this address has to wait for the room, in milliseconds. */
  waitMs(to: Jid, now: Instant): number {
    const flow = this.#rooms.get(bareOf(to));
    return flow === undefined ? 0 : Math.max(flow.in.waitMs(now), flow.out.waitMs(now));
  }

  #flow(address: Jid, now: Instant): Flow {
    return this.#rooms.of(bareOf(address), now);
  }
}
