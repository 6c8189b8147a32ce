import { outboundsOf, type Scenario, type ScenarioRoom } from '../../scenario/scenario.ts';
import type { Network } from './network.ts';

/** Where the plain room would be that a distributed one is compared with: its address; undefined if the scenario has none there. */
export function plainRoomOf(scenario: Scenario, network: Network, room: string): string | undefined {
  // The source, or the room that others join and that joins none, or else any.
  const joined = allOf(scenario, network, room).find((one) => joinsNone(scenario, one)) ?? room;
  return roomAt(scenario, joined)?.jid;
}

/** The rooms that are one with this one: all instances (XEP-0281), or a federation (XEP-0289). A room may be alone. */
function allOf(scenario: Scenario, network: Network, start: string): readonly string[] {
  const told = [...network.nodes.values()].flatMap((node) => network.roomsOf(node));
  const source = told.find(({ room }) => room === start)?.instance?.source ?? start;
  const shadows = told.filter(({ instance }) => instance?.source === source).map(({ room }) => room);
  return shadows.length > 0 ? [source, ...shadows] : federationOf(scenario, start);
}

function federationOf(scenario: Scenario, start: string): readonly string[] {
  const set = new Set([start]);
  for (const room of set)
    for (const { jid, distribution } of roomsOf(scenario))
      if (outboundsOf(distribution).includes(room) || outboundsOf(roomAt(scenario, room)?.distribution).includes(jid))
        set.add(jid);
  return [...set];
}

function joinsNone(scenario: Scenario, room: string): boolean {
  return outboundsOf(roomAt(scenario, room)?.distribution).length === 0;
}

function roomAt(scenario: Scenario, address: string): ScenarioRoom | undefined {
  return roomsOf(scenario).find(({ jid }) => jid === address);
}

function roomsOf({ nodes }: Scenario): readonly ScenarioRoom[] {
  return nodes.flatMap((node) => (node.kind === 'service' ? node.rooms : []));
}
