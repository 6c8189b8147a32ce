import type { Location, Mistake } from '../scenario/check.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { isTerm } from './glossary.ts';
import {
  answerOf,
  type Check,
  countingCheck,
  type Focus,
  type Lesson,
  type LessonAct,
  type StanzaPattern,
} from './lesson.ts';
import { referencesIn } from './markdown.ts';

/** What a lesson may name; whoever reads it knows. */
export interface LessonGround {
  /** A scenario that comes with Netsplit. */
  scenario(id: string): Scenario | undefined;
  /** Whether there is a section, such as `0282#4.9`. */
  knowsSection(section: string): boolean;
  /** What is wrong with an act in a scenario; undefined if it is one. */
  mistakeInAct(act: LessonAct, scenario: Scenario): string | undefined;
}

type Wrong = (at: Location, message: string) => void;

/** The kinds of checks, by the field that makes one; and the fields that go with it. */
const kinds: Readonly<Record<string, { readonly needs: readonly string[]; readonly may: readonly string[] }>> = {
  crossed: { needs: [], may: ['link', 'of'] },
  deliveries: { needs: [], may: [] },
  compared: { needs: [], may: [] },
  stanzas: { needs: ['count'], may: [] },
  order: { needs: [], may: [] },
  node: { needs: ['state'], may: [] },
  person: { needs: ['phase'], may: [] },
  transcripts: { needs: ['of'], may: [] },
  rosters: { needs: ['of'], may: [] },
  refused: { needs: [], may: ['condition'] },
  did: { needs: [], may: [] },
  link: { needs: ['state'], may: [] },
};

/**
 * What a schema cannot say: each check is of one kind, a prediction can be judged, and names refer to things that exist.
 *
 * @param lesson  of the right shape already (schema.json)
 * @param scenario  that of the lesson
 */
export function checkLesson(lesson: Lesson, scenario: Scenario, ground: LessonGround): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const wrong: Wrong = (at, message) => {
    mistakes.push({ at, message });
  };
  for (const [at, text] of textsOf(lesson)) checkText(at, text, wrong, ground);
  lesson.steps.forEach((step, i) => {
    const at = ['steps', i];
    const { spec, focus = [], predict, do: acts = [], check = [], reveal } = step;
    if (spec !== undefined && !ground.knowsSection(spec.section))
      wrong([...at, 'spec', 'section'], `there is no section ${spec.section}`);
    focus.forEach((one, j) => {
      checkFocus([...at, 'focus', j], one, scenario, wrong);
    });
    acts.forEach(({ act }, j) => {
      checkAct([...at, 'do', j, 'act'], act, scenario, wrong, ground);
    });
    check.forEach((one, j) => {
      checkOne([...at, 'check', j], one, scenario, wrong, ground, lesson.compare !== undefined);
    });
    if (predict === undefined) return;
    if ('choices' in predict) {
      if ('unit' in predict) wrong([...at, 'predict'], 'choices have no unit');
      if (predict.choices[predict.answer] === undefined) wrong([...at, 'predict', 'answer'], 'there is no such choice');
    } else if (predict.unit === undefined) wrong([...at, 'predict'], 'lacks a unit, or choices');
    else if (countingCheck(step) === undefined)
      wrong([...at, 'predict'], 'no check of the step counts anything exactly, so no number is right');
    if (answerOf(step) !== undefined && reveal === undefined) wrong(at, 'what is predicted has to be revealed');
  });
  return mistakes;
}

/** The checks of an exercise, in its own scenario. */
export function checkExercise(
  { exercises, compare }: Lesson,
  index: number,
  scenario: Scenario,
  ground: LessonGround,
): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const wrong: Wrong = (at, message) => {
    mistakes.push({ at, message });
  };
  const exercise = exercises[index];
  const at = ['exercises', index];
  exercise?.check.forEach((one, j) => {
    checkOne([...at, 'check', j], one, scenario, wrong, ground, compare !== undefined);
  });
  exercise?.acts.forEach((act, j) => {
    if ('act' in act) checkAct([...at, 'acts', j], act, scenario, wrong, ground);
  });
  return mistakes;
}

function textsOf({ steps, exercises }: Lesson): readonly (readonly [Location, string])[] {
  const found: (readonly [Location, string])[] = [];
  steps.forEach((step, i) => {
    const at = ['steps', i];
    found.push([[...at, 'text'], step.text]);
    if (step.spec) found.push([[...at, 'spec', 'says'], step.spec.says]);
    if (step.predict) found.push([[...at, 'predict', 'ask'], step.predict.ask]);
    step.do?.forEach(({ hint }, j) => {
      found.push([[...at, 'do', j, 'hint'], hint]);
    });
    if (step.reveal) found.push([[...at, 'reveal', 'right'], step.reveal.right]);
    if (step.reveal?.wrong) found.push([[...at, 'reveal', 'wrong'], step.reveal.wrong]);
  });
  exercises.forEach(({ text, solution }, i) => {
    found.push([['exercises', i, 'text'], text], [['exercises', i, 'solution'], solution]);
  });
  return found;
}

function checkText(at: Location, text: string, wrong: Wrong, ground: LessonGround): void {
  for (const { kind, to } of referencesIn(text)) {
    if (kind === 'term' && !isTerm(to)) wrong(at, `the glossary has no term ${JSON.stringify(to)}`);
    if (kind === 'view' && to !== 'costs') wrong(at, `there is no view ${to}: costs`);
    if (kind === 'xep' && !ground.knowsSection(to)) wrong(at, `there is no section ${to}`);
  }
}

function checkAct(at: Location, act: LessonAct, scenario: Scenario, wrong: Wrong, ground: LessonGround): void {
  const mistake = ground.mistakeInAct(act, scenario);
  if (mistake !== undefined) wrong(at, mistake);
}

function checkFocus(at: Location, focus: Focus, scenario: Scenario, wrong: Wrong): void {
  if ('node' in focus) knownNode([...at, 'node'], focus.node, scenario, wrong);
  else if ('link' in focus) knownLink([...at, 'link'], focus.link, scenario, wrong);
  else if ('person' in focus) knownPerson([...at, 'person'], focus.person, scenario, wrong);
  else if ('server' in focus) knownServer([...at, 'server'], focus.server, scenario, wrong);
}

function checkOne(
  at: Location,
  check: Check,
  scenario: Scenario,
  wrong: Wrong,
  ground: LessonGround,
  isCompared: boolean,
): void {
  const fields = Object.keys(check);
  // `link` is a field of others, too, so it comes last.
  const kind = Object.keys(kinds).find((name) => fields.includes(name));
  if (kind === undefined) return wrong(at, `is no check: one has ${Object.keys(kinds).join(', ')}`);
  const { needs = [], may = [] } = kinds[kind] ?? {};
  for (const field of needs) if (!fields.includes(field)) wrong(at, `lacks the property "${field}"`);
  for (const field of fields)
    if (field !== kind && !needs.includes(field) && !may.includes(field))
      wrong([...at, field], `a check of ${kind} has no "${field}"`);
  if ('link' in check && check.link !== undefined) knownLink([...at, 'link'], check.link, scenario, wrong);
  if ('node' in check) knownNode([...at, 'node'], check.node, scenario, wrong);
  if ('person' in check) knownPerson([...at, 'person'], check.person, scenario, wrong);
  if ('refused' in check) knownPerson([...at, 'refused'], check.refused, scenario, wrong);
  if ('compared' in check && !isCompared) wrong(at, 'the lesson compares its run with nothing');
  if ('did' in check) checkAct([...at, 'did'], check.did, scenario, wrong, ground);
  if ('stanzas' in check) checkPattern([...at, 'stanzas'], check.stanzas, scenario, wrong);
  if ('order' in check)
    check.order.forEach((one, i) => {
      checkPattern([...at, 'order', i], one, scenario, wrong);
    });
  const known = 'transcripts' in check ? knownPerson : 'rosters' in check ? knownNode : undefined;
  if (known !== undefined && 'of' in check && Array.isArray(check.of))
    for (const [i, one] of check.of.entries()) known([...at, 'of', i], one, scenario, wrong);
}

function checkPattern(at: Location, { link }: StanzaPattern, scenario: Scenario, wrong: Wrong): void {
  if (link !== undefined) knownLink([...at, 'link'], link, scenario, wrong);
}

function knownServer(at: Location, domain: string, { servers }: Scenario, wrong: Wrong): void {
  known(
    at,
    'server',
    domain,
    servers.map((one) => one.domain),
    wrong,
  );
}

function knownLink(at: Location, link: readonly string[], scenario: Scenario, wrong: Wrong): void {
  for (const [i, end] of link.entries()) knownServer([...at, i], end, scenario, wrong);
}

function knownNode(at: Location, address: string, { nodes, servers }: Scenario, wrong: Wrong): void {
  // A server without a replica may get one.
  const spare = servers.map(({ domain }) => `replica@${domain}`);
  const all = nodes.map((node) => node.address);
  if (!spare.includes(address)) known(at, 'node', address, all, wrong);
}

/** Another device of somebody is them, too. */
function knownPerson(at: Location, who: string, { occupants }: Scenario, wrong: Wrong): void {
  const bare = who.split('/')[0];
  if (!occupants.some(({ jid }) => jid.split('/')[0] === bare))
    known(
      at,
      'person',
      who,
      occupants.map(({ jid }) => jid),
      wrong,
    );
}

function known(at: Location, what: string, name: string, all: readonly string[], wrong: Wrong): void {
  if (!all.includes(name)) wrong(at, `no ${what} ${name} in the scenario (it has ${all.join(', ')})`);
}
