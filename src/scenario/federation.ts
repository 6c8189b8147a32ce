import { outboundsOf, type Scenario, type ScenarioRoom } from './scenario.ts';

/** All rooms that the scenario lists, in its order. */
export function roomsOf({ nodes }: Scenario): readonly ScenarioRoom[] {
  return nodes.flatMap((node) => (node.kind === 'service' ? node.rooms : []));
}

/** XEP-0289: the addresses of the rooms that are federated with this one, in the order of the scenario. A room may be alone. */
export function federationOf(scenario: Scenario, start: string): readonly string[] {
  const rooms = roomsOf(scenario);
  const set = new Set([start]);
  for (const room of set) {
    const joined = outboundsOf(rooms.find(({ jid }) => jid === room)?.distribution);
    for (const { jid, distribution } of rooms)
      if (joined.includes(jid) || outboundsOf(distribution).includes(room)) set.add(jid);
  }
  return rooms.flatMap(({ jid }) => (set.has(jid) ? [jid] : []));
}

/** The room of these that others join and that joins none; in a ring the first. */
export function rootOf(scenario: Scenario, addresses: readonly string[]): ScenarioRoom | undefined {
  const rooms = roomsOf(scenario).filter(({ jid }) => addresses.includes(jid));
  return rooms.find(({ distribution }) => outboundsOf(distribution).length === 0) ?? rooms[0];
}
