/** Decision #145: something of a user of another node comes, by one way or by several. */
import type { RoomTurn } from '../../room/room-turn.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { echo } from './echo.ts';
import type { Links } from './links.ts';
import { takeMessage } from './messages.ts';
import { routeOf, trailOf } from './place.ts';
import { comesAgain, takePresence } from './presence.ts';
import type { Known } from './reading.ts';
import type { Rings } from './rings.ts';
import type { Spreading } from './spreading.ts';
import { isNoWay, isTaken } from './ways.ts';

/**
 * It has come by a way, which it names. What this room passes on of it has the same identity, and goes to no node that has had it.
 * If it has come by another way before, there is a ring.
 *
 * @param as  whom it is of, if they are not in here yet
 */
export function arrives(
  turn: RoomTurn,
  links: Links,
  spreading: Spreading,
  rings: Rings,
  peer: Jid,
  author: Jid,
  stanza: Stanza,
  as?: Known,
): void {
  const { room, env } = turn;
  const { paths } = links;
  const route = routeOf(stanza, peer);
  const { passed } = route;
  const take = () =>
    stanza.name === 'presence'
      ? takePresence(turn, links, peer, author, stanza, route)
      : takeMessage(turn, links, peer, author, stanza, as);
  const trail = trailOf(stanza, peer);
  if (passed.includes(room.jid)) {
    if (stanza.name === 'presence') isNoWay(turn, links, peer, author, resourceOf(stanza.from), 'now');
    return rings.found(turn, [room.jid], [...passed.slice(passed.indexOf(room.jid)), room.jid]);
  }
  // What is not taken from this peer is still to come from the one that may say it.
  const taken = isTaken(room, links, peer, author, stanza);
  const before = taken && trail?.id !== undefined ? paths.comes(trail, passed, env.now) : undefined;
  if (before === undefined) {
    return echo(turn, links, peer, author, stanza, spreading.passOn(peer, author, stanza, take));
  }
  if (trail && stanza.name === 'presence' && comesAgain(turn, links, peer, author, stanza, trail))
    spreading.passOn(peer, author, stanza, take);
  rings.found(turn, [...before, room.jid], [...passed, room.jid]);
}
