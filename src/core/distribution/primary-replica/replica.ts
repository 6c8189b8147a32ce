import type { TimerId } from '../../node/input.ts';
import { isLocal, type KeepaliveTimes, type LocalOccupant, type PeerRecord } from '../../room/event.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { saysGone } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
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
import { readJoin, readMucUser } from '../../xep/xep0045.ts';
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
  withPayloads,
} from '../../xmpp/stanza.ts';
import { plus } from '../../xmpp/time.ts';
import { childOf, el, type XmlElement } from '../../xmpp/xml.ts';
import { type Change, type Distribution, readTimer, timerOf } from '../distribution.ts';
import { backoffMs, defaultTimes, spread as jitter, Keepalive } from '../keepalive.ts';
import { diverge, enterAgain, markOthers, whileApart } from './apart.ts';
import { CatchUp } from './catch-up.ts';
import { relayOf } from './divergence.ts';
import { clamp, itemOf, occupantOf, subjectAlone } from './from-primary.ts';
import { InitialState } from './initial-state.ts';
import { Live } from './live.ts';
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
export class Replica implements Distribution {
  readonly role = 'replica';
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
  /** Of an answer, this one or one before it, something came since the last request, or since more of it was waited for. */
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

  fromPeer(turn: Turn, room: RoomView, stanza: Stanza): boolean {
    if (bareOf(stanza.from) !== room.jid) return false;
    // The router vouched that it comes from the primary's domain; it must also be meant for us.
    if (bareOf(stanza.to) !== this.#self) {
      this.#relayBounced(turn, room, stanza);
      return true;
    }
    if (stanza.type === 'error') this.#bounced(turn, room, stanza);
    else {
      this.#keepalive?.heard(turn.env.now);
      this.#unanswered = false;
      if (stanza.name !== 'iq' && !this.#isAfterAnswer(stanza)) this.#moving = true;
      if (stanza.name === 'iq') this.#iq(turn, room, stanza);
      else if (stanza.name === 'presence') this.#presence(turn, room, stanza);
      else this.#message(turn, room, stanza);
      // It is there after all: no need to wait for the next try.
      if (this.#isSplit(room) && this.#asked === undefined) this.#ask(turn, room);
    }
    return true;
  }

  /** §4.8: relayed as it is. While split: §4.11.1.2, apart.ts. Leaving always works, here, at once. */
  fromUser(turn: Turn, room: RoomView, received: Stanza): boolean {
    const stanza = withoutNodesWords(received);
    if (!this.#serves.includes(domainOf(stanza.from))) {
      turn.note('0282#4.1', `${stanza.from} is of no domain this replica serves: ignored`, { room: room.jid });
      return true;
    }
    const occupant = room.occupantByJid(stanza.from);
    const local = occupant && isLocal(occupant) ? occupant : undefined;
    if (stanza.type === 'error') {
      const gone = presence(stanza.from, occupantJid(room.jid, local?.nick ?? 'x'), { type: 'unavailable' });
      if (local && stanza.name !== 'iq' && saysGone(stanza)) this.#userLeft(turn, room, local, gone, [333]);
      else if (stanza.name === 'iq' && !this.#isSplit(room)) turn.send(stanza, '0282#4.8', room.jid);
      return true;
    }
    if (stanza.name === 'presence' && stanza.type === 'unavailable') {
      this.#tickets.forget(stanza.from);
      if (local) this.#userLeft(turn, room, local, stanza, []);
      else if (this.#isSplit(room)) this.#strangerLeft(turn, room, stanza);
      else this.#relay(turn, room, stanza);
      return true;
    }
    if (this.#isSplit(room)) {
      whileApart(turn, room, this.#self, stanza, (target, item) => {
        const leave = presence(target.jid, occupantJid(room.jid, target.nick), { type: 'unavailable' });
        this.#userLeft(turn, room, target, leave, [307], item);
      });
      return true;
    }
    if (stanza.name === 'presence' && stanza.type === undefined) {
      const join = readJoin(stanza.payloads);
      if (join) {
        const ticket = { nick: resourceOf(stanza.to), join, until: plus(turn.env.now, ticketMs) };
        this.#tickets.add(turn, stanza.from, ticket);
        const left = room.divergence.find((act) => act.kind === 'left' && act.jid === stanza.from);
        if (left?.kind === 'left' && !left.back) diverge(turn, room, { ...left, back: true });
      }
    }
    this.#relay(turn, room, stanza);
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }
  admit(): boolean {
    return true;
  }
  spread(_turn: Turn, _room: RoomView, _change: Change): void {}
  route(): void {}

  /** A new session: whatever was under way is lost, so what was missed is asked for. */
  linkUp(turn: Turn, room: RoomView): void {
    this.#tickets.clear();
    this.#early = 0;
    this.#settling = undefined;
    this.#destroying = undefined;
    this.#keepalive = new Keepalive(turn.env.now, this.#wish);
    if (!this.#isSplit(room)) this.#become(turn, room, 'syncing');
    this.#ask(turn, room);
  }

  /** Decision #40: the primary serves our users from its answer on. */
  stop(turn: Turn, room: RoomView): void {
    if (room.peers.get(room.jid)?.state !== 'live') return;
    this.#destroying = turn.env.newId();
    const destroy = writeDestroy({ epoch: room.epoch, n: room.n });
    turn.send(iq(this.#self, room.jid, { type: 'set', id: this.#destroying }, destroy), 'decision#40', room.jid);
  }

  timer(turn: Turn, room: RoomView, timer: TimerId): void {
    const record = room.peers.get(room.jid);
    const { name } = readTimer(timer);
    if (name === 'create') {
      // A long answer over a slow link: begun anew it would be no shorter.
      if (this.#sync !== undefined && this.#moving) {
        this.#moving = false;
        return turn.setTimer(timer, jitter(turn.env, defaultTimes.timeout * 1000));
      }
      if (record?.state === 'split' || this.#asked === undefined) this.#ask(turn, room);
      // Neither state nor refusal came: the same as a bounce, only without the courtesy. Also where all seemed well and the
      // primary offered (decision #5).
      else this.#split(turn, room, 'silence', 'no answer to the request');
      return;
    }
    if (record?.state !== 'live' || this.#keepalive === undefined) return;
    if (name === 'settle') return this.#settle(turn, room);
    if (name === 'relayed') {
      if (this.#unanswered) this.#ping(turn, room, this.#keepalive.ping(turn.env).id);
      return;
    }
    if (name !== 'keepalive') return;
    const due = this.#keepalive.due(turn.env);
    if (due.kind === 'lost') return this.#split(turn, room, 'silence', 'two keepalives went unanswered');
    // A leave that the primary has not told us of since: its relay was lost.
    if (this.#settling === undefined && room.divergence.length > 0) this.#settle(turn, room);
    if (due.kind === 'ping') return this.#ping(turn, room, due.id);
    turn.setTimer(timer, due.ms);
  }

  #ping(turn: Turn, room: RoomView, id: string): void {
    turn.send(ping(this.#self, room.jid, id, this.#ack(room)), '0282#4.10', room.jid);
    turn.setTimer(timerOf(room.jid, 'keepalive'), (this.#keepalive?.times.timeout ?? 15) * 1000);
  }

  #ack(room: RoomView): XmlElement {
    return writeAck({ h: room.n, moderators: this.#moderators(room) });
  }

  #moderators(room: RoomView): number {
    return room.locals.filter(({ role }) => role === 'moderator').length;
  }

  /** §4.2 (decision #5), or, where there was a session already, §4.11.2 (decision #41). Only ever at our own wish. */
  #ask(turn: Turn, room: RoomView, listUsers = false): void {
    this.#sync = undefined;
    const id = turn.env.newId();
    this.#asked = id;
    this.#listAsked = listUsers;
    const record = room.peers.get(room.jid);
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
    const wait = record?.state === 'split' ? backoffMs(++this.#tries, this.#moving) : defaultTimes.timeout * 1000;
    this.#moving = false;
    turn.setTimer(timerOf(room.jid, 'create'), jitter(turn.env, wait));
  }

  #iq(turn: Turn, room: RoomView, stanza: Stanza): void {
    if (isPing(stanza)) {
      const live = room.peers.get(room.jid)?.state === 'live';
      turn.send(iqResult(stanza, ...(live ? [this.#ack(room)] : [])), '0282#4.10', room.jid);
      const within = payloadOf(stanza, 'ping', NS.ping);
      return this.#noticePlace(turn, room, within && childOf(within, 's', NS.ext));
    }
    if (stanza.type === 'result') {
      const created = stanza.id === this.#asked ? readCreated(stanza.payloads) : undefined;
      if (created) this.#created(turn, room, created);
      else if (stanza.id === this.#settling?.id)
        this.#settled(turn, room, readPosition(payloadOf(stanza, 's', NS.ext)));
      else if (stanza.id !== undefined && stanza.id === this.#destroying) this.#dismissed(turn, room);
      else this.#noticePlace(turn, room, payloadOf(stanza, 's', NS.ext));
      return;
    }
    const ready = readReady(stanza.payloads);
    const sync = this.#sync;
    if (stanza.type === 'set' && ready && sync && stanza.id === `ready-${sync.created.session}`) {
      if (sync.isComplete(ready, room.n)) {
        if (ready.users === undefined || ready.users === usersDigest(this.#live.counted(turn, room)))
          return this.#ready(turn, room, sync, ready, stanza);
        turn.note('decision#41', 'the primary counts others as our users: asked whom', { room: room.jid });
        // A primary that keeps them to itself is asked again when it is time, not in a circle.
        return this.#listAsked ? undefined : this.#ask(turn, room, true);
      }
      // Not acknowledged: the request that follows is the answer.
      turn.note('decision#5', 'part of the state is missing: asked for again', { room: room.jid });
      return this.#ask(turn, room);
    }
    if (stanza.type === 'set' && ready) {
      // Repeated, or of a sync that was given up: an error would look like a bounce.
      if (room.peers.get(room.jid)?.state === 'live')
        turn.send(iqResult(stanza, this.#ack(room)), 'decision#5', room.jid);
      return;
    }
    const destroy = stanza.type === 'set' ? readDestroy(stanza.payloads) : undefined;
    if (destroy && destroy.epoch === room.epoch) {
      turn.send(iqResult(stanza, this.#ack(room)), 'decision#40', room.jid);
      return this.#dismissed(turn, room);
    }
    turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', room.jid);
  }

  /** News from beyond the end of the answer that is coming in. */
  #isAfterAnswer({ payloads }: Stanza): boolean {
    return this.#sync !== undefined && (readDmuc(payloads)?.position?.n ?? 0) > this.#sync.created.n;
  }

  /** Decision #2: the primary is further than we are, and what was between has had its time to come. */
  #noticePlace(turn: Turn, room: RoomView, s: XmlElement | undefined): void {
    const place = readStanding(s);
    if (place === undefined || room.peers.get(room.jid)?.state !== 'live') return;
    if (this.#live.isAhead(room, place)) return this.#gap(turn, room, place);
    // Decision #41. Of somebody who left and asks to come back neither side knows yet whether the other has heard.
    const { users, epoch, n } = place;
    if (users === undefined || epoch !== room.epoch || n !== room.n || this.#live.comesBack(turn, room)) return;
    if (users !== usersDigest(this.#live.counted(turn, room)))
      this.#lost(turn, room, 'who enters here, or is no user of ours,', true);
  }

  #gap(turn: Turn, room: RoomView, { epoch, n }: Position): void {
    this.#lost(turn, room, `position ${epoch}/${n} after ${room.epoch}/${room.n}: something`);
  }

  #lost(turn: Turn, room: RoomView, what: string, listUsers = false): void {
    turn.note('decision#2', `${what} is missing`, { room: room.jid, peer: room.jid, sign: 'gap' });
    this.#become(turn, room, 'syncing');
    this.#ask(turn, room, listUsers);
  }

  /** Decision #4: an older epoch is a primary of the past. */
  #created(turn: Turn, room: RoomView, created: Created): void {
    this.#asked = undefined;
    if (created.epoch < room.epoch) {
      turn.note('decision#4', `the primary is of epoch ${created.epoch}, ours is ${room.epoch}: not believed`, {
        room: room.jid,
      });
      return;
    }
    this.#sync = created.mode === 'full' ? new InitialState(created) : new CatchUp(created);
    this.#moving = true;
    this.#live.catchesUp(room, created.past ?? new Map());
    this.#become(turn, room, 'syncing', { session: created.session });
    // Decision #43: what they missed they have from the primary. Who is in provisionally has asked here since (decision #44).
    for (const local of room.locals)
      if (created.mode === 'delta' && !local.provisional && created.past?.has(local.jid))
        turn.record({ kind: 'occupantChanged', room: room.jid, occupant: { ...local, home: room.jid } });
  }

  /** What the primary sent is complete: acknowledged, and what happened here meanwhile goes the other way. */
  #ready(turn: Turn, room: RoomView, sync: InitialState | CatchUp, ready: Ready, request: Stanza): void {
    this.#sync = undefined;
    if (sync.mode === 'full') {
      // Decision #44; a room of a later epoch never knew them.
      if (room.config.splitPolicy === 'local' && sync.created.epoch === room.epoch)
        for (const local of room.locals)
          if (!local.provisional && !sync.knows(local.jid)) enterAgain(turn, room, local);
      this.#live.makeWay(turn, room, sync.nicks);
    }
    const left = this.#live.left(turn, room);
    const said = new Set(room.divergence.flatMap(({ kind, id }) => (kind === 'said' ? [id] : [])));
    const unserved = sync.take(turn, room, left, ready);
    this.#live.caughtUp(turn, room, said);
    this.#become(turn, room, 'live');
    this.#tries = 0;
    // Decision #3: what it asked for, whatever the answer says.
    this.#keepalive = new Keepalive(turn.env.now, this.#wish);
    turn.clearTimer(timerOf(room.jid, 'create'));
    turn.setTimer(timerOf(room.jid, 'keepalive'), jitter(turn.env, this.#wish.interval * 1000));
    const what = `${room.occupants.size} occupants, ${room.history.length} messages of history`;
    turn.note('decision#5', `replica live: ${what}`, { room: room.jid });
    markOthers(turn, room, false);
    turn.send(iqResult(request, this.#ack(room)), 'decision#5', room.jid);
    this.#settle(turn, room);
    for (const [nick, jid] of unserved) {
      // Their join passed here and crossed with the primary's state on the way: this is its answer (decision #6).
      const ticket = this.#tickets.valid(turn, jid, nick);
      const occupant = room.occupants.get(nick);
      if (ticket && occupant) this.#live.serve(turn, room, occupant, jid, ticket.join);
      else if (!left.has(jid)) this.#live.refuseEnter(turn, room, nick, jid, undefined);
    }
    this.#live.purge(turn, room);
  }

  /** Decision #42: what our users did that the primary does not know of, in the order in which they did it. */
  #settle(turn: Turn, room: RoomView): void {
    this.#settling = undefined;
    turn.clearTimer(timerOf(room.jid, 'settle'));
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
    turn.setTimer(timerOf(room.jid, 'settle'), settleMs);
  }

  #settled(turn: Turn, room: RoomView, place: Position | undefined): void {
    const acts = this.#settling?.acts ?? [];
    this.#settling = undefined;
    turn.clearTimer(timerOf(room.jid, 'settle'));
    // What was accepted is not all here: forgotten now, it would come as news to those who have seen it.
    if (place && this.#live.isAhead(room, place)) {
      if (room.peers.get(room.jid)?.state === 'live') this.#gap(turn, room, place);
      return;
    }
    turn.record({ kind: 'divergenceSettled', room: room.jid, ids: acts });
    const refused = room.locals.filter(({ provisional }) => provisional);
    this.#live.refuseProvisional(turn, room);
    // The primary may have them from before, under another nick: it hears of every leave (decision #9).
    for (const { jid, nick } of refused)
      diverge(turn, room, { kind: 'left', id: turn.env.newId(), jid, nick, unserved: true, provisional: true });
    if (refused.length > 0) this.#settle(turn, room);
  }

  #presence(turn: Turn, room: RoomView, stanza: Stanza): void {
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
    if (!sync && room.peers.get(room.jid)?.state !== 'live') return this.#unexpected(turn, room, 'presence');
    if (dmuc?.enter || dmuc?.leave) {
      if (!this.#inPlace(turn, room, dmuc)) return;
    } else if (dmuc?.position && !this.#inOrder(turn, room, dmuc.position)) return;
    if (!this.#live.presence(turn, room, nick, user, dmuc, stanza, sync !== undefined))
      this.#unexpected(turn, room, 'presence');
  }

  #message(turn: Turn, room: RoomView, stanza: Stanza): void {
    if (isOffer(stanza.payloads)) return this.#asked === undefined ? this.#ask(turn, room) : undefined;
    const dmuc = readDmuc(stanza.payloads);
    const nick = resourceOf(stanza.from);
    const sync = this.#sync;
    if (sync?.mode === 'full') {
      if (stanza.type !== 'groupchat' || !dmuc?.delay) return this.#unexpected(turn, room, 'message');
      const at = clamp(dmuc.delay.stamp, turn.env.now);
      const split = dmuc.split === undefined ? undefined : { by: this.#self, id: dmuc.split };
      const text = subjectAlone(stanza);
      const author = readOccupantId(stanza.payloads);
      if (text !== undefined) sync.setSubject({ text, nick, ...(author === '' ? {} : { occupantId: author }), at });
      else if (nick !== '') sync.addMessage(itemOf(room, turn, stanza, nick, at, split));
      return;
    }
    if ((!sync && room.peers.get(room.jid)?.state !== 'live') || !dmuc?.position)
      return this.#unexpected(turn, room, 'message');
    if (stanza.type === 'groupchat' && !dmuc.delay) return this.#unexpected(turn, room, 'message');
    if (!this.#inOrder(turn, room, dmuc.position)) return;
    if (stanza.type === 'groupchat') return this.#live.message(turn, room, nick, dmuc, stanza, sync !== undefined);
    this.#live.configured(turn, room, dmuc.position.n, stanza);
  }

  /** Decisions #1, #2, #4: a repetition is dropped, a gap means that something is lost, and is asked for. */
  #inOrder(turn: Turn, room: RoomView, { epoch, n }: Position): boolean {
    if (epoch === room.epoch && n === room.n + 1) return true;
    if (this.#live.isAhead(room, { epoch, n })) this.#gap(turn, room, { epoch, n });
    else turn.note('decision#2', `position ${epoch}/${n} is of the past: dropped`, { room: room.jid });
    return false;
  }

  /**
   * Decision #1: `<enter/>` follows its change and `<leave/>` goes ahead of it; about somebody who is not in it has the
   * room's place. What is told again is of the past, whatever has become of the user since. One without a place is the
   * XEP's own, of a primary that does not count them.
   */
  #inPlace(turn: Turn, room: RoomView, { leave, position }: Dmuc): boolean {
    if (position === undefined) return true;
    const { epoch, n } = position;
    const next = leave !== undefined && n === room.n + 1;
    if (epoch === room.epoch && (n === room.n || next)) return true;
    if (this.#live.isAhead(room, { epoch, n })) this.#gap(turn, room, { epoch, n });
    else turn.note('decision#2', `position ${epoch}/${n} is of the past: dropped`, { room: room.jid });
    return false;
  }

  /** Decision #9: the user is out at once, whatever the primary does; the primary learns of it now or after the split. */
  #userLeft(
    turn: Turn,
    room: RoomView,
    occupant: LocalOccupant,
    stanza: Stanza,
    statuses: readonly number[],
    item: { readonly actor?: string; readonly reason?: string } = {},
  ): void {
    const payloads = cleanPayloads(room.jid, stanza.payloads);
    const split = this.#isSplit(room);
    const { jid, nick } = occupant;
    // The primary may know a provisional user, too, from before the split: it hears of every leave.
    const unserved = occupant.provisional ? ({ unserved: true, provisional: true } as const) : {};
    diverge(turn, room, { kind: 'left', id: turn.env.newId(), jid, nick, ...unserved });
    if (split || occupant.provisional) {
      turn.record({ kind: 'occupantLeft', room: room.jid, nick });
      tell(turn, room, { kind: 'left', occupant, parts: { payloads, statuses, item } }, '0282#4.11.1.2');
    } else {
      turn.record({ kind: 'occupantChanged', room: room.jid, occupant: { ...occupant, home: room.jid } });
      turn.send(presenceFor(room, occupant, occupant, { type: 'unavailable', payloads, statuses }), 'decision#9');
    }
    if (!split) this.#relay(turn, room, stanza);
    this.#live.purge(turn, room);
  }

  /**
   * Decision #9: someone whom the primary serves itself, or who waits to enter. That they are out is the primary's to say,
   * for what it sends may still reach them; it is told after the split (§4.11.1.2 "stop submitting").
   */
  #strangerLeft(turn: Turn, room: RoomView, stanza: Stanza): void {
    const nick = resourceOf(stanza.to);
    // Said twice: what is known of the first leave is more.
    if (nick === '' || this.#live.left(turn, room).has(stanza.from)) return;
    diverge(turn, room, { kind: 'left', id: turn.env.newId(), jid: stanza.from, nick, unserved: true });
  }

  #relay(turn: Turn, room: RoomView, stanza: Stanza): void {
    turn.send(stanza, '0282#4.8', room.jid);
    // The bounce of a relayed stanza goes to its sender, not to us: silence after a relay is worth a ping.
    if (this.#unanswered || room.peers.get(room.jid)?.state !== 'live') return;
    this.#unanswered = true;
    turn.setTimer(timerOf(room.jid, 'relayed'), relayMs);
  }

  /** Decision #10: our server could not pass on what we relayed, and gives it back: the user is told, and it is a split. */
  #relayBounced(turn: Turn, room: RoomView, stanza: Stanza): void {
    if (stanza.type !== 'error' || !this.#serves.includes(domainOf(stanza.to)))
      return turn.note('0282#4.7', `a stanza of the room for ${stanza.to} came to the replica: ignored`, {
        room: room.jid,
      });
    turn.send(stanza, '0282#4.8');
    if (saysGone(stanza)) this.#split(turn, room, 'bounce', `a relay bounced: ${errorOf(stanza)?.condition}`);
  }

  /** §4.11.1.2: an error from the primary's JID. Only a bounce of our own ping or request is one (decision #10). */
  #bounced(turn: Turn, room: RoomView, stanza: Stanza): void {
    const condition = errorOf(stanza)?.condition ?? 'undefined-condition';
    if (stanza.name !== 'iq' || stanza.id === undefined) return this.#unexpected(turn, room, `error (${condition})`);
    if (stanza.id === this.#asked) return this.#refused(turn, room, stanza, condition);
    if (this.#keepalive?.isPing(stanza.id) && saysGone(stanza))
      return this.#split(turn, room, 'bounce', `a ping bounced: ${condition}`);
    if (stanza.id === this.#settling?.id) {
      this.#settling = undefined;
      if (saysGone(stanza)) return this.#split(turn, room, 'bounce', `what we relayed bounced: ${condition}`);
      return turn.setTimer(timerOf(room.jid, 'settle'), resettleMs);
    }
    this.#unexpected(turn, room, `error (${condition})`);
  }

  #refused(turn: Turn, room: RoomView, stanza: Stanza, condition: string): void {
    this.#asked = undefined;
    const record = room.peers.get(room.jid);
    if (condition === 'unexpected-request' && record?.session !== undefined) {
      // Decision #41: the session is over; everything is asked for anew.
      this.#become(turn, room, record.state, { session: undefined });
      return this.#ask(turn, room);
    }
    if (saysGone(stanza) && !this.#isSplit(room) && this.#early < earlyTries)
      return turn.setTimer(timerOf(room.jid, 'create'), earlyMs * 2 ** this.#early++);
    const destroyed = condition === 'item-not-found' && record?.session !== undefined;
    if (!destroyed && (saysGone(stanza) || errorOf(stanza)?.type === 'wait'))
      return this.#split(turn, room, 'bounce', `the request for creation bounced: ${condition}`);
    turn.note('decision#5', `the primary refuses: ${condition} ${errorOf(stanza)?.text ?? ''}`, { room: room.jid });
    turn.clearTimer(timerOf(room.jid, 'create'));
    this.#become(turn, room, 'rejected', { session: undefined });
    this.#live.dissolve(turn, room, destroyed ? el('destroy', NS.mucUser) : undefined);
  }

  /** Decision #40: our users are the primary's from here on, and notice nothing. */
  #dismissed(turn: Turn, room: RoomView): void {
    this.#destroying = undefined;
    this.#asked = undefined;
    this.#sync = undefined;
    this.#become(turn, room, 'rejected', { session: undefined });
    turn.clearTimer(timerOf(room.jid, 'create'));
    turn.note('decision#40', 'no replica any more: the primary serves our users', { room: room.jid });
    // What happened while it was cut off is the primary's to judge, and there is no session any more in which it could be.
    for (const act of room.divergence) if (act.kind === 'left') this.#relayLeave(turn, room, act);
    for (const local of room.locals) {
      if (!local.provisional) {
        turn.record({ kind: 'occupantChanged', room: room.jid, occupant: { ...local, home: room.jid } });
        continue;
      }
      turn.record({ kind: 'occupantLeft', room: room.jid, nick: local.nick });
      tell(turn, room, { kind: 'left', occupant: local, parts: { statuses: [333], payloads: [] } }, 'decision#44');
      this.#relayLeave(turn, room, local);
    }
    turn.record({ kind: 'divergenceSettled', room: room.jid, ids: room.divergence.map(({ id }) => id) });
    this.#live.purge(turn, room);
  }

  #relayLeave(turn: Turn, room: RoomView, { jid, nick }: { readonly jid: Jid; readonly nick: string }): void {
    turn.send(presence(jid, occupantJid(room.jid, nick), { type: 'unavailable' }), '0282#4.8', room.jid);
  }

  /** §4.11.1.2: nothing is submitted any more; netjoin is asked for again and again, with back-off. */
  #split(turn: Turn, room: RoomView, how: 'bounce' | 'silence', why: string): void {
    if (!this.#isSplit(room)) {
      this.#become(turn, room, 'split');
      const spec = how === 'silence' ? 'decision#3' : '0282#4.11.1.2';
      turn.note(spec, `split from the primary: ${why}`, { room: room.jid, peer: room.jid, sign: how });
      this.#tries = 0;
      this.#sync = undefined;
      this.#settling = undefined;
      if (room.config.splitAway) markOthers(turn, room, true);
    }
    this.#asked = undefined;
    turn.setTimer(timerOf(room.jid, 'create'), jitter(turn.env, backoffMs(this.#tries)));
  }

  #become(
    turn: Turn,
    room: RoomView,
    state: PeerRecord['state'],
    parts: { readonly session?: string | undefined } = {},
  ): void {
    const { session } = { ...room.peers.get(room.jid), ...parts };
    const record = { state, since: turn.env.now, ...(session === undefined ? {} : { session }) };
    turn.record({ kind: 'peerChanged', room: room.jid, peer: room.jid, record });
  }

  /** Split, or not yet told by the primary that it exists: a room that was never created has nothing to keep. */
  #isSplit(room: RoomView): boolean {
    return room.peers.get(room.jid)?.state === 'split';
  }

  #unexpected(turn: Turn, room: RoomView, what: string): void {
    turn.note('0282#4', `unexpected ${what} from the primary: ignored`, { room: room.jid, peer: room.jid });
  }
}

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
