import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Jid } from '../core/xmpp/jid.ts';
import { clocksMax, looksMax } from '../sim/archives.ts';
import { deviceSteps } from '../sim/devices.ts';
import { rareSteps } from '../sim/fmuc-rare.ts';
import { type Mode, modes } from '../sim/plan.ts';
import { plan, swizzleMax } from '../sim/planner.ts';
import { Prng } from '../sim/prng.ts';
import { type Calm, calms, dispensable } from '../sim/reduction.ts';
import type { RunOptions } from '../sim/simulator.ts';
import { varietyMax } from '../sim/source-shadow-variety.ts';
import { badArgument } from './arguments.mjs';
import { called } from './called.mjs';

export const simHelp = `${called('sim')} [--seeds A..B | --seed N] [--mode ${modes.join('|')}|all] [--events N]

The simulator: each seed makes a network with people, faults, and hostile clients and nodes; then everything heals, and the
invariants are checked. Prints how often each checker had something to look at, each violation with what led to it and the
command that repeats it, and last "S seeds, E events, V violations, T s". Status 1 if there are violations.

  --seeds A..B     seeds to run (default 1..100; 1..1000 with --planted-bugs)
  --seed N         one seed
  --mode MODE      ${modes.join(', ')} or all (the default)
  --events N       steps in a run: what people do, and faults (default 120)
  --json           prints the whole trace of one run as lines of JSON, which the page can open; needs --seed and one mode
  --planted-bugs   plants known bugs, one at a time, and says which of them are caught
  --threads N      threads (default: one for each core); the output is the same with any number
  --help           prints this text

To repeat a violation that was shrunk; these need --seed and one mode:

  --steps LIST     only these steps happen, such as 3,17,22, or none
  --without LIST   these people, by number, come online only where a step says so
  --calm LIST      this trouble is left out: ${calms.join(', ')}
  --absent LIST    these nodes, which no other node depends on, are left out, such as replica@s1.sim`;

export interface SimArguments {
  readonly from: number;
  readonly to: number;
  readonly modes: readonly Mode[];
  /** What a run is given, but for its mode. */
  readonly options: Omit<RunOptions, 'mode'>;
  readonly threads: number;
  readonly what: 'check' | 'json' | 'planted bugs';
}

const seedMax = 2 ** 32 - 1;

/** @returns the options, 'help', or one line that says what is wrong */
export function readSimArguments(args: readonly string[]): SimArguments | 'help' | { readonly error: string } {
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean' } as const;
  let values: Partial<
    Record<'seeds' | 'seed' | 'mode' | 'events' | 'steps' | 'without' | 'calm' | 'absent' | 'threads', string>
  > &
    Partial<Record<'planted-bugs' | 'json' | 'help', boolean>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seeds: string,
        seed: string,
        mode: string,
        events: string,
        steps: string,
        without: string,
        calm: string,
        absent: string,
        threads: string,
        'planted-bugs': boolean,
        json: boolean,
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return { error: badArgument(error) };
  }
  if (values.help === true) return 'help';
  const planted = values['planted-bugs'] === true;

  if (values.seed !== undefined && values.seeds !== undefined) return { error: '--seed and --seeds: one of them' };
  const range = values.seed === undefined ? (values.seeds ?? (planted ? '1..1000' : '1..100')) : values.seed;
  const [, first = '', second = first] = /^(\d+)(?:\.\.(\d+))?$/.exec(range) ?? [];
  const [from, to] = [Number(first), Number(second)];
  if (values.seed !== undefined && (!/^\d+$/.test(values.seed) || from > seedMax))
    return { error: `--seed: ${JSON.stringify(values.seed)} is no number from 0 to ${seedMax}` };
  if (first === '' || from > to || to > seedMax)
    return { error: `--seeds: ${JSON.stringify(range)} is no range such as 1..100 (of 0 to ${seedMax})` };

  const mode = values.mode ?? 'all';
  if (mode !== 'all' && !(modes as readonly string[]).includes(mode))
    return { error: `--mode: ${JSON.stringify(mode)} is not one of ${modes.join(', ')}, all` };
  const counts: Record<'events' | 'threads', number> = { events: 120, threads: availableParallelism() };
  for (const name of ['events', 'threads'] as const) {
    const text = values[name];
    if (text === undefined) continue;
    counts[name] = Number(text);
    const most = name === 'threads' ? 256 : 100_000;
    if (!/^\d+$/.test(text) || counts[name] < 1 || counts[name] > most)
      return { error: `--${name}: ${JSON.stringify(text)} is no number from 1 to ${most}` };
  }

  const steps = counts.events + swizzleMax + deviceSteps(counts.events) + varietyMax + rareSteps + looksMax + clocksMax;
  const only = numbers(values.steps, steps);
  const without = numbers(values.without, 1_000);
  const calm = values.calm?.split(',');
  if (only === undefined)
    return {
      error: `--steps: ${JSON.stringify(values.steps)} is no list such as 3,17,22 of steps 0 to ${steps - 1}`,
    };
  if (without === undefined)
    return { error: `--without: ${JSON.stringify(values.without)} is no list such as 3,17,22 of people` };
  for (const one of calm ?? [])
    if (!(calms as readonly string[]).includes(one))
      return { error: `--calm: ${JSON.stringify(one)} is not one of ${calms.join(', ')}` };
  for (const flag of ['json', 'steps', 'without', 'calm', 'absent'] as const)
    if (values[flag] !== undefined && (values.seed === undefined || mode === 'all'))
      return { error: `--${flag} is about one run: it needs --seed and one --mode (${modes.join(', ')})` };
  const absent = values.absent?.split(',') ?? [];
  if (absent.length > 0) {
    const nodes: readonly string[] = dispensable(plan(new Prng(from).fork(), mode as Mode, counts.events));
    for (const one of absent)
      if (!nodes.includes(one))
        return {
          error: `--absent: ${JSON.stringify(one)} is not one of ${nodes.join(', ') || '(this run has no such node)'}`,
        };
  }
  if (planted && (values.json === true || values.steps !== undefined))
    return { error: `--planted-bugs and --${values.json === true ? 'json' : 'steps'} do not go together` };
  return {
    from,
    to,
    modes: mode === 'all' ? modes : [mode as Mode],
    options: {
      events: counts.events,
      ...(values.steps === undefined ? {} : { only }),
      ...(values.without === undefined ? {} : { without }),
      ...(calm === undefined ? {} : { calm: new Set(calm as Calm[]) }),
      ...(absent.length === 0 ? {} : { absent: new Set(absent as Jid[]) }),
    },
    threads: counts.threads,
    what: planted ? 'planted bugs' : values.json === true ? 'json' : 'check',
  };
}

/** @returns undefined if it is no list of numbers below `end` */
function numbers(text: string | undefined, end: number): ReadonlySet<number> | undefined {
  if (text === undefined || text === 'none') return new Set();
  const list = text.split(',');
  return list.every((one) => /^\d{1,6}$/.test(one) && Number(one) < end) ? new Set(list.map(Number)) : undefined;
}
