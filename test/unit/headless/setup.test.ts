import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defaultPort, parsePageArguments } from '../../../src/headless/arguments.mjs';
import { findChromium } from '../../../src/headless/chromium.mjs';
import { nodeTooOld, whatIsMissing } from '../../../src/headless/install.mjs';
import { stageOfReport } from '../../reports.mjs';

const setup = fileURLToPath(new URL('../../../src/headless/setup.mjs', import.meta.url));
function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [setup, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('flags of npm start', () => {
  const options = (args: readonly string[], env = {}) => {
    const parsed = parsePageArguments(args, env);
    return parsed.ok ? parsed.options : parsed.error;
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

  for (const [args, message] of [
    [['--port', 'five'], /--port: "five" is not a port/],
    [['--port', '65536'], /is not a port/],
    [['--port', '-1'], /port/],
    [['--port'], /--port/],
    [['--prot', '1'], /Unknown option '--prot'/],
    [['wallops'], /Unexpected argument 'wallops'/],
    [['--host', ''], /--host/],
    [['--scenario', ''], /--scenario/],
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

describe('what npm test counts', () => {
  const vitest = (testResults: readonly unknown[]) =>
    JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0, testResults });
  it('passed and skipped tests', () => {
    expect(stageOfReport('vitest', vitest([]), 0)).toEqual({ passed: 3, failed: 0, skipped: 1 });
  });
  it('a test file that could not be loaded is a failure', () => {
    const broken = vitest([{ status: 'failed', assertionResults: [] }]);
    expect(stageOfReport('vitest', broken, 1)).toEqual({ passed: 3, failed: 1, skipped: 1 });
  });
  it('a runner that failed without a failing test is a failure', () => {
    expect(stageOfReport('vitest', undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(stageOfReport('vitest', vitest([]), 1).failed).toBe(1);
  });
  it('a flaky end-to-end test, or one that could not be loaded, is a failure', () => {
    const report = JSON.stringify({ stats: { expected: 5, unexpected: 0, flaky: 1, skipped: 2 }, errors: [{}] });
    expect(stageOfReport('playwright', report, 0)).toEqual({ passed: 5, failed: 2, skipped: 2 });
  });
});
