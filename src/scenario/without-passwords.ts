import type { Scenario } from './scenario.ts';

/** The same network, whose rooms have no passwords. */
export function withoutRoomPasswords(scenario: Scenario): Scenario {
  return {
    ...scenario,
    nodes: scenario.nodes.map((node) =>
      node.kind === 'service' ? { ...node, rooms: node.rooms.map(({ password: _, ...room }) => room) } : node,
    ),
  };
}
