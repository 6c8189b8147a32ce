import type { Jid } from '../core/xmpp/jid.ts';
import type { Faults } from './ground.ts';
import type { Plan } from './plan.ts';
import { protocols } from './protocols.ts';
import { named, type Step } from './step.ts';

/** Trouble that is in no step: it can be taken out of a plan and leave all the rest as it is. */
export const calms = [
  'skewMs',
  'quota',
  'relaxed',
  'diskLost',
  'hostileNode',
  'primary',
  'devices',
  'variety',
] as const;
export type Calm = (typeof calms)[number];

/** Which of it a plan has. */
export function troubles({ faults, primary, people, plainer }: Plan): readonly Calm[] {
  return calms.filter((one) => {
    if (one === 'devices') return people.some(({ device }) => device);
    if (one === 'variety') return plainer !== undefined;
    return one === 'primary' ? primary !== 'sound' : faults[one] !== 0 && faults[one] !== false;
  });
}

/** The plan without this trouble. */
export function calmed(whole: Plan, calm: ReadonlySet<Calm>): Plan {
  if (calm.size === 0) return whole;
  const { plainer = whole } = whole;
  const varied = calm.has('variety') ? plainer : whole;
  const plan = calm.has('devices') ? withoutDevices(varied) : varied;
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = { ...plan.faults };
  for (const name of calm) {
    if (name === 'hostileNode') faults.hostileNode = false;
    else if (name !== 'primary' && name !== 'devices' && name !== 'variety') faults[name] = 0;
  }
  const primary = calm.has('primary') ? 'sound' : plan.primary;
  const { hostileNode } = plan;
  const honest = hostileNode === undefined || !calm.has(plan.primary === 'hostile' ? 'primary' : 'hostileNode');
  if (honest) return { ...plan, faults, primary };
  const people = plan.people.map((person) => (person.hostile === 'node' ? { ...person, hostile: undefined } : person));
  return { ...plan, faults, primary, people, hostileNode: undefined };
}

/** The plan in which every user has one session. */
function withoutDevices(plan: Plan): Plan {
  const devices = new Set(plan.people.flatMap(({ jid, device }) => (device ? [jid] : [])));
  const people = plan.people.filter(({ device }) => !device);
  const stays = (step: Step) => !named(step).some((user) => devices.has(user));
  return { ...plan, people, steps: plan.steps.filter(stays), afterwards: plan.afterwards.filter(stays) };
}

/** Nodes that no other node depends on: a run makes sense without them. */
export function dispensable({ mode, layout }: Plan): readonly Jid[] {
  const [first] = layout.nodes;
  return protocols[mode].mayBeHostile(layout).filter((address) => address !== first?.address);
}

/** The plan of a network without these nodes. */
export function thinned(plan: Plan, absent: ReadonlySet<Jid>): Plan {
  if (absent.size === 0) return plan;
  const nodes = plan.layout.nodes.filter(({ address }) => !absent.has(address));
  return { ...plan, layout: { ...plan.layout, nodes } };
}
