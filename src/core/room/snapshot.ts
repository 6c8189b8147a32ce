import type { Affiliation } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Placed } from './change-log.ts';
import type { RoomSettings } from './config.ts';
import type { Divergence, HistoryItem, Occupant, PeerRecord, Subject } from './event.ts';

/** All durable state of one room; plain data. */
export interface RoomSnapshot {
  readonly room: Jid;
  readonly epoch: number;
  readonly n: number;
  readonly locked: boolean;
  /** What owners changed of the configuration. */
  readonly changes: Partial<RoomSettings>;
  readonly occupants: readonly Occupant[];
  readonly affiliations: readonly (readonly [Jid, Affiliation])[];
  readonly reservedNicks: readonly (readonly [Jid, string])[];
  readonly occupantIds: readonly (readonly [Jid, string])[];
  readonly history: readonly HistoryItem[];
  /** XEP-0282, at a primary: its last changes. */
  readonly log?: readonly Placed[];
  /** XEP-0282, at a replica: what the primary does not know of its users. */
  readonly divergence?: readonly Divergence[];
  readonly subject: Subject | undefined;
  readonly peers: readonly (readonly [Jid, PeerRecord])[];
}
