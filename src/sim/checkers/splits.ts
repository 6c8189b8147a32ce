import type { RoomEvent } from '../../core/room/event.ts';
import { readDmuc } from '../../core/xep/xep0282.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { stanzaText } from '../../core/xmpp/stanza.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import { isOf } from '../stanzas.ts';
import type { Other, Placed, Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';

/** D-d: nothing is broadcast to a replica that is split, and nothing submitted by one. */
export const silentWhileSplit: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = nodesOf(given);
  const users = new Set(given.people.map(({ jid }) => jid));
  // From whom each is split.
  const split = new Map<Jid, Set<Jid>>();
  for (const { address } of primary && room ? [primary, ...replicas] : []) split.set(address, new Set());
  return {
    kept(event, { node }) {
      if (event.kind !== 'peerChanged') return;
      if (event.record?.state === 'split') split.get(node)?.add(event.peer);
      else split.get(node)?.delete(event.peer);
    },
    sent({ by, stanza, cause }, i) {
      const from = split.get(by);
      if (from === undefined || stanza.name === 'iq' || stanza.type === 'error') return;
      const to = bareOf(stanza.to);
      // What was decided before the split may be sent after it: only what was caused during the split counts.
      if (by === primary?.address) {
        if (!split.has(to)) return;
        exercised++;
        if (from.has(to) && readDmuc(stanza.payloads)?.position && since(given, i, cause, by, to)) {
          const what = `the primary sends ${stanzaText(stanza)} to a replica that is split`;
          violations.push({ invariant: 'D-d', what, at: i });
        }
      } else if (to === room && users.has(stanza.from)) {
        exercised++;
        if (from.has(to) && since(given, i, cause, by, to))
          violations.push({ invariant: 'D-d', what: `${by} is split and submits ${stanzaText(stanza)}`, at: i });
      }
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * Whether the node was already split from the peer when it decided to send something. What a timer caused has no cause in
 * the trace. What was decided in one batch is sent in that order, so if the node's note of the split comes later, it was
 * before.
 */
function since(
  { trace, undone, others }: Evidence,
  sent: number,
  cause: number | undefined,
  node: Jid,
  peer: Jid,
): boolean {
  for (let i = cause ?? sent; i >= 0; i--) {
    const record = trace[i];
    if (record?.kind !== 'append' || record.node !== node || undone.has(i)) continue;
    const change = record.events.findLast(
      (event): event is Extract<RoomEvent, { kind: 'peerChanged' }> =>
        event.kind === 'peerChanged' && event.peer === peer,
    );
    if (!change) continue;
    const later = (one: Placed<Other>) => one.i > sent && one.record.kind === 'note' && one.record.cause === i;
    // A change in the very same step: what is sent belongs to both sides of it.
    return i !== cause && change.record?.state === 'split' && !(cause === undefined && others.some(later));
  }
  return false;
}

/** 60 s of silence and 20 %, two answers that 15 s were waited for, and a while for the disk and the link. */
const silenceMs = 72_000 + 2 * 15_000 + 18_000;

/** D-g: a neighbour of whom nothing is heard is found to be split in time, bounce or no bounce. */
export const silenceIsFound: Checker = (given) => {
  const { trace } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = nodesOf(given);
  const pairs = new Map<Jid, Pair[]>();
  if (primary && room) {
    pairs.set(
      primary.address,
      replicas.map(({ address }) => ({ node: primary.address, peer: address, live: false, since: 0 })),
    );
    for (const { address } of replicas) pairs.set(address, [{ node: address, peer: room, live: false, since: 0 }]);
  }
  /** The silence of a pair ends. */
  const ends = (pair: Pair, t: number, i: number) => {
    const { node, peer, since, live } = pair;
    if (live && t - since > silenceMs) {
      const what = `${node} has not heard of ${peer} for ${Math.round((t - since) / 1000)} s and calls it live`;
      violations.push({ invariant: 'D-g', what, at: i });
      pair.live = false;
    }
    pair.since = Math.max(since, t);
  };
  return {
    handed({ to, stanza, t }, i) {
      for (const pair of pairs.get(to) ?? none) if (isOf(stanza, pair.peer)) ends(pair, t, i);
    },
    kept(event, { node }, { t }, i) {
      if (event.kind !== 'peerChanged') return;
      for (const pair of pairs.get(node) ?? none) {
        if (pair.peer !== event.peer) continue;
        exercised++;
        ends(pair, t, i);
        pair.live = event.record?.state === 'live';
      }
    },
    other(record, i) {
      if (record.kind === 'phase') for (const all of pairs.values()) for (const pair of all) ends(pair, record.t, i);
      // Without its log it calls nobody anything.
      if (record.kind === 'forgotten') for (const pair of pairs.get(record.node) ?? none) pair.live = false;
      if (record.kind !== 'fault' || !('node' in record.fault)) return;
      // A node that is down or asleep notices nothing, and starts to wait again after that.
      const { node: sleeper, forMs } = record.fault;
      for (const pair of pairs.get(sleeper) ?? none) {
        ends(pair, record.t, i);
        pair.since = Math.max(pair.since, record.t + forMs);
      }
    },
    verdict() {
      const end = trace.at(-1);
      for (const all of pairs.values()) for (const pair of all) if (end) ends(pair, end.t, trace.length - 1);
      return { violations, exercised };
    },
  };
};

interface Pair {
  readonly node: Jid;
  readonly peer: Jid;
  live: boolean;
  /** When the node heard of the peer for the last time. */
  since: number;
}
const none: readonly Pair[] = [];
