import type { Spec } from '../core/turn/spec.ts';
import { type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { domainOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { errorReply, type Stanza } from '../core/xmpp/stanza.ts';
import type { RealServerConfig } from './config.ts';
import type { Envelope } from './envelope.ts';
import type { Session } from './session.ts';
import type { Station } from './station.ts';

/** A component stream (XEP-0114) of one service at a real server. */
export interface ComponentStream {
  /** Called only while it is up. */
  send(stanza: Stanza): void;
  /** What was sent and has not left yet. */
  readonly unsentBytes: number;
  /** For good. */
  close(): void;
}

export interface ComponentEvents {
  up(): void;
  /** It is lost, or could not be made. It is tried again, unless the reason says otherwise. Called again only with another reason. */
  away(why: string): void;
  /** Something came for an address of the service. */
  stanza(stanza: Stanza): void;
}

/** Opens the streams. It has the secrets. */
export interface Gateway {
  /** Begins to connect. Calls no event before it has returned. */
  open(server: Jid, service: Jid, events: ComponentEvents): ComponentStream;
}

/** The network behind the edge. */
export interface EdgeNetwork {
  /** The server that answers for a domain here. */
  hosting(domain: Jid): Station | undefined;
  /** Whether the domain is that of a service which is a component of a real server. */
  isComponent(domain: Jid): boolean;
  /** Sends a stanza over the link between two of them. */
  carry(from: Station, to: Station, envelope: Envelope): void;
  /** A stream is up or away. */
  edgeChanged(server: RealServer): void;
  log(line: string): void;
}

/** A service that is logged in, and its stream. */
interface Attached {
  readonly session: Session;
  readonly stream: ComponentStream;
  /** `connecting`: for the first time; what is sent waits for it. */
  state: 'connecting' | 'up' | 'away';
  why: string;
  waiting: Envelope[];
}

/** Stanzas that wait for the first connection of a service. */
const waitingMax = 1_000;
/** Above this much that a service has not read, it is sent nothing more from there. */
const unreadMax = 8 * 1024 * 1024;
/** Stanzas to a service of ours by way of the real server that are known again when they come back. */
const rememberedMax = 1_000;

/**
 * A real server at the edge of the network. Some of the services are components of it: what they send to domains that are not
 * here goes there, and what its users, and users beyond it, send to them comes from there. Nothing else of it is known.
 */
export class RealServer implements Station {
  readonly domain: Jid;
  readonly services: ReadonlySet<Jid>;
  readonly #network: EdgeNetwork;
  readonly #gateway: Gateway;
  readonly #attached = new Map<Jid, Attached>();
  /** By addresses and id: the number of the hop with which a stanza from one of our services to another left. */
  readonly #left = new Map<string, number>();

  constructor(network: EdgeNetwork, config: RealServerConfig, gateway: Gateway) {
    this.#network = network;
    this.#gateway = gateway;
    this.domain = jid(config.domain);
    this.services = new Set(config.services.map(jid));
  }

  /** A service is logged in here: it becomes a component there. */
  attach(session: Session): void {
    const service = session.account.address;
    if (!this.services.has(service)) return;
    this.detach(session);
    const now = (change: (attached: Attached) => void) => {
      if (this.#attached.get(service) === attached) change(attached);
    };
    const stream = this.#gateway.open(this.domain, service, {
      up: () => now((it) => this.#up(it)),
      away: (why) => now((it) => this.#away(it, why)),
      stanza: (stanza) => now((it) => this.#arrived(it, stanza)),
    });
    const attached: Attached = { session, stream, state: 'connecting', why: '', waiting: [] };
    this.#attached.set(service, attached);
  }

  detach(session: Session): void {
    const service = session.account.address;
    const attached = this.#attached.get(service);
    if (attached?.session !== session) return;
    this.#attached.delete(service);
    attached.stream.close();
    if (attached.state === 'away') this.#network.edgeChanged(this);
  }

  /** Why some of these services are not connected there; undefined: all are that could be. */
  awayFor(services: ReadonlySet<Jid>): string | undefined {
    const away = [...this.#attached].filter(([service, { state }]) => services.has(service) && state === 'away');
    return away.length === 0 ? undefined : away.map(([service, { why }]) => `${service}: ${why}`).join('; ');
  }

  /** What waits to be read there, in bytes. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const { stream } of this.#attached.values()) bytes += stream.unsentBytes;
    return bytes;
  }

  /** Its users and those beyond it have any domain but those that are here and nowhere else. */
  speaksFor(domain: Jid): boolean {
    return this.#network.hosting(domain) === undefined || this.#network.isComponent(domain);
  }

  /** Over the link, from a service. */
  deliverLocally(envelope: Envelope): void {
    const attached = this.#attached.get(domainOf(envelope.stanza.from));
    switch (attached?.state) {
      case 'up':
        return this.#send(attached, envelope);
      case 'connecting':
        if (attached.waiting.length < waitingMax) attached.waiting.push(envelope);
        else this.#giveBack(attached, envelope, 'it is not connected yet');
        return;
      case 'away':
        return this.#giveBack(attached, envelope, attached.why);
      default:
        // The service has logged out meanwhile: nobody is left to be told.
        return this.#network.log(`${envelope.stanza.from} has no stream at ${this.domain}`);
    }
  }

  /** A stanza from there did not get over the link. */
  bounce({ stanza }: Envelope, error: StanzaError): void {
    const attached = this.#attached.get(domainOf(stanza.to));
    if (attached) this.#answer(attached, stanza, error);
  }

  #up(attached: Attached): void {
    attached.state = 'up';
    attached.why = '';
    this.#network.edgeChanged(this);
    for (const envelope of attached.waiting.splice(0)) this.#send(attached, envelope);
  }

  #away(attached: Attached, why: string): void {
    attached.state = 'away';
    attached.why = why;
    this.#network.edgeChanged(this);
    for (const envelope of attached.waiting.splice(0)) this.#giveBack(attached, envelope, why);
  }

  #send({ stream }: Attached, { stanza, cause }: Envelope): void {
    if (cause !== undefined && stanza.id !== undefined && this.#network.isComponent(domainOf(stanza.to))) {
      this.#left.set(keyOf(stanza), cause);
      const [oldest = ''] = this.#left.size > rememberedMax ? this.#left.keys() : [];
      this.#left.delete(oldest);
    }
    stream.send(stanza);
  }

  /** RFC 6120 §8.3.3.16: the connection to the other server is lost. */
  #giveBack({ session }: Attached, { stanza, cause }: Envelope, why: string): void {
    const text = `${this.domain} is not reached: ${why}`;
    const reply = errorReply(stanza, stanzaError('wait', 'remote-server-timeout', text.slice(0, 500)));
    const home = this.#network.hosting(session.server.domain);
    if (reply === undefined || home === undefined) return;
    const spec: Spec = '6120#8.3.3';
    this.#network.carry(this, home, { stanza: reply, spec, ...(cause === undefined ? {} : { cause }) });
  }

  #arrived(attached: Attached, stanza: Stanza): void {
    const { session } = attached;
    const domain = domainOf(stanza.from);
    if (!this.speaksFor(domain)) {
      this.#network.log(`${this.domain}: a stanza from ${stanza.from} was refused, ${domain} is here`);
      return this.#answer(attached, stanza, stanzaError('cancel', 'not-allowed', `${domain} is another server here`));
    }
    if (session.peer.buffered() > unreadMax)
      return this.#answer(attached, stanza, stanzaError('wait', 'resource-constraint', 'the rooms cannot keep up'));
    const home = this.#network.hosting(session.server.domain);
    const key = keyOf(stanza);
    const cause = this.#left.get(key);
    this.#left.delete(key);
    if (home) this.#network.carry(this, home, { stanza, ...(cause === undefined ? {} : { cause }) });
  }

  /** Never an error with an error. RFC 6120 §8.3.1. */
  #answer({ stream, state }: Attached, stanza: Stanza, error: StanzaError): void {
    const reply = errorReply(stanza, error);
    if (reply !== undefined && state === 'up') stream.send(reply);
  }
}

function keyOf({ name, from, to, id }: Stanza): string {
  return `${name} ${from} ${to} ${id ?? ''}`;
}
