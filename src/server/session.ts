import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { Account, Accounts } from './accounts.ts';
import { Bucket, type Budgets } from './budget.ts';
import { limits } from './config.ts';
import type { Cancel, ServerHost } from './host.ts';
import type { Rooms } from './readers.ts';
import type { Remembered } from './remembered.ts';
import type { Share } from './shares.ts';

/** Stream error conditions that we send. RFC 6120 §4.9.3. */
export type StreamCondition =
  | 'bad-format'
  | 'conflict'
  | 'connection-timeout'
  | 'host-unknown'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'reset'
  | 'restricted-xml'
  | 'system-shutdown'
  | 'unsupported-stanza-type'
  | 'unsupported-version';

/** The other end of a session: a WebSocket stream, or a node in the same process. */
export interface SessionPeer {
  /** @param n  its number on the stream, from 1 */
  stanza(stanza: Stanza, n: number): void;
  /** Ends the stream with an error; the session is gone when this returns. */
  end(condition: StreamCondition, text: string): void;
  /** Bytes that wait for a slow reader. */
  buffered(): number;
  /** What it has sent costs so many bytes more than its own. */
  charge(bytes: number): void;
}

/** A server as its sessions see it, with their binding (bind.ts) and what they may send (authority.ts). */
export interface HomeServer {
  readonly network: HomeNetwork;
  readonly domain: Jid;
  /** Domains of the services that connect to it. */
  readonly services: ReadonlySet<Jid>;
  /** What is bound with XEP-0225: service domains, and rooms that a replica intercepts. */
  readonly hosts: Map<Jid, Session>;
  user(bare: Jid, resource: string): Session | undefined;
  addUser(session: Session): void;
  /** Says in the trace that a session is up, once. */
  announce(session: Session): void;
  withdraw(session: Session): void;
}

/** The network that such a server is part of. */
export interface HomeNetwork {
  readonly host: ServerHost;
  readonly accounts: Accounts;
  readonly budgets: Budgets;
  readonly shares: Remembered<Share>;
}

/** One authenticated stream. Who may be told about it, and in which maps it stands, is the Server's business. */
export class Session implements Rooms {
  readonly server: HomeServer;
  readonly account: Account;
  /** id of the stream's last `<open/>`: what the counters below count from. */
  readonly stream: string;
  readonly peer: SessionPeer;
  /** Stanzas received and sent on the stream so far. */
  rx = 0;
  tx = 0;
  /** What the stanza that is handled costs (budget.ts), and the room to which the last one went. */
  cost = 0;
  lastRoom: Jid | undefined;
  /** What its user may send and cause; a node has another share (stream.ts, network.ts). */
  readonly share: Share;
  readonly entered = new Set<Jid>();
  readonly entering = new Set<Jid>();
  /** The full JID once a resource is bound, until then the account's address. */
  address: Jid;
  resourceBound = false;
  /** Domains and rooms bound with XEP-0225. */
  readonly hosts = new Set<Jid>();
  /** Initial presence was sent (RFC 6121 §4.2). */
  available = false;
  priority = 0;
  /** Where directed presence was sent, and from which of the session's addresses (RFC 6121 §4.6). */
  readonly directed = new Map<Jid, Jid>();
  /** False from the moment it ended; nothing is delivered to it any more. */
  alive = true;
  /** A SessionRecord says that it is up. */
  announced = false;
  /** Called at the end: watching the trace. */
  readonly atEnd = new Set<Cancel>();
  readonly #stanzas: Bucket;

  constructor(server: HomeServer, account: Account, stream: string, peer: SessionPeer) {
    this.server = server;
    this.account = account;
    this.stream = stream;
    this.peer = peer;
    this.address = account.address;
    const { shares, host } = server.network;
    const now = host.now();
    this.share = shares.of(account.address, now);
    this.share.sessions++;
    const factor = this.isNode ? limits.nodeFactor : 1;
    const rate = { perSecond: limits.stanzasPerSecond * factor, burst: limits.stanzaBurst * factor };
    this.#stanzas = new Bucket(rate, now);
  }

  get isNode(): boolean {
    return this.account.role === 'service' || this.account.role === 'replica';
  }

  /** Runs a room's command interface or watches: its dealings with the server are no part of what is watched. */
  get isManagement(): boolean {
    return this.account.role === 'operator' || this.account.role === 'observer';
  }

  /** How the trace names it: a full JID, a bound domain, a replica's account. */
  get traceAddress(): Jid {
    if (this.account.role === 'user' || this.isManagement) return this.address;
    return this.account.address;
  }

  /** How long it has to wait for its own share before the next stanza, in milliseconds. */
  ownMs(now: Instant): number {
    return Math.max(this.#stanzas.waitMs(now, 1), this.share.fanOut.waitMs(now));
  }

  /**
   * Counts one received stanza.
   *
   * @returns its number, or undefined if the session sends more than its share
   */
  admit(): number | undefined {
    const now = this.server.network.host.now();
    if (this.#stanzas.waitMs(now, 1) > 0) return undefined;
    this.#stanzas.take(now, 1);
    return ++this.rx;
  }

  /** What it sent last is so many stanzas more (XEP-0033): they are counted as if each had come by itself. */
  admitCopies(count: number): void {
    this.#stanzas.take(this.server.network.host.now(), count);
  }
}
