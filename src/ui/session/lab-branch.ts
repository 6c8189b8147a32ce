import type { PlacedDone } from '../../sim/lab.ts';
import type { LabLines } from './lab-lines.ts';
import type { SharedBranch } from './share.ts';

/** A branch as the page knows it. */
export interface Branch {
  readonly id: number;
  name: string;
  readonly lines: LabLines;
  /** Where the world stands, in milliseconds since 1970. */
  now: number;
  isQuiet: boolean;
  isFull: boolean;
  /** The place at which it was left. */
  at: number;
  /** What was done on it, and where it is. */
  done: (PlacedDone & Omit<SharedBranch, 'name' | 'deeds'>) | undefined;
}
