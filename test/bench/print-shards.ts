import { table } from './print.ts';
import type { ShardFigures, ShardSizes } from './shards.ts';

export function printShards(figures: readonly ShardFigures[] | string, { rooms, each }: ShardSizes): void {
  if (typeof figures === 'string') {
    console.log(`Rooms on several processes: not measured: ${figures}`);
    return;
  }
  const reference = figures.find(({ isReference }) => isReference);
  const beside = (of: ShardFigures, key: 'deliveriesPerSecond' | 'deliveriesPerCpuSecond') =>
    Math.round(of[key]).toLocaleString('en') +
    (reference === undefined || of === reference ? '' : ` (${(of[key] / reference[key]).toFixed(2)} × ejabberd)`);
  table(
    `Messages in ${rooms} rooms of ${each} at once, over WebSocket, on one ejabberd`,
    [
      ...['', 'deliveries/s', 'per processor-second', 'of it ejabberd / ours', 'busiest of our processes'],
      ...['memory of each', 'load generator'],
    ],
    figures.map((of) => [
      of.name,
      beside(of, 'deliveriesPerSecond'),
      beside(of, 'deliveriesPerCpuSecond'),
      `${of.serverMicros.toFixed(0)} / ${of.ownMicros.toFixed(0)} µs`,
      of.isReference ? '-' : `${Math.round(of.busiest * 100)} % of their time`,
      of.isReference ? '-' : `${Math.round(of.bytes / 1024 / 1024)} MiB`,
      `${Math.round(of.loadShare * 100)} % of a core`,
    ]),
  );
}
