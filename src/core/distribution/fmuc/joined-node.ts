import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { tellUser } from '../../room/tell.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import type { Sign } from '../../turn/spec.ts';
import { type LinkPlace, readResync } from '../../xep/fmuc-sync.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { errorReply, type Stanza } from '../../xmpp/stanza.ts';
import type { Link } from '../link.ts';
import { type FmucPeer, fmucPeer, fmucPeers } from '../peers.ts';
import { names } from './config-fields.ts';
import type { Links } from './links.ts';
import { enter, sameUser, showAs, theirs } from './occupants.ts';
import { placed, placeOf, routeOf, trailOf } from './place.ts';
import { askAbout, askSoon } from './probe.ts';
import { occupantOf } from './reading.ts';
import { missedBy, missing, wanted } from './resync.ts';
import { left, listed, looped, nodeHistory, nodeSubject, reject, resyncRequest, retractionsFor } from './stanzas.ts';
import { blockedOut, dropUsers, prefer } from './ways.ts';

/** Rooms on no list that owners are asked about. */
const strangersMax = 100;

/**
 * XEP-0289, the joined node's half: it lets other rooms join, answers them with what is here (§5.1), and tells them when
 * their last user is out (§5.4).
 */
export class JoinedNode {
  readonly #links: Links;
  /** Peers that were refused because of a user who is reached by another way. */
  readonly #stoodOff = new Map<Jid, Jid>();
  readonly #believed = new Set<Jid>();
  /** Peers that may have announced a user, or may have joined anew: the users, and how they asked. Decision #88. */
  readonly #announced = new Map<Jid, Map<Jid, { readonly join: JoinRequest; readonly stanza: Stanza }>>();

  /** Rooms on no list of which owners have heard. */
  readonly #strangers = new Set<Jid>();

  constructor(links: Links) {
    this.#links = links;
  }

  /** Whether its link was there before this node started again, and what came meanwhile was missed. */
  believes(peer: Jid): boolean {
    return this.#believed.has(peer);
  }

  /** Whether an owner lets it join. */
  allows({ config: { federation } }: RoomView, peer: Jid): boolean {
    return federation.enabled && names(federation.allowed, peer);
  }

  /** §5.1: checks, takes the user in, and answers with occupants, history and subject. */
  join(turn: RoomTurn, peer: Jid, author: Jid, join: JoinRequest, stanza: Stanza): void {
    const { room, env } = turn;
    const place = placeOf(stanza);
    const occupant = occupantOf(room, this.#links, author, room.occupantIdOf(author) ?? env.newId(), stanza);
    if (occupant.nick === '') return turn.note('0289#5', `a join without a nick from ${peer}: ignored`, { peer });
    const refusal = place && { session: place.session, n: 0 };
    if (this.#links.isBlocked(room, peer)) return this.refuse(turn, peer, 'This room has blocked yours.', stanza);
    if (!this.allows(room, peer)) return this.#unknown(turn, peer, stanza);
    const before = this.#links.of(peer);
    if (before && place?.session === before.session)
      return turn.note('decision#60', `a join from ${peer} that has been answered already: dropped`, { peer });
    const known = theirs(room, peer, author);
    // Openfire announces every user with a join. Over a link that does not count, the join of a new user is no restart.
    const another = before !== undefined && !before.counts && place === undefined && known === undefined;
    if (before && !another) {
      // The peer has started again. Users whom it does not name again in what follows have left (decision #26).
      this.forget(turn, peer);
      this.#dropUsers(turn, peer, known?.nick === occupant.nick ? author : undefined);
    }
    const route = routeOf(stanza, peer);
    const guest = { peer, user: author, origin: route.passed[0] ?? peer, counts: place !== undefined };
    const same = sameUser(room, this.#links, guest, occupant.nick);
    if (same && same.home !== peer && place && this.#links.paths.otherThan(room, same, peer))
      return this.standOff(turn, peer, author, refusal);
    if (same?.home === peer) showAs(turn, this.#links, same, occupant, peer);
    else if (!same && !enter(turn, this.#links, peer, occupant, route, refusal)) {
      this.#links.budgets.joinedNothing(peer, env.now);
      // Without EXT nothing but <reject/> ends its wait (§5.1).
      if (place === undefined && this.#links.of(peer) === undefined)
        turn.send(reject(room, peer, 'This room does not let this user in.'), '0289#5.1', peer);
      return;
    }
    this.#stoodOff.delete(peer);
    const link = before && another ? before : this.#links.begin(turn, peer, place?.session);
    this.#links.paths.leadsTo(author, peer, route, occupant);
    if (!same) this.#links.paths.isLastOf(author, trailOf(stanza, peer)?.order, false, env.now);
    if (place === undefined) link.doesNotCount();
    else link.take(place);
    if (link !== before) {
      const session = place && { session: link.session };
      const record: FmucPeer = {
        kind: 'fmuc',
        state: 'live',
        since: env.now,
        direction: 'inbound',
        ...(session ?? { plain: true }),
      };
      turn.record({ kind: 'peerChanged', peer, record });
      this.#links.budgets.begin(peer, env.now);
      if (room.config.federation.keepalive) link.watch(turn);
    }
    prefer(turn, this.#links, author);
    if (another) {
      const all = this.#announced.get(peer) ?? new Map();
      this.#announced.set(peer, all.set(author, { join, stanza }));
      return askAbout(turn, link);
    }
    if (!link.counts) askSoon(turn, peer);
    this.#answer(turn, link, author, join, stanza);
  }

  /** The users of whom a peer may have asked to join anew. */
  announcedBy(peer: Jid): ReadonlySet<Jid> | undefined {
    const all = this.#announced.get(peer);
    return all && new Set(all.keys());
  }

  /**
   * What there was to it. The peer gets what it has not: all, if it has joined anew, occupants and subject if nobody knows.
   *
   * @returns whether there was any
   */
  answerAnnounced(turn: RoomTurn, peer: Jid, what: 'all' | 'occupants' | 'nothing'): boolean {
    const [first] = this.#announced.get(peer) ?? [];
    const link = this.#links.of(peer);
    turn.clearTimer(`announced:${peer}`);
    this.#announced.delete(peer);
    if (first === undefined || link === undefined) return false;
    const [author, { join, stanza }] = first;
    if (what === 'occupants') this.#answer(turn, link, author, { ...join, history: { maxstanzas: 0 } }, stanza);
    if (what !== 'all') return true;
    this.forget(turn, peer);
    this.#dropUsers(turn, peer, author);
    this.join(turn, peer, author, join, stanza);
    return true;
  }

  /** §5.1 Example 4: occupants, history and subject. */
  #answer(turn: RoomTurn, link: Link, author: Jid, { history }: JoinRequest, stanza: Stanza): void {
    const { room, env } = turn;
    const { peer } = link;
    for (const other of room.occupants.values()) {
      // Without EXT a node may take its own user for somebody else's.
      const own = other.home !== undefined && other.jid !== undefined;
      // It knows those who came by it.
      if (own && this.#links.paths.from(other.jid, other.home).includes(peer) && other.jid !== author) continue;
      if (link.counts || other.jid !== author) link.send(turn, listed(turn, this.#links, other, link), '0289#5.1');
    }
    const ask = link.counts ? readResync(stanza.payloads) : undefined;
    const news = ask ? missedBy(turn, ask) : wanted(turn, peer, history);
    // Of a message that was taken back nothing is passed on, and that it was always is (decision #114).
    const all = link.counts ? [...news, ...retractionsFor(room, peer)] : news;
    for (const item of all) link.send(turn, nodeHistory(room, item, peer), '0289#5.1');
    // Decision #172.
    const mine =
      this.#links.mode === 'primary-primary' &&
      room.config.federation.resync &&
      ask &&
      (missing(room, peer, env.now, undefined) ?? { ...ask, maxstanzas: room.config.historyMax, have: [] });
    if (mine) link.send(turn, resyncRequest(room, peer, mine), 'decision#181');
    link.send(turn, nodeSubject(turn, link), '0289#5.1');
  }

  /** Decision #184: it is on no list. An owner may want to be asked; a room without our extension does not ask again. */
  #unknown(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const { enabled, others } = turn.room.config.federation;
    if (!enabled || others !== 'ask') return this.refuse(turn, peer, 'This room does not federate with yours.', stanza);
    const text = `${peer} asks to join this room. It is let in once an owner puts it on the list of rooms that may.`;
    if (!this.#strangers.has(peer) && this.#strangers.size < strangersMax) {
      this.#strangers.add(peer);
      for (const { jid, affiliation } of turn.room.locals)
        if (affiliation === 'owner') tellUser(turn, jid, text, 'decision#184');
    }
    const place = placeOf(stanza);
    if (place === undefined) return this.refuse(turn, peer, 'An owner of this room has to let yours in.', stanza);
    const wait = stanzaError('wait', 'not-allowed', 'an owner of this room has to let yours in');
    const answer = errorReply(stanza, wait);
    turn.note('decision#184', `${peer} waits until an owner lets it join`, { peer, sign: 'refused' });
    if (answer) turn.send(placed(answer, { session: place.session, n: 0 }), 'decision#184', peer);
  }

  /** §5.1 Example 3. */
  refuse(turn: RoomTurn, peer: Jid, text: string, stanza: Stanza): void {
    const place = placeOf(stanza);
    turn.note('0289#5.1', `${peer} may not join: ${text}`, { peer, sign: 'refused' });
    turn.send(placed(reject(turn.room, peer, text), place && { session: place.session, n: 0 }), '0289#5.1', peer);
  }

  /** Decisions #146 and #147: no link for now, because the user in whose name the peer asks is reached by another way. */
  standOff(turn: RoomTurn, peer: Jid, author: Jid, refusal: LinkPlace | undefined): void {
    this.#stoodOff.set(peer, author);
    this.#links.budgets.joinedNothing(peer, turn.env.now);
    turn.send(placed(looped(turn.room, peer, true), refusal), 'decision#146', peer);
  }

  /** A user is gone: a peer that was refused for them may ask again. */
  userLost(turn: RoomTurn, user: Jid): void {
    for (const [peer, author] of this.#stoodOff) {
      if (author !== user) continue;
      this.#stoodOff.delete(peer);
      if (this.#links.of(peer) === undefined) turn.send(left(turn.room, peer), 'decision#146', peer);
    }
  }

  /** §5.4: with its last user the joining node is out of the set, and is told. */
  leftIfEmpty(turn: RoomTurn, peer: Jid): void {
    const { room } = turn;
    if (fmucPeer(room, peer)?.direction !== 'inbound') return;
    for (const other of room.occupants.values()) if (other.home === peer) return;
    if (this.#links.paths.isUsed(peer)) return;
    this.#links.of(peer)?.send(turn, left(room, peer), '0289#5.4');
    this.forget(turn, peer);
  }

  /** It believes in a link that we do not have: it is told, and joins again. Decision #24. */
  tellUnlinked(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const place = placeOf(stanza);
    const end = left(turn.room, peer);
    turn.send(placed(end, place && { session: place.session, n: 0 }), 'decision#24', peer);
  }

  /** The link is there, but something that went over it is not here: decision #61. */
  outOfStep(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    this.#links.of(peer)?.send(turn, left(turn.room, peer), 'decision#61');
    this.lost(turn, peer, how, why);
  }

  /** Decision #175: an owner wants nothing to do with it. */
  block(turn: RoomTurn, peer: Jid, parts: PresenceParts = blockedOut): void {
    this.#links.of(peer)?.send(turn, left(turn.room, peer), 'decision#175');
    this.forget(turn, peer);
    dropUsers(turn, this.#links, peer, 'decision#175', undefined, parts);
  }

  /** Decision #24: its users are out, and it may join again. */
  lost(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    turn.note('decision#24', `${peer} is lost: ${why}`, { peer, sign: how });
    this.forget(turn, peer);
    this.#dropUsers(turn, peer);
  }

  /**
   * Decision #61: a node that starts again does not know how far its links had come. First none of them is one any more,
   * so that what follows is told to nobody who counts; then it asks those that joined it to join again.
   */
  restarted(turn: RoomTurn): void {
    const { room } = turn;
    const ended: { readonly peer: Jid; readonly session: string }[] = [];
    for (const [peer, { state, direction, session }] of fmucPeers(room)) {
      if ((state !== 'live' && state !== 'split') || direction !== 'inbound' || this.#links.of(peer)) continue;
      // A peer that does not count cannot be asked to: it is believed until it says otherwise.
      if (session === undefined) {
        const link = this.#links.begin(turn, peer);
        link.doesNotCount();
        this.#believed.add(peer);
        if (state === 'split') link.watchSplit(turn);
        else askSoon(turn, peer);
      } else ended.push({ peer, session });
    }
    for (const { peer } of ended) this.forget(turn, peer);
    for (const { peer } of ended) this.#dropUsers(turn, peer);
    for (const { peer, session } of ended) turn.send(placed(left(room, peer), { session, n: 0 }), 'decision#61', peer);
  }

  /** Decision #146: the link closed a ring. */
  detach(turn: RoomTurn, peer: Jid): void {
    turn.note('decision#146', `no link with ${peer} for now: all are reached by another way`, { peer });
    this.forget(turn, peer);
    this.#dropUsers(turn, peer);
  }

  forget(turn: RoomTurn, peer: Jid): void {
    this.#announced.delete(peer);
    this.#believed.delete(peer);
    this.#links.end(turn, peer);
    turn.record({ kind: 'peerChanged', peer, record: undefined });
  }

  #dropUsers(turn: RoomTurn, peer: Jid, keep?: Jid): void {
    dropUsers(turn, this.#links, peer, 'decision#24', keep);
  }
}
