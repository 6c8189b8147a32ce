import type { StanzaError } from '../core/xmpp/errors.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Envelope } from './envelope.ts';

/** One end of a link. */
export interface Station {
  readonly domain: Jid;
  /** Whether what comes from it may be from an address of that domain. RFC 6120 §8.1.2.2. */
  speaksFor(domain: Jid): boolean;
  /** Takes what came over the link. */
  deliverLocally(envelope: Envelope): void;
  /** The link did not carry a stanza: its sender is told. */
  bounce(envelope: Envelope, error: StanzaError): void;
}
