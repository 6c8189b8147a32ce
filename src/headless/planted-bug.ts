import type { Mode } from '../sim/plan.ts';
import type { Patch } from './sim-bundle.ts';

/**
 * A mistake that somebody could make, as a change to the source: the program has no switch for any of them. A simulator
 * that does not find them proves little when it finds nothing.
 */
export interface PlantedBug extends Patch {
  readonly name: string;
  /** Modes in which the changed code runs. */
  readonly modes: readonly Mode[];
  /** A second guard against the same mistake, which has to go as well. */
  readonly also?: Patch;
}
