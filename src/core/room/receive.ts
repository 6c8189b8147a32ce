import { readDisco } from '../xep/xep0030.ts';
import { changesSubject, joinOf } from '../xep/xep0045.ts';
import { isPing } from '../xep/xep0199.ts';
import { mam } from '../xep/xep0313.ts';
import { moderateNs } from '../xep/xep0425.ts';
import { resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { type Stanza, withParts } from '../xmpp/stanza.ts';
import { answerOfAccount, relayedIq } from './account-iq.ts';
import { adminIq } from './admin.ts';
import { archiveIq } from './archive.ts';
import type { Found } from './archive-store.ts';
import { tooManyPresences } from './bounds.ts';
import { checkEnter, checkGroupchat, checkNick, checkPresence, checkPrivateMessage, checkSubject } from './checks.ts';
import { commitAll, leaveSession, submit } from './commit.ts';
import { discoverRoom } from './discovery.ts';
import { isLocal, type Occupant } from './event.ts';
import { bounced, kickStranger } from './ghosts.ts';
import { handBack } from './hand-back.ts';
import { cleanPayloads } from './hygiene.ts';
import { mediate } from './invite.ts';
import { moderateIq } from './moderation.ts';
import { changesOfDestruction, ownerIq } from './owner.ts';
import { asks } from './passed.ts';
import { refusal } from './refusal.ts';
import { registerIq, registerNs } from './register.ts';
import type { RoomTurn } from './room-turn.ts';
import { everySession, sessionsOf } from './sessions.ts';
import { bounded } from './size.ts';
import { deliverPrivate, passOn, refuse } from './tell.ts';
import { isVcard, vcardIq } from './vcard.ts';
import { presenceFor } from './visibility.ts';
import { voice } from './voice.ts';

/** Which rule of XEP-0045 a user's stanza to the room, or through it, falls under. It is asked where this node decides. */
export function receive(turn: RoomTurn, received: Stanza): void {
  const { room } = turn;
  const stanza = bounded(received);
  if ('kind' in stanza) return refuse(turn, received, stanza);
  const occupant = room.occupantByJid(stanza.from);
  if (stanza.name === 'iq') return iq(turn, occupant, stanza);
  if (stanza.type === 'error') return bounced(turn, occupant, stanza);
  if (stanza.name === 'presence') return presence(turn, occupant, stanza);
  const nick = resourceOf(stanza.to);
  // §17.2: to others it is as if there were no such room yet.
  if (occupant === undefined && nick === '' && room.locked && room.affiliationOf(stanza.from) !== 'owner')
    return refuse(turn, stanza, refusal('cancel', 'item-not-found', '0045#17.2', 'there is no such room'));
  if (nick === '' && (mediate(turn, occupant, stanza) || voice(turn, occupant, stanza))) return;
  if (occupant === undefined)
    return refuse(
      turn,
      stanza,
      refusal('modify', 'not-acceptable', '0045#7.4', 'only occupants may send messages to the room'),
    );
  if (nick !== '') return privateMessage(turn, occupant, nick, stanza);
  if (stanza.type !== 'groupchat')
    return refuse(
      turn,
      stanza,
      refusal('modify', 'bad-request', '0045#7.4', 'messages to the room are of type groupchat'),
    );
  const check = changesSubject(stanza.payloads) ? checkSubject : checkGroupchat;
  submit(turn, stanza, check(room, occupant, stanza, turn.env));
}

/** What a search of the archive found for a user who asked for it with this stanza. Who may ask now decides. */
export function receiveFound(turn: RoomTurn, asked: Stanza, found: Found): void {
  for (const query of asked.payloads) {
    if (query.xmlns === mam && query.name === 'query') return archiveIq(turn, asked, query, found);
    if (query.xmlns === moderateNs && query.name === 'moderate') return moderateIq(turn, asked, query, found);
  }
}

function presence(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): void {
  const { room } = turn;
  const nick = resourceOf(stanza.to);
  if (stanza.type === 'unavailable') {
    // §10.1.3: a room that was never configured goes with its maker.
    if (occupant && room.locked && room.occupants.size === 1 && sessionsOf(occupant).length === 1)
      return commitAll(turn, changesOfDestruction(room, {}, stanza.id));
    if (occupant) leaveSession(turn, occupant, { id: stanza.id, payloads: cleanPayloads(room.jid, stanza.payloads) });
    return;
  }
  if (stanza.type === 'probe') return probe(turn, occupant, nick);
  if (stanza.type !== undefined) return;
  if (nick === '')
    return refuse(
      turn,
      stanza,
      refusal('modify', 'jid-malformed', '0045#7.2.1', 'a nick is needed: room@service/nick'),
    );
  if (occupant === undefined) {
    const join = joinOf(stanza);
    if (join === undefined) return kickStranger(turn, stanza);
    const home = turn.distribution.homeOf(room, stanza.from);
    return submit(turn, stanza, checkEnter(room, stanza, nick, join, home, turn.env));
  }
  submit(
    turn,
    stanza,
    tooManyPresences(room, occupant.nick, stanza.payloads) ??
      (occupant.nick === nick ? checkPresence(room, occupant, stanza) : checkNick(room, occupant, nick, stanza)),
  );
}

/** XEP-0045 §7.5: from the sender's occupant JID, marked with an empty muc#user element; never in the history. */
function privateMessage(turn: RoomTurn, occupant: Occupant, nick: string, stanza: Stanza): void {
  const { room } = turn;
  const target = checkPrivateMessage(room, occupant, nick, stanza);
  if ('kind' in target) return refuse(turn, stanza, target);
  const clean = withParts(stanza, { payloads: cleanPayloads(room.jid, stanza.payloads) });
  // §7.5 with §7.2.8: to the nick, so to every session under it.
  const asked = asks(stanza);
  for (const session of everySession(target)) {
    if (isLocal(session)) deliverPrivate(turn, occupant, session.jid, clean, asked);
    else turn.distribution.route(turn, occupant, session, clean, asked);
  }
}

/** §17.3: an occupant asks how another is. */
function probe(turn: RoomTurn, occupant: Occupant | undefined, nick: string): void {
  const { room } = turn;
  const target = room.occupants.get(nick);
  if (occupant && isLocal(occupant) && target) turn.send(presenceFor(room, target, occupant), '0045#17.3');
}

function iq(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): void {
  if (resourceOf(stanza.to) !== '') return relayIq(turn, occupant, stanza);
  if (stanza.type !== 'get' && stanza.type !== 'set') return;
  for (const query of stanza.payloads) {
    if (query.xmlns === NS.mucAdmin && query.name === 'query') return adminIq(turn, stanza, query);
    if (query.xmlns === NS.mucOwner && query.name === 'query') return ownerIq(turn, stanza, query);
    if (query.xmlns === registerNs && query.name === 'query') return registerIq(turn, stanza, query);
    if (query.xmlns === mam && query.name === 'query') return archiveIq(turn, stanza, query);
    if (isVcard(query)) return vcardIq(turn, stanza, query);
    if (query.xmlns === moderateNs && query.name === 'moderate' && stanza.type === 'set')
      return moderateIq(turn, stanza, query);
  }
  discoverRoom(turn, stanza);
}

/** §17.4, XEP-0410: an iq from one occupant to another goes on under their occupant JIDs, so that no real one leaks. */
function relayIq(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): void {
  const { room } = turn;
  const nick = resourceOf(stanza.to);
  const request = stanza.type === 'get' || stanza.type === 'set';
  const answer = answerOfAccount(room, stanza);
  if (answer) return turn.send(answer, '0045#17.4');
  if (!request && handBack(turn, stanza)) return;
  const target = room.occupants.get(nick);
  if (occupant === undefined) {
    if (!request) return;
    // §6.6: a question about an occupant, from outside.
    if (readDisco(stanza)) return refuse(turn, stanza, refusal('modify', 'bad-request', '0045#6.6'));
    return refuse(turn, stanza, refusal('modify', 'not-acceptable', '0045#17.4'));
  }
  if (request && occupant.nick === nick && isPing(stanza))
    return turn.send(withParts(stanza, { type: 'result', from: stanza.to, to: stanza.from, payloads: [] }), '0410#3');
  if (target?.jid === undefined)
    return request ? refuse(turn, stanza, refusal('cancel', 'item-not-found', '0045#17.4')) : undefined;
  // The target is another node's user, and that node does not know us by its own room.
  if (!turn.distribution.traits.reaches(target)) {
    if (!request || turn.distribution.routeIq?.(turn, occupant, target, stanza, asks(stanza))) return;
    return refuse(turn, stanza, refusal('cancel', 'service-unavailable', '0045#17.4'));
  }
  const sent = relayedIq(room, occupant, { ...target, jid: target.jid }, stanza);
  if (sent === undefined) return;
  // The answer of an account has its own way back (decision #111).
  if (request && resourceOf(sent.to) !== '') passOn(turn, sent, asks(stanza), '0045#17.4');
  else turn.send(sent, '0045#17.4');
}
