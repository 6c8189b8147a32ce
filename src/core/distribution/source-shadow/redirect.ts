/** XEP-0281 §3.5: a user who enters at the source, and is of a server that has a shadow, is sent there. */
import { refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { refuse } from '../../room/tell.ts';
import { writeDirectInvitation } from '../../xep/xep0249.ts';
import { bareOf, domainOf, type Jid } from '../../xmpp/jid.ts';
import { message, type Stanza } from '../../xmpp/stanza.ts';
import type { SourceConfig } from '../config.ts';
import { instancePeer } from '../peers.ts';
import type { Links } from './links.ts';

/**
 * @param stanza  the request to enter
 * @returns whether they are to enter elsewhere: then they are told so, and invited
 */
export function redirect(
  turn: RoomTurn,
  links: Links,
  { redirect: rule = 'always' }: SourceConfig,
  stanza: Stanza,
): boolean {
  const { room } = turn;
  if (rule === 'never') return false;
  for (const { peer } of links.live()) {
    if (instancePeer(room, peer)?.seat !== 'shadow' || !links.holds(peer, stanza.from)) continue;
    if (rule !== 'always' && !isLateEnough(turn, links, peer, rule)) return false;
    const text = `This room is at ${peer}, too, which is nearer to you: please enter it there.`;
    refuse(turn, stanza, { ...refusal('cancel', 'redirect', '0281#3.5', text), to: domainOf(peer) });
    invite(turn, peer, stanza.from);
    return true;
  }
  return false;
}

/** "only after a certain number of such users have joined the room at the firsthost". */
function isLateEnough({ room }: RoomTurn, links: Links, peer: Jid, from: number): boolean {
  const theirs = room.locals.filter(({ jid }) => links.holds(peer, jid));
  return theirs.length + 1 >= from;
}

/** Example 21, well-formed. */
function invite(turn: RoomTurn, shadow: Jid, user: Jid): void {
  const { room, env } = turn;
  const invitation = writeDirectInvitation(shadow, `${bareOf(room.jid)} is hosted there, too`);
  turn.send(message(room.jid, user, { id: env.newId() }, invitation), '0281#3.5');
}
