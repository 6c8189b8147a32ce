// `npm test`: every kind of test in one go, quickest first, and one line at the end that adds them up.
// `npm run test:long`: what that leaves out, so that it can be run often.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureChromium } from '../src/headless/chromium.mjs';
import { root } from '../src/headless/install.mjs';
import { endWithParent } from '../src/headless/orphan.mjs';
import { named, stageOfReport, tallyOf } from './reports.mjs';
import { ensureXmllint } from './schemas/find-xmllint.mjs';

/** @typedef {import('./reports.mjs').Tally} Tally */

const names = /** @type {const} */ (['types', 'lint', 'tests', 'build', 'e2e', 'interop']);
/** @typedef {typeof names[number]} Stage */
/** Those of which a part is long. @type {readonly Stage[]} */
const longNames = ['tests', 'build', 'e2e'];

const { chosen, isLong } = readArguments();
const reports = mkdtempSync(`${tmpdir()}/netsplit-test-`);
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));

/** The tools at work: none outlives us. @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}
endWithParent();

/** @type {Record<Stage, () => Promise<Tally>>} */
const stages = { types, lint, tests, build, e2e, interop };
/** @type {{ stage: Stage, tally: Tally, seconds: number }[]} */
const results = [];
for (const stage of chosen) {
  console.log(`\n── ${stage} ${'─'.repeat(70 - stage.length)}`);
  const started = performance.now();
  const tally = await stages[stage]().catch((/** @type {Error} */ error) => {
    console.error(error.message);
    return tallyOf(0, [named(stage, error.message)]);
  });
  if (tally.passed + tally.failed === 0) {
    tally.failed = tally.failures.push(named(stage, 'not one test ran, which counts as a failure'));
  }
  results.push({ stage, tally, seconds: (performance.now() - started) / 1000 });
}

console.log(`\n── summary ${'─'.repeat(63)}`);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const { stage, tally, seconds } of results) {
  console.log(
    `${tally.failed === 0 ? 'ok    ' : 'FAILED'} ${stage.padEnd(7)} ${line(tally)} (${seconds.toFixed(1)} s)`,
  );
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped += tally.skipped;
}
// The end of a log is what is kept and read: who failed stands there.
for (const { stage, tally } of results)
  for (const what of tally.failures) console.log(`FAILED ${stage}: ${what.replace('\n', '\n       ')}`);
console.log(line(total));
process.exit(total.failed === 0 ? 0 : 1);

/** @param {Pick<Tally, 'passed' | 'failed' | 'skipped'>} tally */
function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** One test for each tsconfig.json: an environment each. */
async function types() {
  const projects = ['test', ...readdirSync(`${root}src`).map((name) => `src/${name}`)]
    .filter((folder) => existsSync(`${root}${folder}/tsconfig.json`))
    .concat('.');
  const tally = tallyOf(0, []);
  // Two at a time: each compiler is parallel inside already.
  const queue = projects.values();
  const worker = async () => {
    for (const project of queue) {
      const { status, output } = await run(['typescript/bin/tsc', '-p', project, '--pretty'], { quiet: true });
      console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${project}`);
      if (status === 0) tally.passed++;
      else {
        tally.failed = tally.failures.push(named(project, output));
        console.log(output);
      }
    }
  };
  await Promise.all([worker(), worker()]);
  return tally;
}

async function lint() {
  return one('biome check', await run(['@biomejs/biome/bin/biome', 'check', '--diagnostic-level=warn', '.']));
}

/** Architecture, unit, spec, scenario, contract, security and simulator tests. */
async function tests() {
  try {
    ensureXmllint();
  } catch (error) {
    // The tests that need it fail, and say why.
    console.error(/** @type {Error} */ (error).message);
  }
  const report = `${reports}/vitest.json`;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = await run(['vitest/vitest.mjs', 'run', ...(isLong ? ['--mode', 'long'] : []), ...reporters]);
  return stageOfReport('vitest', read(report), status);
}

async function build() {
  return one('vite build', await run(['vite/bin/vite.js', 'build', '--logLevel', 'warn']));
}

async function e2e() {
  const built = results.find(({ stage }) => stage === 'build');
  if (built !== undefined && built.tally.failed > 0) throw new Error('e2e: there is no page to test, the build failed');
  const chromium = await ensureChromium();
  console.log(`Chromium: ${chromium}`);
  const report = `${reports}/playwright.json`;
  const share = isLong ? '--grep=@long' : '--grep-invert=@long';
  const { status } = await run(['@playwright/test/cli.js', 'test', share, '--reporter=list,json'], {
    env: { CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  });
  return stageOfReport('playwright', read(report), status);
}

/** Clients nobody here wrote, in a browser; all of them, and what is missing installed: `npm run interop`. */
async function interop() {
  const report = `${reports}/interop.json`;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = await run(
    ['vitest/vitest.mjs', 'run', '--config', 'test/interop/vitest.config.ts', ...reporters],
    { env: { CHROMIUM_PATH: await ensureChromium(), INTEROP: 'fast' } },
  );
  return stageOfReport('vitest', read(report), status);
}

/** @param {string} file @returns {string | undefined} */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string} tool @param {{ status: number }} result @returns {Tally} */
function one(tool, { status }) {
  return status === 0 ? tallyOf(1, []) : tallyOf(0, [named(tool, `ended with status ${status}: see above`)]);
}

/**
 * Runs a tool of node_modules with this Node.
 *
 * @param {readonly string[]} command  path below node_modules, then arguments
 * @param {{ quiet?: boolean, env?: Record<string, string> }} [options]
 * @returns {Promise<{ status: number, output: string }>} output is empty unless quiet
 */
function run([tool, ...args], { quiet = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${root}node_modules/${tool}`, ...args], {
      cwd: root,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      env: { ...process.env, ...env },
    });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += String(data)));
    child.on('error', reject);
    child.on('close', (status) => {
      children.delete(child);
      resolve({ status: status ?? 1, output });
    });
  });
}

/** @returns {{ chosen: readonly Stage[], isLong: boolean }} */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, long: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    const { long: isLong = false } = values;
    if (values.help) {
      console.log(
        `npm test -- [--only STAGE[,STAGE…]] [--long]\n\nStages, in order: ${names.join(', ')}. With --long ${longNames.join(', ')}, with what is otherwise left out.`,
      );
      process.exit(0);
    }
    const only = values.only?.split(',');
    const unknown = only?.find((name) => !(/** @type {readonly string[]} */ (names).includes(name)));
    if (unknown !== undefined)
      throw new Error(`--only: no stage ${JSON.stringify(unknown)}: one of ${names.join(', ')}`);
    const offered = isLong ? longNames : names;
    const chosen = offered.filter((name) => only?.includes(name) ?? true);
    if (chosen.length === 0) throw new Error(`--long: nothing is left out of ${only?.join(', ')}`);
    return { chosen, isLong };
  } catch (error) {
    console.error(String(/** @type {Error} */ (error).message).split(/\.\s|\n/)[0]);
    process.exit(2);
  }
}
