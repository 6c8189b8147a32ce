import type { Mistake } from '../scenario/check.ts';
import { type FileError, parseJsonFile, schemaMistakes } from '../scenario/json-file.ts';
import { mistakesIn } from '../scenario/load.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { checkExercise, checkLesson, type LessonGround } from './check.ts';
import type { Lesson } from './lesson.ts';
import schema from './schema.json' with { type: 'json' };

export type ParsedLesson =
  | { readonly ok: true; readonly lesson: Lesson }
  | { readonly ok: false; readonly errors: readonly FileError[] };

/**
 * Reads a lesson from JSON text. Never throws: every mistake comes back with its place.
 *
 * @param ground  what the lesson may name
 */
export function parseLesson(text: string, ground: LessonGround): ParsedLesson {
  const parsed = parseJsonFile(text, (value) => lessonMistakes(value, ground));
  return parsed.ok ? { ok: true, lesson: parsed.value as Lesson } : parsed;
}

function lessonMistakes(value: unknown, ground: LessonGround): readonly Mistake[] {
  const mistakes = schemaMistakes(schema, value);
  if (mistakes.length > 0) return mistakes;
  const lesson = value as Lesson;
  const own = readScenario(lesson.scenario, ['scenario'], ground);
  if (!own.ok) return own.mistakes;
  const exercises = lesson.exercises.flatMap((exercise, i) => {
    const scenario =
      exercise.scenario === undefined ? own : readScenario(exercise.scenario, ['exercises', i, 'scenario'], ground);
    return scenario.ok ? checkExercise(lesson, i, scenario.scenario, ground) : scenario.mistakes;
  });
  return [...checkLesson(lesson, own.scenario, ground), ...exercises];
}

type ReadScenario =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** @param at  where it is in the file of the lesson */
function readScenario(given: string | Scenario, at: Mistake['at'], ground: LessonGround): ReadScenario {
  if (typeof given === 'string') {
    const scenario = ground.scenario(given);
    if (scenario !== undefined) return { ok: true, scenario };
    return { ok: false, mistakes: [{ at, message: `there is no scenario ${JSON.stringify(given)}` }] };
  }
  const mistakes = mistakesIn(given).map((one) => ({ ...one, at: [...at, ...one.at] }));
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, scenario: given };
}
