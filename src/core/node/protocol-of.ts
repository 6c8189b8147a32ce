import type { DistributedRoomConfig, DistributionConfig } from '../distribution/config.ts';
import { FmucNode } from '../distribution/fmuc/fmuc-node.ts';
import { plain } from '../distribution/plain.ts';
import { Primary } from '../distribution/primary-replica/primary.ts';
import { Replica } from '../distribution/primary-replica/replica.ts';
import type { Protocol } from '../distribution/protocol.ts';
import type { RoomConfig } from '../room/config.ts';
import { assertNever } from '../xmpp/errors.ts';

/** The protocol that distributes a room, with nothing under way. */
export function protocolOf(distribution: DistributionConfig): Protocol {
  switch (distribution.kind) {
    case 'none':
      return plain;
    case 'primary':
      return new Primary(distribution.replicas);
    case 'replica':
      return new Replica(distribution.self, distribution.serves, distribution.keepalive);
    case 'fmuc':
      return new FmucNode(distribution);
    default:
      return assertNever(distribution);
  }
}

/** The room's own configuration: a primary starts with the replicas that are named beside it, until an owner chooses others. */
export function roomConfigOf({ distribution, ...config }: DistributedRoomConfig): RoomConfig {
  return distribution.kind === 'primary' && config.nodes.length === 0
    ? { ...config, nodes: [...distribution.replicas.keys()] }
    : config;
}
