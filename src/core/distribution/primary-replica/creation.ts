/** How an account becomes a replica of a primary's room, or one once more. XEP-0282 §4.2 to §4.4, §4.11.2. */
import type { Occupant } from '../../room/event.ts';
import { sendable } from '../../room/history.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { sessionsOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import {
  type Ban,
  type Create,
  type Created,
  countMax,
  type Netjoin,
  type Ready,
  writeCreated,
  writeOffer,
  writeReady,
} from '../../xep/sync.ts';
import type { Dmuc } from '../../xep/xep0282.ts';
import { type Condition, type ErrorType, stanzaError } from '../../xmpp/errors.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import { errorReply, iq, iqResult, message, type Stanza } from '../../xmpp/stanza.ts';
import { attributeLength } from '../../xmpp/xml.ts';
import { timeoutMs } from '../keepalive.ts';
import { type ReplicaPeer, replicaPeer, replicaPeers } from '../peers.ts';
import { markAway } from './netsplit.ts';
import { replicaForm } from './replica-form.ts';
import type { Replicas } from './replicas.ts';
import { usersOf } from './served.ts';
import { broadcast, missed, rosterEntry, subjectStanza } from './to-replica.ts';
import { usersDigest } from './users-digest.ts';

/** Users who went past a split replica, and are named to it. */
export const pastMax = 1_000;
/** Bans that are named to a replica, the latest ones: they go in one stanza. */
const bansMax = 1_000;
/** How long such a list may be in bytes, whatever the length of its addresses. Decision #122. */
const listBytesMax = 256 * 1024;

/**
 * "Creating a Replica", which §4.2 leaves to follow: decision #5. The replica asks; the primary checks its list, the
 * domains and whether another serves them, answers, and sends roster, history, subject and `<ready/>` in this order.
 */
export function create(turn: RoomTurn, replicas: Replicas, replica: Jid, asked: Create, request: Stanza): void {
  const { room } = turn;
  const refuse = (type: ErrorType, condition: Condition, text: string) => {
    turn.note('decision#5', `${replica} may not be a replica: ${text}`, {
      peer: replica,
      sign: 'refused',
    });
    turn.send(errorReply(request, stanzaError(type, condition, text)), 'decision#5', replica);
  };
  const domains = replicas.domainsOf(room, replica);
  if (domains === undefined) return refuse('auth', 'forbidden', 'not on the list of this room');
  if (asked.serves.length === 0) return refuse('modify', 'bad-request', 'a replica serves at least one domain');
  const foreign = asked.serves.find((domain) => !domains.includes(domain));
  if (foreign !== undefined) return refuse('auth', 'forbidden', `not allowed to serve ${foreign}`);
  const taken = replicaPeers(room).find(
    ([other, record]) => other !== replica && record.serves.some((domain) => asked.serves.includes(domain)),
  );
  if (taken) return refuse('cancel', 'conflict', `a domain of it is served by ${taken[0]}`);
  const { interval, timeout } = asked.keepalive;
  const least = replicas.leastInterval;
  if (interval < least || interval > 3600 || timeout < 1 || timeout > interval) {
    const text = `keepalive interval is ${least} to 3600 s, its timeout 1 s to the interval`;
    return refuse('modify', 'not-acceptable', text);
  }
  // A session of its own for what a link brings twice would be one of which the replica never hears.
  const before = replicaPeer(room, replica);
  const created = before && replicas.of(turn, replica, before).created;
  if (created !== undefined && created === request.id)
    return turn.note('decision#5', `${replica} asks once more for what it was given: ignored`);
  if (asked.have) outdo(turn, replicas, replica, asked.have.epoch);
  const record: ReplicaPeer = {
    kind: 'replica',
    state: 'syncing',
    since: turn.env.now,
    session: turn.env.newId(),
    serves: asked.serves,
    keepalive: asked.keepalive,
    maxstanzas: Math.min(asked.maxstanzas, room.config.historyMax),
  };
  turn.note('decision#5', `${replica} becomes a replica`, { peer: replica });
  become(turn, replica, record);
  replicas.begin(turn, replica, record, asked.moderators).created = request.id;
  sendState(turn, replicas, replica, record, request);
}

/**
 * Decision #4: this room has lost its log, and its clock was ahead when it began the epoch that the replica knows. The others
 * notice a later epoch by the next place that they are told, and ask.
 */
function outdo(turn: RoomTurn, replicas: Replicas, replica: Jid, known: number): void {
  const { room, env } = turn;
  if (known <= room.epoch || known >= countMax || !replicas.mayNameEpoch(replica)) return;
  const epoch = Math.max(env.now, known + 1);
  turn.note('decision#4', `${replica} knows epoch ${known}, ours is ${room.epoch}: ${epoch} begins`, { peer: replica });
  turn.record({ kind: 'epochBegun', epoch });
}

/**
 * §4.11.2 "to follow": a replica that was created before asks for what it missed, after a split, a gap or its own
 * restart. Decision #41: the changes themselves where they are still there, else everything.
 */
export function netjoin(
  turn: RoomTurn,
  replicas: Replicas,
  replica: Jid,
  { session, have, moderators, listUsers }: Netjoin,
  request: Stanza,
): void {
  const { room } = turn;
  const before = replicaPeer(room, replica);
  const refuse = (type: ErrorType, condition: Condition, text: string) =>
    turn.send(errorReply(request, stanzaError(type, condition, text)), 'decision#41', replica);
  if (replicas.domainsOf(room, replica) === undefined)
    return refuse('auth', 'forbidden', 'not on the list of this room');
  if (before?.session !== session) return refuse('cancel', 'unexpected-request', 'this session is over: create anew');
  const changes = have.epoch === room.epoch ? room.log.since(have.n, room.n) : undefined;
  if (changes === undefined) {
    const record: ReplicaPeer = { ...before, state: 'syncing', since: turn.env.now, session: turn.env.newId() };
    become(turn, replica, record);
    replicas.begin(turn, replica, record, moderators);
    turn.note('decision#41', `mode full: ${replica} gets everything, for what it missed is no longer kept`, {
      peer: replica,
      sign: 'netjoin',
    });
    return sendState(turn, replicas, replica, record, request);
  }
  const record: ReplicaPeer = { ...before, state: 'syncing', since: turn.env.now };
  become(turn, replica, record);
  replicas.begin(turn, replica, record, moderators);
  turn.note('decision#41', `mode delta: ${replica} gets the ${changes.length} changes that it missed`, {
    peer: replica,
    sign: 'netjoin',
  });
  turn.send(
    iqResult(request, writeCreated(createdOf(room, replicas, replica, record, 'delta'))),
    'decision#41',
    replica,
  );
  for (const change of changes) replicas.send(turn, replica, 'decision#41', (to) => missed(room, change, to));
  const users = usersOf(room, replica);
  if (!listUsers) return sendReady(turn, replicas, replica, record, { users: usersDigest(users) });
  for (const [, enter] of users) {
    const user = room.occupantByJid(enter);
    if (user) replicas.send(turn, replica, 'decision#8', (to) => rosterEntry(room, user, to, { enter }));
  }
  sendReady(turn, replicas, replica, record, { roster: users.length });
}

/** §4.3, §4.4: everything, in the order in which a user who enters gets it. */
function sendState(turn: RoomTurn, replicas: Replicas, replica: Jid, record: ReplicaPeer, request: Stanza): void {
  const { room } = turn;
  const created = createdOf(room, replicas, replica, record, 'full');
  turn.send(iqResult(request, writeCreated(created)), 'decision#5', replica);
  let roster = 0;
  for (const occupant of room.occupants.values()) {
    // An entry for each user, and one more for each further session of theirs that concerns this replica.
    const [first, ...more] = relations(occupant, replica, record);
    for (const relation of [first, ...more]) {
      replicas.send(turn, replica, '0282#4.3', (to) => rosterEntry(room, occupant, to, relation));
      roster++;
    }
  }
  const history = sendable(turn, room.history.slice(Math.max(0, room.history.length - created.maxstanzas)));
  for (const item of history) replicas.send(turn, replica, '0282#4.4', (to) => broadcast(room, item, to));
  const { subject } = room;
  if (subject) replicas.send(turn, replica, '0282#4.4', (to) => subjectStanza(room, subject, to));
  sendReady(turn, replicas, replica, record, { roster, history: history.length });
}

/** Decision #8: whom it serves, as far as the primary knows, and whom of its domains the primary serves itself. */
function relations(occupant: Occupant, replica: Jid, { serves }: ReplicaPeer): readonly Dmuc[] {
  return sessionsOf(occupant).flatMap(({ home, jid }): Dmuc[] => {
    if (home === replica) return [{ enter: jid }];
    return home === undefined && serves.includes(domainOf(jid)) ? [{ direct: jid }] : [];
  });
}

function createdOf(
  room: RoomView,
  replicas: Replicas,
  replica: Jid,
  record: ReplicaPeer,
  mode: Created['mode'],
): Created {
  return {
    session: record.session,
    epoch: room.epoch,
    n: room.n,
    mode,
    jids: replicas.mayHoldJids(room, replica) ? 'all' : 'none',
    keepalive: record.keepalive,
    maxstanzas: record.maxstanzas,
    config: replicaForm(room),
    bans: mode === 'full' ? bansOf(room, record) : [],
    past: mode === 'delta' ? pastOf(room, record) : new Map(),
  };
}

/** Decision #53: of the domains that a replica serves, so that it learns of nobody whom it does not know. */
function bansOf(room: RoomView, { serves }: ReplicaPeer): readonly Ban[] {
  const bans = [...room.affiliations].flatMap(([user, affiliation]): Ban[] =>
    affiliation === 'outcast' && serves.includes(domainOf(user)) ? [{ user, affiliation }] : [],
  );
  return lastThatFit(bans.slice(Math.max(0, bans.length - bansMax)), ({ user }) => [user]);
}

function lastThatFit<T>(list: readonly T[], texts: (one: T) => readonly string[]): readonly T[] {
  let first = list.length;
  for (let bytes = 0; first > 0; first--) {
    for (const text of texts(list[first - 1] as T)) bytes += elementBytes + attributeLength(text);
    if (bytes > listBytesMax) break;
  }
  return list.slice(first);
}

/** Of an element of such a list beside its addresses. */
const elementBytes = 64;

/** Decision #43: whom of a replica's domains the primary serves itself, and whom it told that they are not in. */
function pastOf(room: RoomView, { past = [], serves }: ReplicaPeer): ReadonlyMap<Jid, string> {
  const direct = new Map(past.map((jid) => [jid, '']));
  for (const occupant of room.occupants.values()) {
    for (const { home, jid } of sessionsOf(occupant)) {
      if (home !== undefined || !serves.includes(domainOf(jid))) continue;
      if (direct.has(jid) || direct.size < pastMax) direct.set(jid, occupant.nick);
    }
  }
  return new Map(lastThatFit([...direct], (texts) => texts));
}

function sendReady(turn: RoomTurn, replicas: Replicas, replica: Jid, record: ReplicaPeer, sent: Partial<Ready>): void {
  const { room } = turn;
  const { link, entering } = replicas.of(turn, replica, record);
  const ready = writeReady({ n: room.n, roster: 0, history: 0, ...sent });
  const id = `ready-${record.session}`;
  link.request(turn, iq(room.jid, replica, { type: 'set', id }, ready), 'decision#5');
  entering.takeAll();
  link.watch(turn, timeoutMs);
}

/** It has all that it was sent: from here on it is a replica like the others. */
export function complete(turn: RoomTurn, replicas: Replicas, replica: Jid, record: ReplicaPeer): void {
  const { past: _, ...rest } = record;
  become(turn, replica, { ...rest, state: 'live', since: turn.env.now });
  turn.note('decision#5', `${replica} is live`, { peer: replica });
  replicas.of(turn, replica, record).link.watch(turn);
  turn.clearTimer(`hold:${replica}`);
  markAway(turn, replica, false);
}

/** Decision #5: asks a replica to ask. It creates no state. */
export function offer(turn: RoomTurn, replicas: Replicas, replica: Jid): void {
  const { room, env } = turn;
  if (!replicas.mayOffer(replica, env.now)) return;
  turn.send(message(room.jid, replica, { id: env.newId() }, writeOffer()), 'decision#5', replica);
}

function become(turn: RoomTurn, replica: Jid, record: ReplicaPeer): void {
  turn.record({ kind: 'peerChanged', peer: replica, record });
}
