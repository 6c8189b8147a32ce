import type { NodeStatus } from '../core/node/trace.ts';

/**
 * Whether a node has found the peers that it looks for by itself: a replica its primary, an FMUC node the one it joins, and the
 * instances of a room each other. A primary is found by its replicas.
 *
 * @param shadows  so many rooms of others it is asked to replicate at the start (XEP-0281 §3.2)
 */
export function hasPeers(kind: 'service' | 'replica', { rooms }: NodeStatus, shadows = 0): boolean {
  // A shadow that nobody counts on is its source's to find.
  const waitsFor = rooms.filter(
    ({ role }) => role !== 'plain' && role !== 'primary' && (role !== 'shadow' || shadows > 0),
  );
  if (kind === 'replica' && waitsFor.length === 0) return false;
  if (rooms.filter(({ role }) => role === 'shadow').length < shadows) return false;
  return waitsFor.every(({ role, peers }) => {
    if (role === 'replica') return peers.some(({ state }) => state === 'live');
    // One that has just been made knows its source, and is not linked with it yet.
    if (role === 'shadow' && !peers.some(({ state }) => state === 'live')) return false;
    return peers.every(({ state }) => state !== 'joining' && state !== 'syncing');
  });
}
