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
  | {
      readonly kind: 'primary';
      readonly replicas: ReadonlyMap<Jid, readonly Jid[]>;
      /** The shortest keepalive interval that a replica may ask for, in seconds; absent: decision #5. */
      readonly leastInterval?: number;
    }
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
    }
  | SourceConfig
  /** XEP-0281: another instance of the room `source`, which its firsthost asked for. */
  | { readonly kind: 'shadow'; readonly source: Jid; readonly trust?: InstanceTrust };

/** XEP-0281: a room that may have shadows on other services. */
export interface SourceConfig {
  readonly kind: 'source';
  /** The services that host a shadow as soon as it is distributed. */
  readonly peerhosts: readonly Jid[];
  /** §3.1: whether it is distributed at first, and whether owners are asked. Absent: `on-request`. */
  readonly distribute?: 'always' | 'on-request' | 'background' | undefined;
  /**
   * The local part of all shadows. `own`: the source's. `uuid` and `sha-256` (of the room's name): opaque, and of no other room.
   * Absent: `own`.
   */
  readonly id?: 'own' | 'uuid' | 'sha-256' | { readonly text: string } | undefined;
  /** When a peerhost is asked: at once, or as soon as so many of its users are in. Absent: at once. */
  readonly replicate?: 'at-once' | number | undefined;
  /** Which user of a peerhost that enters here is sent to its shadow: every one, none, or all from this one on. Absent: every one. */
  readonly redirect?: 'always' | 'never' | number | undefined;
  readonly trust?: InstanceTrust;
}

/** XEP-0281: what an instance believes of the others, and what it lets them know. */
export interface InstanceTrust {
  /** By service: the domains whose users its instance may bring in. Absent: those of its own server (decision #155). */
  readonly scope?: ReadonlyMap<Jid, readonly Jid[]>;
  /** Services that are told real addresses; absent: all. */
  readonly seeJids?: readonly Jid[] | undefined;
}

/** XEP-0281 §3.2: whose rooms a service replicates. */
export interface HostingConfig {
  /** Firsthosts. */
  readonly firsthosts: readonly Jid[];
  /** So many rooms of each. */
  readonly maxRooms: number;
  readonly trust?: InstanceTrust;
}

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
