import type { NodeStatus } from '../../core/node/trace.ts';
import type { LinkView } from './links.ts';
import type { Network, NodeView } from './network.ts';

/** A time during which something was not as it should be. Times are in milliseconds since 1970. */
export interface Span {
  readonly kind: 'cut' | 'down' | 'split';
  /** Where it is to be seen: the two servers of a cut link, a node that is down, the nodes that are split from each other. */
  readonly at: readonly string[];
  /** Of a cut link: what becomes of stanzas. */
  readonly how?: 'bounce' | 'silent';
  readonly from: number;
  /** Undefined while it lasts. */
  to: number | undefined;
}

/**
 * When links were cut, nodes down, and nodes split from each other, by what the server and the nodes said. A replica is split from
 * its primary as soon as one of the two says so, and until none of them does.
 */
export class Spans {
  readonly #network: Network;
  #list: Span[] = [];
  readonly #open = new Map<string, Span>();
  /** By pair of nodes: the rooms of either that hold the other for split. */
  readonly #sayers = new Map<string, { readonly nodes: readonly [NodeView, NodeView]; readonly rooms: Set<string> }>();
  /** The nodes that had a session: before its first one a node is not down, it has not been started. */
  readonly #seen = new Set<string>();

  constructor(network: Network) {
    this.#network = network;
  }

  /** Oldest first. */
  get list(): readonly Span[] {
    return this.#list;
  }

  link({ key, ends, state }: LinkView, t: number): void {
    const known = this.#open.get(key);
    if (known?.how === (state === 'up' ? undefined : state)) return;
    this.#end(key, t);
    if (state !== 'up') this.#begin(key, { kind: 'cut', at: ends, how: state, from: t, to: undefined });
  }

  session(address: string, up: boolean, t: number): void {
    const node = this.#network.nodeOf(address)?.address;
    if (node === undefined) return;
    if (up) this.#end(node, t);
    else if (this.#seen.has(node)) this.#begin(node, { kind: 'down', at: [node], from: t, to: undefined });
    if (up) this.#seen.add(node);
  }

  status({ address, rooms }: NodeStatus, t: number): void {
    const node = this.#network.nodeOf(address);
    if (node === undefined) return;
    for (const { nodes, rooms: sayers } of this.#sayers.values()) {
      if (nodes.includes(node)) for (const one of sayers) if (one.startsWith(`${address} `)) sayers.delete(one);
    }
    for (const { room, peers } of rooms) {
      for (const { peer, state } of peers) {
        const other = this.#network.nodeOf(peer);
        if (state !== 'split' || other === undefined || other === node) continue;
        const key = [address, other.address].sort().join(' ');
        const pair = this.#sayers.get(key) ?? { nodes: [node, other], rooms: new Set() };
        this.#sayers.set(key, pair);
        pair.rooms.add(`${address} ${room} ${peer}`);
      }
    }
    for (const [key, { nodes, rooms: sayers }] of this.#sayers) {
      if (sayers.size > 0) {
        // A primary goes on: the replica is what is cut off.
        const replicas = nodes.filter(({ kind }) => kind === 'replica');
        const at = (replicas.length > 0 ? replicas : nodes).map((one) => one.address);
        this.#begin(key, { kind: 'split', at, from: t, to: undefined });
      } else {
        this.#sayers.delete(key);
        this.#end(key, t);
      }
    }
  }

  /** Those that were over by then fall out of the window. */
  forget(before: number): void {
    this.#list = this.#list.filter(({ to }) => to === undefined || to >= before);
  }

  #begin(key: string, span: Span): void {
    if (this.#open.has(key)) return;
    this.#open.set(key, span);
    this.#list.push(span);
  }

  #end(key: string, t: number): void {
    const span = this.#open.get(key);
    if (span) span.to = t;
    this.#open.delete(key);
  }
}
