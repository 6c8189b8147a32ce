import type { Affiliation, Role } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';

/** What an owner may change (XEP-0045 §10.2; the fields of config-form.ts). */
export interface RoomSettings {
  readonly name: string;
  readonly description: string;
  /** Language of the discussion, as in xml:lang; empty if nobody said. */
  readonly language: string;
  /** Who sees real JIDs: `anyone` is a non-anonymous room, `moderators` a semi-anonymous one (§4.2). */
  readonly whois: 'moderators' | 'anyone';
  readonly moderated: boolean;
  readonly membersOnly: boolean;
  /** Empty: none is asked for. */
  readonly password: string;
  readonly maxOccupants: number | 'none';
  /** Messages that someone who enters is sent at most. */
  readonly historyMax: number;
  /** Whether participants may change the subject; moderators may in any case (§8.1). */
  readonly changeSubject: boolean;
  /** Whether any occupant may invite into a members-only room; admins may in any case (§7.8.2). */
  readonly allowInvites: boolean;
  readonly allowPm: 'anyone' | 'participants' | 'moderators' | 'none';
  /** Whether the service lists it (§6.3). */
  readonly publicRoom: boolean;
  /** Whether it outlives its last occupant. */
  readonly persistent: boolean;
  /** Whether its messages may be read back by the archive protocol (XEP-0313), which status 170 tells (§7.2.12). */
  readonly logging: boolean;
  /** Roles whose presence everybody sees (§10.2); others are seen by moderators and themselves. */
  readonly presenceBroadcast: readonly Role[];
  /** Roles that may ask for the lists of members, admins and owners in a non-anonymous room (§5.2.1). */
  readonly memberList: readonly Role[];
  /** Whether someone with a reserved nick must use it, and nobody may change theirs (§7.2.8, §7.6). */
  readonly nicksLocked: boolean;
  /** Whether anybody may register as a member (§7.10). */
  readonly allowRegistration: boolean;
  /** XEP-0282 §4.2: accounts that may become replicas of this room. Of no use to a room that is no primary. */
  readonly replicas: readonly Jid[];
  /**
   * XEP-0282 §4.11.1.2, what a replica does while it is cut off from the primary: `freeze` is what it MUST do, and
   * `local` adds those of its MAYs that the flags below name.
   */
  readonly splitPolicy: 'freeze' | 'local';
  /** "enable local participants to continue their in-room conversation". */
  readonly splitChat: boolean;
  /** "… to continue 1-1 messaging in the context of a room". */
  readonly splitPrivate: boolean;
  /** "enable local users to enter the room (DANGER!!!)": provisionally. */
  readonly splitEntry: boolean;
  /** "enable moderators (as designated by the primary) to kick participants". */
  readonly splitKick: boolean;
  /** "mark non-local users as away", and at the primary (§4.11.1.1) those behind the replica. */
  readonly splitAway: boolean;
}

export const defaultSettings: RoomSettings = {
  name: '',
  description: '',
  language: '',
  whois: 'moderators',
  moderated: false,
  membersOnly: false,
  password: '',
  maxOccupants: 'none',
  historyMax: 200,
  changeSubject: true,
  allowInvites: false,
  allowPm: 'anyone',
  publicRoom: true,
  persistent: true,
  logging: false,
  presenceBroadcast: ['moderator', 'participant', 'visitor'],
  memberList: ['moderator', 'participant', 'visitor'],
  nicksLocked: false,
  allowRegistration: true,
  replicas: [],
  splitPolicy: 'freeze',
  splitChat: true,
  splitPrivate: true,
  splitEntry: false,
  splitKick: true,
  splitAway: false,
};

/** How a room starts. */
export interface RoomConfig extends RoomSettings {
  readonly jid: Jid;
  /** Subject the room starts with; empty for none. */
  readonly subject: string;
  readonly affiliations: ReadonlyMap<Jid, Affiliation>;
  readonly distribution: DistributionConfig;
  /** Made by the first who entered, not by the service's own configuration. */
  readonly onDemand: boolean;
}

export type DistributionConfig =
  /** XEP-0045 alone. */
  | { readonly kind: 'none' }
  /** XEP-0282: the replicas that the room starts with, and the domains each may serve; owners add others, for their own. */
  | { readonly kind: 'primary'; readonly replicas: ReadonlyMap<Jid, readonly Jid[]> }
  /** XEP-0282: this node is `self`, a replica of the room, for the users of `serves`. */
  | {
      readonly kind: 'replica';
      readonly self: Jid;
      readonly serves: readonly Jid[];
      /** Seconds of silence before a ping, and for its answer, that it asks for at its creation; absent: decision #3. */
      readonly keepalive?: { readonly interval: number; readonly timeout: number };
    }
  /** XEP-0289, primary-primary: the room to join, and the rooms that may join this one. */
  | { readonly kind: 'fmuc'; readonly outbound?: Jid; readonly allowedNodes: readonly Jid[] };

/** A room as it is when nobody said otherwise. */
export function defaultRoomConfig(jid: Jid): RoomConfig {
  return {
    ...defaultSettings,
    jid,
    subject: '',
    affiliations: new Map(),
    distribution: { kind: 'none' },
    onDemand: false,
  };
}
