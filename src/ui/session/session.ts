import type { Acted, Trouble } from '../../host/control.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { ModelRecord, Violation } from '../trace/records.ts';
import type { Trace } from '../trace/trace.ts';
import type { Action } from './acts.ts';
import type { NodeProgress, OccupantProgress } from './progress.ts';

export type { NodeProgress, OccupantProgress };

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
  /** Of a recording: forget everything told so far; it will be told again from the beginning. */
  restart(): void;
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

export interface JoinInfo {
  readonly websocket: string;
  readonly room: string;
  readonly jid: string;
  readonly password: string;
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
}

/** A run that is over, or the record of one that goes on. A place in it is a number of events that have happened. */
export interface Recording {
  /** Such as "seed 3, mode 0289pp". */
  readonly label: string;
  /** Of the live session that this page shows otherwise: it goes on, and the record grows. */
  readonly kept: Kept | undefined;
  /** All of it, also what comes after the place that is shown. */
  readonly trace: Trace;
  /** Times are those of a day, not counted from the beginning of the run. */
  readonly isLive: boolean;
  /** Nodes are those of the scenario: none comes or goes. */
  readonly isFixed: boolean;
  /** The id of the first event that the server did not see: -1, or less if there was more before. */
  readonly firstOwn: number;
  /** Why nothing in it can be changed. */
  readonly fixed: string;
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
  /** Stops playing. A single step forward is shown moving. */
  seek(at: number): void;
  /** Starts from the beginning if it is at the end. */
  play(): void;
  pause(): void;
}

/** One running scenario. The page knows nothing more of what runs it. */
export interface Session {
  readonly mode: 'live' | 'recorded';
  /** Only of a run that is over, or where the record of one is shown. */
  readonly recording?: Recording;
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
