/** XEP-0282 §4.11.1.1: what the primary does while a replica is out of reach. */
import { leave } from '../../room/commit.ts';
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { tell } from '../../room/tell.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { plus } from '../../xmpp/time.ts';
import { backoffMs, jitter } from '../keepalive.ts';
import type { ReplicaPeer } from '../peers.ts';
import { type Replicas, reachable } from './replicas.ts';
import { barePosition, update } from './to-replica.ts';

/** How long nicks and roles of those behind a split replica are kept, in milliseconds. Decision #16. */
export const holdMs = 600_000;

/** No broadcasts to it any more, and pings at a higher frequency. Its users stay in the room for a while. */
export function split(
  turn: RoomTurn,
  replicas: Replicas,
  replica: Jid,
  record: ReplicaPeer,
  how: 'bounce' | 'silence',
  why: string,
): void {
  const { room } = turn;
  const heard = replicas.of(turn, replica).keepalive.lastHeard();
  const cutOff: ReplicaPeer = { ...record, state: 'split', since: turn.env.now, heard };
  turn.record({ kind: 'peerChanged', peer: replica, record: cutOff });
  const spec = how === 'silence' ? 'decision#3' : '0282#4.11.1.1';
  turn.note(spec, `${replica} is split: ${why}`, { peer: replica, sign: how });
  replicas.of(turn, replica).tries = 0;
  probe(turn, replica);
  if (room.config.split.away) markAway(turn, replicas, replica, true);
}

/** Also after a restart: the first ping, and the end of the patience with those behind it. */
export function probe(turn: RoomTurn, replica: Jid): void {
  const { room } = turn;
  const since = room.peers.get(replica)?.since ?? turn.env.now;
  turn.setTimer(`keepalive:${replica}`, jitter(turn.env, backoffMs(0)));
  turn.setTimer(`hold:${replica}`, Math.max(1, plus(since, holdMs) - turn.env.now));
}

/** Decision #16: they were out of reach for too long. */
export function releaseHeld(turn: RoomTurn, replica: Jid): void {
  const { room } = turn;
  if (room.peers.get(replica)?.state !== 'split') return;
  for (const occupant of [...room.occupants.values()]) {
    if (occupant.home === replica)
      leave(turn, occupant, { statuses: [333], item: { reason: 'netsplit' }, payloads: [] });
  }
}

/** "the primary MAY send a presence update for each user on the affected replica, marking them as away". */
export function markAway(turn: RoomTurn, replicas: Replicas, replica: Jid, away: boolean): void {
  const { room } = turn;
  for (const known of [...room.occupants.values()]) {
    if (known.home !== replica || (known.cutOff ?? false) === away) continue;
    const { cutOff: _, ...here } = known;
    const occupant: Occupant = away ? { ...known, cutOff: true } : here;
    turn.record({ kind: 'occupantChanged', n: room.n + 1, occupant });
    tell(turn, { kind: 'presence', occupant }, '0282#4.11.1.1');
    for (const [other, record] of room.peers) {
      // To their own replica they never were away.
      if (reachable(record))
        replicas.send(turn, other, '0282#4.11.1.1', (to) =>
          other === replica ? barePosition(room, to) : update(room, occupant, to),
        );
    }
  }
}
