import type { Scenario } from '../scenario/scenario.ts';
import type { VariantId } from '../scenario/variant-nodes.ts';

/**
 * A lesson: a scenario of the Lab, and steps to read, to predict, to do and to check. It is data, and schema.json describes the file.
 *
 * A text is Markdown of a small kind: paragraphs, lists, `*emphasis*`, `**strong**`, `` `code` ``, and links to a term of the
 * glossary (`[replica](term:replica)`) or to a section (`[§4.9](xep:0282#4.9)`). It is shown as text, never as markup.
 */
export interface Lesson {
  readonly format: 'netsplit-lesson';
  readonly version: 1;
  /** As in addresses, such as `a-replica-spares-the-link`. */
  readonly id: string;
  /** Its place in the course; absent: a lesson that is not part of it. */
  readonly number?: number;
  readonly title: string;
  /** One sentence: what the learner knows afterwards. */
  readonly summary: string;
  readonly minutes: number;
  /** The id of a scenario that comes with Netsplit, or one of its own. */
  readonly scenario: string | Scenario;
  readonly seed: number;
  /** The protocol with which the run is compared from the beginning. */
  readonly compare?: VariantId;
  readonly steps: readonly LessonStep[];
  /** Tasks without steps. */
  readonly exercises: readonly Exercise[];
}

export interface LessonStep {
  readonly title: string;
  readonly text: string;
  /** What the specification says there, in our own words; the section as in `0282#4.9`. */
  readonly spec?: { readonly section: string; readonly says: string };
  /** What to look at. */
  readonly focus?: readonly Focus[];
  /** Asked before anything runs. */
  readonly predict?: Prediction;
  /** Acts that the learner makes, in this order; `hint` says where, for a mouse and for keys. */
  readonly do?: readonly AskedAct[];
  /** What *Play* does afterwards: goes on until nothing is under way (as if absent), for so many milliseconds, or event by event. */
  readonly run?: 'quiet' | 'steps' | { readonly ms: number };
  /** What must have come out: all of it, counted from the beginning of the step. */
  readonly check?: readonly Check[];
  /** Said when all of it has come out, after a right and a wrong prediction; without a prediction `right` is said. */
  readonly reveal?: { readonly right: string; readonly wrong?: string };
}

export interface AskedAct {
  readonly act: LessonAct;
  readonly hint: string;
  /** It comes when nothing is under way any more; absent: at once. */
  readonly after?: 'quiet';
}

export interface Exercise {
  readonly title: string;
  readonly text: string;
  /** Absent: the scenario of the lesson. */
  readonly scenario?: string | Scenario;
  /** What is to come out; how is up to the learner. */
  readonly check: readonly Check[];
  /** Shown when asked for. */
  readonly solution: string;
  /** Acts that lead there. */
  readonly acts: readonly (LessonAct | { readonly ms: number })[];
}

/** Ids and addresses as in `data-*` of the picture. */
export type Focus =
  | { readonly node: string }
  | { readonly link: readonly [string, string] }
  | { readonly person: string }
  | { readonly server: string }
  | { readonly view: 'log' | 'spacetime' | 'transcripts' | 'counters' | 'outline' | 'inspector' };

/** Of a number, the answer is what the first check of the step counts; of choices, that with the number `answer`, from 0. */
export type Prediction =
  | { readonly ask: string; readonly unit: string }
  | { readonly ask: string; readonly choices: readonly string[]; readonly answer: number };

/** An act as `window.lab` takes it. What people say may be in other words. */
export type LessonAct = { readonly act: string } & Readonly<Record<string, unknown>>;

/** Part of a stanza on a leg of its way: what is left out may be anything. */
export interface StanzaPattern {
  /** What crossed a link (as if absent), what people were handed, or what somebody handed their server. */
  readonly on?: 'link' | 'person' | 'sent';
  readonly link?: readonly [string, string];
  readonly name?: 'message' | 'presence' | 'iq';
  readonly type?: string;
  /** An address: full, bare or a domain; all of its users are meant. */
  readonly from?: string;
  readonly to?: string;
  /** Name of an element anywhere in it. */
  readonly has?: string;
  /** Part of its XML as it is sent. */
  readonly xml?: string;
  /** A cut link lost it, or sent it back. */
  readonly lost?: true;
}

/** What can be checked about a run. */
export type Check =
  /** Stanzas that crossed links: those of the last message that somebody said (as if absent), or all. */
  | { readonly crossed: number; readonly link?: readonly [string, string]; readonly of?: 'message' | 'all' }
  /** People who got a copy of the last message. */
  | { readonly deliveries: number }
  /** The last message in the protocol with which the run is compared; deliveries have to be to the same people. */
  | { readonly compared: number }
  /** How many stanzas fit. */
  | { readonly stanzas: StanzaPattern; readonly count: number | { readonly atLeast: number } }
  /** Stanzas that fit were seen in this order; others may be between. */
  | { readonly order: readonly StanzaPattern[] }
  | { readonly node: string; readonly state: string }
  | { readonly link: readonly [string, string]; readonly state: 'up' | 'cut' }
  | { readonly person: string; readonly phase: 'joined' | 'out' }
  /** What people have read since the run began: all the same and in the same order, the same in another order, or not the same. */
  | { readonly transcripts: 'same' | 'order' | 'differ'; readonly of: readonly string[] }
  /** All of these nodes name the same occupants. */
  | { readonly rosters: 'same'; readonly of: readonly string[] }
  /** Who was refused something, or had no answer (`unanswered`), by the condition of the error. */
  | { readonly refused: string; readonly condition?: string }
  /** The learner did so. */
  | { readonly did: LessonAct };

/** The check that counts what a step asks its learners to predict. */
export function countingCheck(step: Pick<LessonStep, 'check'>): (Check & CountingCheck) | undefined {
  return step.check?.find((check): check is Check & CountingCheck => countIn(check) !== undefined);
}

type CountingCheck = Extract<
  Check,
  { crossed: number } | { deliveries: number } | { compared: number } | { stanzas: StanzaPattern }
>;

/** The number that a check wants to be counted; undefined if it counts nothing exactly. */
export function countIn(check: Check): number | undefined {
  if ('crossed' in check) return check.crossed;
  if ('deliveries' in check) return check.deliveries;
  if ('compared' in check) return check.compared;
  return 'stanzas' in check && typeof check.count === 'number' ? check.count : undefined;
}

/** What is right, if a step asks: a number, or that of a choice. */
export function answerOf(step: LessonStep): number | undefined {
  const { predict } = step;
  if (predict === undefined) return undefined;
  if ('choices' in predict) return predict.answer;
  const check = countingCheck(step);
  return check && countIn(check);
}
