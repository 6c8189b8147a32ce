import type { Distribution } from '../distribution/distribution.ts';
import { readForm, writeForm } from '../xep/xep0004.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, parseNick } from '../xmpp/jid.ts';
import { errorReply, iqResult, type Stanza } from '../xmpp/stanza.ts';
import { childOf, el, type XmlElement } from '../xmpp/xml.ts';
import { changeAffiliation } from './admin.ts';
import { nickIsAnothers } from './nick.ts';
import type { RoomView } from './state.ts';
import type { Turn } from './turn.ts';

export const registerNs = 'jabber:iq:register';
const registerForm = 'http://jabber.org/protocol/muc#register';

/** Registering with a room: membership and a nick of one's own. XEP-0045 §7.10. */
export function registerIq(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  stanza: Stanza,
  query: XmlElement,
): void {
  const refuse = (type: ErrorType, condition: Condition, text: string) =>
    turn.send(errorReply(stanza, stanzaError(type, condition, text)), '0045#7.10');
  const user = bareOf(stanza.from);
  const affiliation = room.affiliationOf(user);
  if (affiliation === 'outcast') return refuse('auth', 'forbidden', 'you are banned');
  const nick = room.reservedNicks.get(user);
  if (stanza.type === 'get') {
    if (nick !== undefined) {
      const registered = [el('registered', registerNs), el('username', registerNs, {}, nick)];
      return turn.send(iqResult(stanza, el('query', registerNs, {}, ...registered)), '0045#7.10');
    }
    if (!room.config.allowRegistration && affiliation === 'none')
      return refuse('cancel', 'not-allowed', 'this room takes no registrations');
    const field = { var: 'muc#register_roomnick', type: 'text-single', label: 'Desired Nickname', values: [] } as const;
    const form = writeForm({
      type: 'form',
      formType: registerForm,
      title: `Registration with ${room.jid}`,
      fields: [field],
    });
    return turn.send(iqResult(stanza, el('query', registerNs, {}, form)), '0045#7.10');
  }
  if (childOf(query, 'remove', registerNs)) {
    if (nick !== undefined) turn.record({ kind: 'nickReserved', room: room.jid, user, nick: undefined });
    if (affiliation === 'member') changeAffiliation(turn, room, distribution, user, 'none');
    return turn.send(iqResult(stanza), '0045#7.10');
  }
  const form = readForm(query);
  if (form?.type === 'cancel') return turn.send(iqResult(stanza), '0045#7.10');
  if (form?.type !== 'submit' || (form.formType ?? registerForm) !== registerForm)
    return refuse('modify', 'bad-request', 'a submitted form is needed');
  if (!room.config.allowRegistration && affiliation === 'none')
    return refuse('cancel', 'not-allowed', 'this room takes no registrations');
  const wanted = parseNick(form.fields.find((each) => each.var === 'muc#register_roomnick')?.values[0] ?? '');
  if (wanted === undefined) return refuse('modify', 'not-acceptable', 'muc#register_roomnick cannot be a nick');
  // §7.10: a nick that is another's, by registration or by use.
  if (nickIsAnothers(room, wanted, user)) return refuse('cancel', 'conflict', `${wanted} is another's nick`);
  turn.record({ kind: 'nickReserved', room: room.jid, user, nick: wanted });
  if (affiliation === 'none') changeAffiliation(turn, room, distribution, user, 'member');
  turn.send(iqResult(stanza), '0045#7.10');
}
