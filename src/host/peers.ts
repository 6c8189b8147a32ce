import type { NodeStatus } from '../core/node/trace.ts';

/**
 * Whether a node has found the peers that it looks for by itself: a replica its primary, an FMUC node the one it joins, a source
 * its shadows. A primary is found by its replicas.
 */
export function hasPeers(kind: 'service' | 'replica', { rooms }: NodeStatus): boolean {
  const waitsFor = rooms.filter(({ role }) => role === 'replica' || role === 'fmuc' || role === 'source');
  if (kind === 'replica' && waitsFor.length === 0) return false;
  return waitsFor.every(({ role, peers }) =>
    role === 'replica'
      ? peers.some(({ state }) => state === 'live')
      : peers.every(({ state }) => state !== 'joining' && state !== 'syncing'),
  );
}
