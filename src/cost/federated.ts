/**
 * XEP-0289 in a tree: each node joins its parent, and passes on what it hears to all others (§5). In the terms: K nodes; of the node s
 * of an author, its depth dₛ, its degree, and the links to all others. A mesh has settled (decision #146): it is the tree in which
 * all have joined the first, and the other links stand by.
 */
import { type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { type Design, pingsAnHour } from './design.ts';
import { FederatedSamples } from './federated-samples.ts';
import { authorsIn, changersIn, type Network, occupantsOf, othersOf } from './network.ts';
import type { DesignId } from './scenario.ts';
import { nothing, sendingMs, sum, type Traffic, times } from './traffic.ts';
import { parentOf, type Tree, treeOf } from './tree.ts';

/** At so many sizes of a growing tree its distances are taken; between them they grow evenly. */
const sizesMax = 24;

class Federation {
  readonly network: Network;
  readonly samples: FederatedSamples;
  readonly fanOut: number;
  readonly tree: Tree;
  readonly links: number;
  readonly #isReplica: boolean;

  constructor(network: Network, id: DesignId) {
    this.network = network;
    this.#isReplica = id === '0289-replica';
    this.samples = new FederatedSamples(network, this.#isReplica);
    this.fanOut = id === '0289-mesh' ? Math.max(1, network.occupants.length - 1) : network.fanOut;
    this.tree = treeOf(network.occupants.length, this.fanOut);
    this.links = network.occupants.length - 1;
  }

  /**
   * What one user does, at each node so often, crosses each link of the tree once: K − 1. In the mode primary-replica it goes up to the
   * primary first, and down to all nodes from there (§2, decision #151): dₛ + K − 1. A stanza that is not echoed leaves out the dₛ
   * links down to its own node: K − 1.
   *
   * A stanza names the node where it began once it has left that (`by`), and each node that it has passed between (`via`): over the
   * i-th link of its way i − 2 of them. What a replica asks for has its place in the order of its node over the first link alone.
   */
  spread(sample: Stanza, byNode: readonly number[], echoed = true): Traffic {
    const { tree, links, samples } = this;
    let [stanzas, by, via, unordered] = [0, 0, 0, 0];
    for (const [node, times] of byNode.entries()) {
      if (times === 0) continue;
      const depth = tree.depth[node] ?? 0;
      const degree = tree.degree[node] ?? 0;
      const away = tree.distances[node] ?? 0;
      if (!this.#isReplica) {
        stanzas += times * links;
        by += times * (links - degree);
        via += times * (away - 2 * links + degree);
        continue;
      }
      const below = node === 0 ? degree : degree - 1;
      const up = Math.max(0, depth - 1);
      const upVia = (up * Math.max(0, depth - 2)) / 2;
      const kept = echoed ? 0 : depth;
      stanzas += times * (depth + links - kept);
      if (echoed && node > 0) unordered += times * (depth - 1 + links - kept);
      by += times * (up + links - below - kept);
      via += times * (upVia + away - 2 * links + depth + below - (kept * Math.max(0, kept - 1)) / 2);
    }
    const trails = by * samples.byBytes + via * samples.viaBytes - unordered * samples.orderBytes;
    const bytes = stanzas * stanzaLength(sample) + trails;
    return { stanzas, bytes };
  }

  /**
   * §5.1: the first user of node s enters when s nodes with one user each are linked. Its node joins its parent: 1; that passes it on to
   * the s − 1 others, and answers with all s + 1 users and the subject. Σ (2s + 2) = (K − 1)(K + 2). In the mode primary-replica the
   * join has to be known to the primary first (decision #171), which is dₛ − 1 links farther up.
   */
  linking(): Traffic {
    const { samples, links, tree, fanOut } = this;
    const copies = (links * (links - 1)) / 2;
    const listed = (links * (links + 3)) / 2;
    // Links above the one by which a node joins; and the nodes that its user's entry has passed on the way up them, and down again.
    const above = this.#isReplica ? tree.depth.map((depth) => Math.max(0, depth - 1)) : [];
    const up = above.reduce((all, one) => all + one, 0);
    const passed = above.reduce((all, one) => all + one + (one * (one - 1)) / 2, 0);
    const unordered = this.#isReplica ? copies + up : 0;
    // Of each node that joins: the way from its parent to all that are there, which passed copies and listed users have in them.
    let ways = 0;
    const step = Math.max(1, links / sizesMax);
    for (let i = 0; i * step < links; i++) {
      const size = Math.min(links, Math.round(1 + (i + 0.5) * step - 0.5));
      ways += step * ((treeOf(size, fanOut).distances[parentOf(size, fanOut)] ?? 0) - (size - 1));
    }
    const trails = {
      stanzas: 0,
      bytes:
        (2 * copies + links + up) * samples.byBytes +
        (2 * ways + passed) * samples.viaBytes -
        unordered * samples.orderBytes,
    };
    return sum(
      times(links, samples.join(false)),
      times(copies + up, samples.news()),
      times(listed, samples.listed()),
      times(links, samples.end()),
      trails,
    );
  }
}

function federated(id: DesignId): Design {
  return {
    id,
    /** Of a mesh there is no formula: how many rings are seen, and given up, is a matter of which stanza is there first. */
    linking: (network) => (id === '0289-mesh' ? undefined : new Federation(network, id).linking()),

    /** §5.3: one stanza over each link for each who enters. */
    joins(network) {
      const federation = new Federation(network, id);
      return federation.spread(federation.samples.news(), othersOf(network));
    },

    /** §5.2. */
    messages(network) {
      const federation = new Federation(network, id);
      return federation.spread(federation.samples.passed(), authorsIn(network));
    },

    /** §5.4, §5.3: of each round the leave, the entry, and the two halves of the change of nick. */
    churn(network) {
      const federation = new Federation(network, id);
      const { samples } = federation;
      const changers = changersIn(network);
      return sum(
        federation.spread(samples.news({ role: 'none' }, 'unavailable'), changers, false),
        federation.spread(samples.news(), changers),
        federation.spread(samples.news({ nick: samples.nick, statuses: [303] }, 'unavailable'), changers, false),
        federation.spread(samples.news(), changers),
      );
    },

    /** The pings of K − 1 links. A link of a mesh that stands by is asked by its joining end alone, every 60 seconds. */
    upkeep(network) {
      const { samples, links } = new Federation(network, id);
      const spare = id === '0289-mesh' ? (links * (links - 1)) / 2 : 0;
      return sum(
        ...samples.pings().map((stanza) => times((links * pingsAnHour) / 2, stanza)),
        ...samples.standbyPings().map((stanza) => times(spare * 60, stanza)),
      );
    },

    /**
     * Decision #181: the node joins anew, with its first user, and asks for what it missed: 1. It gets the N − m others, its own user,
     * what it missed, and the subject. The other node asks in turn: 1. Then come the m − 1 others of its own. N + 3 + missed. A
     * primary asks nothing (decision #172), and echoes those m − 1: N + m + 1 + missed.
     */
    resync(network) {
      const { occupants, missed } = network;
      if (occupants.length < 2) return nothing;
      const { samples } = new Federation(network, id);
      const own = occupants.at(-1) ?? 0;
      const isReplica = id === '0289-replica';
      const kept = Math.min(100, network.messages + missed);
      return sum(
        times(1, samples.join(true)),
        times(occupantsOf(network) - own + 1, samples.listed()),
        times(missed, samples.past()),
        times(1, samples.end()),
        isReplica ? times(own - 1, samples.news()) : times(1, samples.asksBack(Math.min(kept, missed + 1))),
        times(own - 1, samples.news()),
      );
    },

    /**
     * As many hops as the farthest node is away, each of latency, bytes / bandwidth and 1 ms of a log, and 1 ms of the author's own node;
     * in the mode primary-replica up to the primary, and down to the deepest.
     */
    lastDeliveryMs(network, author) {
      const { samples, tree } = new Federation(network, id);
      const { latencyMs, bytesPerSecond } = network.link;
      const depth = tree.depth[author] ?? 0;
      const hops = id === '0289-replica' ? depth + (tree.farthest[0] ?? 0) : (tree.farthest[author] ?? 0);
      const bytes = stanzaLength(samples.passed()) + (hops > 1 ? samples.byBytes : 0);
      return hops * (latencyMs + sendingMs(bytes, bytesPerSecond) + 1) + 1;
    },
  };
}

export const federatedTree = federated('0289-tree');
export const federatedMesh = federated('0289-mesh');
export const federatedReplica = federated('0289-replica');
