import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../../src/headless/install.mjs';
import { plantedBugs } from '../../src/headless/planted-bugs.ts';
import { readSimArguments } from '../../src/headless/sim-arguments.ts';
import { modes } from '../../src/sim/plan.ts';
import { isLong } from '../support/long.ts';

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function sim(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['src/headless/setup.mjs', 'sim', ...args], { cwd: root }, (_, out, err) =>
      resolve({ status: child.exitCode ?? -1, out, err }),
    );
  });
}

describe('npm run sim: arguments', () => {
  it.each([
    ['--mode 0280', `--mode: "0280" is not one of ${modes.join(', ')}, all`],
    ['--seeds 5..1', '--seeds: "5..1" is no range'],
    ['--seed 1 --seeds 1..2', '--seed and --seeds: one of them'],
    ['--seed x', '--seed: "x" is no number'],
    ['--events 0', '--events: "0" is no number from 1'],
    ['--threads many', '--threads: "many" is no number from 1'],
    ['--steps 1,2', '--steps is about one run: it needs --seed and one --mode'],
    ['--seed 1 --json', '--json is about one run'],
    ['--seed 1 --mode plain --steps 1,9999', '--steps: "1,9999" is no list'],
    ['--seed 1 --mode plain --calm weather', '--calm: "weather" is not one of'],
    ['--seed 3 --mode 0282 --absent rooms.s0.sim', '--absent: "rooms.s0.sim" is not one of replica@s1.sim'],
    ['--seed 3 --mode plain --absent x', '--absent: "x" is not one of (this run has no such node)'],
    ['--seeds 1..3 --mode 0282 --absent replica@s1.sim', '--absent is about one run'],
    ['--sedes 1', "Unknown option '--sedes'"],
  ])('%s', (args, error) => {
    expect(readSimArguments(args.split(' '))).toEqual({ error: expect.stringContaining(error) });
  });

  it('without any: seeds 1 to 100, all modes', () => {
    expect(readSimArguments([])).toMatchObject({ from: 1, to: 100, modes, options: { events: 120 }, what: 'check' });
  });
});

describe('npm run sim', () => {
  it.runIf(isLong)('runs the same on one thread and on two, and ends with its totals', async () => {
    const args = ['--seeds', '1..3', '--mode', '0282', '--events', '15'];
    const [one, two] = await Promise.all([sim(...args, '--threads', '1'), sim(...args, '--threads', '2')]);
    const lasting = ({ out }: Ended) => out.replace(/\d+ events a second.*/, '').replace(/[\d.]+ s$/m, '');
    expect(one.err).toBe('');
    expect(lasting(two)).toBe(lasting(one));
    expect(one.out.trimEnd().split('\n').at(-1)).toMatch(/^3 seeds, \d+ events, \d+ violations, \d+\.\d s$/);
    expect(one.status).toBe(/, 0 violations,/.test(one.out) ? 0 : 1);
  });

  it('a bad argument: one line and status 2; --json: the trace and nothing else', async () => {
    const json = ['--seed', '1', '--mode', 'plain', '--events', '10', '--steps', '1,2', '--json'];
    const [bad, trace] = await Promise.all([sim('--mode', 'x'), sim(...json)]);
    expect(bad).toEqual({ status: 2, out: '', err: expect.stringMatching(/^--mode: .*\n$/) });
    const lines = trace.out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))[0]).toMatchObject({ format: 'netsplit-trace', only: [1, 2] });
    expect(lines.length).toBeGreaterThan(20);
  });
});

describe('Planted bugs', () => {
  const patches = plantedBugs.flatMap(({ name, also, ...patch }) =>
    [patch, ...(also ? [also] : [])].map((one) => ({ name, ...one })),
  );
  it.each(patches)('$name: what it changes stands once in $file', ({ file, find, replace }) => {
    expect(readFileSync(root + file, 'utf8').split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  });

  it('have names of their own', () => {
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
  });
});
