/**
 * What users may do in a room, each verb a check that changes nothing: XEP-0045's occupant use cases (§7), and the change
 * of the subject (§8.1). The same rules hold wherever this node decides. receive.ts asks them.
 */
import type { Env } from '../turn/env.ts';
import { type JoinRequest, joinOf } from '../xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import { dayMs, type Instant } from '../xmpp/time.ts';
import { sameElements } from '../xmpp/xml.ts';
import { initialRole, maySpeak } from './affiliation.ts';
import { tooManyPresences } from './bounds.ts';
import type { ChangeOf } from './change.ts';
import type { HistoryItem, Occupant } from './event.ts';
import { cleanPayloads } from './hygiene.ts';
import { nickIsFree } from './nick.ts';
import { type Refusal, refusal } from './refusal.ts';
import { joined, nextKey, sessionsMax, sessionsOf, withSession } from './sessions.ts';
import type { RoomView } from './state.ts';
import { subjectOf } from './subject.ts';

/**
 * Entering. XEP-0045 §7.2.
 *
 * @param home  the peer that will serve them, if not this node
 */
export function checkEnter(
  room: RoomView,
  stanza: Stanza,
  nick: string,
  join: JoinRequest,
  home: Jid | undefined,
  env: Env,
): ChangeOf<'entered'> | ChangeOf<'presence'> | Refusal {
  const { from } = stanza;
  const no = mayEnter(room, from, nick, join);
  if (no) return no;
  const occupant = {
    nick,
    jid: from,
    ...rankOf(room, from),
    occupantId: room.occupantIdOf(from) ?? env.newId(),
    presence: cleanPayloads(room.jid, stanza.payloads),
    ...(home === undefined ? {} : { home }),
  };
  const full = tooManyPresences(room, nick, occupant.presence);
  if (full) return full;
  return entry(room, occupant, join);
}

/**
 * A user who may enter enters, and is told this of the room beside 110 (§7.2.12, §10.1). Where another session of theirs is
 * in under the nick (§7.2.8), the others hear only what this one changes.
 */
export function entry(
  room: RoomView,
  occupant: Occupant & { readonly jid: Jid },
  join: JoinRequest,
): ChangeOf<'entered'> | ChangeOf<'presence'> {
  const before = room.occupants.get(occupant.nick);
  if (before !== undefined) {
    const { cutOff, ...rest } = before;
    const { jid, presence, home } = occupant;
    const session = { jid, presence, home, key: nextKey(before) };
    return { kind: 'presence', occupant: withSession(home === undefined ? rest : before, session), join, before };
  }
  // §10.1: the first to enter a room made for them is told so.
  const created = (room.locked || room.config.onDemand) && room.n === 0 ? [201] : [];
  return { kind: 'entered', occupant, join, statuses: room.config.logging ? [...created, 170] : created };
}

/** Why somebody may not enter, by the rules of this moment; undefined: they may. XEP-0045 §7.2.5 to §7.2.10. */
export function mayEnter(room: RoomView, user: Jid, nick: string, join: JoinRequest): Refusal | undefined {
  const { config } = room;
  const no = barred(room, user, join);
  if (no) return no;
  const reserved = room.reservedNicks.get(bareOf(user));
  if (config.nicksLocked && reserved !== undefined && reserved !== nick)
    return refusal('cancel', 'not-acceptable', '0045#7.2.8', `your nick here is ${reserved}`);
  if (!nickIsFree(room, nick, user)) return refusal('cancel', 'conflict', '0045#7.2.8');
  const own = room.occupants.get(nick);
  if (own !== undefined)
    return sessionsOf(own).length < sessionsMax
      ? undefined
      : refusal('wait', 'resource-constraint', 'decision#140', `you are here ${sessionsMax} times under this nick`);
  return full(room, user, room.occupants.size);
}

/** Why somebody may not be in at all, under whatever nick. §7.2.5, §7.2.6, §7.2.7, §7.2.10. */
export function barred(room: RoomView, user: Jid, { password }: JoinRequest): Refusal | undefined {
  const { config } = room;
  const affiliation = room.affiliationOf(user);
  if (affiliation === 'outcast') return refusal('auth', 'forbidden', '0045#7.2.7', banText(room, user));
  if (config.membersOnly && affiliation === 'none') return refusal('auth', 'registration-required', '0045#7.2.6');
  if (config.password !== '' && password !== config.password && affiliation !== 'owner')
    return refusal('auth', 'not-authorized', '0045#7.2.5');
  // §10.1: a new room is its owner's alone until it is configured.
  return room.locked && affiliation !== 'owner' ? refusal('cancel', 'item-not-found', '0045#7.2.10') : undefined;
}

/** §7.2.9: whether there is no room for them beside so many. */
export function full(room: RoomView, user: Jid, inside: number): Refusal | undefined {
  const { maxOccupants } = room.config;
  const affiliation = room.affiliationOf(user);
  if (maxOccupants === 'none' || inside < maxOccupants || affiliation === 'owner' || affiliation === 'admin')
    return undefined;
  return refusal('wait', 'service-unavailable', '0045#7.2.9');
}

/** For people: that they are banned, and why, as far as it was said (§9.1). */
function banText(room: RoomView, user: Jid): string {
  const reason = (room.bans.get(bareOf(user)) ?? room.bans.get(domainOf(user)))?.reason;
  return reason === undefined ? 'you are banned from this room' : `you are banned from this room: ${reason}`;
}

/** The affiliation and role with which somebody enters. §5.1.2. */
export function rankOf(room: RoomView, user: Jid): Pick<Occupant, 'affiliation' | 'role'> {
  const affiliation = room.affiliationOf(user);
  return { affiliation, role: initialRole(affiliation, room.config) };
}

/** Why somebody who is in may not be called otherwise; undefined: they may. XEP-0045 §7.6. */
export function mayRename(room: RoomView, user: Jid, nick: string): Refusal | undefined {
  if (room.config.nicksLocked) return refusal('cancel', 'not-acceptable', '0045#7.6', 'nicks are locked in this room');
  return nickIsFree(room, nick, user) ? undefined : refusal('cancel', 'conflict', '0045#7.6');
}

/** XEP-0045 §7.6. Role and affiliation stay. */
export function checkNick(
  room: RoomView,
  occupant: Occupant,
  nick: string,
  stanza: Stanza,
): ChangeOf<'renamed'> | Refusal {
  return mayRename(room, stanza.from, nick) ?? renamed(room, occupant, nick, stanza);
}

/** The same, once it is allowed. */
export function renamed(room: RoomView, occupant: Occupant, nick: string, stanza: Stanza): ChangeOf<'renamed'> {
  const own = { ...occupant, nick, presence: cleanPayloads(room.jid, stanza.payloads) };
  const holder = room.occupants.get(nick);
  const after = holder === undefined ? own : joined(own, holder);
  // With a join inside, the client does not know that it is in. It waits for all that a join brings, as with the same nick.
  return { kind: 'renamed', before: occupant, after, join: joinOf(stanza) };
}

/** XEP-0045 §7.7; with a join inside, the user lost track and gets everything again (§7.2.2, "full resync"). */
export function checkPresence(
  room: RoomView,
  occupant: Occupant,
  stanza: Stanza,
): ChangeOf<'presence'> | ChangeOf<'returned'> {
  const join = joinOf(stanza);
  const after = { ...occupant, presence: cleanPayloads(room.jid, stanza.payloads) };
  if (join && sameElements(after.presence, occupant.presence)) return { kind: 'returned', occupant: after, join };
  return { kind: 'presence', occupant: after, join };
}

/** Why somebody may not speak to all; undefined: they may. XEP-0045 §7.4. */
export function mayTalk({ config }: RoomView, { role }: Pick<Occupant, 'role'>): Refusal | undefined {
  if (maySpeak(role, config)) return undefined;
  return refusal('auth', 'forbidden', '0045#7.4', 'visitors may not speak in this room');
}

/** Why somebody may not change the subject; undefined: they may. XEP-0045 §8.1. */
export function mayNameSubject({ config }: RoomView, { role }: Pick<Occupant, 'role'>): Refusal | undefined {
  if (role === 'moderator' || (role === 'participant' && config.changeSubject)) return undefined;
  return refusal('auth', 'forbidden', '0045#8.1');
}

/** Why somebody may not send private messages; undefined: they may. XEP-0045 §7.5. */
export function mayWhisper({ config }: RoomView, { role }: Pick<Occupant, 'role'>): Refusal | undefined {
  const { allowPm } = config;
  const allowed =
    allowPm === 'anyone' ||
    (allowPm !== 'none' && role === 'moderator') ||
    (allowPm === 'participants' && role === 'participant');
  return allowed
    ? undefined
    : refusal('auth', 'forbidden', '0045#7.5', 'you may not send private messages in this room');
}

/** XEP-0045 §7.4: to everyone, the sender included, with the sender's id. */
export function checkGroupchat(
  room: RoomView,
  occupant: Occupant,
  stanza: Stanza,
  env: Env,
): ChangeOf<'message'> | Refusal {
  const no = mayTalk(room, occupant);
  if (no) return no;
  return { kind: 'message', occupant, item: itemOf(room, occupant, stanza, env) };
}

/** XEP-0045 §8.1: moderators may change the subject, and participants where the room lets them. */
export function checkSubject(
  room: RoomView,
  occupant: Occupant,
  stanza: Stanza,
  env: Env,
): ChangeOf<'subject'> | Refusal {
  const no = mayNameSubject(room, occupant);
  if (no) return no;
  const item = itemOf(room, occupant, stanza, env);
  return { kind: 'subject', occupant, subject: subjectOf(item), item };
}

/** A clock that is ahead by more than this was wrong, in milliseconds. Decisions #203 and #224. */
export const aheadMs = dayMs;

/** What a room accepts is not of a time before what it has accepted, also where the clock was set back since. Decision #224. */
export function stampOf({ atHand }: Pick<RoomView, 'atHand'>, now: Instant): Instant {
  const last = atHand.at(-1)?.at;
  return last !== undefined && last > now && last <= now + aheadMs ? last : now;
}

/** A message as the room accepts it now. */
function itemOf(room: RoomView, occupant: Occupant, stanza: Stanza, env: Env): HistoryItem {
  return {
    by: room.jid,
    id: env.newId(),
    nick: occupant.nick,
    occupantId: occupant.occupantId,
    author: occupant.jid,
    at: stampOf(room, env.now),
    stanzaId: stanza.id,
    lang: stanza.lang,
    payloads: cleanPayloads(room.jid, stanza.payloads),
  };
}

/** XEP-0045 §7.5. @returns the occupant for whom the private message is */
export function checkPrivateMessage(
  room: RoomView,
  occupant: Occupant,
  nick: string,
  stanza: Stanza,
): Occupant | Refusal {
  if (stanza.type === 'groupchat')
    return refusal('modify', 'bad-request', '0045#7.5', 'a private message is not of type groupchat');
  const no = mayWhisper(room, occupant);
  if (no) return no;
  return room.occupants.get(nick) ?? refusal('cancel', 'item-not-found', '0045#7.5', `nobody here is called ${nick}`);
}
