/** XEP-0282 §4.11.1.1: what the primary does while a replica is out of reach. */
import type { ChangeOf } from '../../room/change.ts';
import { commit, leaveSession } from '../../room/commit.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { everySession } from '../../room/sessions.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { plus } from '../../xmpp/time.ts';
import { type ReplicaPeer, replicaPeer } from '../peers.ts';
import type { ReplicaSession, Replicas } from './replicas.ts';
import { usersOf } from './served.ts';
import { barePosition, update } from './to-replica.ts';

/** How long nicks and roles of those behind a split replica are kept, in milliseconds. Decision #16. */
const holdMs = 600_000;

/** No broadcasts to it any more, and pings at a higher frequency. Its users stay in the room for a while. */
export function split(
  turn: RoomTurn,
  session: ReplicaSession,
  record: ReplicaPeer,
  how: 'bounce' | 'silence',
  why: string,
): void {
  const { room, env } = turn;
  const { peer, lastHeard: heard } = session.link;
  const cutOff: ReplicaPeer = { ...record, state: 'split', since: env.now, heard };
  turn.record({ kind: 'peerChanged', peer, record: cutOff });
  turn.note(how === 'silence' ? 'decision#3' : '0282#4.11.1.1', `${peer} is split: ${why}`, { peer, sign: how });
  probe(turn, session, cutOff);
  if (room.config.split.away) markAway(turn, peer, true);
}

/** Also after a restart: the first ping, and the end of the patience with those behind it. */
export function probe(turn: RoomTurn, { link }: ReplicaSession, { since }: ReplicaPeer): void {
  link.watchSplit(turn);
  // Not for longer where the clock was set back since (decision #224).
  const leftMs = Math.min(holdMs, plus(since, holdMs) - turn.env.now);
  turn.setTimer(`hold:${link.peer}`, Math.max(1, leftMs));
}

/** Decision #16: they were out of reach for too long. */
export function releaseHeld(turn: RoomTurn, replica: Jid): void {
  const { room } = turn;
  if (replicaPeer(room, replica)?.state !== 'split') return;
  const parts = { statuses: [333], item: { reason: 'netsplit' }, payloads: [] };
  for (const [, jid] of usersOf(room, replica)) {
    const session = room.occupantByJid(jid);
    if (session) leaveSession(turn, session, parts);
  }
}

/** "the primary MAY send a presence update for each user on the affected replica, marking them as away". */
export function markAway(turn: RoomTurn, replica: Jid, away: boolean): void {
  for (const known of [...turn.room.occupants.values()]) {
    // Not if another session of theirs is within reach.
    const behind = everySession(known).every(({ home }) => home === replica);
    if (!behind || (known.cutOff ?? false) === away) continue;
    const { cutOff: _, ...here } = known;
    const occupant = away ? { ...known, cutOff: true as const } : here;
    commit(turn, { kind: 'presence', occupant, reach: true }, { spec: '0282#4.11.1.1' });
  }
}

/** The same, as replicas hear of it: to their own replica they never were away. */
export function spreadReach(turn: RoomTurn, replicas: Replicas, { occupant }: ChangeOf<'presence'>): void {
  const { room } = turn;
  replicas.sendAll(turn, '0282#4.11.1.1', (to) =>
    to.replica === occupant.home ? barePosition(room, to) : update(room, occupant, to),
  );
}
