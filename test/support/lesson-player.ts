import type { Check, Exercise, Lesson, LessonAct, LessonStep } from '../../src/lessons/lesson.ts';
import { builtInScenario } from '../../src/scenario/built-in.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { LabBranches } from '../../src/sim/lab-branches.ts';
import { Comparison } from '../../src/ui/comparison.ts';
import { Model } from '../../src/ui/fold/model.ts';
import { comesOut, counted, type Outcome } from '../../src/ui/lesson/checks.ts';
import type { Action } from '../../src/ui/session/acts.ts';
import { ComparedRun } from '../../src/ui/session/compared-run.ts';
import { labActOf } from '../../src/ui/session/lab-acts.ts';
import { LabLines } from '../../src/ui/session/lab-lines.ts';

/** Longest that anything in a lesson is under way, in milliseconds of the run. */
const quietMs = 10 * 60_000;

/** Plays a lesson without a page: the Lab's worlds, and the fold of the page. */
export class LessonPlayer {
  readonly scenario: Scenario;
  readonly model: Model;
  readonly #lab: LabBranches;
  readonly #lines: LabLines;
  #told = 0;
  #run: ComparedRun | undefined;
  #since = 0;
  #deeds = 0;

  constructor({ scenario, seed, compare }: Pick<Lesson, 'scenario' | 'seed' | 'compare'>) {
    const found = typeof scenario === 'string' ? builtInScenario(scenario) : scenario;
    if (found === undefined) throw new Error(`there is no scenario ${scenario}`);
    this.scenario = found;
    this.#lab = new LabBranches(found, seed);
    this.#lines = new LabLines(found.servers.map(({ domain }) => domain));
    this.model = new Model(found, true, undefined, false);
    if (compare !== undefined) this.#lab.compare(compare);
    this.#tell();
    this.begin();
  }

  /** A step begins: from here on it counts. */
  begin(): void {
    this.#since = this.model.events.mark();
    this.#deeds = this.#lab.done.deeds.length;
  }

  /** @throws Error if it cannot be done */
  act(act: LessonAct): void {
    const wanted = labActOf(act as unknown as Exclude<Action, { act: 'pause' }>, this.scenario);
    const why = typeof wanted === 'string' ? wanted : this.#lab.act(wanted);
    if (why !== undefined) throw new Error(`${JSON.stringify(act)}: ${why}`);
    this.#tell();
  }

  run(how: LessonStep['run'] = 'quiet'): void {
    this.#lab.run(typeof how === 'object' ? how : { quiet: true, mostMs: quietMs });
    this.#tell();
  }

  /** Does what a step asks for. */
  step({ do: acts = [], run }: LessonStep): void {
    this.begin();
    for (const { act, after } of acts) {
      if (after === 'quiet') this.run();
      this.act(act);
    }
    this.run(run);
  }

  exercise({ acts }: Exercise): void {
    this.begin();
    for (const act of acts) {
      if ('act' in act) this.act(act);
      else this.run(act);
    }
    this.run();
  }

  get outcome(): Outcome {
    const { model, scenario } = this;
    const run = this.#run;
    const comparison = run && new Comparison(run, this.#start);
    comparison?.seek(this.#lab.place.t - this.#start);
    return {
      model,
      scenario,
      since: this.#since,
      deeds: this.#lab.done.deeds.slice(this.#deeds).map(({ act }) => act),
      ...(comparison ? { compared: comparison.messages(model.costs.messages, true).at(-1) } : {}),
    };
  }

  /** Those that do not come out. */
  failing(checks: readonly Check[] = []): readonly Check[] {
    return checks.filter((check) => !comesOut(check, this.outcome));
  }

  count(check: Check): number | undefined {
    return counted(check, this.outcome);
  }

  get #start(): number {
    return this.#lines.places.lines[0]?.t ?? 0;
  }

  #tell(): void {
    const news = this.#lab.news();
    this.#lines.append(news);
    const { lines } = this.#lines.places;
    for (const { record } of lines.slice(this.#told)) {
      if (!('progress' in record)) this.model.fold([record]);
      else if (record.kind === 'node') this.model.network.progress(record.progress);
      else this.model.people.progress(record.progress);
    }
    this.#told = lines.length;
    this.#run = ComparedRun.after(this.#run, news.comparison, this.scenario);
  }
}
