import { type Affiliation, affiliations, type Role, roles, writeWhy } from '../xep/xep0045.ts';
import { bareOf, type Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { iqResult, type Stanza } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';
import { rank } from './affiliation.ts';
import type { Occupant } from './event.ts';
import { listed } from './pages.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';

/** By bare JID (§8, §9): admins need not be in, and a moderator may act from another client. */
export function roleOf(room: RoomView, { traits }: Distribution, user: Jid): Role {
  if (rank[room.affiliationOf(user)] >= rank.admin) return 'moderator';
  const inside = [...room.occupants.values()].filter(
    (occupant) => occupant.jid !== undefined && bareOf(occupant.jid) === bareOf(user) && traits.decidesAbout(occupant),
  );
  return inside.some(({ role }) => role === 'moderator') ? 'moderator' : (inside[0]?.role ?? 'none');
}

/** §5.2.1, note ***: lists hold JIDs, so in a room that hides JIDs only those who may change a list may read it. */
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

/** The nick in a list: the one that they use (§9.5; converse.js calls them by it from then on), else the one that is theirs. */
export function listedNick(room: RoomView, user: Jid): string | undefined {
  for (const { nick, jid } of room.occupants.values()) if (jid !== undefined && bareOf(jid) === user) return nick;
  return room.reservedNicks.get(user);
}

/**
 * Answers a request for lists, if the user is entitled to them. §8.5, §9.2, §9.5, §9.8, §10.5, §10.8.
 *
 * @returns why not, if so
 */
export function list(
  turn: RoomTurn,
  stanza: Stanza,
  query: XmlElement,
  requested: readonly XmlElement[],
): Refusal | undefined {
  const { room } = turn;
  const affiliation = room.affiliationOf(stanza.from);
  const occupant = room.occupantByJid(stanza.from);
  const admin = rank[affiliation] >= rank.admin;
  const found = new Map<string, XmlElement>();
  const asked = new Set<string>();
  for (const { attrs } of requested) {
    const what = `${attrs['affiliation']} ${attrs['role']}`;
    if (asked.has(what)) continue;
    asked.add(what);
    const wanted = affiliations.find((known) => known === attrs['affiliation']);
    const role = roles.find((known) => known === attrs['role']);
    if ((wanted === undefined) === (role === undefined))
      return refusal('modify', 'bad-request', '0045#9', 'ask for one affiliation or one role');
    if (wanted !== undefined) {
      if (!mayReadList(room, affiliation, occupant, wanted))
        return refusal('auth', 'forbidden', '0045#9.5', `you may not read the ${wanted} list`);
      for (const [user, held] of room.affiliations) {
        if (held !== wanted) continue;
        // There is no role here (§17.4), and no nick of a banned user (§9.2).
        const nick = held === 'outcast' ? undefined : listedNick(room, user);
        const why = held === 'outcast' ? writeWhy(room.bans.get(user) ?? {}, NS.mucAdmin) : [];
        found.set(`${held} ${user}`, el('item', NS.mucAdmin, { affiliation: held, jid: user, nick }, ...why));
      }
    } else {
      if (role === 'moderator' && !admin)
        return refusal('auth', 'forbidden', '0045#9.8', 'the moderator list is for admins');
      if (roleOf(room, turn.distribution, stanza.from) !== 'moderator')
        return refusal('auth', 'forbidden', '0045#8.5', 'role lists are for moderators');
      for (const other of room.occupants.values()) {
        if (other.role !== role) continue;
        const { nick, affiliation: held, jid } = other;
        found.set(`${role} ${nick}`, el('item', NS.mucAdmin, { nick, role, affiliation: held, jid }));
      }
    }
  }
  const items = listed(
    query,
    [...found].map(([id, element]) => ({ id, element })),
  );
  if ('kind' in items) return items;
  turn.send(iqResult(stanza, el('query', NS.mucAdmin, {}, ...items)), '0045#9.5');
  return undefined;
}
