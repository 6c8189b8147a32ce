import { checkScenario, type Mistake } from './check.ts';
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
  const parsed = parseJsonFile(text, mistakesIn);
  return parsed.ok ? { ok: true, scenario: parsed.value as Scenario } : parsed;
}

/** What is wrong with a scenario that is not text; if nothing is, the value is a Scenario. Names are looked at where the form is right. */
export function mistakesIn(value: unknown): readonly Mistake[] {
  const mistakes = schemaMistakes(schema, value);
  return mistakes.length > 0 ? mistakes : checkScenario(value as Scenario);
}
