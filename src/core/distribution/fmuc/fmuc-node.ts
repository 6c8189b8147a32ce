import type { TimerId } from '../../node/input.ts';
import {
  type HistoryItem,
  isLocal,
  type Occupant,
  type PeerRecord,
  type Subject,
  sameOccupant,
} from '../../room/event.ts';
import { recent } from '../../room/history.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { deliverPrivate, leave, saysGone } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import { unavailable } from '../../room/visibility.ts';
import { type LinkPlace, readLinkPlace } from '../../xep/sync.ts';
import { type JoinRequest, type MucUser, readJoin, readMucUser, subjectChange } from '../../xep/xep0045.ts';
import { readStamp } from '../../xep/xep0082.ts';
import { isPing, ping } from '../../xep/xep0199.ts';
import { readDelay } from '../../xep/xep0203.ts';
import { type Fmuc, readFmuc, writeFmuc } from '../../xep/xep0289.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iqResult, payloadOf, presence, type Stanza, withParts } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { type Change, type Distribution, readTimer, timerOf } from '../distribution.ts';
import { spread as jitter, keepaliveMs } from '../keepalive.ts';
import { JoiningNode } from './joining-node.ts';
import { NodeLink, originOf, placed, placeOf } from './node-link.ts';
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
export class FmucNode implements Distribution {
  readonly role = 'fmuc';
  readonly #outbound: JoiningNode | undefined;
  readonly #allowed: readonly Jid[];
  readonly #links = new Map<Jid, NodeLink>();
  /** XEP-0421: of people in an answer to a join, which is not taken before it is whole. */
  readonly #newIds = new Map<Jid, string>();

  constructor(outbound: Jid | undefined, allowed: readonly Jid[]) {
    this.#outbound = outbound === undefined ? undefined : new JoiningNode(outbound, this.#links);
    this.#allowed = allowed;
  }

  fromPeer(turn: Turn, room: RoomView, stanza: Stanza): boolean {
    const user = room.occupantByJid(stanza.from);
    if (user && isLocal(user)) return false;
    const peer = bareOf(stanza.from);
    const handled = this.#fromNode(turn, room, peer, stanza);
    if (handled) this.#outbound?.settle(turn, room);
    return handled;
  }

  /** Someone who waits for the other node's answer and changes their mind; someone who is here by another node. */
  fromUser(turn: Turn, room: RoomView, stanza: Stanza): boolean {
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
    tell(turn, room, { kind: 'left', occupant: nobody, parts: {} });
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }

  admit(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, join: JoinRequest): boolean {
    return this.#outbound?.admit(turn, room, occupant, join) ?? true;
  }

  /** To every linked node but the one it came from. §5.2, §5.3, §5.4. */
  spread(turn: Turn, room: RoomView, change: Change): void {
    switch (change.kind) {
      case 'entered':
      case 'presence': {
        const { occupant } = change;
        for (const link of this.#linked(room, occupant)) {
          if (link.peer === this.#outbound?.peer) this.#outbound.introduce(turn, room, link, occupant);
          else link.send(turn, occupantPresence(room, occupant, occupantJid(link.peer, occupant.nick)), '0289#5.3');
        }
        return;
      }
      case 'returned':
      case 'configured':
      case 'affiliated':
        return;
      case 'left': {
        const { occupant } = change;
        const parts = unavailable(change.parts);
        for (const link of this.#linked(room, occupant))
          link.send(turn, occupantPresence(room, occupant, occupantJid(link.peer, occupant.nick), parts), '0289#5.4');
        this.#outbound?.leaveIfEmpty(turn, room);
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
      default:
        assertNever(change);
    }
  }

  /** §5.6: to the node by which the target is reached, marked with who says it. */
  route(turn: Turn, room: RoomView, from: Occupant, to: Occupant, stanza: Stanza): void {
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
  linkUp(turn: Turn, room: RoomView): void {
    // What was under way in the life before comes first: what the restart begins is of this life.
    this.#outbound?.linkUp(turn, room, this);
    const forgotten = [...room.peers].filter(([peer, { state }]) => state === 'live' && !this.#links.has(peer));
    if (forgotten.length > 0) this.#restart(turn, room, forgotten);
    for (const [peer, { state }] of room.peers) {
      const link = this.#links.get(peer);
      if (state === 'live' && link) this.#ping(turn, room, link, link.keepalive.ping(turn.env));
    }
    this.#outbound?.settle(turn, room);
  }

  timer(turn: Turn, room: RoomView, timer: TimerId): void {
    const { name } = readTimer(timer);
    if (name === 'answer') this.#outbound?.overdue(turn, room, this);
    else if (name === 'retry') this.#outbound?.retry(turn, room);
    else if (name.startsWith('keepalive:')) this.#keepalive(turn, room, name.slice('keepalive:'.length) as Jid);
  }

  /**
   * Decision #23: the loser of a nick is told 409 and goes. Where another node is their home, that node is told, and
   * does the same.
   */
  yield(turn: Turn, room: RoomView, loser: Occupant): void {
    turn.note('decision#23', `${loser.nick} is another's on the joined node`, { room: room.jid });
    if (isLocal(loser)) {
      const theirs = presence(loser.jid, occupantJid(room.jid, loser.nick), {});
      turn.send(
        errorReply(theirs, stanzaError('cancel', 'conflict', 'the nick is taken on another node')),
        'decision#23',
      );
    } else if (loser.home !== undefined && loser.jid !== undefined)
      this.#refuseNick(turn, room, loser.home, loser.nick, loser.jid);
    leave(turn, room, this, loser, { payloads: [] });
  }

  /** The subject that came with a join, to the nodes that joined this one. §5.1 "nodes joined to it". */
  passSubject(turn: Turn, room: RoomView): void {
    for (const [peer, { state, direction }] of room.peers) {
      if (state === 'live' && direction === 'inbound')
        this.#links.get(peer)?.send(turn, nodeSubject(room, peer), '0289#5.1');
    }
  }

  /** Links to the nodes that hear of this occupant: all, less the one that told us. */
  #linked(room: RoomView, occupant: Occupant): readonly NodeLink[] {
    const links: NodeLink[] = [];
    for (const [peer, { state }] of room.peers) {
      const link = state === 'live' ? this.#links.get(peer) : undefined;
      if (link && peer !== occupant.home) links.push(link);
    }
    return links;
  }

  #fromNode(turn: Turn, room: RoomView, peer: Jid, stanza: Stanza): boolean {
    const outbound = this.#outbound?.peer === peer ? this.#outbound : undefined;
    const known = outbound !== undefined || this.#allowed.includes(peer);
    const state = room.peers.get(peer)?.state;
    const link = this.#links.get(peer);
    const where = { room: room.jid, peer };
    if (stanza.name === 'iq') return known && this.#iq(turn, room, peer, link, stanza);
    if (stanza.type === 'error') {
      if (link) this.#error(turn, room, link, outbound, stanza);
      return known;
    }
    const fmuc = readFmuc(stanza.payloads);
    if (fmuc === undefined && !known) return false;
    link?.keepalive.heard(turn.env.now);
    if (fmuc?.kind === 'reject' || fmuc?.kind === 'left') {
      this.#ended(turn, room, outbound, link, fmuc, stanza);
      return true;
    }
    const joins = stanza.name === 'presence' && stanza.type === undefined && readJoin(stanza.payloads) !== undefined;
    if (joins && fmuc && outbound === undefined) this.#joined(turn, room, peer, fmuc.from, stanza);
    else if (link === undefined || (state !== 'live' && state !== 'joining' && state !== 'leaving')) {
      this.#unlinked(turn, room, peer, outbound, stanza);
      return known || stanza.name === 'presence';
    } else if (this.#inOrder(turn, room, link, stanza)) {
      if (outbound && state === 'joining') this.#answer(turn, room, outbound, fmuc?.from, stanza);
      else if (state !== 'live') turn.note('0289#5.4', `${peer} does not know yet that we left: ignored`, where);
      else if (outbound && isPassedOn(stanza)) {
        const author = fmuc === undefined ? undefined : this.#idOf(turn, room, fmuc.from);
        outbound.passedSubject(turn, room, this, subjectIn(turn, stanza, author));
      } else if (fmuc === undefined) turn.note('0289#5', `a ${stanza.name} without fmuc from ${peer}: ignored`, where);
      else if (stanza.name === 'presence') this.#presence(turn, room, peer, fmuc.from, stanza);
      else this.#message(turn, room, peer, fmuc.from, stanza);
    }
    return true;
  }

  /** Decision #60: a repetition, or what comes of an earlier link, is dropped; a gap means that the two are out of step. */
  #inOrder(turn: Turn, room: RoomView, link: NodeLink, stanza: Stanza): boolean {
    const { peer } = link;
    const place = placeOf(stanza);
    const order = link.take(place);
    if (order === 'next') return true;
    if (order === 'gap') this.#outOfStep(turn, room, peer, `${place?.n} came, and not what was before it`);
    else
      turn.note('decision#60', `${stanza.name} ${place?.n ?? 'without a place'} from ${peer} is of the past: dropped`, {
        room: room.jid,
        peer,
      });
    return false;
  }

  /** The link is there, but something that went over it is not here: decision #61. */
  #outOfStep(turn: Turn, room: RoomView, peer: Jid, why: string): void {
    if (this.#outbound?.peer === peer) return this.#outbound.rejoin(turn, room, this, why);
    this.#links.get(peer)?.send(turn, left(room, peer), 'decision#61');
    this.#unlink(turn, room, peer, why);
  }

  /** Decision #24: the other node cannot be reached, or knows nothing of the link. */
  #lost(turn: Turn, room: RoomView, peer: Jid, why: string): void {
    if (this.#outbound?.peer === peer) this.#outbound.lost(turn, room, this, why);
    else this.#unlink(turn, room, peer, why);
  }

  /** The joined node's half of a lost link: the other's users are out, and it may join again. */
  #unlink(turn: Turn, room: RoomView, peer: Jid, why: string): void {
    turn.note('decision#24', `${peer} is lost: ${why}`, { room: room.jid, peer });
    this.#forget(turn, room, peer);
    this.#dropUsers(turn, room, peer);
  }

  #forget(turn: Turn, room: RoomView, peer: Jid): void {
    this.#links.delete(peer);
    turn.clearTimer(timerOf(room.jid, `keepalive:${peer}`));
    turn.record({ kind: 'peerChanged', room: room.jid, peer, record: undefined });
  }

  #dropUsers(turn: Turn, room: RoomView, peer: Jid, keep?: Jid): void {
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.home === peer && occupant.jid !== keep && room.occupants.get(occupant.nick) === occupant)
        leave(turn, room, this, occupant, { statuses: [333], payloads: [] });
    }
  }

  /**
   * Decision #61: a node that starts again does not know how far its links had come. First none of them is one any more,
   * so that what follows is told to nobody who counts; then it asks those that joined it to join again, and joins anew.
   */
  #restart(turn: Turn, room: RoomView, forgotten: readonly (readonly [Jid, PeerRecord])[]): void {
    const ended: { readonly peer: Jid; readonly session: string }[] = [];
    for (const [peer, { direction, session }] of forgotten) {
      if (direction === 'outbound') continue;
      if (session !== undefined) {
        ended.push({ peer, session });
        this.#forget(turn, room, peer);
        continue;
      }
      // A peer that does not count cannot be asked to: it is believed until a ping says otherwise.
      const link = new NodeLink(turn.env, peer, turn.env.newId());
      link.doesNotCount();
      this.#links.set(peer, link);
    }
    for (const { peer } of ended) this.#dropUsers(turn, room, peer);
    for (const { peer, session } of ended) turn.send(placed(left(room, peer), { session, n: 0 }), 'decision#61', peer);
    const outbound = this.#outbound;
    if (outbound && room.peers.get(outbound.peer)?.state === 'live')
      outbound.rejoin(turn, room, this, 'this node has started again');
  }

  #keepalive(turn: Turn, room: RoomView, peer: Jid): void {
    const link = this.#links.get(peer);
    if (link === undefined || room.peers.get(peer)?.state !== 'live') return;
    const due = link.keepalive.due(turn.env);
    if (due.kind === 'lost') return this.#lost(turn, room, peer, 'two keepalives went unanswered');
    if (due.kind === 'ping') return this.#ping(turn, room, link, due);
    turn.setTimer(timerOf(room.jid, `keepalive:${peer}`), due.ms);
  }

  /** XEP-0199, bare to bare; to a node that counts it says how far we have counted (decision #60). */
  #ping(turn: Turn, room: RoomView, link: NodeLink, due: { readonly id: string; readonly ms: number }): void {
    turn.send(ping(room.jid, link.peer, due.id, ...link.position()), 'decision#3', link.peer);
    turn.setTimer(timerOf(room.jid, `keepalive:${link.peer}`), due.ms);
  }

  /** @returns false if it is no business of the link's, such as a question about this room */
  #iq(turn: Turn, room: RoomView, peer: Jid, link: NodeLink | undefined, stanza: Stanza): boolean {
    const live = link && room.peers.get(peer)?.state === 'live' ? link : undefined;
    if (stanza.type === 'get' || stanza.type === 'set') {
      if (!isPing(stanza)) return false;
      live?.keepalive.heard(turn.env.now);
      const place = readLinkPlace(payloadOf(stanza, 'ping', NS.ping));
      // Decision #24, as XEP-0410 §3 says it of an occupant: whoever pings believes in a link that is none.
      if (link === undefined)
        turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
      else turn.send(iqResult(stanza, ...link.position()), '0199#4', peer);
      if (live?.misses(place)) this.#outOfStep(turn, room, peer, `it has sent ${place?.n}, which is not here`);
      return true;
    }
    if (live === undefined || !live.keepalive.isPing(stanza.id)) return true;
    if (stanza.type === 'error') {
      this.#error(turn, room, live, this.#outbound?.peer === peer ? this.#outbound : undefined, stanza);
      return true;
    }
    live.keepalive.heard(turn.env.now);
    const place = readLinkPlace({ children: stanza.payloads });
    if (live.misses(place)) this.#outOfStep(turn, room, peer, `it has sent ${place?.n}, which is not here`);
    return true;
  }

  /** `<reject/>` and `<left/>`: only from the bare address of the room we joined (§5.1, §5.4), and about this link. */
  #ended(
    turn: Turn,
    room: RoomView,
    outbound: JoiningNode | undefined,
    link: NodeLink | undefined,
    fmuc: Exclude<Fmuc, { kind: 'from' }>,
    stanza: Stanza,
  ): void {
    const where = { room: room.jid, peer: bareOf(stanza.from) };
    if (!outbound || stanza.from !== outbound.peer || stanza.name !== 'presence')
      return turn.note('0289#5.4', `a forged ${fmuc.kind} from ${stanza.from}: ignored`, where);
    const session = placeOf(stanza)?.session;
    if (session !== undefined && session !== link?.session)
      return turn.note('decision#60', `a ${fmuc.kind} that is about an earlier join: ignored`, where);
    if (fmuc.kind === 'left') outbound.left(turn, room, this);
    else outbound.rejected(turn, room, this, fmuc.text);
  }

  /** XEP-0421: one id for each user, however they come here. */
  #idOf(turn: Turn, room: RoomView, user: Jid): string {
    const bare = bareOf(user);
    const id = room.occupantIdOf(user) ?? this.#newIds.get(bare) ?? turn.env.newId();
    if (this.#newIds.size < usersMax) this.#newIds.set(bare, id);
    return id;
  }

  #occupantOf(turn: Turn, room: RoomView, peer: Jid, author: Jid, stanza: Stanza): Occupant & { jid: Jid } {
    const user: MucUser = readMucUser(stanza.payloads) ?? { affiliation: 'none', role: 'participant', statuses: [] };
    return {
      nick: resourceOf(stanza.from),
      jid: author,
      affiliation: user.affiliation,
      role: user.role === 'none' ? 'participant' : user.role,
      home: peer,
      occupantId: this.#idOf(turn, room, author),
      presence: cleanPayloads(room.jid, stanza.payloads),
    };
  }

  #presence(turn: Turn, room: RoomView, peer: Jid, author: Jid, stanza: Stanza): void {
    if (stanza.type !== undefined && stanza.type !== 'unavailable') return;
    const occupant = this.#occupantOf(turn, room, peer, author, stanza);
    const { nick } = occupant;
    if (nick === '')
      return turn.note('0289#5', `presence with fmuc but no nick from ${peer}: ignored`, { room: room.jid, peer });
    const known = this.#theirs(room, peer, author);
    if (stanza.type === 'unavailable') {
      const user = readMucUser(stanza.payloads);
      if (known && user?.statuses.includes(303) && user.nick !== undefined)
        return this.#renamed(turn, room, peer, known, user.nick);
      if (known)
        this.#theyLeft(turn, room, known, {
          statuses: user?.statuses.filter((code) => code !== 110) ?? [],
          payloads: cleanPayloads(room.jid, stanza.payloads),
          ...(user?.reason === undefined ? {} : { item: { reason: user.reason } }),
        });
      if (!user?.statuses.includes(303)) this.#leftIfEmpty(turn, room, peer);
    } else if (known === undefined) this.#entered(turn, room, peer, occupant);
    else if (known.nick !== nick) this.#renamed(turn, room, peer, known, nick);
    else this.#changed(turn, room, known, occupant);
  }

  #changed(turn: Turn, room: RoomView, known: Occupant, occupant: Occupant): void {
    // Said before, as after a 303 or by a node that announces a join twice: no news.
    if (sameOccupant(known, occupant)) return;
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant });
    this.#accept(turn, room, { kind: 'presence', occupant });
  }

  /** The joined node's half of §5.1: checks, takes the user in, and answers with occupants, history and subject. */
  #joined(turn: Turn, room: RoomView, peer: Jid, author: Jid, stanza: Stanza): void {
    const join = readJoin(stanza.payloads) as JoinRequest;
    const place = placeOf(stanza);
    const occupant = this.#occupantOf(turn, room, peer, author, stanza);
    if (occupant.nick === '')
      return turn.note('0289#5', `a join without a nick from ${peer}: ignored`, { room: room.jid, peer });
    const refusal = place && { session: place.session, n: 0 };
    if (!this.#allowed.includes(peer)) {
      turn.note('0289#5.1', `${peer} may not join: not on the list of this room`, { room: room.jid, peer });
      const text = 'This room does not federate with yours.';
      return turn.send(placed(reject(room, peer, text), refusal), '0289#5.1', peer);
    }
    const before = this.#links.get(peer);
    if (before && place?.session === before.session)
      return turn.note('decision#60', `a join from ${peer} that was answered: dropped`, { room: room.jid, peer });
    const known = this.#theirs(room, peer, author);
    // Openfire announces every user with a join: of someone new, over a link that does not count, it is no restart.
    const another = before !== undefined && !before.counts && place === undefined && known === undefined;
    if (before && !another) {
      // The peer starts afresh: whoever it does not name again in what follows was lost with its old life (decision #26).
      this.#forget(turn, room, peer);
      this.#dropUsers(turn, room, peer, known?.nick === occupant.nick ? author : undefined);
    }
    const kept = this.#theirs(room, peer, author);
    if (kept) this.#changed(turn, room, kept, occupant);
    else if (!this.#entered(turn, room, peer, occupant, refusal)) return;
    const link = before && another ? before : new NodeLink(turn.env, peer, place?.session ?? turn.env.newId());
    if (place === undefined) link.doesNotCount();
    else link.take(place);
    if (link !== before) {
      this.#links.set(peer, link);
      const session = place && { session: link.session };
      const record = { state: 'live', since: turn.env.now, direction: 'inbound', ...session } as const;
      turn.record({ kind: 'peerChanged', room: room.jid, peer, record });
      turn.setTimer(timerOf(room.jid, `keepalive:${peer}`), jitter(turn.env, keepaliveMs));
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
  #entered(
    turn: Turn,
    room: RoomView,
    peer: Jid,
    occupant: Occupant & { jid: Jid },
    refusal?: LinkPlace | undefined,
  ): boolean {
    const holders = new Set([room.occupants.get(occupant.nick), room.occupantByJid(occupant.jid)]);
    holders.delete(undefined);
    if (holders.size > 0 && peer !== this.#outbound?.peer) {
      this.#refuseNick(turn, room, peer, occupant.nick, occupant.jid, refusal);
      return false;
    }
    if (room.occupants.size - room.locals.length >= usersMax) {
      turn.note('decision#64', `${occupant.nick} of ${peer}: more users than a room has, ignored`, {
        room: room.jid,
        peer,
      });
      return false;
    }
    for (const holder of holders) if (holder) this.yield(turn, room, holder);
    // With the loser our last user may have gone, and with them the link.
    if (holders.size > 0 && room.peers.get(peer)?.state !== 'live') return false;
    turn.record({ kind: 'occupantEntered', room: room.jid, occupant });
    this.#accept(turn, room, { kind: 'entered', occupant, join: {}, statuses: [] });
    return true;
  }

  /** @param refusal  the place of a join that is refused, where there is no link */
  #refuseNick(turn: Turn, room: RoomView, peer: Jid, nick: string, jid: Jid, refusal?: LinkPlace | undefined): void {
    const link = this.#links.get(peer);
    turn.note('decision#23', `${nick} of ${peer}: the nick or the user is here already`, { room: room.jid, peer });
    if (link && refusal === undefined)
      return link.send(turn, nickConflict(room, peer, nick, jid, link.counts), 'decision#23');
    turn.send(placed(nickConflict(room, peer, nick, jid, refusal !== undefined), refusal), 'decision#23', peer);
  }

  /** Decision #23 for a change of nick: the one who takes a nick of the joined side loses, and is out on both. */
  #renamed(turn: Turn, room: RoomView, peer: Jid, before: Occupant & { jid: Jid }, nick: string): void {
    const holder = room.occupants.get(nick);
    if (holder !== undefined && holder.jid !== before.jid) {
      if (peer !== this.#outbound?.peer) {
        leave(turn, room, this, before, { payloads: [] });
        return this.#refuseNick(turn, room, peer, nick, before.jid);
      }
      this.yield(turn, room, holder);
      if (room.peers.get(peer)?.state !== 'live') return;
    }
    turn.record({ kind: 'nickChanged', room: room.jid, nick: before.nick, newNick: nick });
    this.#accept(turn, room, { kind: 'renamed', before, after: { ...before, nick } });
  }

  #theyLeft(turn: Turn, room: RoomView, occupant: Occupant, parts: Extract<Change, { kind: 'left' }>['parts']): void {
    turn.record({ kind: 'occupantLeft', room: room.jid, nick: occupant.nick });
    this.#accept(turn, room, { kind: 'left', occupant, parts });
  }

  /** §5.4: with its last user the joining node is out of the set, and is told. */
  #leftIfEmpty(turn: Turn, room: RoomView, peer: Jid): void {
    if (room.peers.get(peer)?.direction !== 'inbound') return;
    for (const other of room.occupants.values()) if (other.home === peer) return;
    this.#links.get(peer)?.send(turn, left(room, peer), '0289#5.4');
    this.#forget(turn, room, peer);
  }

  #message(turn: Turn, room: RoomView, peer: Jid, author: Jid, stanza: Stanza): void {
    const occupant = this.#theirs(room, peer, author);
    if (occupant === undefined)
      return turn.note('0289#7', `${peer} speaks for ${author}, whom it did not introduce: dropped`, {
        room: room.jid,
        peer,
      });
    if (stanza.type === 'groupchat') this.#groupchat(turn, room, occupant, stanza);
    else this.#private(turn, room, peer, occupant, resourceOf(stanza.to), stanza);
  }

  #groupchat(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, stanza: Stanza): void {
    const item = itemOf(turn, room, occupant, stanza, turn.env.now);
    if (room.holds(item))
      return turn.note('decision#27', 'a message that is here already: dropped', { room: room.jid });
    const text = subjectChange(stanza);
    if (text === undefined) {
      turn.record({ kind: 'messageAccepted', room: room.jid, n: room.n + 1, item });
      return this.#accept(turn, room, { kind: 'message', occupant, item });
    }
    // Decision #63: ours is on its way there, and there it counts.
    const link = this.#links.get(bareOf(stanza.from));
    if (link !== undefined && link.peer !== this.#outbound?.peer && link.crossesSubject(placeOf(stanza)))
      return turn.note('decision#63', 'a subject that crossed ours on the way: dropped', { room: room.jid });
    const subject = { text, nick: occupant.nick, occupantId: occupant.occupantId, at: turn.env.now };
    turn.record({ kind: 'subjectChanged', room: room.jid, n: room.n + 1, subject });
    this.#accept(turn, room, { kind: 'subject', occupant, subject, item });
  }

  /** §5.6: "each node that receives it is responsible for routing it"; never to anybody else. */
  #private(turn: Turn, room: RoomView, peer: Jid, from: Occupant, nick: string, stanza: Stanza): void {
    const target = room.occupants.get(nick);
    const payloads = cleanPayloads(room.jid, stanza.payloads);
    const clean = withParts(stanza, { id: originOf(stanza), payloads });
    if (target === undefined)
      return turn.send(
        errorReply(stanza, stanzaError('cancel', 'item-not-found', `nobody here is called ${nick}`)),
        '0045#7.5',
        peer,
      );
    if (isLocal(target)) deliverPrivate(turn, room, from, target.jid, clean, '0289#5.6');
    else if (target.home !== peer) this.route(turn, room, from, target, clean);
  }

  /** §5.1 Example 4, one stanza of it: occupants, messages, and at last the subject, which may name no author (#22). */
  #answer(turn: Turn, room: RoomView, outbound: JoiningNode, author: Jid | undefined, stanza: Stanza): void {
    const nick = resourceOf(stanza.from);
    if (stanza.name === 'presence') {
      if (author !== undefined && nick !== '' && stanza.type === undefined)
        outbound.answeredOccupant(this.#occupantOf(turn, room, outbound.peer, author, stanza), turn.env.now);
      return;
    }
    if (stanza.type !== 'groupchat') return;
    const id = author === undefined ? undefined : this.#idOf(turn, room, author);
    if (subjectChange(stanza) !== undefined) {
      outbound.answeredSubject(turn, room, this, subjectIn(turn, stanza, id));
      this.#newIds.clear();
    } else if (nick !== '' && author !== undefined && id !== undefined) {
      const item = itemOf(turn, room, { nick, jid: author, occupantId: id }, stanza, saidAt(turn, stanza));
      outbound.answeredMessage(item, turn.env.now);
    }
  }

  /** A node that may federate believes in a link that we do not have: it is told, and joins again. Decision #24. */
  #unlinked(turn: Turn, room: RoomView, peer: Jid, outbound: JoiningNode | undefined, stanza: Stanza): void {
    turn.note('0289#7', `${peer} is not linked with this room: dropped`, { room: room.jid, peer });
    if (outbound) turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
    else if (this.#allowed.includes(peer)) {
      const place = placeOf(stanza);
      turn.send(placed(left(room, peer), place && { session: place.session, n: 0 }), 'decision#24', peer);
    }
  }

  #error(turn: Turn, room: RoomView, link: NodeLink, outbound: JoiningNode | undefined, stanza: Stanza): void {
    const { peer } = link;
    const error = errorOf(stanza);
    if (outbound && stanza.name === 'presence' && error?.condition === 'conflict')
      return this.#conflict(turn, room, link, outbound, stanza);
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
    if (mine && error?.condition === 'not-acceptable') this.#outOfStep(turn, room, peer, 'it knows of no link');
    else if (mine && saysGone(stanza)) this.#lost(turn, room, peer, `it bounced: ${error?.condition}`);
    else turn.note('0289#5', `an error from ${peer} that is no bounce of ours: ignored`, { room: room.jid, peer });
  }

  /** Decision #23: the joined node keeps its own; ours goes, unless they have another nick by now. */
  #conflict(turn: Turn, room: RoomView, link: NodeLink, outbound: JoiningNode, stanza: Stanza): void {
    const place = placeOf(stanza);
    if (room.peers.get(link.peer)?.state === 'joining') {
      if (!link.counts || place === undefined || place.session === link.session) outbound.conflict(turn, room, this);
      return;
    }
    if (!this.#inOrder(turn, room, link, stanza)) return;
    const fmuc = readFmuc(stanza.payloads);
    const loser = room.occupants.get(resourceOf(stanza.to));
    if (loser === undefined || loser.home === link.peer) return;
    if (fmuc?.kind !== 'from' || fmuc.from === loser.jid) this.yield(turn, room, loser);
  }

  #theirs(room: RoomView, peer: Jid, author: Jid): (Occupant & { jid: Jid }) | undefined {
    const occupant = room.occupantByJid(author);
    return occupant?.home === peer ? { ...occupant, jid: author } : undefined;
  }

  #accept(turn: Turn, room: RoomView, change: Change): void {
    tell(
      turn,
      room,
      change,
      change.kind === 'left'
        ? '0289#5.4'
        : change.kind === 'message' || change.kind === 'subject'
          ? '0289#5.2'
          : '0289#5.3',
    );
    this.spread(turn, room, change);
  }
}

function itemOf(
  turn: Turn,
  room: RoomView,
  { nick, jid: author, occupantId }: { readonly nick: string; readonly jid: Jid; readonly occupantId: string },
  stanza: Stanza,
  at: Instant,
): HistoryItem {
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
    occupantId,
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

/** Its subject; an empty one of no author is none (decision #22). @param author  their XEP-0421 id, if they are known */
function subjectIn(turn: Turn, stanza: Stanza, author: string | undefined): Subject | undefined {
  const nick = resourceOf(stanza.from);
  const text = subjectChange(stanza) ?? '';
  if (text === '' && nick === '') return undefined;
  return { text, nick, ...(author === undefined ? {} : { occupantId: author }), at: saidAt(turn, stanza) };
}

/** Decision #12: nothing is of the future. */
function saidAt(turn: Turn, stanza: Stanza): Instant {
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
