/** What a replica reads in a stanza of the primary: XEP-0282 §4.3, §4.7, §4.9. */
import { type Actor, type HistoryItem, isLocal, type Occupant, type Session } from '../../room/event.ts';
import { cleanDecided, cleanPayloads } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isServedHere, sessionsOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import { changesSubject, type MucUser } from '../../xep/xep0045.ts';
import type { Dmuc } from '../../xep/xep0282.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { readOccupantId } from '../../xep/xep0421.ts';
import { bareOf, type Jid, parseJid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { XmlElement } from '../../xmpp/xml.ts';

/** A primary's clock may be ahead by this much, in milliseconds. Decision #12. */
const skewMs = 5 * 60_000;

/** Someone as the primary describes them; their home is the primary until they are entered here. */
export function occupantOf(room: RoomView, nick: string, user: MucUser, payloads: readonly XmlElement[]): Occupant {
  const jid = parseJid(user.jid ?? '');
  const { affiliation, role } = user;
  return {
    nick,
    affiliation,
    role,
    home: room.jid,
    occupantId: readOccupantId(payloads),
    presence: cleanPayloads(room.jid, payloads),
    ...(jid === undefined ? {} : { jid }),
  };
}

/** What is known of someone, with what the primary says now: our own users stay ours, and known JIDs stay known. */
export function merged(known: Occupant | undefined, said: Occupant): Occupant {
  if (known === undefined) return said;
  if (isServedHere(known)) {
    const here = sessionsOf(known).filter(({ home }) => home === undefined);
    return { ...withOurs(said, here), ...(known.provisional ? { provisional: known.provisional } : {}) };
  }
  return said.jid === undefined && known.jid !== undefined ? { ...said, jid: known.jid } : said;
}

/**
 * Somebody as the primary describes them, with those of their sessions that this replica serves, the most recent first. One of
 * these is shown, unless the primary names another session of the same user: then it is that one (decision #140).
 */
export function withOurs(said: Occupant, here: readonly Session[]): Occupant {
  const { jid, home, ...rest } = said;
  const [first] = here;
  if (first === undefined) return said;
  const shown = here.find((one) => one.jid === jid);
  if (jid !== undefined && shown === undefined && bareOf(jid) === bareOf(first.jid)) return { ...said, sessions: here };
  const { jid: session, key } = shown ?? first;
  const others = here.filter((one) => one.jid !== session);
  return {
    ...rest,
    jid: session,
    ...(key === undefined ? {} : { key }),
    ...(others.length === 0 ? {} : { sessions: others }),
  };
}

/**
 * Decision #44: the primary may know a user who is in provisionally from before, under another nick. Here that is somebody
 * else, who goes without the JID: the user who is in has it.
 */
export function besideProvisional(room: RoomView, said: Occupant): Occupant {
  const { jid, ...nameless } = said;
  const one = jid === undefined ? undefined : room.occupantByJid(jid);
  return one?.provisional && one.nick !== said.nick ? nameless : said;
}

/**
 * A session that this replica serves is in under the nick that it has here, whatever the primary says of somebody else: they
 * go without the JID. Otherwise a primary that names it twice would make the user's own leave somebody else's.
 */
export function besideOwn(room: RoomView, said: Occupant): Occupant {
  const { jid, ...nameless } = said;
  const one = jid === undefined ? undefined : room.occupantByJid(jid);
  return one && isLocal(one) && one.nick !== said.nick ? nameless : said;
}

/** A message as the primary accepted it. @param self  this replica, whose ids those of a split are */
export function itemOf(
  room: RoomView,
  turn: RoomTurn,
  stanza: Stanza,
  nick: string,
  at: Instant,
  { origin, split }: Dmuc,
  self: Jid,
): HistoryItem {
  const identity = readStanzaId(stanza.payloads, room.jid);
  return {
    by: room.jid,
    id: identity?.id ?? (changesSubject(stanza.payloads) ? '' : turn.env.newId()),
    nick,
    occupantId: readOccupantId(stanza.payloads),
    at,
    stanzaId: origin,
    lang: stanza.lang,
    payloads: cleanDecided(room.jid, stanza.payloads),
    split: split === undefined ? undefined : { by: self, id: split },
  };
}

/** Decision #12: no message is of the future. */
export function clamp(stamp: Instant, now: Instant): Instant {
  return stamp > now + skewMs ? now : stamp;
}

/** What an item says beside rank and address: why, and who did it. */
export function itemParts({ reason, actor, actorJid }: MucUser): Actor {
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(actorJid === undefined ? {} : { actorJid }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** What a leave says to those who see it; 110 is the replica's own to give. */
export function leaveParts(user: MucUser): PresenceParts {
  return {
    statuses: user.statuses.filter((code) => code !== 110),
    item: itemParts(user),
    ...(user.destroy ? { destroy: user.destroy } : {}),
  };
}
