import type { DistributedRoomConfig, DistributionConfig, HostingConfig } from '../distribution/config.ts';
import type { ArchiveLimits } from '../room/limits.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { RoomLimits } from './makers.ts';

/** What a node is and which rooms it starts with. */
export type NodeConfig =
  /** A MUC service (XEP-0045 §4.1) that owns a domain. */
  | {
      readonly kind: 'service';
      readonly address: Jid;
      readonly server: Jid;
      readonly rooms: readonly DistributedRoomConfig[];
      /** Whether anyone may create a room by entering it (§10.1.1). */
      readonly openCreation: boolean;
      /** Whether such a room is its maker's alone until they configure it (§10.1); absent: it is. */
      readonly lockNewRooms?: boolean;
      /** What rooms that are made by entering them are; absent: plain rooms. */
      readonly onDemand?: DistributionConfig;
      /** How many rooms users may make. */
      readonly limits?: RoomLimits;
      /** How much the archive of a room keeps that is made by entering it, or at another service's wish; absent: as by default. */
      readonly archive?: ArchiveLimits;
      /** Whose rooms it replicates (XEP-0281 §3.2); absent: nobody's. */
      readonly hosting?: HostingConfig;
      /** Owners of every room of the service (§5.2, "service-wide admins"). */
      readonly admins: readonly Jid[];
    }
  /** An XEP-0282 replica: an account, and one room whose primary is elsewhere. */
  | { readonly kind: 'replica'; readonly address: Jid; readonly server: Jid; readonly room: DistributedRoomConfig };
