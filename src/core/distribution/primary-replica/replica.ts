import type { TimerId } from '../../node/input.ts';
import type { Occupant, PeerRecord } from '../../room/event.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { saysGone } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { isLocal, type LocalOccupant, localOccupants, tell, tellOfSight } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import { presenceFor } from '../../room/visibility.ts';
import { type Created, isOffer, readCreated, readReady, writeAck, writeCreate } from '../../xep/sync.ts';
import { type JoinRequest, type MucUser, readJoin, readMucUser } from '../../xep/xep0045.ts';
import { isPing, ping } from '../../xep/xep0199.ts';
import { type Dmuc, readDmuc } from '../../xep/xep0282.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { bodyOf, errorOf, errorReply, iq, iqResult, presence, type Stanza, subjectOf } from '../../xmpp/stanza.ts';
import { type Instant, plus } from '../../xmpp/time.ts';
import { type Change, type Distribution, readTimer, timerOf } from '../distribution.ts';
import { backoffMs, spread as jitter, Keepalive, keepaliveMs, timeoutMs } from '../keepalive.ts';
import { clamp, itemOf, itemParts, leaveParts, merged, occupantOf } from './from-primary.ts';
import { InitialState } from './initial-state.ts';

/** How long a join may take from the user's presence to the primary's `<enter/>`, in milliseconds. Decision #6. */
const ticketMs = 60_000;
/** Joins that may wait at once; beyond it the oldest is forgotten. */
const ticketsMax = 10_000;
/** How long after a relay the replica waits for any sign of the primary before it pings, in milliseconds. Decision #3. */
const relayMs = 5_000;
/**
 * Right after its own start a replica asks again after 0.25, 0.5, 1, 2 and 4 s before it calls a bounce a split: the
 * primary may be starting in the same moment. Decision #3.
 */
const earlyMs = 250;
const earlyTries = 5;

/** A user asked to enter: what allows one `<enter/>` for exactly this JID and nick. */
interface Ticket {
  readonly nick: string;
  readonly join: JoinRequest;
  readonly until: Instant;
}

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
  readonly #tickets = new Map<Jid, Ticket>();
  #createId: string | undefined;
  #sync: InitialState | undefined;
  #keepalive: Keepalive | undefined;
  #tries = 0;
  /** Requests for creation since the stream is up that bounced: the primary may only be a moment behind. */
  #early = 0;
  /** A relay that no sign of the primary has followed yet. */
  #unanswered = false;
  /** What users did while split, to be relayed at the end of it: leaves first, then presence (decision #9). */
  readonly #left = new Map<Jid, string>();
  readonly #changed = new Set<Jid>();

  /** @param self the replica's own account; @param serves domains whose users it serves */
  constructor(self: Jid, serves: readonly Jid[]) {
    this.#self = self;
    this.#serves = serves;
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
      this.#heard(turn);
      if (stanza.name === 'iq') this.#iq(turn, room, stanza);
      else if (stanza.name === 'presence') this.#presence(turn, room, stanza);
      else this.#message(turn, room, stanza);
    }
    return true;
  }

  /** §4.8: relayed as it is. While split: §4.11.1.2, policy freeze (decision #9). Leaving always works, here, at once. */
  fromUser(turn: Turn, room: RoomView, stanza: Stanza): boolean {
    if (!this.#serves.includes(domainOf(stanza.from))) {
      turn.note('0282#4.1', `${stanza.from} is of no domain this replica serves: ignored`, { room: room.jid });
      return true;
    }
    const occupant = room.occupantByJid(stanza.from);
    const local = occupant && isLocal(occupant) ? occupant : undefined;
    if (stanza.type === 'error') {
      if (local && stanza.name !== 'iq' && saysGone(stanza))
        this.#userLeft(
          turn,
          room,
          local,
          presence(stanza.from, occupantJid(room.jid, local.nick), { type: 'unavailable' }),
          [333],
        );
      else if (stanza.name === 'iq') turn.send(stanza, '0282#4.8', room.jid);
      return true;
    }
    if (stanza.name === 'presence' && stanza.type === 'unavailable') {
      this.#tickets.delete(stanza.from);
      if (local) this.#userLeft(turn, room, local, stanza, []);
      else if (!this.#isSplit(room)) this.#relay(turn, room, stanza);
      return true;
    }
    if (this.#isSplit(room)) {
      const update = stanza.name === 'presence' && local?.nick === resourceOf(stanza.to);
      if (update && local) this.#presenceWhileSplit(turn, room, local, stanza);
      else
        turn.send(
          errorReply(stanza, stanzaError('wait', 'remote-server-timeout', 'the room is cut off from its primary')),
          '0282#4.11.1.2',
        );
      return true;
    }
    if (stanza.name === 'presence' && stanza.type === undefined) {
      const join = readJoin(stanza.payloads);
      if (join)
        this.#ticket(turn, stanza.from, { nick: resourceOf(stanza.to), join, until: plus(turn.env.now, ticketMs) });
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

  /** A new session: whatever was under way is lost, so the state is asked for afresh. */
  linkUp(turn: Turn, room: RoomView): void {
    this.#tickets.clear();
    this.#early = 0;
    if (!this.#isSplit(room)) this.#become(turn, room, { state: 'syncing', since: turn.env.now });
    this.#create(turn, room);
  }

  timer(turn: Turn, room: RoomView, timer: TimerId): void {
    const record = room.peers.get(room.jid);
    const { name } = readTimer(timer);
    if (name === 'create') {
      if (record?.state === 'split' || this.#createId === undefined) this.#create(turn, room);
      // Neither state nor refusal came: the same as a bounce, only without the courtesy.
      else if (record?.state !== 'live') this.#split(turn, room, 'no answer to the request for creation', 'decision#3');
      return;
    }
    if (record?.state !== 'live' || this.#keepalive === undefined) return;
    if (name === 'relayed') {
      if (this.#unanswered) this.#ping(turn, room, this.#keepalive.ping(turn.env).id);
      return;
    }
    if (name !== 'keepalive') return;
    const due = this.#keepalive.due(turn.env);
    if (due.kind === 'lost') return this.#split(turn, room, 'two keepalives went unanswered', 'decision#3');
    if (due.kind === 'ping') return this.#ping(turn, room, due.id);
    turn.setTimer(timer, due.ms);
  }

  #ping(turn: Turn, room: RoomView, id: string): void {
    turn.send(ping(this.#self, room.jid, id), '0282#4.10', room.jid);
    turn.setTimer(timerOf(room.jid, 'keepalive'), timeoutMs);
  }

  /** §4.2, decision #5: only ever at the replica's own wish. */
  #create(turn: Turn, room: RoomView): void {
    this.#sync = undefined;
    this.#createId = turn.env.newId();
    const create = {
      serves: this.#serves,
      keepalive: { interval: keepaliveMs / 1000, timeout: timeoutMs / 1000 },
      maxstanzas: room.config.historyMax,
      ...(room.n > 0 ? { have: { epoch: room.epoch, n: room.n } } : {}),
    };
    turn.send(
      iq(this.#self, room.jid, { type: 'set', id: this.#createId }, writeCreate(create)),
      'decision#5',
      room.jid,
    );
    const wait = room.peers.get(room.jid)?.state === 'split' ? backoffMs(++this.#tries) : timeoutMs;
    turn.setTimer(timerOf(room.jid, 'create'), jitter(turn.env, wait));
  }

  #iq(turn: Turn, room: RoomView, stanza: Stanza): void {
    if (isPing(stanza)) return turn.send(iqResult(stanza), '0282#4.10', room.jid);
    if (stanza.type === 'result') {
      const created = stanza.id === this.#createId ? readCreated(stanza.payloads) : undefined;
      if (created) this.#created(turn, room, created);
      return;
    }
    const ready = readReady(stanza.payloads);
    const sync = this.#sync;
    if (stanza.type === 'set' && ready && sync && stanza.id === `ready-${sync.created.session}`) {
      if (sync.isComplete(ready)) return this.#ready(turn, room, sync, stanza);
      // Not acknowledged: the request that follows is the answer.
      turn.note('decision#5', 'part of the state is missing: asked for again', { room: room.jid });
      return this.#create(turn, room);
    }
    turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', room.jid);
  }

  /** Decision #4: an older epoch is a primary of the past. */
  #created(turn: Turn, room: RoomView, created: Created): void {
    this.#createId = undefined;
    if (created.epoch < room.epoch) {
      turn.note('decision#4', `the primary is of epoch ${created.epoch}, ours is ${room.epoch}: not believed`, {
        room: room.jid,
      });
      return;
    }
    this.#sync = new InitialState(created);
    this.#become(turn, room, { state: 'syncing', since: turn.env.now, session: created.session });
  }

  /** Decision #5: the state is taken as one, and acknowledged; then what happened here meanwhile goes the other way. */
  #ready(turn: Turn, room: RoomView, sync: InitialState, request: Stanza): void {
    this.#sync = undefined;
    const changed = [...this.#changed].flatMap((user) => room.occupantByJid(user) ?? []);
    const unserved = sync.take(turn, room);
    this.#become(turn, room, { state: 'live', since: turn.env.now, session: sync.created.session });
    this.#tries = 0;
    this.#keepalive = new Keepalive(turn.env.now);
    turn.clearTimer(timerOf(room.jid, 'create'));
    turn.setTimer(timerOf(room.jid, 'keepalive'), jitter(turn.env, keepaliveMs));
    turn.note(
      'decision#5',
      `replica live: ${room.occupants.size} occupants, ${room.history.length} messages of history`,
      {
        room: room.jid,
      },
    );
    turn.send(iqResult(request, writeAck(sync.created.n)), 'decision#5', room.jid);
    for (const [nick, jid] of unserved) {
      // Their join passed here and crossed with the primary's state on the way: this is its answer (decision #6).
      const ticket = this.#validTicket(turn, jid, nick);
      const occupant = room.occupants.get(nick);
      if (ticket && occupant) this.#serve(turn, room, occupant, jid, ticket.join);
      else this.#refuseEnter(turn, room, nick, undefined);
    }
    for (const [user, nick] of this.#left)
      turn.send(presence(user, occupantJid(room.jid, nick), { type: 'unavailable' }), 'decision#9', room.jid);
    for (const { jid, nick, presence: payloads } of changed) {
      if (jid !== undefined && room.occupantByJid(jid)?.home === undefined)
        turn.send(presence(jid, occupantJid(room.jid, nick), {}, ...payloads), 'decision#9', room.jid);
    }
    this.#left.clear();
    this.#changed.clear();
    this.#purge(turn, room);
  }

  #presence(turn: Turn, room: RoomView, stanza: Stanza): void {
    const nick = resourceOf(stanza.from);
    const user = readMucUser(stanza.payloads);
    if (nick === '' || (stanza.type !== undefined && stanza.type !== 'unavailable')) return;
    const dmuc = readDmuc(stanza.payloads);
    const sync = this.#sync;
    if (sync) {
      if (stanza.type === undefined && user) {
        sync.addOccupant(occupantOf(room, nick, user, stanza.payloads), dmuc?.enter);
      }
      return;
    }
    if (room.peers.get(room.jid)?.state !== 'live') return this.#unexpected(turn, room, 'presence');
    if (dmuc?.enter) return this.#enter(turn, room, nick, dmuc, stanza);
    if (dmuc?.leave) return this.#leave(turn, room, nick, dmuc.leave, user, stanza);
    if (!user) return this.#unexpected(turn, room, 'presence without muc#user');
    if (dmuc?.position === undefined) return this.#rosterEntry(turn, room, nick, user, stanza);
    if (!this.#inOrder(turn, room, dmuc)) return;
    const { n } = dmuc.position;
    const known = room.occupants.get(nick);
    if (stanza.type === undefined) {
      const occupant = merged(known, occupantOf(room, nick, user, stanza.payloads));
      turn.record({ kind: known ? 'occupantChanged' : 'occupantEntered', room: room.jid, n, occupant });
      tell(
        turn,
        room,
        known
          ? { kind: 'presence', occupant, parts: { item: itemParts(user) } }
          : { kind: 'entered', occupant, join: {}, statuses: [] },
        '0282#4.7',
      );
      // XEP-0045 §8: a new moderator learns who the others are; the primary sent the JIDs before (decision #7).
      if (known) tellOfSight(turn, room, known, occupant);
    } else if (known && user.statuses.includes(303) && user.nick !== undefined) {
      turn.record({ kind: 'nickChanged', room: room.jid, n, nick, newNick: user.nick });
      tell(turn, room, { kind: 'renamed', before: known, after: { ...known, nick: user.nick } }, '0282#4.7');
    } else if (known) {
      turn.record({ kind: 'occupantLeft', room: room.jid, n, nick });
      const payloads = cleanPayloads(room.jid, stanza.payloads);
      const occupant = { ...known, affiliation: user.affiliation };
      const alone = user.destroy !== undefined;
      tell(turn, room, { kind: 'left', occupant, parts: { payloads, ...leaveParts(user) }, alone }, '0282#4.6');
    } else {
      // A local user who left here first: only the place in the sequence is news.
      turn.record({ kind: 'occupantLeft', room: room.jid, n, nick });
    }
    this.#purge(turn, room);
  }

  /** §4.3 outside of a sync: what this replica may now know or must now call somebody; not news to its users. */
  #rosterEntry(turn: Turn, room: RoomView, nick: string, user: MucUser, stanza: Stanza): void {
    const known = room.occupants.get(nick);
    if (known === undefined || stanza.type !== undefined)
      return this.#unexpected(turn, room, 'a roster entry for nobody here');
    turn.record({
      kind: 'occupantChanged',
      room: room.jid,
      occupant: merged(known, occupantOf(room, nick, user, stanza.payloads)),
    });
  }

  /** §4.5: only for a user who asked (decision #6), under the nick of the primary's own update before it. */
  #enter(turn: Turn, room: RoomView, nick: string, dmuc: Dmuc, stanza: Stanza): void {
    const jid = dmuc.enter as Jid;
    const ticket = this.#validTicket(turn, jid, nick);
    const known = room.occupants.get(nick);
    const served = known !== undefined && isLocal(known) && known.jid === jid;
    if (known === undefined || !(ticket || served)) {
      turn.note('0282#4.5', `enter for ${jid}, who did not ask: refused`, { room: room.jid });
      return this.#refuseEnter(turn, room, nick, stanza.id);
    }
    if (ticket) this.#serve(turn, room, known, jid, dmuc.history ? { history: dmuc.history } : ticket.join);
  }

  #validTicket(turn: Turn, jid: Jid, nick: string): Ticket | undefined {
    const ticket = this.#tickets.get(jid);
    const valid = ticket?.nick === nick && ticket.until >= turn.env.now && this.#serves.includes(domainOf(jid));
    return valid ? ticket : undefined;
  }

  /** Puts a user on the distribution list and gives them everything: roster, themselves, history, subject (§4.5). */
  #serve(turn: Turn, room: RoomView, known: Occupant, jid: Jid, join: JoinRequest): void {
    this.#tickets.delete(jid);
    const { home: _, ...rest } = known;
    const occupant: Occupant = { ...rest, jid };
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant });
    tell(turn, room, { kind: 'returned', occupant, join: join.history ? { history: join.history } : {} }, '0282#4.5');
  }

  #refuseEnter(turn: Turn, room: RoomView, nick: string, id: string | undefined): void {
    const enter = presence(occupantJid(room.jid, nick), this.#self, { id });
    turn.send(
      errorReply(enter, stanzaError('modify', 'not-acceptable', 'this user did not ask to enter')),
      'decision#6',
      room.jid,
    );
  }

  /** §4.6: "The replica removes user and forwards the stanza to user". The others hear of it by the update after it. */
  #leave(turn: Turn, room: RoomView, nick: string, jid: Jid, user: MucUser | undefined, stanza: Stanza): void {
    const known = room.occupants.get(nick);
    if (stanza.type !== 'unavailable' || known === undefined || !isLocal(known) || known.jid !== jid) return;
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant: { ...known, home: room.jid } });
    const parts = {
      type: 'unavailable',
      payloads: cleanPayloads(room.jid, stanza.payloads),
      ...(user ? leaveParts(user) : {}),
    } as const;
    const occupant = { ...known, affiliation: user?.affiliation ?? known.affiliation };
    turn.send(presenceFor(room, occupant, occupant, parts), '0282#4.6');
  }

  #message(turn: Turn, room: RoomView, stanza: Stanza): void {
    if (isOffer(stanza.payloads)) return this.#create(turn, room);
    const nick = resourceOf(stanza.from);
    const dmuc = readDmuc(stanza.payloads);
    if (stanza.type !== 'groupchat' || !dmuc?.delay) return this.#unexpected(turn, room, 'message');
    const at = clamp(dmuc.delay.stamp, turn.env.now);
    const subject = bodyOf(stanza) === undefined ? subjectOf(stanza) : undefined;
    const sync = this.#sync;
    if (sync) {
      if (subject !== undefined) sync.setSubject({ text: subject, nick, at });
      else if (nick !== '') sync.addMessage(itemOf(room, turn, stanza, nick, at), room.config.historyMax);
      return;
    }
    if (room.peers.get(room.jid)?.state !== 'live' || nick === '' || !dmuc.position)
      return this.#unexpected(turn, room, 'message');
    if (!this.#inOrder(turn, room, dmuc)) return;
    const item = itemOf(room, turn, stanza, nick, at);
    const occupant = room.occupants.get(nick) ?? {
      nick,
      affiliation: 'none',
      role: 'participant',
      occupantId: '',
      presence: [],
      home: room.jid,
    };
    const { n } = dmuc.position;
    if (subject !== undefined) {
      const change = { text: subject, nick, at };
      turn.record({ kind: 'subjectChanged', room: room.jid, n, subject: change });
      return tell(turn, room, { kind: 'subject', occupant, subject: change, item }, '0282#4.9');
    }
    turn.record({ kind: 'messageAccepted', room: room.jid, n, item });
    tell(turn, room, { kind: 'message', occupant, item }, '0282#4.9');
  }

  /** Decisions #1, #2, #4: a repetition is dropped, a gap means that something is lost, and the state is asked for anew. */
  #inOrder(turn: Turn, room: RoomView, dmuc: Dmuc): boolean {
    const { epoch, n } = dmuc.position ?? { epoch: -1, n: -1 };
    if (epoch === room.epoch && n === room.n + 1) return true;
    if (epoch < room.epoch || (epoch === room.epoch && n <= room.n)) {
      turn.note('decision#2', `position ${epoch}/${n} is of the past: dropped`, { room: room.jid });
      return false;
    }
    turn.note('decision#2', `position ${epoch}/${n} after ${room.epoch}/${room.n}: something is missing`, {
      room: room.jid,
    });
    this.#become(turn, room, { state: 'syncing', since: turn.env.now });
    this.#create(turn, room);
    return false;
  }

  /** Decision #9: the user is out at once, whatever the primary does; the primary learns of it now or after the split. */
  #userLeft(turn: Turn, room: RoomView, occupant: LocalOccupant, stanza: Stanza, statuses: readonly number[]): void {
    const payloads = cleanPayloads(room.jid, stanza.payloads);
    if (this.#isSplit(room)) {
      turn.record({ kind: 'occupantLeft', room: room.jid, nick: occupant.nick });
      tell(turn, room, { kind: 'left', occupant, parts: { payloads, statuses } }, '0282#4.11.1.2');
      this.#left.set(occupant.jid, occupant.nick);
      this.#changed.delete(occupant.jid);
      return;
    }
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant: { ...occupant, home: room.jid } });
    turn.send(presenceFor(room, occupant, occupant, { type: 'unavailable', payloads, statuses }), 'decision#9');
    this.#relay(turn, room, stanza);
  }

  #presenceWhileSplit(turn: Turn, room: RoomView, local: LocalOccupant, stanza: Stanza): void {
    const occupant = { ...local, presence: cleanPayloads(room.jid, stanza.payloads) };
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant });
    this.#changed.add(local.jid);
    tell(turn, room, { kind: 'presence', occupant }, '0282#4.11.1.2');
  }

  #relay(turn: Turn, room: RoomView, stanza: Stanza): void {
    turn.send(stanza, '0282#4.8', room.jid);
    // The bounce of a relayed stanza goes to its sender, not to us: silence after a relay is worth a ping.
    if (this.#unanswered || room.peers.get(room.jid)?.state !== 'live') return;
    this.#unanswered = true;
    turn.setTimer(timerOf(room.jid, 'relayed'), relayMs);
  }

  #heard(turn: Turn): void {
    this.#keepalive?.heard(turn.env.now);
    this.#unanswered = false;
  }

  /** Decision #10: our server could not pass on what we relayed, and gives it back: the user is told, and it is a split. */
  #relayBounced(turn: Turn, room: RoomView, stanza: Stanza): void {
    if (stanza.type !== 'error' || !this.#serves.includes(domainOf(stanza.to)))
      return turn.note('0282#4.7', `a stanza of the room for ${stanza.to} came to the replica: ignored`, {
        room: room.jid,
      });
    turn.send(stanza, '0282#4.8');
    if (saysGone(stanza)) this.#split(turn, room, `a relay bounced: ${errorOf(stanza)?.condition}`, '0282#4.11.1.2');
  }

  /** §4.11.1.2: an error from the primary's JID. Only a bounce of our own ping or request is one (decision #10). */
  #bounced(turn: Turn, room: RoomView, stanza: Stanza): void {
    const condition = errorOf(stanza)?.condition ?? 'undefined-condition';
    if (stanza.name !== 'iq' || stanza.id === undefined) return this.#unexpected(turn, room, `error (${condition})`);
    if (stanza.id === this.#createId) {
      this.#createId = undefined;
      if (saysGone(stanza) && !this.#isSplit(room) && this.#early < earlyTries) {
        return turn.setTimer(timerOf(room.jid, 'create'), earlyMs * 2 ** this.#early++);
      }
      if (saysGone(stanza) || errorOf(stanza)?.type === 'wait')
        return this.#split(turn, room, `the request for creation bounced: ${condition}`, '0282#4.11.1.2');
      this.#become(turn, room, { state: 'rejected', since: turn.env.now });
      turn.clearTimer(timerOf(room.jid, 'create'));
      return turn.note('decision#5', `the primary refuses: ${condition} ${errorOf(stanza)?.text ?? ''}`, {
        room: room.jid,
      });
    }
    if (this.#keepalive?.isPing(stanza.id) && saysGone(stanza))
      return this.#split(turn, room, `a ping bounced: ${condition}`, '0282#4.11.1.2');
    this.#unexpected(turn, room, `error (${condition})`);
  }

  /** §4.11.1.2: nothing is submitted any more; creation is asked for again with back-off. */
  #split(turn: Turn, room: RoomView, why: string, spec: string): void {
    if (!this.#isSplit(room)) {
      this.#become(turn, room, { state: 'split', since: turn.env.now });
      turn.note(spec, `split from the primary: ${why}`, { room: room.jid, peer: room.jid });
      this.#tries = 0;
    }
    turn.setTimer(timerOf(room.jid, 'create'), jitter(turn.env, backoffMs(this.#tries)));
  }

  #become(turn: Turn, room: RoomView, record: PeerRecord): void {
    turn.record({ kind: 'peerChanged', room: room.jid, peer: room.jid, record });
  }

  /** Split, or not yet told by the primary that it exists: a room that was never created has nothing to keep. */
  #isSplit(room: RoomView): boolean {
    return room.peers.get(room.jid)?.state === 'split';
  }

  #ticket(turn: Turn, user: Jid, ticket: Ticket): void {
    this.#tickets.delete(user);
    this.#tickets.set(user, ticket);
    for (const [oldest, { until }] of this.#tickets) {
      if (until >= turn.env.now && this.#tickets.size <= ticketsMax) break;
      this.#tickets.delete(oldest);
    }
  }

  /** Decision #7: without a moderator of its own the replica forgets the JIDs of the others. */
  #purge(turn: Turn, room: RoomView): void {
    if (room.whois === 'anyone' || localOccupants(room).some((local) => local.role === 'moderator')) return;
    for (const occupant of [...room.occupants.values()]) {
      if (isLocal(occupant) || occupant.jid === undefined) continue;
      const { jid: _, ...unknown } = occupant;
      turn.record({ kind: 'occupantChanged', room: room.jid, occupant: unknown });
    }
  }

  #unexpected(turn: Turn, room: RoomView, what: string): void {
    turn.note('0282#4', `unexpected ${what} from the primary: ignored`, { room: room.jid, peer: room.jid });
  }
}
