import { table } from './print.ts';
import type { SoakFigures } from './soak.ts';

const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
const ms = (value: number) => `${value.toFixed(1)} ms`;

export function printSoak(soak: SoakFigures): void {
  const { occupants, phases, memory, heapSlope, rssSlope, repelled, ended } = soak;
  table(
    `${occupants} users talk, come and go, and read archives`,
    ['', 'messages', 'deliveries', 'p50', 'p99', 'joins', 'archive pages', 'p50', 'p99', 'own lag p99'],
    phases.map((one) => [
      ...[one.name, `${one.messages}`, `${one.deliveries}`, ms(one.p50), ms(one.p99)],
      ...[`${one.joins}`, `${one.pages}`, ms(one.pageP50), ms(one.pageP99), ms(one.lagP99)],
    ]),
  );
  table(
    'Memory of the server, after its garbage was collected',
    ['second', '', 'heap and buffers', 'resident'],
    memory.map(({ at, phase, heap, rss }) => [`${at}`, phase, mib(heap), mib(rss)]),
  );
  console.log(`After the warm-up: heap ${mib(heapSlope)} a minute, resident ${mib(rssSlope)} a minute`);
  const { messages, lost, outOfOrder, cut, unanswered } = ended;
  console.log(`${messages} messages: ${lost} lost, ${outOfOrder} out of order`);
  console.log(`Honest users: ${cut.length} were cut off, ${unanswered} left or came back without an answer`);
  for (const why of new Set(cut)) console.log(`  ${why}`);
  console.log(
    `Attackers came again: ${Object.entries(repelled)
      .map(([kind, times]) => `${kind} ${times} times`)
      .join(', ')}\n`,
  );
}
