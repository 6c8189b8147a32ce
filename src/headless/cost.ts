import { type Breaking, firstToBreak } from '../cost/limits.ts';
import { type LossCost, lossOf } from '../cost/loss.ts';
import { bytesOf, memoryOf } from '../cost/memory.ts';
import { type Cost, costOf } from '../cost/model.ts';
import { occupantsOf } from '../cost/network.ts';
import { designNames, remedyFor, resourceNames } from '../cost/remedies.ts';
import type { DesignId } from '../cost/scenario.ts';
import type { Traffic } from '../cost/traffic.ts';
import { type CostArguments, costHelp, readCostArguments } from './cost-arguments.ts';
import { type Measured, measure } from './cost-measure.ts';

interface Row {
  readonly design: DesignId;
  readonly cost: Cost;
  readonly memoryBytes: number;
  readonly loss: LossCost;
  readonly breaks: Breaking | undefined;
  readonly remedy: string | undefined;
  readonly measured: Measured | undefined;
}

function rowOf({ network, rates, capacity, seed, simulate }: CostArguments, design: DesignId): Row {
  const breaks = firstToBreak(network, design, rates, capacity);
  return {
    design,
    cost: costOf(network, design),
    memoryBytes: bytesOf(memoryOf(network, design)),
    loss: lossOf(network, design),
    breaks,
    remedy: breaks && remedyFor(design, breaks.resource),
    measured: simulate ? measure(network, design, seed, true) : undefined,
  };
}

const parts = ['linking', 'joins', 'messages', 'churn', 'upkeep', 'resync'] as const;
const partNames: Readonly<Record<(typeof parts)[number], string>> = {
  linking: 'open on every server',
  joins: 'the others enter',
  messages: 'messages',
  churn: 'rounds of change',
  upkeep: 'an idle hour',
  resync: 'after a split',
};

function print(args: CostArguments, { design, cost, memoryBytes, loss, breaks, remedy, measured }: Row): void {
  console.log(
    `${designNames[design]}${' '.repeat(Math.max(1, 24 - designNames[design].length))}${'stanzas'.padStart(14)}${'bytes'.padStart(18)}`,
  );
  for (const part of parts) {
    const counted = measured && (part === 'upkeep' || part === 'resync' ? measured.idle?.[part] : measured[part]);
    console.log(
      `  ${partNames[part].padEnd(22)}${cells(cost[part])}${counted === undefined ? '' : `   ${beside(cost[part], counted)}`}`,
    );
  }
  const { joins, messages, churn } = cost.deliveries;
  console.log(
    `  deliveries to users: ${whole(joins)} as they enter, ${whole(messages)} of messages, ${whole(churn)} of changes`,
  );
  const last = measured === undefined ? '' : ` (simulated: ${whole(measured.lastDeliveryMs)} ms)`;
  console.log(`  last delivery of a message after ${whole(cost.lastDeliveryMs)} ms${last}`);
  const held = measured === undefined ? '' : ` (simulated: ${whole(measured.memoryBytes)})`;
  console.log(`  memory of the largest node, as text: ${whole(memoryBytes)} bytes${held}`);
  if (args.network.link.loss > 0) console.log(`  ${lossInWords(loss)}`);
  console.log(
    breaks === undefined
      ? '  nothing is too much up to 10,000 servers, or a million people'
      : `  too much first: ${resourceNames[breaks.resource]}, with ${whole(breaks.occupants)} people on ${whole(breaks.servers)} servers\n  ${remedy}`,
  );
  console.log('');
}

function lossInWords({ neverDelivered, repeated }: LossCost): string {
  if (neverDelivered > 0) return `lost: ${(100 * neverDelivered).toFixed(2)} % of the copies of messages, for ever`;
  if (repeated === undefined) return 'lost: a resync loses more than it repairs, so links are never up to date';
  return `lost, and sent again: ${whole(repeated.stanzas)} stanzas, ${whole(repeated.bytes)} bytes`;
}

function cells(traffic: Traffic | undefined): string {
  if (traffic === undefined) return `${'no formula'.padStart(14)}${''.padStart(18)}`;
  return `${whole(traffic.stanzas).padStart(14)}${whole(traffic.bytes).padStart(18)}`;
}

function beside(formula: Traffic | undefined, counted: Traffic): string {
  const ratio = (one: number, other: number) => (other === 0 ? '' : ` (${(one / other).toFixed(3)})`);
  const { stanzas, bytes } = counted;
  return `simulated: ${whole(stanzas)}${formula ? ratio(formula.stanzas, stanzas) : ''}, ${whole(bytes)}${formula ? ratio(formula.bytes, bytes) : ''}`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function main(): void {
  process.stdout.on('error', () => process.exit());
  const parsed = readCostArguments(process.argv.slice(2));
  if (parsed === 'help') return console.log(costHelp);
  if ('error' in parsed) {
    console.error(parsed.error);
    process.exitCode = 2;
    return;
  }
  const { network, designs, simulate, json } = parsed;
  if (json) {
    console.log(JSON.stringify({ network, rows: designs.map((design) => rowOf(parsed, design)) }, undefined, 2));
    return;
  }
  const { latencyMs, bytesPerSecond } = network.link;
  console.log(
    `${whole(occupantsOf(network))} people on ${whole(network.occupants.length)} servers, ${whole(network.messages)} messages of ${network.bodyBytes} bytes, ${whole(network.churn)} rounds of change`,
  );
  console.log(
    `links of ${latencyMs} ms, ${bytesPerSecond === 0 ? 'unlimited' : `${whole(bytesPerSecond)} bytes a second`}; bytes are those of the stanzas, without framing and TLS`,
  );
  if (simulate) console.log('in brackets: the formula, divided by what the simulator counted');
  console.log('');
  for (const design of designs) print(parsed, rowOf(parsed, design));
}

main();
