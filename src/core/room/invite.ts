import type { Distribution } from '../distribution/distribution.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, occupantJid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, message, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, type XmlElement } from '../xmpp/xml.ts';
import { changeAffiliation } from './admin.ts';
import type { Occupant } from './event.ts';
import { invitation } from './invitation.ts';
import type { RoomView } from './state.ts';
import type { Turn } from './turn.ts';

/** Invitations that one message may carry. */
const invitesMax = 20;

/**
 * Mediated invitations and their refusals. XEP-0045 §7.8.2.
 *
 * @returns whether the message was one
 */
export function mediate(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant | undefined,
  stanza: Stanza,
): boolean {
  const x = payloadOf(stanza, 'x', NS.mucUser);
  if (!x || (stanza.type !== undefined && stanza.type !== 'normal')) return false;
  const invites = childrenOf(x, 'invite', NS.mucUser);
  const decline = childOf(x, 'decline', NS.mucUser);
  const refuse = (type: ErrorType, condition: Condition, text: string) =>
    turn.send(errorReply(stanza, stanzaError(type, condition, text)), '0045#7.8.2');
  if (invites.length > 0) invite(turn, room, distribution, occupant, stanza, invites, refuse);
  else if (decline) declined(turn, room, stanza, decline, refuse);
  else return false;
  return true;
}

type Refuse = (type: ErrorType, condition: Condition, text: string) => void;

function invite(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  occupant: Occupant | undefined,
  stanza: Stanza,
  invites: readonly XmlElement[],
  refuse: Refuse,
): void {
  if (occupant === undefined) return refuse('modify', 'not-acceptable', 'only occupants invite');
  const admin = occupant.affiliation === 'owner' || occupant.affiliation === 'admin';
  // §7.8.2: into a members-only room an invitation is a membership, so it is for those who may give one.
  if (room.config.membersOnly && !admin && !room.config.allowInvites)
    return refuse('auth', 'forbidden', 'only admins invite into this room');
  if (invites.length > invitesMax) return refuse('modify', 'policy-violation', `at most ${invitesMax} at once`);
  const invitees = invites.map((element) => parseJid(element.attrs['to'] ?? ''));
  for (const [i, to] of invitees.entries()) {
    if (to === undefined) return refuse('modify', 'jid-malformed', `"${invites[i]?.attrs['to'] ?? ''}" is no JID`);
  }
  for (const [i, to] of invitees.entries()) {
    const element = invites[i];
    if (to === undefined || element === undefined) continue;
    if (room.config.membersOnly && room.affiliationOf(to) === 'none')
      changeAffiliation(turn, room, distribution, bareOf(to), 'member');
    // Who invites is named by the occupant JID: the room's members need not learn anything else (§7.8.2 allows all three).
    const kept = childrenOf(element, 'reason', NS.mucUser).concat(childrenOf(element, 'continue', NS.mucUser));
    turn.send(invitation(room, to, occupantJid(room.jid, occupant.nick), stanza.id, kept), '0045#7.8.2');
  }
}

/** The refusal goes to whom the invitation named: an occupant JID of ours, or an address. */
function declined(turn: Turn, room: RoomView, stanza: Stanza, decline: XmlElement, refuse: Refuse): void {
  const to = parseJid(decline.attrs['to'] ?? '');
  if (to === undefined) return refuse('modify', 'jid-malformed', 'whose invitation is declined?');
  const nick = bareOf(to) === room.jid ? to.slice(room.jid.length + 1) : undefined;
  const inviter =
    nick === undefined
      ? [...room.occupants.values()].find(({ jid }) => jid === to || (jid !== undefined && bareOf(jid) === to))
      : room.occupants.get(nick);
  // Only to someone in the room: else the room would pass on anything to anybody.
  if (inviter?.jid === undefined) return refuse('cancel', 'item-not-found', 'the inviter is not here');
  const said = el('decline', NS.mucUser, { from: bareOf(stanza.from) }, ...childrenOf(decline, 'reason', NS.mucUser));
  turn.send(message(room.jid, inviter.jid, { id: stanza.id }, el('x', NS.mucUser, {}, said)), '0045#7.8.2');
}
