import type { NodeConfig } from '../core/node/config.ts';
import type { HistoryItem, PeerRecord, RoomEvent } from '../core/room/event.ts';
import { readJoin } from '../core/xep/xep0045.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { stanzaText } from '../core/xmpp/stanza.ts';
import { textOf } from '../core/xmpp/xml.ts';
import { lostByBounceAlone, saidBesideThem } from './checkers/links.ts';
import { untoldOf } from './checkers/occupants.ts';
import { type Checker, type Evidence, inOrder, isOf, type Placed, sessions, whole } from './evidence.ts';
import type { RecordOf, SimRecord, Violation } from './trace.ts';

/** The honest replicas, and the primary, which is always one. */
function partsOf(given: Evidence) {
  const nodes = given.world?.plan.layout.nodes ?? [];
  const primary = nodes.find(({ kind }) => kind === 'service') as Extract<NodeConfig, { kind: 'service' }> | undefined;
  const replicas = nodes.filter((node) => node.kind === 'replica' && node.address !== given.world?.plan.hostileNode);
  return { primary, room: primary?.rooms[0]?.jid, replicas };
}

/** What is durable of a node's events, in order. */
function appendsOf({ kept }: Evidence, node: Jid): readonly Placed<RecordOf<'append'>>[] {
  return kept.filter(({ record }) => record.node === node);
}

/** D-a: while it is not split a replica takes every change of the primary's sequence, one after the other. */
const gapFree: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const { address } of partsOf(given).replicas) {
    let last: number | undefined;
    for (const { i, record } of appendsOf(given, address)) {
      for (const event of record.events) {
        if (event.n === undefined) continue;
        exercised++;
        if (event.kind !== 'stateReplaced' && last !== undefined && event.n !== last && event.n !== last + 1)
          violations.push({ invariant: 'D-a', what: `${address} takes ${event.n} after ${last}`, at: i });
        last = event.n;
      }
    }
  }
  return { violations, exercised };
};

/**
 * D-b: who stays in to the end has been shown, live or with a delay, everything from the first word they heard live. But
 * for what their node kept and told nobody, because it crashed between the disk and the wire: that is in the history, and
 * is not said again (decision #50).
 */
const nothingMissed: Checker = (given) => {
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
      ({ body, delayed, sent }) =>
        body !== undefined && !delayed && places.has(body) && !saidBesideThem(given.trace, sent),
    );
    if (!first) continue;
    exercised++;
    // Also what they heard beside them before the primary answered an earlier join of theirs.
    const heard = new Set(view.seen.flatMap(({ i, body }) => (i < view.born ? [] : [body])));
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
};

/** D-c, D-f: at the end every replica has the primary's people, with the rank the primary gives them, and its history. */
const sameState: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas } = partsOf(given);
  // Decision #12: a stamp of a clock that is minutes ahead is not believed.
  const stamps = (given.world?.plan.faults.skewMs ?? 0) < 150_000;
  const told = ({ id, at, payloads }: HistoryItem) =>
    `${id} ${stamps ? at : ''} ${payloads.map((one) => textOf(one)).join()}`;
  const original = primary && given.world?.seats.get(primary.address)?.node.snapshot().rooms[0];
  if (!original) return { violations, exercised };
  const all = original.history.map(told);
  const there = new Set(all);
  const ranks = new Map(original.occupants.map(({ nick, affiliation, role }) => [nick, `${affiliation}/${role}`]));
  for (const { address } of replicas) {
    const copy = given.world?.seats.get(address)?.node.snapshot().rooms[0];
    if (!copy) continue;
    exercised++;
    for (const { nick, affiliation, role } of copy.occupants)
      if (ranks.get(nick) !== `${affiliation}/${role}`)
        violations.push({
          invariant: 'D-f',
          what: `${nick} is ${affiliation}/${role} at ${address} and ${ranks.get(nick)} at the primary`,
        });
    // Of the time that it keeps at all it keeps everything.
    const here = new Set(copy.history.map(told));
    const strange = [...here].find((item) => !there.has(item));
    if (strange !== undefined)
      violations.push({ invariant: 'D-c', what: `${address} keeps "${strange}", the primary does not` });
    const missing = all.slice(all.findIndex((item) => here.has(item))).find((item) => !here.has(item));
    if (here.size > 0 && missing !== undefined)
      violations.push({ invariant: 'D-c', what: `${address} does not keep "${missing}"` });
  }
  return { violations, exercised };
};

/** D-d: nothing is broadcast to a replica that is split, and nothing submitted by one. */
const silentWhileSplit: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = partsOf(given);
  if (!primary || !room) return { violations, exercised };
  const state = new Map<string, PeerRecord['state'] | undefined>();
  const users = new Set(given.people.map(({ jid }) => jid));
  const mine = new Set(replicas.map(({ address }) => address));
  for (const { i, record } of inOrder<Placed<RecordOf<'append' | 'in'>>>(given.kept, given.sent)) {
    if (record.kind === 'append') {
      for (const event of record.events)
        if (event.kind === 'peerChanged') state.set(`${record.node} ${event.peer}`, event.record?.state);
      continue;
    }
    if (record.stanza.name === 'iq' || record.stanza.type === 'error') continue;
    const { by, stanza } = record;
    // What was decided before the split may leave after it: only what has its cause in the split counts.
    if (by === primary.address && mine.has(bareOf(stanza.to))) {
      exercised++;
      if (
        state.get(`${by} ${bareOf(stanza.to)}`) === 'split' &&
        readDmuc(stanza.payloads)?.position &&
        since(given, i, record.cause, by, bareOf(stanza.to))
      )
        violations.push({
          invariant: 'D-d',
          what: `the primary sends ${stanzaText(stanza)} to a replica that is split`,
          at: i,
        });
    } else if (mine.has(by) && users.has(stanza.from) && bareOf(stanza.to) === room) {
      exercised++;
      if (state.get(`${by} ${room}`) === 'split' && since(given, i, record.cause, by, room))
        violations.push({ invariant: 'D-d', what: `${by} is split and submits ${stanzaText(stanza)}`, at: i });
    }
  }
  return { violations, exercised };
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
    const later = (one: Evidence['others'][number]) =>
      one.i > sent && one.record.kind === 'note' && one.record.cause === i;
    // A change in the very same step: what is sent belongs to both sides of it.
    return i !== cause && change.record?.state === 'split' && !(cause === undefined && others.some(later));
  }
  return false;
}

/** D-e: nothing of an epoch is taken after a later one was. */
const epochs: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const { address } of partsOf(given).replicas) {
    let last = 0;
    for (const { i, record } of appendsOf(given, address)) {
      for (const event of record.events) {
        if (event.kind !== 'stateReplaced') continue;
        exercised++;
        if (event.epoch < last)
          violations.push({
            invariant: 'D-e',
            what: `${address} goes back to epoch ${event.epoch} from ${last}`,
            at: i,
          });
        last = event.epoch;
      }
    }
  }
  return { violations, exercised };
};

/** D-h: nobody is shown a room that they did not ask to enter. */
const onlyWhoAsked: Checker = ({ said, got, byJid }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const asked = new Set<Jid>();
  const joins = said.filter(
    ({ record: { stanza } }) => stanza.name === 'presence' && readJoin(stanza.payloads) !== undefined,
  );
  for (const { i, record } of inOrder<Placed<RecordOf<'in' | 'out'>>>(joins, got)) {
    if (record.kind === 'in') {
      asked.add(record.by);
      continue;
    }
    if (record.stanza.type === 'error' || record.stanza.name === 'iq') continue;
    if (!isOf(record.stanza, byJid.get(record.to)?.person.room)) continue;
    exercised++;
    if (!asked.has(record.to))
      violations.push({
        invariant: 'D-h',
        what: `${record.to} never asked to enter and got ${stanzaText(record.stanza)}`,
        at: i,
      });
  }
  return { violations, exercised };
};

/**
 * D-6 (XEP-0282 §4.7): where JIDs are for moderators, a replica without one is sent none but its own users', and keeps
 * none. The primary's account of who is where, at the moment when it decided, is what counts.
 */
const jidsOfReplicas: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { world, kept, sent, people, named } = given;
  const { primary, replicas } = partsOf(given);
  if (!world || !primary || primary.rooms.some(({ whois }) => whois === 'anyone')) return { violations, exercised };
  const users = people.map(({ jid }) => bareOf(jid));
  // Moderators by home, after each append of the primary.
  const roles = new Map<string, { readonly home: Jid | undefined; readonly moderator: boolean }>();
  const entitled: { readonly i: number; readonly homes: ReadonlySet<Jid> }[] = [{ i: -1, homes: new Set() }];
  for (const { i, record } of inOrder<Placed<RecordOf<'append' | 'in'>>>(kept, sent)) {
    if (record.kind === 'append') {
      if (record.node !== primary.address) continue;
      let news = false;
      for (const event of record.events) news = follow(roles, event) || news;
      if (news) entitled.push({ i, homes: moderated(roles) });
      continue;
    }
    if (record.by !== primary.address || record.cause === undefined) continue;
    const to = bareOf(record.stanza.to);
    const replica = replicas.find(({ address }) => address === to);
    if (!replica) continue;
    exercised++;
    const leaked = named(record.stanza).find((jid) => domainOf(jid) !== replica.server);
    if (leaked === undefined) continue;
    // From the state before the step that sent it, for the last moderator's own leave names JIDs still, to this moment.
    const { cause } = record;
    let k = entitled.length - 1;
    while (k > 0 && (entitled[k] as { i: number }).i >= cause) k--;
    if (entitled.slice(k).some(({ homes }) => homes.has(replica.address))) continue;
    violations.push({
      invariant: 'D-6',
      what: `${replica.address} has no moderator and is told ${leaked}: ${stanzaText(record.stanza)}`,
      at: i,
    });
  }
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
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = partsOf(given);
  if (!primary || !room) return { violations, exercised };
  const pairs = replicas.flatMap(({ address }) => [
    { node: primary.address, peer: address, live: false, since: 0 },
    { node: address, peer: room, live: false, since: 0 },
  ]);
  const pairsOf = new Map(pairs.map(({ node }) => [node, pairs.filter((pair) => pair.node === node)]));
  const at = (node: Jid) => pairsOf.get(node) ?? [];
  const heard = (pair: (typeof pairs)[number], t: number) => {
    pair.since = Math.max(pair.since, t);
  };
  let now = 0;
  for (let i = 0; i < given.trace.length; i++) {
    const record = given.trace[i] as SimRecord;
    // All of one moment is looked at before the silence up to it.
    if (record.t !== now) {
      for (const pair of pairs) {
        const { node, peer, since } = pair;
        if (!pair.live || now - since <= silenceMs) continue;
        const what = `${node} has not heard of ${peer} for ${Math.round((now - since) / 1000)} s and calls it live`;
        violations.push({ invariant: 'D-g', what, at: i - 1 });
        pair.live = false;
      }
      now = record.t;
    }
    switch (record.kind) {
      case 'out':
        for (const pair of at(record.to)) if (isOf(record.stanza, pair.peer)) heard(pair, now);
        break;
      case 'append':
        for (const event of given.undone.has(i) ? [] : record.events) {
          if (event.kind !== 'peerChanged') continue;
          for (const pair of at(record.node)) {
            if (pair.peer !== event.peer) continue;
            exercised++;
            pair.live = event.record?.state === 'live';
            heard(pair, now);
          }
        }
        break;
      case 'phase':
        for (const pair of pairs) pair.since = now;
        break;
      case 'fault': {
        // Who is down or asleep finds nothing, and begins anew after that. (Words of plan.ts and world.ts.)
        const away =
          /^(\S+) (?:crashes,|is frozen) for ([\d.]+) s$/.exec(record.what) ??
          /^the disk of (\S+) is full$/.exec(record.what);
        for (const pair of pairs) if (pair.node === away?.[1]) heard(pair, now + 1000 * Number(away[2] ?? 6));
      }
    }
  }
  return { violations, exercised };
};

/**
 * D-5: a roster that has not arrived as a whole is shown to nobody (decision #5). An entry of it has no place in the
 * primary's sequence, and names at most whom the replica serves.
 */
const nothingBeforeReady: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { replicas, room } = partsOf(given);
  const addresses = new Set<Jid>(replicas.map(({ address }) => address));
  for (const { i, record } of given.sent) {
    if (record.stanza.name !== 'presence' || !addresses.has(record.by)) continue;
    if (!isOf(record.stanza, room) || record.stanza.type === 'error' || record.cause === undefined) continue;
    const cause = given.trace[record.cause];
    if (cause?.kind !== 'out' || cause.stanza.name !== 'presence' || bareOf(cause.stanza.from) !== room) continue;
    exercised++;
    const dmuc = readDmuc(cause.stanza.payloads);
    if (dmuc?.position || dmuc?.enter || dmuc?.leave || cause.stanza.type !== undefined) continue;
    const what = `${record.by} shows ${record.stanza.from} to ${record.stanza.to} before all of the roster is there`;
    violations.push({ invariant: 'D-5', what, at: i });
  }
  return { violations, exercised };
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
  'D-13': (given) => lostByBounceAlone(given, 'D-13'),
};
