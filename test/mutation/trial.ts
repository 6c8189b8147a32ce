import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ofLedger } from '../ledger/ledger.ts';
import { describeMutant, type Mutant } from './mutants.ts';
import type { Order, Reached } from './plugin.ts';

/** What is tried, and with what. */
export interface Ground {
  /** The project's folder, with a slash at its end. */
  readonly root: string;
  readonly mutants: readonly Mutant[];
  /** Globs from there. */
  readonly tests: readonly string[];
  /** Globs of the files in which the simulator runs seeds, a mode each: they come last. */
  readonly seedFiles: readonly string[];
  readonly seeds: number;
}

export interface Verdict {
  readonly mutant: Mutant;
  /** Undefined: nobody noticed. */
  readonly noticed: string | undefined;
  readonly seconds: number;
}

/** What came by where, and how long it took, without any change. */
interface Baseline {
  readonly tests: readonly { readonly file: string; readonly ms: number; readonly mutants: ReadonlySet<number> }[];
}

/** So few seeds show by which places a mode comes. */
const seedsForReachMax = 5;
/** A change that makes the tests that much slower has been noticed. */
const patience = { leastMs: 120_000, times: 10 };
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const config = fileURLToPath(new URL('./vitest.config.ts', import.meta.url));

/** Runs the tests on one change after another, on so many cores. */
export class Trial {
  readonly #ground: Ground;
  readonly #folder = mkdtempSync(`${tmpdir()}/netsplit-mutation-`);
  readonly #children = new Set<ChildProcess>();
  /** Seeds that break an invariant without any change. */
  readonly #sound = new Map<string, Promise<boolean>>();
  readonly #seedsForReach: number;
  #runs = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#seedsForReach = Math.min(seedsForReachMax, ground.seeds);
  }

  /**
   * @param say  takes each verdict as it comes
   * @returns the verdicts, in the order of the changes
   * @throws Error if tests fail without any change
   */
  async judge(threads: number, say: (verdict: Verdict) => void): Promise<Verdict[]> {
    const baseline = await this.#baseline(threads);
    const verdicts: Verdict[] = [];
    const queue = this.#ground.mutants.keys();
    const worker = async () => {
      for (const i of queue) {
        const verdict = await this.#try(i, baseline);
        verdicts[i] = verdict;
        say(verdict);
      }
    };
    await Promise.all(Array.from({ length: threads }, worker));
    return verdicts;
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #baseline(threads: number): Promise<Baseline> {
    const { tests, seedFiles, seeds } = this.#ground;
    const order = {
      tests: seeds > 0 ? [...tests, ...seedFiles] : tests,
      active: undefined,
      seeds: this.#seedsForReach,
    };
    const { report, reachedFile, output } = await this.#vitest(order, [`--maxWorkers=${threads}`], undefined);
    const failed = failureOf(report);
    if (report === undefined || failed !== undefined)
      throw new Error(`without any change the tests must pass: ${failed ?? output}`);
    const reached = new Map<string, ReadonlySet<number>>();
    for (const line of readFileSync(reachedFile, 'utf8').trim().split('\n')) {
      const { test, mutants }: Reached = JSON.parse(line);
      reached.set(test, new Set(mutants));
    }
    return {
      tests: report.testResults.map(({ name, startTime, endTime }) => ({
        file: name.slice(this.#ground.root.length),
        ms: endTime - startTime,
        mutants: reached.get(name) ?? new Set(),
      })),
    };
  }

  async #try(active: number, baseline: Baseline): Promise<Verdict> {
    const mutant = this.#ground.mutants[active] as Mutant;
    const started = performance.now();
    const verdict = (noticed: string | undefined): Verdict => ({
      mutant,
      noticed,
      seconds: (performance.now() - started) / 1000,
    });
    const byTime = [...baseline.tests].sort((a, b) => a.ms - b.ms);
    const isSeeds = (file: string) => this.#ground.seedFiles.some((glob) => file.startsWith(glob.replace(/\*.*/, '')));
    const tests = byTime.filter(({ file, mutants }) => !isSeeds(file) && mutants.has(active));
    const all = byTime.filter(({ file }) => isSeeds(file));
    const there = all.filter(({ mutants }) => mutants.has(active));
    // What the first seeds do not come by, later ones may.
    const runs = [...tests, ...(there.length > 0 ? there : all)];
    if (runs.length === 0) return verdict(undefined);
    const { seeds } = this.#ground;
    const expected = runs.reduce(
      (sum, { file, ms }) => sum + (isSeeds(file) ? (ms * seeds) / this.#seedsForReach : ms),
      0,
    );
    const order = { tests: runs.map(({ file }) => file), active, seeds };
    const limit = Math.max(patience.leastMs, patience.times * expected);
    const { status, report, output, late } = await this.#vitest(order, ['--maxWorkers=1'], limit);
    if (late) return verdict(`still running after ${Math.round(limit / 1000)} s`);
    if (status === 0) return verdict(undefined);
    const failed = failureOf(report);
    const seed = report?.testResults.find(({ name, status }) => status === 'failed' && isSeeds(relative(name)));
    if (seed && failed !== undefined && !(await this.#isSound(relative(seed.name), failed)))
      throw new Error(`${failed} breaks an invariant without any change: mend that first`);
    return verdict(failed ?? `the tests broke off: ${output}`);
    function relative(name: string): string {
      return runs.find(({ file }) => name.endsWith(`/${file}`))?.file ?? name;
    }
  }

  #isSound(file: string, test: string): Promise<boolean> {
    const key = `${file} ${test}`;
    const known = this.#sound.get(key);
    if (known) return known;
    // No place in the list: nothing is changed, and nothing noted.
    const order = { tests: [file], active: -1, seeds: this.#ground.seeds };
    const now = this.#vitest(order, ['--maxWorkers=1', '-t', `${test}$`], undefined).then(({ status }) => status === 0);
    this.#sound.set(key, now);
    return now;
  }

  async #vitest(order: Pick<Order, 'tests' | 'active' | 'seeds'>, flags: readonly string[], limit: number | undefined) {
    const { root, mutants } = this.#ground;
    const run = `${this.#folder}/${this.#runs++}`;
    const [orderFile, reportFile, reachedFile] = [`${run}-order.json`, `${run}-report.json`, `${run}-reached`];
    writeFileSync(
      orderFile,
      JSON.stringify({ ...order, root, mutants, reachedFile, cacheFolder: `${this.#folder}/cache` } satisfies Order),
    );
    const child = spawn(
      process.execPath,
      [vitest, 'run', '--config', config, '--reporter=json', `--outputFile=${reportFile}`, ...flags],
      { cwd: root, env: { ...process.env, MUTATION_ORDER: orderFile }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#children.add(child);
    let output = '';
    let late = false;
    child.stderr.on('data', (data) => {
      output = (output + data).slice(-2000);
    });
    const timer =
      limit &&
      setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, limit);
    const status = await new Promise<number | null>((resolve, reject) =>
      child.on('error', reject).on('close', resolve),
    );
    clearTimeout(timer);
    this.#children.delete(child);
    const report: Report | undefined = existsSync(reportFile)
      ? JSON.parse(readFileSync(reportFile, 'utf8'))
      : undefined;
    return { status, report, reachedFile, output: output.trim(), late };
  }
}

/** Of what Vitest's reporter `json` writes. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly startTime: number;
    readonly endTime: number;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** The first test that failed, or why a file did not load. */
function failureOf(report: Report | undefined): string | undefined {
  for (const { status, assertionResults, message, name } of report?.testResults ?? []) {
    const failed = assertionResults.find((one) => one.status === 'failed');
    // Nothing but the ledger knows what this test does not ask for.
    const isLedgers = failed?.failureMessages?.[0]?.includes(`${ofLedger} in this test`) === true;
    if (failed) return `${isLedgers ? `${ofLedger} ` : ''}${failed.fullName.trim()}`;
    if (status === 'failed') return `${name.split('/').at(-1)}: ${message.split('\n')[0]}`;
  }
  return undefined;
}

/** The line for one verdict. */
export function printVerdict({ mutant, noticed, seconds }: Verdict): string {
  const short = noticed !== undefined && noticed.length > 100 ? `${noticed.slice(0, 100)} …` : noticed;
  return `${noticed === undefined ? 'SURVIVED' : 'noticed '} ${describeMutant(mutant)}  (${short ? `${short}, ` : ''}${seconds.toFixed(1)} s)`;
}
