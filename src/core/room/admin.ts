import type { Distribution } from '../distribution/distribution.ts';
import { type Affiliation, affiliations, type Role, roles, writeMucUser } from '../xep/xep0045.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, parseJid, parseNick, partsOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, message, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';
import { initialRole } from './affiliation.ts';
import type { Occupant } from './event.ts';
import { invitation } from './invitation.ts';
import { nickIsAnothers } from './nick.ts';
import { leave, update } from './room.ts';
import type { RoomView } from './state.ts';
import { isElsewhere, tell } from './tell.ts';
import type { Turn } from './turn.ts';

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
  if (target.role === 'moderator' && !admin)
    return role === 'none'
      ? refusal('cancel', 'not-allowed', 'only admins kick moderators')
      : refusal('auth', 'forbidden', 'only admins unmake moderators');
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
  | {
      readonly kind: 'affiliation';
      readonly user: Jid;
      readonly affiliation: Affiliation;
      readonly reason?: string;
      /** Their reserved nick from now on (§9.3); empty: none (§9.5). */
      readonly nick?: string;
    };

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
  // §8.2, §8.3, §9.1, §9.3: those removed first, then the result, then what the others see of it.
  const later: (() => void)[] = [];
  for (const item of items) apply(turn, room, distribution, item, stanza.from, actor, later);
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
  const item = { kind: 'affiliation', user: bareOf(user), affiliation, ...reason } as const;
  if (address === undefined || nick === undefined || rank[affiliation] < rank.member) return item;
  if (nick === '') return { ...item, nick };
  if (prepared === undefined) return refusal('modify', 'jid-malformed', `${nick} cannot be a nick`);
  if (nickIsAnothers(room, prepared, item.user)) return refusal('cancel', 'conflict', `${nick} is another's nick`);
  return { ...item, nick: prepared };
}

function deny(room: RoomView, actor: Jid, item: Item): Refusal | undefined {
  const affiliation = room.affiliationOf(actor);
  if (item.kind === 'role' && isElsewhere(room, item.target))
    return refusal('cancel', 'not-allowed', 'they are in by another node, which decides about them');
  if (item.kind === 'role') return mayChangeRole({ affiliation, role: roleOf(room, actor) }, item.target, item.role);
  // §9.1: nobody bans themselves.
  if (item.affiliation === 'outcast' && item.user === bareOf(actor))
    return refusal('cancel', 'conflict', 'you cannot ban yourself');
  return mayChangeAffiliation(affiliation, room.affiliationOf(item.user), item.affiliation);
}

/** §8, §9: the bare JID counts: admins need not be in, and a moderator may act from another client. */
function roleOf(room: RoomView, user: Jid): Role {
  if (rank[room.affiliationOf(user)] >= rank.admin) return 'moderator';
  const inside = [...room.occupants.values()].filter(
    (occupant) => occupant.jid !== undefined && bareOf(occupant.jid) === bareOf(user) && !isElsewhere(room, occupant),
  );
  return inside.some(({ role }) => role === 'moderator') ? 'moderator' : (inside[0]?.role ?? 'none');
}

/** §10.4, §10.5: whether these changes would leave the room without an owner. */
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
  from: Jid,
  actor: string | undefined,
  later: (() => void)[],
): void {
  const by = {
    ...(actor === undefined ? {} : { actor }),
    ...(item.reason === undefined ? {} : { reason: item.reason }),
  };
  if (item.kind === 'affiliation') {
    const before = room.affiliationOf(item.user);
    const inside = [...room.occupants.values()].some(({ jid }) => jid !== undefined && bareOf(jid) === item.user);
    changeAffiliation(turn, room, distribution, item.user, item.affiliation, by, later);
    if (item.nick !== undefined && (item.nick !== '' || room.reservedNicks.has(item.user)))
      turn.record({ kind: 'nickReserved', room: room.jid, user: item.user, nick: item.nick || undefined });
    if (before !== item.affiliation && !inside)
      later.push(() => tellAbsent(turn, room, item.user, before, from, actor));
    return;
  }
  const target = room.occupants.get(item.target.nick);
  if (target === undefined || target.role === item.role) return;
  if (item.role === 'none')
    leave(turn, room, distribution, target, { statuses: [307], item: by, payloads: [] }, { later });
  else update(turn, room, distribution, { ...target, role: item.role }, { item: by }, later);
}

/**
 * A user who is not in learns of a new affiliation: by an invitation where it lets them into a members-only room (§9.5),
 * else by a message with status 101 (§18.1).
 */
function tellAbsent(
  turn: Turn,
  room: RoomView,
  user: Jid,
  before: Affiliation,
  from: Jid,
  actor: string | undefined,
): void {
  const affiliation = room.affiliationOf(user);
  // A whole domain is nobody to write to.
  if (partsOf(user).local === '') return;
  const inviter = actor === undefined ? bareOf(from) : occupantJid(room.jid, actor);
  if (room.config.membersOnly && rank[before] === rank.none && rank[affiliation] >= rank.member)
    return turn.send(invitation(room, user, inviter, turn.env.newId()), '0045#9.5');
  const x = writeMucUser({ affiliation, role: 'none', jid: user, statuses: [101] });
  turn.send(message(room.jid, user, { id: turn.env.newId() }, x), '0045#18.1');
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
  // What others must hear of that no presence says has a place of its own.
  const inside = [...room.occupants.values()].some(({ jid }) => jid !== undefined && bareOf(jid) === user);
  const told = !inside || before === 'outcast' || affiliation === 'outcast';
  const place = told ? { n: room.n + 1 } : {};
  turn.record({ kind: 'affiliationChanged', room: room.jid, ...place, user, affiliation });
  // §9.1: a banned user's nick is nobody's.
  if (affiliation === 'outcast' && room.reservedNicks.has(user))
    turn.record({ kind: 'nickReserved', room: room.jid, user, nick: undefined });
  // §9.2: a ban of a domain is one of all its users, but those with an affiliation of their own.
  const concerns = (jid: Jid) =>
    bareOf(jid) === user ||
    (affiliation === 'outcast' && domainOf(jid) === user && room.affiliationOf(jid) === 'outcast');
  const present = [...room.occupants.values()].filter(
    (occupant) => occupant.jid !== undefined && concerns(occupant.jid) && !isElsewhere(room, occupant),
  );
  const absent = present.length === 0;
  if (told) distribution.spread(turn, room, { kind: 'affiliated', user, affiliation, absent });
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
        later,
      );
  }
  if (!absent) return;
  const tellOthers = () => tell(turn, room, { kind: 'affiliated', user, affiliation, absent });
  if (later) later.push(tellOthers);
  else tellOthers();
}

/** §5.1.3: what rises with an affiliation, and what falls with one (which the XEP leaves to us: to the room's default). */
function roleAfter(room: RoomView, occupant: Occupant, before: Affiliation, affiliation: Affiliation): Role {
  const role = initialRole(affiliation, room.config);
  if (rank[affiliation] >= rank.admin) return 'moderator';
  if (rank[before] >= rank.admin) return role === 'visitor' ? 'participant' : role;
  return affiliation === 'member' && occupant.role === 'visitor' ? 'participant' : occupant.role;
}

/** §5.2.1 ***: in a room that hides JIDs, lists, which hold them, are for those who may change them. */
function mayReadList(
  room: RoomView,
  affiliation: Affiliation,
  occupant: Occupant | undefined,
  wanted: Affiliation,
): boolean {
  if (affiliation === 'owner') return true;
  if (affiliation === 'admin') return room.whois === 'anyone' || rank[wanted] < rank.admin;
  if (wanted === 'outcast' || room.whois !== 'anyone') return false;
  // §9.5: members may ask before they enter.
  return occupant === undefined ? affiliation === 'member' : room.config.memberList.includes(occupant.role);
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
      if (!mayReadList(room, affiliation, occupant, wanted))
        return refuse(refusal('auth', 'forbidden', `the ${wanted} list is not for you`), '0045#9.5');
      for (const [user, held] of room.affiliations) {
        if (held !== wanted) continue;
        const present = [...room.occupants.values()].find(
          (other) => other.jid !== undefined && bareOf(other.jid) === user,
        );
        // §17.4: no role here; §9.2: no nick of those banned. §9.5: an occupant's is the one in use, by which converse.js
        // calls them from then on.
        const nick = held === 'outcast' ? undefined : (present?.nick ?? room.reservedNicks.get(user));
        found.push(el('item', NS.mucAdmin, { affiliation: held, jid: user, nick }));
      }
    } else {
      if (role === 'moderator' && !admin)
        return refuse(refusal('auth', 'forbidden', 'the moderator list is for admins'), '0045#9.8');
      if (roleOf(room, stanza.from) !== 'moderator')
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
