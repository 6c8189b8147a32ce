import type { Sign } from '../core/turn/spec.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Driver } from '../host/driver.ts';
import type { DriverMeter } from '../host/driver-options.ts';
import type { StanzaLink } from '../host/stanza-link.ts';
import type { Network } from '../server/network.ts';
import { count } from '../server/tally.ts';
import { TraceRing } from './trace-ring.ts';
import { WatchedLink } from './watched-link.ts';

/** Who is told how long something took, in milliseconds. */
export interface Latencies {
  appended(node: Jid, ms: number): void;
  searched(node: Jid, ms: number): void;
}

/** A node of this process. */
export class WatchedNode implements DriverMeter {
  readonly address: Jid;
  readonly signs = new Map<Sign, number>();
  link: WatchedLink | undefined;
  driver: Driver | undefined;
  /** Its log has been read. */
  isOpen = false;

  readonly #watch: Watch;

  constructor(address: Jid, watch: Watch) {
    this.address = address;
    this.#watch = watch;
  }

  /** The link that it is to use, which counts what goes over this one. */
  watching(inner: StanzaLink): StanzaLink {
    this.link = new WatchedLink(this.address, inner, this.#watch.ring);
    return this.link;
  }

  appended(ms: number): void {
    this.#watch.latencies?.appended(this.address, ms);
  }

  searched(ms: number): void {
    this.#watch.latencies?.searched(this.address, ms);
  }

  noted(sign: Sign): void {
    count(this.signs, sign);
  }

  /** Why it serves nobody yet, or not at the moment. */
  whyNot(): string | undefined {
    if (!this.isOpen) return 'its store is not open';
    if (this.driver?.resting !== undefined) return this.driver.resting;
    const link = this.link?.report();
    return link?.state === 'up' ? undefined : (link?.detail ?? 'not yet connected');
  }
}

/** Peers of rooms that are listed at most. */
const peersMax = 1000;

/** What may be known of a service from outside. */
export class Watch {
  readonly nodes: WatchedNode[] = [];
  readonly networks: Network[] = [];
  readonly ring: TraceRing;
  latencies: Latencies | undefined;
  /** It listens. A component has nothing to listen on. */
  isBound: boolean;
  isEnding = false;

  constructor(options: { readonly isBound: boolean; readonly withBodies: boolean }) {
    this.isBound = options.isBound;
    this.ring = new TraceRing(options.withBodies, () => Date.now());
  }

  node(address: Jid): WatchedNode {
    const node = new WatchedNode(address, this);
    this.nodes.push(node);
    return node;
  }

  /** What it waits for; empty: it is ready. */
  waitsFor(): readonly string[] {
    if (this.isEnding) return ['it is stopping'];
    const nodes = this.nodes.flatMap((node) => {
      const why = node.whyNot();
      return why === undefined ? [] : [`${node.address}: ${why}`];
    });
    return this.isBound ? nodes : ['it does not listen yet', ...nodes];
  }

  links(): object {
    const peers = this.nodes.flatMap(({ address, driver }) =>
      (driver?.status().rooms ?? []).flatMap(({ room, peers }) =>
        peers.map(({ peer, state, since, reason }) => ({
          ...{ node: address, room, peer, state, since: new Date(since).toISOString() },
          ...(reason === undefined ? {} : { reason }),
        })),
      ),
    );
    return {
      nodes: this.nodes.map(({ address, link }) => ({ node: address, ...link?.report() })),
      servers: this.networks.flatMap((network) => network.links()),
      peers: peers.slice(0, peersMax),
      ...(peers.length > peersMax ? { peersLeftOut: peers.length - peersMax } : {}),
    };
  }
}
