import type { ClassQuestion, ClassStudent } from '../../core/xep/classroom.ts';

/** A bar of the chart: an answer, and how many gave it. */
export interface Tally {
  readonly answer: string;
  readonly count: number;
}

/** Among numbers, so many different ones are shown; the rarest are counted together. */
const numbersMax = 12;

/** How many gave each answer: every choice, in its order; or each number that somebody gave, in the order of numbers. */
export function tally({ choices, unit }: ClassQuestion, students: readonly ClassStudent[]): readonly Tally[] {
  const counts = new Map<string, number>();
  for (const { answer } of students) if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  if (choices.length > 0) return choices.map((answer, i) => ({ answer, count: counts.get(String(i)) ?? 0 }));
  const byCount = [...counts].toSorted(([a, n], [b, m]) => m - n || Number(a) - Number(b));
  const shown = byCount.slice(0, numbersMax).toSorted(([a], [b]) => Number(a) - Number(b));
  const others = byCount.slice(numbersMax).reduce((sum, [, count]) => sum + count, 0);
  return [
    ...shown.map(([answer, count]) => ({ answer: unit === undefined ? answer : `${answer} ${unit}`, count })),
    ...(others > 0 ? [{ answer: 'other numbers', count: others }] : []),
  ];
}
