import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Answer, Job, Outcome, Told } from './sim-thread.ts';

type AnswerTo<J extends Job> = J extends { kind: 'run' } ? Outcome : Told;

/**
 * A run fills some ten megabytes that are all of use to its end, and then none is: where they fit into the young generation
 * they are not copied about again and again.
 */
const roomForARun = { maxYoungGenerationSizeMb: 192 };

/**
 * A command is over in seconds, and left to itself V8 spends a third of them on optimising: again and again, the largest
 * functions first, each with all that they call. So here it optimises what is small, and later, and compiles quickly until
 * then. Later versions have a compiler in between, and need less telling.
 */
const compileLess = process.versions.node.startsWith('20.')
  ? [
      '--max-inlined-bytecode-size-cumulative=60',
      '--max-optimized-bytecode-size=700',
      '--interrupt-budget=132000',
      '--always-sparkplug',
    ]
  : ['--max-inlined-bytecode-size-cumulative=200'];

/** Threads that run simulations. Which of them does what makes no difference to the answers. */
export class SimPool {
  readonly #threads: readonly Worker[];
  #stopped = false;

  /** @param thread  the code of one (sim-bundle.ts) */
  constructor(thread: URL, threads: number) {
    for (const flag of compileLess) setFlagsFromString(flag);
    this.#threads = Array.from({ length: threads }, () => new Worker(thread, { resourceLimits: roomForARun }));
  }

  /**
   * Gives the jobs to the threads, one after another.
   *
   * @param done  takes each answer as it comes
   * @returns the answers, in the order of the jobs; those that `stop` cut off are undefined
   * @throws Error of a thread that failed
   */
  async all<J extends Job>(
    jobs: readonly J[],
    done?: (answer: AnswerTo<J>, job: J) => void,
  ): Promise<(AnswerTo<J> | undefined)[]> {
    const answers: (AnswerTo<J> | undefined)[] = jobs.map(() => undefined);
    let next = 0;
    await Promise.all(
      this.#threads.map(async (thread) => {
        while (next < jobs.length && !this.#stopped) {
          const i = next++;
          const job = jobs[i] as J;
          const answer = (await this.#ask(thread, job)) as AnswerTo<J> | undefined;
          if (answer === undefined) return;
          answers[i] = answer;
          done?.(answer, job);
        }
      }),
    );
    return answers;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  /** @returns undefined if the thread was stopped */
  #ask(thread: Worker, job: Job): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      const answered = (answer: Answer) => settle(() => resolve(answer));
      const failed = (error: Error) => settle(() => reject(error));
      const ended = () => settle(() => resolve(undefined));
      const settle = (how: () => void) => {
        thread.off('message', answered).off('error', failed).off('exit', ended);
        how();
      };
      thread.on('message', answered).on('error', failed).on('exit', ended);
      thread.postMessage(job);
    });
  }
}
