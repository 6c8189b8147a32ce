/** Those in whose names a node joins another, and whom the other is told of. */
import { type Occupant, sameOccupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import type { Spec } from '../../turn/spec.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Link } from '../link.ts';
import type { Entrance } from './entrance.ts';
import type { Links } from './links.ts';
import type { Known } from './reading.ts';
import { addressOf, isElsewhere, occupantPresence, occupantRename } from './stanzas.ts';

/** Whether this user's own node is behind the one that we join. */
export function cameBy({ paths }: Links, peer: Jid, { home, jid }: Occupant): boolean {
  return home !== undefined && jid !== undefined && paths.from(jid, home).includes(peer);
}

/** Those whom this room is told of: all but its own. */
export function ours(room: RoomView, peer: Jid): Occupant[] {
  return [...room.occupants.values()].filter((occupant) => occupant.home !== peer);
}

/** A user of ours, or of a node that joined us; not one whom the other node told others of, or lets in no more. */
export function anyone(room: RoomView, links: Links, peer: Jid): Known | undefined {
  return ours(room, peer)
    .filter(({ home }) => home === undefined || links.isInbound(room, home))
    .filter((occupant) => !cameBy(links, peer, occupant))
    .map(asFirst)
    .filter(({ jid }) => !links.isRefused(peer, jid))
    .find((occupant): occupant is Known => occupant.jid !== undefined);
}

/**
 * Whether there is anybody for whom we join: our own users, those who wait, and those of the nodes that joined us. Whom the
 * other node lets in no more is none of them.
 */
export function hasAny(room: RoomView, links: Links, entrance: Entrance, peer: Jid): boolean {
  if (!entrance.isEmpty && !entrance.holdsOnly((user) => links.isRefused(peer, user))) return true;
  for (const occupant of room.occupants.values()) {
    const { home } = occupant;
    const isOurs = home === undefined || links.isInbound(room, home);
    if (isOurs && !links.isRefused(peer, asFirst(occupant).jid)) return true;
  }
  return false;
}

/**
 * What the other node is told of a user who is new here, or looks different. Of the user in whose name we joined it is what is
 * different since. §5.3.
 */
export function introduced(
  room: RoomView,
  link: Link,
  announced: Known | undefined,
  occupant: Occupant,
  parts?: PresenceParts,
): readonly Stanza[] {
  const first = asFirst(occupant);
  const known = announced?.jid === first.jid ? announced : undefined;
  if (known !== undefined && known.nick !== occupant.nick) return occupantRename(room, known, occupant, link);
  if (known !== undefined && sameOccupant(first, known)) return [];
  return [occupantPresence(room, occupant, addressOf(link, occupant.nick), parts)];
}

/** §5.4: those whom the other node knows by this room leave it. */
export function sayGoodbye(turn: RoomTurn, links: Links, link: Link | undefined, spec: Spec): void {
  const { room } = turn;
  if (link === undefined) return;
  for (const occupant of ours(room, link.peer)) {
    if (cameBy(links, link.peer, occupant)) continue;
    link.send(turn, outHere(room, links, link, occupant), spec);
  }
}

/**
 * A user is out as far as this room goes. Decision #148: one of another node may be in by another way, and has not left, so the
 * peer is told that this room is no way to them. Of a primary's users there is no other way (#153).
 */
export function outHere(room: RoomView, { mode }: Links, link: Link, occupant: Occupant): Stanza {
  const to = addressOf(link, occupant.nick);
  const stanza = occupantPresence(room, occupant, to, { type: 'unavailable', payloads: [] });
  const mayBeElsewhere = occupant.home !== undefined && link.counts && mode === 'primary-primary';
  return mayBeElsewhere ? isElsewhere(stanza, 'now') : stanza;
}
