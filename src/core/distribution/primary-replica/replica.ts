import { leave } from '../../room/commit.ts';
import type { Traits } from '../../room/distribution.ts';
import { isLocal, type LocalOccupant, type PeerRecord } from '../../room/event.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { tellLeaver, tellOthersOfLeave } from '../../room/tell.ts';
import { presenceFor } from '../../room/visibility.ts';
import {
  type Created,
  isOffer,
  type Position,
  type Ready,
  readCreated,
  readDestroy,
  readPosition,
  readReady,
  readStanding,
  writeAck,
  writeCreate,
  writeDestroy,
  writeNetjoin,
  writeRelayed,
} from '../../xep/sync.ts';
import { readJoin, readMucUser, subjectChange } from '../../xep/xep0045.ts';
import { isPing, ping } from '../../xep/xep0199.ts';
import { type Dmuc, readDmuc } from '../../xep/xep0282.ts';
import { readOccupantId } from '../../xep/xep0421.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import {
  errorOf,
  errorReply,
  iq,
  iqResult,
  payloadOf,
  presence,
  type Stanza,
  saysGone,
  withPayloads,
} from '../../xmpp/stanza.ts';
import { plus } from '../../xmpp/time.ts';
import { childOf, el, type XmlElement } from '../../xmpp/xml.ts';
import { defaultTimes, jitter, Keepalive, type KeepaliveTimes, probeMs } from '../keepalive.ts';
import { type PrimaryPeer, primaryPeer } from '../peers.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { diverge, enterAgain, markOthers, whileApart } from './apart.ts';
import { CatchUp } from './catch-up.ts';
import { relayOf } from './divergence.ts';
import { clamp, itemOf, occupantOf } from './from-primary.ts';
import { InitialState } from './initial-state.ts';
import { Live } from './live.ts';
import { splitStatus } from './split-status.ts';
import { Tickets, ticketMs } from './tickets.ts';
import { usersDigest } from './users-digest.ts';

/** How long after a relay the replica waits for any sign of the primary before it pings, in milliseconds. Decision #3. */
const relayMs = 5_000;
/**
 * Right after its own start a replica asks again after 0.25, 0.5, 1, 2 and 4 s before it calls a bounce a split: the
 * primary may be starting in the same moment. Decision #3.
 */
const earlyMs = 250;
const earlyTries = 5;
/** When what was relayed after a split is relayed again, if the primary has not answered that it has it all. */
const settleMs = 15_000;
const resettleMs = 1_000;

/**
 * XEP-0282, the replica's side. It stands where its users' stanzas to the room pass, relays them with `from` untouched
 * (§4.8), and gives its users what the primary broadcasts (§4.7, §4.9) without the primary's own elements.
 *
 * The room it keeps has the primary's address; `home` of an occupant is the primary for everyone but its own users.
 */
export class Replica implements Protocol {
  readonly traits = traits;
  readonly byService = false;
  readonly #self: Jid;
  readonly #serves: readonly Jid[];
  readonly #wish: KeepaliveTimes;
  readonly #tickets: Tickets;
  readonly #live: Live;
  /** Id of the request for creation or netjoin that waits for its answer. */
  #asked: string | undefined;
  /** Whether it asked for the list of its users. */
  #listAsked = false;
  #sync: InitialState | CatchUp | undefined;
  /** Whether a request is under way, or part of its answer, as far as anybody can know. */
  #waiting = false;
  /** Id of a ping behind that request: its result is behind the answer, so what has not come by then is lost. */
  #probe: string | undefined;
  /** Something of the primary came since the last request, or since more of its answer was waited for. */
  #moving = false;
  #keepalive: Keepalive | undefined;
  #tries = 0;
  /** Requests since the stream is up that bounced: the primary may only be a moment behind. */
  #early = 0;
  /** A relay that no sign of the primary has followed yet. */
  #unanswered = false;
  /** What was relayed of a split, and the id of the iq that says so (decision #42). */
  #settling: { readonly id: string; readonly acts: readonly string[] } | undefined;
  #destroying: string | undefined;

  /** @param self the replica's own account; @param serves domains whose users it serves; @param wish its keepalive */
  constructor(self: Jid, serves: readonly Jid[], wish: KeepaliveTimes = defaultTimes) {
    this.#self = self;
    this.#serves = serves;
    this.#wish = wish;
    this.#tickets = new Tickets(serves);
    this.#live = new Live(self, this.#tickets);
  }

  status({ config }: RoomView): ProtocolStatus {
    return { role: 'replica', split: splitStatus(config.split) };
  }

  fromPeer(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    if (bareOf(stanza.from) !== room.jid) return false;
    // The router vouched that it comes from the primary's domain; it must also be meant for us.
    if (bareOf(stanza.to) !== this.#self) {
      this.#relayBounced(turn, stanza);
      return true;
    }
    if (stanza.type === 'error') this.#bounced(turn, stanza);
    else {
      this.#keepalive?.heard(turn.env.now);
      this.#unanswered = false;
      if (stanza.name !== 'iq' && !this.#isAfterAnswer(stanza)) this.#moving = true;
      if (stanza.name === 'iq') this.#iq(turn, stanza);
      else if (stanza.name === 'presence') this.#presence(turn, stanza);
      else this.#message(turn, stanza);
      // It is there after all: no need to wait for the next try.
      if (this.#isSplit(room) && !this.#waiting) this.#ask(turn);
    }
    return true;
  }

  /** §4.8: relayed as it is. While split: §4.11.1.2, apart.ts. Leaving always works, here, at once. */
  fromUser(turn: RoomTurn, received: Stanza): boolean {
    const { room } = turn;
    const stanza = withoutNodesWords(received);
    if (!this.#serves.includes(domainOf(stanza.from))) {
      turn.note('0282#4.1', `${stanza.from} is of no domain this replica serves: ignored`);
      if (stanza.name === 'iq' && (stanza.type === 'get' || stanza.type === 'set'))
        turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.2.3');
      return true;
    }
    const occupant = room.occupantByJid(stanza.from);
    const local = occupant && isLocal(occupant) ? occupant : undefined;
    if (stanza.type === 'error') {
      const gone = presence(stanza.from, occupantJid(room.jid, local?.nick ?? 'x'), { type: 'unavailable' });
      if (local && stanza.name !== 'iq' && saysGone(stanza)) this.#userLeft(turn, local, gone, [333]);
      else if (stanza.name === 'iq' && !this.#isSplit(room)) turn.send(stanza, '0282#4.8', room.jid);
      return true;
    }
    // XEP-0045 §17.3: what they are told of the room comes from here (decision #47).
    if (stanza.name === 'presence' && stanza.type === 'probe' && local) {
      const target = room.occupants.get(resourceOf(stanza.to));
      if (target) turn.send(presenceFor(room, target, local), '0045#17.3');
      return true;
    }
    if (stanza.name === 'presence' && stanza.type === 'unavailable') {
      this.#tickets.forget(stanza.from);
      if (!this.#isSplit(room)) this.#tickets.settled(stanza.from);
      if (local) this.#userLeft(turn, local, stanza, []);
      else if (this.#isSplit(room)) this.#strangerLeft(turn, stanza);
      else this.#relay(turn, stanza);
      return true;
    }
    if (this.#isSplit(room)) {
      const kick = (target: LocalOccupant, item: { readonly actor: string; readonly reason?: string }) => {
        const leave = presence(target.jid, occupantJid(room.jid, target.nick), { type: 'unavailable' });
        const later: (() => void)[] = [];
        this.#userLeft(turn, target, leave, [307], item, later);
        return later;
      };
      whileApart(turn, this.#self, stanza, this.#mayBeAnswered(turn, stanza.from), kick);
      return true;
    }
    if (stanza.name === 'presence' && stanza.type === undefined) {
      const join = readJoin(stanza.payloads);
      if (join) {
        const ticket = { nick: resourceOf(stanza.to), join, until: plus(turn.env.now, ticketMs) };
        this.#tickets.add(turn, stanza.from, ticket);
        this.#tickets.relayed(turn, stanza.from);
        const left = room.divergence.find((act) => act.kind === 'left' && act.jid === stanza.from);
        if (left?.kind === 'left' && !left.back) diverge(turn, { ...left, back: true });
      }
    }
    this.#relay(turn, stanza);
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }
  decide() {
    return 'commit' as const;
  }
  spread(): void {}
  route(): void {}

  /** A new session: whatever was under way is lost, so what was missed is asked for. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    this.#tickets.clear();
    this.#early = 0;
    this.#settling = undefined;
    this.#destroying = undefined;
    this.#keepalive = new Keepalive(turn.env.now, this.#wish);
    if (!this.#isSplit(room)) this.#become(turn, 'syncing');
    this.#ask(turn);
  }

  /** Decision #40: the primary serves our users from its answer on. */
  stop(turn: RoomTurn): void {
    const { room } = turn;
    if (primaryPeer(room, room.jid)?.state !== 'live') return;
    this.#destroying = turn.env.newId();
    const destroy = writeDestroy({ epoch: room.epoch, n: room.n });
    turn.send(iq(this.#self, room.jid, { type: 'set', id: this.#destroying }, destroy), 'decision#40', room.jid);
  }

  timer(turn: RoomTurn, name: string): void {
    const { room } = turn;
    const record = primaryPeer(room, room.jid);
    if (name === 'create') return this.#overdue(turn);
    if (record?.state !== 'live' || this.#keepalive === undefined) return;
    if (name === 'settle') return this.#settle(turn);
    if (name === 'relayed') {
      if (this.#unanswered) this.#ping(turn, this.#keepalive.ping(turn.env).id);
      return;
    }
    if (name !== 'keepalive') return;
    const due = this.#keepalive.due(turn.env);
    if (due.kind === 'lost') return this.#split(turn, 'silence', 'two keepalives went unanswered');
    // A leave that the primary has not told us of since: its relay was lost.
    if (this.#settling === undefined && room.divergence.length > 0) this.#settle(turn);
    if (due.kind === 'ping') return this.#ping(turn, due.id);
    turn.setTimer(name, due.ms);
  }

  /** Decision #3: of several answers on one slow link each makes the others later, so there is never more than one. */
  #overdue(turn: RoomTurn): void {
    const { room } = turn;
    if (!this.#waiting) return this.#ask(turn);
    if (this.#isSplit(room)) {
      this.#sound(turn);
      return turn.setTimer('create', probeMs(turn.env, ++this.#tries, this.#wish));
    }
    const begun = this.#sync !== undefined && this.#probe === undefined;
    // Neither state nor refusal came: the same as a bounce, only without the courtesy. Also where all seemed well and the
    // primary offered (decision #5).
    if (!this.#moving && !begun) return this.#split(turn, 'unanswered', 'no answer to the request');
    this.#moving = false;
    if (this.#probe === undefined) this.#sound(turn);
    turn.setTimer('create', jitter(turn.env, defaultTimes.timeout * 1000));
  }

  /** A ping that says nothing of how far we are, for we are not anywhere yet: is the request, or the answer, lost? */
  #sound(turn: RoomTurn): void {
    const { room } = turn;
    this.#probe = turn.env.newId();
    turn.send(ping(this.#self, room.jid, this.#probe), '0282#4.11.1.1', room.jid);
  }

  /** The primary is there. It is asked, but for what may still be on its way. */
  #askAgain(turn: RoomTurn): void {
    if (!this.#waiting) this.#ask(turn);
    else if (this.#probe === undefined) this.#sound(turn);
  }

  #ping(turn: RoomTurn, id: string): void {
    const { room } = turn;
    turn.send(ping(this.#self, room.jid, id, this.#ack(room)), '0282#4.10', room.jid);
    turn.setTimer('keepalive', (this.#keepalive?.times.timeout ?? 15) * 1000);
  }

  #ack(room: RoomView): XmlElement {
    return writeAck({ h: room.n, moderators: this.#moderators(room) });
  }

  #moderators(room: RoomView): number {
    return room.locals.filter(({ role }) => role === 'moderator').length;
  }

  /** §4.2 (decision #5), or, where there was a session already, §4.11.2 (decision #41). Only ever at our own wish. */
  #ask(turn: RoomTurn, listUsers = false): void {
    const { room } = turn;
    this.#sync = undefined;
    const id = turn.env.newId();
    this.#asked = id;
    this.#waiting = true;
    this.#probe = undefined;
    this.#listAsked = listUsers;
    const record = primaryPeer(room, room.jid);
    const moderators = this.#moderators(room);
    const have = { epoch: room.epoch, n: room.n };
    if (record?.session !== undefined) {
      const netjoin = writeNetjoin({ session: record.session, have, moderators, listUsers });
      turn.send(iq(this.#self, room.jid, { type: 'set', id }, netjoin), 'decision#41', room.jid);
    } else {
      const create = writeCreate({
        serves: this.#serves,
        keepalive: this.#wish,
        maxstanzas: room.config.historyMax,
        moderators,
        ...(room.n > 0 ? { have } : {}),
      });
      turn.send(iq(this.#self, room.jid, { type: 'set', id }, create), 'decision#5', room.jid);
    }
    this.#moving = false;
    const wait = this.#isSplit(room)
      ? probeMs(turn.env, ++this.#tries, this.#wish)
      : jitter(turn.env, defaultTimes.timeout * 1000);
    turn.setTimer('create', wait);
  }

  #iq(turn: RoomTurn, stanza: Stanza): void {
    const { room } = turn;
    if (isPing(stanza)) {
      const live = primaryPeer(room, room.jid)?.state === 'live';
      turn.send(iqResult(stanza, ...(live ? [this.#ack(room)] : [])), '0282#4.10', room.jid);
      if (this.#isSplit(room)) this.#askAgain(turn);
      const within = payloadOf(stanza, 'ping', NS.ping);
      return this.#noticePlace(turn, within && childOf(within, 's', NS.ext));
    }
    if (stanza.type === 'result') {
      const created = stanza.id === this.#asked ? readCreated(stanza.payloads) : undefined;
      if (created) this.#created(turn, created);
      else if (stanza.id === this.#settling?.id) this.#settled(turn, readPosition(payloadOf(stanza, 's', NS.ext)));
      else if (stanza.id !== undefined && stanza.id === this.#destroying) this.#dismissed(turn);
      else if (stanza.id !== undefined && stanza.id === this.#probe) this.#sounded(turn);
      else this.#noticePlace(turn, payloadOf(stanza, 's', NS.ext));
      return;
    }
    const ready = readReady(stanza.payloads);
    const sync = this.#sync;
    if (stanza.type === 'set' && ready && sync && stanza.id === `ready-${sync.created.session}`) {
      if (sync.isComplete(ready, room.n)) {
        if (ready.users === undefined || ready.users === usersDigest(this.#live.counted(turn)))
          return this.#ready(turn, sync, ready, stanza);
        turn.note('decision#41', 'the primary counts others as our users: asked whom');
        // A primary that keeps them to itself is asked again when it is time, not in a circle.
        return this.#listAsked ? undefined : this.#ask(turn, true);
      }
      // Not acknowledged: the request that follows is the answer.
      turn.note('decision#5', 'part of the state is missing: asked for again');
      return this.#ask(turn);
    }
    if (stanza.type === 'set' && ready) {
      // Repeated, or of a sync that was given up: an error would look like a bounce.
      if (primaryPeer(room, room.jid)?.state === 'live')
        turn.send(iqResult(stanza, this.#ack(room)), 'decision#5', room.jid);
      return;
    }
    const destroy = stanza.type === 'set' ? readDestroy(stanza.payloads) : undefined;
    if (destroy && destroy.epoch === room.epoch) {
      turn.send(iqResult(stanza, this.#ack(room)), 'decision#40', room.jid);
      return this.#dismissed(turn);
    }
    turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', room.jid);
  }

  /** What was asked for before has come, or is lost. */
  #sounded(turn: RoomTurn): void {
    const { room } = turn;
    this.#probe = undefined;
    const { state } = primaryPeer(room, room.jid) ?? {};
    if (this.#waiting && (state === 'split' || state === 'syncing')) this.#ask(turn);
  }

  /** News from beyond the end of the answer that is coming in. */
  #isAfterAnswer({ payloads }: Stanza): boolean {
    return this.#sync !== undefined && (readDmuc(payloads)?.position?.n ?? 0) > this.#sync.created.n;
  }

  /** Decision #2: the primary is further than we are, and what was between has had its time to come. */
  #noticePlace(turn: RoomTurn, s: XmlElement | undefined): void {
    const { room } = turn;
    const place = readStanding(s);
    if (place === undefined || primaryPeer(room, room.jid)?.state !== 'live') return;
    if (this.#live.isAhead(room, place)) return this.#gap(turn, place);
    // Decision #41. Of somebody who left and asks to come back neither side knows yet whether the other has heard.
    const { users, epoch, n } = place;
    if (users === undefined || epoch !== room.epoch || n !== room.n || this.#live.comesBack(turn)) return;
    if (users !== usersDigest(this.#live.counted(turn)))
      this.#lost(turn, 'who enters here, or is no user of ours,', true);
  }

  #gap(turn: RoomTurn, { epoch, n }: Position): void {
    const { room } = turn;
    this.#lost(turn, `position ${epoch}/${n} after ${room.epoch}/${room.n}: something`);
  }

  #lost(turn: RoomTurn, what: string, listUsers = false): void {
    const { room } = turn;
    turn.note('decision#2', `${what} is missing`, { peer: room.jid, sign: 'gap' });
    this.#become(turn, 'syncing');
    this.#ask(turn, listUsers);
  }

  /** Decision #4: an older epoch is a primary of the past. */
  #created(turn: RoomTurn, created: Created): void {
    const { room } = turn;
    this.#asked = undefined;
    if (created.epoch < room.epoch) {
      this.#waiting = false;
      turn.note('decision#4', `the primary is of epoch ${created.epoch}, ours is ${room.epoch}: not believed`);
      return;
    }
    this.#sync = created.mode === 'full' ? new InitialState(created) : new CatchUp(created);
    this.#moving = true;
    this.#live.catchesUp(room, created.past ?? new Map());
    this.#become(turn, 'syncing', { session: created.session });
    // Decision #43: what they missed they have from the primary. Who is in provisionally has asked here since (decision #44).
    for (const local of room.locals)
      if (created.mode === 'delta' && !local.provisional && created.past?.has(local.jid))
        turn.record({ kind: 'occupantChanged', occupant: { ...local, home: room.jid } });
  }

  /** Whether the primary, which is out of reach, may still answer a join of theirs itself. */
  #mayBeAnswered(turn: RoomTurn, user: Jid): boolean {
    return this.#tickets.mayBeAnswered(user, this.#keepalive?.lastHeard() ?? turn.env.now);
  }

  /** What the primary sent is complete: acknowledged, and what happened here meanwhile goes the other way. */
  #ready(turn: RoomTurn, sync: InitialState | CatchUp, ready: Ready, request: Stanza): void {
    const { room } = turn;
    this.#sync = undefined;
    this.#waiting = false;
    this.#tickets.settled();
    if (sync.mode === 'full') {
      // Decision #44; a room of a later epoch never knew them.
      if (room.config.split.policy === 'local' && sync.created.epoch === room.epoch)
        for (const local of room.locals) if (!local.provisional && !sync.knows(local.jid)) enterAgain(turn, local);
      this.#live.makeWay(turn, sync.nicks);
    }
    const left = this.#live.left(turn);
    const said = new Set(room.divergence.flatMap(({ kind, id }) => (kind === 'said' ? [id] : [])));
    const unserved = sync.take(turn, left, ready);
    this.#live.caughtUp(turn, said);
    this.#become(turn, 'live');
    this.#tries = 0;
    // Decision #3: what it asked for, whatever the answer says.
    this.#keepalive = new Keepalive(turn.env.now, this.#wish);
    turn.clearTimer('create');
    turn.setTimer('keepalive', jitter(turn.env, this.#wish.interval * 1000));
    const what = `${room.occupants.size} occupants, ${room.history.length} messages of history`;
    turn.note('decision#5', `replica live: ${what}`);
    markOthers(turn, false, () => false);
    turn.send(iqResult(request, this.#ack(room)), 'decision#5', room.jid);
    this.#settle(turn);
    for (const [nick, jid] of unserved) {
      // Their join passed here and crossed with the primary's state on the way: this is its answer (decision #6).
      const ticket = this.#tickets.valid(turn, jid, nick);
      const occupant = room.occupants.get(nick);
      if (ticket && occupant) this.#live.serve(turn, occupant, jid, ticket.join);
      else if (!left.has(jid)) this.#live.refuseEnter(turn, nick, jid, undefined);
    }
    this.#live.purge(turn);
  }

  /** Decision #42: what our users did that the primary does not know of, in the order in which they did it. */
  #settle(turn: RoomTurn): void {
    const { room } = turn;
    this.#settling = undefined;
    turn.clearTimer('settle');
    if (room.divergence.length === 0) return;
    let count = 0;
    const acts: string[] = [];
    for (const act of room.divergence) {
      // They left and ask to come back: the answer to that says more.
      if (act.kind === 'left' && this.#tickets.waits(turn, act.jid)) continue;
      acts.push(act.id);
      const stanza = relayOf(room, this.#self, act);
      if (stanza === undefined) continue;
      if (act.kind === 'entered') {
        const join = act.history === undefined ? {} : { history: act.history };
        const until = plus(turn.env.now, ticketMs);
        this.#tickets.add(turn, act.jid, { nick: resourceOf(stanza.to), join, until, provisional: true });
      }
      turn.send(stanza, '0282#4.8', room.jid);
      count++;
    }
    if (acts.length === 0) return;
    const id = turn.env.newId();
    this.#settling = { id, acts };
    turn.send(iq(this.#self, room.jid, { type: 'set', id }, writeRelayed(count)), 'decision#42', room.jid);
    turn.setTimer('settle', settleMs);
  }

  #settled(turn: RoomTurn, place: Position | undefined): void {
    const { room } = turn;
    const acts = this.#settling?.acts ?? [];
    this.#settling = undefined;
    turn.clearTimer('settle');
    // What was accepted is not all here: forgotten now, it would come as news to those who have seen it.
    if (place && this.#live.isAhead(room, place)) {
      if (primaryPeer(room, room.jid)?.state === 'live') this.#gap(turn, place);
      return;
    }
    turn.record({ kind: 'divergenceSettled', ids: acts });
    const refused = room.locals.filter(({ provisional }) => provisional);
    this.#live.refuseProvisional(turn);
    // The primary may have them from before, under another nick: it hears of every leave (decision #9).
    for (const { jid, nick } of refused)
      diverge(turn, { kind: 'left', id: turn.env.newId(), jid, nick, unserved: true, provisional: true });
    if (refused.length > 0) this.#settle(turn);
  }

  #presence(turn: RoomTurn, stanza: Stanza): void {
    const { room } = turn;
    const nick = resourceOf(stanza.from);
    const user = readMucUser(stanza.payloads);
    if (nick === '' || (stanza.type !== undefined && stanza.type !== 'unavailable')) return;
    const dmuc = readDmuc(stanza.payloads);
    const sync = this.#sync;
    if (sync?.mode === 'full') {
      if (stanza.type === undefined && user) sync.addOccupant(occupantOf(room, nick, user, stanza.payloads), dmuc);
      return;
    }
    if (sync && dmuc?.enter && dmuc.position === undefined) return sync.addUser(nick, dmuc.enter);
    if (!sync && primaryPeer(room, room.jid)?.state !== 'live') return this.#unexpected(turn, 'presence');
    if (dmuc?.enter || dmuc?.leave) {
      if (!this.#inPlace(turn, dmuc)) return;
    } else if (dmuc?.position && !this.#inOrder(turn, dmuc.position)) return;
    if (!this.#live.presence(turn, nick, user, dmuc, stanza, sync !== undefined)) this.#unexpected(turn, 'presence');
  }

  #message(turn: RoomTurn, stanza: Stanza): void {
    const { room } = turn;
    if (isOffer(stanza.payloads)) return this.#askAgain(turn);
    const dmuc = readDmuc(stanza.payloads);
    const nick = resourceOf(stanza.from);
    const sync = this.#sync;
    if (sync?.mode === 'full') {
      if (stanza.type !== 'groupchat' || !dmuc?.delay) return this.#unexpected(turn, 'message');
      const at = clamp(dmuc.delay.stamp, turn.env.now);
      const text = subjectChange(stanza);
      const author = readOccupantId(stanza.payloads);
      if (text !== undefined) sync.setSubject({ text, nick, ...(author === '' ? {} : { occupantId: author }), at });
      else if (nick !== '') sync.addMessage(itemOf(room, turn, stanza, nick, at, dmuc, this.#self));
      return;
    }
    if ((!sync && primaryPeer(room, room.jid)?.state !== 'live') || !dmuc?.position)
      return this.#unexpected(turn, 'message');
    if (stanza.type === 'groupchat' && !dmuc.delay) return this.#unexpected(turn, 'message');
    if (!this.#inOrder(turn, dmuc.position)) return;
    if (stanza.type === 'groupchat') return this.#live.message(turn, nick, dmuc, stanza, sync !== undefined);
    this.#live.configured(turn, dmuc.position.n, stanza);
  }

  /** Decisions #1, #2, #4: a repetition is dropped, a gap means that something is lost, and is asked for. */
  #inOrder(turn: RoomTurn, { epoch, n }: Position): boolean {
    const { room } = turn;
    if (epoch === room.epoch && n === room.n + 1) return true;
    if (this.#live.isAhead(room, { epoch, n })) this.#gap(turn, { epoch, n });
    else turn.note('decision#2', `position ${epoch}/${n} is of the past: dropped`);
    return false;
  }

  /**
   * Decision #1: `<enter/>` follows its change and `<leave/>` goes ahead of it; about somebody who is not in it has the
   * room's place. What is told again is of the past, whatever has become of the user since. One without a place is the
   * XEP's own, of a primary that does not count them.
   */
  #inPlace(turn: RoomTurn, { leave, position }: Dmuc): boolean {
    const { room } = turn;
    if (position === undefined) return true;
    const { epoch, n } = position;
    const next = leave !== undefined && n === room.n + 1;
    if (epoch === room.epoch && (n === room.n || next)) return true;
    if (this.#live.isAhead(room, { epoch, n })) this.#gap(turn, { epoch, n });
    else turn.note('decision#2', `position ${epoch}/${n} is of the past: dropped`);
    return false;
  }

  /**
   * Decision #9: the user is out at once, whatever the primary does; the primary learns of it now or after the split.
   *
   * @param later  where the others are to hear of it only after something else (XEP-0045 §8.2), what tells them is put here
   */
  #userLeft(
    turn: RoomTurn,
    occupant: LocalOccupant,
    stanza: Stanza,
    statuses: readonly number[],
    item: { readonly actor?: string; readonly reason?: string } = {},
    later?: (() => void)[],
  ): void {
    const { room } = turn;
    const payloads = cleanPayloads(room.jid, stanza.payloads);
    const split = this.#isSplit(room);
    const { jid, nick } = occupant;
    // The primary may know a provisional user, too, from before the split: it hears of every leave.
    const unserved = occupant.provisional ? ({ unserved: true, provisional: true } as const) : {};
    diverge(turn, { kind: 'left', id: turn.env.newId(), jid, nick, ...unserved });
    if (split || occupant.provisional) {
      turn.record({ kind: 'occupantLeft', nick });
      const change = { kind: 'left', occupant, parts: { payloads, statuses, item } } as const;
      tellLeaver(turn, change, '0282#4.11.1.2');
      const others = () => tellOthersOfLeave(turn, change, '0282#4.11.1.2');
      if (later) later.push(others);
      else others();
    } else {
      turn.record({ kind: 'occupantChanged', occupant: { ...occupant, home: room.jid } });
      turn.send(presenceFor(room, occupant, occupant, { type: 'unavailable', payloads, statuses }), 'decision#9');
    }
    if (!split) this.#relay(turn, stanza);
    this.#live.purge(turn);
  }

  /**
   * Decision #9: someone whom the primary serves itself, or who waits to enter. That they are out is the primary's to say,
   * for what it sends may still reach them; it is told after the split (§4.11.1.2 "stop submitting").
   */
  #strangerLeft(turn: RoomTurn, stanza: Stanza): void {
    const nick = resourceOf(stanza.to);
    // Said twice: what is known of the first leave is more.
    if (nick === '' || this.#live.left(turn).has(stanza.from)) return;
    diverge(turn, { kind: 'left', id: turn.env.newId(), jid: stanza.from, nick, unserved: true });
  }

  #relay(turn: RoomTurn, stanza: Stanza): void {
    const { room } = turn;
    turn.send(stanza, '0282#4.8', room.jid);
    // The bounce of a relayed stanza goes to its sender, not to us: silence after a relay is worth a ping.
    if (this.#unanswered || primaryPeer(room, room.jid)?.state !== 'live') return;
    this.#unanswered = true;
    turn.setTimer('relayed', relayMs);
  }

  /** Decision #10: our server could not pass on what we relayed, and gives it back: the user is told, and it is a split. */
  #relayBounced(turn: RoomTurn, stanza: Stanza): void {
    if (stanza.type !== 'error' || !this.#serves.includes(domainOf(stanza.to)))
      return turn.note('0282#4.7', `a stanza of the room for ${stanza.to} came to the replica: ignored`);
    turn.send(stanza, '0282#4.8');
    if (saysGone(stanza)) this.#split(turn, 'bounce', `a relay bounced: ${errorOf(stanza)?.condition}`);
  }

  /** §4.11.1.2: an error from the primary's JID. Only a bounce of our own ping or request is one (decision #10). */
  #bounced(turn: RoomTurn, stanza: Stanza): void {
    const condition = errorOf(stanza)?.condition ?? 'undefined-condition';
    if (stanza.name !== 'iq' || stanza.id === undefined) return this.#unexpected(turn, `error (${condition})`);
    if (stanza.id === this.#asked) return this.#refused(turn, stanza, condition);
    if (stanza.id === this.#probe) {
      this.#probe = undefined;
      if (!saysGone(stanza)) return;
      this.#waiting = false;
      return this.#split(turn, 'bounce', `a ping bounced: ${condition}`);
    }
    if (this.#keepalive?.isPing(stanza.id) && saysGone(stanza))
      return this.#split(turn, 'bounce', `a ping bounced: ${condition}`);
    if (stanza.id === this.#settling?.id) {
      this.#settling = undefined;
      if (saysGone(stanza)) return this.#split(turn, 'bounce', `what we relayed bounced: ${condition}`);
      return turn.setTimer('settle', resettleMs);
    }
    this.#unexpected(turn, `error (${condition})`);
  }

  #refused(turn: RoomTurn, stanza: Stanza, condition: string): void {
    const { room } = turn;
    this.#asked = undefined;
    this.#waiting = false;
    const record = primaryPeer(room, room.jid);
    if (condition === 'unexpected-request' && record?.session !== undefined) {
      // Decision #41: the session is over; everything is asked for anew.
      this.#become(turn, record.state, { session: undefined });
      return this.#ask(turn);
    }
    if (saysGone(stanza) && !this.#isSplit(room) && this.#early < earlyTries)
      return turn.setTimer('create', earlyMs * 2 ** this.#early++);
    const destroyed = condition === 'item-not-found' && record?.session !== undefined;
    if (!destroyed && (saysGone(stanza) || errorOf(stanza)?.type === 'wait'))
      return this.#split(turn, 'bounce', `the request for creation bounced: ${condition}`);
    turn.note('decision#5', `the primary refuses: ${condition} ${errorOf(stanza)?.text ?? ''}`, {
      peer: room.jid,
      sign: 'refused',
    });
    turn.clearTimer('create');
    this.#become(turn, 'rejected', { session: undefined });
    this.#live.dissolve(turn, destroyed ? el('destroy', NS.mucUser) : undefined);
  }

  /** Decision #40: our users are the primary's from here on, and notice nothing. */
  #dismissed(turn: RoomTurn): void {
    const { room } = turn;
    this.#destroying = undefined;
    this.#asked = undefined;
    this.#waiting = false;
    this.#sync = undefined;
    this.#become(turn, 'rejected', { session: undefined });
    turn.clearTimer('create');
    turn.note('decision#40', 'no replica any more: the primary serves our users');
    // What happened while it was cut off is the primary's to judge, and there is no session any more in which it could be.
    for (const act of room.divergence) if (act.kind === 'left') this.#relayLeave(turn, act);
    for (const local of room.locals) {
      if (!local.provisional) {
        turn.record({ kind: 'occupantChanged', occupant: { ...local, home: room.jid } });
        continue;
      }
      leave(turn, local, { statuses: [333], payloads: [] }, { spec: 'decision#44', n: 'none' });
      this.#relayLeave(turn, local);
    }
    turn.record({ kind: 'divergenceSettled', ids: room.divergence.map(({ id }) => id) });
    this.#live.purge(turn);
  }

  #relayLeave(turn: RoomTurn, { jid, nick }: { readonly jid: Jid; readonly nick: string }): void {
    const { room } = turn;
    turn.send(presence(jid, occupantJid(room.jid, nick), { type: 'unavailable' }), '0282#4.8', room.jid);
  }

  /** §4.11.1.2: nothing is submitted any more; netjoin is asked for again and again, with back-off. */
  #split(turn: RoomTurn, how: 'bounce' | 'silence' | 'unanswered', why: string): void {
    const { room } = turn;
    if (!this.#isSplit(room)) {
      this.#become(turn, 'split');
      const spec = how === 'bounce' ? '0282#4.11.1.2' : 'decision#3';
      turn.note(spec, `split from the primary: ${why}`, { peer: room.jid, sign: how });
      this.#tries = 0;
      this.#sync = undefined;
      this.#settling = undefined;
      if (room.config.split.away) markOthers(turn, true, (user) => this.#mayBeAnswered(turn, user));
    }
    turn.setTimer('create', probeMs(turn.env, this.#tries, this.#wish));
  }

  #become(turn: RoomTurn, state: PeerRecord['state'], parts: { readonly session?: string | undefined } = {}): void {
    const { room } = turn;
    const { session } = { ...primaryPeer(room, room.jid), ...parts };
    const record: PrimaryPeer = {
      kind: 'primary',
      state,
      since: turn.env.now,
      ...(session === undefined ? {} : { session }),
    };
    turn.record({ kind: 'peerChanged', peer: room.jid, record });
  }

  /** Split, or not yet told by the primary that it exists: a room that was never created has nothing to keep. */
  #isSplit(room: RoomView): boolean {
    return primaryPeer(room, room.jid)?.state === 'split';
  }

  #unexpected(turn: RoomTurn, what: string): void {
    const { room } = turn;
    turn.note('0282#4', `unexpected ${what} from the primary: ignored`, { peer: room.jid });
  }
}

/** The primary decides about everybody, and gives the occupant ids. */
const traits: Traits = {
  features: [],
  configFields: [],
  keepsChanges: false,
  givesOccupantIds: false,
  reaches: ({ home }) => home === undefined,
  decidesAbout: () => false,
};

/** D4: what only nodes say to each other is no user's to say; the rest of the stanza is relayed as it is. */
function withoutNodesWords(stanza: Stanza): Stanza {
  if (!stanza.payloads.some(isNodesWord)) return stanza;
  return withPayloads(
    stanza,
    stanza.payloads.filter((payload) => !isNodesWord(payload)),
  );
}

function isNodesWord({ xmlns }: XmlElement): boolean {
  return xmlns === NS.dmuc2 || xmlns === NS.ext || xmlns === NS.dmuc1;
}
