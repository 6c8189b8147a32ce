import type { ModelEvent } from './event.ts';
import type { Network } from './network.ts';

/** Of a node and a peer: how it noticed the last time that they were apart, and what it said since. */
export interface Signs {
  readonly noticed?: ModelEvent;
  readonly joined?: ModelEvent;
  readonly judged?: ModelEvent;
}

/** What the nodes said of splits and netjoins (XEP-0282 §4.11), by the signs of their notes. */
export class Splits {
  readonly #network: Network;
  readonly #signs = new Map<string, Signs>();

  constructor(network: Network) {
    this.#network = network;
  }

  note(event: ModelEvent): void {
    const { from, to, sign } = event;
    // A refusal is none of a split.
    if (sign === undefined || sign === 'refused') return;
    const key = `${from} ${to}`;
    const before = this.#signs.get(key);
    if (sign === 'netjoin') this.#signs.set(key, { ...before, joined: event });
    else if (sign === 'judged') this.#signs.set(key, { ...before, judged: event });
    else this.#signs.set(key, { noticed: event });
  }

  signsOf(node: string, peer: string): Signs {
    const own = this.#signs.get(`${node} ${peer}`) ?? {};
    // The primary tells of a netjoin, for it knows what was missed: to the replica it is the same one.
    const other = this.#network.nodeOf(peer);
    const isReplica = this.#network.nodes.get(node)?.kind === 'replica';
    const { joined, judged } = (other && isReplica ? this.#signs.get(`${other.address} ${node}`) : undefined) ?? {};
    const since = own.noticed?.t ?? Number.POSITIVE_INFINITY;
    return {
      ...(joined && joined.t >= since ? { joined } : {}),
      ...(judged && judged.t >= since ? { judged } : {}),
      ...own,
    };
  }
}
