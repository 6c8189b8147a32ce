import { type Form, readBoolean, readForm, writeForm } from '../xep/xep0004.ts';
import { parseNick } from '../xmpp/jid.ts';
import { message, type Stanza } from '../xmpp/stanza.ts';
import type { Change } from './change.ts';
import { submit } from './commit.ts';
import type { Occupant } from './event.ts';
import { asks } from './passed.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { addressable, passOn, refuse } from './tell.ts';

const requestForm = 'http://jabber.org/protocol/muc#request';

const spec = '0045#7.13';

/**
 * Requests for voice (XEP-0045 §7.13) and their approval (§8.6).
 *
 * @returns whether the message was one
 */
export function voice(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): boolean {
  if (stanza.type !== undefined && stanza.type !== 'normal') return false;
  const form = readForm({ children: stanza.payloads });
  if (form?.type !== 'submit' || form.formType !== requestForm) return false;
  const { room, distribution } = turn;
  if (occupant !== undefined && form.fields.some(({ var: name }) => name === 'muc#request_allow')) {
    const change = checkApproval(room, distribution, occupant, form);
    if (change) submit(turn, stanza, change);
    return true;
  }
  const no = checkRequest(room, occupant, form);
  if (no) refuse(turn, stanza, no);
  else if (occupant) ask(turn, occupant, stanza);
  return true;
}

function fieldOf(form: Form, name: string): string | undefined {
  return form.fields.find((field) => field.var === name)?.values[0];
}

/** Why a user may not ask for voice; undefined: they may. §7.13. */
function checkRequest(room: RoomView, occupant: Occupant | undefined, form: Form): Refusal | undefined {
  if (occupant === undefined) return refusal('modify', 'not-acceptable', spec, 'only occupants ask for voice');
  if (fieldOf(form, 'muc#role') !== 'participant')
    return refusal('modify', 'bad-request', spec, 'muc#role is participant');
  if (!room.config.moderated || occupant.role !== 'visitor')
    return refusal('cancel', 'not-allowed', spec, 'you have voice');
  return undefined;
}

/** §8.6: to all moderators. Decision #124: the user is told if none of them can be asked. */
function ask(turn: RoomTurn, occupant: Occupant, stanza: Stanza): void {
  const { room } = turn;
  const moderators = addressable(room, turn.distribution).filter(({ role }) => role === 'moderator');
  if (moderators.length === 0)
    return refuse(turn, stanza, refusal('wait', 'recipient-unavailable', 'decision#124', 'no moderator is here'));
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
  const asked = asks(stanza);
  for (const { jid } of moderators)
    passOn(turn, message(room.jid, jid, { id: turn.env.newId() }, form), asked, '0045#8.6');
}

/** §8.6. @returns undefined where the moderator says no, or they have voice */
function checkApproval(
  room: RoomView,
  { traits }: Distribution,
  moderator: Occupant,
  form: Form,
): Change | Refusal | undefined {
  if (moderator.role !== 'moderator') return refusal('auth', 'forbidden', spec, 'only moderators give voice');
  const allowed = readBoolean([fieldOf(form, 'muc#request_allow') ?? '']);
  const target = room.occupants.get(parseNick(fieldOf(form, 'muc#roomnick') ?? '') ?? '');
  if (target === undefined) return refusal('cancel', 'item-not-found', spec, 'nobody here has that nick');
  if (!traits.decidesAbout(target)) return refusal('cancel', 'not-allowed', spec, 'they are in by another node');
  return allowed && target.role === 'visitor'
    ? { kind: 'presence', occupant: { ...target, role: 'participant' }, parts: {} }
    : undefined;
}
