import type { Design } from './design.ts';
import { federatedMesh, federatedReplica, federatedTree } from './federated.ts';
import { authorsIn, type Network, occupantsOf, pastOf } from './network.ts';
import { plain } from './plain.ts';
import { primaryReplica } from './primary-replica.ts';
import type { DesignId } from './scenario.ts';
import { sourceShadow } from './source-shadow.ts';
import { sum, type Traffic } from './traffic.ts';

export const designs: Readonly<Record<DesignId, Design>> = {
  plain,
  '0282': primaryReplica,
  '0281': sourceShadow,
  '0289-tree': federatedTree,
  '0289-mesh': federatedMesh,
  '0289-replica': federatedReplica,
};

/** What a design costs in a network. */
export interface Cost {
  /** Undefined: there is no formula. */
  readonly linking: Traffic | undefined;
  readonly joins: Traffic;
  readonly messages: Traffic;
  readonly churn: Traffic;
  /** An hour in which nothing happens. */
  readonly upkeep: Traffic;
  readonly resync: Traffic;
  /** Stanzas that are handed to users: the same in every design. */
  readonly deliveries: { readonly joins: number; readonly messages: number; readonly churn: number };
  /** Milliseconds from a message to its last delivery, the mean of all messages. */
  readonly lastDeliveryMs: number;
}

export function costOf(network: Network, id: DesignId): Cost {
  const design = designs[id];
  return {
    linking: design.linking(network),
    joins: design.joins(network),
    messages: design.messages(network),
    churn: design.churn(network),
    upkeep: design.upkeep(network),
    resync: design.resync(network),
    deliveries: deliveriesOf(network),
    lastDeliveryMs: lastDeliveryOf(network, design),
  };
}

/**
 * XEP-0045, whatever is between the nodes. §7.2: who enters a room of i − 1 is shown to those, sees i with themselves, and the subject:
 * Σ 2i = N (N + 1). §7.4: N for a message. §7.14: N for a leave; 2 N and the history for the entry that follows; §7.6: 2 N for a nick.
 */
function deliveriesOf(network: Network): Cost['deliveries'] {
  const all = occupantsOf(network);
  return {
    joins: all * (all + 1),
    messages: all * network.messages,
    churn: network.churn * (5 * all + pastOf(network)),
  };
}

function lastDeliveryOf(network: Network, design: Design): number {
  if (network.messages === 0) return 0;
  const authors = authorsIn(network);
  let all = 0;
  for (const [server, count] of authors.entries()) if (count > 0) all += count * design.lastDeliveryMs(network, server);
  return all / network.messages;
}

/** All that crosses links until the last message, without pings. */
export function totalOf({
  linking,
  joins,
  messages,
  churn,
}: Pick<Cost, 'linking' | 'joins' | 'messages' | 'churn'>): Traffic {
  return sum(...(linking === undefined ? [] : [linking]), joins, messages, churn);
}
