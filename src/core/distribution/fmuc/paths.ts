/** By which ways a room's users, and what they do, come to this node: decisions #145, #146 and #148. */
import type { HistoryItem, Occupant } from '../../room/event.ts';
import type { RoomView } from '../../room/state.ts';
import type { Env } from '../../turn/env.ts';
import type { Trail } from '../../xep/fmuc-sync.ts';
import { bareOf, type Jid } from '../../xmpp/jid.ts';
import type { Instant } from '../../xmpp/time.ts';

/** Changes that are remembered, and for how long (in ms): longer than one is under way. */
const changesMax = 10_000;
const changeMs = 600_000;
/** Nodes that a change may pass. */
export const hopsMax = 16;

/** The way to a user. */
export interface Route {
  /** The nodes on it, from the user's own, the peer last. */
  readonly passed: readonly Jid[];
  /** It leads from one room that a node joins to another. Decision #149. */
  readonly across?: true | undefined;
}

/** How a user is reached by one peer. */
export interface Way extends Route {
  /** The user as that peer shows them. */
  readonly as: Occupant & { readonly jid: Jid };
  /** The peer will soon be no way to them, if there is another. Decision #146. */
  readonly soon?: true;
}

/** A change of a user. */
interface Last {
  /** They left with it. */
  readonly left: boolean;
  readonly order: Trail['order'];
  /** The start of their node before the one that `order` names. */
  readonly before: string | undefined;
  readonly at: Instant;
}

export class Paths {
  /** By user (real full JID) and peer. */
  readonly #users = new Map<Jid, Map<Jid, Way>>();
  /** How many users of each node are reached by each peer. */
  readonly #behind = new Map<Jid, Map<Jid, number>>();
  /** The sessions among them, by user's bare JID. */
  readonly #sessions = new Map<Jid, Set<Jid>>();
  readonly #crossings: (readonly [readonly Jid[], readonly Jid[]])[] = [];
  /** Changes that have come, by their identity, and the nodes that they had passed, the origin first. */
  readonly #changes = new Map<string, { readonly passed: readonly Jid[]; readonly at: Instant }>();
  /** Of each user, by bare JID: the last message of theirs that came, and when their node had started before. */
  readonly #words = new Map<
    string,
    { readonly run: string; readonly n: number; readonly before: string | undefined; readonly at: Instant }
  >();
  #isRecalled = false;
  /** Of each user: the last change of theirs that came, and whether they left with it. */
  readonly #last = new Map<Jid, Last>();

  /** Names the time since this node started, and counts what its own users do. Decision #163. */
  #run: string | undefined;
  #done = 0;

  /** The place of what a user of this node does now. */
  next(env: Env): NonNullable<Trail['order']> {
    this.#run ??= env.newId();
    this.#done++;
    return { run: this.#run, n: this.#done };
  }

  /** A user is behind this peer. */
  leadsTo(user: Jid, peer: Jid, { passed, across }: Route, as: Way['as']): void {
    const bare = bareOf(user);
    const sessions = this.#sessions.get(bare) ?? new Set<Jid>();
    // Decision #141: a node knows one session of each nick.
    for (const other of [...sessions])
      if (other !== user && this.#users.get(other)?.get(peer)?.as.nick === as.nick) this.forgetWay(other, peer);
    this.#sessions.set(bare, sessions.add(user));
    const ways = this.#users.get(user) ?? new Map<Jid, Way>();
    this.#users.set(user, ways);
    this.#count(ways.get(peer), peer, -1);
    ways.set(peer, { passed, as, ...(across ? { across } : {}) });
    this.#count(ways.get(peer), peer, 1);
    for (const [other, way] of ways) if (other !== peer) this.#crossings.push([way.passed, passed]);
  }

  /** The peer will soon be no way to this user, if there is another. */
  endsSoon(user: Jid, peer: Jid): void {
    const ways = this.#users.get(user);
    const way = ways?.get(peer);
    if (way) ways?.set(peer, { ...way, soon: true });
  }

  /** Pairs of ways to one user that have been found since. */
  takeCrossings(): readonly (readonly [readonly Jid[], readonly Jid[]])[] {
    return this.#crossings.splice(0);
  }

  /** Whether this peer has introduced the user, too. */
  knows(user: Jid, peer: Jid): boolean {
    return this.#users.get(user)?.has(peer) === true;
  }

  /** All ways to this user, by peer. */
  ways(user: Jid): Iterable<readonly [Jid, Way]> {
    return this.#users.get(user) ?? [];
  }

  /** The nodes on the way from a user's to this one, the peer last. */
  from(user: Jid, peer: Jid): readonly Jid[] {
    return this.route(user, peer).passed;
  }

  route(user: Jid, peer: Jid): Route {
    return this.#users.get(user)?.get(peer) ?? { passed: [peer] };
  }

  /** Whether any user is reached by this peer. */
  isUsed(peer: Jid): boolean {
    for (const ways of this.#users.values()) if (ways.has(peer)) return true;
    return false;
  }

  /** The user is not behind this peer any more. */
  forgetWay(user: Jid, peer: Jid): void {
    const ways = this.#users.get(user);
    this.#count(ways?.get(peer), peer, -1);
    if (ways?.delete(peer) && ways.size === 0) this.forgetUser(user);
  }

  /** The user is gone. */
  forgetUser(user: Jid): void {
    for (const [peer, way] of this.ways(user)) this.#count(way, peer, -1);
    this.#users.delete(user);
    const sessions = this.#sessions.get(bareOf(user));
    if (sessions?.delete(user) && sessions.size === 0) this.#sessions.delete(bareOf(user));
  }

  #count(way: Way | undefined, peer: Jid, by: 1 | -1): void {
    const origin = way?.passed[0];
    if (origin === undefined) return;
    const peers = this.#behind.get(origin) ?? new Map<Jid, number>();
    const n = (peers.get(peer) ?? 0) + by;
    if (n > 0) this.#behind.set(origin, peers.set(peer, n));
    else if (peers.delete(peer) && peers.size === 0) this.#behind.delete(origin);
  }

  /** Whether users of that node are reached by this peer; undefined: by nobody. */
  isWayTo(origin: Jid, peer: Jid): boolean | undefined {
    return this.#behind.get(origin)?.has(peer);
  }

  /** The link is gone. */
  forgetPeer(peer: Jid): void {
    for (const user of [...this.#users.keys()]) this.forgetWay(user, peer);
  }

  /**
   * The best other way to a user: one that stays, and of those the shortest. It may be known under another of their sessions
   * (decision #141).
   */
  otherThan(room: RoomView, { jid, nick }: Occupant, peer: Jid): readonly [Jid, Way] | undefined {
    if (jid === undefined) return undefined;
    const under = (session: Jid) =>
      [...(this.#users.get(session) ?? [])].filter(
        ([other, { as }]) =>
          other !== peer && room.peers.get(other)?.state === 'live' && (session === jid || as.nick === nick),
      );
    return [...(this.#sessions.get(bareOf(jid)) ?? [])]
      .flatMap(under)
      .reduce<readonly [Jid, Way] | undefined>(
        (best, one) => (best === undefined || rank(one[1]) < rank(best[1]) ? one : best),
        undefined,
      );
  }

  /** A better way to a user than the one by which they are reached, if there is one. */
  betterThan(room: RoomView, occupant: Occupant, peer: Jid): readonly [Jid, Way] | undefined {
    const way = occupant.jid === undefined ? undefined : this.#users.get(occupant.jid)?.get(peer);
    const other = this.otherThan(room, occupant, peer);
    return way && other && rank(other[1]) < rank(way) ? other : undefined;
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
    prune(this.#changes, now);
    return undefined;
  }

  /** Decision #167: after a start of this node, how far its log says that the users of other nodes have come. */
  recall(archive: readonly HistoryItem[], now: Instant): void {
    if (this.#isRecalled) return;
    this.#isRecalled = true;
    for (const { by, author, counted, at } of archive.slice(-changesMax))
      if (author !== undefined && now - at < changeMs) this.isLate(author, { by, order: counted }, at);
  }

  /** Decision #163: a message comes. @returns whether one that its author sent after it has come before, by another way */
  isLate(author: Jid, { by, order }: Pick<Trail, 'by' | 'order'>, now: Instant): boolean {
    if (order === undefined) return false;
    const key = wordsKey(by, author);
    const last = this.#words.get(key);
    const { run, n } = order;
    const isAfter = last !== undefined && order.before === last.run;
    if (last && !isAfter && (run === last.before || (run === last.run && n < last.n))) return true;
    this.#words.delete(key);
    const before = last === undefined || run === last.run ? last?.before : last.run;
    this.#words.set(key, { run, n, before: before ?? order.before, at: now });
    prune(this.#words, now);
    return false;
  }

  /** What the next node is told of the place of something: which start of the author's node was before that one, too. */
  placed(author: Jid, { by, order }: Pick<Trail, 'by' | 'order'>): Trail['order'] {
    const last = this.#words.get(wordsKey(by, author));
    return order && last?.run === order.run && last.before !== undefined ? { ...order, before: last.before } : order;
  }

  /** It is the last that this user did, so far. @param left  they left with it */
  isLastOf(user: Jid, order: Trail['order'], left: boolean, now: Instant): void {
    const last = this.#last.get(user);
    const before = last?.order === undefined || last.order.run === order?.run ? last?.before : last.order.run;
    this.#last.delete(user);
    this.#last.set(user, { order, left, before, at: now });
    prune(this.#last, now);
  }

  /** The place of the last change of this user, if their node counts. */
  orderOf(user: Jid): Trail['order'] {
    return this.#last.get(user)?.order;
  }

  /**
   * How far a user of this node has come, who is in or about to be. Decision #165: of a user who has done nothing since this node
   * started, or has left, it is new, or they would be taken for who they were before.
   */
  placeOf(user: Jid, env: Env): NonNullable<Trail['order']> {
    const last = this.#last.get(user);
    if (last?.order !== undefined && !last.left) return last.order;
    const order = this.next(env);
    this.isLastOf(user, order, false, env.now);
    return order;
  }

  /** How a change stands to the last one of this user that is known; undefined: nobody counts. */
  ageOf(user: Jid, order: Trail['order']): 'older' | 'same' | 'newer' | undefined {
    const last = this.#last.get(user);
    if (order === undefined || last?.order === undefined) return undefined;
    if (order.run !== last.order.run) return order.run === last.before ? 'older' : 'newer';
    return order.n < last.order.n ? 'older' : order.n === last.order.n ? 'same' : 'newer';
  }

  /** Whether the last that is known of this user is that they left. */
  hasLeft(user: Jid): boolean {
    return this.#last.get(user)?.left === true;
  }
}

function wordsKey(by: Jid, author: Jid): string {
  return `${by} ${bareOf(author)}`;
}

/** The lower, the better. */
function rank({ soon, passed }: Way): number {
  return passed.length + (soon ? hopsMax : 0);
}

/** What is remembered of changes is so for a while, and not without bound. */
function prune(changes: Map<string, { readonly at: Instant }>, now: Instant): void {
  for (const [oldest, { at }] of changes) {
    if (changes.size <= changesMax && now - at < changeMs) break;
    changes.delete(oldest);
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
  while (shared < one.length && one[shared] === other[shared]) shared++;
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
