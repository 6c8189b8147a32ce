import type { Change } from '../../room/change.ts';
import type { FederationSettings } from '../../room/config.ts';
import { isLocal, type Occupant } from '../../room/event.ts';
import { handBack } from '../../room/hand-back.ts';
import type { Asked } from '../../room/passed.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import { refuse } from '../../room/tell.ts';
import type { Sign } from '../../turn/spec.ts';
import { readLinkPlace } from '../../xep/fmuc-sync.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, type Jid } from '../../xmpp/jid.ts';
import { errorReply, type Stanza } from '../../xmpp/stanza.ts';
import type { FmucTrust } from '../config.ts';
import { withoutExcess } from '../excess.ts';
import { type Link, readLinkTimer } from '../link.ts';
import type { Protocol } from '../protocol.ts';
import { isWordless } from '../wordless.ts';
import { about } from './about.ts';
import { askAgain, refreshRanks, tellWaiting } from './admission.ts';
import { arrives } from './arriving.ts';
import { cutBlocked, cutLinks, settingsChanged } from './blocking.ts';
import { modeIn } from './config-fields.ts';
import { takeEnd } from './ending.ts';
import { Entrance, tellWithdrawn } from './entrance.ts';
import { takeError } from './errors.ts';
import { classify, type FromNode } from './from-node.ts';
import { routeIq } from './iqs.ts';
import { JoinedNode } from './joined-node.ts';
import { JoiningNode } from './joining-node.ts';
import { Links, stateOf } from './links.ts';
import { routePrivate, takeModeration } from './messages.ts';
import { contradiction } from './mode.ts';
import { restore, tellHome } from './moderation.ts';
import { NodesBehind } from './nodes-behind.ts';
import { takePastMessage, takePastSubject } from './past.ts';
import { readSideTimer } from './phase.ts';
import { passedBy, placeOf } from './place.ts';
import { PlainLinks } from './plain-links.ts';
import { type Compare, takeQuestion } from './questions.ts';
import { isLeave, type Known } from './reading.ts';
import { ReplicaSide } from './replica-side.ts';
import { answerResync, askOthers } from './resync.ts';
import { Rings } from './rings.ts';
import { Spreading } from './spreading.ts';
import { afford, isTooEarly } from './throttle.ts';
import { traits } from './traits.ts';

/**
 * XEP-0289: a room that joins another (the joining node, joining-node.ts) and lets others join it (the joined node,
 * joined-node.ts). In primary-primary mode each node delivers to its own users at once and passes everything on to the nodes
 * it is linked with, never back to where it came from. In primary-replica mode a joining node waits for the joined one
 * (replica-side.ts), which sends back what it has taken (echo.ts).
 *
 * `home` of an occupant is the peer room that introduced them. Their rank is what that node claims. It is shown, but
 * lets them do nothing here (§5.5 "only cosmetically").
 */
export class FmucNode implements Omit<Protocol, 'status'> {
  readonly traits = traits;
  readonly byService = false;
  readonly #links: Links;
  readonly #entrance = new Entrance();
  /** By the room that is joined. */
  readonly #joining: ReadonlyMap<Jid, JoiningNode>;
  readonly #joined: JoinedNode;
  readonly #rings: Rings;
  readonly #spreading: Spreading;
  readonly #plain: PlainLinks;

  /** In primary-replica mode, where this room joins another. */
  readonly #replica: ReplicaSide | undefined;
  readonly #behind: NodesBehind | undefined;

  constructor(settings: FederationSettings, trust: FmucTrust = {}) {
    const { enabled, outbound } = settings;
    const joined = enabled ? outbound : [];
    this.#links = new Links(modeIn(settings), trust);
    this.#joining = new Map(joined.map((peer) => [peer, new JoiningNode(peer, this.#links, this.#entrance)]));
    this.#joined = new JoinedNode(this.#links);
    this.#rings = new Rings(this.#links, this.#joining, this.#joined);
    this.#spreading = new Spreading(this.#links, this.#joining);
    this.#plain = new PlainLinks(this.#links, this.#joining, this.#joined);
    const [primary] = this.#links.mode === 'primary-replica' ? this.#joining.values() : [];
    if (primary === undefined) return;
    this.#replica = new ReplicaSide(primary, this.#links, this.#entrance, this.#spreading);
    this.#behind = new NodesBehind(this.#replica, this.#links, this.#entrance, (turn, ...what) =>
      this.#takes(turn, ...what),
    );
  }

  fromPeer(turn: RoomTurn, arrived: Stanza): boolean {
    const { room } = turn;
    const user = room.occupantByJid(arrived.from);
    if (user && isLocal(user)) return false;
    const peer = bareOf(arrived.from);
    const received = this.#links.names.inward(room, peer, arrived);
    this.#plain.resumes(turn, peer, received);
    const outbound = this.#links.isOutbound(room, peer);
    const place = placeOf(received);
    // A node without our extension that asks back before it says anything else joins this room, too.
    const asksBack = place === undefined && this.#joining.get(peer)?.isUnanswered(room);
    const begins = asksBack || (place?.n === 1 && place.session !== this.#links.of(peer)?.session);
    const known = this.#joining.has(peer) || this.#joined.allows(room, peer);
    const link = this.#links.of(peer);
    const state = link && stateOf(room, peer);
    const what = classify(received, { peer, outbound, known, begins, state });
    if (what === undefined) return false;
    const stanza = withoutExcess(turn, received);
    if (what.kind === 'iq') {
      if (!this.#affords(turn, peer, what, stanza)) return true;
      if (!this.#iq(turn, peer, stanza)) return false;
    } else if (what.kind === 'error') {
      if (link) this.#error(turn, link, stanza);
    } else {
      link?.heard(turn.env.now);
      this.#fromNode(turn, peer, what, stanza);
    }
    this.#settle(turn);
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
    if (isWordless(stanza) && this.#entrance.awaits(stanza.from, turn.env.now)) return true;
    if (this.#replica?.refusesPrivate(turn, stanza)) return true;
    if (stanza.name !== 'presence' || stanza.type !== 'unavailable') return false;
    const waiting = this.#entrance.withdraw(stanza.from, turn.env.now);
    if (waiting) this.#replica?.withdrawn(turn, waiting.occupant);
    else if (!this.#replica?.sessionWithdrawn(turn, stanza.from)) return false;
    tellWithdrawn(turn, stanza);
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }

  decide(turn: RoomTurn, change: Change, stanza: Stanza): 'commit' | 'held' | Refusal {
    const { room } = turn;
    const own = change.kind === 'presence' ? change.before : undefined;
    const joined = change.kind === 'renamed' ? room.occupants.get(change.after.nick) : own;
    // Decision #23: a user who is here by another node is that node's, whichever session asks.
    if (joined?.home !== undefined) return refusal('cancel', 'conflict', 'decision#23', 'you are here by another node');
    if (this.#replica) return this.#replica.decide(turn, change, stanza);
    if (change.kind !== 'entered' || change.occupant.jid === undefined) return 'commit';
    // Decision #156: they ask again. A refusal of before may have come after they had left.
    this.#links.forgetRefusals(change.occupant.jid);
    this.#links.takeWords(change.occupant.jid);
    const sides = [...this.#joining.values()].filter((side) => !side.isSettled(room));
    if (sides.length === 0) return 'commit';
    const waiting = { occupant: { ...change.occupant, jid: change.occupant.jid }, join: change.join };
    const held = this.#entrance.hold(turn, waiting);
    this.#links.names.awaits(waiting.occupant.jid, waiting.occupant.occupantId);
    if (held === 'held') for (const side of sides) side.wanted(turn, waiting);
    return held;
  }

  /** What has to follow from whatever happened: users who waited enter, and with anybody in the room is linked, else it is not. */
  #settle(turn: RoomTurn): void {
    const { room } = turn;
    this.#rings.look(turn);
    const sides = [...this.#joining.values()];
    if (this.#replica) this.#replica.settle(turn);
    else if (sides.every((side) => side.isSettled(room))) {
      this.#entrance.admitAll(
        turn,
        sides.flatMap((side) => side.announced(room) ?? []),
        sides.flatMap((side) => side.whyAlone(room) ?? []),
      );
      for (const side of sides) side.admitted(turn);
    }
    const ended = this.#links.takeEnded();
    for (const side of sides) {
      if (ended.some((peer) => peer !== side.peer)) side.standsIn(turn);
      side.leaveIfEmpty(turn);
      side.joinIfOccupied(turn);
    }
  }

  /** To every linked node but the one it came from. §5.2, §5.3, §5.4. */
  spread(turn: RoomTurn, change: Change): void {
    askAgain(this.#links, change);
    if (change.kind === 'affiliated' && change.affiliation !== 'outcast') restore(turn, change.user);
    this.#spreading.spread(turn, change);
    refreshRanks(turn, change);
    tellWaiting(turn, this.#links, change);
    if (change.kind === 'configured' && change.changes.blockedNodes !== undefined) {
      cutBlocked(turn, this.#links, this.#joining, this.#joined);
      this.#settle(turn);
    }
    if (change.kind === 'left' && !this.#spreading.isPassing && tellHome(turn, this.#links, change))
      this.#joined.leftIfEmpty(turn, change.occupant.home as Jid);
    if (change.kind !== 'left') return;
    this.#plain.left(turn, change.occupant);
    const { jid } = asFirst(change.occupant);
    if (jid !== undefined) this.#joined.userLost(turn, jid);
    // It was not their own doing, so perhaps it is the way to them that is gone.
    if (change.occupant.home !== undefined && change.parts.statuses?.length)
      for (const side of this.#joining.values()) side.standsIn(turn);
    for (const side of this.#joining.values()) side.leaveIfEmpty(turn, change.occupant);
  }

  /** The room is another from here on: it leaves the set, and its users and the other nodes are told. */
  end(turn: RoomTurn): void {
    cutLinks(turn, this.#joining, this.#joined, () => true, 'is not linked with this room any more');
    if (this.#replica) this.#replica.end(turn);
    else this.#entrance.admitAll(turn, []);
  }

  begin(turn: RoomTurn): void {
    this.#settle(turn);
  }

  /** Other settings of the same node. */
  configured(turn: RoomTurn, before: FederationSettings): void {
    settingsChanged(turn, this.#links, this.#joining, this.#joined, before);
    this.#settle(turn);
  }

  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): void {
    routePrivate(turn, this.#links, from, to, stanza, asked);
  }

  routeIq(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): boolean {
    return routeIq(turn, this.#links, from, to, stanza, asked);
  }

  /** A new stream. A ping finds out whether anything was lost with the old one. After a restart much was lost. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    // First comes what was under way before the restart, then what the restart itself begins.
    for (const side of this.#joining.values()) side.linkUp(turn);
    this.#joined.restarted(turn);
    for (const side of this.#joining.values()) side.restarted(turn);
    for (const peer of [...room.peers.keys()]) this.#links.live(room, peer)?.ping(turn);
    this.#settle(turn);
  }

  timer(turn: RoomTurn, name: string): void {
    this.#rings.timer(turn, name);
    this.#replica?.timer(turn, name);
    this.#plain.timer(turn, name);
    const timed = readSideTimer(name);
    if (timed) this.#joining.get(timed.peer)?.timer(turn, timed.what);
    const peer = readLinkTimer(name);
    const link = peer && this.#links.live(turn.room, peer);
    if (peer && link === undefined) this.#plain.probe(turn, peer);
    if (link?.keepAlive(turn) === false) this.#lost(turn, link.peer, 'silence', 'two keepalives went unanswered');
    this.#settle(turn);
  }

  #fromNode(turn: RoomTurn, peer: Jid, what: Exclude<FromNode, { kind: 'iq' | 'error' }>, stanza: Stanza): void {
    switch (what.kind) {
      case 'ended':
        return takeEnd(turn, this.#links, this.#joining, this.#joined, peer, what, stanza);
      case 'join':
        if (this.#affords(turn, peer, what, stanza)) this.#join(turn, peer, what.author, what.join, stanza);
        return;
      case 'unlinked':
        if (this.#affords(turn, peer, what, stanza)) this.#unlinked(turn, peer, stanza);
        return;
      default:
        // What is dropped has its place, too.
        if (this.#inOrder(turn, peer, stanza) && this.#affords(turn, peer, what, stanza))
          this.#overLink(turn, peer, what, stanza);
    }
  }

  /** Decision #160. */
  #affords(turn: RoomTurn, peer: Jid, what: FromNode, stanza: Stanza): boolean {
    if (what.kind === 'join' && isTooEarly(turn, this.#links, peer, stanza)) return false;
    const how = afford(turn, this.#links, peer, what, stanza);
    if (how === 'cut') {
      if (this.#links.isInbound(turn.room, peer)) this.#joined.outOfStep(turn, peer, 'refused', 'it sends too much');
      else this.#joining.get(peer)?.cut(turn);
    }
    return how === 'yes';
  }

  /** It asks to join. Decision #147: of two that ask each other, the one whose address sorts first is the joining one. */
  #join(turn: RoomTurn, peer: Jid, author: Jid, join: JoinRequest, stanza: Stanza): void {
    const { room } = turn;
    const side = this.#joining.get(peer);
    const no = contradiction(room, this.#links.mode, side !== undefined, peer, stanza);
    if (no !== undefined && this.#joined.allows(turn.room, peer)) return this.#joined.refuse(turn, peer, no, stanza);
    const cameRound = passedBy(stanza, peer).includes(room.jid);
    const place = placeOf(stanza);
    // One without our extension rejects our join, so it is the one that joins.
    if (cameRound || (place && side?.isAsking(room) && room.jid < peer)) {
      const refusal = place && { session: place.session, n: 0 };
      return this.#joined.standOff(turn, peer, author, refusal);
    }
    if (this.#joined.allows(turn.room, peer)) side?.standBy(turn, 'it joins this room');
    const take = (now: RoomTurn) =>
      this.#spreading.passOn(peer, author, stanza, () => this.#joined.join(now, peer, author, join, stanza));
    if (!this.#joined.allows(turn.room, peer) || !this.#behind?.holdsJoin(turn, peer, author, join, stanza, take))
      take(turn);
  }

  /** Something of a user of another node. In primary-replica mode the primary decides when it happens: decision #150. */
  #comes(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): void {
    if (this.#replica?.takesEcho(turn, peer, author, stanza) || this.#behind?.holds(turn, peer, author, stanza)) return;
    this.#takes(turn, peer, author, stanza);
  }

  #takes(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza, as?: Known): void {
    arrives(turn, this.#links, this.#spreading, this.#rings, peer, author, stanza, as);
  }

  /** What comes over a link, in its order. */
  #overLink(
    turn: RoomTurn,
    peer: Jid,
    what: Exclude<FromNode, { kind: 'iq' | 'error' | 'ended' | 'join' | 'unlinked' }>,
    stanza: Stanza,
  ): void {
    if ((what.kind === 'pastSubject' || what.kind === 'pastMessage') && this.#links.isPrimaryOf(turn.room, peer))
      return turn.note('decision#172', `a ${what.kind} of ${peer}, which is a replica of this room: ignored`, { peer });
    switch (what.kind) {
      case 'answer':
        return this.#joining.get(peer)?.answered(turn, what.author, stanza);
      case 'pastSubject':
        return takePastSubject(turn, this.#links, peer, what.author, stanza);
      case 'pastMessage':
        return takePastMessage(turn, this.#links, peer, what.author, stanza);
      case 'presence': {
        const { counts } = this.#links.of(peer) ?? {};
        const said = counts ? { ...what, stanza } : about(turn, this.#links, peer, what.author, stanza);
        if (said) this.#comes(turn, peer, said.author, said.stanza);
        if (isLeave(stanza) && !this.#entrance.awaitsAnyBy(peer, turn.env.now)) this.#joined.leftIfEmpty(turn, peer);
        return;
      }
      case 'message':
        this.#plain.introduces(turn, peer, what.author, stanza);
        return this.#comes(turn, peer, what.author, stanza);
      case 'moderation':
        return takeModeration(turn, peer, stanza);
      case 'tooLate':
        return turn.note('0289#5.4', `${peer} does not know yet that we left: ignored`, { peer });
      case 'resync':
        return answerResync(turn, this.#links, peer, what.ask);
      case 'spare':
        return this.#rings.agreed(turn, peer);
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
    if (this.#links.isInbound(turn.room, peer)) this.#joined.outOfStep(turn, peer, how, why);
    else this.#joining.get(peer)?.rejoin(turn, how, why);
  }

  /** Decision #24: the other node cannot be reached, or knows nothing of the link. */
  #lost(turn: RoomTurn, peer: Jid, how: Sign, why: string): void {
    if (this.#plain.keeps(turn, peer, how, why)) return;
    const heard = this.#links.live(turn.room, peer)?.lastHeard;
    if (this.#links.isInbound(turn.room, peer)) this.#joined.lost(turn, peer, how, why);
    else this.#joining.get(peer)?.lost(turn, how, why);
    if (heard !== undefined) askOthers(turn, this.#links, peer, heard);
  }

  /** Somebody believes in a link that we do not have: decision #24. */
  #unlinked(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    turn.note('0289#7', `a stanza from ${peer}, which is not linked with this room: dropped`, { peer });
    if (this.#joining.has(peer) && !this.#links.isInbound(turn.room, peer))
      turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
    else if (this.#joined.allows(turn.room, peer)) this.#joined.tellUnlinked(turn, peer, stanza);
  }

  /** @returns false if it is no business of the link's, such as a question about this room */
  #iq(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    if (stanza.type === 'get' || stanza.type === 'set')
      return takeQuestion(turn, this.#links, peer, stanza, this.#compare);
    if (handBack(turn, stanza)) return true;
    if (this.#joining.get(peer)?.answersWay(turn, stanza) || this.#plain.answered(turn, peer, stanza)) return true;
    const live = this.#links.live(turn.room, peer);
    if (!live?.isPing(stanza.id)) return true;
    if (stanza.type === 'error') this.#error(turn, live, stanza);
    else {
      live.heard(turn.env.now);
      this.#compare(turn, live, stanza.payloads);
    }
    return true;
  }

  /** Decision #60: a ping, and the answer to one, say how far the other side has counted. */
  readonly #compare: Compare = (turn, link, said) => {
    const place = readLinkPlace({ children: said });
    if (link?.misses(place))
      this.#outOfStep(turn, link.peer, 'gap', `it has sent stanza ${place?.n}, which has not arrived`);
  };

  #error(turn: RoomTurn, link: Link, stanza: Stanza): void {
    const { peer } = link;
    const inOrder = () => this.#inOrder(turn, peer, stanza);
    if (this.#replica?.takesError(turn, link, stanza, inOrder)) return;
    takeError(turn, this.#links, link, this.#joining.get(peer), stanza, {
      inOrder,
      outOfStep: (how, why) => this.#outOfStep(turn, peer, how, why),
      lost: (how, why) => this.#lost(turn, peer, how, why),
    });
  }
}
