/** An owner wants nothing to do with another node: decision #175. */
import type { RoomTurn } from '../../room/room-turn.ts';
import { tellUser } from '../../room/tell.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { fmucPeers } from '../peers.ts';
import type { JoinedNode } from './joined-node.ts';
import type { JoiningNode } from './joining-node.ts';
import type { Links } from './links.ts';

/** The list of blocked nodes is another: links that it forbids end at once, and everybody hears why. */
export function cutBlocked(
  turn: RoomTurn,
  links: Links,
  joining: ReadonlyMap<Jid, JoiningNode>,
  joined: JoinedNode,
): void {
  const { room } = turn;
  for (const [peer, { direction }] of fmucPeers(room)) {
    if (!links.isBlocked(room, peer)) continue;
    const text = `${peer} is blocked in this room`;
    turn.note('decision#175', text, { peer, sign: 'refused' });
    for (const { jid } of room.locals) tellUser(turn, jid, `${text}: its users are out`, 'decision#175');
    if (direction === 'inbound') joined.block(turn, peer);
    else joining.get(peer)?.block(turn);
  }
  for (const side of joining.values()) side.joinIfOccupied(turn);
}
