/** What is done to the servers of a scenario and to the links between them. */
import type { Scenario, ScenarioLink } from '../../scenario/scenario.ts';
import { addressesIn, byDomain, parts, readdressed, untaken } from './addresses.ts';
import { withoutMentions } from './gone.ts';

export function addServer(scenario: Scenario): Scenario {
  const taken = addressesIn(scenario);
  const domain = untaken(
    (name) => taken.has(name),
    (suffix) => `server${suffix}.example`,
  );
  return { ...scenario, servers: [...scenario.servers, { domain, at: freePlace(scenario) }] };
}

const thirds = [0.2, 0.5, 0.8] as const;

/** The place in a grid that is farthest from all servers. */
function freePlace({ servers }: Scenario): readonly [number, number] {
  const places = thirds.flatMap((y) => thirds.map((x): readonly [number, number] => [x, y]));
  const distance = ([x, y]: readonly [number, number]) =>
    Math.min(...servers.map(({ at }) => Math.hypot(at[0] - x, at[1] - y)));
  return places.reduce((best, place) => (distance(place) > distance(best) + 1e-9 ? place : best));
}

/** Its services are below its domain, and move with it; so does everybody who is there. */
export function renameServer(scenario: Scenario, from: string, to: string): Scenario {
  const below = scenario.nodes.flatMap(({ kind, address, server }) =>
    kind === 'service' && server === from && address.endsWith(`.${from}`)
      ? [[address, address.slice(0, -from.length) + to] as const]
      : [],
  );
  return readdressed(scenario, byDomain(new Map([[from, to], ...below])));
}

/** With all that is there: its nodes, their rooms, its people. */
export function removeServer(scenario: Scenario, domain: string): Scenario {
  const after = {
    ...scenario,
    servers: scenario.servers.filter((server) => server.domain !== domain),
    nodes: scenario.nodes.filter(({ server }) => server !== domain),
    occupants: scenario.occupants.filter(({ jid }) => parts(jid).domain !== domain),
  };
  return withoutMentions(scenario, after);
}

/** @param places  by domain */
export function placeServers(scenario: Scenario, places: ReadonlyMap<string, readonly [number, number]>): Scenario {
  return {
    ...scenario,
    servers: scenario.servers.map((server) => ({ ...server, at: places.get(server.domain) ?? server.at })),
  };
}

/** Where the settings of the link between two servers are, if it has any of its own. */
export function linkIndex({ links = [] }: Scenario, ends: readonly [string, string]): number {
  return links.findIndex(
    ({ between }) => between.includes(ends[0]) && between.includes(ends[1]) && ends[0] !== ends[1],
  );
}

/** The link has settings of its own from now on. */
export function addLink(scenario: Scenario, between: ScenarioLink['between']): Scenario {
  if (linkIndex(scenario, between) >= 0) return scenario;
  return { ...scenario, links: [...(scenario.links ?? []), { between }] };
}

/** The link is like any other. */
export function removeLink(scenario: Scenario, index: number): Scenario {
  return { ...scenario, links: (scenario.links ?? []).filter((_, i) => i !== index) };
}

/** The pairs of servers whose link is like any other. */
export function plainPairs(scenario: Scenario): readonly (readonly [string, string])[] {
  const domains = scenario.servers.map(({ domain }) => domain);
  return domains
    .flatMap((a, i) => domains.slice(i + 1).map((b) => [a, b] as const))
    .filter((pair) => linkIndex(scenario, pair) < 0);
}
