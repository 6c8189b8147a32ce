import type { ScenarioNode } from '../../scenario/scenario.ts';
import { type Protocol, protocolOf } from './rooms.ts';

/** How a room is distributed, as one chooses it. */
export const protocolWords: Readonly<Record<Protocol, string>> = {
  none: 'Plain room (XEP-0045)',
  primary: 'Primary and replicas (XEP-0282)',
  fmuc: 'Federated rooms (XEP-0289)',
  source: 'Source and shadows (XEP-0281)',
};

/** What the box of a node says in the picture: the same as when it runs. */
export function roleInWords(node: ScenarioNode): string {
  if (node.kind === 'replica') return 'replica';
  const [room] = node.rooms;
  if (room === undefined) return node.hosting ? 'peerhost' : 'room service';
  const mode = room.distribution?.kind === 'fmuc' ? room.distribution.mode : undefined;
  if (mode === 'primary-replica')
    return room.distribution?.kind === 'fmuc' && room.distribution.outbound ? 'FMUC replica' : 'FMUC primary';
  return { none: 'plain room', primary: 'primary', fmuc: 'FMUC node', source: 'source' }[protocolOf(room)];
}
