import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import type { Sign } from '../../turn/spec.ts';
import type { Trail } from '../../xep/fmuc-sync.ts';
import type { StanzaError } from '../../xmpp/errors.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { penaltyMs } from '../budgets.ts';
import { backoffMs, jitter, keepaliveMs } from '../keepalive.ts';
import type { Link } from '../link.ts';
import { refuseUser } from './admission.ts';
import { noAnswerYet, readAnswer, takeAnswer, takeUsers } from './answer.ts';
import { anyone, hasAny, introduced, ours, outHere, sayGoodbye } from './audience.ts';
import { yieldNick } from './collision.ts';
import type { Entrance, Waiting } from './entrance.ts';
import { leaveAsUser, sendJoin, sendThoseHere } from './joining.ts';
import type { Links } from './links.ts';
import { Parting, partMs } from './parting.ts';
import { inStep, isSettled, type Phase, type PhaseOf, type Reach, reachOf, type SideTimer, whyAlone } from './phase.ts';
import { Phases } from './phases.ts';
import { askWho } from './probe.ts';
import type { Known } from './reading.ts';
import { catchUp, missedBy } from './resync.ts';
import { Standby } from './standby.ts';
import { Unanswered } from './unanswered.ts';
import { blockedOut, dropUsers, forgetLeft } from './ways.ts';

/** How long the other node has for the next part of its answer, and for its `<left/>`, in milliseconds. Decision #21. */
const answerMs = 10_000;
/** How long after a link or a user was lost a link that was spare is made, in milliseconds. */
const standInMs = 2_000;
/** How much of a reason is kept. */
const reasonMax = 500;

/**
 * XEP-0289, the joining node's half: it joins the other room with its first user and leaves with its last (§5.1, §5.4), by
 * the phases of phase.ts. Users who ask to enter meanwhile wait for the answer, so that they get everything in the order
 * of XEP-0045 §7.1.
 */
export class JoiningNode {
  readonly peer: Jid;
  readonly #links: Links;
  readonly #entrance: Entrance;
  readonly #parting: Parting;
  readonly #unanswered: Unanswered;
  readonly #phases: Phases;
  readonly #standby: Standby;

  /** @param entrance  of the room: who waits there waits for every room that it joins */
  constructor(peer: Jid, links: Links, entrance: Entrance) {
    this.peer = peer;
    this.#links = links;
    this.#entrance = entrance;
    this.#parting = new Parting(peer);
    this.#unanswered = new Unanswered(peer);
    this.#standby = new Standby(peer, links);
    this.#phases = new Phases(peer, links, this.#unanswered);
  }

  /** Whether nobody has to wait for this room's answer: it has come, or has taken too long. */
  isSettled(room: RoomView): boolean {
    const now = this.#now(room);
    if (this.#links.isBlocked(room, this.peer)) return true;
    // Decision #156: it lets none of them in.
    if (now.phase === 'away') return this.#entrance.holdsOnly((user) => this.#links.isRefused(this.peer, user));
    return isSettled(now);
  }

  /** In primary-replica mode: whether the other node decides with this one, or will soon, or cannot be reached. */
  reach(room: RoomView): Reach {
    return reachOf(this.#now(room));
  }

  /** The user in whose name it asks, or asked, as long as they are not in. */
  announced(room: RoomView): Known | undefined {
    const now = this.#now(room);
    return now.phase === 'asking' || now.phase === 'joined' ? now.announced : undefined;
  }

  /** A user wants to enter: this room is asked in their name, if nobody is being asked for. */
  wanted(turn: RoomTurn, waiting: Waiting): void {
    const { phase } = this.#now(turn.room);
    if (this.#links.isRefused(this.peer, waiting.occupant.jid) || this.#links.isBlocked(turn.room, this.peer)) return;
    if (this.isSettled(turn.room) || phase === 'asking' || phase === 'parting') return;
    // It is told that our last user left, and its <left/> is on its way.
    if (phase === 'leaving' && this.#parting.isDue) return;
    if (this.#parting.isDue) this.#part(turn, 0);
    else this.#ask(turn, waiting.occupant, 0, waiting.way);
  }

  /**
   * Sees to it that a room with anybody in it is linked, or about to be. A user of a node that joined this one may be the
   * first, or may come before the other node has answered the leave of the last.
   */
  joinIfOccupied(turn: RoomTurn): void {
    const { room } = turn;
    const { phase } = this.#now(room);
    if (phase !== 'away' && (phase !== 'leaving' || this.#parting.isDue)) return;
    if (hasAny(room, this.#links, this.#entrance, this.peer) && this.#parting.isDue) this.#part(turn, 0);
    else if (hasAny(room, this.#links, this.#entrance, this.peer)) this.#askForAnyone(turn);
  }

  /** §5.1 Example 4, one stanza of it (answer.ts). */
  answered(turn: RoomTurn, author: Jid | undefined, stanza: Stanza): void {
    const now = this.#now(turn.room);
    if (now.phase !== 'asking') return;
    const word = readAnswer(turn, this.#links, now, author, stanza);
    if (word === 'end') this.#join(turn, now);
    else if (word === 'no node') this.#isNoNode(turn, now);
  }

  /** What the other node is told of a user who is new here, or looks different. */
  introduced(turn: RoomTurn, occupant: Occupant, parts?: PresenceParts): readonly Stanza[] {
    const now = this.#now(turn.room);
    return now.phase === 'joined' ? introduced(turn.room, now.link, now.announced, occupant, parts) : [];
  }

  /** §5.1 Example 3, decision #21: alone is better than not at all. @param reason  as the other node gives it, for people */
  rejected(turn: RoomTurn, reason: string): void {
    if (this.#now(turn.room).phase !== 'asking') return;
    turn.note('0289#5.1', `${this.peer} rejects the federation: ${reason}`, { peer: this.peer, sign: 'refused' });
    this.#standAlone(turn, { phase: 'rejected', reason: reason.trim().slice(0, reasonMax) });
  }

  /** An error in answer to the join that is no bounce: decision #180. One that says "wait" is tried again. */
  refused(turn: RoomTurn, { type, condition, text }: StanzaError): void {
    if (type === 'wait') return this.lost(turn, 'refused', `it answers ${condition}`);
    this.rejected(turn, text ?? condition);
  }

  /** §5.1: in an answer "the fmuc element is always added". A room that does not federate took the join for a user's. */
  #isNoNode(turn: RoomTurn, { announced }: PhaseOf<'asking'>): void {
    leaveAsUser(turn, announced.nick, this.peer);
    this.rejected(turn, 'it is a room that does not federate (XEP-0289)');
  }

  /** What users who waited for nothing are told. Decision #180. */
  whyAlone(room: RoomView): string | undefined {
    return whyAlone(this.#now(room), this.peer);
  }

  /** Decisions #146 and #147: everybody there is reached by another way, or the other node has joined this one. */
  standBy(turn: RoomTurn, why: string): void {
    const { phase } = this.#now(turn.room);
    if (phase === 'standby') return;
    turn.note('decision#146', `no link with ${this.peer} for now: ${why}`, { peer: this.peer });
    this.#standAlone(turn, { phase: 'standby' });
    if (turn.room.config.federation.keepalive) turn.setTimer(this.#timer('retry'), jitter(turn.env, keepaliveMs));
  }

  /** Whether somebody of ours is still reached by another way there: it is asked until it answers, and then as often as a link is looked at. */
  #askForWay(turn: RoomTurn): void {
    if (this.#standby.asks(turn)) turn.setTimer(this.#timer('retry'), jitter(turn.env, keepaliveMs));
    else this.#become(turn, { phase: 'away' });
  }

  /** @returns whether it is the answer to a question of this side's */
  answersWay(turn: RoomTurn, stanza: Stanza): boolean {
    const now = this.#now(turn.room);
    if (this.#unanswered.isAnswer(stanza)) {
      if (now.phase === 'asking' && this.#unanswered.answered(turn, now, stanza)) this.conflict(turn);
      return true;
    }
    const answer = this.#standby.answered(stanza);
    if (answer === 'no way' && now.phase === 'standby') this.#retry(turn);
    else if (answer === 'a way' && !turn.room.config.federation.keepalive) turn.clearTimer(this.#timer('retry'));
    return answer !== undefined;
  }

  /** A link of this node is gone, or users are: perhaps it was the way by which the others were reached. */
  standsIn(turn: RoomTurn): void {
    if (this.#now(turn.room).phase === 'standby' && !this.#links.isInbound(turn.room, this.peer))
      turn.setTimer(this.#timer('retry'), jitter(turn.env, standInMs));
  }

  /** Whether it is asking, and nothing of an answer has come. */
  isUnanswered(room: RoomView): boolean {
    const now = this.#now(room);
    return now.phase === 'asking' && !now.begun;
  }

  /** Whether it is asking, or thinks that it is linked: for where the other node asks, too. */
  isAsking(room: RoomView): boolean {
    return this.#now(room).phase === 'asking';
  }

  /** The other node says that the nick of the user in whose name we asked is taken there. Decision #23. */
  conflict(turn: RoomTurn): void {
    const { room } = turn;
    const now = this.#now(room);
    if (now.phase !== 'asking') return;
    const loser = now.announced;
    const occupant = room.occupantByJid(loser.jid);
    if (!this.#entrance.yield(turn, loser.jid) && occupant?.nick === loser.nick) yieldNick(turn, this.#links, occupant);
    this.unwelcome(turn);
  }

  /** Decision #175: an owner wants nothing to do with it. */
  block(turn: RoomTurn, parts: PresenceParts = blockedOut): void {
    sayGoodbye(turn, this.#links, this.#joinedLink(turn.room), 'decision#175');
    this.#standAlone(turn, { phase: 'away' }, 'decision#175', parts);
  }

  /** Decision #160: it sends too much, and is not asked again for a while. */
  cut(turn: RoomTurn): void {
    sayGoodbye(turn, this.#links, this.#joinedLink(turn.room), 'decision#160');
    this.#standAlone(turn, { phase: 'split', tries: 1 });
    turn.setTimer(this.#timer('retry'), penaltyMs);
  }

  /** It does not let in the user in whose name we asked: another one is asked for. Decision #156. */
  unwelcome(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase !== 'asking' || this.#askForAnyone(turn, now.tries)) return;
    turn.clearTimer(this.#timer('answer'));
    this.#become(turn, { phase: 'away' });
  }

  /** The timer of an answer, or of a `<left/>`. If a page slept, one of an earlier try may fire late. */
  #overdue(turn: RoomTurn): void {
    const { env } = turn;
    const now = this.#now(turn.room);
    if (now.phase !== 'asking' && now.phase !== 'leaving' && now.phase !== 'parting') return;
    const since = now.phase === 'asking' ? now.heard : now.since;
    // Of a time before a restart, since which the clock was set back (decision #224).
    const waited = since > env.now ? answerMs : env.now - since;
    if (now.phase === 'parting' && waited >= partMs) return this.#askOrRest(turn, now.tries);
    if (waited >= answerMs) return this.lost(turn, 'unanswered', 'no answer in time');
    if (now.phase === 'asking') this.#unanswered.ask(turn, now);
    // A long answer over a slow link would be no shorter another time, but nobody has to wait for it.
    if (now.phase === 'asking' && env.now - now.since >= answerMs) now.late = true;
    turn.setTimer(this.#timer('answer'), (now.phase === 'parting' ? partMs : answerMs) - waited);
  }

  /** No answer in time, a bounce, or a link that was lost while live. Decision #24. */
  lost(turn: RoomTurn, how: Sign, why: string): void {
    const now = this.#now(turn.room);
    if (now.phase === 'leaving') return this.#become(turn, { phase: 'away' });
    if (now.phase !== 'asking' && now.phase !== 'joined' && now.phase !== 'interrupted') return;
    const tries = now.phase === 'asking' ? now.tries : 0;
    const asked = now.phase === 'asking' ? [now.announced] : [];
    if (this.#unanswered.counts === false)
      this.#parting.mayHave([...ours(turn.room, this.peer), ...asked], this.#links.of(this.peer)?.lastHeard);
    turn.note('decision#24', `${this.peer} is lost: ${why}`, { peer: this.peer, sign: how });
    this.#standAlone(turn, { phase: 'split', tries: tries + 1, heard: inStep(now, turn.env.now) });
    turn.setTimer(this.#timer('retry'), jitter(turn.env, backoffMs(tries)));
  }

  /**
   * "Part and then full rejoin" (§8): the other node is there, but the two are not in step any more. Only once joined: an
   * answer that goes wrong is tried again with back-off.
   */
  rejoin(turn: RoomTurn, how: Sign, why: string): void {
    const now = this.#now(turn.room);
    if (now.phase !== 'joined' && now.phase !== 'interrupted') return this.lost(turn, how, why);
    turn.note('decision#61', `join ${this.peer} anew: ${why}`, { peer: this.peer, sign: how });
    if (this.#unanswered.counts === false && how !== 'unlinked')
      this.#parting.mayHave(ours(turn.room, this.peer), this.#links.of(this.peer)?.lastHeard);
    this.#standAlone(turn, { phase: 'split', tries: 0, heard: inStep(now, turn.env.now) });
    this.#retry(turn);
  }

  /** A new stream: an answer under way will not come. */
  linkUp(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase === 'asking' || (now.phase === 'interrupted' && !now.joined))
      this.lost(turn, 'restart', 'our own stream is new');
    else if (now.phase === 'split') turn.setTimer(this.#timer('retry'), jitter(turn.env, backoffMs(now.tries)));
    else if (now.phase === 'leaving' || now.phase === 'parting') turn.setTimer(this.#timer('answer'), answerMs);
    else this.standsIn(turn);
  }

  /** The node has started again: it joins again what it was joined to. Decision #61. */
  restarted(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase === 'interrupted' && now.joined) this.rejoin(turn, 'restart', 'this node has started again');
  }

  timer(turn: RoomTurn, what: SideTimer): void {
    if (what === 'answer') this.#overdue(turn);
    else if (this.#now(turn.room).phase === 'standby') this.#askForWay(turn);
    else this.#retry(turn);
  }

  #retry(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase === 'standby' && this.#links.isInbound(turn.room, this.peer)) return;
    const tries = now.phase === 'split' ? now.tries : 0;
    if (now.phase === 'split' && this.#parting.isDue && hasAny(turn.room, this.#links, this.#entrance, this.peer))
      return this.#part(turn, tries);
    if (now.phase === 'split' || now.phase === 'standby') this.#askOrRest(turn, tries);
  }

  /** §5.4: with our last user we are out of the set, and the others' users are out of this room. */
  leaveIfEmpty(turn: RoomTurn, last?: Occupant): void {
    const { room, env } = turn;
    const { phase } = this.#now(room);
    if (last && last.home !== this.peer && phase === 'joined') this.#parting.leaves(last, env.now);
    if (phase === 'away' || phase === 'asking' || phase === 'leaving') return;
    if (hasAny(room, this.#links, this.#entrance, this.peer)) return;
    // It has joined us: the link is its own.
    if (phase === 'standby' && this.#links.isInbound(room, this.peer)) return;
    if (phase === 'joined') this.admitted(turn);
    if (phase === 'joined' && last && this.#unanswered.counts === false) this.#parting.mayHave([last]);
    this.#become(turn, phase === 'joined' ? { phase: 'leaving', since: env.now } : { phase: 'away' });
    forgetLeft(turn, this.#links, this.peer);
    if (phase !== 'joined') return;
    turn.setTimer(this.#timer('answer'), answerMs);
  }

  /** §5.4 `<left/>`. With users here it means that the other node forgot us: join again. */
  left(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    const { phase } = now;
    this.#parting.done();
    if (phase === 'leaving') {
      turn.clearTimer(this.#timer('answer'));
      this.#become(turn, { phase: 'away' });
    } else if (phase === 'joined') {
      const why = 'it says that we left';
      if (this.#parting.isTold(turn.env.now)) this.rejoin(turn, 'unlinked', why);
      else this.lost(turn, 'unlinked', why);
    } else if (now.phase === 'parting' || (now.phase === 'asking' && this.#unanswered.hasParted && !now.begun)) {
      if (!this.#askForAnyone(turn, now.tries)) this.#become(turn, { phase: 'away' });
    } else if (phase === 'standby') this.#retry(turn);
  }

  /**
   * Asks the other node, in the name of one user. §5.1 Example 2. Every try is a link of its own, so that what comes of an
   * earlier one is known for what it is (decision #60).
   */
  #ask(turn: RoomTurn, occupant: Known, tries = 0, way?: Trail): void {
    const { room, env } = turn;
    const lost = inStep(this.#now(room), env.now);
    const link = this.#links.begin(turn, this.peer);
    this.#unanswered.begin();
    const before = this.#now(room);
    const times = { since: before.phase === 'parting' ? before.since : env.now, heard: env.now };
    const asking = { phase: 'asking', link, lost, answer: noAnswerYet(), ways: new Map(), tries, ...times } as const;
    this.#become(turn, { ...asking, announced: occupant, unwelcome: [] });
    sendJoin(turn, this.#links, link, occupant, lost, way);
    turn.setTimer(this.#timer('answer'), this.#unanswered.counts ? answerMs : answerMs / 2);
  }

  /** Decision #192: it may still hold the link of before, so our users leave first. */
  #part(turn: RoomTurn, tries: number): void {
    const { now } = turn.env;
    const heard = inStep(this.#now(turn.room), now);
    this.#become(turn, { phase: 'parting', tries, heard, since: now });
    this.#parting.send(turn);
    turn.setTimer(this.#timer('answer'), partMs);
  }

  /** Asks, or gives it up because there is nobody to ask for. */
  #askOrRest(turn: RoomTurn, tries: number): void {
    if (!this.#askForAnyone(turn, tries)) this.#become(turn, { phase: 'away' });
  }

  /** Asks if there is somebody to ask for: those who are in, else those who wait. @returns whether there is */
  #askForAnyone(turn: RoomTurn, tries = 0): boolean {
    const { room, env } = turn;
    if (this.#links.isBlocked(room, this.peer)) return false;
    const isWelcome = ({ occupant }: Waiting) => !this.#links.isRefused(this.peer, occupant.jid);
    const here = anyone(room, this.#links, this.peer);
    const next = here ? { occupant: here, way: undefined } : this.#entrance.first(env.now, isWelcome);
    if (next) this.#ask(turn, next.occupant, tries, next.way);
    return next !== undefined;
  }

  /** §5.1: the subject ends the answer. It is taken as a whole, and the users who waited enter. */
  #join(turn: RoomTurn, before: PhaseOf<'asking'>): void {
    const { room } = turn;
    const { link, announced, asked } = before;
    const here = takeUsers(turn, this.#links, before);
    this.#become(turn, { phase: 'joined', link, announced });
    turn.clearTimer(this.#timer('answer'));
    this.#unanswered.counts = link.counts;
    this.#parting.done();
    if (room.config.federation.keepalive) link.watch(turn);
    // Before the answer is part of it.
    const missed = asked && link.counts && room.config.federation.resync ? missedBy(turn, asked) : [];
    const kept = takeAnswer(turn, this.#links, before, here);
    sendThoseHere(turn, this.#links, link, announced);
    for (const [guest, nick, no] of before.unwelcome) refuseUser(turn, this.#links, guest, nick, no);
    catchUp(turn, this.#links, link, missed, kept);
    if (!link.counts) askWho(turn, link);
  }

  /** Those who waited are in, or there is nobody who waits any more. */
  admitted(turn: RoomTurn): void {
    const { room } = turn;
    const now = this.#now(room);
    if (now.phase !== 'joined' || now.announced === undefined) return;
    const { link, announced } = now;
    now.announced = undefined;
    // The user in whose name we joined left while they waited, or lost the nick.
    if (room.occupantByJid(announced.jid) !== undefined || this.#entrance.awaits(announced.jid, turn.env.now)) return;
    link.send(turn, outHere(room, this.#links, link, announced), '0289#5.4');
  }

  /** Without the other node: its users are out, and those who waited enter the room as it is. */
  #standAlone(
    turn: RoomTurn,
    alone: PhaseOf<'away' | 'rejected' | 'split' | 'standby'>,
    spec = 'decision#24',
    parts?: PresenceParts,
  ): void {
    turn.clearTimer(this.#timer('answer'));
    this.#become(turn, alone);
    dropUsers(turn, this.#links, this.peer, spec, undefined, parts);
  }

  #joinedLink(room: RoomView): Link | undefined {
    const now = this.#now(room);
    return now.phase === 'joined' ? now.link : undefined;
  }

  #timer(what: SideTimer): string {
    return `${what}:${this.peer}`;
  }

  #now(room: RoomView): Phase {
    return this.#phases.now(room);
  }

  #become(turn: RoomTurn, next: Exclude<Phase, { phase: 'interrupted' }>): void {
    this.#phases.become(turn, next);
  }
}
