import type { LinkCounters, LinkSettings } from '../core/net/link.ts';
import type { RoomEvent } from '../core/room/event.ts';
import type { Sign, Spec } from '../core/turn/spec.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';

/**
 * What a run records, in the order in which it happened: checkers read it, ndjson.ts writes it for people and for the
 * page. `cause` is the index of the record that led to this one.
 */
export type SimRecord =
  /** A user or a node hands a stanza to its server; a server's own word (a bounce) has the server as `by`. */
  | {
      readonly kind: 'in';
      readonly t: Instant;
      readonly by: Jid;
      readonly stanza: Stanza;
      readonly spec: Spec;
      readonly cause: number | undefined;
    }
  /** It crosses from one server to another, or does not. */
  | {
      readonly kind: 'link';
      readonly t: Instant;
      readonly server: readonly [Jid, Jid];
      readonly stanza: Stanza;
      readonly outcome: 'arrives' | 'dropped' | 'bounced' | 'twice';
      /** When it will be there, the first of two; unless the stream ends before. */
      readonly arrives?: Instant | undefined;
      readonly cause: number | undefined;
    }
  /** Its server hands it to a user or a node. */
  | {
      readonly kind: 'out';
      readonly t: Instant;
      readonly to: Jid;
      readonly stanza: Stanza;
      readonly cause: number | undefined;
    }
  /** There is nobody at that address. */
  | { readonly kind: 'nobody'; readonly t: Instant; readonly stanza: Stanza; readonly cause: number | undefined }
  /** A user's client is connected or not; a new session remembers nothing of the old one. */
  | { readonly kind: 'session'; readonly t: Instant; readonly user: Jid; readonly up: boolean }
  /** What a node decided to keep. It becomes durable a little later, unless the node crashes first. */
  | {
      readonly kind: 'append';
      readonly t: Instant;
      readonly node: Jid;
      readonly events: readonly RoomEvent[];
      readonly cause: number | undefined;
    }
  /** These appends (indices of records) were never durable, or no longer are: they did not happen. */
  | { readonly kind: 'undone'; readonly t: Instant; readonly node: Jid; readonly appends: readonly number[] }
  /** The whole disk is gone. What was on it did happen, but the node does not know it any more. */
  | { readonly kind: 'forgotten'; readonly t: Instant; readonly node: Jid }
  /** These are durable, and nobody was told: the node crashed between the disk and the wire. */
  | { readonly kind: 'untold'; readonly t: Instant; readonly node: Jid; readonly appends: readonly number[] }
  | {
      readonly kind: 'note';
      readonly t: Instant;
      readonly node: Jid;
      readonly spec: Spec;
      readonly what: string;
      readonly peer?: Jid | undefined;
      readonly sign?: Sign | undefined;
      readonly cause: number | undefined;
    }
  /** A step of the plan (plan.ts), or of a person who drives the world: what somebody did, in words for people. */
  | { readonly kind: 'act'; readonly t: Instant; readonly step: number; readonly what: string; readonly by?: Jid }
  /** Somebody who drives the world has changed a link. */
  | {
      readonly kind: 'relink';
      readonly t: Instant;
      readonly server: readonly [Jid, Jid];
      readonly settings: LinkSettings;
      readonly counters: LinkCounters;
      readonly cause: number | undefined;
    }
  /** What fate did to the network: a step of the plan or, with -1, a disk that ran full. */
  | { readonly kind: 'fault'; readonly t: Instant; readonly step: number; readonly what: string; readonly fault: Fault }
  /** From `healed` on nothing breaks any more. From `quiet` on nobody does anything either. */
  | { readonly kind: 'phase'; readonly t: Instant; readonly phase: 'healed' | 'quiet' | 'words' | 'repeated' };

/** To a link; or to a node, which then handles nothing for so many milliseconds at most. */
export type Fault =
  | { readonly kind: 'link' | 'reconnect' }
  | { readonly kind: 'crash' | 'freeze' | 'disk'; readonly node: Jid; readonly forMs: number };

export type RecordOf<K extends SimRecord['kind']> = Extract<SimRecord, { readonly kind: K }>;

/** Any record but a hop of a stanza or an append. */
export type Other = Exclude<SimRecord, RecordOf<'in' | 'link' | 'out' | 'append'>>;

/** A record of the trace, and its index there. */
export interface Placed<R extends SimRecord> {
  readonly i: number;
  readonly record: R;
}

/** A session of a user, and whether the invariants are promised to it. Most users have one. */
export interface Person {
  readonly jid: Jid;
  readonly nick: string;
  readonly room: Jid;
  /** What they say at the door. */
  readonly password?: string;
  /** Their client, or the node that serves them, does what it likes, so nothing is promised to them. */
  readonly hostile: 'client' | 'node' | undefined;
  /** A further session of a user who has another one: their JIDs differ in the resource. */
  readonly device?: true;
}

export interface Violation {
  /** Such as G3, of the invariants. */
  readonly invariant: string;
  readonly what: string;
  /** Index in the trace of the record that shows it. */
  readonly at?: number;
}

/** What a checker says: what is wrong, and how often it had something to look at. */
export interface Verdict {
  readonly violations: readonly Violation[];
  readonly exercised: number;
}
