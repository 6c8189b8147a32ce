/** Errors of another node: that a user of ours is not let in there, or loses a nick; that a link is no more; or of a user. */
import { handBack } from '../../room/hand-back.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import type { Sign } from '../../turn/spec.ts';
import { isRefused } from '../../xep/fmuc-sync.ts';
import { readFmuc } from '../../xep/xep0289.ts';
import { resourceOf } from '../../xmpp/jid.ts';
import { errorOf, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import type { Link } from '../link.ts';
import { refusedThere } from './admission.ts';
import { yieldNick } from './collision.ts';
import type { JoiningNode } from './joining-node.ts';
import { type Links, stateOf } from './links.ts';
import { placeOf } from './place.ts';

/** What may follow for the link. */
interface Consequences {
  /** Whether it has its place on the link. */
  inOrder(): boolean;
  outOfStep(how: Sign, why: string): void;
  lost(how: Sign, why: string): void;
}

/** @param side  of the room that this one joins, if it is one */
export function takeError(
  turn: RoomTurn,
  links: Links,
  link: Link,
  side: JoiningNode | undefined,
  stanza: Stanza,
  then: Consequences,
): void {
  const { peer } = link;
  const error = errorOf(stanza);
  if (stanza.name === 'presence' && isRefused(stanza.payloads)) return refused(turn, links, link, side, stanza, then);
  if (side && stanza.name === 'presence' && error?.condition === 'conflict')
    return conflict(turn, links, link, side, stanza, then);
  const mine = link.isOurs(stanza.id);
  if (side && mine && error && !saysGone(stanza) && side.isAsking(turn.room)) return side.refused(turn, error);
  // A private message comes back to its sender. If only its target is gone, and not the node, that is all (decision #123).
  const isAboutTarget = error?.condition === 'item-not-found' || readFmuc(stanza.payloads) !== undefined;
  if (stanza.name === 'message' && handBack(turn, stanza) && isAboutTarget) return;
  if (stanza.name === 'message' && mine && refusedThere(turn, links, peer, stanza)) return;
  if (mine && error?.condition === 'not-acceptable') then.outOfStep('unlinked', 'it knows of no link');
  else if (mine && saysGone(stanza)) then.lost('bounce', `it bounced: ${error?.condition}`);
  else turn.note('0289#5', `an error from ${peer} that is no bounce of ours: ignored`, { peer });
}

/** Decision #156: a user of ours is not let in there. If we asked in their name, we ask in another's. */
function refused(
  turn: RoomTurn,
  links: Links,
  link: Link,
  side: JoiningNode | undefined,
  stanza: Stanza,
  { inOrder }: Consequences,
): void {
  const { peer } = link;
  if (stateOf(turn.room, peer) !== 'joining') {
    if (inOrder()) refusedThere(turn, links, peer, stanza);
  } else if (!link.counts || placeOf(stanza)?.session === link.session) {
    refusedThere(turn, links, peer, stanza);
    side?.unwelcome(turn);
  }
}

/** Decision #23: the joined node keeps its own user. Ours goes, unless they have another nick by now. */
function conflict(
  turn: RoomTurn,
  links: Links,
  link: Link,
  side: JoiningNode,
  stanza: Stanza,
  { inOrder }: Consequences,
): void {
  const { room } = turn;
  const place = placeOf(stanza);
  if (stateOf(room, link.peer) === 'joining') {
    if (!link.counts || place === undefined || place.session === link.session) side.conflict(turn);
    return;
  }
  if (!inOrder()) return;
  const fmuc = readFmuc(stanza.payloads);
  const loser = room.occupants.get(resourceOf(stanza.to));
  if (loser === undefined || loser.home === link.peer) return;
  // Decision #169: the room by which they come is told nothing. If the winner comes here, this room decides by itself (#149).
  if (loser.home !== undefined && links.isOutbound(room, loser.home)) {
    if (fmuc?.kind === 'from') links.refused(link.peer, fmuc.from);
    return;
  }
  // Decision #141: it knows them by the session that entered first, and here another one may be shown.
  if (fmuc?.kind !== 'from' || isOf(loser, fmuc.from)) yieldNick(turn, links, loser);
}
