/**
 * XEP-0289 §5.5 leaves open how a node tells another of moderation. One that does not know our extension may say it in the name of
 * the moderator: then the item says whom it is about. Decision #191.
 */
import type { RoomTurn } from '../../room/room-turn.ts';
import { readMucUser, writeMucUser } from '../../xep/xep0045.ts';
import { bareOf, type Jid, occupantJid, parseJid, resourceOf } from '../../xmpp/jid.ts';
import { type Stanza, withParts } from '../../xmpp/stanza.ts';
import type { Links } from './links.ts';
import { takeNotice } from './moderation.ts';
import { listed } from './stanzas.ts';

/** §8.2, §9.1, §9.4, §10.2 of XEP-0045: taken out by somebody's wish. */
const out: readonly number[] = [307, 301, 321, 322];

export interface About {
  readonly author: Jid;
  readonly stanza: Stanza;
}

/**
 * Whom a presence of a peer without our extension is about.
 *
 * @returns undefined if it is none of its own users: what it thinks of others changes nothing here
 */
export function about(turn: RoomTurn, links: Links, peer: Jid, author: Jid, stanza: Stanza): About | undefined {
  const { room } = turn;
  const user = stanza.name === 'presence' ? readMucUser(stanza.payloads) : undefined;
  const named = parseJid(user?.jid ?? '');
  if (user === undefined || named === undefined || bareOf(named) === bareOf(author)) return { author, stanza };
  const meant = room.occupantByJid(named) ?? [...room.occupants.values()].find(({ jid }) => jid && isSame(jid, named));
  const isModeration = resourceOf(stanza.from) === '' || user.statuses.some((code) => out.includes(code));
  if (meant?.jid === undefined) {
    if (!isModeration) return { author, stanza };
    turn.note('decision#191', `${peer} says something of ${named}, who is not here: ignored`, { peer });
    return undefined;
  }
  if (meant.home !== peer) {
    if (stanza.type === 'unavailable' && links.budgets.spend(peer, 'notice', turn.env.now)) {
      stays(turn, links, peer, meant.jid);
      if (links.trust.mayKick?.includes(peer)) takeNotice(turn, links, peer, meant.jid, stanza);
    }
    return undefined;
  }
  const by = resourceOf(stanza.from);
  const item = { ...user, actor: user.actor ?? (by === '' ? undefined : by) };
  const payloads = [...(stanza.type === undefined ? meant.presence : []), writeMucUser(item)];
  return { author: meant.jid, stanza: withParts(stanza, { from: occupantJid(peer, meant.nick), payloads }) };
}

function isSame(user: Jid, named: Jid): boolean {
  return resourceOf(named) === '' && bareOf(user) === named;
}

/** It has taken out somebody who is not its own: it is told of them again, or it would never get over their leave. */
function stays(turn: RoomTurn, links: Links, peer: Jid, user: Jid): void {
  const { room } = turn;
  turn.note('decision#191', `${peer} has taken out ${user}, who is not its user`, { peer });
  const link = links.of(peer);
  const occupant = room.occupantByJid(user);
  if (link && occupant) link.send(turn, listed(turn, links, occupant, link), 'decision#191');
}
