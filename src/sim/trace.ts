import type { Spec } from '../core/node/trace.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';

/** What a run records: checkers read it, people read it as NDJSON. */
export type SimRecord =
  /** A stanza was handed over: by a user or a node to its server, over a link, to a user or a node. */
  | {
      readonly kind: 'sent';
      readonly t: Instant;
      readonly by: Jid;
      readonly stanza: Stanza;
      readonly spec: Spec;
      readonly link?: readonly [Jid, Jid];
    }
  | { readonly kind: 'delivered'; readonly t: Instant; readonly to: Jid; readonly stanza: Stanza }
  | {
      readonly kind: 'lost';
      readonly t: Instant;
      readonly stanza: Stanza;
      readonly how: 'dropped' | 'bounced' | 'crash';
    }
  /** A user's client is connected or not; a new session remembers nothing of the old one. */
  | { readonly kind: 'session'; readonly t: Instant; readonly user: Jid; readonly up: boolean }
  | { readonly kind: 'fault'; readonly t: Instant; readonly what: string }
  | { readonly kind: 'note'; readonly t: Instant; readonly node: Jid; readonly spec: Spec; readonly what: string };

export interface Violation {
  /** Such as G3, of the invariants. */
  readonly invariant: string;
  readonly what: string;
  /** Index in the trace of the record that shows it. */
  readonly at?: number;
}
