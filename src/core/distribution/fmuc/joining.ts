/** XEP-0289 §5.1, §5.3: what a joining node tells the room that it joins of its users, at the join and right after it. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { Trail } from '../../xep/fmuc-sync.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { presence } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { Link } from '../link.ts';
import { cameBy, introduced, ours } from './audience.ts';
import type { Links } from './links.ts';
import type { Known } from './reading.ts';
import { historyFor, missing } from './resync.ts';
import { joinRequest, onward, trailed, trailFor } from './stanzas.ts';

/**
 * §5.1 Example 2: asks for the room in the name of one user.
 *
 * @param lost  when the two were in step for the last time; @param way  on which the user came, if they are not in yet
 */
export function sendJoin(
  turn: RoomTurn,
  links: Links,
  link: Link,
  user: Known,
  lost: Instant | undefined,
  way: Trail | undefined,
): void {
  const { room, env } = turn;
  const { peer } = link;
  const ask = room.config.federation.resync ? missing(room, peer, env.now, lost) : undefined;
  const history = historyFor(room, ask, lost);
  const request = joinRequest(room, links, user, peer, { history }, ask);
  const known = way && onward(room, links, way, user.home, peer);
  const trail = known ?? trailFor(turn, links, user, peer);
  link.send(turn, trail ? trailed(room, request, trail) : request, '0289#5.1');
}

/** After a lost link these were here all along. @param announced  the user in whose name it was asked */
export function sendThoseHere(turn: RoomTurn, links: Links, link: Link, announced: Known | undefined): void {
  const { room } = turn;
  for (const occupant of ours(room, link.peer)) {
    if (cameBy(links, link.peer, occupant)) continue;
    for (const stanza of introduced(room, link, announced, occupant)) {
      const trail = trailFor(turn, links, occupant, link.peer);
      link.send(turn, trail && link.counts ? trailed(room, stanza, trail) : stanza, '0289#5.3');
    }
  }
}

/** The join was taken for a user's: what is no node has a user of this nick in now. */
export function leaveAsUser(turn: RoomTurn, nick: string, peer: Jid): void {
  const gone = presence(occupantJid(turn.room.jid, nick), occupantJid(peer, nick), { type: 'unavailable' });
  turn.send(gone, 'decision#180', peer);
}
