import { isSameData } from '../../core/xmpp/plain-data.ts';
import type { LessonAct } from '../../lessons/lesson.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { LabAct } from '../../sim/lab.ts';
import type { Action } from '../session/acts.ts';
import { labActOf } from '../session/lab-acts.ts';

/** An act that a lesson asks for, and whether it was done. */
export interface Asked {
  readonly act: LessonAct;
  readonly done: boolean;
}

/**
 * Which of the acts that a step asks for were done, whoever did them and in whatever way; and what was done besides.
 *
 * @param deeds  what was done since the step began, in order
 */
export function askedOf(
  acts: readonly LessonAct[],
  deeds: readonly LabAct[],
  scenario: Scenario,
): { readonly asked: readonly Asked[]; readonly besides: readonly LabAct[] } {
  const besides: LabAct[] = [];
  let next = 0;
  for (const deed of deeds) {
    const act = acts[next];
    if (act !== undefined && isAct(act, deed, scenario)) next++;
    else besides.push(deed);
  }
  return { asked: acts.map((act, i) => ({ act, done: i < next })), besides };
}

/** Whether somebody did what a lesson means. What they said may be in other words. */
export function isAct(act: LessonAct, deed: LabAct, scenario: Scenario): boolean {
  // A lesson is checked when it is read: it asks for acts that there are.
  const wanted = labActOf(act as unknown as Exclude<Action, { act: 'pause' }>, scenario);
  return typeof wanted !== 'string' && isSameData(comparable(wanted), comparable(deed));
}

/** Without what people say, and with the ends of a link in one order. */
function comparable(act: LabAct): unknown {
  if (act.kind === 'link') return { ...act, between: [...act.between].sort() };
  if (act.kind !== 'person') return act;
  if (act.act.act === 'kick') return { ...act, act: { ...act.act, reason: '' } };
  return 'text' in act.act ? { ...act, act: { ...act.act, text: '' } } : act;
}
