import type { Scenario } from '../../scenario/scenario.ts';
import { withoutRoomPasswords } from '../../scenario/without-passwords.ts';

/** A scenario as `npm start -- --scenario FILE` takes it. Without passwords. */
export function scenarioText(scenario: Scenario): string {
  return `${JSON.stringify(withoutRoomPasswords(scenario), undefined, 2)}\n`;
}
