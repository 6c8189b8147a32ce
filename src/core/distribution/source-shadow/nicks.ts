/** Decision #207: two users of a room who want one nick. */
import { commit, leave } from '../../room/commit.ts';
import { isLocal, type Occupant } from '../../room/event.ts';
import { numbered } from '../../room/nick.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { localSessions } from '../../room/sessions.ts';
import { skeleton } from '../../room/skeleton.ts';
import type { RoomView } from '../../room/state.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { instances, type Links, sourceOf } from './links.ts';

/**
 * What a user of this peer is called here. Where the nick is somebody else's, one of the two gets another, and every
 * instance comes to the same answer.
 */
export function nickFor(turn: RoomTurn, links: Links, peer: Jid, nick: string, before?: Occupant): string | undefined {
  const { room } = turn;
  const holders = room
    .occupantsByShape(skeleton(nick))
    .filter((holder) => holder.nick !== before?.nick && (holder.home !== peer || holder.nick === nick));
  if (holders.length === 0) return nick;
  if (!holders.every(({ home }) => precedes(room, peer, home ?? room.jid))) return otherNick(room, nick);
  for (const holder of holders) yieldNick(turn, links, holder);
  return nick;
}

/** Whose user keeps a nick: the source's, then the one whose instance sorts first. */
function precedes(room: RoomView, one: Jid, other: Jid): boolean {
  const source = sourceOf(room) ?? room.jid;
  return one === source || (other !== source && one < other);
}

function yieldNick(turn: RoomTurn, links: Links, holder: Occupant): void {
  const { room } = turn;
  const nick = otherNick(room, holder.nick);
  turn.note('decision#207', `the nick ${holder.nick} is somebody else's, who comes before`, {});
  if (isLocal(holder) && (room.config.nicksLocked || nick === undefined))
    return leave(turn, holder, { statuses: [333], payloads: [] }, { spec: 'decision#207' });
  if (nick === undefined) return leave(turn, holder, { payloads: [] }, { spec: 'decision#207' });
  if (holder.home !== undefined) links.call(holder.home, links.theirsOf(holder.home, holder.nick), nick);
  const statuses = localSessions(holder).length > 0 ? { statuses: [210] } : {};
  commit(turn, { kind: 'renamed', before: holder, after: { ...holder, nick }, ...statuses }, { spec: 'decision#207' });
}

function otherNick(room: RoomView, nick: string): string | undefined {
  return numbered(nick, (other) => room.occupantsByShape(skeleton(other)).length === 0);
}

/** Users of other instances who are called otherwise here are called as there once nobody else is. */
export function giveBack(turn: RoomTurn, links: Links): void {
  const { room } = turn;
  const peers = [...instances(room)].sort((one, other) => (precedes(room, one, other) ? -1 : 1));
  for (const peer of peers)
    for (const [theirs, here] of links.otherwise(peer)) {
      const before = room.occupants.get(here);
      if (before?.home !== peer) continue;
      if (room.occupantsByShape(skeleton(theirs)).some(({ nick }) => nick !== here)) continue;
      links.call(peer, theirs, theirs);
      commit(turn, { kind: 'renamed', before, after: { ...before, nick: theirs } }, { spec: 'decision#207' });
    }
}
