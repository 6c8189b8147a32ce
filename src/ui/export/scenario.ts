import type { Scenario } from '../../scenario/scenario.ts';
import { openScenario } from './secrets.ts';

/** A scenario as `npm start -- --scenario FILE` takes it. Without passwords. */
export function scenarioText(scenario: Scenario): string {
  return `${JSON.stringify(openScenario(scenario), undefined, 2)}\n`;
}
