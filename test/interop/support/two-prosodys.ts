import type { Prosody } from './prosody.ts';
import { type Side, startProsodys } from './prosodys.ts';
import type { Wan } from './wan.ts';

export { secret } from './prosodys.ts';

/** Two Prosodys with a network in between (prosodys.ts). */
export interface TwoProsodys {
  readonly first: Prosody;
  readonly second: Prosody;
  readonly toFirst: Wan;
  readonly toSecond: Wan;
  /** For whatever the programs write. */
  readonly directory: string;
  /** Ends before what was started earlier. */
  endWith(end: () => unknown): void;
  cut(how: 'silent' | 'refused'): Promise<void>;
  heal(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTwo(one: Side, other: Side): Promise<TwoProsodys> {
  const { servers, way, directory, endWith, cut, heal, stop } = await startProsodys([one, other]);
  const [first, second] = servers as [Prosody, Prosody];
  return {
    ...{ first, second, directory, endWith, stop },
    toFirst: way(1, 0),
    toSecond: way(0, 1),
    cut: (how) => cut(0, how),
    heal: () => heal(0),
  };
}
