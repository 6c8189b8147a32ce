/** A value that was changed step by step: each step can be undone, and done again. */
export interface History<T> {
  readonly past: readonly T[];
  readonly now: T;
  readonly future: readonly T[];
}

/** Older steps cannot be undone. */
const stepsMax = 500;

export function begin<T>(now: T): History<T> {
  return { past: [], now, future: [] };
}

/** What was undone before is gone. */
export function change<T>({ past, now }: History<T>, next: T): History<T> {
  return { past: [...past.slice(1 - stepsMax), now], now: next, future: [] };
}

export function undo<T>(history: History<T>): History<T> {
  const { past, now, future } = history;
  if (past.length === 0) return history;
  return { past: past.slice(0, -1), now: past.at(-1) as T, future: [now, ...future] };
}

export function redo<T>(history: History<T>): History<T> {
  const { past, now, future } = history;
  if (future.length === 0) return history;
  return { past: [...past, now], now: future[0] as T, future: future.slice(1) };
}
