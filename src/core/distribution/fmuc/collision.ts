/** Decisions #23 and #149: of two users with one nick, or with one session, which one stays. Every node comes to the same answer. */
import { commit, leave } from '../../room/commit.ts';
import type { Occupant } from '../../room/event.ts';
import { nickIsFree, numbered } from '../../room/nick.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { localSessions } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { LinkPlace } from '../../xep/fmuc-sync.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { errorReply, presence } from '../../xmpp/stanza.ts';
import type { Links } from './links.ts';
import type { Route } from './paths.ts';
import { placed } from './place.ts';
import { nickConflict } from './stanzas.ts';

/** Whether an occupant came from the node where this way begins, also by this peer. */
export function isOfOrigin({ paths }: Links, { home, jid }: Occupant, peer: Jid, { passed }: Route): boolean {
  if (home === undefined || jid === undefined) return false;
  return (home === peer || paths.knows(jid, peer)) && paths.from(jid, home)[0] === passed[0];
}

/**
 * Whether the holder loses to a user who comes by this peer. The joined side's user stays. Where neither side is nearer the root,
 * because a node between them has joined both, it is the one whose node sorts first. A node cannot collide with itself: of its
 * own two users the one of whom it speaks now has the nick.
 */
export function loses(room: RoomView, links: Links, holder: Occupant, peer: Jid, route: Route): boolean {
  if (isOfOrigin(links, holder, peer, route)) return true;
  const { home, jid } = holder;
  const known = home === undefined || jid === undefined ? undefined : links.paths.route(jid, home);
  const joined = links.isOutbound(room, peer);
  const holderJoined = home !== undefined && links.isOutbound(room, home);
  if (!route.across && !known?.across && !(joined && holderJoined)) return joined;
  return (route.passed[0] ?? peer) < (known?.passed[0] ?? room.jid);
}

/** Whoever holds the nick, or the session, of a user of this peer goes, if they lose it. @returns whether they did */
export function yieldsTo(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  route: Route,
  holders: readonly (Occupant | undefined)[],
): boolean {
  const { room } = turn;
  const all = [...new Set(holders)].filter((holder) => holder !== undefined);
  if (!all.every((holder) => loses(room, links, holder, peer, route))) return false;
  for (const holder of all) {
    // Their own node says that the nick is somebody else's by now: that they gave it up is still on its way.
    if (isOfOrigin(links, holder, peer, route)) leave(turn, holder, { payloads: [] }, { spec: '0289#5.4' });
    else yieldNick(turn, links, holder);
  }
  return true;
}

/**
 * Decision #23: the user who loses a nick is told 409 and goes. If another node is their home, that node is told, and does
 * the same.
 */
export function yieldNick(turn: RoomTurn, links: Links, loser: Occupant): void {
  const { room } = turn;
  turn.note('decision#23', `the nick ${loser.nick} belongs to somebody else on the joined node`);
  const here = localSessions(loser);
  const nick = here.length === 0 ? undefined : otherNick(room, loser);
  if (nick !== undefined)
    return commit(
      turn,
      { kind: 'renamed', before: loser, after: { ...loser, nick }, statuses: [210] },
      { spec: 'decision#185' },
    );
  for (const { jid } of here) {
    const asked = presence(jid, occupantJid(room.jid, loser.nick), {});
    const conflict = stanzaError('cancel', 'conflict', 'the nick is taken on another node', room.jid);
    turn.send(errorReply(asked, conflict), 'decision#23');
  }
  if (here.length > 0) return leave(turn, loser, { payloads: [] });
  if (loser.home !== undefined && loser.jid !== undefined) refuseNick(turn, links, loser.home, loser.nick, loser.jid);
  leave(turn, loser, { payloads: [] });
}

/** Decision #185: the nick that a user gets in place of one that is taken on the joined side; undefined: they get none. */
export function otherNick(room: RoomView, { nick, jid }: Occupant): string | undefined {
  if (jid === undefined || room.config.federation.collision !== 'rename' || room.config.nicksLocked) return undefined;
  return numbered(nick, (other) => nickIsFree(room, other, jid));
}

/** @param refusal  the place of a join that is refused, where there is no link */
export function refuseNick(turn: RoomTurn, links: Links, peer: Jid, nick: string, jid: Jid, refusal?: LinkPlace): void {
  const { room } = turn;
  const link = links.of(peer);
  turn.note('decision#23', `${nick} of ${peer} is not let in: the nick or the user is here already`, { peer });
  // Decision #149: the room that this one joins decides by itself, in the same way.
  if (links.isOutbound(room, peer)) return;
  // One without our extension waits for ever after an error: its join is refused as a whole (decision #190).
  if (link === undefined && refusal === undefined) return;
  if (link && refusal === undefined) link.send(turn, nickConflict(room, peer, nick, jid, link.counts), 'decision#23');
  else turn.send(placed(nickConflict(room, peer, nick, jid, true), refusal), 'decision#23', peer);
}
