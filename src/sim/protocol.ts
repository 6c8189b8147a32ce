import type { DistributedRoomConfig } from '../core/distribution/config.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Checker } from './judge.ts';
import type { Circumstances, Layout, Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Seat } from './seat.ts';
import type { Person } from './trace.ts';

/** Where a hostile node is, and whom it may name. */
export interface Seating {
  readonly self: Jid;
  readonly people: readonly Person[];
  /** Addresses of all nodes. */
  readonly nodes: readonly Jid[];
}

/** What a protocol brings to the simulator, in one file: its network, its adversary, its checkers. */
export interface Protocol {
  /** Servers of a run, at most, if there may be more than with others; six at most. */
  readonly serversMax?: number;
  /**
   * @param domains  servers with users, at least two
   * @param base  a room as this run wants it, but for its distribution
   */
  layout(domains: readonly Jid[], base: (room: Jid) => DistributedRoomConfig, prng: Prng): Layout;
  /** Drawn last, so that the rest of the plan does not depend on it. */
  more?(plan: Plan, prng: Prng): Plan;
  /** The same with more variety, drawn after that; a run may leave all of it out (`--calm variety`). */
  vary?(plan: Plan, prng: Prng): Plan;
  /** What is only known of a plan when its nodes run. */
  settle?(plan: Plan, seats: ReadonlyMap<Jid, Seat>): Plan;
  /** What else varies in a run of this protocol. It is drawn last, so that the rest of the plan does not depend on it. */
  circumstances?(prng: Prng, users: readonly Jid[], layout: Layout): Circumstances;
  /** Addresses of the nodes that may be hostile while all others are promised everything. */
  mayBeHostile(layout: Layout): readonly Jid[];
  /**
   * What a hostile node makes of a stanza that its honest half sends: nothing, another, more. It is in the protocol's own
   * terms, since a hostile node knows the protocol (invariants.md, Who may be hostile).
   */
  tamper(stanza: Stanza, prng: Prng, at: Seating): readonly Stanza[];
  /** Invariants of the protocol's own. */
  readonly checkers: Readonly<Record<string, Checker>>;
  /** What still holds where the node that all others depend on is hostile. */
  readonly despitePrimary?: readonly string[];
}
