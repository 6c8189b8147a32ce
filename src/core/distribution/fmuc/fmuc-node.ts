import type { Change } from '../../room/change.ts';
import { isLocal, type Occupant } from '../../room/event.ts';
import { handBack } from '../../room/hand-back.ts';
import type { Asked } from '../../room/passed.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst, sessionsOf } from '../../room/sessions.ts';
import { refuse, tellLeaver } from '../../room/tell.ts';
import type { Traits } from '../../room/traits.ts';
import { looksDifferent, unavailable } from '../../room/visibility.ts';
import type { Sign } from '../../turn/spec.ts';
import { readLinkPlace } from '../../xep/sync.ts';
import { readMucUser } from '../../xep/xep0045.ts';
import { isPing } from '../../xep/xep0199.ts';
import { type Fmuc, readFmuc } from '../../xep/xep0289.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, payloadOf, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import { withoutExcess } from '../excess.ts';
import { type Link, readLinkTimer } from '../link.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { isWordless } from '../wordless.ts';
import { classify, type FromNode } from './from-node.ts';
import { JoinedNode } from './joined-node.ts';
import { JoiningNode } from './joining-node.ts';
import { Links, stateOf } from './links.ts';
import { routePrivate, takeMessage, takeModeration } from './messages.ts';
import { takePresence, yieldNick } from './occupants.ts';
import { placeOf } from './place.ts';
import { nodeHistory, nodeMessage, nodeSubject, occupantPresence, occupantRename } from './stanzas.ts';

/**
 * An occupant's own node says which rank they have, and decides what becomes of them (§5.5, decision #62). Users of other
 * nodes know this room by an address that is not its own.
 */
const traits: Traits = {
  features: [NS.fmuc, NS.ext],
  configFields: [],
  keepsChanges: false,
  givesOccupantIds: true,
  reaches: ({ home }) => home === undefined,
  decidesAbout: ({ home }) => home === undefined,
};

/**
 * XEP-0289 in primary-primary mode: a room that joins another (the joining node, joining-node.ts) and lets others join
 * it (the joined node, joined-node.ts). Each node delivers to its own users at once and passes everything on to the nodes it
 * is linked with, never back to where it came from.
 *
 * `home` of an occupant is the peer room that introduced them. Their rank is what that node claims. It is shown, but
 * lets them do nothing here (§5.5 "only cosmetically").
 */
export class FmucNode implements Protocol {
  readonly traits = traits;
  readonly byService = false;
  readonly #links: Links;
  readonly #joining: JoiningNode | undefined;
  readonly #joined: JoinedNode;

  /** @param outbound  the room that this one joins; @param allowed  those that may join this one */
  constructor(outbound: Jid | undefined, allowed: readonly Jid[]) {
    this.#links = new Links(outbound);
    this.#joining = outbound === undefined ? undefined : new JoiningNode(outbound, this.#links);
    this.#joined = new JoinedNode(this.#links, allowed);
  }

  status(): ProtocolStatus {
    return { role: 'fmuc' };
  }

  fromPeer(turn: RoomTurn, received: Stanza): boolean {
    const { room } = turn;
    const user = room.occupantByJid(received.from);
    if (user && isLocal(user)) return false;
    const peer = bareOf(received.from);
    const outbound = peer === this.#links.outbound;
    const link = this.#links.of(peer);
    const state = link && stateOf(room, peer);
    const what = classify(received, { peer, outbound, known: outbound || this.#joined.allows(peer), state });
    if (what === undefined) return false;
    const stanza = withoutExcess(turn, received);
    if (what.kind === 'iq') {
      if (!this.#iq(turn, peer, stanza)) return false;
    } else if (what.kind === 'error') {
      if (link) this.#error(turn, link, stanza);
    } else {
      link?.heard(turn.env.now);
      this.#fromNode(turn, peer, what, stanza);
    }
    this.#joining?.joinIfOccupied(turn);
    return true;
  }

  /** Users who wait for the other node's answer and change their mind, and users who are here by another node. */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const known = room.occupantByJid(stanza.from);
    if (known?.home !== undefined && stanza.name !== 'iq') {
      // Decision #23: a session is at one node, and what it does comes by that node.
      const error = stanza.name === 'presence' ? 'conflict' : 'not-acceptable';
      const why = refusal('cancel', error, 'decision#23', 'you are here by another node');
      if (stanza.type !== 'unavailable') refuse(turn, stanza, why);
      return true;
    }
    // Decision #133: they are about to be in, and nobody would miss it.
    if (isWordless(stanza) && this.#joining?.isAwaitedBy(stanza.from, turn.env.now)) return true;
    if (stanza.name !== 'presence' || stanza.type !== 'unavailable' || !this.#joining?.withdraw(stanza.from))
      return false;
    const nobody = {
      nick: resourceOf(stanza.to),
      jid: stanza.from,
      affiliation: room.affiliationOf(stanza.from),
      role: 'none',
      occupantId: '',
      presence: [],
    } as const;
    // Nobody else ever heard of them, and the nick may be somebody's by now.
    tellLeaver(turn, { kind: 'left', occupant: nobody, parts: { id: stanza.id } });
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }

  decide(turn: RoomTurn, change: Change): 'commit' | 'held' | Refusal {
    const { room } = turn;
    const own = change.kind === 'presence' ? change.before : undefined;
    const joined = change.kind === 'renamed' ? room.occupants.get(change.after.nick) : own;
    // Decision #23: a user who is here by another node is that node's, whichever session asks.
    if (joined?.home !== undefined) return refusal('cancel', 'conflict', 'decision#23', 'you are here by another node');
    if (change.kind !== 'entered' || change.occupant.jid === undefined) return 'commit';
    const occupant = { ...change.occupant, jid: change.occupant.jid };
    return this.#joining?.decide(turn, { occupant, join: change.join }) ?? 'commit';
  }

  /** To every linked node but the one it came from. §5.2, §5.3, §5.4. */
  spread(turn: RoomTurn, change: Change): void {
    const { room } = turn;
    switch (change.kind) {
      case 'sessionLeft':
        return this.#spreadSessions(turn, change.before, change.after);
      case 'entered':
      case 'presence': {
        const { occupant } = change;
        if (change.kind === 'presence' && change.before) return this.#spreadSessions(turn, change.before, occupant);
        for (const link of this.#links.hearing(room, occupant)) {
          if (link.peer === this.#joining?.peer) this.#joining.introduce(turn, link, occupant);
          else link.send(turn, occupantPresence(room, occupant, occupantJid(link.peer, occupant.nick)), '0289#5.3');
        }
        return;
      }
      case 'left': {
        const { occupant } = change;
        const parts = unavailable(change.parts);
        for (const link of this.#links.hearing(room, occupant))
          link.send(turn, occupantPresence(room, occupant, occupantJid(link.peer, occupant.nick), parts), '0289#5.4');
        this.#joining?.leaveIfEmpty(turn);
        return;
      }
      case 'renamed':
        // Their own other occupant: to other nodes, who know one session of each, it is a leave.
        if (sessionsOf(change.after).length > sessionsOf(change.before).length) {
          this.spread(turn, { kind: 'left', occupant: change.before, parts: { payloads: [] } });
          return this.spread(turn, { kind: 'presence', occupant: change.after });
        }
        for (const link of this.#links.hearing(room, change.after)) {
          for (const stanza of occupantRename(room, change.before, change.after, link.peer))
            link.send(turn, stanza, '0289#5.3');
        }
        return;
      case 'message':
        for (const link of this.#links.hearing(room, change.occupant)) {
          // Decision #113.
          if (change.item.nick === '' && !link.counts) continue;
          if (!change.late) link.send(turn, nodeMessage(room, change.item, link.peer), '0289#5.2');
          // A node without our extension would show it as if it were said now.
          else if (link.counts) link.send(turn, nodeHistory(room, change.item, link.peer), '0289#5.1');
        }
        return;
      case 'subject':
        for (const link of this.#links.hearing(room, change.occupant)) {
          if (change.late) link.send(turn, nodeSubject(room, link.peer), '0289#5.1');
          else link.send(turn, nodeMessage(room, change.item, link.peer), '0289#5.2');
        }
        return;
      case 'returned':
      case 'configured':
      case 'affiliated':
      case 'registered':
      case 'invited':
      case 'uninvited':
      case 'destroyed':
        return;
      default:
        assertNever(change);
    }
  }

  /**
   * Decision #141: another session of a user is shown now, or first. A node without our extension knows a user by the JID of
   * before: to it somebody leaves and somebody comes.
   */
  #spreadSessions(turn: RoomTurn, before: Occupant, after: Occupant): void {
    const { room } = turn;
    const sameFirst = asFirst(before).jid === asFirst(after).jid;
    if (sameFirst && !looksDifferent(before, after, false)) return;
    for (const link of this.#links.hearing(room, after)) {
      const to = occupantJid(link.peer, after.nick);
      if (!sameFirst && !link.counts)
        link.send(turn, occupantPresence(room, before, to, { type: 'unavailable', payloads: [] }), '0289#5.4');
      link.send(turn, occupantPresence(room, after, to), '0289#5.3');
    }
  }

  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): void {
    routePrivate(turn, this.#links, from, to, stanza, asked);
  }

  /** A new stream. A ping finds out whether anything was lost with the old one. After a restart much was lost. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    // First comes what was under way before the restart, then what the restart itself begins.
    this.#joining?.linkUp(turn);
    this.#joined.restarted(turn);
    this.#joining?.restarted(turn);
    for (const peer of [...room.peers.keys()]) this.#links.live(room, peer)?.ping(turn);
    this.#joining?.joinIfOccupied(turn);
  }

  timer(turn: RoomTurn, name: string): void {
    if (name === 'answer') return this.#joining?.overdue(turn);
    if (name === 'retry') return this.#joining?.retry(turn);
    const peer = readLinkTimer(name);
    const link = peer && this.#links.live(turn.room, peer);
    if (link?.keepAlive(turn) === false) this.#lost(turn, link.peer, 'silence', 'two keepalives went unanswered');
  }

  #fromNode(turn: RoomTurn, peer: Jid, what: Exclude<FromNode, { kind: 'iq' | 'error' }>, stanza: Stanza): void {
    switch (what.kind) {
      case 'ended':
        return this.#ended(turn, peer, what.fmuc, stanza);
      case 'join':
        return this.#joined.join(turn, peer, what.author, what.join, stanza);
      case 'unlinked':
        return this.#unlinked(turn, peer, stanza);
      default:
        if (this.#inOrder(turn, peer, stanza)) this.#overLink(turn, peer, what, stanza);
    }
  }

  /** What comes over a link, in its order. */
  #overLink(
    turn: RoomTurn,
    peer: Jid,
    what: Exclude<FromNode, { kind: 'iq' | 'error' | 'ended' | 'join' | 'unlinked' }>,
    stanza: Stanza,
  ): void {
    switch (what.kind) {
      case 'answer':
        return this.#joining?.answered(turn, what.author, stanza);
      case 'pastSubject':
        return this.#joining?.passedSubject(turn, what.author, stanza);
      case 'pastMessage':
        return this.#joining?.passedMessage(turn, what.author, stanza);
      case 'presence': {
        takePresence(turn, this.#links, peer, what.author, stanza);
        const isLeave = stanza.type === 'unavailable' && !readMucUser(stanza.payloads)?.statuses.includes(303);
        if (isLeave) this.#joined.leftIfEmpty(turn, peer);
        return;
      }
      case 'message':
        return takeMessage(turn, this.#links, peer, what.author, stanza);
      case 'moderation':
        return takeModeration(turn, peer, stanza);
      case 'tooLate':
        return turn.note('0289#5.4', `${peer} does not know yet that we left: ignored`, { peer });
      case 'nobodys':
        return turn.note('0289#5', `a ${stanza.name} without fmuc from ${peer}: ignored`, { peer });
      default:
        assertNever(what);
    }
  }

  /** Decision #60: a repetition, or a stanza of an earlier link, is dropped. A gap means that the two are out of step. */
  #inOrder(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const place = placeOf(stanza);
    const order = this.#links.of(peer)?.take(place);
    if (order === 'gap') this.#outOfStep(turn, peer, 'gap', `stanza ${place?.n} came, but not the one before it`);
    else if (order === 'past') {
      const which = `${stanza.name} ${place?.n ?? 'without a place'}`;
      turn.note('decision#60', `${which} from ${peer} is of the past: dropped`, { peer });
    }
    return order === 'next';
  }

  /** The link is there, but something that went over it is not here: decision #61. */
  #outOfStep(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    if (this.#joining?.peer === peer) this.#joining.rejoin(turn, how, why);
    else this.#joined.outOfStep(turn, peer, how, why);
  }

  /** Decision #24: the other node cannot be reached, or knows nothing of the link. */
  #lost(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    if (this.#joining?.peer === peer) this.#joining.lost(turn, how, why);
    else this.#joined.lost(turn, peer, how, why);
  }

  /** Somebody believes in a link that we do not have: decision #24. */
  #unlinked(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    turn.note('0289#7', `a stanza from ${peer}, which is not linked with this room: dropped`, { peer });
    if (peer === this.#links.outbound)
      turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
    else if (this.#joined.allows(peer)) this.#joined.tellUnlinked(turn, peer, stanza);
  }

  /** `<reject/>` and `<left/>`: only from the bare address of the room we joined (§5.1, §5.4), and about this link. */
  #ended(turn: RoomTurn, peer: Jid, fmuc: Exclude<Fmuc, { kind: 'from' }>, stanza: Stanza): void {
    if (this.#joining === undefined || stanza.from !== this.#joining.peer || stanza.name !== 'presence')
      return turn.note('0289#5.4', `a forged ${fmuc.kind} from ${stanza.from}: ignored`, { peer });
    const session = placeOf(stanza)?.session;
    if (session !== undefined && session !== this.#links.of(peer)?.session)
      return turn.note('decision#60', `a ${fmuc.kind} that is about an earlier join: ignored`, { peer });
    if (fmuc.kind === 'left') this.#joining.left(turn);
    else this.#joining.rejected(turn, fmuc.text);
  }

  /** @returns false if it is no business of the link's, such as a question about this room */
  #iq(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const link = this.#links.of(peer);
    const live = this.#links.live(turn.room, peer);
    if (stanza.type === 'get' || stanza.type === 'set') {
      if (!isPing(stanza)) return false;
      live?.heard(turn.env.now);
      // Decision #24, like XEP-0410 §3 for an occupant: the node that pings believes in a link that does not exist.
      if (link === undefined)
        turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
      else link.pong(turn, stanza);
      this.#compare(turn, live, payloadOf(stanza, 'ping', NS.ping)?.children ?? []);
    } else if (live?.isPing(stanza.id)) {
      if (stanza.type === 'error') this.#error(turn, live, stanza);
      else {
        live.heard(turn.env.now);
        this.#compare(turn, live, stanza.payloads);
      }
    }
    return true;
  }

  /** Decision #60: a ping, and the answer to one, say how far the other side has counted. */
  #compare(turn: RoomTurn, link: Link | undefined, said: Stanza['payloads'][number]['children']): void {
    const place = readLinkPlace({ children: said });
    if (link?.misses(place))
      this.#outOfStep(turn, link.peer, 'gap', `it has sent stanza ${place?.n}, which has not arrived`);
  }

  #error(turn: RoomTurn, link: Link, stanza: Stanza): void {
    const { peer } = link;
    const error = errorOf(stanza);
    if (this.#joining?.peer === peer && stanza.name === 'presence' && error?.condition === 'conflict')
      return this.#conflict(turn, link, this.#joining, stanza);
    const mine = link.isOurs(stanza.id);
    // A private message comes back to its sender. If only its target is gone, and not the node, that is all (decision #123).
    const isAboutTarget = error?.condition === 'item-not-found' || readFmuc(stanza.payloads) !== undefined;
    if (stanza.name === 'message' && handBack(turn, stanza) && isAboutTarget) return;
    if (mine && error?.condition === 'not-acceptable') this.#outOfStep(turn, peer, 'unlinked', 'it knows of no link');
    else if (mine && saysGone(stanza)) this.#lost(turn, peer, 'bounce', `it bounced: ${error?.condition}`);
    else turn.note('0289#5', `an error from ${peer} that is no bounce of ours: ignored`, { peer });
  }

  /** Decision #23: the joined node keeps its own user. Ours goes, unless they have another nick by now. */
  #conflict(turn: RoomTurn, link: Link, joining: JoiningNode, stanza: Stanza): void {
    const { room } = turn;
    const place = placeOf(stanza);
    if (stateOf(room, link.peer) === 'joining') {
      if (!link.counts || place === undefined || place.session === link.session) joining.conflict(turn);
      return;
    }
    if (!this.#inOrder(turn, link.peer, stanza)) return;
    const fmuc = readFmuc(stanza.payloads);
    const loser = room.occupants.get(resourceOf(stanza.to));
    if (loser === undefined || loser.home === link.peer) return;
    if (fmuc?.kind !== 'from' || fmuc.from === loser.jid) yieldNick(turn, this.#links, loser);
  }
}
