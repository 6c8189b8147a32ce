/**
 * XEP-0289 §5.5 across nodes: decisions #161 and #162. What a moderator here does to a user of another node holds for this
 * node's view; the user's own node is told, and does as it thinks right.
 */
import type { ChangeOf } from '../../room/change.ts';
import { leave } from '../../room/commit.ts';
import { isLocal, type Occupant } from '../../room/event.ts';
import { refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import { type MucUser, readMucUser } from '../../xep/xep0045.ts';
import { bareOf, type Jid, occupantJid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { refuseUser } from './admission.ts';
import { names } from './config-fields.ts';
import type { Links } from './links.ts';
import { listed, occupantPresence } from './stanzas.ts';

/** §8.2, §9.1, §9.4, §10.2: taken out by somebody's wish. */
const out: readonly number[] = [307, 301, 321, 322];

/**
 * A moderator or the lists here took a user of another node out of this room: their node is told. Decision #161.
 *
 * @returns whether that is how they left
 */
export function tellHome(turn: RoomTurn, links: Links, { occupant, parts }: ChangeOf<'left'>): boolean {
  const { home, jid, nick } = occupant;
  const statuses = parts.statuses ?? [];
  if (home === undefined || jid === undefined || links.isBlocked(turn.room, home)) return false;
  if (!statuses.some((code) => out.includes(code))) return false;
  const reason = parts.item?.reason;
  if (statuses.includes(307)) {
    const why = `taken out by a moderator${reason === undefined ? '' : `: ${reason}`}`;
    turn.record({ kind: 'takenOut', user: bareOf(jid), why });
    sendNotice(turn, links, home, occupant, parts);
    return true;
  }
  const why = statuses.includes(301)
    ? refusal('auth', 'forbidden', '0045#9.1', reason)
    : refusal('auth', 'registration-required', '0045#9.4');
  refuseUser(turn, links, { peer: home, user: jid, origin: home, counts: true }, nick, why);
  return true;
}

/** They have left at their own node, or are given something here: they may come again. Decision #161. */
export function restore(turn: RoomTurn, user: Jid): void {
  if (turn.room.takenOut.why(user) !== undefined) turn.record({ kind: 'takenOut', user, why: undefined });
}

/** To a node without our extension it would be the leave of one of its own users. */
function sendNotice(turn: RoomTurn, links: Links, home: Jid, occupant: Occupant, { item }: PresenceParts): void {
  const link = links.of(home);
  if (!link?.counts) return;
  const parts = { type: 'unavailable', statuses: [307], item, payloads: [] } as const;
  link.send(turn, occupantPresence(turn.room, occupant, occupantJid(home, occupant.nick), parts), '0289#5.5');
}

/**
 * §5.5: "receives notice that one of their users has been kicked by a moderator on another node". Decision #162: it is obeyed if
 * the owner lets that node kick. Else the user stays, and that node is told so.
 *
 * @returns whether the presence is such a notice
 */
export function takeNotice(turn: RoomTurn, links: Links, peer: Jid, author: Jid, stanza: Stanza): boolean {
  const { room, env } = turn;
  const user = readMucUser(stanza.payloads);
  const occupant = room.occupantByJid(author);
  if (stanza.type !== 'unavailable' || !user?.statuses.includes(307)) return false;
  if (occupant === undefined || occupant.home === peer) return false;
  if (!links.budgets.spend(peer, 'notice', env.now)) {
    turn.note('decision#162', `${peer} kicks too much: ignored`, { peer });
    return true;
  }
  if (names(room.config.federation.mayKick, peer)) {
    turn.note('0289#5.5', `${peer} has kicked ${author}, as it may`, { peer });
    obey(turn, links, peer, occupant, user);
    return true;
  }
  turn.note('decision#162', `${peer} has kicked ${author}, and may not: they stay`, { peer });
  const link = links.of(peer);
  const whole = room.occupants.get(occupant.nick);
  if (link && whole) link.send(turn, listed(turn, links, whole, link), 'decision#162');
  return true;
}

function obey(turn: RoomTurn, links: Links, peer: Jid, occupant: Occupant, { actor, reason }: MucUser): void {
  const by = actor === undefined ? { actorJid: turn.room.whois === 'anyone' ? peer : undefined } : { actor };
  const parts = { statuses: [307], item: { ...by, reason }, payloads: [] };
  const whole = turn.room.occupants.get(occupant.nick) ?? occupant;
  leave(turn, whole, parts, { spec: '0289#5.5' });
  // In a tree it is on to the user's own node.
  if (!isLocal(asFirst(whole))) tellHome(turn, links, { kind: 'left', occupant: whole, parts });
}
