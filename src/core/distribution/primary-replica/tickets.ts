import type { RoomTurn } from '../../room/room-turn.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { Instant } from '../../xmpp/time.ts';

/** How long a join may take from the user's presence to the primary's `<enter/>`, in milliseconds. Decision #6. */
export const ticketMs = 60_000;
/** Joins that may wait at once; beyond it the oldest is forgotten. */
const ticketsMax = 10_000;

/** A user asked to enter: what allows one `<enter/>` for exactly this JID and nick. */
export interface Ticket {
  readonly nick: string;
  readonly join: JoinRequest;
  readonly until: Instant;
  /** They are in already, provisionally: they have been shown who is here (decision #44). */
  readonly provisional?: true;
}

/** XEP-0282 §4.5: "The replica MUST verify that the user has sent directed presence to the primary's JID before." */
export class Tickets {
  readonly #tickets = new Map<Jid, Ticket>();
  readonly #serves: readonly Jid[];

  constructor(serves: readonly Jid[]) {
    this.#serves = serves;
  }

  /** Whether it is a user of a domain that this replica serves. */
  serves(user: Jid): boolean {
    return this.#serves.includes(domainOf(user));
  }

  add(turn: RoomTurn, user: Jid, ticket: Ticket): void {
    this.#tickets.delete(user);
    this.#tickets.set(user, ticket);
    for (const [oldest, { until }] of this.#tickets) {
      if (until >= turn.env.now && this.#tickets.size <= ticketsMax) break;
      this.#tickets.delete(oldest);
    }
  }

  valid(turn: RoomTurn, user: Jid, nick: string): Ticket | undefined {
    const ticket = this.#tickets.get(user);
    const valid = ticket?.nick === nick && ticket.until >= turn.env.now && this.serves(user);
    return valid ? ticket : undefined;
  }

  /** Whether a join of theirs is on its way. */
  waits(turn: RoomTurn, user: Jid): boolean {
    return (this.#tickets.get(user)?.until ?? 0) >= turn.env.now;
  }

  forget(user: Jid): void {
    this.#tickets.delete(user);
  }

  clear(): void {
    this.#tickets.clear();
  }
}
