/** What this browser remembers of the lessons: how far somebody was, which steps came out, and what they answered. */
import type { Answer } from './phase.ts';

export interface LessonProgress {
  /** The step that was shown last, from 1; exercises come after the steps. */
  readonly step: number;
  /** Those that came out. */
  readonly done: readonly number[];
  readonly answers: Readonly<Record<number, Answer>>;
}

export const noProgress: LessonProgress = { step: 1, done: [], answers: {} };

const key = 'netsplit.lessons';
/** Lessons that are remembered: those begun last. */
const lessonsMax = 40;
/** Steps and exercises of a lesson, at most. */
const stepsMax = 40;

export function loadProgress(): Readonly<Record<string, LessonProgress>> {
  try {
    return readProgress(localStorage.getItem(key) ?? '{}');
  } catch {
    return {}; // storage refused
  }
}

/** Anything may stand there: what is no progress is left out. */
export function readProgress(text: string): Readonly<Record<string, LessonProgress>> {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof stored !== 'object' || stored === null) return {};
  return Object.fromEntries(
    Object.entries(stored)
      .slice(-lessonsMax)
      .flatMap(([id, one]) => {
        const read = readOne(one);
        return read && /^[a-z0-9-]{1,60}$/.test(id) ? [[id, read]] : [];
      }),
  );
}

function readOne(of: unknown): LessonProgress | undefined {
  if (typeof of !== 'object' || of === null) return undefined;
  const { step, done, answers } = of as Readonly<Record<string, unknown>>;
  if (!isStep(step) || !Array.isArray(done) || typeof answers !== 'object' || answers === null) return undefined;
  const given = Object.entries(answers).filter(
    ([name, value]) => isStep(Number(name)) && (value === null || Number.isFinite(value)),
  );
  return { step, done: [...new Set(done.filter(isStep))], answers: Object.fromEntries(given) };
}

function isStep(of: unknown): of is number {
  return Number.isInteger(of) && (of as number) >= 1 && (of as number) <= stepsMax;
}

/** @param progress  undefined: as if nobody had begun it */
export function saveProgress(id: string, progress: LessonProgress | undefined): void {
  try {
    const { [id]: _, ...others } = loadProgress();
    const all = Object.entries(others).slice(1 - lessonsMax);
    const now = progress === undefined ? all : [...all, [id, progress] as const];
    localStorage.setItem(key, JSON.stringify(Object.fromEntries(now)));
  } catch {
    // A private window: it is forgotten with the page.
  }
}
