import { federationOf, rootOf } from '../../scenario/federation.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { Network } from './network.ts';

/** Where the plain room would be that a distributed one is compared with: its address; undefined if the scenario has none there. */
export function plainRoomOf(scenario: Scenario, network: Network, room: string): string | undefined {
  return rootOf(scenario, allOf(scenario, network, room))?.jid;
}

/** The rooms that are one with this one: all instances (XEP-0281), or a federation (XEP-0289). A room may be alone. */
function allOf(scenario: Scenario, network: Network, start: string): readonly string[] {
  const told = [...network.nodes.values()].flatMap((node) => network.roomsOf(node));
  const source = told.find(({ room }) => room === start)?.instance?.source ?? start;
  const shadows = told.filter(({ instance }) => instance?.source === source).map(({ room }) => room);
  return shadows.length > 0 ? [source, ...shadows] : federationOf(scenario, start);
}
