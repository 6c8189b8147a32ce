import type { Jid } from '../core/xmpp/jid.ts';
import type { Faults, Plan } from './plan.ts';
import { protocols } from './protocols.ts';

/** Trouble that is in no step: it can be taken out of a plan and leave all the rest as it is. */
export const calms = ['skewMs', 'quota', 'relaxed', 'diskLost', 'hostileNode', 'primary'] as const;
export type Calm = (typeof calms)[number];

/** Which of it a plan has. */
export function troubles({ faults, primary }: Plan): readonly Calm[] {
  return calms.filter((one) => (one === 'primary' ? primary !== 'sound' : faults[one] !== 0 && faults[one] !== false));
}

/** The plan without this trouble. */
export function calmed(plan: Plan, calm: ReadonlySet<Calm>): Plan {
  if (calm.size === 0) return plan;
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = { ...plan.faults };
  for (const name of calm) {
    if (name === 'hostileNode') faults.hostileNode = false;
    else if (name !== 'primary') faults[name] = 0;
  }
  const primary = calm.has('primary') ? 'sound' : plan.primary;
  const { hostileNode } = plan;
  const honest = hostileNode === undefined || !calm.has(plan.primary === 'hostile' ? 'primary' : 'hostileNode');
  if (honest) return { ...plan, faults, primary };
  const people = plan.people.map((person) => (person.hostile === 'node' ? { ...person, hostile: undefined } : person));
  return { ...plan, faults, primary, people, hostileNode: undefined };
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
