import type { DistributedRoomConfig, DistributionConfig } from '../distribution/config.ts';
import { FederatedRoom, federationOf } from '../distribution/fmuc/federated-room.ts';
import { plain } from '../distribution/plain.ts';
import { Primary } from '../distribution/primary-replica/primary.ts';
import { Replica } from '../distribution/primary-replica/replica.ts';
import type { Protocol } from '../distribution/protocol.ts';
import { Instance } from '../distribution/source-shadow/instance.ts';
import type { RoomConfig } from '../room/config.ts';
import { assertNever } from '../xmpp/errors.ts';

/** The protocol that distributes a room, with nothing under way. */
export function protocolOf(distribution: DistributionConfig): Protocol {
  switch (distribution.kind) {
    case 'none':
      return plain;
    case 'primary':
      return new Primary(distribution.replicas, distribution.leastInterval);
    case 'replica':
      return new Replica(distribution.self, distribution.serves, distribution.keepalive);
    case 'fmuc':
      return new FederatedRoom(distribution);
    case 'source':
    case 'shadow':
      return new Instance(distribution);
    default:
      return assertNever(distribution);
  }
}

/** The room's own configuration. It starts with the nodes that are named beside it, until an owner chooses others. */
export function roomConfigOf({ distribution, ...config }: DistributedRoomConfig): RoomConfig {
  if (distribution.kind === 'fmuc') return { ...config, federation: federationOf(distribution, config.federation) };
  if (distribution.kind === 'source') {
    const distributed = config.distributed || (distribution.distribute ?? 'on-request') !== 'on-request';
    return { ...config, distributed, nodes: config.nodes.length === 0 ? distribution.peerhosts : config.nodes };
  }
  return distribution.kind === 'primary' && config.nodes.length === 0
    ? { ...config, nodes: [...distribution.replicas.keys()] }
    : config;
}
