// npx tsx test/ledger/write.ts: after a change that is meant to change what nodes do.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bundleThread } from '../../src/headless/sim-bundle.ts';
import { SimPool } from '../../src/headless/sim-pool.ts';
import type { Outcome } from '../../src/headless/sim-thread.ts';
import { modes } from '../../src/sim/plan.ts';
import { ledgerEvents, ledgerSeeds, readRuns, readSaid, runsFile, saidFile } from './ledger.ts';

/** Of random input. */
const random = /\.property\.test\.ts$/;

await writeRuns();
await writeSaid();

async function writeRuns(): Promise<void> {
  const before = readRuns();
  const pool = new SimPool(await bundleThread(), availableParallelism());
  const after: Record<string, readonly string[]> = {};
  for (const mode of modes) {
    const jobs = Array.from(
      { length: ledgerSeeds },
      (_, i) => ({ kind: 'run', seed: i + 1, options: { mode, events: ledgerEvents }, digest: true }) as const,
    );
    const digests = ((await pool.all(jobs)) as readonly Outcome[]).map(({ digest = '' }) => digest);
    const changed = digests.flatMap((digest, i) => (digest === before[mode]?.[i] ? [] : [i + 1]));
    console.log(`${mode}: ${changed.length === 0 ? 'as before' : `other than before: seeds ${changed.join(', ')}`}`);
    after[mode] = digests;
  }
  await pool.stop();
  write(runsFile, after);
}

async function writeSaid(): Promise<void> {
  const before = readSaid();
  const folder = mkdtempSync(`${tmpdir()}/netsplit-ledger-`);
  const lines = `${folder}/lines`;
  try {
    writeFileSync(lines, '');
    const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
    const child = spawn(process.execPath, [vitest, 'run', '--project', 'core', '--reporter', 'dot'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, LEDGER_LINES: lines },
      stdio: 'inherit',
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    if (status !== 0) throw new Error('tests fail: their part of the ledger stays as it is');
    const after: Record<string, Record<string, string>> = {};
    for (const line of readFileSync(lines, 'utf8').trim().split('\n').sort()) {
      const [file, title, digest]: [string, string, string] = JSON.parse(line);
      if (random.test(file)) continue;
      after[file] ??= {};
      after[file][title] = digest;
      if (before[file]?.[title] !== digest) console.log(`other than before: ${file}: ${title}`);
    }
    write(saidFile, after);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(file: URL, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
