import type { SVGTemplateResult } from 'lit';
import type { Exercise, Lesson, LessonStep } from '../../lessons/lesson.ts';
import type { Layout } from '../layout.ts';
import type { LabControls, Recording } from '../session/session.ts';
import type { LessonPlace } from '../view.ts';
import { type Asked, askedOf } from './asked.ts';
import { comesOut, counted, lastMessage, type Outcome } from './checks.ts';
import { focusMarks } from './marks.ts';
import type { LessonPage } from './page.ts';
import { type Answer, type Checked, isRight, type LessonPhase, phaseOf } from './phase.ts';
import { type LessonProgress, saveProgress } from './progress.ts';

/** Where in the Lab a step began. */
export interface StepStart {
  readonly branch: number;
  /** The last event before; undefined: nothing had happened. */
  readonly event: number | undefined;
}

/** How a step stands, as the page shows it. */
export interface StepView {
  readonly phase: LessonPhase;
  /** Stanzas are under way at the end of the run, or it has more to show. */
  readonly isUnderWay: boolean;
  readonly asked: readonly Asked[];
  /** Something was done that the step did not ask for. */
  readonly strayed: boolean;
  readonly checked: readonly Checked[];
  readonly answer: Answer | undefined;
  readonly right: boolean | undefined;
  /** What the run counted, if the step asks for a number. */
  readonly count: number | undefined;
}

/** Leads a learner through a lesson in the Lab. All but where they are, and what they answered, follows from the run. */
export class LessonGuide {
  readonly lesson: Lesson;
  /** It is no lesson of a file: the address names it. */
  readonly isBuiltIn: boolean;
  readonly #page: LessonPage;
  #progress: LessonProgress;
  /** By number of the step: where it began. */
  readonly #starts = new Map<number, StepStart>();
  /** Steps that came out: what is looked at afterwards does not take that back. */
  readonly #revealed = new Set<number>();
  #off: () => void = () => undefined;

  /**
   * @param step  where it begins, from 1
   * @param starts  of the steps until then
   */
  constructor(
    page: LessonPage,
    lesson: Lesson,
    isBuiltIn: boolean,
    progress: LessonProgress,
    step: number,
    starts: ReadonlyMap<number, StepStart>,
  ) {
    this.#page = page;
    this.lesson = lesson;
    this.isBuiltIn = isBuiltIn;
    this.#progress = { ...progress, step };
    this.#starts = new Map(starts);
    if (!starts.has(step)) this.#begin();
    this.#off = page.subscribe(() => this.#look());
    this.#enter();
  }

  close(): void {
    this.#off();
  }

  /** From 1: the steps, then the exercises. */
  get number(): number {
    return this.#progress.step;
  }

  get count(): number {
    return this.lesson.steps.length + this.lesson.exercises.length;
  }

  /** Undefined in an exercise. */
  get step(): LessonStep | undefined {
    return this.lesson.steps[this.number - 1];
  }

  get exercise(): Exercise | undefined {
    return this.lesson.exercises[this.number - 1 - this.lesson.steps.length];
  }

  get progress(): LessonProgress {
    return this.#progress;
  }

  /** As the address says it; a lesson of a file has none. */
  get place(): LessonPlace | undefined {
    if (!this.isBuiltIn) return undefined;
    const { event } = this.#start;
    return { id: this.lesson.id, step: this.number, ...(event === undefined ? {} : { from: event }) };
  }

  /** Outlines of what the step speaks of. */
  marks(layout: Layout): SVGTemplateResult {
    return focusMarks(this.step?.focus ?? [], layout);
  }

  /** @param model  what is looked at: what the views show, or all that the page was told */
  view(model = this.#page.model): StepView {
    const { step, exercise } = this;
    const of = this.#outcome(model);
    const answer = this.#progress.answers[this.number];
    const { asked, besides } = askedOf(step?.do?.map(({ act }) => act) ?? [], of.deeds, of.scenario);
    const checked = (step?.check ?? exercise?.check ?? []).map((check) => ({ check, done: comesOut(check, of) }));
    const counting = step?.predict && 'unit' in step.predict ? step.check?.[0] : undefined;
    const now = phaseOf(step ?? { check: exercise?.check ?? [] }, answer, asked, checked, this.#isOver(of));
    const phase = this.#revealed.has(this.number) ? 'revealed' : now;
    const right = step && isRight(step, answer);
    const count = counting && counted(counting, of);
    const { at, length } = this.#recording;
    const isUnderWay = at < length || !this.#lab.isQuiet;
    return {
      phase,
      isUnderWay,
      asked,
      strayed: step !== undefined && besides.length > 0,
      checked,
      answer,
      right,
      count,
    };
  }

  /** @param answer  null: the learner leaves it open */
  answer(answer: Answer): void {
    this.#save({ answers: { ...this.#progress.answers, [this.number]: answer } });
    this.#page.changed();
  }

  /** What *Play* does in this step. */
  play(): void {
    const { run } = this.step ?? {};
    const isTimed = typeof run === 'object' && this.view().phase === 'run';
    if (isTimed) void this.#lab.runFor(Math.max(0, run.ms - this.#passed));
    else this.#page.play();
  }

  /** One event. */
  stepOn(): void {
    this.#page.seek(this.#recording.at + 1);
  }

  /** The next step begins where this one ended. */
  async next(): Promise<void> {
    const done = new Set(this.#progress.done);
    if (this.view().phase === 'read') done.add(this.number);
    this.#save({ done: [...done] });
    const number = this.number + 1;
    // An exercise begins anew.
    if (number > this.lesson.steps.length) return this.goTo(number);
    if (this.#recording.at === this.#recording.length && !this.#lab.isQuiet) await this.#lab.toQuiet();
    this.#recording.pause();
    this.#save({ step: number });
    this.#starts.delete(number);
    this.#begin();
    this.#enter();
  }

  /** Goes to a step: where it began, or, if it did not, where it does if all before is done as it is meant. */
  async goTo(number: number): Promise<void> {
    const start = this.#starts.get(number);
    if (start === undefined) return this.#page.onLesson(this.lesson, number, this.isBuiltIn);
    this.#save({ step: number });
    await this.#seek(start);
    this.#enter();
  }

  /**
   * Is where the page of a lecturer is, who has gone to another step of the same run.
   *
   * @param event  the last event before the step, in the branch that is shown; undefined: nothing had happened
   */
  stand(number: number, event: number | undefined): void {
    const { [number]: _, ...answers } = this.#progress.answers;
    this.#save({ step: number, answers });
    this.#revealed.delete(number);
    this.#starts.set(number, { branch: this.#lab.branch, event });
    this.#enter();
    this.#look();
  }

  /** The same step once more, from its beginning. */
  async retry(): Promise<void> {
    const { [this.number]: _, ...answers } = this.#progress.answers;
    this.#save({ answers });
    this.#revealed.delete(this.number);
    if (this.exercise) return this.#page.onLesson(this.lesson, this.number, this.isBuiltIn);
    await this.#seek(this.#start);
  }

  get #lab(): LabControls {
    const { lab } = this.#page.session;
    if (lab === undefined) throw new Error('a lesson is in the Lab');
    return lab;
  }

  get #recording(): Recording {
    const { recording } = this.#page.session;
    if (recording === undefined) throw new Error('a lesson is in the Lab');
    return recording;
  }

  get #start(): StepStart {
    return this.#starts.get(this.number) ?? { branch: this.#lab.branch, event: undefined };
  }

  #placeOf({ event }: StepStart): number {
    return event === undefined ? 0 : this.#recording.placeOf(event);
  }

  #begin(): void {
    this.#starts.set(this.number, { branch: this.#lab.branch, event: this.#recording.seq });
  }

  /** What is chosen was of the step before. */
  #enter(): void {
    const view = this.step?.focus?.find((one) => 'view' in one);
    const tab = view && 'view' in view && view.view !== 'inspector' ? { tab: view.view } : {};
    this.#page.set({ event: undefined, thing: undefined, ...tab });
  }

  async #seek(start: StepStart): Promise<void> {
    const lab = this.#lab;
    if (lab.branches.some(({ id }) => id === start.branch)) await lab.select(start.branch);
    this.#page.seek(this.#placeOf(start));
    this.#page.select(undefined);
  }

  /** Time of the run since the step began, in milliseconds. */
  get #passed(): number {
    const { event } = this.#start;
    const { start, ms } = this.#recording;
    return ms - (event === undefined ? 0 : (this.#page.told.events.get(event)?.t ?? start) - start);
  }

  #isOver({ deeds }: Outcome): boolean {
    const { at, length, playing } = this.#recording;
    const { run } = this.step ?? {};
    if (typeof run === 'object') return this.#passed >= run.ms;
    // Nothing was done yet in an exercise.
    if (deeds.length === 0 && this.exercise) return false;
    return at === length && this.#lab.isQuiet && !playing;
  }

  #outcome(model: LessonPage['model']): Outcome {
    const { at, length } = this.#recording;
    const start = this.#start;
    const from = this.#placeOf(start);
    const comparison = this.#page.comparison;
    const deeds = this.#lab.deeds.filter(
      ({ place }) => place >= from && (place < at || (place === at && at === length)),
    );
    return {
      model,
      scenario: this.#page.session.scenario,
      since: start.event === undefined ? 0 : start.event + 1,
      deeds: deeds.map(({ act }) => act),
      ...(comparison ? { compared: this.#page.compared(comparison, model).at(-1) } : {}),
    };
  }

  /** Notices that a step has come out. */
  #look(): void {
    if (this.#revealed.has(this.number) || this.view().phase !== 'revealed') return;
    this.#revealed.add(this.number);
    this.#save({ done: [...new Set([...this.#progress.done, this.number])] });
    const message = lastMessage(this.#outcome(this.#page.model));
    // In presenter mode what is selected lies over the picture.
    if (message && this.#page.view.presenting === undefined) this.#page.select(message.id);
    this.#page.changed();
  }

  #save(change: Partial<LessonProgress>): void {
    this.#progress = { ...this.#progress, ...change };
    // A file may have any id.
    if (this.isBuiltIn) saveProgress(this.lesson.id, this.#progress);
    this.#page.changed();
  }
}
