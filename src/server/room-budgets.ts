import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';
import { Bucket, type Budgets } from './budget.ts';

/** Buckets that are full again are forgotten when there are so many. */
const pruneAt = 1000;

interface Flow {
  readonly in: Bucket;
  readonly out: Bucket;
}

/** What goes into and out of each room of a network. */
export class RoomBudgets {
  readonly #budgets: Budgets;
  readonly #rooms = new Map<Jid, Flow>();
  #pruneAt = pruneAt;

  constructor(budgets: Budgets) {
    this.#budgets = budgets;
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
    const room = bareOf(address);
    const known = this.#rooms.get(room);
    if (known !== undefined) return known;
    if (this.#rooms.size >= this.#pruneAt) {
      for (const [one, flow] of this.#rooms) if (flow.in.isFull(now) && flow.out.isFull(now)) this.#rooms.delete(one);
      this.#pruneAt = Math.max(pruneAt, 2 * this.#rooms.size);
    }
    const flow: Flow = {
      in: new Bucket(this.#budgets.roomIn, now),
      out: new Bucket(this.#budgets.roomOut, now),
    };
    this.#rooms.set(room, flow);
    return flow;
  }
}
