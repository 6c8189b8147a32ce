import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import type { PlantedBug } from '../../src/headless/planted-bug.ts';
import { plantedBugs } from '../../src/headless/planted-bugs.ts';
import { readSimArguments, type SimArguments } from '../../src/headless/sim-arguments.ts';
import { bundleThread } from '../../src/headless/sim-bundle.ts';
import { SimPool } from '../../src/headless/sim-pool.ts';
import { noFaults } from '../../src/sim/ground.ts';
import { dispensable } from '../../src/sim/reduction.ts';
import { ddmin, shrink } from '../../src/sim/shrink.ts';
import { run } from '../../src/sim/simulator.ts';
import { replayCommand } from '../../src/sim/story.ts';

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i);

describe('Delta debugging', () => {
  it.each([[[17]], [[3, 17, 22]], [[0, 99]], [upTo(10)]])('finds %j of a hundred', (needed) => {
    const fails = (part: readonly number[]) => needed.every((one) => part.includes(one));
    expect(ddmin(upTo(100), fails)).toEqual(needed);
  });

  it('leaves nothing where nothing is needed', () => {
    expect(ddmin(upTo(100), () => true)).toEqual([]);
  });

  it('leaves out no single element more', () => {
    const fails = (part: readonly number[]) => part.filter((one) => one % 7 === 0).length >= 3;
    expect(ddmin(upTo(100), fails)).toHaveLength(3);
  });
});

describe('Part of a run', () => {
  const options = { mode: 'plain', events: 60, faults: noFaults } as const;

  it('steps, people and trouble that are left out do not happen', () => {
    const whole = run(3, options);
    const some = run(3, { ...options, only: new Set([1, 4]), without: new Set([0]), calm: new Set(['skewMs']) });
    expect(some.plan.steps).toEqual(whole.plan.steps);
    expect(some.trace.flatMap((record) => (record.kind === 'act' ? [record.step] : []))).toEqual([1, 4]);
    const online = some.trace.flatMap((record) => (record.kind === 'session' ? [record.user] : []));
    expect(online).not.toContain(whole.plan.people[0]?.jid);
    expect(online).toContain(whole.plan.people[1]?.jid);
  });

  it.each(['0282', '0289pp'] as const)('%s: nodes that are absent are not there, and nobody misses them', (mode) => {
    const network = { ...options, mode };
    const whole = run(3, network);
    const [node] = dispensable(whole.plan);
    const some = run(3, { ...network, absent: new Set([node as Jid]) });
    expect(some.violations).toEqual([]);
    expect(some.plan.layout.nodes).toHaveLength(whole.plan.layout.nodes.length - 1);
    const sent = ({ trace }: typeof some) =>
      trace.filter((record) => record.kind === 'in' && record.by === node).length;
    expect([sent(whole) > 0, sent(some)]).toEqual([true, 0]);
  });

  it('a run that violates nothing has nothing to shrink', () => {
    expect(() => shrink(1, options, 'G4')).toThrow('does not violate G4');
  });

  it('the command that runs it again says what is left out', () => {
    const part = { ...options, only: new Set([3, 17]), without: new Set([2]), calm: new Set(['quota'] as const) };
    expect(replayCommand(7, part)).toBe(
      'npm run sim -- --seed 7 --mode plain --events 60 --steps 3,17 --without 2 --calm quota',
    );
    expect(replayCommand(7, { ...options, only: new Set() })).toContain('--steps none');
    const absent = new Set([jid('replica@s1.sim')]);
    expect(replayCommand(7, { ...options, absent })).toContain(' --absent replica@s1.sim');
  });
});

describe('A violation', () => {
  const bug = plantedBugs.find(({ name }) => name === 'a message comes back without its id') as PlantedBug;
  let pool: SimPool;
  beforeAll(async () => {
    pool = new SimPool(await bundleThread(bug), 1);
  });
  afterAll(() => pool.stop());

  it('is shrunk to a step or two, told in words, and seen again by its command', async () => {
    const options = { mode: 'plain', events: 40 } as const;
    const [found] = await pool.all([{ kind: 'run', seed: 1, options }]);
    expect(found?.violations[0]?.invariant).toBe('G5');
    const [told] = await pool.all([{ kind: 'tell', seed: 1, options, invariant: 'G5', asItIs: false }]);
    const story = told?.lines.join('\n') ?? '';
    expect(story).toMatch(/shrunk from \d+ steps to [12], in \d+ runs/);
    expect(story).toMatch(/step \d+: u\d+@s\d speaks/);
    expect(story).toMatch(/u\d+@s\d → hall@rooms\.s0: message "#\d+:\d+" \(0045#7\.4\)/);
    expect(told?.lines.length).toBeLessThanOrEqual(26);

    const again = readSimArguments(told?.command.split(' ').slice(4) ?? []) as SimArguments;
    const left = { ...again.options, mode: again.modes[0] ?? 'plain' };
    const [replayed] = await pool.all([
      { kind: 'tell', seed: again.from, options: left, invariant: 'G5', asItIs: true },
    ]);
    expect(replayed?.what).toBe(told?.what);
    expect(replayed?.command).toBe(told?.command);
  });
});
