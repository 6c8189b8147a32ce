import { bareOf, type Jid, occupantJid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { message, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, type XmlElement } from '../xmpp/xml.ts';
import { changesOfAffiliation } from './affiliation.ts';
import { commitAll, decided } from './commit.ts';
import type { Occupant } from './event.ts';
import { invitation } from './invitation.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';
import { userMeant } from './user-meant.ts';

/** Invitations that one message may carry. */
const invitesMax = 20;

const spec = '0045#7.8.2';

/**
 * Mediated invitations and their refusals. XEP-0045 §7.8.2.
 *
 * @returns whether the message was one
 */
export function mediate(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza): boolean {
  const x = payloadOf(stanza, 'x', NS.mucUser);
  if (!x || (stanza.type !== undefined && stanza.type !== 'normal')) return false;
  const invites = childrenOf(x, 'invite', NS.mucUser);
  const decline = childOf(x, 'decline', NS.mucUser);
  if (invites.length > 0) invite(turn, occupant, stanza, invites);
  else if (decline) declined(turn, stanza, decline);
  else return false;
  return true;
}

function invite(turn: RoomTurn, occupant: Occupant | undefined, stanza: Stanza, invites: readonly XmlElement[]): void {
  const { room, distribution } = turn;
  const checked = checkInvitations(room, occupant, invites);
  if ('kind' in checked) return refuse(turn, stanza, checked);
  const { inviter, invitees } = checked;
  const memberships = (to: Jid) =>
    room.config.membersOnly && room.affiliationOf(to) === 'none'
      ? changesOfAffiliation(room, distribution, bareOf(to), 'member')
      : [];
  if (
    !decided(
      turn,
      stanza,
      invitees.flatMap(({ to }) => memberships(to)),
    )
  )
    return;
  for (const { to, element } of invitees) {
    commitAll(turn, memberships(to));
    // The inviter is named by the occupant JID: nobody need learn anything else (§7.8.2 allows all three).
    const kept = childrenOf(element, 'reason', NS.mucUser).concat(childrenOf(element, 'continue', NS.mucUser));
    turn.send(invitation(room, to, occupantJid(room.jid, inviter.nick), stanza.id, kept), spec);
  }
}

interface Invitations {
  readonly inviter: Occupant;
  readonly invitees: readonly { readonly to: Jid; readonly element: XmlElement }[];
}

function checkInvitations(
  room: RoomView,
  inviter: Occupant | undefined,
  invites: readonly XmlElement[],
): Invitations | Refusal {
  if (inviter === undefined) return refusal('modify', 'not-acceptable', spec, 'only occupants invite');
  const admin = inviter.affiliation === 'owner' || inviter.affiliation === 'admin';
  // §7.8.2: an invitation into a members-only room gives a membership, so only those may invite who may give one.
  if (room.config.membersOnly && !admin && !room.config.allowInvites)
    return refusal('auth', 'forbidden', spec, 'only admins invite into this room');
  if (invites.length > invitesMax) return refusal('modify', 'policy-violation', spec, `at most ${invitesMax} at once`);
  const invitees: { readonly to: Jid; readonly element: XmlElement }[] = [];
  for (const element of invites) {
    const address = parseJid(element.attrs['to'] ?? '');
    if (address === undefined)
      return refusal('modify', 'jid-malformed', spec, `"${element.attrs['to'] ?? ''}" is no JID`);
    const to = bareOf(address) === room.jid ? userMeant(room, address) : address;
    if (to === undefined) return refusal('modify', 'item-not-found', spec, `who is ${address}?`);
    invitees.push({ to, element });
  }
  return { inviter, invitees };
}

/** The refusal goes to the address that the invitation named as the inviter: an occupant JID of ours, or a real one. */
function declined(turn: RoomTurn, stanza: Stanza, decline: XmlElement): void {
  const { room } = turn;
  const to = parseJid(decline.attrs['to'] ?? '');
  if (to === undefined)
    return refuse(turn, stanza, refusal('modify', 'jid-malformed', spec, 'whose invitation is declined?'));
  const nick = bareOf(to) === room.jid ? to.slice(room.jid.length + 1) : undefined;
  const inviter =
    nick === undefined
      ? [...room.occupants.values()].find(({ jid }) => jid === to || (jid !== undefined && bareOf(jid) === to))
      : room.occupants.get(nick);
  // Only to an occupant: otherwise the room would pass on anything to anybody.
  if (inviter?.jid === undefined)
    return refuse(turn, stanza, refusal('cancel', 'item-not-found', spec, 'the inviter is not here'));
  const said = el('decline', NS.mucUser, { from: bareOf(stanza.from) }, ...childrenOf(decline, 'reason', NS.mucUser));
  turn.send(message(room.jid, inviter.jid, { id: stanza.id }, el('x', NS.mucUser, {}, said)), spec);
}
