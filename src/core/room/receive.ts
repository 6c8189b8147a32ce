import type { Distribution } from '../distribution/distribution.ts';
import { readDisco } from '../xep/xep0030.ts';
import { readJoin, subjectChange } from '../xep/xep0045.ts';
import { isPing } from '../xep/xep0199.ts';
import { mam } from '../xep/xep0313.ts';
import { occupantJid, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { type Stanza, withParts } from '../xmpp/stanza.ts';
import { adminIq } from './admin.ts';
import { archiveIq } from './archive.ts';
import { discoverRoom } from './discovery.ts';
import { isLocal, type Occupant } from './event.ts';
import { cleanPayloads } from './hygiene.ts';
import { mediate } from './invite.ts';
import { destroy, ownerIq } from './owner.ts';
import { registerIq, registerNs } from './register.ts';
import {
  bounced,
  changeNick,
  changePresence,
  changeSubject,
  enter,
  groupchat,
  kickStranger,
  leave,
  privateMessage,
  refuse,
} from './room.ts';
import type { RoomView } from './state.ts';
import type { Turn } from './turn.ts';
import { presenceFor } from './visibility.ts';
import { voice } from './voice.ts';

/** What a user sent to a room or through it, in the seat where the room itself decides: which rule of XEP-0045 it is. */
export function receive(turn: Turn, room: RoomView, distribution: Distribution, stanza: Stanza): void {
  const occupant = room.occupantByJid(stanza.from);
  if (stanza.name === 'iq') return iq(turn, room, distribution, occupant, stanza);
  if (stanza.type === 'error') return bounced(turn, room, distribution, occupant, stanza);
  if (stanza.name === 'presence') return presence(turn, room, distribution, occupant, stanza);
  // §17.2: as if there were no such room yet.
  if (occupant === undefined && room.locked && room.affiliationOf(stanza.from) !== 'owner')
    return refuse(turn, stanza, 'cancel', 'item-not-found', '0045#17.2', 'there is no such room');
  const nick = resourceOf(stanza.to);
  if (
    nick === '' &&
    (mediate(turn, room, distribution, occupant, stanza) || voice(turn, room, distribution, occupant, stanza))
  )
    return;
  if (occupant === undefined)
    return refuse(turn, stanza, 'modify', 'not-acceptable', '0045#7.4', 'only occupants may send messages to the room');
  if (nick !== '') return privateMessage(turn, room, distribution, occupant, nick, stanza);
  if (stanza.type !== 'groupchat')
    return refuse(turn, stanza, 'modify', 'bad-request', '0045#7.4', 'messages to the room are of type groupchat');
  const subject = subjectChange(stanza);
  if (subject !== undefined) return changeSubject(turn, room, distribution, occupant, subject, stanza);
  groupchat(turn, room, distribution, occupant, stanza);
}

function presence(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant | undefined,
  stanza: Stanza,
): void {
  const nick = resourceOf(stanza.to);
  if (stanza.type === 'unavailable') {
    // §10.1.3: a room that was never configured goes with its maker.
    if (occupant && room.locked && room.occupants.size === 1) return destroy(turn, room, distribution, {});
    if (occupant) leave(turn, room, distribution, occupant, { payloads: cleanPayloads(room.jid, stanza.payloads) });
    return;
  }
  if (stanza.type === 'probe') return probe(turn, room, occupant, nick);
  if (stanza.type !== undefined) return;
  if (nick === '')
    return refuse(turn, stanza, 'modify', 'jid-malformed', '0045#7.2.1', 'a nick is needed: room@service/nick');
  const join = readJoin(stanza.payloads);
  if (occupant === undefined)
    return join ? enter(turn, room, distribution, stanza, nick, join) : kickStranger(turn, room, stanza);
  if (occupant.nick !== nick) return changeNick(turn, room, distribution, occupant, nick, stanza);
  changePresence(turn, room, distribution, occupant, stanza, join);
}

/** §17.3: an occupant asks how another is. */
function probe(turn: Turn, room: RoomView, occupant: Occupant | undefined, nick: string): void {
  const target = room.occupants.get(nick);
  if (occupant && isLocal(occupant) && target) turn.send(presenceFor(room, target, occupant), '0045#17.3');
}

function iq(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant | undefined,
  stanza: Stanza,
): void {
  if (resourceOf(stanza.to) !== '') return relayIq(turn, room, occupant, stanza);
  if (stanza.type !== 'get' && stanza.type !== 'set') return;
  for (const query of stanza.payloads) {
    if (query.xmlns === NS.mucAdmin && query.name === 'query') return adminIq(turn, room, distribution, stanza, query);
    if (query.xmlns === NS.mucOwner && query.name === 'query') return ownerIq(turn, room, distribution, stanza, query);
    if (query.xmlns === registerNs && query.name === 'query')
      return registerIq(turn, room, distribution, stanza, query);
    if (query.xmlns === mam && query.name === 'query') return archiveIq(turn, room, stanza, query);
  }
  discoverRoom(turn, room, stanza);
}

/** §17.4, XEP-0410: an iq from one occupant to another goes on under their occupant JIDs, so that no real one leaks. */
function relayIq(turn: Turn, room: RoomView, occupant: Occupant | undefined, stanza: Stanza): void {
  const nick = resourceOf(stanza.to);
  const request = stanza.type === 'get' || stanza.type === 'set';
  const target = room.occupants.get(nick);
  if (occupant === undefined) {
    if (!request) return;
    // §6.6: a question about an occupant, from outside.
    if (readDisco(stanza)) return refuse(turn, stanza, 'modify', 'bad-request', '0045#6.6');
    return refuse(turn, stanza, 'modify', 'not-acceptable', '0045#17.4');
  }
  if (request && occupant.nick === nick && isPing(stanza))
    return turn.send(withParts(stanza, { type: 'result', from: stanza.to, to: stanza.from, payloads: [] }), '0410#3');
  if (target?.jid === undefined)
    return request ? refuse(turn, stanza, 'cancel', 'item-not-found', '0045#17.4') : undefined;
  // Another node's user: that node would have to know us by a room that is not its own.
  if (target.home !== undefined && room.config.distribution.kind === 'fmuc')
    return request ? refuse(turn, stanza, 'cancel', 'service-unavailable', '0045#17.4') : undefined;
  turn.send(withParts(stanza, { from: occupantJid(room.jid, occupant.nick), to: target.jid }), '0045#17.4');
}
