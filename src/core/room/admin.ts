import type { Distribution } from '../distribution/distribution.ts';
import { type Affiliation, affiliations, type Role, roles, writeMucUser } from '../xep/xep0045.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, type Jid, parseJid, parseNick } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, message, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';
import { initialRole } from './affiliation.ts';
import type { Occupant } from './event.ts';
import { leave, update } from './room.ts';
import type { RoomView } from './state.ts';
import { localOccupants } from './tell.ts';
import type { Turn } from './turn.ts';
import { maySeeJids } from './visibility.ts';

/** Rank of an affiliation: who is lower than another may not act on them (XEP-0045 §5.2.1). */
const rank: Readonly<Record<Affiliation, number>> = { owner: 4, admin: 3, member: 2, none: 1, outcast: 0 };

type Refusal = { readonly type: ErrorType; readonly condition: Condition; readonly text: string };
const refusal = (type: ErrorType, condition: Condition, text: string): Refusal => ({ type, condition, text });

/**
 * Whether a moderator may give an occupant this role: the role table of XEP-0045 §5.1.3 with §8.2 to §8.4, §9.6, §9.7.
 * `none` is a kick.
 */
export function mayChangeRole(
  actor: { readonly affiliation: Affiliation; readonly role: Role },
  target: { readonly affiliation: Affiliation; readonly role: Role },
  role: Role,
): Refusal | undefined {
  if (actor.role !== 'moderator') return refusal('auth', 'forbidden', 'only moderators change roles');
  if (rank[target.affiliation] > rank[actor.affiliation])
    return refusal('cancel', 'not-allowed', 'their affiliation is higher than yours');
  if (target.role === role) return undefined;
  const admin = rank[actor.affiliation] >= rank.admin;
  const privileged = rank[target.affiliation] >= rank.admin;
  // §8.4 and §9.7: nobody takes voice or moderator status from an admin or owner; they may be kicked by their equals.
  if (role !== 'none' && role !== 'moderator' && privileged)
    return refusal('cancel', 'not-allowed', 'admins and owners keep their role');
  // §9.6, §9.7: making and unmaking moderators is for admins; so is kicking one (§5.1.3).
  if (role === 'moderator' && !admin) return refusal('auth', 'forbidden', 'only admins make moderators');
  if (target.role === 'moderator' && !admin) return refusal('cancel', 'not-allowed', 'only admins act on moderators');
  // §8.4: voice is not taken by one whose affiliation is no higher.
  if (
    role === 'visitor' &&
    !admin &&
    rank[target.affiliation] >= rank[actor.affiliation] &&
    target.affiliation !== 'none'
  )
    return refusal('cancel', 'not-allowed', 'their affiliation is not lower than yours');
  return undefined;
}

/** Whether a user may give another this affiliation: the table of XEP-0045 §5.2.2 with §9.1 to §9.5 and §10.3 to §10.8. */
export function mayChangeAffiliation(
  actor: Affiliation,
  target: Affiliation,
  affiliation: Affiliation,
): Refusal | undefined {
  if (rank[actor] < rank.admin) return refusal('auth', 'forbidden', 'only admins and owners change affiliations');
  if (actor === 'owner') return undefined;
  if (rank[affiliation] >= rank.admin) return refusal('auth', 'forbidden', 'only owners make admins and owners');
  if (rank[target] >= rank.admin) return refusal('cancel', 'not-allowed', 'only owners change admins and owners');
  return undefined;
}

/** One `<item/>` of a request, checked. */
type Item =
  | { readonly kind: 'role'; readonly target: Occupant; readonly role: Role; readonly reason?: string }
  | { readonly kind: 'affiliation'; readonly user: Jid; readonly affiliation: Affiliation; readonly reason?: string };

/** IQs of the namespace muc#admin. XEP-0045 §8.2 to §8.5, §9, §10.3 to §10.8. All items of a request or none. */
export function adminIq(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  stanza: Stanza,
  query: XmlElement,
): void {
  const refuse = ({ type, condition, text }: Refusal, spec: string) =>
    turn.send(errorReply(stanza, stanzaError(type, condition, text), query), spec);
  const requested = childrenOf(query, 'item', NS.mucAdmin);
  if (requested.length === 0) return refuse(refusal('modify', 'bad-request', 'no item'), '0045#9');
  if (stanza.type === 'get') return list(turn, room, stanza, requested, refuse);
  const items: Item[] = [];
  for (const element of requested) {
    const item = readItem(room, element);
    if ('condition' in item) return refuse(item, '0045#9');
    const denied = deny(room, stanza.from, item);
    if (denied) return refuse(denied, item.kind === 'role' ? '0045#8.2' : '0045#9.1');
    items.push(item);
  }
  const lost = lostOwners(room, items);
  if (lost) return refuse(refusal('cancel', 'conflict', 'a room keeps at least one owner'), '0045#10.5');
  const actor = room.occupantByJid(stanza.from)?.nick;
  // §8.2, §9.1: those removed first, then the result, then the others.
  const later: (() => void)[] = [];
  for (const item of items) apply(turn, room, distribution, item, actor, later);
  turn.send(iqResult(stanza), '0045#9');
  for (const tellOthers of later) tellOthers();
}

function readItem(room: RoomView, element: XmlElement): Item | Refusal {
  const { nick, jid: address, role: roleText, affiliation: affiliationText } = element.attrs;
  const reasonElement = childOf(element, 'reason', NS.mucAdmin);
  const reason = reasonElement ? { reason: textOf(reasonElement) } : {};
  if (roleText !== undefined && affiliationText !== undefined)
    return refusal('modify', 'bad-request', 'role and affiliation in one item');
  const prepared = nick === undefined ? undefined : parseNick(nick);
  const byNick = prepared === undefined ? undefined : room.occupants.get(prepared);
  if (roleText !== undefined) {
    const role = roles.find((known) => known === roleText);
    if (role === undefined) return refusal('modify', 'bad-request', `there is no role ${roleText}`);
    const full = parseJid(address ?? '');
    const target = byNick ?? (full && room.occupantByJid(full));
    if (target === undefined)
      return refusal('cancel', 'item-not-found', `nobody here is called ${nick ?? address ?? ''}`);
    return { kind: 'role', target, role, ...reason };
  }
  const affiliation = affiliations.find((known) => known === affiliationText);
  if (affiliation === undefined)
    return refusal('modify', 'bad-request', `there is no affiliation ${affiliationText ?? '(none given)'}`);
  const user = address === undefined ? byNick?.jid : parseJid(address);
  if (user === undefined)
    return refusal(
      'modify',
      address === undefined ? 'item-not-found' : 'jid-malformed',
      `who is ${address ?? nick ?? 'it'}?`,
    );
  return { kind: 'affiliation', user: bareOf(user), affiliation, ...reason };
}

function deny(room: RoomView, actor: Jid, item: Item): Refusal | undefined {
  const affiliation = room.affiliationOf(actor);
  if (item.kind === 'role') {
    const occupant = room.occupantByJid(actor);
    return mayChangeRole({ affiliation, role: occupant?.role ?? 'none' }, item.target, item.role);
  }
  // §9.1: nobody bans themselves.
  if (item.affiliation === 'outcast' && item.user === bareOf(actor))
    return refusal('cancel', 'conflict', 'you cannot ban yourself');
  return mayChangeAffiliation(affiliation, room.affiliationOf(item.user), item.affiliation);
}

/** §10.5, §10.6: whether these changes would leave the room without an owner. */
function lostOwners(room: RoomView, items: readonly Item[]): boolean {
  const owners = new Set([...room.affiliations].filter(([, held]) => held === 'owner').map(([user]) => user));
  if (owners.size === 0) return false;
  for (const item of items) {
    if (item.kind !== 'affiliation') continue;
    if (item.affiliation === 'owner') owners.add(item.user);
    else owners.delete(item.user);
  }
  return owners.size === 0;
}

function apply(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  item: Item,
  actor: string | undefined,
  later: (() => void)[],
): void {
  const by = {
    ...(actor === undefined ? {} : { actor }),
    ...(item.reason === undefined ? {} : { reason: item.reason }),
  };
  if (item.kind === 'affiliation')
    return changeAffiliation(turn, room, distribution, item.user, item.affiliation, by, later);
  const target = room.occupants.get(item.target.nick);
  if (target === undefined || target.role === item.role) return;
  if (item.role === 'none')
    leave(turn, room, distribution, target, { statuses: [307], item: by, payloads: [] }, { later });
  else update(turn, room, distribution, { ...target, role: item.role }, { item: by });
}

/**
 * Gives a user an affiliation, and their occupants what follows from it: out with 301 (banned, §9.1) or 321 (no longer a
 * member of a members-only room, §9.4), else the role that goes with it. To those who are not in, only others are told.
 */
export function changeAffiliation(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  user: Jid,
  affiliation: Affiliation,
  by: { readonly actor?: string; readonly reason?: string } = {},
  later?: (() => void)[],
): void {
  const before = room.affiliationOf(user);
  if (before === affiliation) return;
  turn.record({ kind: 'affiliationChanged', room: room.jid, user, affiliation });
  const present = [...room.occupants.values()].filter(
    (occupant) => occupant.jid !== undefined && bareOf(occupant.jid) === user,
  );
  for (const occupant of present) {
    if (affiliation === 'outcast')
      leave(
        turn,
        room,
        distribution,
        { ...occupant, affiliation },
        { statuses: [301], item: by, payloads: [] },
        later ? { later } : {},
      );
    else if (affiliation === 'none' && room.config.membersOnly)
      leave(
        turn,
        room,
        distribution,
        { ...occupant, affiliation },
        { statuses: [321], item: by, payloads: [] },
        later ? { later } : {},
      );
    else
      update(
        turn,
        room,
        distribution,
        { ...occupant, affiliation, role: roleAfter(room, occupant, before, affiliation) },
        { item: by },
      );
  }
  if (present.length > 0) return;
  // §9.3 and others: "the service MAY send a message": to those who may know whose it is.
  const x = writeMucUser({ affiliation, role: 'none', jid: user, statuses: [] });
  for (const viewer of localOccupants(room)) {
    if (maySeeJids(room, viewer)) turn.send(message(room.jid, viewer.jid, { id: turn.env.newId() }, x), '0045#9.3');
  }
}

/** §5.1.3: what rises with an affiliation, and what falls with one (which the XEP leaves to us: to the room's default). */
function roleAfter(room: RoomView, occupant: Occupant, before: Affiliation, affiliation: Affiliation): Role {
  const role = initialRole(affiliation, room.config);
  if (rank[affiliation] >= rank.admin) return 'moderator';
  if (rank[before] >= rank.admin) return role === 'visitor' ? 'participant' : role;
  return affiliation === 'member' && occupant.role === 'visitor' ? 'participant' : occupant.role;
}

/** §8.5, §9.2, §9.5, §9.8, §10.5, §10.8: a list, for those entitled to it. */
function list(
  turn: Turn,
  room: RoomView,
  stanza: Stanza,
  requested: readonly XmlElement[],
  refuse: (refusal: Refusal, spec: string) => void,
): void {
  const affiliation = room.affiliationOf(stanza.from);
  const occupant = room.occupantByJid(stanza.from);
  const admin = rank[affiliation] >= rank.admin;
  const found: XmlElement[] = [];
  for (const { attrs } of requested) {
    const wanted = affiliations.find((known) => known === attrs['affiliation']);
    const role = roles.find((known) => known === attrs['role']);
    if ((wanted === undefined) === (role === undefined))
      return refuse(refusal('modify', 'bad-request', 'ask for one affiliation or one role'), '0045#9');
    if (wanted !== undefined) {
      // §5.2.1 ***: in a room that hides JIDs the lists, which hold them, are for admins.
      const entitled =
        admin ||
        (wanted !== 'outcast' &&
          room.whois === 'anyone' &&
          occupant !== undefined &&
          room.config.memberList.includes(occupant.role));
      if (!entitled) return refuse(refusal('auth', 'forbidden', `the ${wanted} list is not for you`), '0045#9.5');
      for (const [user, held] of room.affiliations) {
        if (held !== wanted) continue;
        const present = [...room.occupants.values()].find(
          (other) => other.jid !== undefined && bareOf(other.jid) === user,
        );
        const nick = room.reservedNicks.get(user) ?? present?.nick;
        found.push(
          el('item', NS.mucAdmin, { affiliation: held, jid: user, nick, ...(present ? { role: present.role } : {}) }),
        );
      }
    } else {
      if (!admin && occupant?.role !== 'moderator')
        return refuse(refusal('auth', 'forbidden', 'role lists are for moderators'), '0045#8.5');
      for (const other of room.occupants.values()) {
        if (other.role !== role) continue;
        const { nick, affiliation: held, jid } = other;
        found.push(el('item', NS.mucAdmin, { nick, role: other.role, affiliation: held, jid }));
      }
    }
  }
  turn.send(iqResult(stanza, el('query', NS.mucAdmin, {}, ...found)), '0045#9.5');
}
