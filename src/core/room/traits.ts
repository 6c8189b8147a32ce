import type { Field } from '../xep/xep0004.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { RoomSettings } from './config.ts';
import type { Occupant, PeerRecord } from './event.ts';
import type { AtHandLimits } from './limits.ts';
import type { SettingField } from './setting-field.ts';

/** A room among others. */
export interface Neighbours {
  readonly jid: Jid;
  /** The room of which it is another instance. */
  readonly of: Jid | undefined;
  readonly peers: ReadonlyMap<Jid, PeerRecord>;
}

/** What a room must know of its protocol, so that it need not know which one it is. It never changes. */
export interface Traits {
  /** The features that the room names beside those of XEP-0045 (§6.4). */
  readonly features: readonly string[];
  /** The protocol's own fields of the owner's form (§10.2). */
  readonly configFields: readonly SettingField[];
  /** What the room's information says beside XEP-0045's own fields (§6.4, XEP-0128). */
  infoFields?(room: Neighbours): readonly Field[];
  /** What contradicts itself in settings that an owner submits, for people; undefined: nothing does. */
  contradiction?(room: Jid, settings: RoomSettings): string | undefined;
  /** Whether the room keeps its last changes, for nodes that missed some. */
  readonly keepsChanges: boolean;
  /** How much of its messages it has at hand, for nodes that missed some; absent: as any room. */
  readonly atHandLimits?: AtHandLimits;
  /** Whether the room gives its users their occupant ids (XEP-0421), and so keeps who has which. */
  readonly givesOccupantIds: boolean;
  /** Other nodes have copies of its lists, and so hear of every change of them. Absent: presences tell of most. */
  readonly listsAreCopied?: true;
  /** Whether the room may write to this occupant at their own address, whichever node serves them. */
  reaches(occupant: Occupant): boolean;
  /** Whether this room decides about the role and the stay of this occupant. */
  decidesAbout(occupant: Occupant): boolean;
  /** Whether its moderators may take them out of this room, whoever decides about them elsewhere. */
  mayRemove(occupant: Occupant): boolean;
}
