import { table } from './print.ts';
import type { StartFigures } from './start.ts';

export function printStart(figures: readonly StartFigures[]): void {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  table(
    'From the request for the page until everybody is in the room; a new server and an open browser each time',
    ['', 'nodes', 'median', 'worst', 'times'],
    figures.map(({ scenario, nodes, joinedMs }) => {
      const sorted = joinedMs.toSorted((a, b) => a - b);
      return [scenario, `${nodes}`, ms(sorted[sorted.length >> 1] ?? 0), ms(sorted.at(-1) ?? 0), `${sorted.length}`];
    }),
  );
}
