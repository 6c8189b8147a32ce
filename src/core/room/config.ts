import type { Affiliation } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';

/** How a room is set up (XEP-0045 §6.4, §10.2). */
export interface RoomConfig {
  readonly jid: Jid;
  readonly name: string;
  /** Subject the room starts with; empty for none. */
  readonly subject: string;
  /** Who sees real JIDs: `anyone` is a non-anonymous room, `moderators` a semi-anonymous one (§4.2). */
  readonly whois: 'moderators' | 'anyone';
  readonly moderated: boolean;
  readonly membersOnly: boolean;
  readonly password?: string;
  /** Undefined: no limit. */
  readonly maxOccupants?: number;
  /** Messages kept for those who enter later. */
  readonly historyMax: number;
  readonly affiliations: ReadonlyMap<Jid, Affiliation>;
  readonly distribution: DistributionConfig;
  /** Made by the first who entered, gone with the last who leaves; not in the service's own configuration. */
  readonly onDemand: boolean;
}

export type DistributionConfig =
  /** XEP-0045 alone. */
  | { readonly kind: 'none' }
  /** XEP-0282: which replicas may be created, and the domains each may serve. */
  | { readonly kind: 'primary'; readonly replicas: ReadonlyMap<Jid, readonly Jid[]> }
  /** XEP-0282: this node is `self`, a replica of the room, for the users of `serves`. */
  | { readonly kind: 'replica'; readonly self: Jid; readonly serves: readonly Jid[] }
  /** XEP-0289, primary-primary: the room to join, and the rooms that may join this one. */
  | { readonly kind: 'fmuc'; readonly outbound?: Jid; readonly allowedNodes: readonly Jid[] };

/** A room as it is when nobody said otherwise. */
export function defaultRoomConfig(jid: Jid): RoomConfig {
  return {
    jid,
    name: '',
    subject: '',
    whois: 'moderators',
    moderated: false,
    membersOnly: false,
    historyMax: 200,
    affiliations: new Map(),
    distribution: { kind: 'none' },
    onDemand: false,
  };
}
