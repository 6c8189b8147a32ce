import type { RoomTurn } from '../../room/room-turn.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import { type Instant, plus } from '../../xmpp/time.ts';
import { timeoutMs } from '../keepalive.ts';
import { Pending } from '../pending.ts';

/** How long a join may take from the user's presence to the primary's `<enter/>`, in milliseconds. Decision #6. */
const ticketMs = 60_000;
/** Joins that may wait at once; beyond it the oldest is forgotten. */
const ticketsMax = 10_000;

/** A user asked to enter: what allows one `<enter/>` for exactly this JID and nick. */
export interface Ticket {
  readonly nick: string;
  readonly join: JoinRequest;
  /** They are in already, provisionally: they have been shown who is here (decision #44). */
  readonly provisional?: true;
}

/** XEP-0282 §4.5: "The replica MUST verify that the user has sent directed presence to the primary's JID before." */
export class Tickets {
  readonly #tickets = new Pending<Jid, Ticket>(ticketsMax);
  /** Joins of a user that were relayed and not answered by an <enter/> yet, and when the last of them was. */
  readonly #unanswered = new Pending<Jid, { readonly joins: number; readonly at: Instant; readonly nick: string }>(
    ticketsMax,
  );
  readonly #serves: readonly Jid[];

  constructor(serves: readonly Jid[]) {
    this.#serves = serves;
  }

  /** Whether it is a user of a domain that this replica serves. */
  serves(user: Jid): boolean {
    return this.#serves.includes(domainOf(user));
  }

  add({ env }: RoomTurn, user: Jid, ticket: Ticket): void {
    this.#tickets.add(user, ticket, env.now, plus(env.now, ticketMs));
  }

  valid({ env }: RoomTurn, user: Jid, nick: string): Ticket | undefined {
    const ticket = this.#tickets.get(user, env.now);
    const valid = ticket?.nick === nick && this.serves(user);
    return valid ? ticket : undefined;
  }

  /** Whether a join of theirs is on its way. */
  waits({ env }: RoomTurn, user: Jid): boolean {
    return this.#tickets.get(user, env.now) !== undefined;
  }

  /** A join went to the primary. */
  relayed({ env }: RoomTurn, user: Jid, nick: string): void {
    const { joins = 0 } = this.#unanswered.get(user, env.now) ?? {};
    this.#unanswered.add(user, { joins: joins + 1, at: env.now, nick }, env.now);
  }

  /** Whether the primary, last heard at that time, may still have to answer a join of theirs. Decision #44. */
  mayBeAnswered({ env }: RoomTurn, user: Jid, heard: Instant): boolean {
    const { at } = this.#unanswered.get(user, env.now) ?? {};
    return at !== undefined && heard < at + timeoutMs;
  }

  /** Whether a join of theirs under this nick was relayed, and no `<enter/>` came since. Under another it may be refused. */
  isUnanswered({ env }: RoomTurn, user: Jid, nick: string): boolean {
    return this.#unanswered.get(user, env.now)?.nick === nick;
  }

  /** One of their joins was answered: an <enter/> came. */
  answered({ env }: RoomTurn, user: Jid): void {
    const waiting = this.#unanswered.take(user, env.now);
    if (waiting !== undefined && waiting.joins > 1)
      this.#unanswered.add(user, { ...waiting, joins: waiting.joins - 1 }, env.now);
  }

  /** All is answered: what the primary knows of this user, or of all, has come. */
  settled(user?: Jid): void {
    if (user === undefined) this.#unanswered.takeAll();
    else this.#unanswered.delete(user);
  }

  forget(user: Jid): void {
    this.#tickets.delete(user);
  }

  clear(): void {
    this.#tickets.takeAll();
  }
}
