/** How a primary hands its users over to their replica, and what the replica may know of the others then. XEP-0282 §4.5, §4.7. */
import { commit, leaveSession } from '../../room/commit.ts';
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asSession, withHome } from '../../room/sessions.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { replicaPeer } from '../peers.ts';
import type { ReplicaSession, Replicas } from './replicas.ts';
import { isBehind, reachable } from './served.ts';
import { enterStanza, rosterEntry } from './to-replica.ts';

/** §4.5, to the replica that serves them; before that, what it may know of the others if they are its first moderator. */
export function enter(turn: RoomTurn, replicas: Replicas, occupant: Occupant, join: JoinRequest): void {
  const { room, env } = turn;
  const { jid, home } = occupant;
  if (jid === undefined || home === undefined) return;
  const record = replicaPeer(room, home);
  if (!reachable(record)) return;
  grantJids(turn, replicas, occupant);
  const session = replicas.of(turn, home, record);
  const wanted = session.heard.delete(jid) ? { history: { maxstanzas: 0 } } : join;
  const id = replicas.send(turn, home, '0282#4.5', (to) => enterStanza(room, { ...occupant, jid }, wanted, to));
  if (id !== undefined) session.entering.add(jid, { id, join }, env.now);
}

/** The replica never saw this user ask (§4.5: it MUST verify): decision #6. */
export function enterRefused(
  turn: RoomTurn,
  replicas: Replicas,
  replica: Jid,
  user: Jid | undefined,
  stanza: Stanza,
): void {
  const { room, env } = turn;
  // By JID: they may be called otherwise by now.
  const occupant = user === undefined ? undefined : room.occupantByJid(user);
  if (occupant?.home !== replica || occupant.jid === undefined) return;
  const record = replicaPeer(room, replica);
  const entering = record && replicas.of(turn, replica, record).entering;
  const handedOver = entering?.get(occupant.jid, env.now);
  // They asked again since: what becomes of that is still to be heard.
  if (handedOver !== undefined && handedOver.id !== stanza.id) return;
  entering?.delete(occupant.jid);
  const { cutOff: _, ...whole } = room.occupants.get(occupant.nick) ?? occupant;
  const served = withHome(whole, occupant.jid, undefined);
  const direct = asSession(served, occupant.jid);
  if (handedOver === undefined) {
    turn.record({ kind: 'occupantChanged', occupant: served });
    turn.note('decision#8', `${replica} no longer knows ${occupant.nick}`, { peer: replica });
    return leaveSession(turn, direct, { statuses: [333], payloads: [] });
  }
  turn.note('decision#6', `${replica} will not serve ${occupant.nick}: served directly`, {
    peer: replica,
  });
  const { join } = handedOver;
  const as = { kind: 'occupantChanged', occupant: served, joining: true } as const;
  commit(turn, { kind: 'returned', occupant: direct, join }, { as });
}

/** Decision #7: a replica that gets its first moderator, by entering or by promotion, first gets the JIDs of all. */
export function grantJids(turn: RoomTurn, replicas: Replicas, moderator: Occupant): void {
  const { room } = turn;
  const { home } = moderator;
  if (moderator.role !== 'moderator' || home === undefined || room.whois === 'anyone') return;
  const record = replicaPeer(room, home);
  if (!reachable(record)) return;
  const session = replicas.of(turn, home, record);
  const others = [...room.occupants.values()].filter(({ nick }) => nick !== moderator.nick);
  if (!session.noModerators && others.some((other) => other.role === 'moderator' && isBehind(other, home))) return;
  session.noModerators = false;
  for (const other of others) sendWithJid(turn, replicas, home, other);
}

/**
 * Decision #7: how many moderators a replica says that it has, where the count here may be of the past.
 *
 * @param moderators  undefined: it does not say
 */
export function countModerators(
  turn: RoomTurn,
  replicas: Replicas,
  session: ReplicaSession,
  moderators: number | undefined,
): void {
  const { room } = turn;
  const replica = session.link.peer;
  const before = replicas.mayHoldJids(room, replica);
  session.noModerators = moderators === 0;
  if (before || room.whois === 'anyone' || !replicas.mayHoldJids(room, replica)) return;
  for (const occupant of room.occupants.values()) sendWithJid(turn, replicas, replica, occupant);
}

function sendWithJid(turn: RoomTurn, replicas: Replicas, replica: Jid, occupant: Occupant): void {
  const { room } = turn;
  replicas.send(turn, replica, 'decision#7', (to) => rosterEntry(room, occupant, { ...to, jids: true }));
}
