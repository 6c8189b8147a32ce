import { parseArgs } from 'node:util';
import { run } from '../sim/simulator.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' } } });
const { violations, events } = run(Number(values.seed), { mode: '0282', events: 120 });
for (const { invariant, what } of violations) console.log(`${invariant}: ${what}`);
console.log(`1 seeds, ${events} events, ${violations.length} violations`);
