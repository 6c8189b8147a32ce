import type { Occupant, PeerRecord } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { Budgets } from '../budgets.ts';
import type { FmucMode, FmucTrust } from '../config.ts';
import { Link } from '../link.ts';
import { fmucPeer } from '../peers.ts';
import { isOwnUser } from '../scope.ts';
import { names } from './config-fields.ts';
import { Names } from './naming.ts';
import { hopsMax, Paths } from './paths.ts';
import { wording } from './place.ts';
import { Scopes } from './scope.ts';

/** Users who are remembered as refused, for each peer. */
const keptMax = 1_000;
/** How much a user who waits is told of the nodes that do not let them in. */
const wordsMax = 20;

/** The links of one room while it runs: to the room that it joins, and to the rooms that join it. */
export class Links {
  /** By which ways what comes over them comes. */
  readonly paths = new Paths();
  readonly trust: FmucTrust;
  readonly scopes: Scopes;
  readonly budgets = new Budgets();
  readonly names = new Names();
  /** Of all of them. */
  readonly mode: FmucMode;
  readonly #links = new Map<Jid, Link>();
  /** By peer: users whom it does not let in, as long as they are here. Decision #156. */
  readonly #refused = new Map<Jid, Set<Jid>>();
  /** What users are told as soon as they are in. */
  readonly #words = new Map<Jid, string[]>();
  readonly #ended = new Set<Jid>();

  constructor(mode: FmucMode, trust: FmucTrust = {}) {
    this.mode = mode;
    this.trust = trust;
    this.scopes = new Scopes(trust.scope);
  }

  /** The peer does not let this user in. */
  refused(peer: Jid, user: Jid): void {
    const users = this.#refused.get(peer) ?? new Set<Jid>();
    this.#refused.set(peer, users.add(user));
    forgetOldest(users);
  }

  /** A user is about to be in, and is told this then. */
  tellLater(user: Jid, text: string): void {
    // Also of users who do not wait, if a node likes.
    this.#words.set(user, [...(this.#words.get(user) ?? []), text].slice(-wordsMax));
    forgetOldest(this.#words);
  }

  takeWords(user: Jid): readonly string[] {
    const words = this.#words.get(user) ?? [];
    this.#words.delete(user);
    return words;
  }

  isRefused(peer: Jid, user: Jid | undefined): boolean {
    return user !== undefined && this.#refused.get(peer)?.has(user) === true;
  }

  /** A user is gone, or comes under another nick: whoever refused them may think otherwise now. */
  forgetRefusals(user: Jid): void {
    for (const users of this.#refused.values()) users.delete(user);
  }

  /** Whether an owner wants nothing to do with this node. */
  isBlocked({ config }: RoomView, peer: Jid): boolean {
    return names(config.blockedNodes, peer);
  }

  /** Whether this room has joined that one, or asks to. Of two that name each other one joins, and the other is joined. */
  isOutbound(room: RoomView, peer: Jid): boolean {
    const record = fmucPeer(room, peer);
    return record?.direction === 'outbound' && record.state !== 'standby' && record.state !== 'rejected';
  }

  /** Whether that one has joined this room. */
  isInbound(room: RoomView, peer: Jid): boolean {
    return fmucPeer(room, peer)?.direction === 'inbound';
  }

  /** Whether that one has joined this room in primary-replica mode. */
  isPrimaryOf(room: RoomView, peer: Jid): boolean {
    return this.mode === 'primary-replica' && this.isInbound(room, peer);
  }

  /** Whether that one is the primary of this room. */
  isPrimary(room: RoomView, peer: Jid): boolean {
    return this.mode === 'primary-replica' && this.isOutbound(room, peer);
  }

  of(peer: Jid): Link | undefined {
    return this.#links.get(peer);
  }

  /** The link, if the two are in one set. */
  live(room: RoomView, peer: Jid): Link | undefined {
    return stateOf(room, peer) === 'live' ? this.#links.get(peer) : undefined;
  }

  /** The linked peer that is the user's own node, and says so itself. */
  direct(room: RoomView, user: Jid): Jid | undefined {
    for (const [peer, { passed }] of this.paths.ways(user))
      if (passed.length === 1 && isOwnUser(peer, user) && stateOf(room, peer) === 'live') return peer;
    return undefined;
  }

  /** Whether a node of the user's own server is linked with this one, and would tell of what they said. */
  isOwnNodeLinked(room: RoomView, user: Jid): boolean {
    for (const [peer, { state }] of room.peers)
      if (state === 'live' && isOwnUser(peer, user) && this.#links.get(peer)?.counts) return true;
    return false;
  }

  /** A new link, instead of any earlier one. @param session  as the peer's join names it; absent: this node names it */
  begin(turn: RoomTurn, peer: Jid, session: string = turn.env.newId()): Link {
    const readable = (room: RoomView, stanza: Stanza) => this.names.outward(room, peer, stanza);
    const link = new Link(turn.env, { self: turn.room.jid, peer, session }, { ...wording, readable });
    this.#links.set(peer, link);
    return link;
  }

  end(turn: RoomTurn, peer: Jid): void {
    this.#links.get(peer)?.unwatch(turn);
    if (this.#links.delete(peer)) this.#ended.add(peer);
    this.paths.forgetPeer(peer);
  }

  /** Peers whose links have ended since. */
  takeEnded(): readonly Jid[] {
    const ended = [...this.#ended];
    this.#ended.clear();
    return ended;
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

/** A peer that names ever new users makes this node forget the oldest. */
function forgetOldest(users: Set<Jid> | Map<Jid, unknown>): void {
  for (const oldest of users.keys()) {
    if (users.size <= keptMax) return;
    users.delete(oldest);
  }
}

/** How a room stands with another node. */
export function stateOf(room: RoomView, peer: Jid): PeerRecord['state'] | undefined {
  return room.peers.get(peer)?.state;
}
