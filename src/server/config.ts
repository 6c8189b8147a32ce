import type { LinkSettings } from '../core/net/link.ts';
import type { Budgets } from './budget.ts';

/** One network: servers, the links between them, and who may log in. All addresses are text, prepared on entry. */
export interface NetworkConfig {
  readonly id: string;
  readonly servers: readonly ServerConfig[];
  /** Real servers of which some services are components. */
  readonly realServers?: readonly RealServerConfig[];
  /** Links that differ from the default; every pair of servers has one. */
  readonly links?: readonly LinkConfig[];
  readonly accounts: readonly AccountConfig[];
  readonly grants?: readonly Grant[];
  /** What differs from the default budgets. */
  readonly budgets?: Partial<Budgets>;
}

export interface ServerConfig {
  /** Its users are `someone@domain`. */
  readonly domain: string;
  /** Domains that services bind here (XEP-0225); each also names an account. */
  readonly services: readonly string[];
  /** Whether SASL ANONYMOUS is offered (RFC 4505); default false. */
  readonly anonymous?: boolean;
  /** Whether any user of the domain is let in with any password and created on the spot; default false. */
  readonly open?: boolean;
}

export interface RealServerConfig {
  /** What it is called here; nothing is addressed to it. */
  readonly domain: string;
  /** Domains of the services, each of which binds at one of the servers. */
  readonly services: readonly string[];
}

export interface LinkConfig extends Partial<LinkSettings> {
  readonly between: readonly [string, string];
}

/**
 * - `user`: a person
 * - `service`: owns a domain; its login name is the domain, and host binding is all it may do
 * - `replica`: a user account that is handed what is addressed to it (also to its bare JID) and may hold a grant
 * - `operator`: may execute the operator's commands
 * - `observer`: may watch the trace
 */
export type Role = 'user' | 'service' | 'replica' | 'operator' | 'observer';

export interface AccountConfig {
  /** Bare JID, or the domain of a service. */
  readonly address: string;
  readonly password: string;
  readonly role: Role;
  /** It is for whoever runs the nodes: with each new lease (lease.ts) it gets another password, which begins with this one. */
  readonly leased?: boolean;
}

/** The right of one account to bind one address *on one server* (XEP-0225): a room's bare JID, or a further domain. */
export interface Grant {
  readonly server: string;
  readonly account: string;
  readonly address: string;
}

/** Limits of one stream beside those of a stanza (core/xmpp/size.ts). */
export const limits = {
  bytesBeforeAuth: 8 * 1024,
  /** Trace messages wait instead once this much is unsent: an observer may lag, a room may not. */
  bufferedBytesForTrace: 512 * 1024,
  stanzaBurst: 2000,
  stanzasPerSecond: 1000,
  /** A node fans out: one stanza in is a room full of stanzas out, and a thousand who enter are a million. */
  nodeFactor: 200,
  loginMs: 30_000,
  loginFailures: 3,
} as const;
