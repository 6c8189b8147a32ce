import type { LabFigures, Smoothness } from './lab.ts';
import { table } from './print.ts';

const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
const ms = (value: number) => `${value.toFixed(0)} ms`;

export function printLab(lab: LabFigures): void {
  const {
    firstPictureMs,
    events,
    eventsPerSecond,
    seconds,
    still,
    playing,
    seeksMs,
    draggedMs,
    stepsMs,
    tokens,
    crowd,
  } = lab;
  table(
    `The Lab in Chromium: a run of ${events} events`,
    ['', 'median', 'worst', 'times'],
    (
      [
        ['from the address to the first picture with everybody in it', firstPictureMs],
        ['to another place in the run, until it is drawn', seeksMs],
        ['the same one right after the other', draggedMs],
        ['one step back', stepsMs],
      ] as const
    ).map(([what, times]) => [what, ms(median(times)), ms(Math.max(...times)), `${times.length}`]),
  );
  const row = (what: string, of: Smoothness) => [
    ...[what, of.medianFps.toFixed(1), `${of.frames}`, ms(of.longestTaskMs), `${of.longTasks}`],
    ...[mib(of.heapBefore), mib(of.heapAfter)],
  ];
  table(
    `Shown for ${seconds} s`,
    ['', 'frames/s, median', 'frames', 'longest task', 'tasks over 50 ms', 'heap before', 'after'],
    [
      row('standing still', still),
      row(`${eventsPerSecond.toFixed(0)} events/s, in their own time`, playing),
      row(`${tokens} stanzas at once, for 5 s`, crowd),
    ],
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
