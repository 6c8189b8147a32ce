/** Nodes that are linked in a ring, and the link of it that is given up: decision #146. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { JoinedNode } from './joined-node.ts';
import type { JoiningNode } from './joining-node.ts';
import type { Links } from './links.ts';
import { spareLink } from './paths.ts';
import { elsewhere, looped, spare } from './stanzas.ts';
import { retell } from './ways.ts';

/** How long a ring is looked at before a link of it is given up (in ms), and how often, if somebody is reached by no other way. */
const ringMs = 5_000;
const ringTries = 3;

export class Rings {
  readonly #links: Links;
  readonly #joining: ReadonlyMap<Jid, JoiningNode>;
  readonly #joined: JoinedNode;
  /**
   * Links that close a ring: how often they were looked at, whether the other end was told that this one can do without it, and
   * with how many of our stanzas the other end could, if it said so.
   */
  readonly #spare = new Map<Jid, { tries: number; agreed: number | undefined; offered: boolean }>();

  constructor(links: Links, joining: ReadonlyMap<Jid, JoiningNode>, joined: JoinedNode) {
    this.#links = links;
    this.#joining = joining;
    this.#joined = joined;
  }

  /** Whether a user has been reached by two ways since. */
  look(turn: RoomTurn): void {
    const { room } = turn;
    for (const [one, other] of this.#links.paths.takeCrossings())
      this.found(turn, [...one, room.jid], [...other, room.jid]);
  }

  /** The other end can do without the link. */
  agreed(turn: RoomTurn, peer: Jid): void {
    this.#spare.set(peer, { tries: 0, agreed: this.#links.of(peer)?.acknowledged, offered: false });
    this.#giveUp(turn, peer);
  }

  timer(turn: RoomTurn, name: string): void {
    if (name.startsWith('ring:')) this.#giveUp(turn, name.slice('ring:'.length) as Jid);
  }

  /** Decision #146: if the link of the ring that is spare is one of ours, it is given up when all has settled. */
  found(turn: RoomTurn, one: readonly Jid[], other: readonly Jid[]): void {
    const { room } = turn;
    // Decision #153: whoever says that there is one is wrong.
    if (this.#links.mode === 'primary-replica') return;
    const ends = spareLink(one, other);
    const peer = ends?.includes(room.jid) ? ends.find((end) => end !== room.jid) : undefined;
    if (peer === undefined || this.#spare.has(peer) || this.#links.live(room, peer)?.counts !== true) return;
    this.#spare.set(peer, { tries: 0, agreed: undefined, offered: false });
    turn.note('decision#146', `the link with ${peer} closes a ring`, { peer });
    turn.setTimer(`ring:${peer}`, ringMs);
  }

  /**
   * A link that is spare ends when both ends can do without it: when everybody behind it is reached by another way. The end whose
   * address sorts first says so, and then the other ends it.
   */
  #giveUp(turn: RoomTurn, peer: Jid): void {
    const { room } = turn;
    const ring = this.#spare.get(peer);
    const link = this.#links.live(room, peer);
    if (link === undefined) this.#spare.delete(peer);
    if (ring === undefined || link === undefined) return;
    // The other end did not end it: somebody may have come meanwhile.
    if (ring.offered && ++ring.tries >= ringTries) return void this.#spare.delete(peer);
    ring.offered = false;
    // With another link that is about to end, this one may be the only way to somebody.
    const isBusy = [...this.#spare].some(([other, { offered }]) => offered && this.#links.live(room, other));
    if (isBusy) return turn.setTimer(`ring:${peer}`, ringMs);
    const { paths } = this.#links;
    const lost = [...room.occupants.values()].filter((occupant) => {
      if (occupant.home !== peer) return false;
      const other = paths.otherThan(room, occupant, peer);
      return other === undefined || other[1].soon === true;
    });
    if (lost.length > 0) {
      // The others may know them by this room alone.
      for (const occupant of lost)
        for (const other of this.#links.hearing(room, occupant))
          if (other.counts) other.send(turn, elsewhere(room, occupant, other.peer, 'soon'), 'decision#146');
      ring.tries++;
      if (ring.tries < ringTries) return turn.setTimer(`ring:${peer}`, ringMs);
      this.#spare.delete(peer);
      // It stays a way to them.
      for (const occupant of lost) retell(turn, this.#links, occupant);
    } else if (room.jid < peer) {
      ring.offered = true;
      turn.setTimer(`ring:${peer}`, ringMs);
      link.send(turn, spare(room, peer), 'decision#146');
    } else if (ring.agreed === undefined || link.hasIntroducedSince(ring.agreed)) {
      // It is the other end's turn. If that has not seen the ring, or cannot do without the link, this one may see it again.
      if (++ring.tries < ringTries) turn.setTimer(`ring:${peer}`, ringMs);
      else this.#spare.delete(peer);
    } else {
      const isInbound = this.#links.isInbound(room, peer);
      this.#spare.delete(peer);
      link.send(turn, looped(room, peer, isInbound), 'decision#146');
      if (isInbound) this.#joined.detach(turn, peer);
      else this.#joining.get(peer)?.standBy(turn, 'it closes a ring');
    }
  }
}
