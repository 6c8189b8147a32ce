import { subjectChange } from '../core/xep/xep0045.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf } from '../core/xmpp/stanza.ts';
import { sentAt } from './causes.ts';
import type { SimRecord } from './trace.ts';
import type { Seen, View } from './view.ts';

/** A view that is being read, and where in the trace its user asked to enter or began or ended a session. */
export interface Reading extends View {
  readonly seen: Seen[];
  readonly entries: Set<number>;
  readonly holes: number[];
  readonly unheard: number[];
  born: number;
}
export interface Asking {
  readonly view: Reading;
  readonly asked: (number | 'session')[];
  readonly at: number[];
}

/**
 * A change of nick or presence comes back as a self-presence too, and after a split delayed messages may follow one: so
 * an entry is one that a join waits for, or (for a join of the client's earlier life, answered late) one that is followed
 * by all of an answer, up to the subject that ends it, which has no stanza-id.
 */
export function findEntries({ view, asked, at }: Asking, trace: readonly SimRecord[]): void {
  const { entries, holes } = view;
  // A bounce by their own server, or a private message, may come in the middle of an answer and is not part of it.
  const seen = view.seen.filter(({ stanza: { name, type } }) => type !== 'error' && type !== 'chat' && name !== 'iq');
  let waiting = 0;
  let next = 0;
  for (let k = 0; k < seen.length; k++) {
    const { i, self, stanza, sent } = seen[k] as Seen;
    for (; next < at.length && (at[next] as number) < i; next++) waiting = asked[next] === 'session' ? 0 : waiting + 1;
    if (!self || stanza.type !== undefined) continue;
    const { first, next: after, ended, plain } = answerAfter(seen, k, trace);
    if (first === undefined || !(isEnd(first) || (first.groupchat && first.delayed))) continue;
    // To its end where no link swallows it, or their client was gone before the rest of it.
    const gone = asked[next] === 'session' && (at[next] as number) < (after?.i ?? trace.length);
    const t = trace[sent]?.t;
    const swallowed = ended ? [] : holes.filter((hole) => trace[sentAt(trace, hole)]?.t === t);
    if (!ended && !gone && swallowed.length === 0) continue;
    if (waiting > 0 || (ended && plain) || swallowed.some((hole) => isLostEnd(trace[hole]))) {
      entries.add(i);
      waiting = Math.max(0, waiting - 1);
    }
  }
}

/**
 * What one node sent at once with a self-presence, and after it: the rest of an answer to a join, if it is one. What others
 * sent may come in between; what the same node sent later, and after a sleep the next of several answers, ends it.
 *
 * @returns the first of it, what came next, whether the end of an answer was reached, and whether all before was history
 */
function answerAfter(seen: readonly Seen[], k: number, trace: readonly SimRecord[]) {
  const self = trace[(seen[k] as Seen).sent];
  let first: Seen | undefined;
  let plain = true;
  for (let j = k + 1; j < seen.length; j++) {
    const one = seen[j] as Seen;
    const sent = trace[one.sent];
    if (sent?.kind !== 'in' || self?.kind !== 'in' || sent.by !== self.by) continue;
    if (sent.t !== self.t || one.self) return { first, next: one, ended: false, plain };
    first ??= one;
    if (isEnd(one)) return { first, next: one, ended: true, plain };
    plain &&= one.groupchat && one.delayed;
  }
  return { first, next: undefined, ended: false, plain };
}

function isEnd({ subject, stanza }: Seen): boolean {
  return subject && payloadOf(stanza, 'stanza-id', NS.sid) === undefined;
}

function isLostEnd(record: SimRecord | undefined): boolean {
  if (record?.kind !== 'link') return false;
  return subjectChange(record.stanza) !== undefined && payloadOf(record.stanza, 'stanza-id', NS.sid) === undefined;
}
