import { describe, expect, it } from 'vitest';
import { lessons } from '../../../src/lessons/built-in.ts';
import { type Check, countIn, countingCheck, type Exercise, type Lesson } from '../../../src/lessons/lesson.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import { LessonPlayer } from '../../support/lesson-player.ts';

/** A check that wants something else than what comes out. */
function otherwise(check: Check): Check | undefined {
  if ('stanzas' in check)
    return {
      ...check,
      count: typeof check.count === 'number' ? check.count + 1 : { atLeast: check.count.atLeast + 99 },
    };
  const count = countIn(check);
  if (count === undefined) return undefined;
  if ('crossed' in check) return { ...check, crossed: count + 1 };
  return 'compared' in check ? { compared: count + 1 } : { deliveries: count + 1 };
}

const exercised = (lesson: Lesson, { scenario = lesson.scenario }: Exercise) =>
  new LessonPlayer({ ...lesson, scenario });

describe.each(lessons.map((lesson) => [lesson.title, lesson] as const))('Lesson: %s', (_, lesson) => {
  it('comes out step by step as its checks say, and not otherwise', () => {
    const player = new LessonPlayer(lesson);
    for (const step of lesson.steps) {
      player.step(step);
      expect(player.failing(step.check), step.title).toEqual([]);
      for (const check of step.check ?? []) {
        const other = otherwise(check);
        if (other) expect(player.failing([other]), step.title).toEqual([other]);
      }
      const counting = countingCheck(step);
      if (step.predict && 'unit' in step.predict && counting)
        expect(player.count(counting), step.title).toBe(countIn(counting));
    }
  });

  it('is not done by doing nothing: of what is asked for something is missing', () => {
    const player = new LessonPlayer(lesson);
    for (const step of lesson.steps) {
      if (step.do !== undefined && step.check !== undefined) {
        player.begin();
        expect(player.failing(step.check), step.title).not.toEqual([]);
      }
      player.step(step);
    }
  });

  it.each(lesson.exercises.map((exercise) => [exercise.title, exercise] as const))('exercise: %s', (__, exercise) => {
    const player = exercised(lesson, exercise);
    player.begin();
    expect(player.failing(exercise.check)).not.toEqual([]);
    player.exercise(exercise);
    expect(player.failing(exercise.check)).toEqual([]);
  });

  it('is played on a scenario that there is', () => {
    const { scenario } = lesson;
    if (typeof scenario === 'string') expect(builtInScenario(scenario)?.id).toBe(scenario);
    // Its name would stand for the other one in an address.
    else expect(builtInScenario(scenario.id)).toBeUndefined();
  });
});
