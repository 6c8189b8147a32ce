import type { Scenario, ScenarioServer } from './scenario.ts';

/** A real server, and which services of the scenario are its components. */
export interface RealServer {
  readonly domain: string;
  readonly components: readonly string[];
}

/** Whether a server of the network is a real one, of which only the edge is known. */
export function isReal({ components }: ScenarioServer): boolean {
  return components !== undefined;
}

/** The scenario with real servers at the edge of its network, drawn where the others leave most room. */
export function withRealServers(scenario: Scenario, real: readonly RealServer[]): Scenario {
  const servers = [...scenario.servers];
  for (const { domain, components } of real) servers.push({ domain, at: farthest(servers), components });
  return { ...scenario, servers };
}

/** The network alone, as a scenario file describes it. */
export function withoutRealServers(scenario: Scenario): Scenario {
  return { ...scenario, servers: scenario.servers.filter((server) => !isReal(server)) };
}

/** Whether a link joins them: a real server is linked with those servers alone at which its components are. */
export function areLinked({ nodes }: Scenario, a: ScenarioServer, b: ScenarioServer): boolean {
  if (a.components === undefined && b.components === undefined) return true;
  const joins = ({ components }: ScenarioServer, { domain }: ScenarioServer) =>
    components !== undefined && nodes.some(({ address, server }) => server === domain && components.includes(address));
  return joins(a, b) || joins(b, a);
}

/** The free place of a grid that is farthest from every other. */
function farthest(others: readonly ScenarioServer[]): readonly [number, number] {
  const steps = [0.5, 0.2, 0.8, 0.35, 0.65];
  const grid = steps.flatMap((y) => steps.map((x) => [x, y] as const));
  const room = ([x, y]: readonly [number, number]) =>
    Math.min(...others.map(({ at }) => Math.hypot(at[0] - x, at[1] - y)));
  return grid.reduce((best, place) => (room(place) > room(best) + 1e-9 ? place : best));
}
