import type { MucNode } from '../core/node/node.ts';
import type { StatusRecord, StepRecord } from '../core/node/trace.ts';
import type { Sign } from '../core/turn/spec.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { EventStore } from './event-store.ts';
import type { Renewal } from './renewal.ts';
import type { LinkHandlers, StanzaLink } from './stanza-link.ts';

/** What the driver needs of the world around it; a worker, Node and the tests each have their own. */
export interface DriverHost {
  now(): Instant;
  /** Calls `fn` at `at` or later (a frozen page wakes late); returns how to cancel it. */
  setTimer(at: Instant, fn: () => void): () => void;
  newId(): string;
}

export interface DriverOptions {
  /** Address of the node, as its records name it. */
  readonly address: string;
  readonly node: MucNode;
  readonly store: EventStore;
  readonly link: StanzaLink;
  readonly host: DriverHost;
  /** What was done, and what the node is now, in batches. */
  report?(batch: readonly (StepRecord | StatusRecord)[]): void;
  /** The driver stopped by itself, because the log failed or the node threw. Memory is ahead of the log: restart from it. */
  failed?(error: unknown): void;
  /** For the progress list; "ready" and what was restored come from `start`. */
  readonly progress?: LinkHandlers['progress'];
  readonly meter?: DriverMeter | undefined;
  /** How the node goes on when its store fails it; absent: it does not. */
  readonly renewal?: Renewal;
  /** A snapshot is saved after this many events at the earliest; a longer one less often (see #snapshotIfDue). */
  readonly snapshotEvery?: number;
}

/** What a driver tells of its work to whoever counts it. */
export interface DriverMeter {
  /** The log has kept what an input changed, after so many milliseconds; `searched` is the same of an archive. */
  appended(ms: number): void;
  searched(ms: number): void;
  /** A node and its peer are split or out of step, or come together again. */
  noted(sign: Sign): void;
}

/** What a node came back with. */
export interface Restored {
  readonly fromSnapshot: boolean;
  readonly events: number;
  readonly damage?: string;
}
