import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';
import { Bucket, type Budgets } from './budget.ts';

/** Buckets that are full again are forgotten when there are so many. */
const pruneAt = 1000;

/** Stanzas after which what was counted counts half. */
const halveAt = 64;

interface Flow {
  /** Stanzas lately: their ratio is how many copies the room makes. */
  received: number;
  sent: number;
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

  /** @returns how many copies the room is likely to make of it */
  received(to: Jid, bytes: number, now: Instant): number {
    const flow = this.#flow(to, now);
    flow.in.take(now, bytes);
    const copies = Math.max(1, flow.sent / Math.max(1, flow.received));
    flow.received++;
    if (flow.received > halveAt) {
      flow.received /= 2;
      flow.sent /= 2;
    }
    return copies;
  }

  sent(from: Jid, bytes: number, now: Instant): void {
    const flow = this.#flow(from, now);
    flow.out.take(now, bytes);
    flow.sent++;
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
      received: 0,
      sent: 0,
      in: new Bucket(this.#budgets.roomIn, now),
      out: new Bucket(this.#budgets.roomOut, now),
    };
    this.#rooms.set(room, flow);
    return flow;
  }
}
