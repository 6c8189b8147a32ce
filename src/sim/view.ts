import { hasStatus } from '../core/xep/xep0045.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Said } from './bodies.ts';
import type { Person, SimRecord } from './trace.ts';

/** Something that a user's client was handed. */
export interface Seen {
  /** Index in the trace. */
  readonly i: number;
  /** Whose client that is. */
  readonly view: View;
  /** It is from their room, or from somebody in it. */
  readonly ofRoom: boolean;
  /** Index of its being sent: what a link swallowed is in the trace at that time, not at the time of arrival. */
  readonly sent: number;
  readonly stanza: Stanza;
  /** Own presence, status 110. */
  readonly self: boolean;
  /** For a groupchat message: what was said. */
  readonly body: string | undefined;
  /** Who said it, and as which of their words, if it is one that checkers know. */
  readonly said: Said | undefined;
  /** A replica sent those words on from its own user, and not from its primary. */
  readonly beside: boolean;
  readonly groupchat: boolean;
  readonly delayed: boolean;
  /** A change of subject, or the end of the answer to a join. */
  readonly subject: boolean;
}

/** What one user saw, and did, of their room. */
export interface View {
  readonly person: Person;
  /** What is of the room. */
  readonly seen: readonly Seen[];
  /** Indices of the self-presences that answer a join. */
  readonly entries: ReadonlySet<number>;
  /** Index of the last beginning or end of their client's session. */
  readonly born: number;
  /** Where a link took what it swallowed or gave back on its way to them: nobody can promise them what that was. */
  readonly holes: readonly number[];
  /**
   * Where it took a presence of theirs, or a crash a join that had reached the node: the room may have them in where they are
   * out, and not know that they ask.
   */
  readonly unheard: readonly number[];
}

/** Whether the own presence says that one is out, and not only called otherwise. */
export function isOut({ self, stanza }: Seen): boolean {
  return self && stanza.type === 'unavailable' && !hasStatus(stanza.payloads, 303);
}

/** What a user saw, in join sessions: from one answered join to the next, or to being out. */
export function sessions({ seen, entries }: View): Seen[][] {
  const found: Seen[][] = [];
  let current: Seen[] | undefined;
  for (const one of seen) {
    if (entries.has(one.i)) {
      current = [];
      found.push(current);
    }
    current?.push(one);
    if (isOut(one)) current = undefined;
  }
  return found;
}

/** Whether everything that was sent to them between two places of the trace got to them. */
export function whole({ holes }: View, from: number, to: number): boolean {
  return !holes.some((hole) => hole >= from && hole <= to);
}

/** Whether a link swallowed something of that kind on its way to them. */
export function lost(
  trace: readonly SimRecord[],
  { holes }: View,
  from: number,
  kind: (stanza: Stanza) => boolean,
  to = trace.length,
): boolean {
  return holes.some((hole) => {
    const record = hole >= from && hole <= to ? trace[hole] : undefined;
    return record?.kind === 'link' && kind(record.stanza);
  });
}
