import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { RealServerConfig } from './config.ts';
import { type EdgeNetwork, type Gateway, RealServer } from './real-server.ts';
import type { Session } from './session.ts';
import type { Station } from './station.ts';

/** The real servers of a network, and what goes to them. */
export class Edges {
  readonly servers: readonly RealServer[];
  readonly #network: EdgeNetwork;

  /** @param gateway  to the real servers; without one there are none */
  constructor(network: EdgeNetwork, configs: readonly RealServerConfig[], gateway: Gateway | undefined) {
    this.#network = network;
    this.servers = gateway ? configs.map((config) => new RealServer(network, config, gateway)) : [];
  }

  /** The real server of which a service is a component. */
  of(service: Jid): RealServer | undefined {
    return this.servers.find(({ services }) => services.has(service));
  }

  /** One component reaches another as the world does, by its real server. People and replicas are here, and known nowhere else. */
  wayTo(from: Jid, to: Jid): Station | undefined {
    const [sender, target] = [domainOf(from), domainOf(to)];
    const here = this.#network.hosting(target);
    const isBeyond = here === undefined || (sender !== target && this.of(target) !== undefined);
    return (isBeyond ? this.of(sender) : undefined) ?? here;
  }

  /** A session came or went: a service becomes a component, or is none any more. */
  announced(session: Session, up: boolean): void {
    if (session.account.role !== 'service') return;
    const real = this.of(session.account.address);
    if (up) real?.attach(session);
    else real?.detach(session);
  }

  /** What waits to be read there, in bytes. */
  get unsentBytes(): number {
    return this.servers.reduce((bytes, real) => bytes + real.unsentBytes, 0);
  }
}
