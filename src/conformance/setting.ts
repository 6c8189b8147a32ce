import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';

export const protocols = ['0281', '0282', '0289'] as const;
export type Protocol = (typeof protocols)[number];

/** What the implementation under test is; we play the other side. */
export const roles = {
  '0281': ['source', 'shadow'],
  '0282': ['primary', 'replica'],
  '0289': ['joined', 'joining'],
} as const satisfies Readonly<Record<Protocol, readonly string[]>>;
export type Role = (typeof roles)[Protocol][number];

/** XEP-0289 §1.1. */
export const modes = ['primary-primary', 'primary-replica'] as const;
export type Mode = (typeof modes)[number];

/** One stanza of the whole run. */
export interface Exchanged {
  readonly sent: boolean;
  readonly stanza: Stanza;
}

export interface Setting {
  readonly protocol: Protocol;
  readonly role: Role;
  /** The room, replica or service under test. */
  readonly peer: Jid;
  /** Our domain, where our node and the users behind it are. */
  readonly domain: Jid;
  /** The local part of our node. */
  readonly node: string;
  /** The domain of users who deal with the peer directly; it may be ours. */
  readonly users: Jid;
  readonly mode: Mode;
  readonly extension: boolean;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** How long nothing has to come. */
  readonly quietMs: number;
  /** How long the peer may take to notice that we are there, or gone. */
  readonly patienceMs: number;
  /** Different in each run, so that nothing of an earlier run is met. */
  readonly run: string;
}

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly expected: string; readonly came: readonly Stanza[] }
  | { readonly kind: 'not offered'; readonly why: string };

export interface Result {
  readonly id: string;
  readonly section: string;
  readonly requirement: string;
  readonly verdict: Verdict;
  /** Milliseconds. */
  readonly tookMs: number;
}
