/** Decision #148: a user who is reached by several ways is one user, as the peer by which they are reached shows them. */
import { leave } from '../../room/commit.ts';
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Links } from './links.ts';
import { ofOthers, showAs, spokenForBy } from './occupants.ts';
import type { Way } from './paths.ts';
import { routeOf } from './place.ts';
import { elsewhere, listed } from './stanzas.ts';

/**
 * Whether what a peer says of a user is taken. It is not if their own node is linked with this one, which will say it too; nor, of
 * what they say or that they leave, if this peer has not brought them in.
 */
export function isTaken(room: RoomView, links: Links, peer: Jid, author: Jid, stanza: Stanza): boolean {
  const nick = resourceOf(stanza.from);
  if (stanza.name !== 'presence' || stanza.type !== undefined)
    return spokenForBy(room, links, peer, author, nick) !== undefined;
  const known = ofOthers(room, author, nick);
  if (known === undefined || known.home === peer) return true;
  return known.home !== routeOf(stanza, peer).passed[0] || links.paths.from(known.jid, known.home).length > 1;
}

/** A user is not reached by this peer any more: by another, if there is one, else they are out (decision #24). */
export function lose(
  turn: RoomTurn,
  links: Links,
  occupant: Occupant,
  peer: Jid,
  spec: string,
  parts: PresenceParts = { statuses: [333], payloads: [] },
): void {
  const other = links.paths.otherThan(turn.room, occupant, peer);
  if (other === undefined) leave(turn, occupant, parts, { spec });
  else reachBy(turn, links, occupant, other);
}

/** From now on a user is reached by another peer, which may show them otherwise. */
export function reachBy(turn: RoomTurn, links: Links, occupant: Occupant, [peer, { as }]: readonly [Jid, Way]): void {
  const { room } = turn;
  const { jid } = occupant;
  if (jid === undefined) return;
  turn.record({ kind: 'occupantChanged', occupant: { ...occupant, home: peer } });
  showAs(turn, links, { ...occupant, home: peer, jid }, as, peer);
  const now = room.occupantByJid(as.jid);
  if (now?.home === peer) retell(turn, links, now);
}

/** A user who is reached by a better way than before is reached by that from now on: all nodes do the same, so all come to an end. */
export function prefer(turn: RoomTurn, links: Links, user: Jid): void {
  const { room } = turn;
  const occupant = room.occupantByJid(user);
  const better = occupant?.home && links.paths.betterThan(room, occupant, occupant.home);
  if (occupant && better) reachBy(turn, links, occupant, better);
}

/** The way to a user is another: the nodes on it have none by this room, and the others learn which it is. */
export function retell(turn: RoomTurn, links: Links, occupant: Occupant): void {
  const { room } = turn;
  const { jid, home } = occupant;
  if (jid === undefined || home === undefined) return;
  const passed = links.paths.from(jid, home);
  for (const [peer, { state }] of [...room.peers]) {
    const link = state === 'live' ? links.of(peer) : undefined;
    if (!link?.counts) continue;
    if (passed.includes(peer)) link.send(turn, elsewhere(room, occupant, peer, 'now'), 'decision#148');
    else link.send(turn, listed(turn, links, occupant, link), 'decision#148');
  }
}

/** Decision #146: the peer says that it is no way to this user, or will soon be none. @param parts  how they leave, if there is no other */
export function isNoWay(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  user: Jid,
  nick: string,
  when: 'now' | 'soon',
  parts?: PresenceParts,
): void {
  const { room } = turn;
  const { paths } = links;
  const known = ofOthers(room, user, nick);
  for (const session of new Set([user, known?.jid ?? user]))
    if (when === 'now') paths.forgetWay(session, peer);
    else paths.endsSoon(session, peer);
  if (known?.home !== peer) return;
  if (when === 'now') lose(turn, links, known, peer, 'decision#146', parts);
  // Without another way, they stay as long as the peer still is one.
  else prefer(turn, links, known.jid);
}

/**
 * A link is gone. Users who were reached by it and are reached by another way stay, and nobody hears of it; the others are
 * out (decision #24).
 *
 * @param keep  a user who stays in any case; @param parts  how the others leave
 */
export function dropUsers(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  spec: string,
  keep?: Jid,
  parts?: PresenceParts,
): void {
  const { room } = turn;
  for (const occupant of [...room.occupants.values()]) {
    const { home, jid, nick } = occupant;
    if (home !== peer || jid === undefined || jid === keep || room.occupants.get(nick) !== occupant) continue;
    lose(turn, links, occupant, peer, spec, parts);
  }
}

/**
 * This room has left the peer, because it lets in nobody who is left here (decision #156), or because nobody is: then its users
 * are gone without a word, but for nodes that have joined this one, for which it may have been the way to them.
 */
export function forgetLeft(turn: RoomTurn, links: Links, peer: Jid): void {
  const { room } = turn;
  const here = [...room.occupants.values()];
  if (here.some(({ home }) => home === undefined || links.isInbound(room, home)))
    return dropUsers(turn, links, peer, 'decision#156', undefined, { payloads: [] });
  if ([...room.peers].some(([other, { state }]) => state === 'live' && links.isInbound(room, other)))
    return dropUsers(turn, links, peer, '0289#5.4');
  for (const { nick, home } of here) if (home === peer) turn.record({ kind: 'occupantLeft', nick });
}

/** How users are out whose node is blocked. Decision #175. */
export const blockedOut: PresenceParts = {
  statuses: [307],
  item: { reason: 'Their node is blocked in this room.' },
  payloads: [],
};
