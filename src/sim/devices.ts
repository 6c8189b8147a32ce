import { bareOf, type Jid, jid } from '../core/xmpp/jid.ts';
import type { Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import { moderations, type Step, type Unplanned } from './step.ts';
import type { Person } from './trace.ts';

/** Resources of the further sessions that a user has. The first one's is in planner.ts. */
const resources = ['phone', 'tablet'] as const;
/** Users with several sessions in one run: each session costs as much as a user. */
const usersMax = 6;
/** Steps that further sessions add to a run of so many, at most: in it, and afterwards. */
export const deviceSteps = (events: number): number => Math.ceil(events / 3) + 2;

/**
 * The same plan, where in most runs some users have a second session, and some of these a third (XEP-0045 §7.2.8): mostly
 * under the same nick, some under another. What comes to the plan stands at the end of its people and steps, and names one of
 * these sessions: without them the plan is as it was (reduction.ts).
 *
 * @param events  steps that the plan was asked for
 */
export function withDevices(plan: Plan, events: number, prng: Prng): Plan {
  if (prng.chance(0.3)) return plan;
  const share = 0.3 + 0.7 * prng.unit();
  const users = prng.shuffled(plan.people.filter(() => prng.chance(share))).slice(0, usersMax);
  const devices = users.flatMap((user) => devicesOf(user, prng));
  if (devices.length === 0) return plan;
  const from = 500;
  const until = Math.max(from, ...plan.steps.map(({ at }) => at));
  const steps: Step[] = [];
  while (steps.length < Math.ceil(events / 3) - 1) {
    const at = from + prng.below(until - from);
    for (const [i, made] of actsOf(plan, devices, prng).entries())
      steps.push({ at: at + i * prng.below(3_000), luck: prng.bits(), ...made });
  }
  const afterwards = dismissal(plan, devices, prng);
  return { ...plan, people: [...plan.people, ...devices], steps: [...plan.steps, ...steps], afterwards };
}

function devicesOf(user: Person, prng: Prng): Person[] {
  return resources.slice(0, prng.chance(0.25) ? 2 : 1).map((resource) => ({
    ...user,
    jid: jid(`${bareOf(user.jid)}/${resource}`),
    nick: prng.chance(0.75) ? user.nick : `${user.nick}-${resource}`,
    // One client that does what it likes makes no other one hostile.
    hostile: user.hostile === 'node' ? user.hostile : undefined,
    device: true,
  }));
}

/** What a user does with several sessions, or what is done to them: mostly one step, sometimes two that belong together. */
function actsOf(
  { people, faults }: Pick<Plan, 'people' | 'faults'>,
  devices: readonly Person[],
  prng: Prng,
): readonly Unplanned[] {
  const device = prng.pick(devices);
  const { jid: user, nick } = device;
  const others = [...people, ...devices].filter((one) => one !== device && bareOf(one.jid) === bareOf(user));
  const other = prng.pick(others).jid;
  // A user has the one nick, or the other.
  const share: Unplanned = prng.chance(0.5)
    ? { kind: 'share', user, with: other }
    : { kind: 'share', user: other, with: user };
  const dice = prng.unit();
  if (dice < 0.22) return [{ kind: 'say', user }];
  if (dice < 0.3) return [{ kind: 'presence', user, show: prng.pick(['', 'away', 'dnd']) }];
  if (dice < 0.41) return [{ kind: 'leave', user }];
  if (dice < 0.56) return [share];
  if (dice < 0.61) return [{ kind: 'nick', user, nick: `${nick}${prng.below(3)}` }];
  if (dice < 0.71) return [{ kind: 'whisper', user: prng.pick(people).jid, target: user }];
  if (dice < 0.82) return faults.moderate > 0 ? [moderation(people, user, prng)] : [share];
  if (faults.vanish === 0) return [{ kind: 'say', user }];
  if (dice < 0.88) return [{ kind: 'vanish', user }];
  if (dice < 0.93) return [{ kind: 'anew', user, nick: prng.pick([nick, `${nick}${prng.below(3)}`]) }];
  // It reconnects as another session while the old one lingers.
  return [
    { kind: 'linger', user, forMs: 5_000 + prng.below(60_000) },
    { kind: 'share', user: other, with: user },
  ];
}

/**
 * When all is well again an owner does without a replica for a while: the sessions of its users pass from one node to another,
 * and back. Not before, for there is no order between what two nodes say of a room (decision #43).
 */
function dismissal({ layout }: Plan, devices: readonly Person[], prng: Prng): Step[] {
  const [first] = layout.nodes;
  const room = first?.kind === 'service' ? first.rooms[0] : undefined;
  const owners = devices.filter(({ jid }) => room?.affiliations.get(bareOf(jid)) === 'owner');
  if (room?.distribution.kind !== 'primary' || owners.length === 0 || prng.chance(0.5)) return [];
  const nodes = [...room.distribution.replicas.keys()];
  const one = prng.pick(nodes);
  const by = { kind: 'replicas', user: prng.pick(owners).jid } as const;
  return [
    { at: 200_000, luck: prng.bits(), ...by, nodes: nodes.filter((node) => node !== one) },
    { at: 230_000 + prng.below(120_000), luck: prng.bits(), ...by, nodes },
  ];
}

/** A moderator turns to a user with several sessions: by their nick, or their bare JID. */
function moderation(people: readonly Person[], target: Jid, prng: Prng): Unplanned {
  const what = prng.chance(0.5) ? prng.pick(['kick', 'ban', 'mute', 'voice'] as const) : prng.pick(moderations);
  return { kind: 'moderate', user: prng.pick(people).jid, target, what };
}
