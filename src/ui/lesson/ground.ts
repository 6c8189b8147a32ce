import type { LessonGround } from '../../lessons/check.ts';
import { builtInScenario } from '../../scenario/built-in.ts';
import { possibleReplicas } from '../../scenario/replicas.ts';
import { type Scenario, shadowLocalOf } from '../../scenario/scenario.ts';
import { mistakeIn } from '../session/acts.ts';
import type { Known } from '../session/kinds.ts';
import { knowsSpec } from '../spec-index.ts';

/** What lessons may name on this page. */
export const ground: LessonGround = {
  scenario: builtInScenario,
  knowsSection: knowsSpec,
  mistakeInAct: (act, scenario) => mistakeIn(act, knownIn(scenario)),
};

/** What an act may name before anything has happened. */
function knownIn(scenario: Scenario): Known {
  const { occupants, servers, nodes } = scenario;
  const services = nodes.filter((node) => node.kind === 'service');
  const rooms = services.flatMap((node) => node.rooms);
  const shadows = rooms.flatMap((room) => {
    const local = shadowLocalOf(room);
    return services.map(({ address }) => `${local}@${address}`);
  });
  return {
    people: occupants.map(({ jid }) => jid),
    guests: [],
    nodes: [...nodes.map(({ address }) => address), ...possibleReplicas(scenario).map(({ address }) => address)],
    servers: servers.map(({ domain }) => domain),
    rooms: [...rooms.map(({ jid }) => jid), ...shadows],
  };
}
