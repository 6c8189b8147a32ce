import { lessonOf, lessonScenario } from '../../lessons/built-in.ts';
import type { Lesson } from '../../lessons/lesson.ts';
import { builtInScenario } from '../../scenario/built-in.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { LabPlace } from '../address.ts';
import type { Action } from '../session/acts.ts';
import type { LabSession } from '../session/lab.ts';
import type { Store } from '../store.ts';
import '../views/lesson.ts';
import { LessonGuide, type StepStart } from './guide.ts';
import { loadProgress, noProgress } from './progress.ts';

/** A lesson that is about to be shown, at one of its steps. */
export interface Opening {
  readonly lesson: Lesson;
  readonly scenario: Scenario;
  readonly seed: number;
  /** From 1. */
  readonly step: number;
  readonly isBuiltIn: boolean;
  /** The last event before the step, if the address says so. */
  readonly from: number | undefined;
}

/**
 * The lesson that a place in the Lab is about: one that the address names, one of a file, or one that has the id of the scenario.
 *
 * @throws Error if there is no such lesson
 */
export function openingOf(
  { scenario: id, seed, lesson: place }: LabPlace,
  given: Lesson | undefined,
): Opening | undefined {
  const lesson = given ?? lessonOf(place?.id ?? id);
  if (lesson === undefined && place !== undefined) throw new Error(`There is no lesson ${JSON.stringify(place.id)}.`);
  if (lesson === undefined) return undefined;
  const { steps, exercises } = lesson;
  const step = Math.min(place?.step ?? 1, steps.length + exercises.length);
  const named = exercises[step - 1 - steps.length]?.scenario ?? lesson.scenario;
  const scenario = typeof named === 'string' ? builtInScenario(named) : named;
  if (scenario === undefined) throw new Error(`There is no scenario ${JSON.stringify(named)}.`);
  return { lesson, scenario, seed: seed ?? lesson.seed, step, isBuiltIn: given === undefined, from: place?.from };
}

export { lessonScenario };

/**
 * Does what the steps before ask for, as it is meant.
 *
 * @returns where each step begins, until that at which the lesson is opened
 */
export async function prepare(session: LabSession, { lesson, step }: Opening): Promise<ReadonlyMap<number, StepStart>> {
  session.seek(session.length);
  const starts = new Map<number, StepStart>();
  const begin = (number: number) => starts.set(number, { branch: session.branch, event: session.seq });
  begin(1);
  if (step > lesson.steps.length) starts.clear();
  else
    for (const [i, { do: acts = [], run }] of lesson.steps.slice(0, step - 1).entries()) {
      for (const { act, after } of acts) {
        if (after === 'quiet') await session.toQuiet();
        // A lesson is checked when it is read: it asks for acts that there are.
        await session.act(act as unknown as Action);
      }
      await (typeof run === 'object' ? session.runFor(run.ms) : session.toQuiet());
      begin(i + 2);
    }
  session.leaveHere();
  return starts;
}

/** Leads through the lesson from now on. */
export async function guide(store: Store, opening: Opening, prepared: ReadonlyMap<number, StepStart>): Promise<void> {
  const { lesson, step, isBuiltIn, from } = opening;
  const progress = (isBuiltIn && loadProgress()[lesson.id]) || noProgress;
  const { [step]: _, ...answers } = progress.answers;
  const starts = new Map(prepared);
  const branch = store.session.lab?.branch ?? 0;
  if (from !== undefined && !starts.has(step)) starts.set(step, { branch, event: from });
  store.lesson = new LessonGuide(store, lesson, isBuiltIn, { ...progress, answers }, step, starts);
  if (!location.hash.includes('region=')) store.set({ region: 'lesson' });
  store.changed();
  // The address that was read says nothing of it.
  if (lesson.compare !== undefined) await store.compare(lesson.compare);
}
