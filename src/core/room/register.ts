import { readForm, writeForm } from '../xep/xep0004.ts';
import type { Affiliation } from '../xep/xep0045.ts';
import { bareOf, type Jid, parseNick } from '../xmpp/jid.ts';
import { iqResult, type Stanza } from '../xmpp/stanza.ts';
import { childOf, el, type XmlElement } from '../xmpp/xml.ts';
import { changesOfAffiliation } from './affiliation.ts';
import { listsAreFull } from './bounds.ts';
import type { Change } from './change.ts';
import { commitAll, decided } from './commit.ts';
import { nickIsAnothers } from './nick.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';

export const registerNs = 'jabber:iq:register';
const registerForm = 'http://jabber.org/protocol/muc#register';
const nickField = 'muc#register_roomnick';

/**
 * Why a user may not become a member by their own wish; undefined: they may, or are one. §7.10 has `not-allowed` for a user
 * who asks how, and leaves to us what one hears who does it: in a members-only room the same as who enters. Decision #100.
 */
function mayRegister({ config }: RoomView, affiliation: Affiliation, asks: boolean): Refusal | undefined {
  if (affiliation !== 'none') return undefined;
  if (!config.allowRegistration)
    return refusal('cancel', 'not-allowed', '0045#7.10', 'this room takes no registrations');
  if (!config.membersOnly || config.membersOnlyRegistration) return undefined;
  const text = 'only its admins make members of this room';
  return asks
    ? refusal('cancel', 'not-allowed', '0045#7.10', text)
    : refusal('auth', 'registration-required', '0045#7.2.6', text);
}

/** Registering with a room: membership and a nick of one's own. XEP-0045 §7.10. */
export function registerIq(turn: RoomTurn, stanza: Stanza, query: XmlElement): void {
  const { room } = turn;
  const user = bareOf(stanza.from);
  const affiliation = room.affiliationOf(user);
  if (affiliation === 'outcast')
    return refuse(turn, stanza, refusal('auth', 'forbidden', '0045#7.10', 'you are banned'));
  // §17.2: to others it is as if there were no such room yet.
  if (room.locked && affiliation !== 'owner')
    return refuse(turn, stanza, refusal('cancel', 'item-not-found', '0045#17.2', 'there is no such room'));
  const nick = room.reservedNicks.get(user);
  if (stanza.type === 'get') {
    if (nick !== undefined) {
      const registered = [el('registered', registerNs), el('username', registerNs, {}, nick)];
      return turn.send(iqResult(stanza, el('query', registerNs, {}, ...registered)), '0045#7.10');
    }
    const no = mayRegister(room, affiliation, true);
    if (no) return refuse(turn, stanza, no);
    const field = {
      var: nickField,
      type: 'text-single',
      label: 'Desired Nickname',
      required: true,
      values: [],
    } as const;
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
  const no = mayRegister(room, affiliation, false);
  if (no) return no;
  const wanted = parseNick(form.fields.find((each) => each.var === nickField)?.values[0] ?? '');
  if (wanted === undefined) return refusal('modify', 'not-acceptable', '0045#7.10', `${nickField} cannot be a nick`);
  // §7.10: another user has registered the nick, or uses it.
  if (nickIsAnothers(room, wanted, user))
    return refusal('cancel', 'conflict', '0045#7.10', `${wanted} is another's nick`);
  const full = listsAreFull(room, [user]);
  if (full) return full;
  const reserved: Change = { kind: 'registered', user, nick: wanted };
  return affiliation === 'none' ? [reserved, ...changesOfAffiliation(room, distribution, user, 'member')] : [reserved];
}
