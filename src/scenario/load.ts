import { checkScenario } from './check.ts';
import { type FileError, parseJsonFile, schemaMistakes } from './json-file.ts';
import type { Scenario } from './scenario.ts';
import schema from './schema.json' with { type: 'json' };

export { formatErrors } from './json-file.ts';
export type ScenarioError = FileError;

export type ParsedScenario =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly errors: readonly ScenarioError[] };

/** Reads a scenario from JSON text. Never throws: every mistake comes back with its place. */
export function parseScenario(text: string): ParsedScenario {
  const parsed = parseJsonFile(text, scenarioMistakes);
  return parsed.ok ? { ok: true, scenario: parsed.value as Scenario } : parsed;
}

/** What is wrong with a value that should be a scenario. */
export function scenarioMistakes(value: unknown): ReturnType<typeof schemaMistakes> {
  const mistakes = schemaMistakes(schema, value);
  return mistakes.length > 0 ? mistakes : checkScenario(value as Scenario);
}
