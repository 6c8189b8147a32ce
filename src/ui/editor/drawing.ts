/** The picture of a scenario that is being made: laid out as the page lays it out, and read back after something was moved. */
import type { Scenario } from '../../scenario/scenario.ts';
import { Model } from '../fold/model.ts';
import { edgeOf, fullRange, isTurned } from '../hulls.ts';
import type { Held, Layout } from '../layout.ts';
import { layOutLarge } from '../layout-large.ts';
import { parts } from './addresses.ts';

/** What of a scenario can be drawn: while it is being made, it may name what is not there, or something twice. */
export function drawable(scenario: Scenario): Scenario {
  const servers = firsts(scenario.servers, ({ domain }) => domain);
  const domains = new Set(servers.map(({ domain }) => domain));
  const nodes = firsts(scenario.nodes, ({ address }) => address).filter(({ server }) => domains.has(server));
  const taken = new Set(nodes.map(({ address }) => address));
  return {
    ...scenario,
    servers,
    nodes,
    links: (scenario.links ?? []).filter(({ between: [a, b] }) => a !== b && domains.has(a) && domains.has(b)),
    occupants: firsts(scenario.occupants, ({ jid }) => jid).filter(
      ({ jid }) => domains.has(parts(jid).domain) && !taken.has(jid),
    ),
  };
}

function firsts<T>(all: readonly T[], key: (one: T) => string): readonly T[] {
  return all.filter((one, i) => key(one) !== '' && all.findIndex((other) => key(other) === key(one)) === i);
}

/** @returns undefined if there is nothing to draw */
export function layOutDraft(
  scenario: Scenario,
  width: number,
  height: number,
  moved: Held['moved'],
): Layout | undefined {
  const shown = drawable(scenario);
  if (shown.servers.length === 0 || width === 0 || height === 0) return undefined;
  return layOutLarge(new Model(shown, true), width, height, 1, { ...(moved ? { moved } : {}) });
}

/** The positions that a scenario has to give so that its servers stand where they stand in this picture. */
export function placesIn(layout: Layout, scenario: Scenario): ReadonlyMap<string, readonly [number, number]> {
  const turned = isTurned(drawable(scenario).servers, layout);
  const along = (middle: number, half: number, size: number) => {
    const edge = edgeOf(half, size);
    const share = size - 2 * edge <= 0 ? 0.5 : Math.min(1, Math.max(0, (middle - edge) / (size - 2 * edge)));
    return Math.round((0.5 + (share - 0.5) * fullRange) * 1000) / 1000;
  };
  return new Map(
    [...layout.servers.values()].map(({ domain, x, y, w, h }) => {
      const [across, down] = [along(x, w / 2, layout.width), along(y, h / 2, layout.height)];
      return [domain, turned ? [down, across] : [across, down]];
    }),
  );
}
