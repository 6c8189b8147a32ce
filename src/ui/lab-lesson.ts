import type { Check, LessonAct } from '../lessons/lesson.ts';
import type { Answer, LessonPhase } from './lesson/phase.ts';
import type { Store } from './store.ts';

/** `window.lab.lesson()`: where the lesson is that is shown. */
export interface LabLesson {
  readonly id: string;
  /** From 1: the steps, then the exercises. */
  readonly step: number;
  readonly steps: number;
  readonly exercises: number;
  readonly phase: LessonPhase;
  /** What the step asks for, and what must come out, each with whether it has. */
  readonly acts: readonly { readonly act: LessonAct; readonly done: boolean }[];
  readonly checks: readonly { readonly check: Check; readonly done: boolean }[];
  /** By step: what was predicted; null where the learner left it open. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Steps and exercises that came out, in this browser. */
  readonly done: readonly number[];
}

/** @returns undefined if no lesson is shown */
export function lessonIn({ lesson: guide, told }: Store): LabLesson | undefined {
  if (guide === undefined) return undefined;
  const { lesson, number, progress } = guide;
  const { phase, asked, checked } = guide.view(told);
  return structuredClone({
    id: lesson.id,
    step: number,
    steps: lesson.steps.length,
    exercises: lesson.exercises.length,
    phase,
    acts: asked,
    checks: checked,
    answers: progress.answers,
    done: progress.done,
  });
}
