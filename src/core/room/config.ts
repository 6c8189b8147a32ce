import type { Affiliation, Role } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { ArchiveLimits, AtHandLimits } from './limits.ts';

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
  /** The most messages that a user who enters is sent. */
  readonly historyMax: number;
  /** How many a user who enters is sent who does not say how many they want (§7.2.14). */
  readonly historyDefault: number;
  /** Whether participants may change the subject; moderators may in any case (§8.1). */
  readonly changeSubject: boolean;
  /** Whether any occupant may invite into a members-only room; admins may in any case (§7.8.2). */
  readonly allowInvites: boolean;
  readonly allowPm: 'anyone' | 'participants' | 'moderators' | 'none';
  /** Whether the service lists it (§6.3). */
  readonly publicRoom: boolean;
  /** Whether it outlives its last occupant. */
  readonly persistent: boolean;
  /** Whether its messages may be read back from the archive (XEP-0313). Status 170 says so (§7.2.12). */
  readonly logging: boolean;
  /** Roles whose presence everybody sees (§10.2); others are seen by moderators and themselves. */
  readonly presenceBroadcast: readonly Role[];
  /** Roles that may ask for the lists of members, admins and owners in a non-anonymous room (§5.2.1). */
  readonly memberList: readonly Role[];
  /** Whether a user with a reserved nick must use it, and nobody may change their nick (§7.2.8, §7.6). */
  readonly nicksLocked: boolean;
  /** Whether anybody may register as a member (§7.10). */
  readonly allowRegistration: boolean;
  /** Whether they may in a members-only room, too, and so let themselves in. */
  readonly membersOnlyRegistration: boolean;
  /** Whether the room's information names its owners as those whom to write to (§6.4, `muc#roominfo_contactjid`). */
  readonly ownersAreContacts: boolean;
  /** Where its discussions may be read outside of XMPP (§6.4, `muc#roominfo_logs`); empty: nowhere. */
  readonly logsUrl: string;
  /** XEP-0054, XEP-0486; it is no part of the form. */
  readonly vcard: XmlElement | 'none';
  /** SHA-1 hashes of the photos in it (XEP-0153 §3): what occupants are told of it. */
  readonly avatars: readonly string[];
  /** Whether the room is to have instances on other services, if its distribution lets owners choose (XEP-0281 §3.1). */
  readonly distributed: boolean;
  /** The nodes that may carry this room beside this one, if its distribution lets owners choose them. */
  readonly nodes: readonly Jid[];
  /** Nodes, or whole domains of them, that have nothing to do with this room, whatever else is said of them. */
  readonly blockedNodes: readonly Jid[];
  readonly split: SplitSettings;
  readonly federation: FederationSettings;
}

/** XEP-0289: how the room and others join each other, as far as an owner says so. */
export interface FederationSettings {
  readonly enabled: boolean;
  /** Rooms that this one joins. */
  readonly outbound: readonly Jid[];
  /** Whether it shows nothing before the room that it joins has sent it back. */
  readonly awaitsEcho: boolean;
  /** Rooms that may join this one. Here and below a domain stands for all rooms there. */
  readonly allowed: readonly Jid[];
  /** What is said to a room that is not among them: `ask`: to wait, and to the owners that it asks. */
  readonly others: 'refuse' | 'ask';
  /** Rooms whose moderators may kick users of this one. */
  readonly mayKick: readonly Jid[];
  /** Rooms that are told real addresses. */
  readonly seeJids: readonly Jid[] | 'all';
  /** The most messages that a room that joins is sent. */
  readonly historyMax: number;
  /** What becomes of a user of this room whose nick is another's on the joined side. */
  readonly collision: 'refuse' | 'rename';
  /** Whether both sides get what they missed in a split. */
  readonly resync: boolean;
  /** Whether a silent link is pinged. */
  readonly keepalive: boolean;
}

/**
 * What a node may do for its own users while it is cut off from the one that decides (XEP-0282 §4.11.1.2): `freeze` is what
 * it MUST do, and `local` adds those of its MAYs that the flags name.
 */
export interface SplitSettings {
  readonly policy: 'freeze' | 'local';
  /** "enable local participants to continue their in-room conversation". */
  readonly chat: boolean;
  /** "… to continue 1-1 messaging in the context of a room". */
  readonly private: boolean;
  /** "enable local users to enter the room (DANGER!!!)": provisionally. */
  readonly entry: boolean;
  /** "enable moderators … to kick participants". */
  readonly kick: boolean;
  /** "mark non-local users as away", and on the other side (§4.11.1.1) those who are cut off, under any policy. */
  readonly away: boolean;
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
  historyDefault: 200,
  changeSubject: false,
  allowInvites: false,
  allowPm: 'anyone',
  publicRoom: true,
  persistent: true,
  logging: false,
  presenceBroadcast: ['moderator', 'participant', 'visitor'],
  memberList: ['moderator', 'participant', 'visitor'],
  nicksLocked: false,
  allowRegistration: true,
  membersOnlyRegistration: false,
  ownersAreContacts: true,
  logsUrl: '',
  vcard: 'none',
  avatars: [],
  distributed: false,
  nodes: [],
  blockedNodes: [],
  federation: {
    enabled: true,
    outbound: [],
    awaitsEcho: false,
    allowed: [],
    others: 'refuse',
    mayKick: [],
    seeJids: 'all',
    historyMax: 200,
    collision: 'refuse',
    resync: true,
    keepalive: true,
  },
  split: { policy: 'freeze', chat: true, private: true, entry: false, kick: true, away: false },
};

export const defaultArchive: ArchiveLimits = { bytes: 1024 ** 3 };

/** How a room starts. */
export interface RoomConfig extends RoomSettings {
  readonly jid: Jid;
  /** Subject the room starts with; empty for none. */
  readonly subject: string;
  readonly affiliations: ReadonlyMap<Jid, Affiliation>;
  /** Made by the first user who entered, not by the service's own configuration. */
  readonly onDemand: boolean;
  /** How much its archive keeps. It is the service's to say: owners do not pay for the disk. */
  readonly archive: ArchiveLimits;
  /** How much of its messages it has at hand; absent: as its distribution needs. */
  readonly atHandLimits?: AtHandLimits;
}

/** A room as it is when nobody said otherwise. */
export function defaultRoomConfig(jid: Jid): RoomConfig {
  return {
    ...defaultSettings,
    jid,
    subject: '',
    affiliations: new Map(),
    onDemand: false,
    archive: defaultArchive,
  };
}
