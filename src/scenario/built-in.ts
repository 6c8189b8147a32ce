import chain from './chain.json' with { type: 'json' };
import coven from './coven.json' with { type: 'json' };
import frozen from './frozen.json' with { type: 'json' };
import growing from './growing.json' with { type: 'json' };
import local from './local.json' with { type: 'json' };
import mirror from './mirror.json' with { type: 'json' };
import plain from './plain.json' with { type: 'json' };
import ring from './ring.json' with { type: 'json' };
import type { Scenario } from './scenario.ts';
import wallops from './wallops.json' with { type: 'json' };
import wonderland from './wonderland.json' with { type: 'json' };

/**
 * The scenarios that come with the product, the page's default first. Apart from load.ts, so that the page does not
 * carry the validator for files that a test has validated already.
 */
// TypeScript widens what it reads from JSON ("service" to string, [x, y] to number[]), hence the detour by unknown.
export const builtIn = [
  wallops,
  growing,
  frozen,
  local,
  wonderland,
  mirror,
  chain,
  ring,
  coven,
  plain,
  // To the compiler a JSON file has any text where a scenario has one of a few. A test reads each by the schema.
] as unknown as readonly Scenario[];

/** @returns undefined if no built-in scenario has that id */
export function builtInScenario(id: string): Scenario | undefined {
  return builtIn.find((scenario) => scenario.id === id);
}
