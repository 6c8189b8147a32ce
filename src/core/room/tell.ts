import type { Spec } from '../turn/spec.ts';
import { type JoinRequest, writeAffiliation, writeStatuses } from '../xep/xep0045.ts';
import { writeUpdate } from '../xep/xep0153.ts';
import { writeDelay } from '../xep/xep0203.ts';
import { writeOccupantId } from '../xep/xep0421.ts';
import { assertNever, stanzaError } from '../xmpp/errors.ts';
import { type Jid, occupantJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, message, presence, type Stanza, withParts } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';
import type { Change, ChangeOf } from './change.ts';
import { isLocal, type LocalOccupant, type Occupant } from './event.ts';
import { authorJid, delayedMessages, liveMessages, recent, selectHistory, sendable, wantedHistory } from './history.ts';
import type { Asked } from './passed.ts';
import type { Refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import { asSession, hasSession, localSessions, sessionsOf } from './sessions.ts';
import type { RoomView } from './state.ts';
import { writeSubject } from './subject.ts';
import {
  looksDifferent,
  maySeeJids,
  type PresenceParts,
  presenceFor,
  presenceNow,
  presenceOf,
  seesPresence,
  unavailable,
} from './visibility.ts';

/**
 * Those to whom the room itself may write, beside what its distribution carries: its own users, and those of other nodes
 * who know the room by the same address (as with the answers to their requests).
 */
export function addressable(room: RoomView, { traits }: Distribution): readonly (Occupant & { readonly jid: Jid })[] {
  return [...room.occupants.values()].flatMap((occupant) =>
    sessionsOf(occupant).flatMap(({ jid }) => {
      const session = { ...asSession(occupant, jid), jid };
      return traits.reaches(session) ? [session] : [];
    }),
  );
}

/**
 * Broadcasts to this node's own users what happened. It is the one place where something leaves a room for a client, so
 * what a client must not see cannot leave by another way. XEP-0045 §7.2.2 (enter), §7.4 (message), §7.6 (nick), §7.7
 * (presence), §7.14 (leave), §8.1 (subject).
 *
 * @param spec  the rule by which this node does it, where that is not XEP-0045's own
 */
export function tell(turn: RoomTurn, change: Change, spec?: Spec): void {
  const { room } = turn;
  switch (change.kind) {
    case 'entered': {
      const shownTo = presenceOf(room, change.occupant);
      for (const viewer of room.locals) {
        if (viewer.nick !== change.occupant.nick && seesPresence(room, change.occupant, viewer))
          turn.send(shownTo(viewer), spec ?? '0045#7.2.2');
      }
      if (isLocal(change.occupant)) welcome(turn, change.occupant, change.join, change.statuses, spec);
      return;
    }
    case 'returned':
      if (isLocal(change.occupant)) {
        const statuses = room.config.logging ? [170] : [];
        welcome(turn, change.occupant, change.join, statuses, spec, change.accepted);
      }
      return;
    case 'presence':
      tellOfPresence(turn, change, room.locals, spec);
      return;
    case 'left':
      tellLeaver(turn, change, spec);
      tellOthersOfLeave(turn, change, spec);
      return;
    case 'sessionLeft':
      if (isLocal(change.occupant)) tellSession(turn, change.occupant, change.parts, spec);
      return;
    case 'renamed': {
      const { before, after } = change;
      const viewers = room.locals.filter((viewer) => seesPresence(room, after, viewer));
      const parts = { type: 'unavailable', item: { nick: after.nick }, statuses: [303], payloads: [] } as const;
      const goneTo = presenceOf(room, before, parts);
      for (const viewer of viewers) turn.send(goneTo(viewer), spec ?? '0045#7.6');
      const shownTo = presenceOf(room, after);
      for (const viewer of viewers) {
        const { statuses, join } = hasSession(after, viewer.jid) ? change : {};
        if (join && viewer.jid === after.jid) continue;
        turn.send(statuses ? presenceFor(room, after, viewer, { statuses }) : shownTo(viewer), spec ?? '0045#7.6');
      }
      return;
    }
    case 'configured': {
      const x = writeStatuses(change.statuses);
      for (const viewer of change.statuses.length === 0 ? [] : room.locals)
        turn.send(message(room.jid, viewer.jid, { type: 'groupchat', id: turn.env.newId() }, x), '0045#10.2.1');
      if (change.changes.avatars !== undefined) tellOfAvatar(turn);
      return;
    }
    case 'affiliated': {
      if (!change.absent) return;
      // §9.3 and others: "the service MAY send a message": for those who may know whose affiliation it is.
      const x = writeAffiliation(change, change.by);
      for (const viewer of room.locals) {
        if (maySeeJids(room, viewer))
          turn.send(message(room.jid, viewer.jid, { id: turn.env.newId() }, x), spec ?? '0045#9.3');
      }
      return;
    }
    case 'invited':
      turn.send(change.stanza, spec ?? '0045#7.8.2');
      return;
    case 'registered':
    case 'uninvited':
    case 'destroyed':
      return;
    case 'message':
    case 'subject': {
      const late = change.kind === 'message' && change.late === true;
      const copyTo = (late ? delayedMessages : liveMessages)(room.jid, change.item);
      for (const viewer of room.locals) {
        // A provisional user reads what is said beside them, and the room's own messages once the room has let them in.
        if (viewer.provisional && !change.item.provisional) continue;
        turn.send(copyTo(viewer.jid), spec ?? (change.kind === 'message' ? '0045#7.4' : '0045#8.1'));
      }
      return;
    }
    default:
      assertNever(change);
  }
}

function tellOfPresence(
  turn: RoomTurn,
  { occupant, parts }: ChangeOf<'presence'>,
  viewers: readonly LocalOccupant[],
  spec?: Spec,
): void {
  const { room } = turn;
  const shownTo = presenceOf(room, occupant, parts);
  for (const viewer of viewers)
    if (seesPresence(room, occupant, viewer)) turn.send(shownTo(viewer), spec ?? '0045#7.7');
}

/** Everybody but the session it is about, which is told in another way (§17.3). */
export function tellOthersOfPresence(turn: RoomTurn, change: ChangeOf<'presence'>, spec?: Spec): void {
  const { room } = turn;
  const others = room.locals.filter(({ jid }) => jid !== change.occupant.jid);
  tellOfPresence(turn, change, others, spec);
}

/**
 * A session of a user came or went, and others are there under the same nick. Who sees the occupant hears of it only if they
 * look different now (decision #140).
 */
export function tellOfSessions(turn: RoomTurn, before: Occupant, after: Occupant, spec?: Spec): void {
  const { room } = turn;
  const shownTo = presenceOf(room, after);
  for (const viewer of room.locals) {
    // The session that enters gets it at its place in the answer to its join.
    if (viewer.jid === after.jid && !hasSession(before, viewer.jid)) continue;
    if (seesPresence(room, after, viewer) && looksDifferent(before, after, maySeeJids(room, viewer)))
      turn.send(shownTo(viewer), spec ?? '0045#7.7');
  }
}

/**
 * Where the room broadcasts only some roles (§10.2, presencebroadcast), a change of role takes someone out of others'
 * sight, and others into or out of their own. A new moderator learns who the others are.
 */
export function tellOfSight(turn: RoomTurn, before: Occupant, after: Occupant): void {
  const { room } = turn;
  const gone = { type: 'unavailable', payloads: [] } as const;
  for (const viewer of room.locals) {
    if (viewer.nick !== after.nick && seesPresence(room, before, viewer) && !seesPresence(room, after, viewer))
      turn.send(presenceFor(room, after, viewer, gone), '0045#10.2');
  }
  for (const self of localSessions(after)) {
    for (const other of room.occupants.values()) {
      if (other.nick === after.nick) continue;
      const sees = seesPresence(room, other, self);
      // §8: moderators "discover an occupant's full JID in a semi-anonymous room (occurs automatically through presence)".
      const learns = maySeeJids(room, after) && !maySeeJids(room, before);
      if (sees !== seesPresence(room, other, before))
        turn.send(presenceFor(room, other, self, sees ? {} : gone), '0045#10.2');
      else if (sees && learns) turn.send(presenceFor(room, other, self), '0045#8');
    }
  }
}

/** The user who left waits for this answer, in each of their sessions, so it comes before anybody else's (§8.2). */
export function tellLeaver(turn: RoomTurn, { occupant, parts }: ChangeOf<'left'>, spec?: Spec): void {
  for (const session of localSessions(occupant)) tellSession(turn, session, parts, spec);
}

function tellSession(turn: RoomTurn, session: LocalOccupant, parts: PresenceParts, spec?: Spec): void {
  turn.send(presenceFor(turn.room, session, session, unavailable(parts)), spec ?? '0045#7.14');
}

/** Those who are still in. The user who left is out of the room already. */
export function tellOthersOfLeave(turn: RoomTurn, { occupant, parts, alone }: ChangeOf<'left'>, spec?: Spec): void {
  const { room } = turn;
  if (alone) return;
  const goneTo = presenceOf(room, occupant, unavailable(parts));
  for (const viewer of room.locals)
    if (seesPresence(room, occupant, viewer)) turn.send(goneTo(viewer), spec ?? '0045#7.14');
}

/**
 * Everything an entering user gets, in the order of XEP-0045 §7.1: the others, themselves (110), history, subject.
 *
 * @param statuses  beside 110: 201 for a room just created, 210 for a nick the room changed
 */
function welcome(
  turn: RoomTurn,
  occupant: LocalOccupant,
  join: JoinRequest,
  statuses: readonly number[],
  spec?: Spec,
  accepted = false,
): void {
  const { room } = turn;
  for (const other of room.occupants.values()) {
    if (other.nick !== occupant.nick && seesPresence(room, other, occupant))
      turn.send(presenceNow(room, other, occupant), spec ?? '0045#7.2.2');
  }
  turn.send(presenceFor(room, occupant, occupant, { id: join.id, statuses }), spec ?? '0045#7.2.2');
  // A provisional user gets what was said beside them. The room's own history is for users whom it has let in (decision #44).
  const history =
    occupant.provisional || accepted
      ? room.history.filter(({ provisional }) => provisional === occupant.provisional)
      : room.history;
  const wanted = wantedHistory(room.config, join.history);
  const kept = sendable(turn, recent(history, wanted, turn.env.now));
  for (const stanza of selectHistory(room.jid, kept, wanted, occupant.jid, turn.env.now))
    turn.send(stanza, spec ?? '0045#7.2.13');
  // There is always a subject, an empty one if none was set: it tells a client that the history is over (§7.2.15).
  const { subject } = room;
  const from = authorJid(room.jid, subject?.nick ?? '');
  const texts = writeSubject(subject);
  const author = writeOccupantId(subject?.occupantId ?? '');
  const delay = subject ? [writeDelay({ from: room.jid, stamp: subject.at })] : [];
  turn.send(
    message(from, occupant.jid, { type: 'groupchat', lang: subject?.lang }, ...texts, ...author, ...delay),
    spec ?? '0045#7.2.15',
  );
  // After all that §7.1 puts in an order: there are clients that take it for somebody without a nick.
  if (room.config.avatars.length > 0) tellOfAvatar(turn, [occupant]);
}

/** XEP-0486 §5.2, XEP-0153 §4.1: many clients know the avatar of a room by presence of the room itself alone. Decision #115. */
export function tellOfAvatar(turn: RoomTurn, viewers: readonly LocalOccupant[] = turn.room.locals): void {
  const { room } = turn;
  const [hash] = room.config.avatars;
  for (const { jid } of viewers) turn.send(presence(room.jid, jid, {}, writeUpdate(hash)), '0486#5.2');
}

/**
 * The last hop of a private message. XEP-0045 §7.5; the occupant id is in everything that comes from one, XEP-0421 §4.
 *
 * @param asked  the sender's own stanza, and the same for all to whom it goes
 */
export function deliverPrivate(
  turn: RoomTurn,
  from: Occupant,
  to: Jid,
  stanza: Stanza,
  asked: Asked,
  spec = '0045#7.5',
): void {
  const payloads = [...stanza.payloads, ...writeOccupantId(from.occupantId), el('x', NS.mucUser)];
  passOn(turn, withParts(stanza, { from: occupantJid(turn.room.jid, from.nick), to, payloads }), asked, spec);
}

/** A word of the room to one user, which nobody keeps. XEP-0045 §7.4: what has no occupant as its author is the room's own. */
export function tellUser(turn: RoomTurn, to: Jid, text: string, spec: Spec): void {
  turn.send(message(turn.room.jid, to, { type: 'groupchat' }, el('body', NS.client, {}, text)), spec);
}

/** Sends what somebody asked the room to pass on. What comes of it is theirs to know (hand-back.ts). */
export function passOn(turn: RoomTurn, sent: Stanza, asked: Asked, spec: Spec): void {
  turn.passed.add(sent, asked);
  turn.send(sent, spec);
}

/**
 * Answers a request that may not be granted.
 *
 * @param children  of the request, that the error brings back (RFC 6120 §8.3.1)
 */
export function refuse(turn: RoomTurn, stanza: Stanza, why: Refusal, ...children: readonly XmlElement[]): void {
  const error = stanzaError(why.type, why.condition, why.text, turn.room.jid);
  const named = why.to === undefined ? error : { ...error, to: why.to };
  turn.send(errorReply(stanza, named, ...children), why.spec);
}
