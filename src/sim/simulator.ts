import type { Jid } from '../core/xmpp/jid.ts';
import { plus } from '../core/xmpp/time.ts';
import { checkers } from './checkers.ts';
import { Prng } from './prng.ts';
import { type Mode, setupOf } from './setup.ts';
import type { SimRecord, Violation } from './trace.ts';
import { bodyText, type Faults, faultsOf, heal, work } from './workload.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly mode: Mode;
  /** Acts of users and of fate in the first part of the run. */
  readonly acts: number;
  /** Absent: a random part of all faults, from the seed. */
  readonly faults?: Faults;
}

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly trace: readonly SimRecord[];
  /** How often each checker had something to look at. */
  readonly exercised: Readonly<Record<string, number>>;
  /** Things that happened in the simulated world. */
  readonly events: number;
}

/** Virtual milliseconds from the end of all faults to the moment when everything must have come to rest. */
const settleMs = 10 * 60_000;
/** More than this many events in a run means that traffic does not stop (G12). */
const eventsMax = 400_000;

/**
 * One run: a network of the seed's own, people and faults; then everything heals and comes to rest; then everybody who
 * is in says one more thing, which must reach everybody. Same seed, same options: the same run, byte for byte.
 */
export function run(seed: number, options: RunOptions): RunResult {
  const prng = new Prng(seed);
  const setup = setupOf(options.mode, prng.fork());
  const world = new World(setup, prng.fork());
  const violations: Violation[] = [];
  for (const { jid } of setup.users) world.at(100 + prng.below(400), () => world.connect(jid));
  work(world, prng.fork(), options.acts, options.faults ?? faultsOf(prng.fork()));
  runFor(world, options.acts * 2_000, violations);
  heal(world);
  runFor(world, settleMs, violations);
  // A first word each brings out the ghosts of those who vanished while nobody could be told.
  for (const round of [1, 2]) {
    for (const [i, { jid }] of setup.users.entries())
      world.at(i * 50, () => world.act(jid, { act: 'say', text: bodyText(i, 1_000_000 * round) }));
    runFor(world, 120_000, violations);
  }
  if (violations.length === 0) violations.push(...missed(world, setup.users));
  const input = { trace: world.trace, users: setup.users, world };
  const exercised: Record<string, number> = {};
  for (const name in checkers) {
    const verdict = (checkers[name] as (typeof checkers)[string])(input);
    exercised[name] = verdict.exercised;
    violations.push(...verdict.violations);
  }
  return { violations, trace: world.trace, exercised, events: world.steps };
}

function runFor(world: World, ms: number, violations: Violation[]): void {
  const before = world.steps;
  world.runUntil(plus(world.now, ms));
  if (world.steps - before > eventsMax)
    violations.push({ invariant: 'G12', what: `${world.steps - before} events in ${ms} ms` });
}

/** Liveness: the last word of everybody who believes to be in reaches everybody who believes to be in, once. */
function missed(world: World, users: readonly { readonly jid: Jid }[]): Violation[] {
  const inside = users.flatMap(({ jid }, i) => {
    const user = world.users.get(jid);
    return user?.online && user.half.state().phase === 'joined' ? [{ jid, i }] : [];
  });
  const got = new Map<string, number>();
  for (const record of world.trace) {
    if (record.kind !== 'delivered' || record.stanza.type !== 'groupchat') continue;
    for (const payload of record.stanza.payloads)
      if (payload.name === 'body')
        got.set(`${record.to} ${payload.children[0]}`, (got.get(`${record.to} ${payload.children[0]}`) ?? 0) + 1);
  }
  const muted = new Set<number>();
  for (const { i, jid } of inside)
    if (
      !got.has(`${jid} ${bodyText(i, 2_000_000)}`) &&
      world.users.get(jid)?.half.state().error?.startsWith('forbidden')
    )
      muted.add(i);
  const violations: Violation[] = [];
  for (const { i } of inside) {
    if (muted.has(i)) continue;
    for (const { jid } of inside) {
      const times = got.get(`${jid} ${bodyText(i, 2_000_000)}`) ?? 0;
      if (times !== 1)
        violations.push({ invariant: 'liveness', what: `${jid} got the last word of user ${i} ${times} times` });
    }
  }
  return violations;
}
