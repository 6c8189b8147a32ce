import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { ndjson } from '../sim/ndjson.ts';
import type { Mode } from '../sim/plan.ts';
import { run } from '../sim/simulator.ts';
import { called, isInstalled } from './called.mjs';
import { readSimArguments, type SimArguments, simHelp } from './sim-arguments.ts';
import { SimPool } from './sim-pool.ts';
import type { Job, Outcome, Told } from './sim-thread.ts';

type Run = Extract<Job, { kind: 'run' }>;
type Tell = Extract<Job, { kind: 'tell' }>;

/** The first violation of each invariant and mode is shrunk and told, up to that many; the others get a line. */
const toldMax = 12;
/** The unit of the speed: what RunResult.events counts. */
const event = 'a record of the trace, such as one hop of a stanza, one append or one act; seconds of processor time';
/** Some invariants show whole stanzas. */
const widthMax = 400;

/** In the package it is there already. */
async function codeOfThread(): Promise<URL> {
  if (!isInstalled) return (await import('./sim-bundle.ts')).bundleThread();
  return pathToFileURL(`${import.meta.dirname}/sim-thread.js`);
}

async function check({ from, to, modes, options, threads }: SimArguments): Promise<void> {
  const started = performance.now();
  const jobs: Run[] = [];
  for (let seed = from; seed <= to; seed++)
    for (const mode of modes) jobs.push({ kind: 'run', seed, options: { ...options, mode } });
  const pool = new SimPool(await codeOfThread(), Math.min(threads, jobs.length));
  let stopped = false;
  const stop = () => {
    stopped = true;
    void pool.stop();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);

  const progress = progressOf(jobs.length);
  const before = process.cpuUsage();
  const outcomes = await pool.all(jobs, progress.add);
  const { user, system } = process.cpuUsage(before);
  const broken = jobs.flatMap(({ seed, options }, i): Tell[] => {
    const invariants = new Set(outcomes[i]?.violations.map(({ invariant }) => invariant));
    const asItIs = options.only !== undefined;
    return [...invariants].map((invariant) => ({ kind: 'tell', seed, options, invariant, asItIs }));
  });
  const chosen = chooseTold(broken);
  progress.say(chosen.length > 0 ? `${broken.length} violations; shrinking ${chosen.length} of them …` : '');
  const told = await pool.all(chosen);
  progress.say('');
  await pool.stop();

  for (const [i, job] of chosen.entries()) {
    const one = told[i];
    if (one !== undefined) printTold(job, one);
  }
  const rest = broken.filter((job) => told[chosen.indexOf(job)] === undefined);
  if (rest.length > 0) console.log(`${chosen.length > 0 ? 'More of the same' : 'Violations'}:`);
  for (const { invariant, seed, options } of rest)
    console.log(`  ${invariant}: ${called('sim')} --seed ${seed} --mode ${options.mode} --events ${options.events}`);
  if (rest.length > 0) console.log('');

  const done = outcomes.filter((one) => one !== undefined);
  printSummary(jobs, outcomes);
  const events = done.reduce((sum, one) => sum + one.events, 0);
  console.log(`${Math.round(events / ((user + system) / 1e6))} events a second and core (an event: ${event})`);
  const seeds = new Set(jobs.flatMap(({ seed }, i) => (outcomes[i] === undefined ? [] : [seed]))).size;
  const took = ((performance.now() - started) / 1000).toFixed(1);
  if (stopped) console.log(`stopped after ${done.length} of ${jobs.length} runs`);
  console.log(`${seeds} seeds, ${events} events, ${broken.length} violations, ${took} s`);
  process.exitCode = stopped ? 130 : broken.length > 0 ? 1 : 0;
}

/** The whole trace of one run, and nothing else. */
function printTrace({ from: seed, modes, options }: SimArguments): void {
  const given = { ...options, mode: modes[0] as Mode, statuses: true };
  const result = run(seed, given);
  for (const line of ndjson(seed, given, result)) process.stdout.write(line);
  process.exitCode = result.violations.length > 0 ? 1 : 0;
}

async function plant(given: SimArguments): Promise<void> {
  const hunter = isInstalled ? undefined : await import('./sim-hunt.ts');
  if (hunter === undefined)
    throw new Error('--planted-bugs changes the sources, which only a clone of the project has');
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  process.once('SIGTERM', () => stopping.abort());
  const { caught, planted } = await hunter.huntPlantedBugs(given, (line) => console.log(line), stopping.signal);
  if (stopping.signal.aborted) console.log('stopped');
  console.log(`caught ${caught} of ${planted}`);
  process.exitCode = stopping.signal.aborted ? 130 : caught < planted ? 1 : 0;
}

function chooseTold(broken: readonly Tell[]): Tell[] {
  const kinds = new Set<string>();
  return broken
    .filter(({ invariant, options }) => {
      const kind = `${options.mode} ${invariant}`;
      const first = !kinds.has(kind);
      kinds.add(kind);
      return first;
    })
    .slice(0, toldMax);
}

function printTold({ seed, options, invariant }: Tell, { what, lines, command }: Told): void {
  console.log(`${invariant} does not hold: seed ${seed}, mode ${options.mode}`);
  for (const line of [what, ...lines])
    console.log(`  ${line.length > widthMax ? `${line.slice(0, widthMax)} …` : line}`);
  console.log(`  ${command.replace('npm run sim --', called('sim'))}\n`);
}

/** How often each checker had something to look at: one that never has proves nothing. */
function printSummary(jobs: readonly Run[], outcomes: readonly (Outcome | undefined)[]): void {
  const exercised = new Map<string, Map<string, number>>();
  const columns = new Set<string>();
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome === undefined) continue;
    const mode = (jobs[i] as Run).options.mode;
    columns.add(mode);
    for (const [name, times] of Object.entries(outcome.exercised)) {
      const row = exercised.get(name) ?? new Map<string, number>();
      exercised.set(name, row.set(mode, (row.get(mode) ?? 0) + times));
    }
  }
  const wide = Math.max(9, ...[...exercised.keys()].map(({ length }) => length)) + 2;
  console.log(`${'looked at'.padEnd(wide)}${[...columns].map((mode) => mode.padStart(10)).join('')}`);
  for (const [name, row] of exercised)
    console.log(`${name.padEnd(wide)}${[...columns].map((mode) => `${row.get(mode) ?? '-'}`.padStart(10)).join('')}`);
}

/** One line that is written anew, for people who wait at a terminal. */
function progressOf(all: number) {
  const { stderr } = process;
  let runs = 0;
  let broken = 0;
  let shown = 0;
  const say = (text: string) => {
    if (stderr.isTTY) stderr.write(`\r\x1b[K${text}`);
  };
  return {
    say,
    add: ({ violations }: Outcome) => {
      runs++;
      if (violations.length > 0) broken++;
      if (performance.now() - shown < 100) return;
      shown = performance.now();
      say(`${runs} of ${all} runs, ${broken} with violations`);
    },
  };
}

async function main(): Promise<void> {
  // A reader may stop when they have seen enough.
  process.stdout.on('error', () => process.exit());
  const parsed = readSimArguments(process.argv.slice(2));
  if (parsed === 'help') console.log(simHelp);
  else if ('error' in parsed) {
    console.error(parsed.error);
    process.exitCode = 2;
  } else if (parsed.what === 'json') printTrace(parsed);
  else if (parsed.what === 'planted bugs') await plant(parsed);
  else await check(parsed);
}

main().catch((error: Error) => {
  console.error(error.message.trim());
  process.exit(1);
});
