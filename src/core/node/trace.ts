import type { ProtocolStatus } from '../distribution/protocol.ts';
import type { Sign, Spec } from '../turn/spec.ts';
import { type Stanza, stanzaText } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import { utf8Length } from '../xmpp/xml.ts';

/** A stanza as the trace shows it. `bytes` is the UTF-8 length of `xml`. */
export interface TracedStanza {
  readonly name: 'message' | 'presence' | 'iq';
  readonly from: string;
  readonly to: string;
  readonly type?: string;
  readonly id?: string;
  readonly xml: string;
  readonly bytes: number;
}

/** A stanza as a trace shows it. */
export function tracedStanza(stanza: Stanza): TracedStanza {
  const { name, from, to, type, id } = stanza;
  const xml = stanzaText(stanza);
  return {
    name,
    from,
    to,
    ...(type === undefined ? {} : { type }),
    ...(id === undefined ? {} : { id }),
    xml,
    bytes: utf8Length(xml),
  };
}

/**
 * One leg of a stanza's way, as the server saw it.
 *
 * - `in`: a session handed it to its server; `stream` and `n` name it (the n-th stanza of that stream, from 1)
 * - `link`: it crosses from one server to another; `arrives` is when it will be there
 * - `out`: the server handed it to a session; `stream` and `n` as above, counted in the other direction
 */
export interface HopRecord {
  readonly kind: 'hop';
  readonly seq: number;
  readonly t: Instant;
  readonly leg: 'in' | 'link' | 'out';
  /** Session address (a full JID, a bound domain, a replica's account) or server domain. */
  readonly from: string;
  readonly to: string;
  readonly server?: readonly [string, string];
  readonly stanza: TracedStanza;
  readonly stream?: string;
  readonly n?: number;
  readonly arrives?: Instant;
  /** What became of it on a link; absent means it was delivered. */
  readonly outcome?: 'dropped' | 'bounced';
  /** seq of the hop before this one, when the server knows it (the same stanza, or the one this is a bounce of). */
  readonly cause?: number;
  /** Set where the server itself is the author (a bounce, an answer to disco or ping). */
  readonly spec?: Spec;
}

/** A session of the embedded server came or went. */
export interface SessionRecord {
  readonly kind: 'session';
  readonly seq: number;
  readonly t: Instant;
  readonly up: boolean;
  readonly address: string;
  readonly server: string;
  readonly stream: string;
  readonly role: 'user' | 'service' | 'replica' | 'operator';
}

/** State of a link between two servers, and its counters so far in both directions together. */
export interface LinkRecord {
  readonly kind: 'link';
  readonly seq: number;
  readonly t: Instant;
  readonly server: readonly [string, string];
  readonly state: 'up' | 'bounce' | 'silent';
  /** Nobody has cut it, but the real server at its end is away: why. */
  readonly away?: string;
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** 0 means unlimited. */
  readonly bytesPerSecond: number;
  readonly stanzas: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** The operator paused the delivery on all links, or let it go on. */
export interface PauseRecord {
  readonly kind: 'pause';
  readonly seq: number;
  readonly t: Instant;
  readonly paused: boolean;
}

/** One handled input of a node or of a scenario's character: what came in, what went out because of which rule. */
export interface StepRecord {
  readonly kind: 'step';
  readonly t: Instant;
  /** Address of the node or full JID of the character. */
  readonly node: string;
  /** Stream that `rx` and `tx` count on. */
  readonly stream: string;
  /** The input, if it was a stanza: the rx-th that this stream delivered. */
  readonly rx?: number;
  /** The input in words, if it was no stanza ("timer keepalive", "BigCheese says"). */
  readonly input?: string;
  /** The input was a timer that ran out. */
  readonly timer?: true;
  /** Sent stanzas: the n-th on this stream, and the rule. */
  readonly tx: readonly { readonly n: number; readonly spec: Spec }[];
  /** State changes and refusals. */
  readonly notes: readonly {
    readonly spec: Spec;
    readonly what: string;
    readonly peer?: string;
    readonly room?: string;
    readonly sign?: Sign;
  }[];
  /** Number of events made durable before anything was sent. */
  readonly appended: number;
  /** The server kept only the beginning of `tx` and `notes`. */
  readonly cut?: true;
}

/**
 * What a node is now: sent whenever it changed, coalesced. It says all, or with `changes` what has changed since the record
 * before it; all of a large service comes in several parts, of which the first has no `changes` (status-changes.ts).
 */
export interface StatusRecord {
  readonly kind: 'status';
  readonly t: Instant;
  readonly node: string;
  readonly status: Omit<NodeStatus, 'rooms'> & { readonly rooms: readonly RoomChange[] };
  /** Rooms that it does not name are as they were. */
  readonly changes?: true;
  /** Rooms that are no more. */
  readonly goneRooms?: readonly string[];
}

/** A room that is new or has changed; with `changes`, of its occupants and peers only those that are new or have changed. */
export interface RoomChange extends RoomStatus {
  readonly changes?: true;
  /** Nicks of those who are no longer in the room. */
  readonly goneOccupants?: readonly string[];
  readonly gonePeers?: readonly string[];
}

export interface NodeStatus {
  readonly address: string;
  readonly server: string;
  readonly rooms: readonly RoomStatus[];
}

export interface RoomStatus extends ProtocolStatus {
  readonly room: string;
  readonly epoch: number;
  readonly historyLength: number;
  /** Its beginning, where it is long. */
  readonly subject: string;
  readonly occupants: readonly OccupantStatus[];
  readonly peers: readonly PeerStatus[];
}

export interface OccupantStatus {
  readonly nick: string;
  /** Real full JID, where this node knows it. */
  readonly jid?: string;
  readonly role: string;
  readonly affiliation: string;
  /** JID of the peer node through which this occupant is reached; absent if this node serves the user itself. */
  readonly home?: string;
  /** `<show/>` of the last presence. */
  readonly show?: string;
  /** On the other side of a split, and shown to all as away. */
  readonly cutOff?: true;
  /** How many sessions they have under this nick, where there are several. */
  readonly sessions?: number;
  /** Full JIDs of these sessions, in the order in which they entered, as far as this node knows them. */
  readonly sessionJids?: readonly string[];
  /** Let in by a replica that is cut off; the primary has not said yes. */
  readonly provisional?: true;
}

export interface PeerStatus {
  readonly peer: string;
  readonly state: 'joining' | 'syncing' | 'live' | 'split' | 'leaving' | 'rejected' | 'standby';
  readonly since: Instant;
  /** Why it is `rejected`. */
  readonly reason?: string;
}

/** A record of the trace stream, as the server publishes it to observers. */
export type TraceRecord = HopRecord | SessionRecord | LinkRecord | PauseRecord | StepRecord | StatusRecord;
