import { type Affiliation, affiliations, type Role, roles, writeMucUser } from '../xep/xep0045.ts';
import { bareOf, type Jid, occupantJid, parseJid, parseNick, partsOf, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { iqResult, message, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';
import { changesOfAffiliation, mayChangeAffiliation, mayChangeRole, rank, toldOf } from './affiliation.ts';
import { listsAreFull } from './bounds.ts';
import type { Change } from './change.ts';
import { commit, commitAll, decided } from './commit.ts';
import type { Actor, Occupant } from './event.ts';
import { invitation } from './invitation.ts';
import { list, listedNick, roleOf } from './lists.ts';
import { nickIsAnothers } from './nick.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';
import { userMeant } from './user-meant.ts';

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

/**
 * Characters of a reason: that of a ban is kept, and all of them are told together (§9.2). Any of them goes along with a
 * whole presence, which may be as large as a stanza gets (decision #120).
 */
const reasonMax = 1000;

/** IQs of the namespace muc#admin. XEP-0045 §8.2 to §8.5, §9, §10.3 to §10.8. Either all items of a request happen, or none. */
export function adminIq(turn: RoomTurn, stanza: Stanza, query: XmlElement): void {
  const { room, distribution } = turn;
  const requested = childrenOf(query, 'item', NS.mucAdmin);
  const checked =
    stanza.type === 'get' && requested.length > 0
      ? list(turn, stanza, query, requested)
      : checkItems(room, distribution, stanza.from, requested);
  if (checked === undefined) return;
  if ('kind' in checked) return refuse(turn, stanza, checked, query);
  const actor = actorOf(room, stanza.from);
  const changesOf = (item: Item) => changesOfItem(room, distribution, item, actor);
  if (!decided(turn, stanza, checked.flatMap(changesOf))) return;
  // §8.2, §8.3, §9.1, §9.3: first those who are removed hear, then comes the result, then the others hear.
  const later: (() => void)[] = [];
  for (const item of checked) {
    const absent = item.kind === 'affiliation' && isAbsent(room, item) ? item.user : undefined;
    const before = room.affiliationOf(absent ?? stanza.from);
    // Each is checked against what the ones before it left.
    commitAll(turn, changesOf(item), { later });
    if (absent !== undefined) later.push(() => tellAbsent(turn, absent, before, { ...actor, ...reasonOf(item) }));
  }
  turn.send(iqResult(stanza), '0045#9');
  for (const tellOthers of later) tellOthers();
}

/** Who acts: their nick, if they are in, from whichever client; and their address. */
function actorOf(room: RoomView, from: Jid): Actor & { readonly actorJid: Jid } {
  const user = bareOf(from);
  const isTheirs = ({ jid }: Occupant) => jid !== undefined && bareOf(jid) === user;
  const nick = (room.occupantByJid(from) ?? [...room.occupants.values()].find(isTheirs))?.nick;
  return { actorJid: user, ...(nick === undefined ? {} : { actor: nick }) };
}

function reasonOf({ reason }: Item): Pick<Actor, 'reason'> {
  return reason === undefined ? {} : { reason };
}

/** Whether the user whose affiliation changes is not in, and so hears of it in no other way. */
function isAbsent(room: RoomView, { user, affiliation }: Extract<Item, { kind: 'affiliation' }>): boolean {
  if (room.affiliationOf(user) === affiliation) return false;
  for (const { jid } of room.occupants.values()) if (jid !== undefined && bareOf(jid) === user) return false;
  return true;
}

/** The changes that are asked for, if all of them may happen. */
function checkItems(
  room: RoomView,
  distribution: Distribution,
  actor: Jid,
  requested: readonly XmlElement[],
): readonly Item[] | Refusal {
  if (requested.length === 0) return refusal('modify', 'bad-request', '0045#9', 'no item');
  const items: Item[] = [];
  for (const element of requested) {
    const item = readItem(room, element);
    if (item.kind === 'refusal') return item;
    const denied = deny(room, distribution, actor, item);
    if (denied) return denied;
    items.push(item);
  }
  const added = items.flatMap((item) =>
    item.kind === 'affiliation' && item.affiliation !== 'none' ? [item.user] : [],
  );
  const full = listsAreFull(room, added);
  if (full) return full;
  return lostOwners(room, items)
    ? refusal('cancel', 'conflict', '0045#10.5', 'a room keeps at least one owner')
    : items;
}

/** What an item changes, as things are now. */
function changesOfItem(room: RoomView, distribution: Distribution, item: Item, actor: Actor): readonly Change[] {
  const by: Actor = { ...actor, ...reasonOf(item) };
  if (item.kind === 'affiliation') {
    const { user, affiliation, nick } = item;
    const changes = changesOfAffiliation(room, distribution, user, affiliation, by);
    if (nick === undefined || (nick === '' && !room.reservedNicks.has(user))) return changes;
    return [...changes, { kind: 'registered', user, nick: nick === '' ? undefined : nick }];
  }
  const target = room.occupants.get(item.target.nick);
  if (target === undefined || target.role === item.role) return [];
  const told = toldOf(room, by);
  if (item.role === 'none')
    return [{ kind: 'left', occupant: target, parts: { statuses: [307], item: told, payloads: [] } }];
  return [{ kind: 'presence', occupant: { ...target, role: item.role }, parts: { item: told } }];
}

function readItem(room: RoomView, element: XmlElement): Item | Refusal {
  const { nick, jid: address, role: roleText, affiliation: affiliationText } = element.attrs;
  const reasonElement = childOf(element, 'reason', NS.mucAdmin);
  const reason = reasonElement ? { reason: textOf(reasonElement) } : {};
  if ((reason.reason?.length ?? 0) > reasonMax)
    return refusal('modify', 'not-acceptable', '0045#9', `a reason has at most ${reasonMax} characters`);
  if (roleText !== undefined && affiliationText !== undefined)
    return refusal('modify', 'bad-request', '0045#9', 'role and affiliation in one item');
  const prepared = nick === undefined ? undefined : parseNick(nick);
  const byNick = prepared === undefined ? undefined : room.occupants.get(prepared);
  if (roleText !== undefined) {
    const role = roles.find((known) => known === roleText);
    if (role === undefined) return refusal('modify', 'bad-request', '0045#9', `there is no role ${roleText}`);
    const full = parseJid(address ?? '');
    const ofRoom = full !== undefined && bareOf(full) === room.jid;
    const target = byNick ?? (ofRoom ? room.occupants.get(resourceOf(full)) : full && room.occupantByJid(full));
    if (target === undefined)
      return refusal('cancel', 'item-not-found', '0045#9', `nobody here is called ${nick ?? address ?? ''}`);
    return { kind: 'role', target, role, ...reason };
  }
  const affiliation = affiliations.find((known) => known === affiliationText);
  if (affiliation === undefined)
    return refusal('modify', 'bad-request', '0045#9', `there is no affiliation ${affiliationText ?? '(none given)'}`);
  const named = address === undefined ? byNick?.jid : parseJid(address);
  const user = named && userMeant(room, named);
  if (user === undefined) {
    const isMalformed = address !== undefined && named === undefined;
    const condition = isMalformed ? 'jid-malformed' : 'item-not-found';
    return refusal('modify', condition, '0045#9', `who is ${address ?? nick ?? 'it'}?`);
  }
  const item = { kind: 'affiliation', user, affiliation, ...reason } as const;
  if (address === undefined || nick === undefined || rank[affiliation] < rank.member) return item;
  // As a list says it that is sent back.
  if (room.affiliationOf(user) === affiliation && prepared === listedNick(room, user)) return item;
  if (nick === '') return { ...item, nick };
  if (prepared === undefined) return refusal('modify', 'jid-malformed', '0045#9', `${nick} cannot be a nick`);
  if (nickIsAnothers(room, prepared, item.user))
    return refusal('cancel', 'conflict', '0045#9', `${nick} is another's nick`);
  return { ...item, nick: prepared };
}

/** Why this user may not do it, if so. §9.8, decision #107: a list that repeats what is so already asks for nothing. */
function deny(room: RoomView, distribution: Distribution, actor: Jid, item: Item): Refusal | undefined {
  const affiliation = room.affiliationOf(actor);
  if (item.kind === 'role') {
    const { target } = item;
    const role = roleOf(room, distribution, actor);
    if (target.role === item.role && role === 'moderator') return undefined;
    const { traits } = distribution;
    if (!traits.decidesAbout(target) && !(item.role === 'none' && traits.mayRemove(target)))
      return refusal(
        'cancel',
        'not-allowed',
        '0045#8.2',
        'they are in by another node, which decides about their role',
      );
    return mayChangeRole({ affiliation, role }, target, item.role);
  }
  // §9.1: nobody bans themselves.
  if (item.affiliation === 'outcast' && item.user === bareOf(actor))
    return refusal('cancel', 'conflict', '0045#9.1', 'you cannot ban yourself');
  const before = room.affiliationOf(item.user);
  const isRepeated = before === item.affiliation && item.nick === undefined && rank[affiliation] >= rank.admin;
  return isRepeated ? undefined : mayChangeAffiliation(affiliation, before, item.affiliation);
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

/**
 * A user who is not in learns of a new affiliation. If it lets them into a members-only room, an invitation tells them
 * (§9.5), else a message with status 101 does (§18.1).
 */
function tellAbsent(turn: RoomTurn, user: Jid, before: Affiliation, by: Actor & { readonly actorJid: Jid }): void {
  const { room } = turn;
  const { actor, actorJid, reason } = by;
  const affiliation = room.affiliationOf(user);
  // Nobody can write to a whole domain.
  if (partsOf(user).local === '') return;
  const inviter = actor === undefined ? actorJid : occupantJid(room.jid, actor);
  const kept = reason === undefined ? [] : [el('reason', NS.mucUser, {}, reason)];
  if (room.config.membersOnly && rank[before] === rank.none && rank[affiliation] >= rank.member) {
    const id = turn.env.newId();
    const record = { to: user, id, from: inviter, inviter: actorJid };
    const invited = { kind: 'invited', invitation: record, stanza: invitation(room, user, inviter, id, kept) } as const;
    return commit(turn, invited, { spec: '0045#9.5' });
  }
  const x = writeMucUser({ ...toldOf(room, by), affiliation, role: 'none', jid: user, statuses: [101] });
  turn.send(message(room.jid, user, { id: turn.env.newId() }, x), '0045#18.1');
}
