import type { HistoryItem, Occupant } from '../../core/room/event.ts';
import { changesSubject } from '../../core/xep/xep0045.ts';
import type { Jid } from '../../core/xmpp/jid.ts';
import { textOf, type XmlElement } from '../../core/xmpp/xml.ts';
import { historyOf } from '../archives.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { Verdict, Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';
import { sessionsOf } from './occupants.ts';

/**
 * D-c, D-f: at the end every replica has the primary's people, with the rank the primary gives them, and its
 * history; and it serves those sessions that it serves for the primary.
 */
export const sameState: Checker = (given) => ({ verdict: () => copiesOfThePrimary(given) });

function copiesOfThePrimary(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas } = nodesOf(given);
  // Decision #12: a stamp of a clock that is minutes ahead is not believed.
  const { faults, steps = [] } = given.world?.plan ?? {};
  const stamps = (faults?.skewMs ?? 0) < 150_000 && !steps.some(({ kind }) => kind === 'clock');
  const same = (a: HistoryItem | undefined, b: HistoryItem) =>
    a !== undefined && (!stamps || a.at === b.at) && sameTexts(a.payloads, b.payloads);
  const original = primary && stateOf(given, primary.address);
  if (!original) return { violations, exercised };
  const known = new Map(original.history.map((item) => [item.id, item]));
  const ranks = new Map(original.occupants.map((occupant) => [occupant.nick, occupant]));
  for (const { address } of replicas) {
    const copy = stateOf(given, address);
    if (!copy) continue;
    exercised++;
    for (const { nick, affiliation, role } of copy.occupants) {
      const rank = ranks.get(nick);
      if (rank?.affiliation !== affiliation || rank.role !== role)
        violations.push({
          invariant: 'D-f',
          what: `${nick} is ${affiliation}/${role} at ${address} and ${rank?.affiliation}/${rank?.role} at the primary`,
        });
    }
    const homes = (occupants: readonly Occupant[], home: Jid | undefined) =>
      occupants
        .flatMap((one) => sessionsOf(one).flatMap((session) => (session.home === home ? session.jid : [])))
        .sort();
    const [here, there] = [homes(copy.occupants, undefined).join(' '), homes(original.occupants, address).join(' ')];
    if (here !== there) {
      const what = `${address} serves ${here || 'nobody'}, and for the primary ${there || 'nobody'}`;
      violations.push({ invariant: 'D-f', what });
    }
    // Of the time that it keeps at all it keeps everything.
    const kept = new Map(copy.history.map((item) => [item.id, item]));
    const strange = copy.history.find((item) => !same(known.get(item.id), item));
    if (strange !== undefined)
      violations.push({ invariant: 'D-c', what: `${address} keeps "${told(strange)}", the primary does not` });
    const first = original.history.findIndex((item) => same(kept.get(item.id), item));
    // Which subjects it had before only the primary is asked.
    const missing = original.history
      .slice(Math.max(0, first))
      .find((item) => !changesSubject(item.payloads) && !same(kept.get(item.id), item));
    if (kept.size > 0 && missing !== undefined)
      violations.push({ invariant: 'D-c', what: `${address} does not keep "${told(missing)}"` });
  }
  return { violations, exercised };
}

/** The first room of a node, with all that it keeps of its messages. */
function stateOf({ world }: Evidence, address: Jid) {
  const seat = world?.seats.get(address);
  const room = seat?.node.snapshot().rooms[0];
  return seat && room && { ...room, history: historyOf(seat, room) };
}

function told({ id, at, payloads }: HistoryItem): string {
  return `${id} ${at} ${payloads.map(textOf).join()}`;
}

function sameTexts(some: HistoryItem['payloads'], others: HistoryItem['payloads']): boolean {
  return some.length === others.length && some.every((one, k) => textOf(one) === textOf(others[k] as XmlElement));
}
