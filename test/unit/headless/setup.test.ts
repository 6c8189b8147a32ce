import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defaultPort, pageOptions } from '../../../src/headless/arguments.mjs';
import { findChromium } from '../../../src/headless/chromium.mjs';
import { nodeTooOld, whatIsMissing } from '../../../src/headless/install.mjs';
import { readFlags } from '../../../src/headless/settings.mjs';
import { stageOfReport } from '../../reports.mjs';

const setup = fileURLToPath(new URL('../../../src/headless/setup.mjs', import.meta.url));
function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [setup, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('flags of npm start', () => {
  const options = (args: readonly string[], env = {}) => {
    const flags = readFlags('start', args);
    if ('error' in flags) return flags.error;
    const read = pageOptions(flags.values, env);
    return 'error' in read ? read.error : read;
  };

  it('default: port 5173, this machine only, the default scenario', () => {
    expect(options([])).toEqual({ port: defaultPort, host: undefined, scenario: undefined });
    expect(defaultPort).toBe(5173);
  });

  it('--port wins over PORT', () => {
    expect(options([], { PORT: '4000' })).toMatchObject({ port: 4000 });
    expect(options(['--port', '4001'], { PORT: '4000' })).toMatchObject({ port: 4001 });
    expect(options(['--port=0'])).toMatchObject({ port: 0 });
    expect(options([], { PORT: '' })).toMatchObject({ port: defaultPort });
  });

  it('--host and --scenario', () => {
    expect(options(['--host', '0.0.0.0', '--scenario', 'plain'])).toMatchObject({ host: '0.0.0.0', scenario: 'plain' });
  });

  it('--frame-ancestors: one site or several; nobody else is named', () => {
    expect(options(['--frame-ancestors', 'https://notes.example.org/,http://localhost:8000'])).toMatchObject({
      frameAncestors: ['https://notes.example.org', 'http://localhost:8000'],
    });
    expect(options([])).not.toHaveProperty('frameAncestors');
  });

  it('the limits are those of npm run serve', () => {
    expect(options(['--client-rate', '20000', '--room-rate=5/6', '--turns-rate', '7'])).toMatchObject({
      budgets: { client: { perSecond: 20_000 }, roomIn: { perSecond: 5, burst: 6 }, turnsPerSecond: 7 },
    });
  });

  for (const [args, message] of [
    [['--port', 'five'], /--port: "five" is not a port/],
    [['--port', '65536'], /is not a port/],
    [['--port', '-1'], /port/],
    [['--port'], /--port/],
    [['--prot', '1'], /Unknown option '--prot'/],
    [['wallops'], /Unexpected argument 'wallops'/],
    [['--host', ''], /--host/],
    [['--scenario', ''], /--scenario/],
    ...['', '*', 'https://*.example.org', 'https://a.example/path', 'javascript:alert(1)', 'https://a.example; *'].map(
      (site) => [['--frame-ancestors', site], /^--frame-ancestors: ".*" is not the address of a web site/] as const,
    ),
    [['--client-rate', '10kB'], /^--client-rate: "10kB" is not bytes a second, such as 10000/],
    [['--turns-rate', '-1'], /--turns-rate/],
    [['--trace-bytes', '5'], /^--trace-bytes: "5" is not a number of bytes from 100000/],
  ] as const) {
    it(`refuses ${args.join(' ')} in one line`, () => {
      expect(options(args)).toMatch(message);
      expect(options(args)).not.toContain('\n');
    });
  }

  it('names PORT where that is what is wrong', () => {
    expect(options([], { PORT: 'x' })).toMatch(/^PORT: "x"/);
  });
});

describe('setup.mjs as a command', () => {
  it('prints --help without doing anything', () => {
    for (const command of ['start', 'dev', 'preview']) {
      expect(run(command, '--help')).toMatchObject({
        status: 0,
        stderr: '',
        stdout: expect.stringContaining('--port'),
      });
    }
    expect(run('build', '--help').status).toBe(0);
  });

  it('answers a bad flag with one line and status 2', () => {
    const { status, stderr, stdout } = run('start', '--colour');
    expect({ status, stdout, lines: stderr.trim().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
  });

  it('answers an unknown command or a stray argument with status 2', () => {
    expect(run('strat').status).toBe(2);
    expect(run('build', 'now').status).toBe(2);
  });

  it('npm test answers an unknown stage with status 2', () => {
    const runAll = fileURLToPath(new URL('../../run-all.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [runAll, '--only', 'everything'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/^--only: no stage "everything"/) });
  });

  it('tells every mistake of a scenario with its line, before it listens', () => {
    const file = fileURLToPath(new URL('../../../src/scenario/schema.json', import.meta.url));
    const { status, stderr } = run('start', '--port', '0', '--scenario', file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/schema\.json:\d+: \$\.\$defs: unknown property/);
  });

  it('a scenario that does not exist', () => {
    expect(run('start', '--scenario', 'nowhere')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^--scenario nowhere: /),
    });
  });
});

describe('what an installation needs', () => {
  it('Node 20.19, or 22.12 and later', () => {
    for (const good of ['20.19.0', '20.20.2', '22.12.0', '24.1.0', '25.0.0']) expect(nodeTooOld(good)).toBeUndefined();
    for (const bad of ['18.20.0', '20.18.3', '21.7.0', '22.11.0']) {
      expect(nodeTooOld(bad)).toContain(bad);
      expect(nodeTooOld(bad)).not.toContain('\n');
    }
  });

  const lock = {
    packages: {
      '': {},
      'node_modules/ws': { version: '8.1.0' },
      'node_modules/fsevents': { version: '2.0.0', optional: true },
    },
  };
  it('nothing, when every package is there in the version of the lock', () => {
    expect(whatIsMissing(lock, { packages: { 'node_modules/ws': { version: '8.1.0' } } })).toBeUndefined();
  });
  it('everything, before the first installation', () => {
    expect(whatIsMissing(lock, undefined)).toMatch(/nothing is installed/);
  });
  it('what the lock has in another version, or has and node_modules has not', () => {
    expect(whatIsMissing(lock, { packages: { 'node_modules/ws': { version: '8.0.0' } } })).toBe(
      'ws 8.1.0 is not installed',
    );
    expect(whatIsMissing(lock, { packages: {} })).toBe('ws 8.1.0 is not installed');
  });
});

describe('package-lock.json', () => {
  const { packages } = JSON.parse(readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'));

  it('has every optional package of every package, for all platforms: npm ci refuses a lock that lacks one', () => {
    const missing: string[] = [];
    for (const [path, { optionalDependencies = {} }] of Object.entries<{ optionalDependencies?: object }>(packages))
      for (const name of Object.keys(optionalDependencies))
        if (!(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages)) missing.push(name);
    expect(missing).toEqual([]);
  });

  it('names no registry, so that each machine may use its own', () => {
    const fetched = Object.values<{ resolved?: string }>(packages).filter(({ resolved }) => resolved?.includes(':'));
    expect(fetched).toEqual([]);
  });
});

describe('which Chromium', () => {
  it('CHROMIUM_PATH before the system', async () => {
    expect(await findChromium({ CHROMIUM_PATH: '/opt/c' }, () => true)).toBe('/opt/c');
    expect(await findChromium({}, (path) => path === '/usr/bin/google-chrome')).toBe('/usr/bin/google-chrome');
  });
  it('a CHROMIUM_PATH that does not exist is an error, not a hint', async () => {
    await expect(findChromium({ CHROMIUM_PATH: '/opt/c' }, () => false)).rejects.toThrow('/opt/c');
  });
  it('none', async () => {
    expect(await findChromium({}, () => false)).toBeUndefined();
  });
});

describe('what npm test counts, and names', () => {
  const file = (...names: readonly string[]) => fileURLToPath(new URL(`../../${names.join('/')}`, import.meta.url));
  const vitest = (testResults: readonly unknown[]) =>
    JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0, testResults });
  const counted = { passed: 3, failed: 0, skipped: 1, failures: [] };

  it('passed and skipped tests', () => {
    expect(stageOfReport('vitest', vitest([]), 0)).toEqual(counted);
  });
  it('a failed test, with its file and the first line of its error', () => {
    const assertionResults = [
      { status: 'passed', ancestorTitles: ['', 'rooms'], title: 'are there', failureMessages: [] },
      { status: 'failed', ancestorTitles: ['', 'rooms'], title: 'are empty', failureMessages: ['Error: no\n  at x'] },
    ];
    const report = vitest([{ name: file('unit/a.test.ts'), status: 'failed', message: '', assertionResults }]);
    const failures = ['test/unit/a.test.ts › rooms › are empty\nError: no'];
    expect(stageOfReport('vitest', report, 1)).toEqual({ ...counted, failed: 1, failures });
  });
  it('a test file that could not be loaded is a failure, and so is one where a hook failed', () => {
    const skipped = { status: 'skipped', ancestorTitles: [], title: 'never ran', failureMessages: [] };
    const broken = [
      { name: file('unit/a.test.ts'), status: 'failed', message: '\nno such file\n', assertionResults: [] },
      { name: file('unit/b.test.ts'), status: 'failed', message: '', assertionResults: [skipped] },
    ];
    expect(stageOfReport('vitest', vitest(broken), 1)).toEqual({
      ...counted,
      failed: 2,
      failures: ['test/unit/a.test.ts\nno such file', 'test/unit/b.test.ts\nno error was reported'],
    });
  });
  it('a runner that failed without a failing test is a failure', () => {
    const failures = ['vitest\nended with status 1'];
    expect(stageOfReport('vitest', undefined, 1)).toEqual({ ...counted, passed: 0, failed: 1, skipped: 0, failures });
    expect(stageOfReport('vitest', vitest([]), 1)).toEqual({ ...counted, failed: 1, failures });
  });

  const playwright = (specs: readonly unknown[], stats: object, errors: readonly unknown[] = []) => {
    const suites = [{ title: 'a.spec.ts', file: 'a.spec.ts', specs: [], suites: [{ title: 'Faults', specs }] }];
    return JSON.stringify({ config: { rootDir: file('e2e') }, suites, errors, stats });
  };
  const spec = (title: string, status: string, ...results: readonly unknown[]) => ({
    title,
    tests: [{ status, results }],
  });
  const location = { file: file('e2e/support/netsplit.ts'), line: 12 };
  it('a failed end-to-end test: what was expected, what was there, and where; a file that could not be loaded', () => {
    const timedOut = { message: '\u001b[31mTest timeout of 60000ms exceeded.\u001b[39m' };
    const message = 'Error: expect(received).toBe(expected)\n\nExpected: \u001b[32m4\u001b[39m\nReceived: 3\n\n  2 | x';
    const report = playwright(
      [
        spec('well', 'expected', { status: 'passed', errors: [] }),
        spec('cut', 'unexpected', { status: 'timedOut', errors: [timedOut, { message, location }] }),
        spec('slow', 'unexpected', { status: 'timedOut', errors: [timedOut] }),
      ],
      { expected: 1, unexpected: 2, skipped: 2 },
      [{ message: 'Error: Cannot find module x' }],
    );
    expect(stageOfReport('playwright', report, 1)).toEqual({
      passed: 1,
      failed: 3,
      skipped: 2,
      failures: [
        'outside of the tests\nError: Cannot find module x',
        'test/e2e/a.spec.ts › Faults › cut\nError: expect(received).toBe(expected); Expected: 4; Received: 3 (test/e2e/support/netsplit.ts:12)',
        'test/e2e/a.spec.ts › Faults › slow\nTest timeout of 60000ms exceeded.',
      ],
    });
  });
});
