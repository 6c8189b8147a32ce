/** An owner wants nothing to do with another node: decision #175. */
import type { FederationSettings } from '../../room/config.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { tellUser } from '../../room/tell.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { type FmucPeer, fmucPeers } from '../peers.ts';
import { names } from './config-fields.ts';
import type { JoinedNode } from './joined-node.ts';
import type { JoiningNode } from './joining-node.ts';
import type { Links } from './links.ts';
import { blockedOut } from './ways.ts';

/** The list of blocked nodes is another: links that it forbids end at once, and everybody hears why. */
export function cutBlocked(
  turn: RoomTurn,
  links: Links,
  joining: ReadonlyMap<Jid, JoiningNode>,
  joined: JoinedNode,
): void {
  const { room } = turn;
  cutLinks(turn, joining, joined, (peer) => links.isBlocked(room, peer), 'is blocked in this room', blockedOut);
  for (const side of joining.values()) side.joinIfOccupied(turn);
}

/** How users are out whose room is not linked with this one any more. */
const unlinkedOut: PresenceParts = { statuses: [333], payloads: [] };

/** Links to these peers end at once, and everybody in the room hears why. */
export function cutLinks(
  turn: RoomTurn,
  joining: ReadonlyMap<Jid, JoiningNode>,
  joined: JoinedNode,
  which: (peer: Jid, direction: FmucPeer['direction']) => boolean,
  why: string,
  parts: PresenceParts = unlinkedOut,
): void {
  const { room } = turn;
  for (const [peer, { direction, state }] of fmucPeers(room)) {
    if (!which(peer, direction)) continue;
    const text = `${peer} ${why}`;
    turn.note('decision#175', text, { peer, sign: 'refused' });
    if (state === 'live')
      for (const { jid } of room.locals) tellUser(turn, jid, `${text}: its users are out`, 'decision#175');
    if (direction === 'inbound') joined.block(turn, peer, parts);
    else joining.get(peer)?.block(turn, parts);
  }
}

/** Decision #184: an owner has changed what can change while the links stay. */
export function settingsChanged(
  turn: RoomTurn,
  links: Links,
  joining: ReadonlyMap<Jid, JoiningNode>,
  joined: JoinedNode,
  before: FederationSettings,
): void {
  const { room } = turn;
  const { keepalive, seeJids } = room.config.federation;
  const isOut = (peer: Jid, direction: FmucPeer['direction']) => direction === 'inbound' && !joined.allows(room, peer);
  cutLinks(turn, joining, joined, isOut, 'may not join this room any more');
  for (const [peer, { direction }] of fmucPeers(room)) {
    const link = links.live(room, peer);
    if (link === undefined) continue;
    if (keepalive !== before.keepalive) {
      if (keepalive) link.watch(turn);
      else link.unwatch(turn);
    }
    const saw = before.seeJids === 'all' || names(before.seeJids, peer);
    const sees = seeJids === 'all' || names(seeJids, peer);
    if (saw === sees) continue;
    // It knows everybody under another name from here on.
    const why = sees ? 'it is told real addresses now' : 'it is told no real addresses any more';
    if (direction === 'inbound') joined.outOfStep(turn, peer, 'restart', why);
    else joining.get(peer)?.rejoin(turn, 'restart', why);
  }
}
