import { listed } from '../room/pages.ts';
import type { NodeTurn } from '../room/room-turn.ts';
import type { RoomView } from '../room/state.ts';
import { discoInfoResult, readDisco, writeDiscoItem } from '../xep/xep0030.ts';
import { readMucUser, writeMucUser } from '../xep/xep0045.ts';
import { rsm } from '../xep/xep0059.ts';
import { vcardNs } from '../xep/xep0153.ts';
import { isPing } from '../xep/xep0199.ts';
import { type Condition, stanzaError } from '../xmpp/errors.ts';
import { bareOf, parseJid, partsOf, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, payloadOf, presence, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';
import { type OpenRoom, openRooms } from './holdings.ts';

/** XEP-0092: Software Version. */
const versionNs = 'jabber:iq:version';

/**
 * IQs to the service itself: XEP-0045 §6.2, §6.3; XEP-0199; XEP-0092; XEP-0307.
 *
 * @param more  its further features
 * @param elsewhere  public rooms that other processes of the service have
 */
export function serviceIq(
  turn: NodeTurn,
  rooms: Iterable<RoomView>,
  stanza: Stanza,
  more: readonly string[] = [],
  elsewhere: readonly OpenRoom[] = [],
): void {
  if (stanza.name !== 'iq') return;
  if (isPing(stanza)) return turn.send(iqResult(stanza), '0199#4');
  if (stanza.type === 'get' && payloadOf(stanza, 'query', versionNs)) {
    const version = [el('name', versionNs, {}, 'Netsplit'), el('version', versionNs, {}, '0.1')];
    return turn.send(iqResult(stanza, el('query', versionNs, {}, ...version)), '0092#2');
  }
  if (stanza.type === 'get' && payloadOf(stanza, 'unique', NS.mucUnique)) {
    const unique = el('unique', NS.mucUnique, {}, uniqueName(turn, rooms, stanza));
    return turn.send(iqResult(stanza, unique), '0307#2');
  }
  const disco = readDisco(stanza);
  if (disco?.node !== undefined) return refuse(turn, stanza, 'item-not-found', '0030#7');
  if (disco?.kind === 'info') {
    const own = [NS.muc, NS.discoInfo, NS.discoItems, NS.ping, rsm, NS.occupantId, NS.stableId, NS.mucUnique];
    const features = [...own, vcardNs, ...more];
    return turn.send(
      discoInfoResult(stanza, {
        identity: { category: 'conference', type: 'text', name: 'Netsplit rooms' },
        features,
      }),
      '0045#6.2',
    );
  }
  if (disco?.kind === 'items') {
    const items = listed(
      disco.query,
      // Of thousands of rooms, only those on the page are written.
      [...openRooms(rooms), ...elsewhere].map((room) => ({
        id: room.jid,
        get element() {
          return writeDiscoItem(room);
        },
      })),
    );
    if ('kind' in items) return refuse(turn, stanza, items.condition, items.spec, items.text);
    return turn.send(iqResult(stanza, el('query', NS.discoItems, {}, ...items)), '0045#6.3');
  }
  refuse(turn, stanza, 'service-unavailable', '6120#8.4');
}

/** XEP-0307 §2: a name that no room here has. */
function uniqueName(turn: NodeTurn, rooms: Iterable<RoomView>, { to }: Stanza): string {
  const taken = new Set([...rooms].map(({ jid }) => jid));
  for (;;) {
    const room = parseJid(`${turn.env.newId()}@${to}`);
    if (room !== undefined && !taken.has(room)) return partsOf(room).local;
  }
}

/**
 * XEP-0045 §6.4, §7.2.11: there is no such room. Decision #127: a user who writes to an occupant of it, or as one, believes to
 * be in a room that is gone, and is told what somebody is told who is not in: `item-not-found` would say of an occupant that
 * only the nick is wrong (XEP-0410 §3). A leave with what rooms put into theirs is a room's own, perhaps the answer to one of ours,
 * and two services without such a room would answer each other for ever.
 */
export function noSuchRoom(turn: NodeTurn, stanza: Stanza): void {
  const isOccupant = resourceOf(stanza.to) !== '';
  if (stanza.name !== 'presence') {
    if (isOccupant)
      refuse(turn, stanza, 'not-acceptable', 'decision#127', 'you are not in this room: it does not exist');
    else refuse(turn, stanza, 'item-not-found', '0045#6.4', 'there is no such room');
  } else if (stanza.type === undefined && !isOccupant)
    refuse(turn, stanza, 'item-not-found', '0045#6.4', 'there is no such room');
  else if (stanza.type === undefined || (stanza.type === 'unavailable' && readMucUser(stanza.payloads) === undefined)) {
    // They wait for their leave, or do not know that they are out (§7.2.18).
    const statuses = stanza.type === undefined ? [110, 307, 333] : [110];
    const user = writeMucUser({ affiliation: 'none', role: 'none', statuses });
    const rest = { type: 'unavailable', id: stanza.id };
    turn.send(presence(stanza.to, stanza.from, rest, user), stanza.type ? '0045#7.14' : '0045#7.2.18');
  }
}

/** An answer where there is no room to give it. */
export function refuse(turn: NodeTurn, stanza: Stanza, condition: Condition, spec: string, text?: string): void {
  turn.send(errorReply(stanza, stanzaError('cancel', condition, text, bareOf(stanza.to))), spec);
}
