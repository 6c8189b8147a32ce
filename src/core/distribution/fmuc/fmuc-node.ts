import type { Change } from '../../room/change.ts';
import { leave } from '../../room/commit.ts';
import type { Traits } from '../../room/distribution.ts';
import { type HistoryItem, isLocal, type Occupant, type Subject, sameOccupant } from '../../room/event.ts';
import { recent } from '../../room/history.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import type { Refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { deliverPrivate, tell } from '../../room/tell.ts';
import { unavailable } from '../../room/visibility.ts';
import type { Sign } from '../../turn/spec.ts';
import { type LinkPlace, readLinkPlace } from '../../xep/sync.ts';
import { type JoinRequest, type MucUser, readJoin, readMucUser, subjectChange } from '../../xep/xep0045.ts';
import { readStamp } from '../../xep/xep0082.ts';
import { isPing } from '../../xep/xep0199.ts';
import { readDelay } from '../../xep/xep0203.ts';
import { type Fmuc, readFmuc, writeFmuc } from '../../xep/xep0289.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, payloadOf, presence, type Stanza, saysGone, withParts } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { Link, readLinkTimer } from '../link.ts';
import { type FmucPeer, fmucPeer, fmucPeers } from '../peers.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { JoiningNode } from './joining-node.ts';
import { originOf, placed, placeOf, wording } from './place.ts';
import {
  left,
  nickConflict,
  nodeHistory,
  nodeMessage,
  nodeSubject,
  occupantPresence,
  occupantRename,
  reject,
} from './stanzas.ts';

/**
 * The rank of an occupant of another node is what that node says, and what becomes of them that node decides (§5.5, decision
 * #62). They know this room by an address that is not its own.
 */
const traits: Traits = {
  features: [NS.fmuc, NS.ext],
  configFields: [],
  keepsChanges: false,
  givesOccupantIds: true,
  reaches: ({ home }) => home === undefined,
  decidesAbout: ({ home }) => home === undefined,
};

/** A peer's clock may be ahead by this much, in milliseconds. Decision #12. */
const skewMs = 5 * 60_000;

/** Users whom other nodes may bring in: more is no room, but a flood. Decision #64. */
const usersMax = 10_000;

/**
 * XEP-0289 in primary-primary mode: a room that joins another (the joining node, joining-node.ts) and lets others join
 * it (the joined node, here). Each node delivers to its own users at once and passes everything on to the nodes it is
 * linked with, never back to where it came from.
 *
 * `home` of an occupant is the peer room that introduced them. Their rank is what that node claims: shown, and good for
 * nothing here (§5.5 "only cosmetically").
 */
export class FmucNode implements Protocol {
  readonly traits = traits;
  readonly byService = false;
  readonly #outbound: JoiningNode | undefined;
  readonly #allowed: readonly Jid[];
  readonly #links = new Map<Jid, Link>();

  constructor(outbound: Jid | undefined, allowed: readonly Jid[]) {
    this.#outbound = outbound === undefined ? undefined : new JoiningNode(outbound, this.#links, this);
    this.#allowed = allowed;
  }

  status(): ProtocolStatus {
    return { role: 'fmuc' };
  }

  fromPeer(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const user = room.occupantByJid(stanza.from);
    if (user && isLocal(user)) return false;
    const peer = bareOf(stanza.from);
    const handled = this.#fromNode(turn, peer, stanza);
    if (handled) this.#outbound?.settle(turn);
    return handled;
  }

  /** Someone who waits for the other node's answer and changes their mind; someone who is here by another node. */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const known = room.occupantByJid(stanza.from);
    if (known?.home !== undefined && stanza.name !== 'iq') {
      // Decision #23: one session is at one node; what it does there comes by that node.
      const error = stanza.name === 'presence' ? 'conflict' : 'not-acceptable';
      if (stanza.type !== 'unavailable')
        turn.send(errorReply(stanza, stanzaError('cancel', error, 'you are here by another node')), 'decision#23');
      return true;
    }
    if (stanza.name !== 'presence' || stanza.type !== 'unavailable' || !this.#outbound?.withdraw(stanza.from))
      return false;
    const nobody = {
      nick: resourceOf(stanza.to),
      jid: stanza.from,
      affiliation: room.affiliationOf(stanza.from),
      role: 'none',
      occupantId: '',
      presence: [],
    } as const;
    tell(turn, { kind: 'left', occupant: nobody, parts: {} });
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }

  decide(turn: RoomTurn, change: Change): 'commit' | 'held' | Refusal {
    if (change.kind !== 'entered' || change.occupant.jid === undefined) return 'commit';
    const occupant = { ...change.occupant, jid: change.occupant.jid };
    return this.#outbound?.decide(turn, occupant, change.join) ?? 'commit';
  }

  /** To every linked node but the one it came from. §5.2, §5.3, §5.4. */
  spread(turn: RoomTurn, change: Change): void {
    const { room } = turn;
    switch (change.kind) {
      case 'entered':
      case 'presence': {
        const { occupant } = change;
        for (const link of this.#linked(room, occupant)) {
          if (link.peer === this.#outbound?.peer) this.#outbound.introduce(turn, link, occupant);
          else link.send(turn, occupantPresence(room, occupant, occupantJid(link.peer, occupant.nick)), '0289#5.3');
        }
        return;
      }
      case 'returned':
      case 'configured':
        return;
      case 'left': {
        const { occupant } = change;
        const parts = unavailable(change.parts);
        for (const link of this.#linked(room, occupant))
          link.send(turn, occupantPresence(room, occupant, occupantJid(link.peer, occupant.nick), parts), '0289#5.4');
        this.#outbound?.leaveIfEmpty(turn);
        return;
      }
      case 'renamed':
        for (const link of this.#linked(room, change.after)) {
          for (const stanza of occupantRename(room, change.before, change.after, link.peer))
            link.send(turn, stanza, '0289#5.3');
        }
        return;
      case 'message':
      case 'subject':
        for (const link of this.#linked(room, change.occupant))
          link.send(turn, nodeMessage(room, change.item, link.peer), '0289#5.2');
        return;
      case 'affiliated':
      case 'registered':
      case 'destroyed':
        return;
      default:
        assertNever(change);
    }
  }

  /** §5.6: to the node by which the target is reached, marked with who says it. */
  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza): void {
    const { room } = turn;
    if (to.home === undefined || from.jid === undefined) return;
    const payloads = [...stanza.payloads, writeFmuc({ kind: 'from', from: from.jid })];
    this.#links
      .get(to.home)
      ?.send(
        turn,
        withParts(stanza, { from: occupantJid(room.jid, from.nick), to: occupantJid(to.home, to.nick), payloads }),
        '0289#5.6',
      );
  }

  /** A new stream: a ping finds out whether anything was lost with the old one. After a restart, much was. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    // What was under way in the life before comes first: what the restart begins is of this life.
    this.#outbound?.linkUp(turn);
    const forgotten = fmucPeers(room).filter(([peer, { state }]) => state === 'live' && !this.#links.has(peer));
    if (forgotten.length > 0) this.#restart(turn, forgotten);
    for (const [peer, { state }] of room.peers) {
      const link = this.#links.get(peer);
      if (state === 'live') link?.ping(turn);
    }
    this.#outbound?.settle(turn);
  }

  timer(turn: RoomTurn, name: string): void {
    if (name === 'answer') this.#outbound?.overdue(turn);
    else if (name === 'retry') this.#outbound?.retry(turn);
    else {
      const peer = readLinkTimer(name);
      if (peer !== undefined) this.#keepalive(turn, peer);
    }
  }

  /**
   * Decision #23: the loser of a nick is told 409 and goes. Where another node is their home, that node is told, and
   * does the same.
   */
  yield(turn: RoomTurn, loser: Occupant): void {
    const { room } = turn;
    turn.note('decision#23', `${loser.nick} is another's on the joined node`);
    if (isLocal(loser)) {
      const theirs = presence(loser.jid, occupantJid(room.jid, loser.nick), {});
      turn.send(
        errorReply(theirs, stanzaError('cancel', 'conflict', 'the nick is taken on another node')),
        'decision#23',
      );
    } else if (loser.home !== undefined && loser.jid !== undefined)
      this.#refuseNick(turn, loser.home, loser.nick, loser.jid);
    leave(turn, loser, { payloads: [] });
  }

  /** The subject that came with a join, to the nodes that joined this one. §5.1 "nodes joined to it". */
  passSubject(turn: RoomTurn): void {
    const { room } = turn;
    for (const [peer, { state, direction }] of fmucPeers(room)) {
      if (state === 'live' && direction === 'inbound')
        this.#links.get(peer)?.send(turn, nodeSubject(room, peer), '0289#5.1');
    }
  }

  /** Links to the nodes that hear of this occupant: all, less the one that told us. */
  #linked(room: RoomView, occupant: Occupant): readonly Link[] {
    const links: Link[] = [];
    for (const [peer, { state }] of room.peers) {
      const link = state === 'live' ? this.#links.get(peer) : undefined;
      if (link && peer !== occupant.home) links.push(link);
    }
    return links;
  }

  #fromNode(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const { room } = turn;
    const outbound = this.#outbound?.peer === peer ? this.#outbound : undefined;
    const known = outbound !== undefined || this.#allowed.includes(peer);
    const state = room.peers.get(peer)?.state;
    const link = this.#links.get(peer);
    const where = { peer };
    if (stanza.name === 'iq') return known && this.#iq(turn, peer, link, stanza);
    if (stanza.type === 'error') {
      if (link) this.#error(turn, link, outbound, stanza);
      return known;
    }
    const fmuc = readFmuc(stanza.payloads);
    if (fmuc === undefined && !known) return false;
    link?.heard(turn.env.now);
    if (fmuc?.kind === 'reject' || fmuc?.kind === 'left') {
      this.#ended(turn, outbound, link, fmuc, stanza);
      return true;
    }
    const joins = stanza.name === 'presence' && stanza.type === undefined && readJoin(stanza.payloads) !== undefined;
    if (joins && fmuc && outbound === undefined) this.#joined(turn, peer, fmuc.from, stanza);
    else if (link === undefined || (state !== 'live' && state !== 'joining' && state !== 'leaving')) {
      this.#unlinked(turn, peer, outbound, stanza);
      return known || stanza.name === 'presence';
    } else if (this.#inOrder(turn, link, stanza)) {
      if (outbound && state === 'joining') this.#answer(turn, outbound, fmuc?.from, stanza);
      else if (state !== 'live') turn.note('0289#5.4', `${peer} does not know yet that we left: ignored`, where);
      else if (outbound && isPassedOn(stanza)) outbound.passedSubject(turn, subjectIn(turn, stanza));
      else if (fmuc === undefined) turn.note('0289#5', `a ${stanza.name} without fmuc from ${peer}: ignored`, where);
      else if (stanza.name === 'presence') this.#presence(turn, peer, fmuc.from, stanza);
      else this.#message(turn, peer, fmuc.from, stanza);
    }
    return true;
  }

  /** Decision #60: a repetition, or what comes of an earlier link, is dropped; a gap means that the two are out of step. */
  #inOrder(turn: RoomTurn, link: Link, stanza: Stanza): boolean {
    const { peer } = link;
    const place = placeOf(stanza);
    const order = link.take(place);
    if (order === 'next') return true;
    if (order === 'gap') this.#outOfStep(turn, peer, 'gap', `${place?.n} came, and not what was before it`);
    else
      turn.note('decision#60', `${stanza.name} ${place?.n ?? 'without a place'} from ${peer} is of the past: dropped`, {
        peer,
      });
    return false;
  }

  /** The link is there, but something that went over it is not here: decision #61. */
  #outOfStep(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    const { room } = turn;
    if (this.#outbound?.peer === peer) return this.#outbound.rejoin(turn, how, why);
    this.#links.get(peer)?.send(turn, left(room, peer), 'decision#61');
    this.#unlink(turn, peer, how, why);
  }

  /** Decision #24: the other node cannot be reached, or knows nothing of the link. */
  #lost(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    if (this.#outbound?.peer === peer) this.#outbound.lost(turn, how, why);
    else this.#unlink(turn, peer, how, why);
  }

  /** The joined node's half of a lost link: the other's users are out, and it may join again. */
  #unlink(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    turn.note('decision#24', `${peer} is lost: ${why}`, { peer, sign: how });
    this.#forget(turn, peer);
    this.#dropUsers(turn, peer);
  }

  #forget(turn: RoomTurn, peer: Jid): void {
    this.#links.get(peer)?.unwatch(turn);
    this.#links.delete(peer);
    turn.record({ kind: 'peerChanged', peer, record: undefined });
  }

  #dropUsers(turn: RoomTurn, peer: Jid, keep?: Jid): void {
    const { room } = turn;
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.home === peer && occupant.jid !== keep && room.occupants.get(occupant.nick) === occupant)
        leave(turn, occupant, { statuses: [333], payloads: [] });
    }
  }

  /**
   * Decision #61: a node that starts again does not know how far its links had come. First none of them is one any more,
   * so that what follows is told to nobody who counts; then it asks those that joined it to join again, and joins anew.
   */
  #restart(turn: RoomTurn, forgotten: readonly (readonly [Jid, FmucPeer])[]): void {
    const { room } = turn;
    const ended: { readonly peer: Jid; readonly session: string }[] = [];
    for (const [peer, { direction, session }] of forgotten) {
      if (direction === 'outbound') continue;
      if (session !== undefined) {
        ended.push({ peer, session });
        this.#forget(turn, peer);
        continue;
      }
      // A peer that does not count cannot be asked to: it is believed until a ping says otherwise.
      const link = new Link(turn.env, { self: room.jid, peer, session: turn.env.newId() }, wording);
      link.doesNotCount();
      this.#links.set(peer, link);
    }
    for (const { peer } of ended) this.#dropUsers(turn, peer);
    for (const { peer, session } of ended) turn.send(placed(left(room, peer), { session, n: 0 }), 'decision#61', peer);
    const outbound = this.#outbound;
    if (outbound && room.peers.get(outbound.peer)?.state === 'live')
      outbound.rejoin(turn, 'restart', 'this node has started again');
  }

  #keepalive(turn: RoomTurn, peer: Jid): void {
    const { room } = turn;
    const link = this.#links.get(peer);
    if (link === undefined || room.peers.get(peer)?.state !== 'live') return;
    if (!link.keepAlive(turn)) this.#lost(turn, peer, 'silence', 'two keepalives went unanswered');
  }

  /** @returns false if it is no business of the link's, such as a question about this room */
  #iq(turn: RoomTurn, peer: Jid, link: Link | undefined, stanza: Stanza): boolean {
    const { room } = turn;
    const live = link && room.peers.get(peer)?.state === 'live' ? link : undefined;
    if (stanza.type === 'get' || stanza.type === 'set') {
      if (!isPing(stanza)) return false;
      live?.heard(turn.env.now);
      const place = readLinkPlace(payloadOf(stanza, 'ping', NS.ping));
      // Decision #24, as XEP-0410 §3 says it of an occupant: whoever pings believes in a link that is none.
      if (link === undefined)
        turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
      else link.pong(turn, stanza);
      if (live?.misses(place)) this.#outOfStep(turn, peer, 'gap', `it has sent ${place?.n}, which is not here`);
      return true;
    }
    if (live === undefined || !live.isPing(stanza.id)) return true;
    if (stanza.type === 'error') {
      this.#error(turn, live, this.#outbound?.peer === peer ? this.#outbound : undefined, stanza);
      return true;
    }
    live.heard(turn.env.now);
    const place = readLinkPlace({ children: stanza.payloads });
    if (live.misses(place)) this.#outOfStep(turn, peer, 'gap', `it has sent ${place?.n}, which is not here`);
    return true;
  }

  /** `<reject/>` and `<left/>`: only from the bare address of the room we joined (§5.1, §5.4), and about this link. */
  #ended(
    turn: RoomTurn,
    outbound: JoiningNode | undefined,
    link: Link | undefined,
    fmuc: Exclude<Fmuc, { kind: 'from' }>,
    stanza: Stanza,
  ): void {
    const where = { peer: bareOf(stanza.from) };
    if (!outbound || stanza.from !== outbound.peer || stanza.name !== 'presence')
      return turn.note('0289#5.4', `a forged ${fmuc.kind} from ${stanza.from}: ignored`, where);
    const session = placeOf(stanza)?.session;
    if (session !== undefined && session !== link?.session)
      return turn.note('decision#60', `a ${fmuc.kind} that is about an earlier join: ignored`, where);
    if (fmuc.kind === 'left') outbound.left(turn);
    else outbound.rejected(turn, fmuc.text);
  }

  #occupantOf(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): Occupant & { jid: Jid } {
    const { room } = turn;
    const user: MucUser = readMucUser(stanza.payloads) ?? { affiliation: 'none', role: 'participant', statuses: [] };
    return {
      nick: resourceOf(stanza.from),
      jid: author,
      affiliation: user.affiliation,
      role: user.role === 'none' ? 'participant' : user.role,
      home: peer,
      occupantId: room.occupantIdOf(author) ?? turn.env.newId(),
      presence: cleanPayloads(room.jid, stanza.payloads),
    };
  }

  #presence(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): void {
    const { room } = turn;
    if (stanza.type !== undefined && stanza.type !== 'unavailable') return;
    const occupant = this.#occupantOf(turn, peer, author, stanza);
    const { nick } = occupant;
    if (nick === '') return turn.note('0289#5', `presence with fmuc but no nick from ${peer}: ignored`, { peer });
    const known = this.#theirs(room, peer, author);
    if (stanza.type === 'unavailable') {
      const user = readMucUser(stanza.payloads);
      if (known && user?.statuses.includes(303) && user.nick !== undefined)
        return this.#renamed(turn, peer, known, user.nick);
      if (known)
        this.#theyLeft(turn, known, {
          statuses: user?.statuses.filter((code) => code !== 110) ?? [],
          payloads: cleanPayloads(room.jid, stanza.payloads),
          ...(user?.reason === undefined ? {} : { item: { reason: user.reason } }),
        });
      if (!user?.statuses.includes(303)) this.#leftIfEmpty(turn, peer);
    } else if (known === undefined) this.#entered(turn, peer, occupant);
    else if (known.nick !== nick) this.#renamed(turn, peer, known, nick);
    else this.#changed(turn, known, occupant);
  }

  #changed(turn: RoomTurn, known: Occupant, occupant: Occupant): void {
    // Said before, as after a 303 or by a node that announces a join twice: no news.
    if (sameOccupant(known, occupant)) return;
    turn.record({ kind: 'occupantChanged', occupant });
    this.#accept(turn, { kind: 'presence', occupant });
  }

  /** The joined node's half of §5.1: checks, takes the user in, and answers with occupants, history and subject. */
  #joined(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): void {
    const { room } = turn;
    const join = readJoin(stanza.payloads) as JoinRequest;
    const place = placeOf(stanza);
    const occupant = this.#occupantOf(turn, peer, author, stanza);
    if (occupant.nick === '') return turn.note('0289#5', `a join without a nick from ${peer}: ignored`, { peer });
    const refusal = place && { session: place.session, n: 0 };
    if (!this.#allowed.includes(peer)) {
      turn.note('0289#5.1', `${peer} may not join: not on the list of this room`, {
        peer,
        sign: 'refused',
      });
      const text = 'This room does not federate with yours.';
      return turn.send(placed(reject(room, peer, text), refusal), '0289#5.1', peer);
    }
    const before = this.#links.get(peer);
    if (before && place?.session === before.session)
      return turn.note('decision#60', `a join from ${peer} that was answered: dropped`, { peer });
    const known = this.#theirs(room, peer, author);
    // Openfire announces every user with a join: of someone new, over a link that does not count, it is no restart.
    const another = before !== undefined && !before.counts && place === undefined && known === undefined;
    if (before && !another) {
      // The peer starts afresh: whoever it does not name again in what follows was lost with its old life (decision #26).
      this.#forget(turn, peer);
      this.#dropUsers(turn, peer, known?.nick === occupant.nick ? author : undefined);
    }
    const kept = this.#theirs(room, peer, author);
    if (kept) this.#changed(turn, kept, occupant);
    else if (!this.#entered(turn, peer, occupant, refusal)) return;
    const link =
      before && another
        ? before
        : new Link(turn.env, { self: room.jid, peer, session: place?.session ?? turn.env.newId() }, wording);
    if (place === undefined) link.doesNotCount();
    else link.take(place);
    if (link !== before) {
      this.#links.set(peer, link);
      const session = place && { session: link.session };
      const record: FmucPeer = { kind: 'fmuc', state: 'live', since: turn.env.now, direction: 'inbound', ...session };
      turn.record({ kind: 'peerChanged', peer, record });
      link.watch(turn);
    }
    for (const other of room.occupants.values()) {
      // Without EXT a node may take its own user for somebody else's.
      if (link.counts || other.jid !== author) link.send(turn, occupantPresence(room, other, peer), '0289#5.1');
    }
    // Limited "in the normal manner, as in XEP-0045"; maxchars counts stanzas that a node does not send as they are.
    const none = join.history?.maxchars === 0 || another;
    const history = none ? [] : recent(room.history, join.history, turn.env.now);
    for (const item of history) link.send(turn, nodeHistory(room, item, peer), '0289#5.1');
    link.send(turn, nodeSubject(room, peer), '0289#5.1');
  }

  /**
   * Someone new on the other side. Decision #23: of two holders of a nick, or of two sessions of one address, the joined
   * side's stays, so that both sides come to the same end; @returns false if it is theirs that must go
   */
  #entered(turn: RoomTurn, peer: Jid, occupant: Occupant & { jid: Jid }, refusal?: LinkPlace | undefined): boolean {
    const { room } = turn;
    const holders = new Set([room.occupants.get(occupant.nick), room.occupantByJid(occupant.jid)]);
    holders.delete(undefined);
    if (holders.size > 0 && peer !== this.#outbound?.peer) {
      this.#refuseNick(turn, peer, occupant.nick, occupant.jid, refusal);
      return false;
    }
    if (room.occupants.size - room.locals.length >= usersMax) {
      turn.note('decision#64', `${occupant.nick} of ${peer}: more users than a room has, ignored`, {
        peer,
      });
      return false;
    }
    for (const holder of holders) if (holder) this.yield(turn, holder);
    // With the loser our last user may have gone, and with them the link.
    if (holders.size > 0 && room.peers.get(peer)?.state !== 'live') return false;
    turn.record({ kind: 'occupantEntered', occupant });
    this.#accept(turn, { kind: 'entered', occupant, join: {}, statuses: [] });
    return true;
  }

  /** @param refusal  the place of a join that is refused, where there is no link */
  #refuseNick(turn: RoomTurn, peer: Jid, nick: string, jid: Jid, refusal?: LinkPlace | undefined): void {
    const { room } = turn;
    const link = this.#links.get(peer);
    turn.note('decision#23', `${nick} of ${peer}: the nick or the user is here already`, { peer });
    if (link && refusal === undefined)
      return link.send(turn, nickConflict(room, peer, nick, jid, link.counts), 'decision#23');
    turn.send(placed(nickConflict(room, peer, nick, jid, refusal !== undefined), refusal), 'decision#23', peer);
  }

  /** Decision #23 for a change of nick: the one who takes a nick of the joined side loses, and is out on both. */
  #renamed(turn: RoomTurn, peer: Jid, before: Occupant & { jid: Jid }, nick: string): void {
    const { room } = turn;
    const holder = room.occupants.get(nick);
    if (holder !== undefined && holder.jid !== before.jid) {
      if (peer !== this.#outbound?.peer) {
        leave(turn, before, { payloads: [] });
        return this.#refuseNick(turn, peer, nick, before.jid);
      }
      this.yield(turn, holder);
      if (room.peers.get(peer)?.state !== 'live') return;
    }
    turn.record({ kind: 'nickChanged', nick: before.nick, newNick: nick });
    this.#accept(turn, { kind: 'renamed', before, after: { ...before, nick } });
  }

  #theyLeft(turn: RoomTurn, occupant: Occupant, parts: Extract<Change, { kind: 'left' }>['parts']): void {
    turn.record({ kind: 'occupantLeft', nick: occupant.nick });
    this.#accept(turn, { kind: 'left', occupant, parts });
  }

  /** §5.4: with its last user the joining node is out of the set, and is told. */
  #leftIfEmpty(turn: RoomTurn, peer: Jid): void {
    const { room } = turn;
    if (fmucPeer(room, peer)?.direction !== 'inbound') return;
    for (const other of room.occupants.values()) if (other.home === peer) return;
    this.#links.get(peer)?.send(turn, left(room, peer), '0289#5.4');
    this.#forget(turn, peer);
  }

  #message(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): void {
    const { room } = turn;
    const occupant = this.#theirs(room, peer, author);
    if (occupant === undefined)
      return turn.note('0289#7', `${peer} speaks for ${author}, whom it did not introduce: dropped`, {
        peer,
      });
    if (stanza.type === 'groupchat') this.#groupchat(turn, occupant, stanza);
    else this.#private(turn, peer, occupant, resourceOf(stanza.to), stanza);
  }

  #groupchat(turn: RoomTurn, occupant: Occupant & { jid: Jid }, stanza: Stanza): void {
    const { room } = turn;
    const item = itemOf(turn, occupant.nick, occupant.jid, stanza, turn.env.now);
    if (room.holds(item)) return turn.note('decision#27', 'a message that is here already: dropped');
    const text = subjectChange(stanza);
    if (text === undefined) {
      turn.record({ kind: 'messageAccepted', n: room.n + 1, item });
      return this.#accept(turn, { kind: 'message', occupant, item });
    }
    // Decision #63: ours is on its way there, and there it counts.
    const link = this.#links.get(bareOf(stanza.from));
    if (link !== undefined && link.peer !== this.#outbound?.peer && link.subjectIsUnderWay)
      return turn.note('decision#63', 'a subject that crossed ours on the way: dropped');
    const subject = { text, nick: occupant.nick, at: turn.env.now };
    turn.record({ kind: 'subjectChanged', n: room.n + 1, subject });
    this.#accept(turn, { kind: 'subject', occupant, subject, item });
  }

  /** §5.6: "each node that receives it is responsible for routing it"; never to anybody else. */
  #private(turn: RoomTurn, peer: Jid, from: Occupant, nick: string, stanza: Stanza): void {
    const { room } = turn;
    const target = room.occupants.get(nick);
    const clean = withParts(stanza, { id: originOf(stanza), payloads: cleanPayloads(room.jid, stanza.payloads) });
    if (target === undefined)
      return turn.send(
        errorReply(stanza, stanzaError('cancel', 'item-not-found', `nobody here is called ${nick}`)),
        '0045#7.5',
        peer,
      );
    if (isLocal(target)) deliverPrivate(turn, from, target.jid, clean, '0289#5.6');
    else if (target.home !== peer) this.route(turn, from, target, clean);
  }

  /** §5.1 Example 4, one stanza of it: occupants, messages, and at last the subject, which may name no author (#22). */
  #answer(turn: RoomTurn, outbound: JoiningNode, author: Jid | undefined, stanza: Stanza): void {
    const nick = resourceOf(stanza.from);
    if (stanza.name === 'presence') {
      if (author !== undefined && nick !== '' && stanza.type === undefined)
        outbound.answeredOccupant(this.#occupantOf(turn, outbound.peer, author, stanza), turn.env.now);
      return;
    }
    if (stanza.type !== 'groupchat') return;
    if (subjectChange(stanza) !== undefined) outbound.answeredSubject(turn, subjectIn(turn, stanza));
    else if (nick !== '' && author !== undefined)
      outbound.answeredMessage(itemOf(turn, nick, author, stanza, saidAt(turn, stanza)), turn.env.now);
  }

  /** A node that may federate believes in a link that we do not have: it is told, and joins again. Decision #24. */
  #unlinked(turn: RoomTurn, peer: Jid, outbound: JoiningNode | undefined, stanza: Stanza): void {
    const { room } = turn;
    turn.note('0289#7', `${peer} is not linked with this room: dropped`, { peer });
    if (outbound) turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
    else if (this.#allowed.includes(peer)) {
      const place = placeOf(stanza);
      turn.send(placed(left(room, peer), place && { session: place.session, n: 0 }), 'decision#24', peer);
    }
  }

  #error(turn: RoomTurn, link: Link, outbound: JoiningNode | undefined, stanza: Stanza): void {
    const { room } = turn;
    const { peer } = link;
    const error = errorOf(stanza);
    if (outbound && stanza.name === 'presence' && error?.condition === 'conflict')
      return this.#conflict(turn, link, outbound, stanza);
    const mine = link.isOurs(stanza.id);
    // A private message comes back to its sender; if its target is gone, and not the node, that is all.
    if (mine && stanza.name === 'message' && stanza.type === 'error' && resourceOf(stanza.from) !== '') {
      const sender = room.occupants.get(resourceOf(stanza.to));
      const from = occupantJid(room.jid, resourceOf(stanza.from));
      if (sender && isLocal(sender))
        turn.send(
          withParts(stanza, {
            id: link.originOf(stanza.id),
            from,
            to: sender.jid,
            payloads: cleanPayloads(room.jid, stanza.payloads),
          }),
          '0045#7.5',
        );
      if (error?.condition === 'item-not-found') return;
    }
    if (mine && error?.condition === 'not-acceptable') this.#outOfStep(turn, peer, 'unlinked', 'it knows of no link');
    else if (mine && saysGone(stanza)) this.#lost(turn, peer, 'bounce', `it bounced: ${error?.condition}`);
    else turn.note('0289#5', `an error from ${peer} that is no bounce of ours: ignored`, { peer });
  }

  /** Decision #23: the joined node keeps its own; ours goes, unless they have another nick by now. */
  #conflict(turn: RoomTurn, link: Link, outbound: JoiningNode, stanza: Stanza): void {
    const { room } = turn;
    const place = placeOf(stanza);
    if (room.peers.get(link.peer)?.state === 'joining') {
      if (!link.counts || place === undefined || place.session === link.session) outbound.conflict(turn);
      return;
    }
    if (!this.#inOrder(turn, link, stanza)) return;
    const fmuc = readFmuc(stanza.payloads);
    const loser = room.occupants.get(resourceOf(stanza.to));
    if (loser === undefined || loser.home === link.peer) return;
    if (fmuc?.kind !== 'from' || fmuc.from === loser.jid) this.yield(turn, loser);
  }

  #theirs(room: RoomView, peer: Jid, author: Jid): (Occupant & { jid: Jid }) | undefined {
    const occupant = room.occupantByJid(author);
    return occupant?.home === peer ? { ...occupant, jid: author } : undefined;
  }

  #accept(turn: RoomTurn, change: Change): void {
    tell(
      turn,
      change,
      change.kind === 'left'
        ? '0289#5.4'
        : change.kind === 'message' || change.kind === 'subject'
          ? '0289#5.2'
          : '0289#5.3',
    );
    this.spread(turn, change);
  }
}

function itemOf(turn: RoomTurn, nick: string, author: Jid, stanza: Stanza, at: Instant): HistoryItem {
  const { room } = turn;
  // The identity that the accepting room gave travels on; a node may not give one in this room's name, but what this
  // room has forgotten keeps one identity however often it comes back.
  const given = readStanzaId(stanza.payloads);
  const own = { by: bareOf(stanza.from), id: given?.id ?? turn.env.newId() };
  const identity = given && given.by !== room.jid ? given : own;
  const mine = readStanzaId(stanza.payloads, room.jid);
  const { by, id } = mine && room.holds(mine) ? mine : identity;
  return {
    by,
    id,
    nick,
    author,
    occupantId: room.occupantIdOf(author) ?? '',
    at,
    stanzaId: originOf(stanza),
    lang: stanza.lang,
    payloads: withoutFederation(cleanPayloads(room.jid, stanza.payloads), bareOf(stanza.from)),
  };
}

/** Less the delay and the id that the other node put in: the room adds its own on the way out. */
function withoutFederation(payloads: readonly XmlElement[], peer: Jid): readonly XmlElement[] {
  return payloads.filter((payload) => {
    if (payload.name === 'stanza-id' && payload.xmlns === NS.sid) return false;
    if (payload.xmlns === NS.delay)
      return readDelay(payload) !== undefined && domainOf(readDelay(payload)?.from ?? peer) !== domainOf(peer);
    return true;
  });
}

/** A subject of before: of the answer to a join, or passed on to us after one. A live one has no delay. */
function isPassedOn(stanza: Stanza): boolean {
  return subjectChange(stanza) !== undefined && stampOf(stanza) !== undefined;
}

/** Its subject; an empty one of no author is none (decision #22). */
function subjectIn(turn: RoomTurn, stanza: Stanza): Subject | undefined {
  const nick = resourceOf(stanza.from);
  const text = subjectChange(stanza) ?? '';
  return text === '' && nick === '' ? undefined : { text, nick, at: saidAt(turn, stanza) };
}

/** Decision #12: nothing is of the future. */
function saidAt(turn: RoomTurn, stanza: Stanza): Instant {
  const at = stampOf(stanza) ?? turn.env.now;
  return at > turn.env.now + skewMs ? turn.env.now : at;
}

/** When a message of the history was said: XEP-0203, or the malformed `<x/>` of the XEP's own example. */
function stampOf(stanza: Stanza): Instant | undefined {
  const element = stanza.payloads.find((payload) => payload.xmlns === NS.delay);
  const delay = readDelay(element);
  if (delay) return delay.stamp;
  const compact = /^(\d{4})(\d\d)(\d\d)T(.+?)Z?$/.exec(element?.attrs['stamp'] ?? '');
  return compact ? readStamp(`${compact[1]}-${compact[2]}-${compact[3]}T${compact[4]}Z`) : undefined;
}
