/**
 * This room's own rules, for users of other nodes: decisions #155 to #157. What is refused is not shown here, and the node by
 * which it came is told. It costs that user and never the link.
 */

import type { Change } from '../../room/change.ts';
import { barred, full, mayNameSubject, mayTalk, mayWhisper, rankOf } from '../../room/checks.ts';
import type { HistoryItem, Subject } from '../../room/event.ts';
import { nickIsReserved } from '../../room/nick.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf, localSessions, sessionsOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { sameSubject } from '../../room/subject.ts';
import { tellUser } from '../../room/tell.ts';
import { isRefused, writeRefused } from '../../xep/fmuc-sync.ts';
import { changesSubject } from '../../xep/xep0045.ts';
import { readFmuc } from '../../xep/xep0289.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, presence, type Stanza } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import { el } from '../../xmpp/xml.ts';
import { isOwnUser } from '../scope.ts';
import type { Links } from './links.ts';
import { placed } from './place.ts';
import type { Known } from './reading.ts';

/** A user as another node brings them in. */
export interface Guest {
  readonly peer: Jid;
  readonly user: Jid;
  /** The node where they are, as the peer says. */
  readonly origin: Jid;
  /** Whether the peer knows our extension: others do not say where anything began. */
  readonly counts: boolean;
}

/** Why a user of another node may not be in here under this nick; undefined: they may. */
export function mayBeIn(room: RoomView, links: Links, guest: Guest, nick: string, inside: number): Refusal | undefined {
  const { user } = guest;
  if (!isInScope(room, links, guest))
    return refusal('cancel', 'not-allowed', 'decision#155', `users of ${domainOf(user)} do not come by this node`);
  const why = room.takenOut.why(bareOf(user));
  if (why !== undefined) return refusal('auth', 'forbidden', 'decision#161', why);
  if (nickIsReserved(room, nick, bareOf(user)))
    return refusal('cancel', 'not-acceptable', '0045#7.2.8', `${nick} is another's nick here`);
  return barredBy(room, links, guest) ?? full(room, user, inside);
}

/** Decision #155. */
export function isInScope(room: RoomView, { scopes }: Links, { peer, user, origin, counts }: Guest): boolean {
  return scopes.holds(room, peer, user, counts ? origin : peer);
}

/** Decision #156: nobody can give this room's password from afar, so it is their node's to vouch for it, where it may. */
function barredBy(room: RoomView, { trust }: Links, { peer, user }: Pick<Guest, 'peer' | 'user'>): Refusal | undefined {
  const { password } = room.config;
  return barred(room, user, trust.vouching?.includes(peer) ? { password } : {});
}

/** Whoever has refused a user may think otherwise of what they do now. */
export function askAgain(links: Links, change: Change): void {
  const occupant =
    change.kind === 'presence' || change.kind === 'left'
      ? change.occupant
      : change.kind === 'renamed'
        ? change.before
        : undefined;
  if (occupant !== undefined) for (const { jid } of sessionsOf(occupant)) links.forgetRefusals(jid);
}

/** A user who waited is in, and learns which nodes do not let them in. Who comes by another node is that node's to tell. */
export function tellWaiting(turn: RoomTurn, links: Links, change: Change): void {
  const { jid, home } = change.kind === 'entered' ? change.occupant : {};
  if (jid === undefined) return;
  const words = links.takeWords(jid);
  if (home === undefined) for (const text of words) tellUser(turn, jid, text, 'decision#156');
}

/** This room's lists or rules are others now, so users of other nodes have another rank here. What is shown of it stays. */
export function refreshRanks(turn: RoomTurn, change: Change): void {
  const { room } = turn;
  const { kind } = change;
  if (kind !== 'affiliated' && kind !== 'configured' && kind !== 'presence') return;
  const concerned = kind === 'presence' ? [change.occupant] : [...room.occupants.values()];
  for (const { nick } of concerned) {
    const occupant = room.occupants.get(nick);
    if (occupant === undefined) continue;
    if (occupant.home === undefined || occupant.jid === undefined) continue;
    const { affiliation, role } = rankOf(room, occupant.jid);
    if (affiliation !== occupant.affiliation || role !== occupant.role)
      turn.record({ kind: 'occupantChanged', occupant: { ...occupant, affiliation, role } });
  }
}

/** Why this user of another node may not say it here, to all or to one; undefined: they may. */
export function maySay(room: RoomView, { jid }: Known, stanza: Stanza): Refusal | undefined {
  const rank = rankOf(room, jid);
  if (stanza.type !== 'groupchat') return mayWhisper(room, rank);
  return changesSubject(stanza.payloads) ? mayNameSubject(room, rank) : mayTalk(room, rank);
}

/**
 * F8, decision #157: whether a peer may tell of something that was said a while ago. Whom this room would not let speak is not
 * heard in this way either. Of what its own users said since its log begins this room knows more than any other; of before
 * that, what it accepted itself may come back, from a peer that has told nothing since. A primary decides what a replica's users
 * have said, and its echo may be lost: decision #173.
 */
export function mayTellOf(room: RoomView, links: Links, peer: Jid, item: HistoryItem, stanza: Stanza): boolean {
  const { author, by, at } = item;
  if (author === undefined) return true;
  const isLost = mayHaveLost(room, peer, at) || links.isPrimary(room, peer);
  if (isLost && readStanzaId(stanza.payloads, room.jid) !== undefined && isOwnUser(room.jid, author)) return true;
  const guest = { peer, user: author, origin: by, counts: links.of(peer)?.counts === true };
  if (!isInScope(room, links, guest) || isNoWayTo(room, links, guest)) return false;
  return barredBy(room, links, guest) === undefined && mayTalk(room, rankOf(room, author)) === undefined;
}

/** Decision #174: whether the author's own node is linked with this one and tells of it itself, or is reached by others alone. */
function isNoWayTo(room: RoomView, links: Links, { peer, user, origin }: Guest): boolean {
  if (isOwnUser(peer, user) || links.scopes.isGiven(peer, user)) return false;
  if (links.isOwnNodeLinked(room, user)) return true;
  return links.paths.isWayTo(origin, peer) === false;
}

/** Whether this room may have accepted something at that time, and lost it with its log: such comes back before anything new. */
function mayHaveLost(room: RoomView, peer: Jid, at: Instant): boolean {
  return at < room.epoch && !room.atHand.some((item) => item.via === peer && item.at > room.epoch);
}

/**
 * Whether a node that joined this room may change its subject by what it says of before (decision #181): as its author might
 * now. The room that this one joins may in any case (§5.1), and a subject of nobody is taken where there is none.
 */
export function mayHaveNamed(room: RoomView, links: Links, peer: Jid, author: Jid | undefined, by: Jid): boolean {
  if (links.isOutbound(room, peer)) return true;
  if (author === undefined)
    return room.subject === undefined || mayNameSubject(room, { role: 'participant' }) === undefined;
  const guest = { peer, user: author, origin: by, counts: links.of(peer)?.counts === true };
  return isInScope(room, links, guest) && mayNameSubject(room, rankOf(room, author)) === undefined;
}

/** F8: the subject without its author, if this peer may not say what that user did. */
export function ownedSubject(
  room: RoomView,
  links: Links,
  peer: Jid,
  author: Jid | undefined,
  subject: Subject,
): Subject {
  const { by = peer, at } = subject;
  if (author === undefined || (by === room.jid && mayHaveLost(room, peer, at))) return subject;
  // Decision #173.
  if (links.isPrimary(room, peer) && isOwnUser(room.jid, author)) return subject;
  const guest = { peer, user: author, origin: by, counts: links.of(peer)?.counts === true };
  const known = room.subject;
  if (isInScope(room, links, guest) || (known?.nick === subject.nick && sameSubject(known, subject))) return subject;
  const { occupantId: _, ...rest } = subject;
  return { ...rest, nick: '' };
}

/**
 * Tells the node by which a user came that they are not in here. A node without our extension would take it for something
 * else, so it hears nothing.
 *
 * @param place  of a join that is refused, where there is no link
 */
export function refuseUser(
  turn: RoomTurn,
  links: Links,
  guest: Guest,
  nick: string,
  why: Refusal,
  place?: Place,
): void {
  const { room } = turn;
  const { peer, user } = guest;
  turn.note(why.spec, `${user} of ${peer} is not let in: ${why.condition}`, { peer });
  hideThere(turn, links, guest, nick);
  const link = links.of(peer);
  const theirs = presence(occupantJid(peer, nick), occupantJid(room.jid, nick), {});
  const fmuc = el('fmuc', NS.fmuc, { from: user }, writeRefused());
  const error = errorReply(theirs, stanzaError(why.type, why.condition, why.text), fmuc);
  if (error === undefined) return;
  if (place !== undefined) turn.send(placed(error, place), why.spec, peer);
  else if (link?.counts) link.send(turn, error, why.spec);
}

type Place = Parameters<typeof placed>[1];

/** Decision #169: where a user who is not let in here has the nick, whoever has it here is not shown. They stay, and are told. */
function hideThere(turn: RoomTurn, links: Links, { peer, user }: Guest, nick: string): void {
  const { room } = turn;
  const holder = room.occupants.get(nick);
  if (holder === undefined || holder.home === peer || isOf(holder, user)) return;
  const isKnown = sessionsOf(holder).every(({ jid }) => links.isRefused(peer, jid));
  for (const { jid } of sessionsOf(holder)) links.refused(peer, jid);
  if (isKnown) return;
  turn.note('decision#169', `${peer} shows somebody else as ${nick}`, { peer });
  for (const { jid } of localSessions(holder))
    tellUser(
      turn,
      jid,
      `At ${peer} you are not shown: somebody who is not let in here has your nick there.`,
      'decision#169',
    );
}

/** The same for something that they said. */
export function refuseWords(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  author: Known,
  stanza: Stanza,
  why: Refusal,
): void {
  turn.note(why.spec, `what ${author.jid} of ${peer} says is not shown: ${why.condition}`, { peer });
  const link = links.of(peer);
  if (!link?.counts) return;
  const fmuc = el('fmuc', NS.fmuc, { from: author.jid }, writeRefused());
  const error = errorReply(stanza, stanzaError(why.type, why.condition, why.text), fmuc);
  if (error) turn.send({ ...error, id: stanza.id }, why.spec, peer);
}

/**
 * Another node says that a user of ours is not in there, or that something they said is not shown. They stay here, and are told.
 *
 * @returns whether it says so
 */
export function refusedThere(turn: RoomTurn, links: Links, peer: Jid, stanza: Stanza): boolean {
  const { room } = turn;
  const fmuc = readFmuc(stanza.payloads);
  if (fmuc?.kind !== 'from' || !isRefused(stanza.payloads)) return false;
  const user = fmuc.from;
  const error = errorOf(stanza);
  const occupant = room.occupantByJid(user);
  turn.note('decision#156', `${peer} does not show ${user}: ${error?.condition}`, { peer });
  if (stanza.name === 'presence') links.refused(peer, user);
  if (occupant?.home !== undefined || error === undefined) return true;
  const why = error.text ?? error.condition;
  const what = stanza.name === 'message' ? 'what you said is not shown' : 'you are not shown';
  const text = `At ${peer} ${what}: ${why}`;
  // Who is not in yet waits for this answer.
  if (occupant === undefined) links.tellLater(user, text);
  else tellUser(turn, user, text, 'decision#156');
  return true;
}
