import type { Change, Distribution } from '../distribution/distribution.ts';
import { type JoinRequest, readJoin, writeMucUser } from '../xep/xep0045.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { type Jid, occupantJid, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, errorReply, payloadOf, presence, type Stanza, subjectOf } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';
import { initialRole, maySpeak } from './affiliation.ts';
import type { HistoryItem, Occupant } from './event.ts';
import { cleanPayloads } from './hygiene.ts';
import type { RoomView } from './state.ts';
import { isLocal, tell } from './tell.ts';
import type { Turn } from './turn.ts';
import type { PresenceParts } from './visibility.ts';

/**
 * What a user sent to the room (or through it), in the seat where the room itself decides: XEP-0045's occupant use
 * cases. IQs to the room are room/discovery.ts's.
 */
export function fromUser(turn: Turn, room: RoomView, distribution: Distribution, stanza: Stanza): void {
  const occupant = room.occupantByJid(stanza.from);
  if (stanza.type === 'error') return bounced(turn, room, distribution, occupant, stanza);
  const nick = resourceOf(stanza.to);
  if (stanza.name === 'presence') {
    if (stanza.type === 'unavailable')
      return (
        occupant && leave(turn, room, distribution, occupant, { payloads: cleanPayloads(room.jid, stanza.payloads) })
      );
    if (stanza.type !== undefined) return;
    if (nick === '')
      return refuse(turn, stanza, 'modify', 'jid-malformed', '0045#7.2.1', 'a nick is needed: room@service/nick');
    const join = readJoin(stanza.payloads);
    if (occupant === undefined)
      return join ? enter(turn, room, distribution, stanza, nick, join) : kickStranger(turn, room, stanza);
    if (occupant.nick !== nick) return changeNick(turn, room, distribution, occupant, nick, stanza);
    return changePresence(turn, room, distribution, occupant, stanza, join);
  }
  if (stanza.name !== 'message') return;
  if (occupant === undefined)
    return refuse(turn, stanza, 'modify', 'not-acceptable', '0045#7.4', 'only occupants may send messages to the room');
  if (nick !== '') return privateMessage(turn, room, distribution, occupant, nick, stanza);
  if (stanza.type !== 'groupchat')
    return refuse(turn, stanza, 'modify', 'bad-request', '0045#7.4', 'messages to the room are of type groupchat');
  const subject = subjectOf(stanza);
  // A subject with a body or a thread is an ordinary message (§8.1).
  if (
    subject !== undefined &&
    payloadOf(stanza, 'body', NS.client) === undefined &&
    payloadOf(stanza, 'thread', NS.client) === undefined
  ) {
    return changeSubject(turn, room, distribution, occupant, subject, stanza);
  }
  groupchat(turn, room, distribution, occupant, stanza);
}

function refuse(turn: Turn, stanza: Stanza, type: ErrorType, condition: Condition, spec: string, text?: string): void {
  turn.send(errorReply(stanza, stanzaError(type, condition, text)), spec);
}

/** Entering. XEP-0045 §7.2; the refusals are §7.2.5 to §7.2.10. */
function enter(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  stanza: Stanza,
  nick: string,
  join: JoinRequest,
): void {
  const { config } = room;
  const affiliation = room.affiliationOf(stanza.from);
  if (affiliation === 'outcast') return refuse(turn, stanza, 'auth', 'forbidden', '0045#7.2.7');
  if (config.membersOnly && affiliation === 'none')
    return refuse(turn, stanza, 'auth', 'registration-required', '0045#7.2.6');
  const privileged = affiliation === 'owner' || affiliation === 'admin';
  if (config.password !== undefined && join.password !== config.password && affiliation !== 'owner')
    return refuse(turn, stanza, 'auth', 'not-authorized', '0045#7.2.5');
  if (room.occupants.has(nick)) return refuse(turn, stanza, 'cancel', 'conflict', '0045#7.2.8');
  if (config.maxOccupants !== undefined && room.occupants.size >= config.maxOccupants && !privileged)
    return refuse(turn, stanza, 'wait', 'service-unavailable', '0045#7.2.9');
  const home = distribution.homeOf(room, stanza.from);
  const occupant = {
    nick,
    jid: stanza.from,
    affiliation,
    role: initialRole(affiliation, config),
    presence: cleanPayloads(room.jid, stanza.payloads),
    ...(home === undefined ? {} : { home }),
  };
  if (distribution.admit(turn, room, occupant, join)) admitNow(turn, room, distribution, occupant, join);
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
  const created = room.config.onDemand && room.n === 0;
  turn.record({ kind: 'occupantEntered', room: room.jid, n: room.n + 1, occupant });
  accept(turn, room, distribution, {
    kind: 'entered',
    occupant,
    join,
    statuses: created ? [201, ...statuses] : statuses,
  });
}

/** After the record: first our own users, then the peers. */
function accept(turn: Turn, room: RoomView, distribution: Distribution, change: Change): void {
  tell(turn, room, change);
  distribution.spread(turn, room, change);
}

/** Leaving, for any reason. XEP-0045 §7.14; §11.1 where it was not the user's wish (333). */
export function leave(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  parts: PresenceParts,
): void {
  turn.record({ kind: 'occupantLeft', room: room.jid, n: room.n + 1, nick: occupant.nick });
  accept(turn, room, distribution, { kind: 'left', occupant, parts });
}

// Conditions that mean "this address is gone", not "this one stanza was refused".
const gone: ReadonlySet<Condition> = new Set<Condition>([
  'gone',
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
function bounced(
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
function kickStranger(turn: Turn, room: RoomView, stanza: Stanza): void {
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
function changeNick(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  nick: string,
  stanza: Stanza,
): void {
  if (room.occupants.has(nick)) return refuse(turn, stanza, 'cancel', 'conflict', '0045#7.6');
  turn.record({ kind: 'nickChanged', room: room.jid, n: room.n + 1, nick: occupant.nick, newNick: nick });
  const after = { ...occupant, nick, presence: cleanPayloads(room.jid, stanza.payloads) };
  turn.record({ kind: 'occupantChanged', room: room.jid, occupant: after });
  accept(turn, room, distribution, { kind: 'renamed', before: occupant, after });
}

/** XEP-0045 §7.7; with a join inside, the user lost track and gets everything again (§7.2.2, "full resync"). */
function changePresence(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  stanza: Stanza,
  join: JoinRequest | undefined,
): void {
  const after = { ...occupant, presence: cleanPayloads(room.jid, stanza.payloads) };
  if (JSON.stringify(after.presence) !== JSON.stringify(occupant.presence) || !join) {
    turn.record({ kind: 'occupantChanged', room: room.jid, n: room.n + 1, occupant: after });
    accept(turn, room, distribution, { kind: 'presence', occupant: after });
  }
  if (join) accept(turn, room, distribution, { kind: 'returned', occupant: after, join });
}

/** XEP-0045 §7.4: to everyone, the sender included, with the sender's id. */
function groupchat(turn: Turn, room: RoomView, distribution: Distribution, occupant: Occupant, stanza: Stanza): void {
  if (!maySpeak(occupant.role, room.config))
    return refuse(turn, stanza, 'auth', 'forbidden', '0045#7.4', 'visitors may not speak in this room');
  const item = itemOf(turn, room, occupant, stanza);
  turn.record({ kind: 'messageAccepted', room: room.jid, n: room.n + 1, item });
  accept(turn, room, distribution, { kind: 'message', occupant, item });
}

/** XEP-0045 §8.1: moderators and, in this implementation, participants may change the subject. */
function changeSubject(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  text: string,
  stanza: Stanza,
): void {
  if (occupant.role !== 'moderator' && occupant.role !== 'participant')
    return refuse(turn, stanza, 'auth', 'forbidden', '0045#8.1');
  const item = itemOf(turn, room, occupant, stanza);
  const subject = { text, nick: occupant.nick, at: turn.env.now };
  turn.record({ kind: 'subjectChanged', room: room.jid, n: room.n + 1, subject });
  accept(turn, room, distribution, { kind: 'subject', occupant, subject, item });
}

function itemOf(turn: Turn, room: RoomView, occupant: Occupant, stanza: Stanza): HistoryItem {
  return {
    by: room.jid,
    id: turn.env.newId(),
    nick: occupant.nick,
    ...(occupant.jid === undefined ? {} : { author: occupant.jid }),
    at: turn.env.now,
    ...(stanza.id === undefined ? {} : { stanzaId: stanza.id }),
    ...(stanza.lang === undefined ? {} : { lang: stanza.lang }),
    payloads: cleanPayloads(room.jid, stanza.payloads),
  };
}

/** XEP-0045 §7.5: from the sender's occupant JID, marked with an empty muc#user element; never in the history. */
function privateMessage(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant,
  nick: string,
  stanza: Stanza,
): void {
  if (stanza.type === 'groupchat')
    return refuse(turn, stanza, 'modify', 'bad-request', '0045#7.5', 'a private message is not of type groupchat');
  const target = room.occupants.get(nick);
  if (target === undefined)
    return refuse(turn, stanza, 'cancel', 'item-not-found', '0045#7.5', `nobody here is called ${nick}`);
  const clean = { ...stanza, payloads: cleanPayloads(room.jid, stanza.payloads) };
  if (isLocal(target)) deliverPrivate(turn, room, occupant, target.jid, clean);
  else distribution.route(turn, room, occupant, target, clean);
}

/** The last hop of a private message. XEP-0045 §7.5. */
export function deliverPrivate(
  turn: Turn,
  room: RoomView,
  from: Occupant,
  to: Jid,
  stanza: Stanza,
  spec = '0045#7.5',
): void {
  turn.send(
    { ...stanza, from: occupantJid(room.jid, from.nick), to, payloads: [...stanza.payloads, el('x', NS.mucUser)] },
    spec,
  );
}
