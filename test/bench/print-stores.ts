import { table } from './print.ts';
import type { PairFigures, StoreFigures } from './stores.ts';

type Column = 'appendsPerSecond' | 'messagesPerSecond' | 'recoveryMs' | 'cpuPerMessage';

const columns: Record<Column, string> = {
  appendsPerSecond: 'durable messages/s, store alone',
  messagesPerSecond: 'durable messages/s, with the node',
  recoveryMs: 'recovery, ms',
  cpuPerMessage: 'processor time, store alone, µs/message',
};

export function printPairs(title: string, pairs: readonly PairFigures[]): void {
  const wanted = (Object.keys(columns) as Column[]).filter((one) => pairs[0]?.now[one] !== undefined);
  const value = (figures: StoreFigures, one: Column) => figures[one] ?? 0;
  const text = (number: number) => number.toLocaleString('en', { maximumFractionDigits: number < 100 ? 1 : 0 });
  table(
    title,
    ['', ...wanted.map((one) => columns[one])],
    [
      ...pairs.flatMap(({ before, now }, n) => [
        [`before, ${n + 1}`, ...wanted.map((one) => text(value(before, one)))],
        [`now, ${n + 1}`, ...wanted.map((one) => text(value(now, one)))],
      ]),
      [
        'now : before, median',
        ...wanted.map((one) => median(pairs.map(({ before, now }) => value(now, one) / value(before, one))).toFixed(2)),
      ],
    ],
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
