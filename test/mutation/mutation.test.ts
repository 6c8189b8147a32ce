import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { root } from '../../src/headless/install.mjs';
import { isLong } from '../support/long.ts';
import { help, readArguments } from './arguments.ts';
import { equivalents, equivalentTo } from './equivalents.ts';
import { changed, changeOf, describeMutant, mutantsOf } from './mutants.ts';
import { withProbes } from './plugin.ts';
import { candidates, sampleOf } from './sample.ts';
import { printVerdict, Trial } from './trial.ts';

const changesOf = (code: string) => mutantsOf('a.ts', code).map((mutant) => changed(code, mutant));

describe('The changes of a file', () => {
  it.each([
    ['a comparison is turned', 'x = a === b;', ['x = a !== b;']],
    ['and moved by one', 'x = a < b;', ['x = a >= b;', 'x = a <= b;']],
    ['&& for ||', 'x = a || b;', ['x = ((a) && (b));']],
    ['a dropped !', 'x = !a;', ['x = (a);']],
    ['an off-by-one', 'x = a[0];', ['x = a[1];']],
    ['true for false', 'x = true;', ['x = false;']],
    [
      'a dropped early return',
      'function f() { if (a) return b; return c; }',
      ['function f() { if (a) void (b); return c; }'],
    ],
    ['a dropped continue', 'for (const a of b) { continue; }', ['for (const a of b) { ; }']],
    ['swapped arguments of a condition', 'x = f(a, b) ? c : d;', ['x = f(b, a) ? c : d;']],
    ['a removed call', 'turn.send(a);', [';']],
  ])('%s', (_, code, expected) => {
    expect(changesOf(code)).toEqual(expected);
  });

  it('leaves types, names and notes alone', () => {
    expect(changesOf('type A = 1 | true; const b: { c: 2 } = d; turn.note("e", "f"); import g from "h";')).toEqual([]);
  });

  it('has the line, and names what it changes', () => {
    const [mutant] = mutantsOf('a.ts', '\n\nif (a &&\n  b) c = d;');
    expect(mutant && describeMutant(mutant)).toBe('a.ts:3  a && b → ((a) || (b))');
  });

  it('is refused for what is no TypeScript', () => {
    expect(() => mutantsOf('a.ts', 'if (')).toThrow(/^a\.ts: /);
  });
});

describe('The sample', () => {
  const all = candidates(root, 'src/core/');

  it('comes from all of the core, and every change is a program', { timeout: 120_000 }, () => {
    expect(all.length).toBeGreaterThan(5000);
    for (const mutant of sampleOf(all, 100, 7))
      mutantsOf(mutant.file, changed(readFileSync(root + mutant.file, 'utf8'), mutant));
  });

  it('is the same for the same seed, and another for another', () => {
    const named = (seed: number) => sampleOf(all, 20, seed).map(describeMutant);
    expect(named(3)).toEqual(named(3));
    expect(named(3)).not.toEqual(named(4));
  });

  it('is part of a larger one with the same seed', () => {
    expect(sampleOf(all, 30, 3)).toEqual(expect.arrayContaining(sampleOf(all, 20, 3)));
  });
});

describe('Whether the tests come by a place', () => {
  const reachedBy = (code: string) => {
    const reached = new Set<number>();
    const places = mutantsOf('a.ts', code).map((mutant, i) => ({ ...mutant, i }));
    Object.assign(globalThis, { reached });
    const value: unknown = new Function(`${withProbes(code, places)} return f();`)();
    return { value, reached: places.filter(({ i }) => reached.has(i)).map(changeOf) };
  };

  it('is noted, of places inside one another too, and the program does what it did', () => {
    expect(reachedBy('function f() { if (1 < 2 && !false) return 3; return 4; }')).toEqual({
      value: 3,
      reached: [
        '1 < 2 && !false → ((1 < 2) || (!false))',
        '1 < 2 → 1 >= 2',
        '1 < 2 → 1 <= 2',
        '1 → 2',
        '2 → 3',
        '!false → (false)',
        'false → true',
        'dropped exit: return 3;',
        '3 → 4',
      ],
    });
  });

  it('is not noted of what a condition left out', () => {
    expect(reachedBy('function f() { return false && !g; }')).toEqual({
      value: false,
      reached: ['false && !g → ((false) || (!g))', 'false → true'],
    });
  });
});

describe('A trial', () => {
  it.runIf(isLong)('names what was not noticed, and who noticed the rest', { timeout: 240_000 }, async () => {
    const file = 'test/mutation/fixture/ages.ts';
    const mutants = mutantsOf(file, readFileSync(root + file, 'utf8')).filter(({ kind }) => kind === 'boundary');
    const trial = new Trial({ root, mutants, tests: ['test/mutation/fixture/*.check.ts'], seedFiles: [], seeds: 0 });
    try {
      const verdicts = await trial.judge(2, () => {});
      expect(verdicts.map((one) => printVerdict({ ...one, seconds: 1 }))).toEqual([
        `noticed  ${file}:3  age >= 18 → age > 18  (adults are 18, 1.0 s)`,
        `SURVIVED ${file}:8  age > 12 → age >= 12  (1.0 s)`,
        `SURVIVED ${file}:8  age < 20 → age <= 20  (1.0 s)`,
      ]);
    } finally {
      trial.stop();
    }
  });
});

describe('The list of changes that change nothing', () => {
  it('has none that the source has no room for any more', () => {
    const stale = equivalents.filter((one) => {
      const code = readFileSync(root + one.file, 'utf8');
      return !mutantsOf(one.file, code).some((mutant) => equivalentTo(mutant, code) === one);
    });
    expect(stale).toEqual([]);
  });
});

describe('npm run mutation', () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', 'test/mutation/mutation.ts', ...args], {
      cwd: root,
    }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );

  it('lists the sample', { timeout: 60_000 }, async () => {
    const { code, stdout } = await run('--list', '--sample', '3', '--seed', '2', '--only', 'primary.ts');
    expect(code).toBe(0);
    expect(stdout.match(/^src\/core\/distribution\/primary-replica\/primary\.ts:\d+ {2}/gm)?.length).toBeGreaterThan(1);
  });

  it.each([
    [['--sample', '0'], '--sample: "0" is no number from 1 to 100000'],
    [['--seed', 'x'], '--seed: "x" is no number from 0 to 4294967295'],
    [['--wrong'], "Unknown option '--wrong' (--help lists the flags)"],
  ])('answers %j with one line', (args, error) => {
    expect(readArguments(args)).toEqual({ error });
  });

  it('takes a hundred changes if nothing else is said', () => {
    expect(readArguments(['--threads', '2'])).toEqual({
      sample: 100,
      seed: 1,
      only: '',
      seeds: 150,
      threads: 2,
      list: false,
    });
  });

  it('has each flag in its help', () => {
    expect([...help.matchAll(/^ {2}(--\w+)/gm)].map(([, flag]) => flag)).toEqual(
      ['sample', 'seed', 'only', 'seeds', 'threads', 'list', 'help'].map((name) => `--${name}`),
    );
  });

  it('says that no file is meant', { timeout: 60_000 }, async () => {
    const stderr = '--only: no file of src/core/ has "nowhere" in its path\n';
    expect(await run('--only', 'nowhere')).toEqual({ code: 2, stdout: '', stderr });
  });
});
