/** XEP-0289 §5.3, §5.4: what another node says of a user: they come, look different, or are out. */
import { leave } from '../../room/commit.ts';
import type { Actor } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { readElsewhere, type Trail } from '../../xep/fmuc-sync.ts';
import { type MucUser, readMucUser } from '../../xep/xep0045.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Guest, isInScope } from './admission.ts';
import type { Links } from './links.ts';
import { restore, takeNotice } from './moderation.ts';
import { enter, isDirect, ofOthers, rename, sameUser, showAs, spokenForBy } from './occupants.ts';
import type { Route, Way } from './paths.ts';
import { routeOf, trailOf } from './place.ts';
import { isLeave, isLost, type Known, occupantOf } from './reading.ts';
import { isNoWay, lose, prefer, reachBy, retell } from './ways.ts';

/** §5.3, §5.4: one presence of a user of that peer. @param route  the way that it came */
export function takePresence(turn: RoomTurn, links: Links, peer: Jid, author: Jid, stanza: Stanza, route: Route): void {
  const { room, env } = turn;
  if (stanza.type !== undefined && stanza.type !== 'unavailable') return;
  const occupant = occupantOf(room, links, author, room.occupantIdOf(author) ?? env.newId(), stanza);
  const { nick } = occupant;
  if (nick === '') return turn.note('0289#5', `a presence from ${peer} with fmuc but no nick: ignored`, { peer });
  if (stanza.type === undefined) return takeAvailable(turn, links, peer, occupant, route, stanza);
  const { paths } = links;
  const when = readElsewhere(stanza.payloads);
  if (when !== undefined) {
    // Of somebody who is out there alone it says why.
    const said = readMucUser(stanza.payloads);
    const parts = said && { statuses: said.statuses, payloads: [] };
    return isNoWay(turn, links, peer, author, nick, when, parts);
  }
  const known = spokenForBy(room, links, peer, author, nick);
  if (known === undefined) {
    if (isLeave(stanza) && !takeNotice(turn, links, peer, author, stanza)) restore(turn, bareOf(author));
    return paths.forgetWay(author, peer);
  }
  const order = trailOf(stanza, peer)?.order;
  // They have come again since.
  if (paths.ageOf(author, order) === 'older') return paths.forgetWay(author, peer);
  paths.isLastOf(author, order, isLeave(stanza) && !isLost(stanza), env.now);
  const user = readMucUser(stanza.payloads);
  // It was nobody's wish: a link on that way is lost. Or their own node, which is linked with this one, has yet to say so.
  const direct = links.direct(room, author);
  const isSecondHand = user?.statuses.includes(333) || (direct !== undefined && direct !== peer);
  if (isSecondHand && paths.otherThan(room, known, peer) !== undefined) {
    paths.forgetWay(author, peer);
    return known.home === peer ? lose(turn, links, known, peer, 'decision#146') : undefined;
  }
  if (user && user.nick !== undefined && user.statuses.includes(303)) return rename(turn, links, known, user.nick);
  const parts = {
    statuses: user?.statuses.filter((code) => code !== 110) ?? [],
    payloads: occupant.presence,
    // With a ban comes another affiliation than they had (XEP-0045 §9.1).
    ...(user === undefined ? {} : { item: { affiliation: user.affiliation, ...whyOf(user) } }),
  };
  leave(turn, known, parts, { spec: '0289#5.4' });
}

/** A user comes, or is here and may look different. */
function takeAvailable(turn: RoomTurn, links: Links, peer: Jid, occupant: Known, route: Route, stanza: Stanza): void {
  const { room, env } = turn;
  const { paths } = links;
  const { id, order } = trailOf(stanza, peer) ?? {};
  const age = paths.ageOf(occupant.jid, order);
  const known = sameUser(room, links, guestOf(links, peer, occupant.jid, route), occupant.nick);
  if (known === undefined) {
    // They have left since. Who was lost with a link has not, and this peer may not have heard the last of them.
    if (age === 'older' && paths.hasLeft(occupant.jid)) return;
    if (!enter(turn, links, peer, occupant, route)) return;
    paths.leadsTo(occupant.jid, peer, route, occupant);
    if (age !== 'older') paths.isLastOf(occupant.jid, order, false, env.now);
    return;
  }
  const user = readMucUser(stanza.payloads);
  const by = user && whyOf(user);
  const why = by && Object.keys(by).length > 0 ? by : undefined;
  tellsOf(turn, links, peer, known, { ...route, as: occupant, order }, id !== undefined, why);
}

/**
 * Decision #148: a peer tells of a user who is here. By another way than that by which they are reached it counts if it is news, or
 * newer, or if it is their own node that says so.
 *
 * @param isNews  it is a change, and not how they look anyway; @param by  who made it, and why
 */
export function tellsOf(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  known: Known,
  way: Way & Pick<Trail, 'order'>,
  isNews: boolean,
  by?: Actor,
): void {
  const { room, env } = turn;
  const { paths } = links;
  const { as, order } = way;
  const age = paths.ageOf(as.jid, order);
  const before = paths.from(known.jid, peer);
  paths.leadsTo(as.jid, peer, way, as);
  const passesOn = (isNews || age === 'newer') && paths.from(known.jid, known.home ?? peer).length > 1;
  const isFirstHand = isDirect(peer, as.jid, way) && known.home !== peer && known.nick !== as.nick;
  if (isFirstHand && age !== 'older') return reachBy(turn, links, known, [peer, way]);
  if (age !== 'older' && (known.home === peer || passesOn)) {
    paths.isLastOf(as.jid, order ?? paths.orderOf(as.jid), false, env.now);
    showAs(turn, links, known, as, peer, by);
  }
  const now = room.occupantByJid(as.jid);
  if (now?.home === peer && !isNews && before.join(' ') !== way.passed.join(' ')) retell(turn, links, now);
  prefer(turn, links, as.jid);
}

/**
 * Decision #148: a change that came by another way before comes by this peer. Which way was faster makes no difference in the end.
 *
 * @returns whether it is taken all the same
 */
export function comesAgain(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  author: Jid,
  stanza: Stanza,
  trail: Trail,
): boolean {
  const { room, env } = turn;
  const { paths } = links;
  if (stanza.type !== undefined) {
    // After a change of nick they are there under another.
    if (!isLeave(stanza)) return false;
    const isLast = spokenForBy(room, links, peer, author, resourceOf(stanza.from))?.home === peer;
    if (!isLast) paths.forgetWay(author, peer);
    return isLast;
  }
  const known = ofOthers(room, author, resourceOf(stanza.from));
  const age = paths.ageOf(author, trail.order);
  // A user who was lost with a link comes back by this one; one who left does not.
  const isMissing = known === undefined && room.occupantByJid(author) === undefined;
  if (known === undefined ? isMissing && !paths.hasLeft(author) : known.home === peer && age === 'same') return true;
  const route = routeOf(stanza, peer);
  if (!isInScope(room, links, guestOf(links, peer, author, route))) return false;
  const as = occupantOf(room, links, author, room.occupantIdOf(author) ?? env.newId(), stanza);
  paths.leadsTo(author, peer, route, as);
  return false;
}

function guestOf(links: Links, peer: Jid, user: Jid, { passed }: Route): Guest {
  return { peer, user, origin: passed[0] ?? peer, counts: links.of(peer)?.counts === true };
}

/** Who did it, by nick, and why. What that node thinks of addresses is not what this room does with them. */
function whyOf({ reason, actor }: MucUser): Actor {
  return { ...(actor === undefined ? {} : { actor }), ...(reason === undefined ? {} : { reason }) };
}
