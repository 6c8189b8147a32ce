import type { Affiliation, HistoryRequest, Role } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';
import { sameElements, type XmlElement } from '../xmpp/xml.ts';
import type { RoomSettings } from './config.ts';

/** One of several sessions of a user under one nick (sessions.ts). */
export interface Session {
  readonly jid: Jid;
  /** As in `Occupant`. */
  readonly home?: Jid | undefined;
  readonly presence: readonly XmlElement[];
  readonly key?: number | undefined;
}

export interface Rank {
  readonly affiliation: Affiliation;
  readonly role: Role;
}

/** Somebody in the room, as this node knows them. */
export interface Occupant {
  readonly nick: string;
  /** Real full JID; undefined at a node that may not know it (XEP-0282 §4.7). */
  readonly jid?: Jid | undefined;
  /** What counts here, by this room's own lists and rules. */
  readonly affiliation: Affiliation;
  readonly role: Role;
  /** What another node says of their rank: it is shown, and nothing ever depends on it. Absent: what counts is shown. */
  readonly claimed?: Rank | undefined;
  /** Their own node shows their address to moderators alone, so this one does not show it to more (decision #159). */
  readonly guarded?: true | undefined;
  /** The peer node through which they are reached; undefined: this node serves them itself. */
  readonly home?: Jid | undefined;
  /** XEP-0421: the same for all visits of one user, and says nothing about who it is. */
  readonly occupantId: string;
  /** Payloads of their last presence, cleaned of everything a room adds. */
  readonly presence: readonly XmlElement[];
  /** XEP-0282 §4.11.1: on the other side of a split, and shown as away. */
  readonly cutOff?: true | undefined;
  /** XEP-0282 §4.11.1.2: a node that was cut off let them in; the node that decides has not said yes. */
  readonly provisional?: true | undefined;
  /** The number of their session among those that were here under this nick; absent: the first. */
  readonly key?: number | undefined;
  /** Their other sessions, the most recent first; what is above is that of the one that is shown. Absent: there is one. */
  readonly sessions?: readonly Session[] | undefined;
}

/** An occupant whom this node serves itself. */
export type LocalOccupant = Occupant & { readonly jid: Jid; readonly home?: never };

export function isLocal(occupant: Occupant): occupant is LocalOccupant {
  return occupant.home === undefined && occupant.jid !== undefined;
}

/** Whether the two say the same of somebody. */
export function sameOccupant(a: Occupant, b: Occupant): boolean {
  return (
    a.nick === b.nick &&
    a.jid === b.jid &&
    a.affiliation === b.affiliation &&
    a.role === b.role &&
    a.claimed?.affiliation === b.claimed?.affiliation &&
    a.claimed?.role === b.claimed?.role &&
    a.guarded === b.guarded &&
    a.home === b.home &&
    a.occupantId === b.occupantId &&
    a.cutOff === b.cutOff &&
    a.provisional === b.provisional &&
    sameElements(a.presence, b.presence) &&
    sameSessions(a.sessions, b.sessions)
  );
}

function sameSessions(a: readonly Session[] = [], b: readonly Session[] = []): boolean {
  return a.length === b.length && a.every(({ jid, home }, i) => jid === b[i]?.jid && home === b[i]?.home);
}

/** A message the room keeps (XEP-0045 §7.2.13). */
export interface HistoryItem {
  /**
   * XEP-0359: who gave the id, and the id: the message's identity on every node. The id is empty where another node tells of a
   * subject without saying which message set it.
   */
  readonly by: Jid;
  readonly id: string;
  /** Empty: it is the room's own word, a retraction by a moderator (XEP-0425). */
  readonly nick: string;
  /** XEP-0421 id of the author; empty where the origin gave none. */
  readonly occupantId: string;
  /** Real JID of the author, where known; never replayed to those who may not see it. */
  readonly author?: Jid | undefined;
  readonly at: Instant;
  /** Attributes and payloads of the message as delivered: the sender's id, type groupchat, body and so on. */
  readonly stanzaId?: string | undefined;
  readonly lang?: string | undefined;
  readonly payloads: readonly XmlElement[];
  /** The peer node by which it came; undefined: it was accepted here, or by the node that decides. */
  readonly via?: Jid | undefined;
  /** Which of the things that its author did it is, as the author's node has counted them since it started. */
  readonly counted?: { readonly run: string; readonly n: number; readonly before?: string | undefined } | undefined;
  /** XEP-0282: it was said at this node while that was cut off, under this id. It was accepted, and told to all others, later. */
  readonly split?: { readonly by: Jid; readonly id: string } | undefined;
  /** XEP-0282 §4.11.1.2: the same at the node that was cut off, before it was accepted: `by` and `id` are that node's. */
  readonly provisional?: true | undefined;
  /** Its place among all that the room which accepted it has accepted; absent where no other room counts them. */
  readonly order?: Order | undefined;
}

/** A place among all that a room has accepted since its epoch, from 1. */
export interface Order {
  readonly epoch: number;
  readonly n: number;
}

/** Decision #25: the order of what is kept where it comes from several nodes: by time, then by room; of one room as it counts, or came. */
export function isLater(a: HistoryItem, b: HistoryItem): boolean {
  if (a.at !== b.at) return a.at > b.at;
  if (a.by !== b.by || a.order === undefined || b.order === undefined) return a.by > b.by;
  return a.order.epoch === b.order.epoch ? a.order.n > b.order.n : a.order.epoch > b.order.epoch;
}

/** Who did something to a user, and why (XEP-0045 §8.2, §9.1). */
export interface Actor {
  /** Nick of who did it. */
  readonly actor?: string | undefined;
  /** Their bare JID. */
  readonly actorJid?: string | undefined;
  readonly reason?: string | undefined;
}

/** How someone left: what others are told, kept so that it can be told again to a peer that missed it. */
export interface Leaving extends Actor {
  readonly affiliation?: Affiliation;
  readonly statuses?: readonly number[];
  readonly payloads?: readonly XmlElement[];
}

/**
 * XEP-0282 §4.11.1.2: what a user of a node that is cut off did, and the node that decides does not know. It has an id of
 * the node that is cut off.
 */
export type Divergence = {
  readonly id: string;
  readonly jid: Jid;
} /**
 * `unserved`: they were none of this node's own, so the nick is theirs only as far as they say. `provisional`: but this
 * node had let them in for the moment. `back`: they asked to come back since, so they know that they were out. `request`: the
 * id of the presence with which they left.
 */ & (
  | {
      readonly kind: 'left';
      readonly nick: string;
      readonly unserved?: true;
      readonly provisional?: true;
      readonly back?: true;
      readonly request?: string;
    }
  | { readonly kind: 'changed'; readonly nick: string; readonly presence: readonly XmlElement[] }
  /**
   * A provisional entry, with the history they asked for. `after`: they were in before, and the node that decides removed
   * them when its time was up; it is the id of the last message of the room that they were shown, '' for none.
   */
  | { readonly kind: 'entered'; readonly history?: HistoryRequest; readonly after?: string }
  | { readonly kind: 'said'; readonly item: HistoryItem }
);

export interface Subject {
  readonly text: string;
  readonly nick: string;
  /** Of the user who set it, if this node knows (XEP-0421). */
  readonly occupantId?: string;
  readonly at: Instant;
  /** All its `<subject/>`s, where they say more than the text: in several languages, or in one that is named. */
  readonly texts?: readonly XmlElement[];
  /** xml:lang of the message that set it. */
  readonly lang?: string;
  /** Identity of that message (XEP-0359), if this node knows, and the peer node by which it came. */
  readonly by?: Jid;
  readonly id?: string;
  readonly via?: Jid;
}

/** A mediated invitation (XEP-0045 §7.8.2) that was neither accepted nor declined. */
export interface Invitation {
  /** The address to which it went, and the id with which. */
  readonly to: Jid;
  readonly id: string;
  /** The inviter as the invitation names them: an occupant JID. */
  readonly from: Jid;
  /** The inviter's real full JID. */
  readonly inviter: Jid;
  /** The address that they gave, where that is an occupant's: they may not know the other. */
  readonly named?: Jid | undefined;
  /** It made a member of a user who was none (§7.8.2, members-only rooms). */
  readonly member?: true | undefined;
}

/**
 * What happened to a room: the only thing `apply` takes, and what the log keeps. Ids and stamps are inside, so replay
 * asks nobody for anything. `n` is the position in the accepting room's sequence; events without one are this node's own
 * bookkeeping.
 */
export type RoomEvent = { readonly room: Jid } & Happening;

/** What happened, in a room that is known. */
export type Happening = {
  readonly n?: number | undefined;
} /**
 * `owner`: the user who made it by entering it; it is locked until they configure it (XEP-0045 §10.1). `open`: it is not,
 * because the service locks no new rooms. `of`: it is another instance of that room, made at the wish of its service.
 */ & (
  | {
      readonly kind: 'roomCreated';
      readonly epoch: number;
      readonly owner?: Jid;
      readonly open?: true | undefined;
      readonly of?: Jid | undefined;
    }
  /** The room goes on in a later epoch than the one in which it was created (XEP-0282). */
  | { readonly kind: 'epochBegun'; readonly epoch: number }
  /** An owner's configuration: what differs from before. It unlocks a new room. */
  | { readonly kind: 'roomConfigured'; readonly changes: Partial<RoomSettings> }
  /** `user` is a bare JID; `none` takes it off every list. */
  | {
      readonly kind: 'affiliationChanged';
      readonly user: Jid;
      readonly affiliation: Affiliation;
      readonly by?: Actor | undefined;
    }
  /** XEP-0045 §7.10; undefined gives the nick back. */
  | { readonly kind: 'nickReserved'; readonly user: Jid; readonly nick: string | undefined }
  /** XEP-0045 §7.8.2. */
  | { readonly kind: 'invited'; readonly invitation: Invitation }
  /** It was declined, or came back. */
  | { readonly kind: 'invitationEnded'; readonly invitation: Invitation }
  /** XEP-0289 §5.5: a moderator took a user (bare JID) of another node out of this room; undefined: they may come again. */
  | { readonly kind: 'takenOut'; readonly user: Jid; readonly why: string | undefined }
  | { readonly kind: 'roomDestroyed' }
  | { readonly kind: 'occupantEntered'; readonly occupant: Occupant }
  | { readonly kind: 'occupantLeft'; readonly nick: string; readonly leaving?: Leaving }
  /**
   * `presence`: what came with the new nick, if it is another than before; `session`: from this one of several. Where their own
   * other occupant has the nick, the two are one from now on.
   */
  | {
      readonly kind: 'nickChanged';
      readonly nick: string;
      readonly newNick: string;
      readonly presence?: readonly XmlElement[];
      readonly session?: Jid;
    }
  /** Presence, role, affiliation, known JID or home of someone in the room; `joining`: they get all that a join brings. */
  | { readonly kind: 'occupantChanged'; readonly occupant: Occupant; readonly joining?: true }
  /** `past`: it was said a while ago on another node, and goes into the history where it belongs by its time. */
  | { readonly kind: 'messageAccepted'; readonly item: HistoryItem; readonly past?: true | undefined }
  /** `item`: the message that set it, where this room keeps it; `past`: as above. */
  | {
      readonly kind: 'subjectChanged';
      readonly subject: Subject;
      readonly item?: HistoryItem;
      readonly past?: true | undefined;
    }
  /**
   * A change of which only the position in the sequence counts: at the node that decides, and it means nothing here
   * (XEP-0282); or a message that is not to be kept, of which the identity remains.
   */
  | {
      readonly kind: 'positionPassed';
      readonly passed?: { readonly by: Jid; readonly id: string; readonly order?: Order | undefined };
    }
  /** All that the room `by` has accepted up to this place has been here, as far as it is kept anywhere. */
  | { readonly kind: 'reached'; readonly by: Jid; readonly order: Order }
  /** XEP-0282: a user of this node did what the node that decides does not know. It replaces what they did before. */
  | { readonly kind: 'diverged'; readonly act: Divergence }
  /** These acts need not be told any more, or (`user`) all of this user's but what they said. */
  | { readonly kind: 'divergenceSettled'; readonly ids: readonly string[]; readonly user?: Jid }
  /** A distribution's own record of a peer node; undefined forgets it. */
  | { readonly kind: 'peerChanged'; readonly peer: Jid; readonly record: PeerRecord | undefined }
  /** A node took another's state as one: roster, history and subject. */
  | {
      readonly kind: 'stateReplaced';
      readonly epoch: number;
      readonly whois: 'moderators' | 'anyone';
      /** XEP-0282: what else the other node says of the configuration. */
      readonly config?: Partial<RoomSettings>;
      readonly occupants: readonly Occupant[];
      readonly history: readonly HistoryItem[];
      readonly subject: Subject | undefined;
    }
);

/**
 * What a node remembers about a peer node for one room. Each protocol has a kind of its own, with what it needs beside
 * this (distribution/peers.ts).
 */
export interface PeerRecord {
  readonly kind: string;
  readonly state: 'joining' | 'syncing' | 'live' | 'split' | 'leaving' | 'rejected' | 'standby';
  readonly since: Instant;
  /** Why it is `rejected`, in the peer's own words. */
  readonly reason?: string;
}
