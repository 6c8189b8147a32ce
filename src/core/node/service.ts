import type { RoomEvent } from '../room/event.ts';
import type { RoomView } from '../room/state.ts';
import type { Turn } from '../turn/turn.ts';
import { discoInfoResult, discoItemsResult, readDisco } from '../xep/xep0030.ts';
import { vcardNs } from '../xep/xep0153.ts';
import { isPing } from '../xep/xep0199.ts';
import { type Condition, stanzaError } from '../xmpp/errors.ts';
import { bareOf, parseJid, partsOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';

/** XEP-0092: Software Version. */
const versionNs = 'jabber:iq:version';

/** IQs to the service itself: XEP-0045 §6.2, §6.3; XEP-0199; XEP-0092; XEP-0307. */
export function serviceIq(turn: Turn<RoomEvent>, rooms: Iterable<RoomView>, stanza: Stanza): void {
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
    const features = [NS.muc, NS.discoInfo, NS.discoItems, NS.ping, NS.occupantId, NS.stableId, NS.mucUnique, vcardNs];
    return turn.send(
      discoInfoResult(stanza, {
        identity: { category: 'conference', type: 'text', name: 'Netsplit rooms' },
        features,
      }),
      '0045#6.2',
    );
  }
  if (disco?.kind === 'items') {
    const items = [...rooms]
      .filter(({ config }) => config.publicRoom)
      .map(({ jid, config }) => ({
        jid,
        name: config.name === '' ? partsOf(jid).local : config.name,
      }));
    return turn.send(discoItemsResult(stanza, items), '0045#6.3');
  }
  refuse(turn, stanza, 'service-unavailable', '6120#8.4');
}

/** XEP-0307 §2: a name that no room here has. */
function uniqueName(turn: Turn<RoomEvent>, rooms: Iterable<RoomView>, { to }: Stanza): string {
  const taken = new Set([...rooms].map(({ jid }) => jid));
  for (;;) {
    const room = parseJid(`${turn.env.newId()}@${to}`);
    if (room !== undefined && !taken.has(room)) return partsOf(room).local;
  }
}

/** An answer where there is no room to give it. */
export function refuse(turn: Turn<RoomEvent>, stanza: Stanza, condition: Condition, spec: string, text?: string): void {
  turn.send(errorReply(stanza, stanzaError('cancel', condition, text, bareOf(stanza.to))), spec);
}
