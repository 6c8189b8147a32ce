import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { findChromium } from '../../src/headless/chromium.mjs';
import { buildTesting } from '../../src/headless/testing-package.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
/** Without what the runner tells its own workers. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PW|PLAYWRIGHT|TEST)_/.test(name)));

test('netsplit/testing, installed from a tarball: the examples compile against its types, and pass', {
  tag: '@long',
}, async () => {
  test.setTimeout(180_000);
  const project = mkdtempSync(`${tmpdir()}/netsplit-package-`);
  try {
    await buildTesting();
    // Its scripts would build what is built already.
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', project];
    const [packed] = JSON.parse(
      (await run('npm', pack, { cwd: root, env, shell: process.platform === 'win32' })).stdout,
    );
    const names: readonly string[] = packed.files.map(({ path }: { path: string }) => path);
    expect(names).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'dist/index.html', 'dist/testing/index.js']));
    // Of the sources what an administrator reads, and no program.
    const forReaders = /^src\/headless\/[\w-]+\.(?:md|service)$/i;
    expect(names.filter((name) => /^(?:src|test)\/|\.map$/.test(name) && !forReaders.test(name))).toEqual([]);

    // As npm would put it there, without asking a registry for its dependencies.
    const modules = `${project}/node_modules`;
    mkdirSync(`${modules}/netsplit`, { recursive: true });
    for (const name of readdirSync(`${root}node_modules`))
      if (!name.startsWith('.')) symlinkSync(`${root}node_modules/${name}`, `${modules}/${name}`, 'junction');
    await run('tar', ['-xzf', `${project}/${packed.filename}`, '-C', `${modules}/netsplit`, '--strip-components', '1']);
    cpSync(`${root}test/examples`, `${project}/tests`, { recursive: true });
    writeFileSync(`${project}/package.json`, JSON.stringify({ type: 'module', private: true }));
    const executablePath = await findChromium();
    const use = { launchOptions: executablePath === undefined ? {} : { executablePath } };
    writeFileSync(`${project}/playwright.config.ts`, `export default ${JSON.stringify({ testDir: 'tests', use })};\n`);
    const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: ['node'] };
    writeFileSync(`${project}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['tests'] }));

    const here = { cwd: project, env };
    const tsc = await run(process.execPath, [`${modules}/typescript/bin/tsc`], here).catch((error) => error);
    expect(tsc.stdout).toBe('');
    const cli = `${modules}/@playwright/test/cli.js`;
    const examples = ['counting', '--workers', '1', '--timeout', '60000', '--reporter', 'line'];
    const tests = await run(process.execPath, [cli, 'test', ...examples], here).catch((error) => error);
    expect(tests.stdout).toMatch(/\b2 passed\b/);

    // What happened in one that fails is kept.
    const failing = readFileSync(`${project}/tests/counting.spec.ts`, 'utf8').replace('crossed: 4', 'crossed: 40');
    writeFileSync(`${project}/tests/counting.spec.ts`, failing);
    const failed = await run(process.execPath, [cli, 'test', 'counting:5', '--reporter', 'line'], here).catch((e) => e);
    const [, kept = ''] = /(test-results\/\S+\.ndjson)/.exec(failed.stdout) ?? [];
    expect(kept, failed.stdout).not.toBe('');
    expect(readFileSync(`${project}/${kept}`, 'utf8')).toMatch(/^\{"format":"netsplit-trace","version":1,/);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
});
