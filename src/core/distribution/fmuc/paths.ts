/** By which ways a room's users, and what they do, come to this node: decisions #145 and #146. */
import type { RoomView } from '../../room/state.ts';
import type { Trail } from '../../xep/sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Instant } from '../../xmpp/time.ts';

/** Changes that are remembered, and for how long (in ms): longer than one is under way. */
const changesMax = 10_000;
const changeMs = 600_000;
/** Nodes that a change may pass. */
export const hopsMax = 16;

export class Paths {
  /** By user (real full JID) and peer: the nodes on the way from the user's, the peer last. */
  readonly #users = new Map<Jid, Map<Jid, readonly Jid[]>>();
  readonly #crossings: (readonly [readonly Jid[], readonly Jid[]])[] = [];
  /** Changes that have come, by their identity, and the nodes that they had passed, the origin first. */
  readonly #changes = new Map<string, { readonly passed: readonly Jid[]; readonly at: Instant }>();

  /** A user is behind this peer. @param passed  the nodes on the way from their node, the peer last */
  leadsTo(user: Jid, peer: Jid, passed: readonly Jid[]): void {
    const ways = this.#users.get(user) ?? new Map<Jid, readonly Jid[]>();
    this.#users.set(user, ways);
    ways.set(peer, passed);
    for (const [other, way] of ways) if (other !== peer) this.#crossings.push([way, passed]);
  }

  /** Pairs of ways to one user that have been found since. */
  takeCrossings(): readonly (readonly [readonly Jid[], readonly Jid[]])[] {
    return this.#crossings.splice(0);
  }

  /** Whether this peer has introduced the user, too. */
  knows(user: Jid, peer: Jid): boolean {
    return this.#users.get(user)?.has(peer) === true;
  }

  /** The nodes on the way from a user's to this one, the peer last. */
  from(user: Jid, peer: Jid): readonly Jid[] {
    return this.#users.get(user)?.get(peer) ?? [peer];
  }

  /** Whether any user is reached by this peer. */
  isUsed(peer: Jid): boolean {
    for (const ways of this.#users.values()) if (ways.has(peer)) return true;
    return false;
  }

  /** The user is not behind this peer any more. */
  forgetWay(user: Jid, peer: Jid): void {
    const ways = this.#users.get(user);
    if (ways?.delete(peer) && ways.size === 0) this.#users.delete(user);
  }

  /** The user is gone. */
  forgetUser(user: Jid): void {
    this.#users.delete(user);
  }

  /** The link is gone. */
  forgetPeer(peer: Jid): void {
    for (const [user, ways] of this.#users) if (ways.delete(peer) && ways.size === 0) this.#users.delete(user);
  }

  /** Another linked peer by which the user is reached. */
  otherThan(room: RoomView, user: Jid, peer: Jid): Jid | undefined {
    for (const other of this.#users.get(user)?.keys() ?? [])
      if (other !== peer && room.peers.get(other)?.state === 'live') return other;
    return undefined;
  }

  /**
   * A change comes.
   *
   * @param passed  the nodes that it has passed, the origin first and the peer last
   * @returns the nodes that it had passed when it came before; undefined: it is new
   */
  comes({ by, id }: Trail, passed: readonly Jid[], now: Instant): readonly Jid[] | undefined {
    const key = `${by} ${id}`;
    const known = this.#changes.get(key);
    if (known !== undefined) return known.passed;
    this.#changes.set(key, { passed, at: now });
    for (const [oldest, { at }] of this.#changes) {
      if (this.#changes.size <= changesMax && now - at < changeMs) break;
      this.#changes.delete(oldest);
    }
    return undefined;
  }
}

/**
 * One change came by two ways, so the nodes are linked in a ring: the link of it that is given up. Every node of the ring that
 * sees both ways comes to the same answer. Decision #146.
 *
 * @param ways  the nodes that it passed, the origin first and this node last
 * @returns its two ends, in the order of their addresses
 */
export function spareLink(one: readonly Jid[], other: readonly Jid[]): readonly [Jid, Jid] | undefined {
  let shared = 0;
  while (shared < one.length && shared < other.length && one[shared] === other[shared]) shared++;
  const ring = [...edges(one.slice(Math.max(0, shared - 1))), ...edges(other.slice(Math.max(0, shared - 1)))];
  return ring.reduce<readonly [Jid, Jid] | undefined>(
    (last, link) => (last === undefined || compare(link, last) > 0 ? link : last),
    undefined,
  );
}

function edges(way: readonly Jid[]): readonly (readonly [Jid, Jid])[] {
  return way.slice(1).map((node, i) => {
    const before = way[i] as Jid;
    return before < node ? [before, node] : [node, before];
  });
}

function compare([a, b]: readonly [Jid, Jid], [c, d]: readonly [Jid, Jid]): number {
  if (a !== c) return a < c ? -1 : 1;
  return b === d ? 0 : b < d ? -1 : 1;
}
