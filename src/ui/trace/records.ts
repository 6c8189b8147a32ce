import type { LinkRecord, StepRecord, TraceRecord } from '../../core/node/trace.ts';
import type { Instant } from '../../core/xmpp/time.ts';
import type { NodeProgress, OccupantProgress } from '../session/progress.ts';

/** What only a recorded run has, in words: acts, faults, what a node wrote to its log, that a part of the run began. */
export interface ToldRecord {
  readonly kind: 'told';
  readonly as: 'act' | 'append' | 'fault' | 'link' | 'state';
  readonly seq: number;
  readonly t: Instant;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** seq of what led to it. */
  readonly cause?: number;
  readonly spec?: string;
  /** What the link between two servers is from now on; a setting that is absent stays. */
  readonly link?: Pick<LinkRecord, 'server' | 'state'> &
    Partial<Pick<LinkRecord, 'latencyMs' | 'jitterMs' | 'bytesPerSecond'>>;
}

/** What the model is folded from. In a recorded run a step has a number, and may itself say what led to it. */
export type ModelRecord = TraceRecord | ToldRecord | (StepRecord & { readonly seq: number; readonly cause?: number });

/** What the page is told: a record of the trace, or how far a node or a person of this page is. */
export type News = ModelRecord | ProgressNews;

export type ProgressNews =
  | { readonly kind: 'node'; readonly progress: NodeProgress }
  | { readonly kind: 'occupant'; readonly progress: OccupantProgress };

/** An invariant that does not hold in a recorded run. */
export interface Violation {
  /** Such as G3; src/sim/invariants.md lists them. */
  readonly invariant: string;
  readonly what: string;
  /** Of the line that shows it; absent where only the state at the end shows it. */
  readonly seq?: number;
}
