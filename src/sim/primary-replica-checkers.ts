import type { NodeConfig } from '../core/node/config.ts';
import type { HistoryItem, RoomEvent } from '../core/room/event.ts';
import { readPosition } from '../core/xep/sync.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, stanzaText } from '../core/xmpp/stanza.ts';
import { childOf, textOf, type XmlElement } from '../core/xmpp/xml.ts';
import { bouncesAreNoticed } from './checkers/bounces.ts';
import { lostByBounceAlone, lostBySilenceAlone } from './checkers/links.ts';
import { untoldOf } from './checkers/occupants.ts';
import { type Evidence, isJoin, isOf, type Other, type Placed, sessions, sleepOf, whole } from './evidence.ts';
import type { Checker } from './judge.ts';
import type { Verdict, Violation } from './trace.ts';

/** The honest replicas, and the primary, which is always one. */
function partsOf(given: Evidence) {
  const nodes = given.world?.plan.layout.nodes ?? [];
  const primary = nodes.find(({ kind }) => kind === 'service') as Extract<NodeConfig, { kind: 'service' }> | undefined;
  const replicas = nodes.filter((node) => node.kind === 'replica' && node.address !== given.world?.plan.hostileNode);
  return { primary, room: primary?.rooms[0]?.jid, replicas };
}

/** D-a: while it is not split a replica takes every change of the primary's sequence, one after the other. */
const gapFree: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const last = new Map<Jid, number>();
  const replicas = new Set<Jid>(partsOf(given).replicas.map(({ address }) => address));
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
 * D-b: who stays in to the end has been shown, live or with a delay, everything from the first word they heard live. But
 * for what their node kept and told nobody, because it crashed between the disk and the wire: that is in the history, and
 * is not said again (decision #50).
 */
const nothingMissed: Checker = (given) => ({ verdict: () => allShown(given) });

function allShown(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const { world, views } = given;
  const { primary } = partsOf(given);
  const history = primary && world?.seats.get(primary.address)?.node.snapshot().rooms[0]?.history;
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
    // Not a word said beside them in a split, which is none of the room's yet (decision #42): who is let in provisionally
    // hears no others, and of the room's own has the history (decision #44).
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

/** D-c, D-f: at the end every replica has the primary's people, with the rank the primary gives them, and its history. */
const sameState: Checker = (given) => ({ verdict: () => copiesOfThePrimary(given) });

function copiesOfThePrimary(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas } = partsOf(given);
  // Decision #12: a stamp of a clock that is minutes ahead is not believed.
  const stamps = (given.world?.plan.faults.skewMs ?? 0) < 150_000;
  const same = (a: HistoryItem | undefined, b: HistoryItem) =>
    a !== undefined && (!stamps || a.at === b.at) && sameTexts(a.payloads, b.payloads);
  const original = primary && given.world?.seats.get(primary.address)?.node.snapshot().rooms[0];
  if (!original) return { violations, exercised };
  const there = new Map(original.history.map((item) => [item.id, item]));
  const ranks = new Map(original.occupants.map((occupant) => [occupant.nick, occupant]));
  for (const { address } of replicas) {
    const copy = given.world?.seats.get(address)?.node.snapshot().rooms[0];
    if (!copy) continue;
    exercised++;
    for (const { nick, affiliation, role } of copy.occupants) {
      const known = ranks.get(nick);
      if (known?.affiliation !== affiliation || known.role !== role)
        violations.push({
          invariant: 'D-f',
          what: `${nick} is ${affiliation}/${role} at ${address} and ${known?.affiliation}/${known?.role} at the primary`,
        });
    }
    // Of the time that it keeps at all it keeps everything.
    const here = new Map(copy.history.map((item) => [item.id, item]));
    const strange = copy.history.find((item) => !same(there.get(item.id), item));
    if (strange !== undefined)
      violations.push({ invariant: 'D-c', what: `${address} keeps "${told(strange)}", the primary does not` });
    const first = original.history.findIndex((item) => same(here.get(item.id), item));
    const missing = original.history.slice(Math.max(0, first)).find((item) => !same(here.get(item.id), item));
    if (here.size > 0 && missing !== undefined)
      violations.push({ invariant: 'D-c', what: `${address} does not keep "${told(missing)}"` });
  }
  return { violations, exercised };
}

function told({ id, at, payloads }: HistoryItem): string {
  return `${id} ${at} ${payloads.map(textOf).join()}`;
}

function sameTexts(some: HistoryItem['payloads'], others: HistoryItem['payloads']): boolean {
  return some.length === others.length && some.every((one, k) => textOf(one) === textOf(others[k] as XmlElement));
}

/** D-d: nothing is broadcast to a replica that is split, and nothing submitted by one. */
const silentWhileSplit: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = partsOf(given);
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
      // What was decided before the split may leave after it: only what has its cause in the split counts.
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
 * Whether the node was split from the peer already when it decided what a record was caused by. What a timer causes has no
 * cause; what is decided in one batch is sent in that order, so it was before the split if the node's note of it comes later.
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

/** D-e: nothing of an epoch is taken after a later one was, neither a whole state nor a change. */
const epochs: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const last = new Map<Jid, number>(partsOf(given).replicas.map(({ address }) => [address, 0]));
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

/**
 * D-h: nobody is shown a room that they did not ask to enter; and a replica serves nobody who has not asked since they last
 * left, whatever the primary says (§4.5).
 */
const onlyWhoAsked: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { replicas, room } = partsOf(given);
  const users = new Set(given.people.map(({ jid }) => jid));
  const asked = new Set<Jid>();
  /** By replica and user: where in the trace it was handed their joins, and their leaves. */
  const asks = new Map<Jid, Map<Jid, { readonly i: number; readonly in: boolean }[]>>(
    replicas.map(({ address }) => [address, new Map()]),
  );
  return {
    said({ by, stanza }) {
      if (isJoin(stanza)) asked.add(by);
    },
    got({ i, view, ofRoom, stanza }) {
      if (!ofRoom || stanza.type === 'error' || stanza.name === 'iq') return;
      exercised++;
      const { jid } = view.person;
      if (!asked.has(jid))
        violations.push({ invariant: 'D-h', what: `${jid} never asked to enter and got ${stanzaText(stanza)}`, at: i });
    },
    sent({ by, stanza }, i) {
      if (stanza.name === 'iq' || !asks.has(by) || asked.has(stanza.to) || !users.has(stanza.to)) return;
      // Who claims to be in may be told that they are not.
      if (stanza.type !== 'error' && stanza.type !== 'unavailable' && isOf(stanza, room))
        violations.push({ invariant: 'D-h', what: `${by} gives who never asked ${stanzaText(stanza)}`, at: i });
    },
    handed({ to, stanza }, i) {
      const here = stanza.name === 'presence' && users.has(stanza.from) ? asks.get(to) : undefined;
      if (here === undefined || (stanza.type !== 'unavailable' && !isJoin(stanza))) return;
      const those = here.get(stanza.from) ?? [];
      here.set(stanza.from, those);
      those.push({ i, in: stanza.type === undefined });
    },
    kept(event, { node }, { cause }, i) {
      if (event.kind !== 'occupantChanged' || !event.joining || event.occupant.jid === undefined) return;
      const here = asks.get(node);
      if (here === undefined) return;
      exercised++;
      const { jid } = event.occupant;
      if (!here.get(jid)?.findLast((one) => one.i < (cause ?? i))?.in)
        violations.push({ invariant: 'D-h', what: `${node} serves ${jid}, who is not asking to enter`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * D-6 (XEP-0282 §4.7): where JIDs are for moderators, a replica without one is sent none but its own users', and keeps
 * none. The primary's account of who is where, at the moment when it decided, is what counts.
 */
const jidsOfReplicas: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { world, people, leaks } = given;
  const { primary, replicas } = partsOf(given);
  if (!world || !primary || primary.rooms.some(({ whois }) => whois === 'anyone'))
    return { verdict: () => ({ violations, exercised }) };
  const served = new Map<Jid, (user: Jid) => boolean>(
    replicas.map(({ address, server }) => [address, (user) => domainOf(user) === server]),
  );
  // Moderators by home, after each append of the primary.
  const roles = new Map<string, { readonly home: Jid | undefined; readonly moderator: boolean }>();
  const entitled: { readonly i: number; homes: ReadonlySet<Jid> }[] = [{ i: -1, homes: new Set() }];
  return {
    kept(event, { node }, _, i) {
      if (node !== primary.address || !follow(roles, event)) return;
      if (entitled.at(-1)?.i === i) entitled.pop();
      entitled.push({ i, homes: moderated(roles) });
    },
    sent({ by, stanza, cause }, i) {
      if (by !== primary.address || cause === undefined) return;
      const to = bareOf(stanza.to);
      const own = served.get(to);
      if (own === undefined) return;
      exercised++;
      const [leaked] = leaks(stanza, own);
      if (leaked === undefined) return;
      // From the state before the step that sent it, for the last moderator's own leave names JIDs still, to this moment.
      let k = entitled.length - 1;
      while (k > 0 && (entitled[k] as { i: number }).i >= cause) k--;
      if (entitled.slice(k).some(({ homes }) => homes.has(to))) return;
      const what = `${to} has no moderator and is told ${leaked}: ${stanzaText(stanza)}`;
      violations.push({ invariant: 'D-6', what, at: i });
    },
    verdict() {
      const users = people.map(({ jid }) => bareOf(jid));
      for (const { address, server } of replicas) {
        const seat = world.seats.get(address);
        const room = seat?.node.snapshot().rooms[0];
        if (!room || room.occupants.some(({ home, role }) => home === undefined && role === 'moderator')) continue;
        exercised++;
        const text = JSON.stringify([room.occupants, room.history.map(({ author }) => author)]);
        const leaked = users.find((jid) => domainOf(jid) !== server && text.includes(jid));
        if (leaked) violations.push({ invariant: 'D-6', what: `${address} has no moderator and keeps ${leaked}` });
      }
      return { violations, exercised };
    },
  };
};

function moderated(
  roles: ReadonlyMap<string, { readonly home: Jid | undefined; readonly moderator: boolean }>,
): ReadonlySet<Jid> {
  const homes = new Set<Jid>();
  for (const { home, moderator } of roles.values()) if (moderator && home !== undefined) homes.add(home);
  return homes;
}

/** @returns whether the event is about somebody's being in, or their rank */
function follow(
  roles: Map<string, { readonly home: Jid | undefined; readonly moderator: boolean }>,
  event: RoomEvent,
): boolean {
  if (event.kind === 'occupantEntered' || event.kind === 'occupantChanged')
    roles.set(event.occupant.nick, { home: event.occupant.home, moderator: event.occupant.role === 'moderator' });
  else if (event.kind === 'occupantLeft') roles.delete(event.nick);
  else if (event.kind === 'nickChanged') {
    const known = roles.get(event.nick);
    roles.delete(event.nick);
    if (known) roles.set(event.newNick, known);
  } else return false;
  return true;
}

/** 60 s of silence and 20 %, two answers that 15 s were waited for, and a while for the disk and the link. */
const silenceMs = 72_000 + 2 * 15_000 + 18_000;

/** D-g: a neighbour of whom nothing is heard is found to be split in time, bounce or no bounce. */
const silenceIsFound: Checker = (given) => {
  const { trace } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = partsOf(given);
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
      if (record.kind !== 'fault') return;
      // Who is down or asleep finds nothing, and begins anew after that.
      const sleeper = sleepOf(record.what);
      for (const pair of pairs.get(sleeper?.node as Jid) ?? none) {
        ends(pair, record.t, i);
        pair.since = Math.max(pair.since, record.t + (sleeper?.ms ?? 0));
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

/**
 * D-5: a roster that has not arrived as a whole is shown to nobody (decision #5). An entry of it has no place in the
 * primary's sequence, and names at most whom the replica serves.
 */
const nothingBeforeReady: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { replicas, room } = partsOf(given);
  const addresses = new Set<Jid>(replicas.map(({ address }) => address));
  return {
    sent({ by, stanza, cause: from }, i) {
      if (stanza.name !== 'presence' || !addresses.has(by)) return;
      if (!isOf(stanza, room) || stanza.type === 'error' || from === undefined) return;
      const cause = given.trace[from];
      if (cause?.kind !== 'out' || cause.stanza.name !== 'presence' || bareOf(cause.stanza.from) !== room) return;
      exercised++;
      const dmuc = readDmuc(cause.stanza.payloads);
      if (dmuc?.position || dmuc?.enter || dmuc?.leave || cause.stanza.type !== undefined) return;
      const what = `${by} shows ${stanza.from} to ${stanza.to} before all of the roster is there`;
      violations.push({ invariant: 'D-5', what, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** The invariants of XEP-0282, beside those of all protocols. */
export const primaryReplicaCheckers: Readonly<Record<string, Checker>> = {
  'D-a': gapFree,
  'D-b': nothingMissed,
  'D-c/f': sameState,
  'D-d': silentWhileSplit,
  'D-e': epochs,
  'D-g': silenceIsFound,
  'D-h': onlyWhoAsked,
  'D-5': nothingBeforeReady,
  'D-6': jidsOfReplicas,
  'D-3': lostBySilenceAlone('D-3'),
  'D-10': bouncesAreNoticed('D-10', partsOf),
  'D-13': lostByBounceAlone('D-13'),
};
