/** What another node says of users and their words, as this room takes it. */

import { rankOf } from '../../room/checks.ts';
import type { HistoryItem, Occupant, Subject } from '../../room/event.ts';
import { cleanPayloads, withoutAddresses } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { subjectOf } from '../../room/subject.ts';
import { readClock, readElsewhere } from '../../xep/fmuc-sync.ts';
import { readMucUser } from '../../xep/xep0045.ts';
import { readStamp } from '../../xep/xep0082.ts';
import { readDelay } from '../../xep/xep0203.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { readModeration, writeModeration } from '../../xep/xep0425.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { byOwnClock } from './clocks.ts';
import type { Links } from './links.ts';
import { originOf } from './place.ts';

/** A user whose real full JID is known, like every user who comes by another node. */
export type Known = Occupant & { readonly jid: Jid };

/** A peer's clock may be ahead by this much, in milliseconds. Decision #12. */
const skewMs = 5 * 60_000;

/** A user who is in by this peer, as its presence says. The nick is empty if it gives none. */
export function occupantOf(room: RoomView, { trust }: Links, author: Jid, occupantId: string, stanza: Stanza): Known {
  const user = readMucUser(stanza.payloads);
  const { affiliation = 'none', role = 'none' } = user ?? {};
  return {
    nick: resourceOf(stanza.from),
    jid: author,
    ...rankOf(room, author),
    ...(trust.ranks === 'own' ? {} : { claimed: { affiliation, role: role === 'none' ? 'participant' : role } }),
    // §5.1: it says the address where all may see it.
    ...(user?.jid === undefined ? { guarded: true } : {}),
    home: bareOf(stanza.from),
    occupantId,
    presence: withoutAddresses(cleanPayloads(room.jid, stanza.payloads), author),
  };
}

/** Whether somebody is out, and does not merely have another nick now. */
export function isLeave({ type, payloads }: Stanza): boolean {
  return type === 'unavailable' && !readMucUser(payloads)?.statuses.includes(303);
}

/** Whether it is nobody's wish: a link was lost (status 333), or they are reached by another way (decision #148). */
export function isLost({ payloads }: Stanza): boolean {
  return readMucUser(payloads)?.statuses.includes(333) === true || readElsewhere(payloads) !== undefined;
}

/** A message of this author, as it is kept. */
export function itemOf(
  { room, env }: RoomTurn,
  { nick, jid, occupantId }: Pick<Occupant, 'nick' | 'jid' | 'occupantId'>,
  stanza: Stanza,
  at: Instant,
): HistoryItem {
  // The identity that the accepting room gave travels on. A node may not give one in this room's name. But a message that
  // this room has forgotten keeps its identity, however often it comes back.
  const given = readStanzaId(stanza.payloads);
  const own = { by: bareOf(stanza.from), id: given?.id ?? env.newId() };
  const identity = given && given.by !== room.jid ? given : own;
  const mine = readStanzaId(stanza.payloads, room.jid);
  const { by, id } = mine && room.holds(mine) ? mine : identity;
  return {
    by,
    id,
    nick,
    author: jid,
    occupantId,
    at,
    stanzaId: originOf(stanza),
    via: bareOf(stanza.from),
    lang: stanza.lang,
    payloads: wordsOf(room, jid, stanza),
  };
}

/** Whether it is the word of the other room itself, which takes a message back (XEP-0425). */
export function isModeration({ name, type, from, payloads }: Stanza): boolean {
  return (
    name === 'message' && type === 'groupchat' && resourceOf(from) === '' && readModeration(payloads) !== undefined
  );
}

/** That word, as this room says it. It has the identity that a room gave it, which is not this room. Decision #113. */
export function moderationOf({ room, env }: RoomTurn, stanza: Stanza): HistoryItem | undefined {
  const said = readModeration(stanza.payloads);
  const given = readStanzaId(stanza.payloads);
  if (said === undefined || given === undefined || given.by === room.jid) return undefined;
  const { id, moderator, reason } = said;
  const via = bareOf(stanza.from);
  // Occupant ids do not travel (decision #94).
  const known = moderator && room.occupants.get(moderator.nick);
  const by = moderator && { nick: moderator.nick, occupantId: known?.home === via ? known.occupantId : '' };
  return {
    ...given,
    stanzaId: originOf(stanza) ?? given.id,
    nick: '',
    occupantId: '',
    at: saidAt(env.now, stanza),
    via,
    payloads: [writeModeration(room.jid, { id, moderator: by, reason })],
  };
}

/** Its subject; an empty one of no author is none (decision #22). @param occupantId  of the author, if they are known */
export function readSubject({ room, env }: RoomTurn, occupantId = '', stanza: Stanza): Subject | undefined {
  const { lang, payloads } = stanza;
  const nick = resourceOf(stanza.from);
  const given = readStanzaId(payloads);
  const { by, id } = given && (given.by !== room.jid || room.holds(given)) ? given : { by: room.jid, id: '' };
  const via = bareOf(stanza.from);
  const at = saidAt(env.now, stanza);
  const subject = subjectOf({ by, id, via, nick, occupantId, at, lang, payloads });
  return subject.text === '' && nick === '' ? undefined : subject;
}

/** When it was said, by this node's clock (decision #164). Decision #12: nothing is of the future. */
export function saidAt(now: Instant, stanza: Stanza): Instant {
  const clock = readClock(stanza.payloads);
  const stamp = stampOf(stanza) ?? now;
  const at = clock === undefined ? stamp : byOwnClock(now, clock, stamp);
  return at > now + skewMs ? now : at;
}

/** When a message of the history was said: XEP-0203, or the malformed `<x/>` of the XEP's own example. */
export function stampOf(stanza: Stanza): Instant | undefined {
  const element = stanza.payloads.find((payload) => payload.xmlns === NS.delay);
  const delay = readDelay(element);
  if (delay) return delay.stamp;
  const compact = /^(\d{4})(\d\d)(\d\d)T(.+?)Z?$/.exec(element?.attrs['stamp'] ?? '');
  return compact ? readStamp(`${compact[1]}-${compact[2]}-${compact[3]}T${compact[4]}Z`) : undefined;
}

/** Whether the other room itself says that this was said before. It lets none of its users say so (hygiene.ts). */
export function isDelayedBy(stanza: Stanza, peer: Jid): boolean {
  return stanza.payloads.some((payload) => readDelay(payload)?.from === peer);
}

/** What a user said, without what nodes and servers put beside it. */
export function wordsOf(room: RoomView, author: Jid | undefined, { from, payloads }: Stanza): readonly XmlElement[] {
  const said = cleanPayloads(room.jid, payloads).filter(({ name, xmlns }) => name !== 'stanza-id' || xmlns !== NS.sid);
  return withoutAddresses(said, author ?? from);
}
