import type { Jid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';
import type { XmlElement } from '../xmpp/xml.ts';

export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast';
export type Role = 'moderator' | 'participant' | 'visitor' | 'none';

/** Someone in the room, as this node knows them. */
export interface Occupant {
  readonly nick: string;
  /** Real full JID; undefined at a node that may not know it (XEP-0282 §4.7). */
  readonly jid?: Jid;
  readonly affiliation: Affiliation;
  readonly role: Role;
  /** The peer node through which they are reached; undefined: this node serves them itself. */
  readonly home?: Jid;
  /** Payloads of their last presence, cleaned of everything a room adds. */
  readonly presence: readonly XmlElement[];
}

/** A message the room keeps (XEP-0045 §7.2.13). */
export interface HistoryItem {
  /** XEP-0359: who gave the id, and the id: the message's identity on every node. */
  readonly by: Jid;
  readonly id: string;
  /** Position in the accepting room's sequence (decisions.md); 0 where the origin gave none. */
  readonly n: number;
  readonly nick: string;
  /** Real JID of the author, where known; never replayed to those who may not see it. */
  readonly author?: Jid;
  readonly at: Instant;
  /** Attributes and payloads of the message as delivered: the sender's id, type groupchat, body and so on. */
  readonly stanzaId?: string;
  readonly lang?: string;
  readonly payloads: readonly XmlElement[];
}

export interface Subject {
  readonly text: string;
  readonly nick: string;
  readonly at: Instant;
}

/**
 * What happened to a room: the only thing `apply` takes, and what the log keeps. Ids and stamps are inside, so replay
 * asks nobody for anything.
 */
export type RoomEvent =
  | { readonly kind: 'roomCreated'; readonly room: Jid; readonly epoch: number; readonly at: Instant; readonly owner?: Jid; readonly configured: boolean }
  | { readonly kind: 'roomDestroyed'; readonly room: Jid }
  | { readonly kind: 'occupantEntered'; readonly room: Jid; readonly occupant: Occupant }
  | { readonly kind: 'occupantLeft'; readonly room: Jid; readonly nick: string }
  | { readonly kind: 'presenceChanged'; readonly room: Jid; readonly nick: string; readonly presence: readonly XmlElement[] }
  | { readonly kind: 'nickChanged'; readonly room: Jid; readonly nick: string; readonly newNick: string }
  /** Role, affiliation, known JID or home of someone in the room. */
  | { readonly kind: 'occupantChanged'; readonly room: Jid; readonly nick: string; readonly occupant: Occupant }
  | { readonly kind: 'messageAccepted'; readonly room: Jid; readonly item: HistoryItem }
  | { readonly kind: 'subjectChanged'; readonly room: Jid; readonly subject: Subject }
  /** A distribution's own record of a peer node; undefined forgets it. */
  | { readonly kind: 'peerChanged'; readonly room: Jid; readonly peer: Jid; readonly record: PeerRecord | undefined }
  /** A replica took the primary's state at `ready`: roster and history replaced as one. */
  | {
      readonly kind: 'stateReplaced';
      readonly room: Jid;
      readonly epoch: number;
      readonly n: number;
      readonly occupants: readonly Occupant[];
      readonly history: readonly HistoryItem[];
      readonly subject: Subject | undefined;
    };

/** What a node remembers about a peer node for one room. Each distribution uses the fields it needs. */
export interface PeerRecord {
  readonly state: 'joining' | 'syncing' | 'live' | 'split' | 'leaving' | 'rejected';
  readonly since: Instant;
  /** XEP-0282: the session given at creation, and the domains the replica serves. */
  readonly session?: string;
  readonly serves?: readonly Jid[];
  readonly direction?: 'outbound' | 'inbound';
}
