/** XEP-0045's occupant use cases, each a verb: where the room itself decides. Who calls them is receive.ts. */
import type { Change, Distribution } from '../distribution/distribution.ts';
import { type JoinRequest, readJoin, writeMucUser } from '../xep/xep0045.ts';
import { writeOccupantId } from '../xep/xep0421.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, type Jid, occupantJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, errorReply, presence, type Stanza, withParts } from '../xmpp/stanza.ts';
import { el, sameElements } from '../xmpp/xml.ts';
import { initialRole, maySpeak } from './affiliation.ts';
import { type HistoryItem, isLocal, type Occupant } from './event.ts';
import { cleanPayloads } from './hygiene.ts';
import { nickIsFree } from './nick.ts';
import type { RoomView } from './state.ts';
import { tell, tellLeaver, tellOfSight, tellOthersOfLeave, tellOthersOfPresence } from './tell.ts';
import type { Turn } from './turn.ts';
import type { PresenceParts } from './visibility.ts';

export function refuse(
  turn: Turn,
  stanza: Stanza,
  type: ErrorType,
  condition: Condition,
  spec: string,
  text?: string,
): void {
  turn.send(errorReply(stanza, stanzaError(type, condition, text)), spec);
}

/** Entering. XEP-0045 §7.2. */
export function enter(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  stanza: Stanza,
  nick: string,
  join: JoinRequest,
): void {
  const no = refusalOf(room, stanza.from, nick, join);
  if (no !== undefined) return refuse(turn, stanza, no.type, no.condition, no.spec, no.text);
  const home = distribution.homeOf(room, stanza.from);
  const occupant = {
    nick,
    jid: stanza.from,
    ...rankOf(room, stanza.from),
    occupantId: room.occupantIdOf(stanza.from) ?? turn.env.newId(),
    presence: cleanPayloads(room.jid, stanza.payloads),
    ...(home === undefined ? {} : { home }),
  };
  if (distribution.admit(turn, room, occupant, join)) admitNow(turn, room, distribution, occupant, join);
}

/** Why somebody may not enter, if so. */
export interface Refusal {
  readonly type: ErrorType;
  readonly condition: Condition;
  readonly spec: string;
  readonly text?: string;
}

/** Whether somebody may enter, by the rules of this moment. XEP-0045 §7.2.5 to §7.2.10. */
export function refusalOf(room: RoomView, user: Jid, nick: string, join: JoinRequest): Refusal | undefined {
  const { config } = room;
  const affiliation = room.affiliationOf(user);
  if (affiliation === 'outcast') return { type: 'auth', condition: 'forbidden', spec: '0045#7.2.7' };
  if (config.membersOnly && affiliation === 'none')
    return { type: 'auth', condition: 'registration-required', spec: '0045#7.2.6' };
  const privileged = affiliation === 'owner' || affiliation === 'admin';
  if (config.password !== '' && join.password !== config.password && affiliation !== 'owner')
    return { type: 'auth', condition: 'not-authorized', spec: '0045#7.2.5' };
  // §10.1: a new room is its owner's alone until it is configured.
  if (room.locked && affiliation !== 'owner')
    return { type: 'cancel', condition: 'item-not-found', spec: '0045#7.2.10' };
  const reserved = room.reservedNicks.get(bareOf(user));
  if (config.nicksLocked && reserved !== undefined && reserved !== nick)
    return { type: 'cancel', condition: 'not-acceptable', spec: '0045#7.2.8', text: `your nick here is ${reserved}` };
  if (!nickIsFree(room, nick, user)) return { type: 'cancel', condition: 'conflict', spec: '0045#7.2.8' };
  if (config.maxOccupants !== 'none' && room.occupants.size >= config.maxOccupants && !privileged)
    return { type: 'wait', condition: 'service-unavailable', spec: '0045#7.2.9' };
  return undefined;
}

/** With what rank somebody enters. §5.1.2. */
export function rankOf(room: RoomView, user: Jid): Pick<Occupant, 'affiliation' | 'role'> {
  const affiliation = room.affiliationOf(user);
  return { affiliation, role: initialRole(affiliation, room.config) };
}

/** The moment someone is in: recorded, told to this node's users, told to the peers. */
export function admitNow(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  join: JoinRequest,
  statuses: readonly number[] = [],
): void {
  // §10.1: the first to enter a room made for them is told so.
  const created = room.locked && room.n === 0;
  const logged = room.config.logging ? [170] : [];
  turn.record({ kind: 'occupantEntered', room: room.jid, n: room.n + 1, occupant });
  accept(turn, room, distribution, {
    kind: 'entered',
    occupant,
    join,
    statuses: [...(created ? [201] : []), ...logged, ...statuses],
  });
}

/** After the record: first our own users, then the peers. */
function accept(turn: Turn, room: RoomView, distribution: Distribution, change: Change): void {
  tell(turn, room, change);
  distribution.spread(turn, room, change);
}

/**
 * Leaving, for any reason. XEP-0045 §7.14; §8.2 and §9.1 where it was a moderator's wish, §11.1 where nobody's (333).
 *
 * @param later  where the others are to hear of it only after something else (§8.2: the moderator's result), what tells
 *   them is put here instead
 */
export function leave(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  parts: PresenceParts,
  { alone = false, later }: { readonly alone?: boolean; readonly later?: (() => void)[] } = {},
): void {
  const leaving = {
    affiliation: occupant.affiliation,
    ...parts.item,
    ...(parts.statuses === undefined ? {} : { statuses: parts.statuses }),
    ...(parts.payloads === undefined ? {} : { payloads: parts.payloads }),
  };
  turn.record({ kind: 'occupantLeft', room: room.jid, n: room.n + 1, nick: occupant.nick, leaving });
  const change = { kind: 'left', occupant, parts, alone } as const;
  tellLeaver(turn, room, change);
  distribution.spread(turn, room, change);
  const others = () => tellOthersOfLeave(turn, room, change);
  if (later) later.push(others);
  else others();
}

/**
 * Someone who is in is something else now: role, affiliation, presence. Everybody is told.
 *
 * @param later  as in `leave`: where all are to hear of it only after something else (§8.3: the moderator's result)
 */
export function update(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  parts: PresenceParts = {},
  later?: (() => void)[],
): void {
  const before = room.occupants.get(occupant.nick);
  turn.record({ kind: 'occupantChanged', room: room.jid, n: room.n + 1, occupant });
  const change = { kind: 'presence', occupant, parts } as const;
  const tellAll = () => {
    tell(turn, room, change);
    if (before && before.role !== occupant.role) tellOfSight(turn, room, before, occupant);
  };
  if (later) later.push(tellAll);
  else tellAll();
  distribution.spread(turn, room, change);
}

// Conditions that mean "this address is gone", not "this one stanza was refused".
const gone: ReadonlySet<Condition> = new Set<Condition>([
  'gone',
  'internal-server-error',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
]);

/** Whether a bounce says that its sender cannot be reached any more. */
export function saysGone(stanza: Stanza): boolean {
  const error = errorOf(stanza);
  return error !== undefined && gone.has(error.condition);
}

/** Something we sent came back: a ghost is taken out of the room. XEP-0045 §11.1, status 333. */
export function bounced(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant | undefined,
  stanza: Stanza,
): void {
  if (occupant === undefined || stanza.name === 'iq' || !saysGone(stanza)) return;
  // A private message that bounced says nothing about the room's own deliveries, but the same about the session.
  leave(turn, room, distribution, occupant, { statuses: [333], payloads: [] });
}

/** Presence of someone who is not in and does not ask to be: they believe they are. XEP-0045 §7.2.18. */
export function kickStranger(turn: Turn, room: RoomView, stanza: Stanza): void {
  const statuses = [110, 307, 333];
  turn.send(
    presence(
      stanza.to,
      stanza.from,
      { type: 'unavailable', id: stanza.id },
      writeMucUser({ affiliation: room.affiliationOf(stanza.from), role: 'none', statuses }),
    ),
    '0045#7.2.18',
  );
}

/** XEP-0045 §7.6. Role and affiliation stay. */
export function changeNick(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  nick: string,
  stanza: Stanza,
): void {
  if (room.config.nicksLocked)
    return refuse(turn, stanza, 'cancel', 'not-acceptable', '0045#7.6', 'nicks are locked in this room');
  if (!nickIsFree(room, nick, stanza.from)) return refuse(turn, stanza, 'cancel', 'conflict', '0045#7.6');
  const after = { ...occupant, nick, presence: cleanPayloads(room.jid, stanza.payloads) };
  turn.record({
    kind: 'nickChanged',
    room: room.jid,
    n: room.n + 1,
    nick: occupant.nick,
    newNick: nick,
    presence: after.presence,
  });
  accept(turn, room, distribution, { kind: 'renamed', before: occupant, after });
  // A join inside: a client that does not know it is in waits for all that a join brings, as with the same nick.
  const join = readJoin(stanza.payloads);
  if (join) accept(turn, room, distribution, { kind: 'returned', occupant: after, join });
}

/** XEP-0045 §7.7; with a join inside, the user lost track and gets everything again (§7.2.2, "full resync"). */
export function changePresence(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  stanza: Stanza,
  join: JoinRequest | undefined,
): void {
  const after = { ...occupant, presence: cleanPayloads(room.jid, stanza.payloads) };
  const news = !sameElements(after.presence, occupant.presence);
  if (news || !join) {
    turn.record({ kind: 'occupantChanged', room: room.jid, n: room.n + 1, occupant: after });
    const change = { kind: 'presence', occupant: after } as const;
    // Their own comes in its place among the rest of what a join brings (§17.3, §7.1).
    if (join) tellOthersOfPresence(turn, room, change);
    else tell(turn, room, change);
    distribution.spread(turn, room, change);
  }
  if (join) accept(turn, room, distribution, { kind: 'returned', occupant: after, join });
}

/** XEP-0045 §7.4: to everyone, the sender included, with the sender's id. */
export function groupchat(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  stanza: Stanza,
): void {
  if (!maySpeak(occupant.role, room.config))
    return refuse(turn, stanza, 'auth', 'forbidden', '0045#7.4', 'visitors may not speak in this room');
  const item = itemOf(turn, room, occupant, stanza);
  turn.record({ kind: 'messageAccepted', room: room.jid, n: room.n + 1, item });
  accept(turn, room, distribution, { kind: 'message', occupant, item });
}

/** XEP-0045 §8.1: moderators may change the subject, and participants where the room lets them. */
export function changeSubject(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  text: string,
  stanza: Stanza,
): void {
  if (occupant.role !== 'moderator' && !(occupant.role === 'participant' && room.config.changeSubject))
    return refuse(turn, stanza, 'auth', 'forbidden', '0045#8.1');
  const item = itemOf(turn, room, occupant, stanza);
  const subject = { text, nick: occupant.nick, occupantId: occupant.occupantId, at: turn.env.now };
  turn.record({ kind: 'subjectChanged', room: room.jid, n: room.n + 1, subject });
  accept(turn, room, distribution, { kind: 'subject', occupant, subject, item });
}

/** A message as the room accepts it now. */
export function itemOf(turn: Turn, room: RoomView, occupant: Occupant, stanza: Stanza): HistoryItem {
  return {
    by: room.jid,
    id: turn.env.newId(),
    nick: occupant.nick,
    occupantId: occupant.occupantId,
    author: occupant.jid,
    at: turn.env.now,
    stanzaId: stanza.id,
    lang: stanza.lang,
    payloads: cleanPayloads(room.jid, stanza.payloads),
  };
}

/** XEP-0045 §7.5: from the sender's occupant JID, marked with an empty muc#user element; never in the history. */
export function privateMessage(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  nick: string,
  stanza: Stanza,
): void {
  if (stanza.type === 'groupchat')
    return refuse(turn, stanza, 'modify', 'bad-request', '0045#7.5', 'a private message is not of type groupchat');
  if (!mayWhisper(occupant, room))
    return refuse(turn, stanza, 'auth', 'forbidden', '0045#7.5', 'private messages are not for you here');
  const target = room.occupants.get(nick);
  if (target === undefined)
    return refuse(turn, stanza, 'cancel', 'item-not-found', '0045#7.5', `nobody here is called ${nick}`);
  const clean = withParts(stanza, { payloads: cleanPayloads(room.jid, stanza.payloads) });
  if (isLocal(target)) deliverPrivate(turn, room, occupant, target.jid, clean);
  else distribution.route(turn, room, occupant, target, clean);
}

/** `muc#roomconfig_allowpm` (§10.2). */
export function mayWhisper({ role }: Occupant, room: RoomView): boolean {
  const { allowPm } = room.config;
  return (
    allowPm === 'anyone' ||
    (allowPm !== 'none' && role === 'moderator') ||
    (allowPm === 'participants' && role === 'participant')
  );
}

/** The last hop of a private message. XEP-0045 §7.5; the occupant id is in everything that comes from one, XEP-0421 §4. */
export function deliverPrivate(
  turn: Turn,
  room: RoomView,
  from: Occupant,
  to: Jid,
  stanza: Stanza,
  spec = '0045#7.5',
): void {
  const payloads = [...stanza.payloads, ...writeOccupantId(from.occupantId), el('x', NS.mucUser)];
  turn.send(withParts(stanza, { from: occupantJid(room.jid, from.nick), to, payloads }), spec);
}
