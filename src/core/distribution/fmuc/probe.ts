/**
 * What a node without our extension says of who is in its room (XEP-0030, XEP-0045 §6.5). An answer to a ping proves that the room
 * is there, and not the link: that, a node proves which lists the users of this room, too. Decision #193.
 */
import type { RoomTurn } from '../../room/room-turn.ts';
import { bareOf, type Jid, parseJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { iq, payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import { childrenOf, el } from '../../xmpp/xml.ts';
import type { Link } from '../link.ts';

/** Asks who is there: instead of a ping. */
export function whoIsThere(self: Jid, peer: Jid, id: string): Stanza {
  return iq(self, peer, { type: 'get', id }, el('query', NS.discoItems));
}

/** Asks what it is. */
export function whatIsIt(self: Jid, peer: Jid, id: string): Stanza {
  return iq(self, peer, { type: 'get', id }, el('query', NS.discoInfo));
}

/** Whether it knows our extension; undefined if it does not say what it is. */
export function knowsUs(stanza: Stanza): boolean | undefined {
  const query = payloadOf(stanza, 'query', NS.discoInfo);
  if (stanza.type !== 'result' || query === undefined) return undefined;
  return childrenOf(query, 'feature', NS.discoInfo).some(({ attrs }) => attrs['var'] === NS.ext);
}

/** How soon after it is linked it is asked for the first time, and how long an announcement is looked into, in milliseconds. */
const soonMs = 5_000;
const announcedMs = 2_000;

export function askSoon(turn: RoomTurn, peer: Jid): void {
  turn.setTimer(`who:${peer}`, soonMs);
}

export function askWho(turn: RoomTurn, { peer, session }: Link): void {
  turn.send(whoIsThere(turn.room.jid, peer, `${session}-who`), 'decision#193', peer);
  turn.clearTimer(`who:${peer}`);
}

/** Whether an announcement is one, or a join. */
export function askAbout(turn: RoomTurn, { peer, session }: Link): void {
  turn.send(whoIsThere(turn.room.jid, peer, `${session}-who`), 'decision#88', peer);
  turn.setTimer(`announced:${peer}`, announcedMs);
}

/** @returns the nicks; undefined if it is no answer to that question */
export function readWho(stanza: Stanza, peer: Jid): ReadonlySet<string> | undefined {
  const query = payloadOf(stanza, 'query', NS.discoItems);
  if (stanza.type !== 'result' || query === undefined) return undefined;
  const listed = childrenOf(query, 'item', NS.discoItems).flatMap(({ attrs }) => parseJid(attrs['jid'] ?? '') ?? []);
  return new Set(listed.flatMap((item) => (bareOf(item) === peer ? resourceOf(item) || [] : [])));
}
