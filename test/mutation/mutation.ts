import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { badArgument } from '../../src/headless/arguments.mjs';
import { root } from '../../src/headless/install.mjs';
import { endWithParent } from '../../src/headless/orphan.mjs';
import { equivalentTo } from './equivalents.ts';
import { changed, describeMutant, mutantsOf } from './mutants.ts';
import { candidates, sampleOf } from './sample.ts';
import { printVerdict, Trial } from './trial.ts';

const help = `npm run mutation -- [--sample N] [--seed S] [--only TEXT] [--threads N]

Would the tests notice? Makes small changes to the core, one at a time and in memory alone (a turned comparison, && for ||, a
dropped !, an off-by-one, true for false, a dropped early return, swapped arguments of a condition, a removed call), and runs
the tests of the core on each, then the simulator: 150 seeds of every mode that comes by the place. Names the changes that
nobody noticed. Status 1 if fewer than 95 of 100 are noticed.

  --sample N   how many changes (default 100)
  --seed S     which ones: the same seed takes the same from the same source (default 1)
  --only TEXT  only in files with TEXT in their path
  --threads N  how many at a time (default: one for each core)
  --list       names the changes, and tries none
  --help       this text`;

/** A hundred of them must have so many noticed. */
const least = 95;
/** The tests that are about the core, and need neither sockets nor the time of day. */
const tests = [
  'test/spec/**/*.test.ts',
  'test/security/**/*.test.ts',
  'test/scenario/**/*.test.ts',
  'test/unit/{distribution,net,occupant,room,xmpp}/**/*.test.ts',
];

function stopWith(line: string): never {
  console.error(line);
  process.exit(2);
}

function readArguments() {
  const string = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: {
        sample: { ...string, default: '100' },
        seed: { ...string, default: '1' },
        only: { ...string, default: '' },
        threads: { ...string, default: String(availableParallelism()) },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const number = (name: 'sample' | 'seed' | 'threads', from: number, to: number) => {
      const value = /^\d{1,10}$/.test(values[name]) ? Number(values[name]) : Number.NaN;
      if (!(value >= from && value <= to))
        stopWith(`--${name}: ${JSON.stringify(values[name])} is no number from ${from} to ${to}`);
      return value;
    };
    return {
      ...values,
      sample: number('sample', 1, 100_000),
      seed: number('seed', 0, 2 ** 32 - 1),
      threads: number('threads', 1, 256),
    };
  } catch (error) {
    stopWith(badArgument(error));
  }
}

async function main(): Promise<void> {
  const { sample, seed, only, threads, list, help: isHelp } = readArguments();
  if (isHelp) return console.log(help);
  const all = candidates(root, 'src/core/').filter(({ file }) => file.includes(only));
  if (all.length === 0) stopWith(`--only: no file of src/core/ has ${JSON.stringify(only)} in its path`);
  const chosen = sampleOf(all, sample, seed);
  const read = (file: string) => readFileSync(root + file, 'utf8');
  // A change that is no program proves nothing.
  for (const mutant of chosen) mutantsOf(mutant.file, changed(read(mutant.file), mutant));
  const idle = chosen.flatMap((mutant) => equivalentTo(mutant, read(mutant.file)) ?? []);
  const mutants = chosen.filter((mutant) => equivalentTo(mutant, read(mutant.file)) === undefined);
  console.log(`${chosen.length} of ${all.length} changes, seed ${seed}`);
  for (const { file, change, why } of idle) console.log(`idle     ${file}  ${change}  (${why})`);
  if (list) {
    for (const mutant of mutants) console.log(describeMutant(mutant));
    return;
  }

  const started = performance.now();
  const trial = new Trial({ root, mutants, tests, seedFiles: ['test/mutation/seeds/*.ts'], seeds: 150 });
  process.on('exit', () => trial.stop());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const verdicts = await trial.judge(threads, (verdict) => console.log(printVerdict(verdict)));
  const survivors = verdicts.filter(({ noticed }) => noticed === undefined);
  if (survivors.length > 0) console.log('\nNobody noticed:');
  for (const { mutant } of survivors) console.log(`  ${describeMutant(mutant)}`);
  const noticed = verdicts.length - survivors.length;
  const took = Math.round((performance.now() - started) / 1000);
  console.log(`\n${noticed} of ${verdicts.length} noticed, ${idle.length} change nothing, seed ${seed}, ${took} s`);
  process.exitCode = noticed * 100 < verdicts.length * least ? 1 : 0;
}

endWithParent();
main().catch((error: Error) => {
  console.error(error.message.trim());
  process.exit(1);
});
