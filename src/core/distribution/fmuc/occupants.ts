/** XEP-0289 §5.3, §5.4, §8: users of other nodes come and change, and two may want one nick (decision #23). */
import { commit, leave } from '../../room/commit.ts';
import { type Actor, type Occupant, sameOccupant } from '../../room/event.ts';
import { nickIsReserved } from '../../room/nick.ts';
import { refusal as refusing } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { LinkPlace } from '../../xep/fmuc-sync.ts';
import { bareOf, type Jid } from '../../xmpp/jid.ts';
import { usersMax } from '../budgets.ts';
import { isOwnUser } from '../scope.ts';
import { type Guest, isInScope, mayBeIn, refuseUser } from './admission.ts';
import { refuseNick, yieldsTo } from './collision.ts';
import { type Links, stateOf } from './links.ts';
import type { Route } from './paths.ts';
import type { Known } from './reading.ts';

/** A user whom this peer brought in, by their real full JID. */
export function theirs(room: RoomView, peer: Jid, author: Jid): Known | undefined {
  const occupant = room.occupantByJid(author);
  return occupant?.home === peer ? { ...occupant, jid: author } : undefined;
}

/**
 * A user for whom this peer may speak: one whom it brought in. Where a user's own node is not linked with this one, it may be
 * any peer by which they are reached, as the first copy of what they do may come by any way (decision #145).
 */
export function spokenForBy(room: RoomView, { paths }: Links, peer: Jid, author: Jid, nick: string): Known | undefined {
  // What it says of a session that it does not name any more is over.
  const occupant = ofOthers(room, author, paths.knows(author, peer) ? nick : undefined);
  if (occupant === undefined) return undefined;
  const { jid, home } = occupant;
  const passesOn = (paths.knows(author, peer) || paths.knows(jid, peer)) && paths.from(jid, home).length > 1;
  return home === peer || passesOn ? occupant : undefined;
}

/**
 * A user in whose name this peer may write to one of us alone (§5.6). Decision #166: that goes the way to its reader, which in a
 * ring need not be the one by which its author is reached here.
 */
export function writesBy(room: RoomView, links: Links, peer: Jid, author: Jid, nick: string): Known | undefined {
  const speaker = spokenForBy(room, links, peer, author, nick);
  if (speaker !== undefined || links.of(peer)?.counts !== true) return speaker;
  const occupant = ofOthers(room, author, nick);
  if (occupant === undefined) return undefined;
  const [origin = peer, ...rest] = links.paths.from(occupant.jid, occupant.home);
  return rest.length > 0 && links.scopes.holds(room, peer, author, origin) ? occupant : undefined;
}

/** A user of another node, whom it may know by another of their sessions by now (decision #141). */
export function ofOthers(
  room: RoomView,
  user: Jid,
  nick: string | undefined,
): (Known & { readonly home: Jid }) | undefined {
  const named = nick === undefined ? undefined : room.occupants.get(nick);
  const occupant = room.occupantByJid(user) ?? (named && isOf(named, user) ? named : undefined);
  const { jid, home } = occupant ?? {};
  return occupant === undefined || jid === undefined || home === undefined ? undefined : { ...occupant, jid, home };
}

/** @param by  who made the change, and why, where their node says so (§5.5) */
function change(turn: RoomTurn, known: Occupant, occupant: Occupant, by?: Actor): void {
  const { guarded } = occupant;
  const parts = by ? { parts: { item: by } } : {};
  // It has been said before, for example after a 303, or by a node that announces a join twice.
  if (!sameOccupant({ ...known, guarded }, occupant))
    return commit(turn, { kind: 'presence', occupant, ...parts }, { spec: by ? '0289#5.5' : '0289#5.3' });
  // Their node shows their address to fewer now, and who has seen it has seen it.
  if (known.guarded !== guarded) turn.record({ kind: 'occupantChanged', occupant: { ...known, guarded } });
}

/**
 * A new user on the other side. Decision #23: of two users with one nick, or two sessions of one address, the one on the
 * joined side stays, so that both sides come to the same result.
 *
 * @param refusal  the place of a join that would be refused, where there is no link
 * @returns false if it is the other side's user who must go
 */
export function enter(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  occupant: Known,
  route: Route,
  refusal?: LinkPlace,
): boolean {
  const { room } = turn;
  const counts = refusal !== undefined || links.of(peer)?.counts === true;
  const guest = { peer, user: occupant.jid, origin: route.passed[0] ?? peer, counts };
  const no = mayBeIn(room, links, guest, occupant.nick, room.occupants.size);
  if (no) {
    refuseUser(turn, links, guest, occupant.nick, no, refusal);
    return false;
  }
  if (isDirect(peer, occupant.jid, route)) dropImpostors(turn, links, peer, occupant);
  const holders = [room.occupants.get(occupant.nick), room.occupantByJid(occupant.jid)];
  const isFree = holders.every((holder) => holder === undefined);
  if (!yieldsTo(turn, links, peer, route, holders)) {
    refuseNick(turn, links, peer, occupant.nick, occupant.jid, refusal);
    return false;
  }
  if (room.occupants.size - room.locals.length >= usersMax) {
    turn.note(
      'decision#64',
      `${occupant.nick} of ${peer} is ignored: the other nodes have brought in as many users as a room takes`,
      { peer },
    );
    return false;
  }
  // The loser may have been our last user, and then the link is gone too.
  if (!isFree && links.isOutbound(room, peer) && stateOf(room, peer) !== 'live') return false;
  commit(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, { spec: '0289#5.3' });
  return true;
}

/** Whether their own node itself speaks of a user of its own server: nobody knows better. Decision #155. */
export function isDirect(peer: Jid, user: Jid, { passed }: Route): boolean {
  return passed.length === 1 && isOwnUser(peer, user);
}

/** Whoever another node has brought in under the name of this user. Nobody is told but those who saw them here. */
function dropImpostors(turn: RoomTurn, { paths }: Links, peer: Jid, { jid }: Known): void {
  for (const occupant of [...turn.room.occupants.values()]) {
    const { home, jid: user } = occupant;
    if (home === undefined || home === peer || user === undefined || bareOf(user) !== bareOf(jid)) continue;
    const passed = paths.from(user, home);
    if (passed.length > 1 && passed[0] !== peer) leave(turn, occupant, { payloads: [] }, { spec: 'decision#155' });
  }
}

/** Decision #23 for a change of nick: a user who takes a nick of the joined side loses, and is out on both. */
export function rename(turn: RoomTurn, links: Links, before: Known, nick: string): void {
  const { room } = turn;
  const peer = before.home as Jid;
  if (nickIsReserved(room, nick, bareOf(before.jid))) {
    if (links.mode === 'primary-primary') leave(turn, before, { payloads: [] });
    const no = refusing('cancel', 'not-acceptable', '0045#7.6', `${nick} is another's nick here`);
    return refuseUser(turn, links, { peer, user: before.jid, origin: peer, counts: true }, nick, no);
  }
  const holder = room.occupants.get(nick);
  // A node that heard of it by another way says so again.
  if (holder?.jid === before.jid) return;
  if (!yieldsTo(turn, links, peer, links.paths.route(before.jid, peer), [holder])) {
    // A replica has not called them otherwise yet (decision #150).
    if (links.mode === 'primary-primary') leave(turn, before, { payloads: [] });
    return refuseNick(turn, links, peer, nick, before.jid);
  }
  if (stateOf(room, peer) !== 'live') return;
  commit(turn, { kind: 'renamed', before, after: { ...before, nick } }, { spec: '0289#5.3' });
}

/**
 * The user of another node who is meant, if they are here already: by this peer, or by another from the same node, if this one may
 * bring them in, too (decisions #155, #174). From another node it is another claim to the same user, which is a collision
 * (decision #23). Their node may have another session of theirs for the first by now (decision #141).
 */
export function sameUser(room: RoomView, links: Links, guest: Guest, nick: string): Known | undefined {
  const { peer, user, origin } = guest;
  const here = ofOthers(room, user, nick);
  if (here === undefined || here.home === peer) return here;
  return links.paths.from(here.jid, here.home)[0] === origin && isInScope(room, links, guest) ? here : undefined;
}

/**
 * A user is shown otherwise than they are here: under another nick, by another session, or with another presence.
 *
 * @param peer  the one that shows them so; @param by  as in `change`
 */
export function showAs(turn: RoomTurn, links: Links, known: Known, as: Known, peer: Jid, by?: Actor): void {
  const { room } = turn;
  const { occupantId } = known;
  // Decision #141: another session of theirs is the first now.
  if (known.jid !== as.jid) {
    const before = room.occupants.get(known.nick);
    if (before?.jid === known.jid && known.nick === as.nick)
      commit(turn, { kind: 'presence', occupant: { ...as, home: peer, occupantId }, before }, { spec: '0289#5.3' });
    return;
  }
  if (known.nick !== as.nick && room.occupants.get(known.nick)?.jid === known.jid) rename(turn, links, known, as.nick);
  const now = room.occupants.get(as.nick);
  if (now?.jid === as.jid && now.home !== undefined) change(turn, now, { ...as, home: now.home, occupantId }, by);
}
