import { bareOf, domainOf } from '../../core/xmpp/jid.ts';
import { errorOf } from '../../core/xmpp/stanza.ts';
import type { Checker, Evidence } from '../evidence.ts';
import type { Violation } from '../trace.ts';

/**
 * What a server says of a neighbour that it cannot reach; any other error is a word of that neighbour's own. Said here a
 * second time, for a checker that asks the core agrees with it.
 */
const unreachable: ReadonlySet<string> = new Set([
  'gone',
  'internal-server-error',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
]);

/** An error from a neighbour ends a link only if it says that nobody is there (XEP-0282 §4.11.1, decision #10). */
export function lostByBounceAlone(
  given: Evidence,
  invariant: string,
  refusals: readonly string[] = [],
): ReturnType<Checker> {
  const violations: Violation[] = [];
  let exercised = 0;
  const hostile = given.world?.plan.hostileNode;
  const states = new Map<string, string | undefined>();
  for (const { i, record } of given.kept) {
    const cause = record.cause === undefined ? undefined : given.trace[record.cause];
    for (const [k, event] of record.events.entries()) {
      if (event.kind !== 'peerChanged') continue;
      const link = `${record.node} ${event.room} ${event.peer}`;
      const before = states.get(link);
      const state = event.record?.state;
      states.set(link, state);
      if (before !== 'live' || (state !== undefined && state !== 'split')) continue;
      if (cause?.kind !== 'out' || cause.stanza.type !== 'error' || bareOf(cause.stanza.from) !== event.peer) continue;
      if (hostile === event.peer || hostile === domainOf(event.peer)) continue;
      exercised++;
      const condition = errorOf(cause.stanza)?.condition ?? '';
      if (unreachable.has(condition) || refusals.includes(condition)) continue;
      // The error cost a user their nick, and a node whose last user is gone parts.
      if (record.events.slice(0, k).some(({ kind }) => kind === 'occupantLeft')) continue;
      // Or it came at a place that showed a gap (decision #60; the words are the node's own).
      const gap = ({ record: note }: Evidence['others'][number]) =>
        note.kind === 'note' && note.cause === i && note.what.endsWith('not what was before it');
      if (given.others.some(gap)) continue;
      violations.push({ invariant, what: `${record.node} takes ${condition} for the loss of ${event.peer}`, at: i });
    }
  }
  return { violations, exercised };
}

/** Whether a replica sent this on from its own user, and not from its primary. */
export function saidBesideThem(trace: Evidence['trace'], sent: number): boolean {
  const causeOf = (i: number | undefined) => {
    const record = i === undefined ? undefined : trace[i];
    return record && 'cause' in record ? record.cause : undefined;
  };
  const handed = trace[causeOf(causeOf(sent)) ?? -1];
  const by = trace[sent];
  return (
    by?.kind === 'in' &&
    domainOf(by.by) !== domainOf(by.stanza.from) &&
    handed?.kind === 'out' &&
    bareOf(handed.stanza.from) !== bareOf(by.stanza.from)
  );
}
