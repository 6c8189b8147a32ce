import { discoInfoResult, discoItemsResult, readDisco } from '../xep/xep0030.ts';
import { isPing } from '../xep/xep0199.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { childOf } from '../xmpp/xml.ts';
import type { RoomView } from './state.ts';
import type { Turn } from './turn.ts';

/** IQs to a room or through it: discovery (XEP-0045 §6.4, §6.5), pings (XEP-0199, XEP-0410), opening a room at once (§10.1.2). */
export function roomIq(turn: Turn, room: RoomView, stanza: Stanza): void {
  if (stanza.type !== 'get' && stanza.type !== 'set') return;
  const refuse = (type: ErrorType, condition: Condition, spec: string) =>
    turn.send(errorReply(stanza, stanzaError(type, condition)), spec);
  const occupant = room.occupantByJid(stanza.from);
  const nick = resourceOf(stanza.to);
  if (nick !== '') {
    // XEP-0410 §3: to oneself, the room answers; to nobody's nick or from outside, not-acceptable says "you are not in".
    if (occupant === undefined) return refuse('modify', 'not-acceptable', '0045#17.4');
    if (occupant.nick === nick && isPing(stanza)) return turn.send(iqResult(stanza), '0410#3');
    if (!room.occupants.has(nick)) return refuse('cancel', 'item-not-found', '0045#17.4');
    return refuse('cancel', 'service-unavailable', '0045#17.4');
  }
  if (isPing(stanza)) return turn.send(iqResult(stanza), '0199#4');
  const disco = readDisco(stanza);
  if (disco?.kind === 'info' && disco.node === undefined)
    return turn.send(discoInfoResult(stanza, roomInfo(room)), '0045#6.4');
  if (disco?.kind === 'items' && disco.node === undefined) return turn.send(discoItemsResult(stanza, []), '0045#6.5');
  if (disco) return refuse('cancel', 'item-not-found', '0030#7');
  const owner = payloadOf(stanza, 'query', NS.mucOwner);
  if (owner && stanza.type === 'set' && room.affiliationOf(stanza.from) === 'owner') {
    // §10.1.2: an empty submission takes the configuration as it is.
    const form = childOf(owner, 'x', NS.dataForms);
    if (form?.attrs['type'] === 'submit' && form.children.length === 0)
      return turn.send(iqResult(stanza), '0045#10.1.2');
  }
  if (owner && room.affiliationOf(stanza.from) !== 'owner') return refuse('auth', 'forbidden', '0045#10.2');
  return refuse('cancel', 'feature-not-implemented', '6120#8.4');
}

function roomInfo(room: RoomView) {
  const { config } = room;
  return {
    identity: { category: 'conference', type: 'text', ...(config.name === '' ? {} : { name: config.name }) },
    features: [
      NS.muc,
      NS.discoInfo,
      NS.ping,
      NS.sid,
      NS.selfPing,
      room.whois === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous',
      config.moderated ? 'muc_moderated' : 'muc_unmoderated',
      config.membersOnly ? 'muc_membersonly' : 'muc_open',
      config.password === undefined ? 'muc_unsecured' : 'muc_passwordprotected',
      config.onDemand ? 'muc_temporary' : 'muc_persistent',
      'muc_public',
      ...(config.distribution.kind === 'primary' ? [NS.dmuc2, NS.ext] : []),
      ...(config.distribution.kind === 'fmuc' ? [NS.fmuc, NS.ext] : []),
    ],
  };
}
