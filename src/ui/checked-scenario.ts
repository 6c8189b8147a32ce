import type { Scenario } from '../scenario/scenario.ts';

/** More faults than that are counted, not named. */
const namedMax = 20;

/**
 * A scenario that may be anything: from a link, or from a script.
 *
 * @param where  it comes from, as the message begins
 * @throws Error that names every fault with its place
 */
export async function checkedScenario(given: unknown, where: string): Promise<Scenario> {
  // The validator is large, and few need it.
  const { parseScenario } = await import('../scenario/load.ts');
  const parsed = parseScenario(textOf(given));
  if (parsed.ok) return parsed.scenario;
  const named = parsed.errors.slice(0, namedMax).map(({ path, message }) => `${path}: ${message}`);
  const rest = parsed.errors.length - named.length;
  throw new Error(`${where} is not as it should be. ${named.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`);
}

function textOf(given: unknown): string {
  try {
    return JSON.stringify(given) ?? 'null';
  } catch {
    return 'null'; // it refers to itself, or holds what JSON has no word for
  }
}
