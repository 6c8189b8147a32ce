import type { Affiliation } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Placed } from './change-log.ts';
import type { RoomSettings } from './config.ts';
import type { Actor, Divergence, HistoryItem, Invitation, Occupant, Order, PeerRecord, Subject } from './event.ts';

/** All durable state of one room, as stores keep it; plain data. */
export interface RoomSnapshot {
  readonly room: Jid;
  readonly epoch: number;
  readonly n: number;
  readonly locked: boolean;
  /** What owners changed of the configuration. */
  readonly changes: Partial<RoomSettings>;
  readonly occupants: readonly Occupant[];
  readonly affiliations: readonly (readonly [Jid, Affiliation])[];
  readonly bans?: readonly (readonly [Jid, Actor])[];
  readonly reservedNicks: readonly (readonly [Jid, string])[];
  readonly occupantIds: readonly (readonly [Jid, string])[];
  /** Its messages are in the archive, and here in a snapshot of an earlier version. */
  readonly history?: readonly HistoryItem[];
  /** Absent in a snapshot of an earlier version. */
  readonly invitations?: readonly Invitation[];
  /** Users of other nodes whom a moderator took out, and why; absent in a snapshot of an earlier version. */
  readonly takenOut?: readonly (readonly [Jid, string])[];
  /** The last changes, for peer nodes that missed some. */
  readonly log?: readonly Placed[];
  /** XEP-0282: what this node's users did that the node that decides does not know of. */
  readonly divergence?: readonly Divergence[];
  readonly subject: Subject | undefined;
  readonly peers: readonly (readonly [Jid, PeerRecord])[];
  /** How far all that a room has accepted has been here; absent in a snapshot of an earlier version. */
  readonly reached?: readonly (readonly [Jid, Order])[];
  /** The room of which this one is another instance. */
  readonly of?: Jid | undefined;
}

/** The same with the messages that the room has at hand. */
export type RoomImage = RoomSnapshot & { readonly history: readonly HistoryItem[] };
