import type { Acted, PlainWorkerApi, Trouble } from '../../host/control.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { VariantId } from '../../scenario/variant-nodes.ts';
import type { LabAct } from '../../sim/lab.ts';
import type { ModelRecord, Violation } from '../trace/records.ts';
import type { Trace } from '../trace/trace.ts';
import type { Action } from './acts.ts';
import type { ComparedRun } from './compared-run.ts';
import type { NodeProgress, OccupantProgress } from './progress.ts';

/** Nothing is thrown across a worker boundary: the error is text that says what was wrong. */
export type ActResult = { readonly ok: true } | { readonly ok: false; readonly error: string };

export function refuse(error: string): Extract<ActResult, { ok: false }> {
  return { ok: false, error };
}

export interface SessionListener {
  /**
   * Records of the trace, in order, in batches.
   *
   * @param past  they are over: nothing of them is shown moving
   */
  records(batch: readonly ModelRecord[], past?: boolean): void;
  /**
   * Of a recording: forget everything told so far; it will be told again from the beginning.
   *
   * @param other  what will be told is not what was told before
   * @param place  what happens until this place will be told
   * @returns a place that the listener has kept, from which it will be told on; undefined: from the beginning
   */
  restart(other?: boolean, place?: number): number | undefined;
  /** Of a recording: the last place before this one that the listener has kept, so that it need not be told what led there. */
  keptBefore?(place: number): number | undefined;
  /** Of a recording: it began or stopped playing, or another place in it is shown. */
  moved(): void;
  /** @param past  as above, and in the order of the records */
  node(progress: NodeProgress, past?: boolean): void;
  occupant(progress: OccupantProgress, past?: boolean): void;
  /** A character of this page handed a stanza to its stream: the n-th, which the trace will show. */
  sent(stream: string, n: number): void;
  /** What is wrong with the page as a whole; undefined when all is well. */
  trouble(trouble: Trouble | undefined): void;
}

/** Who hears what happens. */
export type Hearer = Pick<SessionListener, 'records' | 'node' | 'occupant'>;

export interface JoinInfo {
  readonly websocket: string;
  readonly room: string;
  readonly jid: string;
  readonly password: string;
}

/** Something that was done, and when, in milliseconds since 1970. */
export interface TimedAct {
  readonly t: number;
  readonly action: Action;
}

/** How much of a live session is kept, and from when. */
export interface Kept {
  /** Time of the first record that is kept, in milliseconds since 1970; undefined if there is none. */
  readonly since: number | undefined;
  /** Length of the records as text, in characters; and the most that is kept. */
  readonly length: number;
  readonly most: number;
  /** Records that are not kept any more: of what they led to, the state is known. */
  readonly dropped: number;
  /** What this page has done in it. */
  readonly acts: readonly TimedAct[];
}

/**
 * A run that is shown at a place: one that is over, the record of one that goes on, or the Lab's. A place in it is a number of events
 * that have happened.
 */
export interface Recording {
  /** Such as "seed 3, mode 0289pp". */
  readonly label: string;
  /** Of the live session that this page shows otherwise: it goes on, and the record grows. */
  readonly kept: Kept | undefined;
  /** All of it, also what comes after the place that is shown. Absent in the Lab, whose worker has it. */
  readonly trace?: Trace;
  /** Times are those of a day, not counted from the beginning of the run. */
  readonly isLive: boolean;
  /** Nodes are those of the scenario: none comes or goes. */
  readonly isFixed: boolean;
  /** The id of the first event that the server did not see: -1, or less if there was more before. */
  readonly firstOwn: number;
  /** Why nothing in it can be changed; undefined if it can. */
  readonly fixed: string | undefined;
  readonly violations: readonly Violation[];
  /** Lines that this page does not know: how many of each kind. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Events in all. */
  readonly length: number;
  readonly at: number;
  readonly playing: boolean;
  /** When the run began, in milliseconds since 1970. */
  readonly start: number;
  /** Time of that place, in milliseconds since the run began. */
  readonly ms: number;
  /** Id of the event at that place, if any. */
  readonly seq: number | undefined;
  /** Factor on the time between events while it plays. */
  pace: number;
  /** The place right after this event. */
  placeOf(event: number): number;
  /** The last place at or before a time, in milliseconds since the run began. */
  placeAt(ms: number): number;
  /** Tells somebody what happens from one place to a later one; from the very beginning if `from` is undefined. */
  tell(listener: Hearer, from: number | undefined, to: number): void;
  /** Stops playing. A single step forward is shown moving. */
  seek(at: number): void;
  /** Starts from the beginning if it is at the end. */
  play(): void;
  pause(): void;
}

/** A branch of a run in the Lab: what happened with other acts from some place on. */
export interface LabBranch {
  readonly id: number;
  readonly name: string;
  /** Events in it. */
  readonly length: number;
}

/** What the Lab can do besides: its run goes on, and what is done in the past makes a branch. */
export interface LabControls {
  readonly seed: number;
  readonly branches: readonly LabBranch[];
  /** The one that is shown. */
  readonly branch: number;
  /** Nothing is under way at the end of the run, nor in the one with which it is compared. */
  readonly isQuiet: boolean;
  /** Why it does not go on; undefined if it can. */
  readonly isFull: boolean;
  /** Factor on the time of the run while it plays; undefined: it plays event by event. */
  speed: number | undefined;
  /** The time of the run that is shown, in milliseconds since 1970; it runs on while it plays by time. */
  readonly clock: number;
  /** What was done in all branches, for a link; undefined if nothing was. */
  readonly shared: string | undefined;
  /** What was done on the branch that is shown, in order: each with the place of the run where it was done. */
  readonly deeds: readonly { readonly place: number; readonly act: LabAct }[];
  /** The protocols in which the scenario can be, besides its own. */
  readonly variants: readonly VariantId[];
  /** The same run in another protocol, with which this one is compared. */
  readonly comparison: ComparedRun | undefined;
  /** Compares with the run in another protocol, on every branch; undefined: with none. */
  compare(variant: VariantId | undefined): Promise<void>;
  /** The trace of the branch that is shown, as a file: the same in every browser and in Node.js. */
  ndjson(): Promise<string>;
  /** Everything that was asked for so far is done. */
  settled(): Promise<void>;
  /** Goes on by so many events, also back. */
  step(events: number): Promise<void>;
  /** Goes on until nothing is under way. */
  toQuiet(): Promise<void>;
  /** Goes on for so many milliseconds of the run. */
  runFor(ms: number): Promise<void>;
  /**
   * Shows what another page does: what is the same stays as it is, and what comes next is shown moving.
   *
   * @param shared  what was done there, as in a link; undefined: nothing was
   * @param at  the place that is shown there: a number of events
   */
  follow(shared: string | undefined, at: number): Promise<void>;
  select(branch: number): Promise<void>;
  /** @param at  the place where it begins; absent: the one that is shown */
  begin(name: string, at?: number): Promise<void>;
  rename(branch: number, name: string): void;
  /** The branch that is shown stays. */
  remove(branch: number): Promise<void>;
}

/** One running scenario. The page knows nothing more of what runs it. */
export interface Session {
  readonly mode: 'live' | 'recorded' | 'lab';
  /** Only of a run that is over, of the Lab's, or where the record of one is shown. */
  readonly recording?: Recording;
  /** Only of the Lab. */
  readonly lab?: LabControls;
  /** A worker that has plain rooms to compare with, if the session has one already. */
  readonly plain?: PlainWorkerApi;
  readonly scenario: Scenario;
  /** False where the page only watches and takes part: the nodes run elsewhere. */
  readonly runsNodes: boolean;
  /** For "Join with your own client": an account on each server, ready to use. */
  readonly joinInfo: readonly JoinInfo[];
  listen(listener: SessionListener): () => void;
  /** Settles when it is done as far as the session knows; the trace has yet to show it. */
  act(action: Action): Promise<Acted>;
  /** Begins anew, for all pages: the network forgets everything, and the pages their nodes' logs. */
  startOver(): Promise<ActResult>;
  /** Leaves, logs out and ends all workers. */
  stop(): Promise<void>;
}
