/** The primary's side of a replica's life: created, brought up to date, dismissed. XEP-0282 §4.2 to §4.4, §4.11.2. */
import { replicaForm } from '../../room/config-form.ts';
import type { Occupant, PeerRecord } from '../../room/event.ts';
import type { RoomView } from '../../room/state.ts';
import type { Turn } from '../../room/turn.ts';
import {
  type Ban,
  type Create,
  type Created,
  type Netjoin,
  type Ready,
  writeCreated,
  writeDestroy,
  writeOffer,
  writeReady,
} from '../../xep/sync.ts';
import { type Condition, type ErrorType, stanzaError } from '../../xmpp/errors.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import { errorReply, iq, iqResult, message, type Stanza } from '../../xmpp/stanza.ts';
import { timerOf } from '../distribution.ts';
import { defaultTimes, timeoutMs } from '../keepalive.ts';
import { domainsOf, type Replicas, reachable } from './replicas.ts';
import { broadcast, missed, rosterEntry, subjectStanza } from './to-replica.ts';
import { usersDigest } from './users-digest.ts';

/** A primary offers again after that many milliseconds at the earliest. */
const offerMs = 5_000;
/** Bans that are named to a replica, the latest ones: they go in one stanza. */
const bansMax = 1_000;

/**
 * "Creating a Replica", which §4.2 leaves to follow: decision #5. The replica asks; the primary checks its list, the
 * domains and whether another serves them, answers, and sends roster, history, subject and `<ready/>` in this order.
 */
export function create(
  turn: Turn,
  room: RoomView,
  replicas: Replicas,
  replica: Jid,
  asked: Create,
  request: Stanza,
): void {
  const refuse = (type: ErrorType, condition: Condition, text: string) => {
    turn.note('decision#5', `${replica} may not be a replica: ${text}`, { room: room.jid, peer: replica });
    turn.send(errorReply(request, stanzaError(type, condition, text)), 'decision#5', replica);
  };
  const domains = domainsOf(room, replica);
  if (domains === undefined) return refuse('auth', 'forbidden', 'not on the list of this room');
  if (asked.serves.length === 0) return refuse('modify', 'bad-request', 'a replica serves at least one domain');
  const foreign = asked.serves.find((domain) => !domains.includes(domain));
  if (foreign !== undefined) return refuse('auth', 'forbidden', `not allowed to serve ${foreign}`);
  const taken = [...room.peers].find(
    ([other, record]) => other !== replica && record.serves?.some((domain) => asked.serves.includes(domain)),
  );
  if (taken) return refuse('cancel', 'conflict', `a domain of it is served by ${taken[0]}`);
  const { interval, timeout } = asked.keepalive;
  if (interval < 10 || interval > 3600 || timeout < 1 || timeout > interval)
    return refuse('modify', 'not-acceptable', 'keepalive interval is 10 to 3600 s, its timeout 1 s to the interval');
  const record: PeerRecord = {
    state: 'syncing',
    since: turn.env.now,
    session: turn.env.newId(),
    serves: asked.serves,
    keepalive: asked.keepalive,
    maxstanzas: Math.min(asked.maxstanzas, room.config.historyMax),
  };
  turn.note('decision#5', `${replica} becomes a replica`, { room: room.jid, peer: replica });
  become(turn, room, replica, record);
  replicas.begin(turn, room, replica, asked.moderators);
  sendState(turn, room, replicas, replica, record, request);
}

/**
 * §4.11.2 "to follow": a replica that was created before asks for what it missed, after a split, a gap or its own
 * restart. Decision #41: the changes themselves where they are still there, else everything.
 */
export function netjoin(
  turn: Turn,
  room: RoomView,
  replicas: Replicas,
  replica: Jid,
  { session, have, moderators, listUsers }: Netjoin,
  request: Stanza,
): void {
  const before = room.peers.get(replica);
  const refuse = (type: ErrorType, condition: Condition, text: string) =>
    turn.send(errorReply(request, stanzaError(type, condition, text)), 'decision#41', replica);
  if (domainsOf(room, replica) === undefined) return refuse('auth', 'forbidden', 'not on the list of this room');
  if (before?.session === undefined || before.session !== session)
    return refuse('cancel', 'unexpected-request', 'this session is over: create anew');
  replicas.begin(turn, room, replica, moderators);
  const changes = have.epoch === room.epoch ? room.log.since(have.n, room.n) : undefined;
  if (changes === undefined) {
    const record: PeerRecord = { ...before, state: 'syncing', since: turn.env.now, session: turn.env.newId() };
    become(turn, room, replica, record);
    turn.note('decision#41', `mode full: ${replica} gets everything, for what it missed is no longer kept`, {
      room: room.jid,
      peer: replica,
      sign: 'netjoin',
    });
    return sendState(turn, room, replicas, replica, record, request);
  }
  const record: PeerRecord = { ...before, state: 'syncing', since: turn.env.now };
  become(turn, room, replica, record);
  turn.note('decision#41', `mode delta: ${replica} gets the ${changes.length} changes that it missed`, {
    room: room.jid,
    peer: replica,
    sign: 'netjoin',
  });
  turn.send(
    iqResult(request, writeCreated(createdOf(room, replicas, replica, record, 'delta'))),
    'decision#41',
    replica,
  );
  for (const change of changes) replicas.send(turn, room, replica, 'decision#41', (to) => missed(room, change, to));
  const users = [...room.occupants.values()].filter(({ home }) => home === replica);
  const known = users.flatMap((user) => (user.jid === undefined ? [] : [[user.nick, user.jid] as const]));
  if (!listUsers) return sendReady(turn, room, replicas, replica, record, { users: usersDigest(known) });
  for (const user of users) {
    if (user.jid !== undefined)
      replicas.send(turn, room, replica, 'decision#8', (to) => rosterEntry(room, user, to, { enter: user.jid as Jid }));
  }
  sendReady(turn, room, replicas, replica, record, { roster: known.length });
}

/** §4.3, §4.4: everything, in the order in which a user who enters gets it. */
function sendState(
  turn: Turn,
  room: RoomView,
  replicas: Replicas,
  replica: Jid,
  record: PeerRecord,
  request: Stanza,
): void {
  const created = createdOf(room, replicas, replica, record, 'full');
  turn.send(iqResult(request, writeCreated(created)), 'decision#5', replica);
  for (const occupant of room.occupants.values())
    replicas.send(turn, room, replica, '0282#4.3', (to) =>
      rosterEntry(room, occupant, to, relation(occupant, replica, record)),
    );
  const history = room.history.slice(Math.max(0, room.history.length - created.maxstanzas));
  for (const item of history) replicas.send(turn, room, replica, '0282#4.4', (to) => broadcast(room, item, to));
  const { subject } = room;
  if (subject) replicas.send(turn, room, replica, '0282#4.4', (to) => subjectStanza(room, subject, to));
  sendReady(turn, room, replicas, replica, record, { roster: room.occupants.size, history: history.length });
}

/** Decision #8: whom it serves, as far as the primary knows, and whom of its domains the primary serves itself. */
function relation({ home, jid }: Occupant, replica: Jid, { serves }: PeerRecord) {
  if (jid === undefined) return undefined;
  if (home === replica) return { enter: jid };
  return home === undefined && serves?.includes(domainOf(jid)) ? { direct: jid } : undefined;
}

function createdOf(
  room: RoomView,
  replicas: Replicas,
  replica: Jid,
  record: PeerRecord,
  mode: Created['mode'],
): Created {
  return {
    session: record.session ?? '',
    epoch: room.epoch,
    n: room.n,
    mode,
    jids: replicas.mayHoldJids(room, replica) ? 'all' : 'none',
    keepalive: record.keepalive ?? defaultTimes,
    maxstanzas: record.maxstanzas ?? room.config.historyMax,
    config: replicaForm(room),
    bans: mode === 'full' ? bansOf(room, record) : [],
    past: mode === 'delta' ? (record.past ?? []) : [],
  };
}

/** Decision #53: of the domains that a replica serves, so that it learns of nobody whom it does not know. */
function bansOf(room: RoomView, { serves }: PeerRecord): readonly Ban[] {
  const bans = [...room.affiliations].flatMap(([user, affiliation]): Ban[] =>
    affiliation === 'outcast' && serves?.includes(domainOf(user)) ? [{ user, affiliation }] : [],
  );
  return bans.slice(Math.max(0, bans.length - bansMax));
}

function sendReady(
  turn: Turn,
  room: RoomView,
  replicas: Replicas,
  replica: Jid,
  record: PeerRecord,
  sent: Partial<Ready>,
): void {
  const ready = writeReady({ n: room.n, roster: 0, history: 0, ...sent });
  turn.send(iq(room.jid, replica, { type: 'set', id: `ready-${record.session}` }, ready), 'decision#5', replica);
  replicas.of(turn, room, replica).entering.clear();
  turn.setTimer(timerOf(room.jid, `keepalive:${replica}`), timeoutMs);
}

/** Decision #5: asks a replica to ask. It creates no state. */
export function offer(turn: Turn, room: RoomView, replicas: Replicas, replica: Jid): void {
  const state = replicas.of(turn, room, replica);
  if (state.offered !== undefined && turn.env.now - state.offered < offerMs) return;
  state.offered = turn.env.now;
  replicas.send(turn, room, replica, 'decision#5', ({ id }) => message(room.jid, replica, { id }, writeOffer()));
}

/**
 * Ends a session (decision #40): the primary serves the replica's users itself from here on. They notice nothing if the
 * replica had everything up to here; whether it had, its answer says.
 */
export function dismiss(turn: Turn, room: RoomView, replicas: Replicas, replica: Jid): void {
  const record = room.peers.get(replica);
  if (record === undefined) return;
  if (reachable(record)) {
    const destroy = writeDestroy({ epoch: room.epoch, n: room.n });
    turn.send(iq(room.jid, replica, { type: 'set', id: `destroy-${room.n}` }, destroy), 'decision#40', replica);
  }
  end(turn, room, replicas, replica);
}

/** The session is over: direct delivery. */
export function end(turn: Turn, room: RoomView, replicas: Replicas, replica: Jid): void {
  turn.record({ kind: 'peerChanged', room: room.jid, peer: replica, record: undefined });
  turn.note('decision#40', `${replica} is no replica any more: its users are served directly`, {
    room: room.jid,
    peer: replica,
  });
  for (const occupant of [...room.occupants.values()]) {
    if (occupant.home !== replica) continue;
    const { home: _, ...direct } = occupant;
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant: direct });
  }
  for (const name of ['keepalive', 'hold']) turn.clearTimer(timerOf(room.jid, `${name}:${replica}`));
  replicas.forget(replica);
}

function become(turn: Turn, room: RoomView, replica: Jid, record: PeerRecord): void {
  turn.record({ kind: 'peerChanged', room: room.jid, peer: replica, record });
}
