/**
 * XEP-0289 §2 and §8, primary-replica mode: what the users of a joining node do goes to the room that it joins, its primary,
 * and happens here when it comes back. Decisions #150 to #154.
 */
import type { Change, ChangeOf } from '../../room/change.ts';
import { entry } from '../../room/checks.ts';
import type { Occupant } from '../../room/event.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst, isOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { refuse } from '../../room/tell.ts';
import { isRefused, type Trail } from '../../xep/fmuc-sync.ts';
import { readFmuc } from '../../xep/xep0289.ts';
import { bareOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { errorOf, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import type { Link } from '../link.ts';
import { isWordless } from '../wordless.ts';
import { type Awaited, AwaitedEchoes, echoMs, type Wish } from './awaited.ts';
import { admit, conflict, type Entrance, joinOf, refuseEntry, type Waiting } from './entrance.ts';
import type { JoiningNode } from './joining-node.ts';
import type { Links } from './links.ts';
import { crowded, cutOff, late, lost, unwelcome } from './no-echo.ts';
import { commitWish } from './of-now.ts';
import type { Reach } from './phase.ts';
import { passedBy, trailOf } from './place.ts';
import type { Known } from './reading.ts';
import type { Asked, Spreading } from './spreading.ts';
import { occupantPresence, trailed } from './stanzas.ts';
import { type Held, isBeside, isEntryOf, isUpdate, updated, waits } from './wishes.ts';

/** A timer that comes later than that was slept through; and how long what waited then has to be looked at. Decision #3. */
const wakeMs = 1_000;

export class ReplicaSide {
  readonly awaited = new AwaitedEchoes();
  readonly #side: JoiningNode;
  readonly #links: Links;
  readonly #entrance: Entrance;
  readonly #spreading: Spreading;
  /** Whether it looks at what came while the node slept. */
  #woken = false;

  constructor(side: JoiningNode, links: Links, entrance: Entrance, spreading: Spreading) {
    this.#side = side;
    this.#links = links;
    this.#entrance = entrance;
    this.#spreading = spreading;
  }

  /** The room that this one joins. */
  get primary(): Jid {
    return this.#side.peer;
  }

  reach(room: RoomView): Reach {
    return this.#side.reach(room);
  }

  #cutOff(room: RoomView): Refusal {
    return cutOff(this.#side.whyAlone(room));
  }

  /** Something that a user of this node may do. */
  decide(turn: RoomTurn, change: Change, stanza: Stanza): 'commit' | 'held' | Refusal {
    const asks = change.kind === 'entered' || (change.kind === 'presence' && change.join !== undefined);
    if (asks) this.#supersede(turn, stanza.from);
    if (change.kind === 'entered') return this.#enters(turn, change);
    if (asks) this.#withdraw(turn, stanza.from);
    if (!waits(change, stanza)) return 'commit';
    if (this.reach(turn.room) === 'joined') return this.#hold(turn, change, stanza);
    // Decision #154: how available its users are a room shows in any state.
    if (isUpdate(change)) return 'commit';
    return isWordless(stanza) ? 'held' : this.#cutOff(turn.room);
  }

  /** A session asks to enter: what it asked for before, to be in elsewhere or while it was, is over. Decision #170. */
  #supersede(turn: RoomTurn, session: Jid): void {
    this.sessionWithdrawn(turn, session);
    if (turn.room.occupantByJid(session) === undefined) this.awaited.end(turn.env.now, session);
  }

  /** The same of what it asked for to enter alone, where it enters beside others of its user. */
  #withdraw(turn: RoomTurn, session: Jid): void {
    const before = this.#entrance.withdraw(session, turn.env.now);
    if (before) this.withdrawn(turn, before.occupant);
  }

  /** Whether a private message may not be passed on now: decision #154. */
  refusesPrivate(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    if (stanza.name !== 'message' || stanza.type === 'error' || stanza.type === 'groupchat') return false;
    if (resourceOf(stanza.to) === '' || this.reach(room) === 'joined') return false;
    if (room.occupantByJid(stanza.from) === undefined) return false;
    if (!isWordless(stanza)) refuse(turn, stanza, this.#cutOff(room));
    return true;
  }

  #enters(turn: RoomTurn, { occupant, join }: ChangeOf<'entered'>): 'commit' | 'held' | Refusal {
    if (occupant.jid === undefined) return 'commit';
    return this.waitsAtEntrance(turn, { occupant: { ...occupant, jid: occupant.jid }, join });
  }

  /** A user wants to enter, here or at a node that joined this one. */
  waitsAtEntrance(turn: RoomTurn, waiting: Waiting): 'held' | Refusal {
    const { room, env } = turn;
    const { nick, jid } = waiting.occupant;
    const reach = this.reach(room);
    if (reach === 'cut') return this.#cutOff(turn.room);
    if (this.awaited.wants(nick, env.now, (author) => bareOf(author) !== bareOf(jid))) return conflict;
    const before = this.#entrance.get(jid, env.now);
    const held = this.#entrance.hold(turn, waiting);
    if (held !== 'held') return held;
    this.#links.names.awaits(jid, waiting.occupant.occupantId);
    if (before && before.occupant.nick !== nick) this.withdrawn(turn, before.occupant);
    if (reach === 'joined') this.#announce(turn, waiting);
    else this.#side.wanted(turn, waiting);
    return 'held';
  }

  /** A user who waited at the entrance changed their mind: the primary is told, if it has heard of them. */
  withdrawn(turn: RoomTurn, occupant: Known): void {
    // They may have asked twice for the same nick.
    const asked = this.awaited.takeEach(turn.env.now, isEntryOf(occupant));
    if (asked.length > 0) this.#tellGone(turn, occupant);
  }

  /** The user whose entry this was, if they still want to enter under that nick. */
  #takeWaiting({ env }: RoomTurn, { author, nick }: Awaited): Waiting | undefined {
    const waiting = this.#entrance.get(author, env.now);
    return waiting?.occupant.nick === nick ? this.#entrance.take(author, env.now) : undefined;
  }

  /** A session that waited to enter beside another one of its user is not to enter any more. @returns whether it waited */
  sessionWithdrawn(turn: RoomTurn, session: Jid): boolean {
    const isIts = ({ wish }: Awaited) =>
      wish.kind === 'change' && isBeside(wish.change) && wish.stanza.from === session;
    const asked = this.awaited.takeEach(turn.env.now, isIts);
    for (const { author } of asked) this.#undo(turn, author);
    return asked.length > 0;
  }

  /** The primary is told of a user who waits. */
  #announce(turn: RoomTurn, waiting: Waiting): void {
    const { room, env } = turn;
    const { occupant, join, way } = waiting;
    const { jid, nick } = occupant;
    const link = this.#links.live(room, this.primary);
    if (link === undefined || this.awaited.isFull(jid, env.now)) return;
    if (way) {
      const asked = this.#sendOn(turn, link, occupantPresence(room, occupant, occupantJid(link.peer, nick)), way);
      return this.#wait(turn, asked, { author: jid, name: 'presence', nick, wish: { kind: 'entry' } });
    }
    // Decision #141: of several sessions the primary knows the one that had the nick first, so the others wait for that.
    if (this.awaited.wants(nick, env.now, (author) => author !== jid && bareOf(author) === bareOf(jid))) return;
    const change = entry(room, occupant, join);
    const asked = this.#spreading.ask(turn, change, link);
    const wish: Wish =
      change.kind === 'entered' ? { kind: 'entry' } : { kind: 'change', change, stanza: joinOf(room, waiting) };
    if (asked === undefined || wish.kind === 'change') this.#entrance.take(jid, env.now);
    const author = asFirst(change.occupant).jid ?? jid;
    if (asked) this.#wait(turn, asked, { author, name: 'presence', nick, wish });
    else admit(turn, waiting);
  }

  /** A change goes to the primary, and happens when it comes back. What the primary is not told of happens at once. */
  #hold(turn: RoomTurn, change: Change & { kind: Held }, stanza: Stanza): 'commit' | 'held' | Refusal {
    const { room, env } = turn;
    const link = this.#links.live(room, this.primary);
    if (link === undefined) return this.#cutOff(turn.room);
    if (this.awaited.isFull(stanza.from, env.now)) return crowded;
    const nick = change.kind === 'renamed' ? change.after.nick : undefined;
    const author = asFirst(change.kind === 'renamed' ? change.after : change.occupant).jid;
    if (nick !== undefined && this.#isWanted(turn, nick, author)) return conflict;
    if (this.#links.isRefused(this.primary, author) && !isUpdate(change)) return unwelcome;
    const asked = this.#spreading.ask(turn, change, link);
    if (asked === undefined || author === undefined) return 'commit';
    this.#wait(turn, asked, { author, name: stanza.name, nick, wish: { kind: 'change', change, stanza } });
    return 'held';
  }

  /** Something of a node that joined this one goes on to the primary. @param way  on which it came */
  #sendOn(turn: RoomTurn, link: Link, stanza: Stanza, { by, via, id = turn.env.newId() }: Trail): Asked {
    const sent = link.send(turn, link.counts ? trailed(turn.room, stanza, { by, via, id }) : stanza, '0289#5.3');
    return { sent, echo: link.counts ? id : sent };
  }

  /** The same of what does not come back. */
  pass(turn: RoomTurn, stanza: Stanza, way: Trail): void {
    const link = this.#links.live(turn.room, this.primary);
    if (link) this.#sendOn(turn, link, stanza, way);
  }

  /** The same of what does. */
  sendOn(turn: RoomTurn, stanza: Stanza, way: Trail, what: Omit<Awaited, keyof Asked>): 'held' | Refusal {
    const link = this.#links.live(turn.room, this.primary);
    if (link === undefined) return this.#cutOff(turn.room);
    if (this.awaited.isFull(what.author, turn.env.now)) return crowded;
    this.#wait(turn, this.#sendOn(turn, link, stanza, way), what);
    return 'held';
  }

  #wait(turn: RoomTurn, asked: Asked, what: Omit<Awaited, keyof Asked>): void {
    const { now } = turn.env;
    if (this.awaited.due(now) === undefined) turn.setTimer('echo', echoMs);
    this.awaited.add({ ...asked, ...what }, now);
  }

  /** Whether anybody else waits for this nick, though it be the same user's other session: which is first is yet to be seen. */
  #isWanted({ env }: RoomTurn, nick: string, user: Jid | undefined): boolean {
    if (this.awaited.wants(nick, env.now, (author) => author !== user)) return true;
    return this.#entrance.all(env.now).some(({ occupant }) => occupant.nick === nick);
  }

  /**
   * Something that the primary says of a user of ours, or of a node that joined us. It is an echo, and neither a ring nor a
   * collision; and it counts only if we wait for it (decision #151).
   *
   * @returns false if it is no echo
   */
  takesEcho(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): boolean {
    const { room, env } = turn;
    if (peer !== this.primary) return false;
    const trail = trailOf(stanza, peer);
    const holder = room.occupantByJid(author);
    const isOurs = trail
      ? passedBy(stanza, peer).includes(room.jid)
      : holder
        ? holder.home !== peer
        : this.awaited.has(env.now, (one) => one.author === author);
    if (!isOurs || (stanza.name === 'message' && stanza.type !== 'groupchat')) return false;
    const id = trail?.id ?? stanza.id;
    const isIt = (one: Awaited) => one.echo === id && one.author === author && one.name === stanza.name;
    const asked = this.awaited.take(env.now, isIt);
    if (asked) this.#happens(turn, asked);
    else {
      const isOther = stanza.type === undefined && holder?.nick !== resourceOf(stanza.from);
      // Without our extension, it may be somebody else with the address of a user of ours: decision #23.
      if (trail === undefined && stanza.name === 'presence' && isOther) return false;
      turn.note('decision#151', `an echo of ${author} that nobody waits for: nothing new`, { peer });
    }
    return true;
  }

  /** It has come back. */
  #happens(turn: RoomTurn, asked: Awaited): void {
    const { wish } = asked;
    if (wish.kind === 'entry') {
      const waiting = this.#takeWaiting(turn, asked);
      if (waiting) this.#enter(turn, waiting);
    } else if (wish.kind === 'change' && wish.change.kind === 'presence' && isBeside(wish.change)) {
      const { occupant, join = {} } = wish.change;
      const { sessions: _, key: __, ...alone } = occupant;
      const holder = turn.room.occupants.get(occupant.nick);
      if (holder && isOf(holder, wish.stanza.from))
        this.#spreading.without(this.primary, asked, () => commitWish(turn, wish));
      else {
        // The others have left, so the primary must hear of somebody who enters.
        const held = this.#enters(turn, { kind: 'entered', occupant: alone, join, statuses: [] });
        if (typeof held !== 'string') refuse(turn, wish.stanza, held);
      }
    } else {
      this.#spreading.without(this.primary, asked, () => commitWish(turn, wish));
      if (wish.kind === 'change' && wish.change.kind === 'renamed') this.#leaveIfGone(turn, asked, wish.change.after);
    }
  }

  /** A session has left since, and others kept the nick: the primary has not heard that nobody is here under the new one. */
  #leaveIfGone(turn: RoomTurn, { author }: Awaited, after: Occupant): void {
    const [{ now }, here] = [turn.env, turn.room.occupantByJid(author)];
    if ((here && asFirst(here).jid === author) || this.#entrance.awaits(author, now)) return;
    if (!this.awaited.has(now, (one) => one.author === author && one.nick !== undefined))
      this.#tellGone(turn, { ...asFirst(after), jid: author });
  }

  /** A user of whom the primary knows is let in, by the rules of now. If they may not, or look different, it is told. */
  #enter(turn: RoomTurn, waiting: Waiting): void {
    const { room } = turn;
    const { occupant } = waiting;
    const { jid: author, nick } = occupant;
    this.#spreading.without(this.primary, { author, nick }, () => admit(turn, waiting));
    const now = room.occupantByJid(occupant.jid);
    if (now === undefined) return this.#tellGone(turn, occupant);
    if (now.role !== occupant.role || now.affiliation !== occupant.affiliation) this.#undo(turn, occupant.jid);
  }

  /** What the primary knows of this user is not so. */
  #undo(turn: RoomTurn, user: Jid): void {
    const { room } = turn;
    const occupant = room.occupantByJid(user);
    if (occupant === undefined) return;
    const stanza = occupantPresence(room, occupant, occupantJid(this.primary, occupant.nick));
    this.#links.live(room, this.primary)?.send(turn, stanza, '0289#5.3');
  }

  #tellGone(turn: RoomTurn, occupant: Known): void {
    const { room } = turn;
    const gone = occupantPresence(room, occupant, occupantJid(this.primary, occupant.nick), {
      type: 'unavailable',
      payloads: [],
    });
    this.#links.live(room, this.primary)?.send(turn, gone, '0289#5.4');
  }

  /** What has to follow from whatever happened. */
  settle(turn: RoomTurn): void {
    const { room, env } = turn;
    const reach = this.reach(room);
    if (reach !== 'joined') this.#giveUp(turn);
    for (const waiting of this.#entrance.all(env.now)) {
      const { jid } = waiting.occupant;
      if (!this.#links.isRefused(this.primary, jid)) continue;
      this.#entrance.take(jid, env.now);
      refuseEntry(turn, waiting, { ...unwelcome, text: this.#links.takeWords(jid).at(-1) ?? unwelcome.text });
      this.#links.forgetRefusals(jid);
    }
    if (reach === 'cut') this.#entrance.refuseAll(turn, this.#cutOff(room));
    if (reach !== 'joined') return;
    this.#admitAnnounced(turn);
    for (const waiting of this.#entrance.all(env.now))
      if (!this.awaited.has(env.now, isEntryOf(waiting.occupant))) this.#announce(turn, waiting);
    this.#side.admitted(turn);
  }

  /** The room begins anew, and asks this primary for nothing any more: whoever waits is told. Decision #184. */
  end(turn: RoomTurn): void {
    this.#giveUp(turn);
    this.#entrance.refuseAll(turn, this.#cutOff(turn.room));
  }

  /** The answer to our join was the echo of the user in whose name we asked: to the primary they are in before all others. */
  #admitAnnounced(turn: RoomTurn): void {
    const announced = this.#side.announced(turn.room);
    const waiting = announced && this.#entrance.get(announced.jid, turn.env.now);
    if (waiting === undefined || waiting.occupant.nick !== announced?.nick) return;
    this.#entrance.take(announced.jid, turn.env.now);
    admit(turn, waiting);
  }

  timer(turn: RoomTurn, name: string): void {
    const { now } = turn.env;
    const due = name === 'echo' ? this.awaited.due(now) : undefined;
    if (due === undefined) return;
    if (now - due > wakeMs && !this.#woken) {
      this.#woken = true;
      return turn.setTimer('echo', wakeMs);
    }
    this.#woken = false;
    for (const asked of this.awaited.takeOverdue(now)) this.#overdue(turn, asked);
    const next = this.awaited.due(now);
    if (next !== undefined) turn.setTimer('echo', next - now);
  }

  /** Decision #152: nobody knows what became of it. It still counts if it comes back, but for an entry, which is taken back. */
  #overdue(turn: RoomTurn, asked: Awaited): void {
    const { author, wish } = asked;
    const isEntry = wish.kind === 'entry' || (wish.kind === 'change' && isBeside(wish.change));
    if (wish.kind === 'entry') {
      const waiting = this.#takeWaiting(turn, asked);
      if (waiting) refuseEntry(turn, waiting, late);
      if (waiting) this.#tellGone(turn, waiting.occupant);
    } else if (wish.kind === 'change') this.#refuseChange(turn, wish, late);
    if (!isEntry) this.awaited.keepLate(asked, turn.env.now);
    else if (wish.kind === 'change') this.#undo(turn, author);
  }

  /** Decision #154: the link is gone, and with it whatever was under way. Users who wait to enter may wait on. */
  #giveUp(turn: RoomTurn): void {
    // Of the rest that is late its users know.
    const all = this.awaited.takeAll(({ name, nick }) => name === 'presence' && nick === undefined);
    const last = new Map(all.map((one) => [updated(one), one]));
    for (const asked of all) {
      // Nobody has to see how available somebody was in between.
      const session = updated(asked);
      if (session !== undefined && last.get(session) !== asked) continue;
      const { wish } = asked;
      if (wish.kind === 'relayed') wish.by.refuse(turn, lost);
      else if (wish.kind === 'change' && isUpdate(wish.change)) commitWish(turn, wish);
      else if (wish.kind === 'change') this.#refuseChange(turn, wish, lost);
    }
  }

  /** A user who has left since waits for nothing; and nobody misses a presence, or a word without a text. */
  #refuseChange(turn: RoomTurn, { change, stanza, isOver }: Wish & { kind: 'change' }, why: Refusal): void {
    if (isOver || isUpdate(change) || isWordless(stanza)) return;
    if (isBeside(change) || turn.room.occupantByJid(stanza.from)) refuse(turn, stanza, why);
  }

  /** It does not take what we sent. @returns whether it was that */
  #refused(turn: RoomTurn, stanza: Stanza): boolean {
    const error = errorOf(stanza);
    if (error === undefined || stanza.id === undefined) return false;
    // Without the mark of decision #123 it may be about the link.
    const isMarked = readFmuc(stanza.payloads) !== undefined;
    if (!isMarked && (saysGone(stanza) || error.condition === 'not-acceptable')) return false;
    const asked = this.awaited.take(turn.env.now, (one) => one.sent === stanza.id && one.name === stanza.name);
    if (asked) this.#refuse(turn, asked, refusal(error.type, error.condition, 'decision#154', error.text));
    return asked !== undefined;
  }

  /**
   * Decisions #23, #156: a nick is taken there, or somebody is not let in. Or it does not take one thing.
   *
   * @param inOrder  of an error that has its place on the link
   * @returns whether somebody waited for that
   */
  takesError(turn: RoomTurn, link: Link, stanza: Stanza, inOrder: () => boolean): boolean {
    const { room, env } = turn;
    if (link.peer !== this.primary || this.reach(room) !== 'joined') return false;
    const error = errorOf(stanza);
    const fmuc = readFmuc(stanza.payloads);
    const author = fmuc?.kind === 'from' ? fmuc.from : undefined;
    const isNo = error?.condition === 'conflict' || isRefused(stanza.payloads);
    if (stanza.name !== 'presence' || error === undefined || !isNo) return this.#refused(turn, stanza);
    const nick = resourceOf(stanza.to);
    const isIt = (one: Awaited) => one.nick === nick && (author === undefined || one.author === author);
    if (!this.awaited.has(env.now, isIt)) return false;
    const asked = inOrder() ? this.awaited.take(env.now, isIt) : undefined;
    const { type, condition, text } = error;
    if (asked)
      this.#refuse(
        turn,
        asked,
        refusal(type, condition, condition === 'conflict' ? 'decision#23' : 'decision#156', text),
      );
    return true;
  }

  #refuse(turn: RoomTurn, asked: Awaited, why: Refusal): void {
    const { wish } = asked;
    if (wish.kind === 'relayed') return wish.by.refuse(turn, why);
    if (wish.kind === 'change') return this.#refuseChange(turn, wish, why);
    const waiting = this.#takeWaiting(turn, asked);
    if (waiting) refuseEntry(turn, waiting, why);
  }
}
