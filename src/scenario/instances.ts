/** XEP-0281: what a scenario says of the instances of its rooms. */
import type { Scenario, ScenarioNode, ScenarioRoom } from './scenario.ts';

export interface ScenarioSourceRoom {
  readonly room: ScenarioRoom;
  /** The service that it is created on. */
  readonly firsthost: Extract<ScenarioNode, { kind: 'service' }>;
}

/** The rooms that may have shadows. */
export function sourcesOf(scenario: Scenario): readonly ScenarioSourceRoom[] {
  return scenario.nodes.flatMap((firsthost) =>
    firsthost.kind === 'service'
      ? firsthost.rooms
          .filter(({ distribution }) => distribution?.kind === 'source')
          .map((room) => ({ room, firsthost }))
      : [],
  );
}

/** How many shadows a service is asked for as soon as the scenario starts. */
export function shadowsAtStart(scenario: Scenario, service: string): number {
  return sourcesOf(scenario).filter(({ room: { distribution } }) => {
    if (distribution?.kind !== 'source') return false;
    const { peerhosts, distribute, replicate = 'at-once' } = distribution;
    return peerhosts.includes(service) && distribute !== 'on-request' && replicate === 'at-once';
  }).length;
}
