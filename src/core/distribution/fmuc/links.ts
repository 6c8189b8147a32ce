import type { Occupant, PeerRecord } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { Link } from '../link.ts';
import { fmucPeer } from '../peers.ts';
import { hopsMax, Paths } from './paths.ts';
import { wording } from './place.ts';

/** The links of one room while it runs: to the room that it joins, and to the rooms that join it. */
export class Links {
  /** By which ways what comes over them comes. */
  readonly paths = new Paths();
  readonly #links = new Map<Jid, Link>();

  /** Whether this room has joined that one, or asks to. Of two that name each other one joins, and the other is joined. */
  isOutbound(room: RoomView, peer: Jid): boolean {
    const record = fmucPeer(room, peer);
    return record?.direction === 'outbound' && record.state !== 'standby' && record.state !== 'rejected';
  }

  /** Whether that one has joined this room. */
  isInbound(room: RoomView, peer: Jid): boolean {
    return fmucPeer(room, peer)?.direction === 'inbound';
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
    this.paths.forgetPeer(peer);
  }

  /** To every linked node but the one that told us of this occupant, and those by which it came (decision #145). */
  hearing(room: RoomView, occupant: Occupant, passed: readonly Jid[] = []): readonly Link[] {
    const links: Link[] = [];
    if (passed.length >= hopsMax) return links;
    for (const [peer, { state }] of room.peers) {
      const link = state === 'live' ? this.#links.get(peer) : undefined;
      if (link && peer !== occupant.home && !passed.includes(peer)) links.push(link);
    }
    return links;
  }
}

/** How a room stands with another node. */
export function stateOf(room: RoomView, peer: Jid): PeerRecord['state'] | undefined {
  return room.peers.get(peer)?.state;
}
