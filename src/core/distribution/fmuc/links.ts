import type { Occupant, PeerRecord } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { Link } from '../link.ts';
import { wording } from './place.ts';

/** The links of one room while it runs: to the room that it joins, and to the rooms that join it. */
export class Links {
  /** The room that this one joins. */
  readonly outbound: Jid | undefined;
  readonly #links = new Map<Jid, Link>();

  constructor(outbound: Jid | undefined) {
    this.outbound = outbound;
  }

  of(peer: Jid): Link | undefined {
    return this.#links.get(peer);
  }

  /** The link, if the two are in one set. */
  live(room: RoomView, peer: Jid): Link | undefined {
    return stateOf(room, peer) === 'live' ? this.#links.get(peer) : undefined;
  }

  /** A new link, instead of any earlier one. @param session  as the peer's join names it; absent: this node names it */
  begin(turn: RoomTurn, peer: Jid, session: string = turn.env.newId()): Link {
    const link = new Link(turn.env, { self: turn.room.jid, peer, session }, wording);
    this.#links.set(peer, link);
    return link;
  }

  end(turn: RoomTurn, peer: Jid): void {
    this.#links.get(peer)?.unwatch(turn);
    this.#links.delete(peer);
  }

  /** Sends to every linked node except the one that told us of this occupant. */
  hearing(room: RoomView, occupant: Occupant): readonly Link[] {
    const links: Link[] = [];
    for (const [peer, { state }] of room.peers) {
      const link = state === 'live' ? this.#links.get(peer) : undefined;
      if (link && peer !== occupant.home) links.push(link);
    }
    return links;
  }
}

/** How a room stands with another node. */
export function stateOf(room: RoomView, peer: Jid): PeerRecord['state'] | undefined {
  return room.peers.get(peer)?.state;
}
