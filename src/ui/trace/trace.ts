import type { Scenario } from '../../scenario/scenario.ts';
import type { News, Violation } from './records.ts';

/** What the header of a trace says: the network as a scenario, and what came of the run. */
export interface TraceHeader {
  readonly scenario: Scenario;
  /** What the run is called, such as "seed 3, mode 0289pp". */
  readonly label: string;
  /** When the run begins, in milliseconds since 1970. */
  readonly start: number;
  readonly violations: readonly Violation[];
  /** It was recorded from a live session. */
  readonly isLive: boolean;
  /** Its nodes are those of the scenario: none comes or goes. */
  readonly isFixed: boolean;
  /** Lines have the ids that their events had in the page that wrote them; those of its own go down from here. */
  readonly hasIds: boolean;
  readonly firstOwn: number;
  /** So many lines say how everything is at the beginning. */
  readonly base: number;
}

/** A trace that was read to its end. */
export interface Trace extends TraceHeader {
  readonly lines: readonly TraceLine[];
  /** The file that it was read from. */
  readonly source?: Blob;
  /** Lines of unknown kinds, which were left out: how many of each. */
  readonly skipped: ReadonlyMap<string, number>;
}

export interface TraceLine {
  /** Not earlier than that of the line before. */
  readonly t: number;
  readonly record: News;
  /** Ids of the events that it makes. */
  readonly events: readonly number[];
}
