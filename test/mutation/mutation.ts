import { readFileSync } from 'node:fs';
import { stopWith } from '../../src/headless/arguments.mjs';
import { root } from '../../src/headless/install.mjs';
import { endWithParent } from '../../src/headless/orphan.mjs';
import { ofLedger } from '../ledger/ledger.ts';
import { help, readArguments } from './arguments.ts';
import { equivalentTo } from './equivalents.ts';
import { changed, describeMutant, mutantsOf } from './mutants.ts';
import { candidates, sampleOf } from './sample.ts';
import { printVerdict, Trial } from './trial.ts';

/** A hundred of them must have so many noticed. */
const least = 95;
/** The tests that are about the core, and need neither sockets nor the time of day. */
const tests = [
  'test/spec/**/*.test.ts',
  'test/security/**/*.test.ts',
  'test/scenario/**/*.test.ts',
  'test/unit/{distribution,net,node,occupant,room,xmpp}/**/*.test.ts',
];

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (given === 'help') return console.log(help);
  if ('error' in given) stopWith(2, given.error);
  const { sample, seed, only, seeds, threads, list } = given;
  const all = candidates(root, 'src/core/').filter(({ file }) => file.includes(only));
  if (all.length === 0) stopWith(2, `--only: no file of src/core/ has ${JSON.stringify(only)} in its path`);
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
  const trial = new Trial({ root, mutants, tests, seedFiles: ['test/mutation/seeds/*.ts'], seeds });
  process.on('exit', () => trial.stop());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const verdicts = await trial.judge(threads, (verdict) => console.log(printVerdict(verdict)));
  const survivors = verdicts.filter(({ noticed }) => noticed === undefined);
  if (survivors.length > 0) console.log('\nNobody noticed:');
  for (const { mutant } of survivors) console.log(`  ${describeMutant(mutant)}`);
  const noticed = verdicts.length - survivors.length;
  const onlyLedger = verdicts.filter((one) => one.noticed?.startsWith(ofLedger)).length;
  const took = Math.round((performance.now() - started) / 1000);
  console.log(
    `\n${noticed} of ${verdicts.length} noticed, ${onlyLedger} of them by the ledger alone, ${idle.length} change nothing, seed ${seed}, ${took} s`,
  );
  process.exitCode = noticed * 100 < verdicts.length * least ? 1 : 0;
}

endWithParent();
main().catch((error: Error) => {
  console.error(error.message.trim());
  process.exit(1);
});
