import type { Instant } from '../xmpp/time.ts';

/** The only clock and the only randomness. */
export interface Env {
  readonly now: Instant;
  /** 128 random bits as text that may stand in an XML attribute. */
  newId(): string;
}
