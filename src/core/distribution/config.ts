import { defaultRoomConfig, type RoomConfig } from '../room/config.ts';
import type { Jid } from '../xmpp/jid.ts';

/** A room, and how it is distributed. */
export interface DistributedRoomConfig extends RoomConfig {
  readonly distribution: DistributionConfig;
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
      /** What it asks for at its creation: seconds of silence before a ping, and for the answer; absent: decision #3. */
      readonly keepalive?: { readonly interval: number; readonly timeout: number };
    }
  /** XEP-0289: the rooms to join, and the rooms that may join this one. */
  | {
      readonly kind: 'fmuc';
      readonly outbound: readonly Jid[];
      readonly allowedNodes: readonly Jid[];
      readonly trust?: FmucTrust;
      /** Of all its links. Absent: primary-primary. */
      readonly mode?: FmucMode | undefined;
    };

/**
 * XEP-0289 §2: `primary-primary`: every node goes on without the others, and each may have another order of messages.
 * `primary-replica`: a joining node shows what the joined one echoes, in the same order, and is of no use without it.
 */
export type FmucMode = 'primary-primary' | 'primary-replica';

/** XEP-0289: what this room believes of other nodes, and what it lets them know. What is absent is by decisions #155 to #159. */
export interface FmucTrust {
  /** By node: the domains whose users it may bring in, whoever's they are; `*` stands for all but this room's own. */
  readonly scope?: ReadonlyMap<Jid, readonly (Jid | '*')[]>;
  /** Nodes whose users count as having given the room's password. */
  readonly vouching?: readonly Jid[];
  /** Nodes that are told real addresses; absent: all. Others get opaque ones. */
  readonly seeJids?: readonly Jid[];
  /** Nodes whose moderators may kick this node's users. */
  readonly mayKick?: readonly Jid[];
  /** Whether users of other nodes are shown with the rank that their node claims (default), or with that of this room's lists. */
  readonly ranks?: 'claimed' | 'own';
}

/** A room of XEP-0045 alone, with default settings. */
export function plainRoomConfig(jid: Jid): DistributedRoomConfig {
  return { ...defaultRoomConfig(jid), distribution: { kind: 'none' } };
}
