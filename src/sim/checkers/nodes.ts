import type { NodeConfig } from '../../core/node/config.ts';
import type { Evidence } from '../evidence.ts';

/** The honest replicas, and the primary, which is always one. */
export function nodesOf(given: Evidence) {
  const nodes = given.world?.plan.layout.nodes ?? [];
  const primary = nodes.find(({ kind }) => kind === 'service') as Extract<NodeConfig, { kind: 'service' }> | undefined;
  const replicas = nodes.filter((node) => node.kind === 'replica' && node.address !== given.world?.plan.hostileNode);
  return { primary, room: primary?.rooms[0]?.jid, replicas };
}
