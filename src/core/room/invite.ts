import { stanzaError, writeError } from '../xmpp/errors.ts';
import { bareOf, type Jid, occupantJid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, message, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, type XmlElement } from '../xmpp/xml.ts';
import { changesOfAffiliation } from './affiliation.ts';
import { listsAreFull } from './bounds.ts';
import { commit, commitAll, decided } from './commit.ts';
import type { Invitation, Occupant } from './event.ts';
import { invitation } from './invitation.ts';
import { isFor } from './invitations.ts';
import { asks } from './passed.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { passOn, refuse } from './tell.ts';
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
  // The inviter is named by the occupant JID: nobody need learn anything else (§7.8.2 allows all three).
  const from = occupantJid(room.jid, inviter.nick);
  for (const { to, element, named } of invitees) {
    const given = memberships(to);
    const member = given.length > 0 || room.invitations.entries.some((one) => one.member && isFor(one, to));
    commitAll(turn, given);
    const kept = childrenOf(element, 'reason', NS.mucUser).concat(childrenOf(element, 'continue', NS.mucUser));
    const id = stanza.id ?? turn.env.newId();
    const record: Invitation = {
      to,
      id,
      from,
      inviter: inviter.jid,
      ...(named ? { named } : {}),
      ...(member ? { member } : {}),
    };
    commit(turn, { kind: 'invited', invitation: record, stanza: invitation(room, to, from, id, kept) });
  }
}

interface Invitee {
  readonly to: Jid;
  readonly element: XmlElement;
  readonly named?: Jid;
}

interface Invitations {
  readonly inviter: Occupant & { readonly jid: Jid };
  readonly invitees: readonly Invitee[];
}

function checkInvitations(
  room: RoomView,
  inviter: Occupant | undefined,
  invites: readonly XmlElement[],
): Invitations | Refusal {
  if (inviter?.jid === undefined) return refusal('modify', 'not-acceptable', spec, 'only occupants invite');
  const admin = inviter.affiliation === 'owner' || inviter.affiliation === 'admin';
  // §7.8.2: an invitation into a members-only room gives a membership, so only those may invite who may give one.
  if (room.config.membersOnly && !admin && !room.config.allowInvites)
    return refusal('auth', 'forbidden', spec, 'only admins invite into this room');
  if (invites.length > invitesMax) return refusal('modify', 'policy-violation', spec, `at most ${invitesMax} at once`);
  const invitees: Invitee[] = [];
  for (const element of invites) {
    const address = parseJid(element.attrs['to'] ?? '');
    if (address === undefined)
      return refusal('modify', 'jid-malformed', spec, `"${element.attrs['to'] ?? ''}" is no JID`);
    const to = bareOf(address) === room.jid ? userMeant(room, address) : address;
    if (to === undefined) return refusal('modify', 'item-not-found', spec, `who is ${address}?`);
    invitees.push({ to, element, ...(to === address ? {} : { named: address }) });
  }
  const members = room.config.membersOnly ? invitees.map(({ to }) => bareOf(to)) : [];
  return listsAreFull(room, members) ?? { inviter: { ...inviter, jid: inviter.jid }, invitees };
}

/**
 * The invited says no. Decision #126: only of an invitation that they have, or the room would pass on anything to anybody. It
 * goes to the address that the invitation named as the inviter, or to a real one (§7.8.2).
 */
function declined(turn: RoomTurn, stanza: Stanza, decline: XmlElement): void {
  const { room } = turn;
  const named = parseJid(decline.attrs['to'] ?? '');
  if (named === undefined)
    return refuse(turn, stanza, refusal('modify', 'jid-malformed', spec, 'whose invitation is declined?'));
  const known = room.invitations.entries.find(
    (one) => isFor(one, stanza.from) && (named === one.from || named === one.inviter || named === bareOf(one.inviter)),
  );
  if (known === undefined)
    return refuse(turn, stanza, refusal('auth', 'forbidden', 'decision#126', 'you have no invitation of theirs'));
  commit(turn, { kind: 'uninvited', invitation: known });
  const said = el('decline', NS.mucUser, { from: bareOf(stanza.from) }, ...childrenOf(decline, 'reason', NS.mucUser));
  const x = el('x', NS.mucUser, {}, said);
  passOn(turn, message(room.jid, addressOf(room, known), { id: stanza.id }, x), asks(stanza), spec);
}

/** Where the inviter is now: in the room, perhaps from another client, or somewhere else. */
function addressOf(room: RoomView, { inviter }: Invitation): Jid {
  if (room.occupantByJid(inviter)) return inviter;
  const inside = [...room.occupants.values()].find(({ jid }) => jid !== undefined && bareOf(jid) === bareOf(inviter));
  return inside?.jid ?? bareOf(inviter);
}

/**
 * An invitation comes back: its inviter is told (§7.8.2: of an address that does not exist they get an error), and who is a
 * member by it alone is none any more. Decision #126.
 *
 * @returns whether it was one
 */
export function invitationBounced(turn: RoomTurn, stanza: Stanza): boolean {
  const { room, distribution } = turn;
  const known = room.invitations.entries.find((one) => one.id === stanza.id && isFor(one, stanza.from));
  if (known === undefined) return false;
  commit(turn, { kind: 'uninvited', invitation: known });
  const user = bareOf(known.to);
  const isMember = known.member && room.affiliationOf(user) === 'member' && !room.reservedNicks.has(user);
  if (isMember) commitAll(turn, changesOfAffiliation(room, distribution, user, 'none'));
  const invite = el('x', NS.mucUser, {}, el('invite', NS.mucUser, { to: known.named ?? known.to }));
  const { type, condition, text } = errorOf(stanza) ?? stanzaError('cancel', 'undefined-condition');
  // What a server says to an address that the inviter does not know may name it.
  const error = writeError(stanzaError(type, condition, known.named ? undefined : text));
  turn.send(message(room.jid, addressOf(room, known), { type: 'error', id: known.id }, invite, error), spec);
  return true;
}
