import type { Network } from './network.ts';
import type { DesignId } from './scenario.ts';
import { sum, type Traffic } from './traffic.ts';

/**
 * What a design costs: pure functions of a network. Each says in its comment how its formula comes about, term by term. Sizes are
 * those of `samples.ts`. Links are sound; `loss.ts` has what is repeated where they are not.
 */
export interface Design {
  readonly id: DesignId;
  /** Until the room is open on every server, with the first occupant of each inside. Undefined: there is no formula. */
  readonly linking: (network: Network) => Traffic | undefined;
  /** The others enter. */
  readonly joins: (network: Network) => Traffic;
  readonly messages: (network: Network) => Traffic;
  /** The rounds of change. */
  readonly churn: (network: Network) => Traffic;
  /** The pings of an hour, and their answers, where nothing else is sent. */
  readonly upkeep: (network: Network) => Traffic;
  /** What crosses the links of the last server until it is up to date again. */
  readonly resync: (network: Network) => Traffic;
  /** Milliseconds from a message of an author of this server to its last delivery. */
  readonly lastDeliveryMs: (network: Network, author: number) => number;
}

export function sumOver<T>(list: readonly T[], of: (one: T, index: number) => Traffic): Traffic {
  return sum(...list.map(of));
}

/**
 * Pings between two nodes in an hour, and their answers (XEP-0199, decision #3): each side asks after a silence of 48 to 72
 * seconds, evenly distributed, and the earlier of the two ends the silence of both. The mean of the earlier of two is
 * 48 + 24 / 3 = 56 seconds.
 */
export const pingsAnHour = (2 * 3_600) / 56;
