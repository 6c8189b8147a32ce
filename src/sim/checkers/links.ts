import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import { errorOf } from '../../core/xmpp/stanza.ts';
import { sentAt } from '../causes.ts';
import type { Checker, Place } from '../judge.ts';
import type { Other, Placed, SimRecord, Violation } from '../trace.ts';

/**
 * What a server says of a neighbour that it cannot reach; any other error is the neighbour's own answer. The list is
 * repeated here, since a checker that asked the core would always agree with it.
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

/**
 * An error from a neighbour ends a link only if it says that nobody is there (XEP-0282 §4.11.1, decision #10).
 *
 * @param refusals  what else ends one
 */
export function lostByBounceAlone(invariant: string, refusals: readonly string[] = []): Checker {
  return ({ trace, world, others }) => {
    const violations: Violation[] = [];
    let exercised = 0;
    const hostile = world?.plan.hostileNode;
    const states = new Map<Place, Map<Jid, string | undefined>>();
    return {
      kept(event, place, record, i) {
        if (event.kind !== 'peerChanged') return;
        const peers = states.get(place) ?? new Map<Jid, string | undefined>();
        states.set(place, peers);
        const before = peers.get(event.peer);
        const state = event.record?.state;
        peers.set(event.peer, state);
        if (before !== 'live' || (state !== undefined && state !== 'split')) return;
        const cause = record.cause === undefined ? undefined : trace[record.cause];
        if (cause?.kind !== 'out' || cause.stanza.type !== 'error' || bareOf(cause.stanza.from) !== event.peer) return;
        if (hostile === event.peer || hostile === domainOf(event.peer)) return;
        exercised++;
        const condition = errorOf(cause.stanza)?.condition ?? '';
        if (unreachable.has(condition) || refusals.includes(condition)) return;
        // The error cost a user their nick, and a node parts when its last user is gone.
        if (record.events.slice(0, record.events.indexOf(event)).some(({ kind }) => kind === 'occupantLeft')) return;
        // Or it came at a place that showed a gap (decision #60).
        const gap = ({ record: note }: Placed<Other>) =>
          note.kind === 'note' && note.cause === i && note.sign === 'gap' && note.peer === event.peer;
        if (others.some(gap)) return;
        violations.push({ invariant, what: `${record.node} takes ${condition} for the loss of ${event.peer}`, at: i });
      },
      verdict: () => ({ violations, exercised }),
    };
  };
}

/** What two time-outs of an unanswered ping last (decision #3), in milliseconds: repeated here, as above. */
const patienceMs = 2 * 15_000;

/**
 * Silence ends a link only if it was one: nothing of the neighbour had reached the node for two time-outs, also where the
 * node slept and found the answer among all that waited for it (decision #3).
 */
export function lostBySilenceAlone(invariant: string): Checker {
  return ({ trace, world }) => {
    const violations: Violation[] = [];
    let exercised = 0;
    const hostile = world?.plan.hostileNode;
    /** For how long, before an append of the node, nothing from the neighbour had reached it, up to `patienceMs`. */
    const silentMs = (node: Jid, peer: Jid, append: number, t: number): number => {
      for (let i = append - 1; i >= 0; i--) {
        const record = trace[i] as SimRecord;
        if (t - record.t >= patienceMs) break;
        if (record.kind !== 'out' || record.to !== node || bareOf(record.stanza.from) !== peer) continue;
        // An error in its name may come from a server, and what a hostile node says in its name is not believed.
        const sent = trace[sentAt(trace, i)];
        if (record.stanza.type !== 'error' && !(sent?.kind === 'in' && sent.by === hostile)) return t - record.t;
      }
      return patienceMs;
    };
    return {
      other(record, i) {
        // That nobody answered a ping is what the node says; a request may be lost alone.
        if (record.kind !== 'note' || record.sign !== 'silence') return;
        const { node, cause } = record;
        const append = cause === undefined ? undefined : trace[cause];
        if (append?.kind !== 'append' || node === hostile) return;
        for (const event of append.events) {
          // A hostile replica may have asked for less patience.
          if (event.kind !== 'peerChanged' || event.record?.state !== 'split' || event.peer === hostile) continue;
          exercised++;
          const ms = silentMs(node, event.peer, cause as number, append.t);
          if (ms >= patienceMs) continue;
          const what = `${node} takes ${event.peer} for lost, of which something came ${ms} ms ago`;
          violations.push({ invariant, what, at: i });
        }
      },
      verdict: () => ({ violations, exercised }),
    };
  };
}
