/** XEP-0281 §3.4, decision #207: users of other instances come, change and go, and two may want one nick. */
import { barred, full, rankOf } from '../../room/checks.ts';
import { commit, leave } from '../../room/commit.ts';
import { type Actor, type Occupant, sameOccupant } from '../../room/event.ts';
import { cleanPayloads, withoutAddresses } from '../../room/hygiene.ts';
import { nickIsReserved } from '../../room/nick.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { type Affiliation, type Role, readMucUser } from '../../xep/xep0045.ts';
import { readOccupantId } from '../../xep/xep0421.ts';
import { bareOf, type Jid, parseJid, parseNick, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { usersMax } from '../budgets.ts';
import { type Links, sourceOf } from './links.ts';
import { nickFor } from './nicks.ts';
import { isVerdict, verdict } from './stanzas.ts';

/** What another instance says of one of its users. */
export interface Said {
  /** As that instance calls them. */
  readonly nick: string;
  readonly jid: Jid | undefined;
  readonly affiliation: Affiliation;
  readonly role: Role;
  readonly occupantId: string;
  readonly presence: readonly XmlElement[];
}

/** §3.4 Example 18, §3.6: one presence of another instance. */
export function takePresence(turn: RoomTurn, links: Links, peer: Jid, stanza: Stanza): void {
  const { room } = turn;
  if (stanza.type !== undefined && stanza.type !== 'unavailable') return;
  const user = readMucUser(stanza.payloads);
  const nick = parseNick(resourceOf(stanza.from));
  if (nick === undefined || user === undefined) return;
  const by = {
    ...(user.actor === undefined ? {} : { actor: user.actor }),
    ...(user.reason === undefined ? {} : { reason: user.reason }),
  };
  if (isVerdict(stanza)) {
    if (peer === sourceOf(room)) obey(turn, nick, user, by, stanza.type === 'unavailable');
    else turn.note('decision#204', `${peer} decides about ${nick}, and is not the source: dropped`, { peer });
    return;
  }
  const known = theirs(room, links, peer, nick);
  if (stanza.type === undefined) {
    const { affiliation, role } = user;
    const jid = parseJid(user.jid ?? '');
    const said = {
      nick,
      jid,
      affiliation,
      role,
      occupantId: readOccupantId(stanza.payloads),
      presence: stanza.payloads,
    };
    return show(turn, links, peer, said, by);
  }
  if (known === undefined) return;
  if (user.statuses.includes(303) && user.nick !== undefined) return rename(turn, links, peer, known, nick, user.nick);
  links.gone(peer, nick);
  const statuses = user.statuses.filter((code) => code !== 110);
  const payloads = cleaned(room, { jid: known.jid, presence: stanza.payloads });
  leave(turn, known, { statuses, item: { affiliation: user.affiliation, ...by }, payloads }, { spec: '0281#3.6' });
}

/** A user of this peer, as it calls them. */
export function theirs(room: RoomView, links: Links, peer: Jid, nick: string): Occupant | undefined {
  const occupant = room.occupants.get(links.nickOf(peer, nick));
  return occupant?.home === peer ? occupant : undefined;
}

/** They are in at that instance, and look like this: they enter here, or change. */
export function show(turn: RoomTurn, links: Links, peer: Jid, said: Said, by: Actor = {}): void {
  const { room } = turn;
  const known = theirs(room, links, peer, said.nick);
  const isOther = said.jid !== undefined && (known?.jid === undefined || bareOf(known.jid) !== bareOf(said.jid));
  const no = known === undefined || isOther ? mayBeIn(room, links, peer, said) : undefined;
  if (no !== undefined) {
    if (known !== undefined) {
      links.gone(peer, said.nick);
      leave(turn, known, { payloads: [] }, { spec: no.spec });
    }
    return refuseUser(turn, links, peer, said, no);
  }
  const nick = known?.nick ?? nickFor(turn, links, peer, said.nick);
  if (nick === undefined) return;
  const occupant = occupantOf(turn, links, peer, said, nick, known);
  links.claims(peer, said.nick, said.role);
  if (known === undefined) {
    links.call(peer, said.nick, nick);
    commit(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, { spec: '0281#3.4' });
  } else if (!sameOccupant(known, occupant)) {
    const parts = Object.keys(by).length === 0 ? {} : { parts: { item: by } };
    commit(turn, { kind: 'presence', occupant, ...parts }, { spec: '0281#3.6' });
  }
  // S4: the source's own lists count, and not what a shadow says of its users.
  const isWrong = sourceOf(room) === undefined && occupant.role !== said.role;
  if (!isWrong) return;
  links.claims(peer, said.nick, occupant.role);
  links.of(peer)?.send(turn, verdict(room, links, occupant, peer), 'decision#204');
}

/** Why a user of another instance is not shown here; undefined: they are. */
function mayBeIn(room: RoomView, links: Links, peer: Jid, { jid, nick }: Said): Refusal | undefined {
  const isSource = sourceOf(room) === undefined;
  // A source says whom it likes; a shadow brings in users of its own server alone.
  if (peer !== sourceOf(room) && jid !== undefined && !links.holds(peer, jid))
    return refusal('cancel', 'not-allowed', 'decision#155', `not a user of the server of ${peer}`);
  if (room.occupants.size >= usersMax)
    return refusal('wait', 'resource-constraint', 'decision#64', `${usersMax} users are in`);
  if (!isSource || jid === undefined) return undefined;
  if (nickIsReserved(room, nick, bareOf(jid)))
    return refusal('cancel', 'not-acceptable', '0045#7.2.8', `${nick} is reserved`);
  // The shadow asked for the password, which it has from the source.
  return barred(room, jid, { password: room.config.password }) ?? full(room, jid, room.occupants.size);
}

/** The source does not have them: their own instance takes them out. A shadow that is not asked does not show them. */
function refuseUser(turn: RoomTurn, links: Links, peer: Jid, said: Said, why: Refusal): void {
  const { room } = turn;
  turn.note(why.spec, `${said.nick} of ${peer} is not shown: ${why.text ?? why.condition}`, { peer });
  if (sourceOf(room) !== undefined) return;
  const status = why.condition === 'forbidden' ? 301 : why.condition === 'registration-required' ? 321 : 307;
  const { nick, jid, affiliation, role, occupantId } = said;
  const occupant = { nick, jid, affiliation, role, occupantId, presence: [] };
  const item = { affiliation: jid === undefined ? 'none' : room.affiliationOf(jid), reason: why.text } as const;
  links
    .of(peer)
    ?.send(turn, verdict(room, links, occupant, peer, { type: 'unavailable', statuses: [status], item }), why.spec);
}

/** What the source has decided about a user of this instance. Decision #204. */
function obey(
  turn: RoomTurn,
  nick: string,
  { role, statuses }: { readonly role: Role; readonly statuses: readonly number[] },
  by: Actor,
  gone: boolean,
): void {
  const { room } = turn;
  const occupant = room.occupants.get(nick);
  if (occupant === undefined || occupant.home !== undefined) return;
  if (gone) return leave(turn, occupant, { statuses, item: by, payloads: [] }, { spec: 'decision#204' });
  if (role === 'none' || role === occupant.role) return;
  const affiliation = occupant.jid === undefined ? occupant.affiliation : room.affiliationOf(occupant.jid);
  commit(
    turn,
    { kind: 'presence', occupant: { ...occupant, role, affiliation }, parts: { item: by } },
    { spec: 'decision#204' },
  );
}

function occupantOf(
  { room, env }: RoomTurn,
  links: Links,
  peer: Jid,
  said: Said,
  nick: string,
  known: Occupant | undefined,
): Occupant {
  // A session that is in here under another nick has its address here alone (decision #208).
  const holder = said.jid === undefined ? undefined : room.occupantByJid(said.jid);
  const jid = holder === undefined || holder === known || holder.nick === known?.nick ? said.jid : undefined;
  return {
    nick,
    jid,
    ...rankHere(room, peer, said, known),
    home: peer,
    occupantId: idFor(room, links, peer, said) ?? known?.occupantId ?? env.newId(),
    presence: cleaned(room, said),
  };
}

/** The rank that counts here. Decision #204: the source keeps its own; a shadow believes a shadow only as far as the lists go. */
function rankHere(room: RoomView, peer: Jid, { jid, affiliation, role }: Said, known: Occupant | undefined) {
  if (peer === sourceOf(room)) return { affiliation, role: role === 'none' ? 'participant' : role } as const;
  const own = jid === undefined ? rankOf(room, peer) : rankOf(room, jid);
  if (sourceOf(room) === undefined) {
    // A role that somebody was given is theirs, and not that of whoever the shadow calls by their nick now.
    const isSame = known?.jid === undefined || (jid !== undefined && bareOf(jid) === bareOf(known.jid));
    const keeps = known !== undefined && isSame && known.affiliation === own.affiliation;
    return { affiliation: own.affiliation, role: keeps ? known.role : own.role };
  }
  const claimed = role === 'moderator' || role === 'none' ? 'participant' : role;
  return { affiliation: own.affiliation, role: own.role === 'moderator' ? own.role : claimed };
}

/** A shadow has other lists than before, which count for the users of other shadows: those are not told of again. */
export function refreshRanks(turn: RoomTurn, links: Links): void {
  const { room } = turn;
  for (const occupant of [...room.occupants.values()]) {
    const { home, jid, nick, affiliation, role, occupantId, presence } = occupant;
    if (home === undefined || home === sourceOf(room) || jid === undefined) continue;
    const claimed = links.claimOf(home, links.theirsOf(home, nick)) ?? role;
    const rank = rankHere(room, home, { nick, jid, affiliation, role: claimed, occupantId, presence }, occupant);
    if (rank.affiliation !== affiliation || rank.role !== role)
      commit(turn, { kind: 'presence', occupant: { ...occupant, ...rank } }, { spec: 'decision#204' });
  }
}

/** XEP-0421: the id that their own instance gave them, unless it is somebody else's here. */
function idFor(room: RoomView, links: Links, peer: Jid, { jid, occupantId }: Said): string | undefined {
  if (occupantId === '' || occupantId.length > 128) return undefined;
  // Who does not say who they are may be known by what another instance has told.
  const isTheirs = (user: Jid) => (jid === undefined ? links.holds(peer, user) : user === bareOf(jid));
  for (const [user, id] of room.occupantIds) if (id === occupantId && !isTheirs(user)) return undefined;
  return occupantId;
}

function cleaned(room: RoomView, { jid, presence }: Pick<Said, 'jid' | 'presence'>): readonly XmlElement[] {
  const clean = cleanPayloads(room.jid, presence);
  // Whoever's they are that a server has put there.
  return withoutAddresses(clean, jid ?? room.jid);
}

function rename(turn: RoomTurn, links: Links, peer: Jid, before: Occupant, from: string, to: string): void {
  const nick = parseNick(to);
  if (nick === undefined) return;
  const here = nickFor(turn, links, peer, nick, before);
  const claim = links.claimOf(peer, from) ?? before.role;
  links.gone(peer, from);
  if (here === undefined) return leave(turn, before, { payloads: [] });
  links.call(peer, nick, here);
  links.claims(peer, nick, claim);
  if (here !== before.nick)
    commit(turn, { kind: 'renamed', before, after: { ...before, nick: here } }, { spec: '0281#3.6' });
}

/** The whole of what an instance says of its users (§3.2 Example 7): who is not in it is gone. */
export function showAll(turn: RoomTurn, links: Links, peer: Jid, all: readonly Said[]): void {
  const { room } = turn;
  const named = new Set(all.map(({ nick }) => links.nickOf(peer, nick)));
  for (const occupant of [...room.occupants.values()]) {
    if (occupant.home !== peer || named.has(occupant.nick)) continue;
    links.gone(peer, links.theirsOf(peer, occupant.nick));
    leave(turn, occupant, { payloads: [] }, { spec: '0281#3.2' });
  }
  for (const said of all) if (parseNick(said.nick) === said.nick) show(turn, links, peer, said);
}

/** The link to an instance is lost, and nobody hears its users any more. */
export function lose(turn: RoomTurn, links: Links, peer: Jid): void {
  for (const occupant of [...turn.room.occupants.values()])
    if (occupant.home === peer) leave(turn, occupant, { statuses: [333], payloads: [] }, { spec: '0281#3.7' });
  links.forgetNames(peer);
}

/** Whether a user is in by another instance already: decision #208. */
export function isElsewhere(room: RoomView, user: Jid, nick: string): boolean {
  const known = room.occupantByJid(user);
  if (known !== undefined) return known.home !== undefined;
  const holder = room.occupants.get(nick);
  return holder?.home !== undefined && isOf(holder, user);
}
