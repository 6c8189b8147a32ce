import type { Distribution } from '../distribution/distribution.ts';
import { type Form, readBoolean, readForm, writeForm } from '../xep/xep0004.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { parseNick } from '../xmpp/jid.ts';
import { errorReply, message, type Stanza } from '../xmpp/stanza.ts';
import type { Occupant } from './event.ts';
import { update } from './room.ts';
import type { RoomView } from './state.ts';
import { addressable, isElsewhere } from './tell.ts';
import type { Turn } from './turn.ts';

const requestForm = 'http://jabber.org/protocol/muc#request';

/**
 * Requests for voice (XEP-0045 §7.13) and their approval (§8.6).
 *
 * @returns whether the message was one
 */
export function voice(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant | undefined,
  stanza: Stanza,
): boolean {
  if (stanza.type !== undefined && stanza.type !== 'normal') return false;
  const form = readForm({ children: stanza.payloads });
  if (form?.type !== 'submit' || form.formType !== requestForm) return false;
  const refuse = (type: ErrorType, condition: Condition, text: string) =>
    turn.send(errorReply(stanza, stanzaError(type, condition, text)), '0045#7.13');
  if (occupant === undefined) refuse('modify', 'not-acceptable', 'only occupants ask for voice');
  else if (fieldOf(form, 'muc#request_allow') !== undefined) approve(turn, room, distribution, occupant, form, refuse);
  else if (fieldOf(form, 'muc#role') !== 'participant') refuse('modify', 'bad-request', 'muc#role is participant');
  else if (room.config.moderated && occupant.role === 'visitor') ask(turn, room, occupant);
  else refuse('cancel', 'not-allowed', 'you have voice');
  return true;
}

function fieldOf(form: Form, name: string): string | undefined {
  return form.fields.find((field) => field.var === name)?.values[0];
}

function ask(turn: Turn, room: RoomView, occupant: Occupant): void {
  const fields = [
    {
      var: 'muc#role',
      type: 'list-single',
      label: 'Requested role',
      values: ['participant'],
      options: [['participant', 'Participant']],
    },
    { var: 'muc#jid', type: 'jid-single', label: 'User ID', values: occupant.jid === undefined ? [] : [occupant.jid] },
    { var: 'muc#roomnick', type: 'text-single', label: 'Room Nickname', values: [occupant.nick] },
    { var: 'muc#request_allow', type: 'boolean', label: 'Grant voice to this person?', values: ['0'] },
  ] as const;
  const form = writeForm({ type: 'form', formType: requestForm, title: 'Voice request', fields });
  for (const moderator of addressable(room)) {
    if (moderator.role === 'moderator')
      turn.send(message(room.jid, moderator.jid, { id: turn.env.newId() }, form), '0045#8.6');
  }
}

function approve(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  moderator: Occupant,
  form: Form,
  refuse: (type: ErrorType, condition: Condition, text: string) => void,
): void {
  if (moderator.role !== 'moderator') return refuse('auth', 'forbidden', 'only moderators give voice');
  const allowed = readBoolean([fieldOf(form, 'muc#request_allow') ?? '']);
  const target = room.occupants.get(parseNick(fieldOf(form, 'muc#roomnick') ?? '') ?? '');
  if (target === undefined) return refuse('cancel', 'item-not-found', 'nobody here has that nick');
  if (isElsewhere(room, target)) return refuse('cancel', 'not-allowed', 'they are in by another node');
  if (allowed && target.role === 'visitor') update(turn, room, distribution, { ...target, role: 'participant' });
}
