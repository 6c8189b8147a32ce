import type { RoomTurn } from '../../room/room-turn.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { Instant } from '../../xmpp/time.ts';
import { timeoutMs } from '../keepalive.ts';

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
  /** Joins of a user that were relayed and not answered by an <enter/> yet, and when the last of them was. */
  readonly #unanswered = new Map<Jid, { readonly joins: number; readonly at: Instant }>();
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

  /** A join went to the primary. */
  relayed(turn: RoomTurn, user: Jid): void {
    const joins = (this.#unanswered.get(user)?.joins ?? 0) + 1;
    this.#unanswered.delete(user);
    this.#unanswered.set(user, { joins, at: turn.env.now });
    if (this.#unanswered.size <= ticketsMax) return;
    for (const oldest of this.#unanswered.keys()) {
      this.#unanswered.delete(oldest);
      return;
    }
  }

  /** Whether the primary, last heard at that time, may still have to answer a join of theirs. Decision #44. */
  mayBeAnswered(user: Jid, heard: Instant): boolean {
    const { at } = this.#unanswered.get(user) ?? {};
    return at !== undefined && heard < at + timeoutMs;
  }

  /** One of their joins was answered: an <enter/> came. */
  answered(user: Jid): void {
    const { joins, at } = this.#unanswered.get(user) ?? {};
    if (joins === undefined || at === undefined) return;
    if (joins > 1) this.#unanswered.set(user, { joins: joins - 1, at });
    else this.#unanswered.delete(user);
  }

  /** All is answered: what the primary knows of this user, or of all, has come. */
  settled(user?: Jid): void {
    if (user === undefined) this.#unanswered.clear();
    else this.#unanswered.delete(user);
  }

  forget(user: Jid): void {
    this.#tickets.delete(user);
  }

  clear(): void {
    this.#tickets.clear();
  }
}
