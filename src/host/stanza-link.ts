import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';

export interface LinkHandlers {
  /** A stanza arrived, the n-th of `stream` (counted from 1, iqs of the login included). `via` as in node/input.ts. */
  stanza(via: Jid, stanza: Stanza, rx: { readonly stream: string; readonly n: number }): void;
  /** A new session is up: nothing of an old one is in flight. */
  up(peer: Jid, stream: string): void;
  down(peer: Jid): void;
  /** For the progress display: "connecting", "logged in", … */
  progress?(phase: 'connecting' | 'logged-in' | 'bound' | 'reconnecting' | 'failed', detail: string): void;
}

/** A login failed for good, a server refused us, a stream broke. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

/**
 * The node's connection to its XMPP server. Contract: test/contract/stanza-link.contract.ts, run against every link.
 *
 * Stanzas sent while the link is down wait in a bounded outbox and leave in order when it is up again.
 */
export interface StanzaLink {
  /** Connects; resolves with the first `up`. Rejects with LinkError where trying again cannot help. */
  start(handlers: LinkHandlers): Promise<void>;
  /** `sent` is called when the stanza was written, with its number on the stream. */
  send(stanza: Stanza, sent?: (tx: { readonly stream: string; readonly n: number }) => void): void;
  /** Where much waits to be written: resolves when that has shrunk, or the link is down. The node rests meanwhile. */
  drained?(): Promise<void> | undefined;
  stop(): Promise<void>;
}
