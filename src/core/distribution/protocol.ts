import type { Distribution, RoomTurn } from '../room/room-turn.ts';
import type { RoomView } from '../room/state.ts';
import type { ServiceOrder } from '../xep/xep0281.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { FmucMode } from './config.ts';

/** A distribution, and what a node's status says of it beside what it says of every room. */
export interface Protocol extends Distribution {
  /** Whether the room is also reached at its service's address (decision #46). */
  readonly byService: boolean;
  status(room: RoomView): ProtocolStatus;
  /** Whether the room goes on without anybody in it, whatever its configuration says. */
  keeps?(room: RoomView): boolean;
  /** The room ends. */
  ends?(turn: RoomTurn): void;
  /** XEP-0281 §3.2: an order from service to service, which is about this room. */
  fromFirsthost?(turn: RoomTurn, order: ServiceOrder): void;
  /** An iq result or error for this room's service. @returns whether it answers an order of this room's */
  fromPeerhost?(turn: RoomTurn, stanza: Stanza): boolean;
}

export interface ProtocolStatus {
  /** The part that this node plays for the room. */
  readonly role: 'plain' | 'primary' | 'replica' | 'fmuc' | 'source' | 'shadow';
  /** XEP-0282 §4.11.1.2, at a primary and its replicas: what a replica may do while it is cut off. */
  readonly split?: SplitStatus;
  /** XEP-0282, at a primary: the accounts on its list, which may be replicas. */
  readonly replicas?: readonly string[];
  /** XEP-0289: the mode, and the rooms that this one joins. */
  readonly federation?: FederationStatus;
  /** XEP-0281: the services that are to host an instance, at a source; the source, at a shadow. */
  readonly instance?: InstanceStatus;
}

export interface InstanceStatus {
  readonly distributed: boolean;
  readonly peerhosts?: readonly string[];
  readonly source?: string;
}

export interface FederationStatus {
  readonly mode: FmucMode;
  readonly joins: readonly string[];
}

/** `freeze` is what a replica MUST do; `local` adds the MAYs that are true. */
export interface SplitStatus {
  readonly policy: 'freeze' | 'local';
  readonly chat: boolean;
  readonly pm: boolean;
  readonly entry: boolean;
  readonly kick: boolean;
  /** Those on the other side of a split are shown as away, under any policy. */
  readonly away: boolean;
}
