import { withoutRealServers } from '../../scenario/real-servers.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { withoutRoomPasswords } from '../../scenario/without-passwords.ts';

/** A scenario as `npm start -- --scenario FILE` takes it. Without passwords and real servers. */
export function scenarioText(scenario: Scenario): string {
  return `${JSON.stringify(withoutRoomPasswords(withoutRealServers(scenario)), undefined, 2)}\n`;
}
