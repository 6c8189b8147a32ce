import { parentPort } from 'node:worker_threads';
import { shrink } from '../sim/shrink.ts';
import { type RunOptions, run } from '../sim/simulator.ts';
import { replayCommand, story } from '../sim/story.ts';
import type { Violation } from '../sim/trace.ts';
import { digestOf } from './trace-digest.ts';

/** What a thread is asked for. */
export type Job =
  | { readonly kind: 'run'; readonly seed: number; readonly options: RunOptions; readonly digest?: true }
  /** `as it is`: the run is told of and not shrunk. */
  | {
      readonly kind: 'tell';
      readonly seed: number;
      readonly options: RunOptions;
      readonly invariant: string;
      readonly asItIs: boolean;
    };

/** What came of a run; plain data, the same on every machine. */
export interface Outcome {
  readonly violations: readonly Violation[];
  readonly exercised: Readonly<Record<string, number>>;
  readonly events: number;
  /** Of its trace, if it was asked for. */
  readonly digest?: string;
}

/** A violation in words, and how to see it again. */
export interface Told {
  readonly what: string;
  readonly lines: readonly string[];
  readonly command: string;
}

export type Answer = Outcome | Told;

function answer(job: Job): Answer {
  const { seed, options } = job;
  if (job.kind === 'run') {
    const { violations, exercised, events, trace } = run(seed, options);
    return { violations, exercised, events, ...(job.digest ? { digest: digestOf(trace) } : {}) };
  }
  const left = job.asItIs ? undefined : shrink(seed, options, job.invariant);
  const { options: shown, result } = left ?? { options, result: run(seed, options) };
  const violation = result.violations.find(({ invariant }) => invariant === job.invariant) as Violation;
  const how = left ? [`shrunk from ${left.from} steps to ${left.to}, in ${left.runs} runs:`] : [];
  return {
    what: violation.what,
    lines: [...how, ...story(result, shown, violation)],
    command: replayCommand(seed, shown),
  };
}

parentPort?.on('message', (job: Job) => parentPort?.postMessage(answer(job)));
