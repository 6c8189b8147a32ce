import { readForm, writeForm } from '../xep/xep0004.ts';
import { bareOf, type Jid, parseNick } from '../xmpp/jid.ts';
import { iqResult, type Stanza } from '../xmpp/stanza.ts';
import { childOf, el, type XmlElement } from '../xmpp/xml.ts';
import { changesOfAffiliation } from './affiliation.ts';
import type { Change } from './change.ts';
import { commitAll, decided } from './commit.ts';
import { nickIsAnothers } from './nick.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';

export const registerNs = 'jabber:iq:register';
const registerForm = 'http://jabber.org/protocol/muc#register';

const closed = refusal('cancel', 'not-allowed', '0045#7.10', 'this room takes no registrations');

/** Registering with a room: membership and a nick of one's own. XEP-0045 §7.10. */
export function registerIq(turn: RoomTurn, stanza: Stanza, query: XmlElement): void {
  const { room } = turn;
  const user = bareOf(stanza.from);
  const affiliation = room.affiliationOf(user);
  if (affiliation === 'outcast')
    return refuse(turn, stanza, refusal('auth', 'forbidden', '0045#7.10', 'you are banned'));
  const nick = room.reservedNicks.get(user);
  if (stanza.type === 'get') {
    if (nick !== undefined) {
      const registered = [el('registered', registerNs), el('username', registerNs, {}, nick)];
      return turn.send(iqResult(stanza, el('query', registerNs, {}, ...registered)), '0045#7.10');
    }
    if (!room.config.allowRegistration && affiliation === 'none') return refuse(turn, stanza, closed);
    const field = { var: 'muc#register_roomnick', type: 'text-single', label: 'Desired Nickname', values: [] } as const;
    const form = writeForm({
      type: 'form',
      formType: registerForm,
      title: `Registration with ${room.jid}`,
      fields: [field],
    });
    return turn.send(iqResult(stanza, el('query', registerNs, {}, form)), '0045#7.10');
  }
  const changes = checkRegistration(room, turn.distribution, user, query);
  if ('kind' in changes) return refuse(turn, stanza, changes);
  if (!decided(turn, stanza, changes)) return;
  commitAll(turn, changes);
  turn.send(iqResult(stanza), '0045#7.10');
}

/** What a registration changes, or the end of one. */
function checkRegistration(
  room: RoomView,
  distribution: Distribution,
  user: Jid,
  query: XmlElement,
): readonly Change[] | Refusal {
  const affiliation = room.affiliationOf(user);
  const nick = room.reservedNicks.get(user);
  if (childOf(query, 'remove', registerNs)) {
    const freed: readonly Change[] = nick === undefined ? [] : [{ kind: 'registered', user, nick: undefined }];
    return affiliation === 'member' ? [...freed, ...changesOfAffiliation(room, distribution, user, 'none')] : freed;
  }
  const form = readForm(query);
  if (form?.type === 'cancel') return [];
  if (form?.type !== 'submit' || (form.formType ?? registerForm) !== registerForm)
    return refusal('modify', 'bad-request', '0045#7.10', 'a submitted form is needed');
  if (!room.config.allowRegistration && affiliation === 'none') return closed;
  const wanted = parseNick(form.fields.find((each) => each.var === 'muc#register_roomnick')?.values[0] ?? '');
  if (wanted === undefined)
    return refusal('modify', 'not-acceptable', '0045#7.10', 'muc#register_roomnick cannot be a nick');
  // §7.10: another user has registered the nick, or uses it.
  if (nickIsAnothers(room, wanted, user))
    return refusal('cancel', 'conflict', '0045#7.10', `${wanted} is another's nick`);
  const reserved: Change = { kind: 'registered', user, nick: wanted };
  return affiliation === 'none' ? [reserved, ...changesOfAffiliation(room, distribution, user, 'member')] : [reserved];
}
