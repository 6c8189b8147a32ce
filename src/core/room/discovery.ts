import { type Field, writeForm } from '../xep/xep0004.ts';
import { discoInfoResult, readDisco, writeDiscoItem } from '../xep/xep0030.ts';
import { rsm } from '../xep/xep0059.ts';
import { vcardNs } from '../xep/xep0153.ts';
import { isPing } from '../xep/xep0199.ts';
import { mam } from '../xep/xep0313.ts';
import { retractFeatures } from '../xep/xep0424.ts';
import { moderateNs } from '../xep/xep0425.ts';
import { type Condition, stanzaError } from '../xmpp/errors.ts';
import { bareOf, type Jid, occupantJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';
import { listed } from './pages.ts';
import { registerNs } from './register.ts';
import type { RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import type { Traits } from './traits.ts';

/** What a room says of itself: XEP-0045 §6.4, §6.5, §7.12 (reserved nick); XEP-0199. Everything else is refused. */
export function discoverRoom(turn: RoomTurn, stanza: Stanza): void {
  const { room } = turn;
  const refuse = (condition: Condition, spec: string) =>
    turn.send(errorReply(stanza, stanzaError('cancel', condition, undefined, room.jid)), spec);
  if (isPing(stanza)) return turn.send(iqResult(stanza), '0199#4');
  const disco = readDisco(stanza);
  if (disco === undefined) return refuse('service-unavailable', '6120#8.4');
  if (disco.kind === 'info' && disco.node === 'x-roomuser-item') {
    const nick = room.reservedNicks.get(bareOf(stanza.from));
    const identity =
      nick === undefined ? [] : [el('identity', NS.discoInfo, { category: 'conference', type: 'text', name: nick })];
    return turn.send(iqResult(stanza, el('query', NS.discoInfo, { node: disco.node }, ...identity)), '0045#7.12');
  }
  // §18.1.1: "if a service does not discard any namespaces".
  if (disco.node === 'http://jabber.org/protocol/muc#traffic') return refuse('service-unavailable', '0045#18.1.1');
  if (disco.node !== undefined) return refuse('item-not-found', '0030#7');
  if (disco.kind === 'info')
    return turn.send(discoInfoResult(stanza, roomInfo(room, turn.distribution.traits)), '0045#6.4');
  // §6.5: who is in a public room may be seen by anybody; occupants see it in any case.
  const open = room.config.publicRoom || room.occupantByJid(stanza.from) !== undefined;
  const nicks = open ? [...room.occupants.keys()] : [];
  const items = listed(
    disco.query,
    nicks.map((nick) => {
      const jid = occupantJid(room.jid, nick);
      return { id: jid, element: writeDiscoItem({ jid, name: nick }) };
    }),
  );
  if ('kind' in items) return refuse(items.condition, items.spec);
  turn.send(iqResult(stanza, el('query', NS.discoItems, {}, ...items)), '0045#6.5');
}

function roomInfo(room: RoomView, { features, infoFields }: Traits) {
  const { config } = room;
  return {
    identity: { category: 'conference', type: 'text', ...(config.name === '' ? {} : { name: config.name }) },
    forms: [infoForm(room, infoFields?.(room) ?? [])],
    features: [
      NS.muc,
      NS.discoInfo,
      NS.ping,
      rsm,
      NS.sid,
      NS.selfPing,
      NS.occupantId,
      NS.stableId,
      'http://jabber.org/protocol/muc#request',
      moderateNs,
      ...retractFeatures,
      vcardNs,
      registerNs,
      ...(config.logging ? [mam] : []),
      room.whois === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous',
      config.moderated ? 'muc_moderated' : 'muc_unmoderated',
      config.membersOnly ? 'muc_membersonly' : 'muc_open',
      config.password === '' ? 'muc_unsecured' : 'muc_passwordprotected',
      config.persistent ? 'muc_persistent' : 'muc_temporary',
      config.publicRoom ? 'muc_public' : 'muc_hidden',
      ...features,
    ],
  };
}

/**
 * §6.4, XEP-0128: the extended information. Of the settings it has those that clients ask for before they enter, under the
 * names of the configuration form, and whether the subject can be changed under both names that are in use.
 */
function infoForm(room: RoomView, more: readonly Field[]) {
  const { config, occupants, subject } = room;
  const text = (name: string, label: string, value: string): Field => ({
    var: name,
    label,
    type: 'text-single',
    values: [value],
  });
  const avatars: Field = {
    var: 'muc#roominfo_avatarhash',
    label: 'Avatar hash',
    type: 'text-multi',
    values: config.avatars,
  };
  const flag = (name: string, label: string, value: boolean): Field => ({
    var: name,
    label,
    type: 'boolean',
    values: [value ? '1' : '0'],
  });
  return writeForm({
    type: 'result',
    formType: 'http://jabber.org/protocol/muc#roominfo',
    fields: [
      text('muc#roomconfig_roomname', 'Name', config.name),
      text('muc#roominfo_description', 'Description', config.description),
      text('muc#roominfo_subject', 'Subject', subject?.text ?? ''),
      flag('muc#roominfo_subjectmod', 'Subject can be changed by participants', config.changeSubject),
      flag('muc#roominfo_changesubject', 'Subject can be changed by participants', config.changeSubject),
      flag('muc#roomconfig_changesubject', 'Subject can be changed by participants', config.changeSubject),
      flag('muc#roomconfig_allowinvites', 'Members can invite others', config.allowInvites),
      text('muc#roomconfig_allowpm', 'Who can send private messages', config.allowPm),
      text('muc#roominfo_occupants', 'Number of occupants', String(occupants.size)),
      text('muc#roominfo_lang', 'Language of discussion', config.language),
      { var: 'muc#roominfo_contactjid', label: 'Contact addresses', type: 'jid-multi', values: contactsOf(room) },
      text('muc#roominfo_logs', 'URL of the archived discussions', config.logsUrl),
      text('muc#maxhistoryfetch', 'Maximum history messages', String(config.historyMax)),
      // XEP-0486 §3.3: only where there is one.
      ...(config.avatars.length === 0 ? [] : [avatars]),
      ...more,
    ],
  });
}

/** Owners that are named: more would not fit beside the rest, and nobody writes to them all. */
const contactsMax = 10;

/** The owners, if they want to be named. Decision #104. */
function contactsOf({ config, affiliations }: RoomView): readonly Jid[] {
  if (!config.ownersAreContacts) return [];
  const owners = [...affiliations].flatMap(([user, affiliation]) => (affiliation === 'owner' ? [user] : []));
  return owners.slice(0, contactsMax);
}
