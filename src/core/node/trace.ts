import { type Stanza, stanzaText } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import { utf8Length } from '../xmpp/xml.ts';

/**
 * The rule that made a stanza or a state change, written by the code that decided: `<XEP>#<section>`, such as
 * `0282#4.9`, `0045#7.4`, `6120#8.3` for an RFC, or `decision#12` for an entry of distribution/decisions.md.
 */
export type Spec = string;

/**
 * What a note tells of a pair of nodes. Whoever decides anything by a note reads this and never its text, which is for
 * people. All but the last three say how a node noticed that it and the other are apart or out of step.
 */
export type Sign =
  /** A stanza to the other came back as undeliverable. XEP-0282 §4.11.1, decision #10. */
  | 'bounce'
  /** Two pings in a row had no answer in time. Decision #3. */
  | 'silence'
  /** A request to be created or to join had no answer in time. Decisions #5 and #24. */
  | 'unanswered'
  /** The number of what came shows that something before it is missing. Decisions #2 and #60. */
  | 'gap'
  /** The other knows of no link, or says that we left it. XEP-0289 §5.4, decision #24. */
  | 'unlinked'
  /** This node, or its stream, has started again, and a link or an answer under way did not outlive that. Decision #61. */
  | 'restart'
  /** One does not accept the other as its peer. Decision #5, XEP-0289 §5.1. */
  | 'refused'
  /** They come together again. XEP-0282 §4.11.2. */
  | 'netjoin'
  /** What became of that which happened while they were apart. Decision #42. */
  | 'judged';

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
}

/** What a node is now: sent whenever it changed, coalesced. */
export interface StatusRecord {
  readonly kind: 'status';
  readonly t: Instant;
  readonly node: string;
  readonly status: NodeStatus;
}

export interface NodeStatus {
  readonly address: string;
  readonly server: string;
  readonly rooms: readonly RoomStatus[];
}

export interface RoomStatus {
  readonly room: string;
  /** The part this node plays for the room. */
  readonly role: 'plain' | 'primary' | 'replica' | 'fmuc';
  readonly epoch: number;
  readonly historyLength: number;
  readonly subject: string;
  readonly occupants: readonly OccupantStatus[];
  readonly peers: readonly PeerStatus[];
  /** XEP-0282 §4.11.1.2, at a primary and its replicas: what a replica may do while it is cut off. */
  readonly split?: SplitStatus;
  /** XEP-0282, at a primary: the accounts on its list, which may be replicas. */
  readonly replicas?: readonly string[];
}

/** `policy` freeze: only what a replica MUST do; local: also the MAYs that are true. */
export interface SplitStatus {
  readonly policy: 'freeze' | 'local';
  readonly chat: boolean;
  readonly pm: boolean;
  readonly entry: boolean;
  readonly kick: boolean;
  /** Those on the other side of a split are shown as away, whatever the policy. */
  readonly away: boolean;
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
  /** Let in by a replica that is cut off; the primary has not said yes. */
  readonly provisional?: true;
}

export interface PeerStatus {
  readonly peer: string;
  readonly state: 'joining' | 'syncing' | 'live' | 'split' | 'leaving' | 'rejected';
  readonly since: Instant;
}

/** A record of the trace stream, as the server publishes it to observers. */
export type TraceRecord = HopRecord | SessionRecord | LinkRecord | PauseRecord | StepRecord | StatusRecord;
