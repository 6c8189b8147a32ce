import { readPosition } from '../../core/xep/sync.ts';
import type { Jid } from '../../core/xmpp/jid.ts';
import { NS } from '../../core/xmpp/namespaces.ts';
import { payloadOf } from '../../core/xmpp/stanza.ts';
import { childOf, textOf } from '../../core/xmpp/xml.ts';
import { historyOf } from '../archives.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { Verdict, Violation } from '../trace.ts';
import { sessions, whole } from '../view.ts';
import { nodesOf } from './nodes.ts';
import { untoldOf } from './untold.ts';

/** D-a: while it is not split a replica takes every change of the primary's sequence, one after the other. */
export const gapFree: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const last = new Map<Jid, number>();
  const replicas = new Set<Jid>(nodesOf(given).replicas.map(({ address }) => address));
  return {
    kept(event, { node }, _, i) {
      const { n } = event;
      if (n === undefined || !replicas.has(node)) return;
      exercised++;
      const before = last.get(node);
      if (event.kind !== 'stateReplaced' && before !== undefined && n !== before && n !== before + 1)
        violations.push({ invariant: 'D-a', what: `${node} takes ${n} after ${before}`, at: i });
      last.set(node, n);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * D-b: a user who stays in to the end is shown, live or with a delay, everything from the first message they heard live.
 * Except for what their node kept and told nobody, because it crashed between the disk and the wire: that is in the history,
 * and is not sent again (decision #50).
 */
export const nothingMissed: Checker = (given) => ({ verdict: () => allShown(given) });

function allShown(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const { world, views } = given;
  const { primary } = nodesOf(given);
  const seat = primary && world?.seats.get(primary.address);
  const [room] = seat?.node.snapshot().rooms ?? [];
  const history = seat && room && historyOf(seat, room);
  if (!world || !history) return { violations, exercised };
  const accepted = history
    .map(({ payloads }) => payloads.find(({ name }) => name === 'body'))
    .map((body) => body && textOf(body));
  const places = new Map(accepted.map((body, k) => [body, k]));
  const untold = untoldOf(given);
  for (const view of views) {
    const user = world.users.get(view.person.jid);
    const session = sessions(view).at(-1);
    const [entry] = session ?? [];
    if (!session || !entry || !user?.online || user.half.state().phase !== 'joined' || entry.i < view.born) continue;
    if (session.at(-1) !== view.seen.at(-1) || !whole(view, entry.sent, given.trace.length)) continue;
    // Messages of the replica's own users in a split do not count, since the room has not accepted them yet (decision #42):
    // a user who is let in provisionally hears no others, and gets the room's own as history (decision #44).
    const first = session.find(
      ({ body, delayed, beside }) => body !== undefined && !delayed && places.has(body) && !beside,
    );
    if (!first) continue;
    exercised++;
    // Also what they heard beside them before the primary answered an earlier join of theirs.
    const heard = new Set<string>();
    for (const { i, body } of view.seen) if (body !== undefined && i >= view.born) heard.add(body);
    const excused = untold.get(view.person.jid);
    const missed = accepted
      .slice(places.get(first.body))
      .filter((body) => body !== undefined && !heard.has(body) && !excused?.has(body));
    if (missed.length > 0)
      violations.push({
        invariant: 'D-b',
        what: `${view.person.jid} stayed in and never got ${missed.slice(0, 5).join(', ')}`,
      });
  }
  return { violations, exercised };
}

/** D-e: nothing of an epoch is taken after a later one was, neither a whole state nor a change. */
export const epochs: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const last = new Map<Jid, number>(nodesOf(given).replicas.map(({ address }) => [address, 0]));
  return {
    other(record) {
      // Without its log it knows of no epoch.
      if (record.kind === 'forgotten' && last.has(record.node)) last.set(record.node, 0);
    },
    kept(event, { node }, { cause }, i) {
      const before = last.get(node);
      if (before === undefined) return;
      const epoch =
        event.kind === 'stateReplaced' ? event.epoch : event.n === undefined ? before : epochOf(given, cause);
      if (epoch === undefined || epoch === before) return;
      exercised++;
      if (epoch < before) {
        const what = `${node} goes back to epoch ${epoch} from ${before}`;
        violations.push({ invariant: 'D-e', what, at: i });
      }
      last.set(node, epoch);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** The epoch of the place that a node was told with this. */
function epochOf({ trace }: Evidence, cause: number | undefined): number | undefined {
  const record = cause === undefined ? undefined : trace[cause];
  const x = record?.kind === 'out' ? payloadOf(record.stanza, 'x', NS.dmuc2) : undefined;
  return x && readPosition(childOf(x, 's', NS.ext))?.epoch;
}
