/** XEP-0289 §5.3, §5.4, §8: users of other nodes come, change and go, and two may want one nick (decision #23). */
import { commit, leave } from '../../room/commit.ts';
import { type Actor, type Occupant, sameOccupant } from '../../room/event.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf, localSessions } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { type LinkPlace, readElsewhere } from '../../xep/sync.ts';
import { type MucUser, readMucUser } from '../../xep/xep0045.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { errorReply, presence, type Stanza } from '../../xmpp/stanza.ts';
import { type Links, stateOf } from './links.ts';
import { placed } from './place.ts';
import { type Known, occupantOf } from './reading.ts';
import { elsewhere, listed, nickConflict } from './stanzas.ts';

/** The most users whom other nodes may bring in. Decision #64. */
export const usersMax = 10_000;

/** A user whom this peer brought in, by their real full JID. */
export function theirs(room: RoomView, peer: Jid, author: Jid): Known | undefined {
  const occupant = room.occupantByJid(author);
  return occupant?.home === peer ? { ...occupant, jid: author } : undefined;
}

/**
 * A user for whom this peer may speak: one whom it brought in. Where a user's own node is not linked with this one, it may be
 * any peer by which they are reached, as the first copy of what they do may come by any way (decision #145).
 */
export function spokenForBy(room: RoomView, { paths }: Links, peer: Jid, author: Jid): Known | undefined {
  const occupant = room.occupantByJid(author);
  const { home } = occupant ?? {};
  if (occupant === undefined || home === undefined) return undefined;
  const passesOn = paths.knows(author, peer) && paths.from(author, home).length > 1;
  return home === peer || passesOn ? { ...occupant, jid: author } : undefined;
}

/**
 * Whether they are a user whom another peer has brought in before, and who came from the same node. From another node it is
 * another claim to the same user, which is a collision (decision #23).
 */
export function isByAnotherWay(
  room: RoomView,
  { paths }: Links,
  peer: Jid,
  author: Jid,
  passed: readonly Jid[],
): boolean {
  const home = room.occupantByJid(author)?.home;
  return home !== undefined && home !== peer && paths.from(author, home)[0] === passed[0];
}

/**
 * A link is gone. Users who were reached by it and are reached by another way stay, and nobody hears of it; the others are
 * out (decision #24).
 *
 * @param keep  a user who stays in any case
 */
export function dropUsers(turn: RoomTurn, links: Links, peer: Jid, spec: string, keep?: Jid): void {
  const { room } = turn;
  for (const occupant of [...room.occupants.values()]) {
    const { home, jid, nick } = occupant;
    if (home !== peer || jid === undefined || jid === keep || room.occupants.get(nick) !== occupant) continue;
    lose(turn, links, occupant, peer, spec);
  }
}

/** A user is not reached by this peer any more. */
function lose(turn: RoomTurn, links: Links, occupant: Occupant, peer: Jid, spec: string): void {
  const { room } = turn;
  const { jid } = occupant;
  const other = jid && links.paths.otherThan(room, jid, peer);
  if (jid === undefined || other === undefined)
    return leave(turn, occupant, { statuses: [333], payloads: [] }, { spec });
  turn.record({ kind: 'occupantChanged', occupant: { ...occupant, home: other } });
  const link = links.of(other);
  if (link?.counts) link.send(turn, elsewhere(room, occupant, other, 'now'), 'decision#146');
  // The peer was the way, and was not told: now this room may be one.
  const back = links.live(room, peer);
  const now = room.occupants.get(occupant.nick);
  if (back?.counts && now && !links.paths.from(jid, other).includes(peer))
    back.send(turn, listed(room, links, now, back), 'decision#146');
}

/** §5.3, §5.4: one presence of a user of that peer. */
/** @param passed  the nodes that it has passed, the origin first and the peer last */
export function takePresence(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  author: Jid,
  stanza: Stanza,
  passed: readonly Jid[],
): void {
  const { room, env } = turn;
  if (stanza.type !== undefined && stanza.type !== 'unavailable') return;
  const occupant = occupantOf(room.jid, author, room.occupantIdOf(author) ?? env.newId(), stanza);
  const { nick } = occupant;
  if (nick === '') return turn.note('0289#5', `a presence from ${peer} with fmuc but no nick: ignored`, { peer });
  const { paths } = links;
  const known = spokenForBy(room, links, peer, author);
  const other = room.occupants.get(nick);
  const gone = stanza.type === 'unavailable' ? readElsewhere(stanza.payloads) : undefined;
  if (gone !== undefined) {
    if (known?.home !== peer) return paths.forgetWay(author, peer);
    // Without another way, they stay as long as the peer still is one.
    if (gone === 'soon' && paths.otherThan(room, author, peer) === undefined) return;
    paths.forgetWay(author, peer);
    return lose(turn, links, known, peer, 'decision#146');
  }
  const byAnother = known === undefined && isByAnotherWay(room, links, peer, author, passed);
  if (stanza.type === undefined && (known || byAnother)) paths.leadsTo(author, peer, passed);
  // The same user by another way, which counts as soon as the one that they came by is gone.
  if (byAnother) {
    if (stanza.type === 'unavailable') paths.forgetWay(author, peer);
    return;
  }
  // Decision #141: another session of theirs is the first now.
  if (known === undefined && stanza.type === undefined && other?.home === peer && isOf(other, author))
    return commit(turn, { kind: 'presence', occupant, before: other }, { spec: '0289#5.3' });
  if (stanza.type === 'unavailable') {
    const user = readMucUser(stanza.payloads);
    if (known === undefined) return;
    // It was nobody's wish: a link on that way is lost.
    if (user?.statuses.includes(333) && paths.otherThan(room, author, peer) !== undefined) {
      paths.forgetWay(author, peer);
      return known.home === peer ? lose(turn, links, known, peer, 'decision#146') : undefined;
    }
    if (user && user.nick !== undefined && user.statuses.includes(303)) return rename(turn, links, known, user.nick);
    const parts = {
      statuses: user?.statuses.filter((code) => code !== 110) ?? [],
      payloads: cleanPayloads(room.jid, stanza.payloads),
      ...(user === undefined ? {} : { item: whyOf(user) }),
    };
    // With a ban comes another affiliation than they had (XEP-0045 §9.1).
    const gone = user === undefined ? known : { ...known, affiliation: user.affiliation };
    leave(turn, gone, parts, { spec: '0289#5.4' });
  } else if (known === undefined) {
    if (enter(turn, links, peer, occupant)) paths.leadsTo(author, peer, passed);
  } else if (known.nick !== nick) rename(turn, links, known, nick);
  else change(turn, known, { ...occupant, home: known.home });
}

/** Who did it, by nick, and why. What that node thinks of addresses is not what this room does with them. */
function whyOf({ reason, actor }: MucUser): Actor {
  return { ...(actor === undefined ? {} : { actor }), ...(reason === undefined ? {} : { reason }) };
}

export function change(turn: RoomTurn, known: Occupant, occupant: Occupant): void {
  // It has been said before, for example after a 303, or by a node that announces a join twice.
  if (!sameOccupant(known, occupant)) commit(turn, { kind: 'presence', occupant }, { spec: '0289#5.3' });
}

/**
 * A new user on the other side. Decision #23: of two users with one nick, or two sessions of one address, the one on the
 * joined side stays, so that both sides come to the same result.
 *
 * @param refusal  the place of a join that would be refused, where there is no link
 * @returns false if it is the other side's user who must go
 */
export function enter(turn: RoomTurn, links: Links, peer: Jid, occupant: Known, refusal?: LinkPlace): boolean {
  const { room } = turn;
  const holders = new Set([room.occupants.get(occupant.nick), room.occupantByJid(occupant.jid)]);
  holders.delete(undefined);
  if (holders.size > 0 && !links.isOutbound(room, peer)) {
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
  for (const holder of holders) if (holder) yieldNick(turn, links, holder);
  // The loser may have been our last user, and then the link is gone too.
  if (holders.size > 0 && stateOf(room, peer) !== 'live') return false;
  commit(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, { spec: '0289#5.3' });
  return true;
}

/** Decision #23 for a change of nick: a user who takes a nick of the joined side loses, and is out on both. */
function rename(turn: RoomTurn, links: Links, before: Known, nick: string): void {
  const { room } = turn;
  const peer = before.home as Jid;
  const holder = room.occupants.get(nick);
  if (holder !== undefined && holder.jid !== before.jid) {
    if (!links.isOutbound(room, peer)) {
      leave(turn, before, { payloads: [] });
      return refuseNick(turn, links, peer, nick, before.jid);
    }
    yieldNick(turn, links, holder);
    if (stateOf(room, peer) !== 'live') return;
  }
  commit(turn, { kind: 'renamed', before, after: { ...before, nick } }, { spec: '0289#5.3' });
}

/**
 * Decision #23: the user who loses a nick is told 409 and goes. If another node is their home, that node is told, and does
 * the same.
 */
export function yieldNick(turn: RoomTurn, links: Links, loser: Occupant): void {
  const { room } = turn;
  turn.note('decision#23', `the nick ${loser.nick} belongs to somebody else on the joined node`);
  const here = localSessions(loser);
  for (const { jid } of here) {
    const asked = presence(jid, occupantJid(room.jid, loser.nick), {});
    const conflict = stanzaError('cancel', 'conflict', 'the nick is taken on another node', room.jid);
    turn.send(errorReply(asked, conflict), 'decision#23');
  }
  if (here.length > 0) return leave(turn, loser, { payloads: [] });
  if (loser.home !== undefined && loser.jid !== undefined) refuseNick(turn, links, loser.home, loser.nick, loser.jid);
  leave(turn, loser, { payloads: [] });
}

/** @param refusal  the place of a join that is refused, where there is no link */
function refuseNick(turn: RoomTurn, links: Links, peer: Jid, nick: string, jid: Jid, refusal?: LinkPlace): void {
  const { room } = turn;
  const link = links.of(peer);
  turn.note('decision#23', `${nick} of ${peer} is not let in: the nick or the user is here already`, { peer });
  if (link && refusal === undefined) link.send(turn, nickConflict(room, peer, nick, jid, link.counts), 'decision#23');
  else turn.send(placed(nickConflict(room, peer, nick, jid, refusal !== undefined), refusal), 'decision#23', peer);
}
