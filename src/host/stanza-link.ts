import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';

export interface LinkHandlers {
  /** A stanza arrived, the n-th of `stream` (counted from 1, iqs of the login included). `via` as in node/input.ts. */
  stanza(via: Jid, stanza: Stanza, rx: StreamPosition): void;
  /** A new session is up: nothing of an old one is in flight. */
  up(peer: Jid, stream: string): void;
  down(peer: Jid): void;
  /**
   * For the progress display: "connecting", "logged in", …
   *
   * @param why  of `reconnecting` and `failed`: the reason alone
   */
  progress?(
    phase: 'connecting' | 'logged-in' | 'bound' | 'reconnecting' | 'failed',
    detail: string,
    why?: string,
  ): void;
}

/** Number of a stanza on its stream, counted from 1 in each direction. */
export interface StreamPosition {
  readonly stream: string;
  readonly n: number;
}

/** Called when a stanza has been written. */
export type Written = (tx: StreamPosition) => void;

/** Whether another attempt can help after a failure. */
export type LinkErrorKind =
  /** It may pass by itself. */
  | 'transient'
  /**
   * The server does not accept who we say we are. At the first start that is a mistake, which is reported at once. Later
   * the server may be in the middle of being configured, so it is tried again.
   */
  | 'misconfigured'
  /**
   * Another session holds the address. A killed process may have left it behind, so that is tried again. But a session
   * that took the address from this one keeps it, or the two would take it from each other forever.
   */
  | 'taken'
  | 'permanent';

/** A login failed, a server refused us, a stream broke. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly kind: LinkErrorKind;

  constructor(message: string, kind: LinkErrorKind = 'transient', options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * The node's connection to its XMPP server. Contract: test/contract/stanza-link.contract.ts, run against every link.
 *
 * Stanzas sent while the link is down wait in a bounded outbox and leave in order when it is up again.
 */
export interface StanzaLink {
  /** Connects; resolves with the first `up`. Rejects with LinkError where trying again cannot help. */
  start(handlers: LinkHandlers): Promise<void>;
  /** `written` is called when the stanza was written, with its number on the stream. */
  send(stanza: Stanza, written?: Written): void;
  /** Where much waits to be written: resolves when that has shrunk, or the link is down. The node rests meanwhile. */
  drained?(): Promise<void> | undefined;
  stop(): Promise<void>;
  /** Stanzas that wait for the link. */
  readonly backlog?: number;
}
