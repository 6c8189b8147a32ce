import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import type { Sign, Spec } from './spec.ts';

/** Names a timer of one node; setting it again replaces it. */
export type TimerId = string & { readonly _timer: unique symbol };

/**
 * What a node asks for; `Event` is what its log keeps, `Change` what happens to its archive, `Search` what is looked for there.
 * The order of the list is the order in which it must happen.
 */
export type Effect<Event, Change = never, Search = never> =
  /** A barrier: nothing after it in the list leaves the host until these events are durable, with what they change in the archive. */
  | { readonly kind: 'append'; readonly events: readonly Event[]; readonly archived?: readonly Change[] }
  /** The archive is searched because of the stanza `asked`; what is found comes back as an input, or that it failed. */
  | { readonly kind: 'search'; readonly search: Search; readonly asked: Stanza }
  /** `over` is the next hop where that is a peer node, apart from the address `stanza.to`; else it is the user's own server. */
  | { readonly kind: 'send'; readonly over: Jid | undefined; readonly stanza: Stanza; readonly spec: Spec }
  | { readonly kind: 'setTimer'; readonly timer: TimerId; readonly at: Instant }
  | { readonly kind: 'clearTimer'; readonly timer: TimerId }
  /** The log holds what this node may keep no longer: a snapshot takes its place now (XEP-0282 §4.7, decision #7). */
  | { readonly kind: 'compact' }
  /** Something to show: a state changed, a stanza was refused. */
  | {
      readonly kind: 'trace';
      readonly spec: Spec;
      readonly what: string;
      readonly room?: Jid | undefined;
      readonly peer?: Jid | undefined;
      readonly sign?: Sign | undefined;
    };
