import type { ArchiveFigures, HistoryFigures } from './history.ts';
import { type LinkFigures, type ReachFigures, rejoiningsMeasured, roomKindsMeasured } from './links.ts';
import type { RoomFigures } from './rooms.ts';

export type HistoryResult = { readonly name: string } & (
  | (HistoryFigures & { readonly archive?: ArchiveFigures })
  | { readonly trouble: string }
);

const roomKinds = {
  plain: 'plain room (XEP-0045)',
  replicated: 'primary and replicas (XEP-0282)',
  federated: 'federated rooms (XEP-0289)',
  ring: 'federated rooms in a ring',
  instances: 'source and shadows (XEP-0281)',
};
const rejoinings = {
  plain: 'plain room: everybody joins again',
  creation: 'replica that kept nothing: created anew',
  netjoin: 'netjoin',
  resync: 'federated rooms: rejoin with resync',
  instances: 'source and shadow: link with resync',
};

/** Tables for people: each figure with its unit, each of ours as a multiple of the references of the same run. */
export function print(
  rooms: readonly RoomFigures[],
  history: readonly HistoryResult[],
  links: LinkFigures | undefined,
): void {
  for (const occupants of [...new Set(rooms.flatMap(({ sizes }) => sizes.map((size) => size.occupants)))]) {
    const figuresOf = (of: RoomFigures) => of.sizes.find((size) => size.occupants === occupants);
    table(
      `A message in a room of ${occupants}, over WebSocket where nothing else is said`,
      ['', 'deliveries/s', 'per processor-second', 'p50', 'p99', 'load generator'],
      rooms.flatMap((of) => {
        const figures = figuresOf(of);
        if (figures === undefined) return [];
        const { deliveriesPerSecond, deliveriesPerCpuSecond, p50Ms, p99Ms, loadShare } = figures;
        const row = [
          of.name,
          round(deliveriesPerSecond) + ratios(of, rooms, (other) => figuresOf(other)?.deliveriesPerSecond),
          deliveriesPerCpuSecond === undefined
            ? '-'
            : round(deliveriesPerCpuSecond) + ratios(of, rooms, (other) => figuresOf(other)?.deliveriesPerCpuSecond),
          `${p50Ms.toFixed(1)} ms`,
          `${p99Ms.toFixed(1)} ms`,
          `${Math.round(loadShare * 100)} % of a core`,
        ];
        return [row];
      }),
    );
  }
  table(
    'All join at once, until everyone has everyone',
    ['', 'occupants', 'time', 'presences/s'],
    rooms.flatMap((of) =>
      of.storms.map(({ occupants, ms, presencesPerSecond }) => [
        of.name,
        `${occupants}`,
        `${(ms / 1000).toFixed(1)} s`,
        round(presencesPerSecond),
      ]),
    ),
  );
  table(
    'Memory for each idle occupant, session included',
    ['', 'KiB'],
    rooms.flatMap(({ name, bytesPerOccupant }) =>
      bytesPerOccupant === undefined ? [] : [[name, `${Math.round(bytesPerOccupant / 1024)} KiB`]],
    ),
  );
  table(
    'Processor time of one delivery as the room grows',
    ['', 'occupants: microseconds'],
    rooms.flatMap(({ name, sizes }) => {
      const costs = sizes.flatMap(({ occupants, deliveriesPerCpuSecond: n }) =>
        n === undefined ? [] : [`${occupants}: ${(1e6 / n).toFixed(0)} µs`],
      );
      return costs.length === 0 ? [] : [[name, costs.join('   ')]];
    }),
  );
  table(
    'History',
    ['', 'durable messages/s', 'recovery'],
    history.map((one) =>
      'trouble' in one
        ? [one.name, `not measured: ${one.trouble}`, '']
        : [one.name, round(one.messagesPerSecond), `${round(one.recoveryMs)} ms for a log of ${round(one.logged)}`],
    ),
  );
  table(
    'Archive',
    ['', 'archived messages/s', 'recovery', 'a page of 100'],
    history.flatMap((one) =>
      'trouble' in one || one.archive === undefined
        ? []
        : [
            [
              one.name,
              round(one.archive.archivedPerSecond),
              `${round(one.archive.archiveRecoveryMs)} ms for an archive of ${round(one.archive.archived)}`,
              `${one.archive.pageMs.toFixed(1)} ms`,
            ],
          ],
    ),
  );
  if (links) {
    const cost = ({ stanzas, bytes }: { stanzas: number; bytes: number }) =>
      `${round(stanzas)} (${(bytes / 1024).toFixed(1)} KiB)`;
    const sizes = [...new Set(links.broadcasts.map(({ occupants }) => occupants))];
    table(
      'A message in a room of people on four servers: stanzas on the links between these',
      ['', ...sizes.map((occupants) => `${occupants} occupants`)],
      roomKindsMeasured.map((kind) => [
        roomKinds[kind],
        ...links.broadcasts.filter(({ room }) => room === kind).map(cost),
      ]),
    );
    const counts = [...new Set(links.reaches.map(({ servers }) => servers))];
    const before = ({ stanzas, hops }: ReachFigures) => `${stanzas}, ${hops} hop${hops === 1 ? '' : 's'}`;
    const after = ({ after: { stanzas, heard, of } }: ReachFigures) => `${stanzas}, ${heard} of ${of} hear it`;
    table(
      'A message from the second of some servers, three people on each: stanzas on the links; and with the first server cut off',
      ['', ...counts.flatMap((count) => [`${count} servers`, `${count} servers, cut`])],
      roomKindsMeasured.map((kind) => [
        roomKinds[kind],
        ...links.reaches.filter(({ room }) => room === kind).flatMap((of) => [before(of), after(of)]),
      ]),
    );
    table(
      'One of the four was cut off while the others spoke: stanzas on its link until all is as if it never was',
      ['', 'missed', ...sizes.map((occupants) => `${occupants} occupants`)],
      rejoiningsMeasured.flatMap((how) =>
        [...new Set(links.splits.map(({ missed }) => missed))].map((missed) => [
          rejoinings[how],
          `${missed} messages`,
          ...links.splits.filter((split) => split.how === how && split.missed === missed).map(cost),
        ]),
      ),
    );
  }
  for (const { name, trouble } of rooms)
    if (trouble !== undefined) console.log(`${name}: not measured, or not to the end: ${trouble}`);
}

/** " (1.5 × ejabberd, 4 × Prosody)" */
function ratios(
  of: RoomFigures,
  rooms: readonly RoomFigures[],
  figure: (of: RoomFigures) => number | undefined,
): string {
  const own = figure(of);
  if (of.isReference || own === undefined) return '';
  // A reference that is measured in two ways counts with the better one.
  const best = new Map<string, number>();
  for (const other of rooms) {
    const theirs = other.isReference ? figure(other) : undefined;
    const name = other.name.split(/[’ ]/)[0] ?? '';
    if (theirs !== undefined) best.set(name, Math.max(theirs, best.get(name) ?? 0));
  }
  const words = [...best].map(([name, theirs]) => `${(own / theirs).toFixed(1)} × ${name}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  console.log(`${title}\n`);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(' | ')} |`;
  console.log(line(head));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of rows) console.log(line(row));
  console.log();
}
