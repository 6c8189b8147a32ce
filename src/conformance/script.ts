/** What a check does, one step after the other, as a generator: whoever plays it has the clock and the network. */
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Like } from './like.ts';

export type Step =
  | { readonly kind: 'send'; readonly stanzas: readonly Stanza[] }
  /** Goes on with the first stanza that came and is like this, or without one after so many milliseconds. */
  | { readonly kind: 'await'; readonly like: Like; readonly withinMs: number };

/** How an `await` ended. What came beside it stays for later steps, and is shown where a check fails. */
export interface Heard {
  readonly stanza: Stanza | undefined;
  /** What came since the last thing that was sent, and that no step has taken, the latest last. */
  readonly others: readonly Stanza[];
}

export type Script<T = void> = Generator<Step, T, Heard>;

/** The peer did not do what the check requires. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly expected: string;
  readonly came: readonly Stanza[];

  constructor(expected: string, came: readonly Stanza[]) {
    super(expected);
    this.expected = expected;
    this.came = came;
  }
}

/** The peer does not have what the check is about, and says so, or need not have it. */
export class NotOffered extends Error {
  override readonly name = 'NotOffered';
}
