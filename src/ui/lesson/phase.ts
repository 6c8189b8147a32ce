import type { Check, LessonStep } from '../../lessons/lesson.ts';
import { answerOf } from '../../lessons/lesson.ts';
import type { Asked } from './asked.ts';

/**
 * How far a learner is in a step: they read it; predict what will come out; do what is asked for; let the run go on; what came out is
 * revealed; or something else came out.
 */
export type LessonPhase = 'read' | 'predict' | 'do' | 'run' | 'revealed' | 'amiss';

/** A check, and whether the run is as it wants. */
export interface Checked {
  readonly check: Check;
  readonly done: boolean;
}

/** What a learner has answered: a number, or the number of a choice; null: they left it open. */
export type Answer = number | null;

/** @param isOver  what the step lets happen has happened */
export function phaseOf(
  step: Pick<LessonStep, 'predict' | 'do' | 'check'>,
  answer: Answer | undefined,
  asked: readonly Asked[],
  checked: readonly Checked[],
  isOver: boolean,
): LessonPhase {
  if (step.predict !== undefined && answer === undefined) return 'predict';
  if (step.do === undefined && step.check === undefined) return 'read';
  if (asked.some(({ done }) => !done)) return 'do';
  if (!isOver) return 'run';
  return checked.every(({ done }) => done) ? 'revealed' : 'amiss';
}

/** Whether an answer is right; undefined where there is none. */
export function isRight(step: LessonStep, answer: Answer | undefined): boolean | undefined {
  const right = answerOf(step);
  return right === undefined || answer === undefined || answer === null ? undefined : answer === right;
}
