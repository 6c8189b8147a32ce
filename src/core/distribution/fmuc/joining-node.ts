import type { Change } from '../../room/change.ts';
import { entry, mayEnter, rankOf } from '../../room/checks.ts';
import { commit, leave } from '../../room/commit.ts';
import { type Occupant, sameOccupant } from '../../room/event.ts';
import { isKept } from '../../room/keeping.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst, isOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { sameSubject } from '../../room/subject.ts';
import type { Sign } from '../../turn/spec.ts';
import { type JoinRequest, subjectChange } from '../../xep/xep0045.ts';
import { stanzaError, writeError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { presence, type Stanza } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import { backoffMs } from '../keepalive.ts';
import type { Link } from '../link.ts';
import type { FmucPeer } from '../peers.ts';
import { Pending } from '../pending.ts';
import { IncomingState, lateMessage, lateSubject } from '../resync.ts';
import type { Links } from './links.ts';
import { usersMax, yieldNick } from './occupants.ts';
import { kept, type Phase, type PhaseOf, remembered } from './phase.ts';
import { isModeration, itemOf, type Known, moderationOf, occupantOf, readSubject, saidAt } from './reading.ts';
import { joinRequest, nodeHistory, occupantPresence, occupantRename, retractionsFor } from './stanzas.ts';

/** How long the other node has for the next part of its answer, and for its `<left/>`, in milliseconds. Decision #21. */
const answerMs = 10_000;
/** The nick is somebody else's. */
const conflict = refusal('cancel', 'conflict', '0045#7.2.8');
/** More users wait than a room should hold back. */
const crowded = refusal('wait', 'resource-constraint', 'decision#21', 'too many are waiting to enter');
/** Users who may wait at once. */
const waitingMax = 10_000;
/** What of an answer is believed. */
const answerBounds = { occupants: usersMax, messages: 10_000 };

type Waiting = { readonly occupant: Known; readonly join: JoinRequest };

/**
 * XEP-0289, the joining node's half: it joins the other room with its first user and leaves with its last (§5.1, §5.4), by
 * the phases of phase.ts. Users who ask to enter meanwhile wait for the answer, so that they get everything in the order
 * of XEP-0045 §7.1.
 */
export class JoiningNode {
  readonly peer: Jid;
  readonly #links: Links;
  readonly #waiting = new Pending<Jid, Waiting>(waitingMax);
  #current: Phase | undefined;

  constructor(peer: Jid, links: Links) {
    this.peer = peer;
    this.#links = links;
  }

  /** A user who may enter enters now, or when the other node has answered. */
  decide(turn: RoomTurn, { occupant, join }: Waiting): 'commit' | 'held' | Refusal {
    const { room, env } = turn;
    const now = this.#now(room);
    const { phase } = now;
    if (phase === 'joined' || phase === 'split' || phase === 'rejected') return 'commit';
    if (phase === 'interrupted' && now.joined) return 'commit';
    const isAnothers = (other: Waiting) => other.occupant.nick === occupant.nick && !isOf(other.occupant, occupant.jid);
    if (this.#waiting.find(env.now, isAnothers)) return conflict;
    if (this.#waiting.full) return crowded;
    this.#waiting.add(occupant.jid, { occupant, join }, env.now);
    if (phase !== 'asking') this.#ask(turn, { occupant, join });
    return 'held';
  }

  /**
   * Sees to it that a room with anybody in it is linked, or about to be. A user of a node that joined this one may be the
   * first, or may come before the other node has answered the leave of the last.
   */
  joinIfOccupied(turn: RoomTurn): void {
    const { room } = turn;
    const { phase } = this.#now(room);
    if ((phase === 'away' || phase === 'leaving') && this.#hasAny(room)) this.#askForAnyone(turn);
  }

  /** Whether this user waits for the other node's answer. */
  isAwaitedBy(user: Jid, now: Instant): boolean {
    return this.#waiting.get(user, now) !== undefined;
  }

  /** A user who waits changed their mind. @returns whether they were waiting */
  withdraw(user: Jid): boolean {
    return this.#waiting.delete(user);
  }

  /** §5.1 Example 4, one stanza of it: occupants, messages, and at last the subject, which may name no author (#22). */
  answered(turn: RoomTurn, author: Jid | undefined, stanza: Stanza): void {
    const { room, env } = turn;
    const now = this.#now(room);
    if (now.phase !== 'asking') return;
    const { answer } = now;
    const nick = resourceOf(stanza.from);
    if (stanza.name === 'message' && stanza.type === 'groupchat' && subjectChange(stanza) !== undefined) {
      const setter = author === undefined ? undefined : answer.knownOccupantId(room, author);
      answer.setSubject(readSubject(turn, setter, stanza));
      return this.#join(turn, now);
    }
    const word = isModeration(stanza) ? moderationOf(turn, stanza) : undefined;
    if (word) answer.addMessage(word);
    if (author === undefined || nick === '') return;
    if (stanza.name === 'presence' && stanza.type === undefined) {
      now.heard = env.now;
      const occupant = occupantOf(room.jid, author, answer.occupantIdOf(room, author, env), stanza);
      // The user in whose name we joined comes back in the answer.
      if (author !== now.announced.jid) answer.addOccupant(occupant);
    } else if (stanza.name === 'message' && stanza.type === 'groupchat') {
      now.heard = env.now;
      const occupantId = answer.occupantIdOf(room, author, env);
      answer.addMessage(itemOf(turn, { nick, jid: author, occupantId }, stanza, saidAt(env.now, stanza)));
    }
  }

  /** A message of the history of a node further up, which our joined node has got since. Decision #93. */
  passedMessage(turn: RoomTurn, author: Jid, stanza: Stanza): void {
    const { room, env } = turn;
    const nick = resourceOf(stanza.from);
    const occupantId = room.occupantIdOf(author) ?? env.newId();
    const item = itemOf(turn, { nick, jid: author, occupantId }, stanza, saidAt(env.now, stanza));
    if (!isKept(item.payloads)) return;
    if (room.holds(item)) turn.note('decision#27', 'a message that is here already: dropped');
    else commitPast(turn, lateMessage(item, room.occupants.get(nick), this.peer));
  }

  /** The subject of a join further up. */
  passedSubject(turn: RoomTurn, author: Jid | undefined, stanza: Stanza): void {
    const { room } = turn;
    const setter = author === undefined ? undefined : room.occupantIdOf(author);
    const subject = readSubject(turn, setter, stanza);
    if (subject === undefined || sameSubject(subject, room.subject)) return;
    commitPast(turn, lateSubject(room, subject, room.occupants.get(subject.nick), this.peer));
  }

  /** Tells the other node of a user here. Of the user in whose name we joined it tells what is different since. §5.3. */
  introduce(turn: RoomTurn, link: Link, occupant: Occupant): void {
    const { room } = turn;
    const now = this.#now(room);
    const first = asFirst(occupant);
    const known = now.phase === 'joined' && now.announced?.jid === first.jid ? now.announced : undefined;
    if (known !== undefined && known.nick !== occupant.nick)
      for (const stanza of occupantRename(room, known, occupant, this.peer)) link.send(turn, stanza, '0289#5.3');
    else if (known === undefined || !sameOccupant(first, known))
      link.send(turn, occupantPresence(room, occupant, occupantJid(this.peer, occupant.nick)), '0289#5.3');
  }

  /** §5.1 Example 3, decision #21: alone is better than not at all. */
  rejected(turn: RoomTurn, text: string): void {
    if (this.#now(turn.room).phase !== 'asking') return;
    turn.note('0289#5.1', `${this.peer} rejects the federation: ${text}`, { peer: this.peer, sign: 'refused' });
    this.#standAlone(turn, { phase: 'rejected' });
  }

  /** The other node says that the nick of the user in whose name we asked is taken there. Decision #23. */
  conflict(turn: RoomTurn): void {
    const { room, env } = turn;
    const now = this.#now(room);
    if (now.phase !== 'asking') return;
    const loser = now.announced;
    const waiting = this.#waiting.take(loser.jid, env.now);
    const occupant = room.occupantByJid(loser.jid);
    if (waiting) this.#refuse(turn, waiting.occupant, { ...conflict, spec: 'decision#23' });
    else if (occupant?.nick === loser.nick) yieldNick(turn, this.#links, occupant);
    if (this.#askForAnyone(turn, now.tries)) return;
    turn.clearTimer('answer');
    this.#become(turn, { phase: 'away' });
  }

  /** The timer of an answer, or of a `<left/>`. If a page slept, one of an earlier try may fire late. */
  overdue(turn: RoomTurn): void {
    const { env } = turn;
    const now = this.#now(turn.room);
    if (now.phase !== 'asking' && now.phase !== 'leaving') return;
    const waited = env.now - (now.phase === 'asking' ? now.heard : now.since);
    if (waited >= answerMs) return this.lost(turn, 'unanswered', 'no answer in time');
    // A long answer over a slow link would be no shorter another time, but nobody has to wait for it.
    if (now.phase === 'asking' && env.now - now.since >= answerMs) this.#admitAll(turn, now.announced);
    turn.setTimer('answer', answerMs - waited);
  }

  /** No answer in time, a bounce, or a link that was lost while live. Decision #24. */
  lost(turn: RoomTurn, how: Sign, why: string): void {
    const now = this.#now(turn.room);
    if (now.phase === 'leaving') return this.#become(turn, { phase: 'away' });
    if (now.phase !== 'asking' && now.phase !== 'joined' && now.phase !== 'interrupted') return;
    const tries = now.phase === 'asking' ? now.tries : 0;
    turn.note('decision#24', `${this.peer} is lost: ${why}`, { peer: this.peer, sign: how });
    this.#standAlone(turn, { phase: 'split', tries: tries + 1 });
    turn.setTimer('retry', backoffMs(tries));
  }

  /**
   * "Part and then full rejoin" (§8): the other node is there, but the two are not in step any more. Only once joined: an
   * answer that goes wrong is tried again with back-off.
   */
  rejoin(turn: RoomTurn, how: Sign, why: string): void {
    const now = this.#now(turn.room);
    if (now.phase !== 'joined' && now.phase !== 'interrupted') return this.lost(turn, how, why);
    turn.note('decision#61', `join ${this.peer} anew: ${why}`, { peer: this.peer, sign: how });
    this.#standAlone(turn, { phase: 'split', tries: 0 });
    this.retry(turn);
  }

  /** A new stream: an answer under way will not come. */
  linkUp(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase === 'asking' || (now.phase === 'interrupted' && !now.joined))
      this.lost(turn, 'restart', 'our own stream is new');
    else if (now.phase === 'split') turn.setTimer('retry', backoffMs(now.tries));
    else if (now.phase === 'leaving') turn.setTimer('answer', answerMs);
  }

  /** The node has started again: it joins again what it was joined to. Decision #61. */
  restarted(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase === 'interrupted' && now.joined) this.rejoin(turn, 'restart', 'this node has started again');
  }

  retry(turn: RoomTurn): void {
    const now = this.#now(turn.room);
    if (now.phase === 'split' && !this.#askForAnyone(turn, now.tries)) this.#become(turn, { phase: 'away' });
  }

  /** §5.4: with our last user we are out of the set, and the others' users are out of this room. */
  leaveIfEmpty(turn: RoomTurn): void {
    const { room, env } = turn;
    const { phase } = this.#now(room);
    if (phase === 'away' || phase === 'asking' || phase === 'leaving' || this.#hasAny(room)) return;
    // There is nobody left to be told, here or further down.
    for (const { nick } of [...room.occupants.values()]) turn.record({ kind: 'occupantLeft', nick });
    if (phase !== 'joined') return this.#become(turn, { phase: 'away' });
    this.#become(turn, { phase: 'leaving', since: env.now });
    turn.setTimer('answer', answerMs);
  }

  /** §5.4 `<left/>`. With users here it means that the other node forgot us: join again. */
  left(turn: RoomTurn): void {
    const { phase } = this.#now(turn.room);
    if (phase === 'leaving') {
      turn.clearTimer('answer');
      this.#become(turn, { phase: 'away' });
    } else if (phase === 'joined') this.rejoin(turn, 'unlinked', 'it says that we left');
  }

  /**
   * Asks the other node, in the name of one user. §5.1 Example 2. Every try is a link of its own, so that what comes of an
   * earlier one is known for what it is (decision #60).
   */
  #ask(turn: RoomTurn, { occupant, join }: Waiting, tries = 0): void {
    const { room, env } = turn;
    const link = this.#links.begin(turn, this.peer);
    const answer = new IncomingState(answerBounds);
    const times = { since: env.now, heard: env.now };
    this.#become(turn, { phase: 'asking', link, announced: occupant, answer, tries, ...times });
    link.send(turn, joinRequest(room, occupant, this.peer, join.history ? { history: join.history } : {}), '0289#5.1');
    turn.setTimer('answer', answerMs);
  }

  /** Asks if there is somebody to ask for: those who are in, else those who wait. @returns whether there is */
  #askForAnyone(turn: RoomTurn, tries = 0): boolean {
    const { room, env } = turn;
    const here = this.#ours(room)
      .map(asFirst)
      .find((occupant): occupant is Known => occupant.jid !== undefined);
    const next = here ? { occupant: here, join: {} } : this.#waiting.find(env.now);
    if (next) this.#ask(turn, next, tries);
    return next !== undefined;
  }

  /** §5.1: the subject ends the answer. It is taken as a whole, and the users who waited enter. */
  #join(turn: RoomTurn, { link, announced, answer }: PhaseOf<'asking'>): void {
    const { room } = turn;
    // Both sides may have given a nick away while they did not know of each other: the joined side's stays.
    for (const occupant of this.#ours(room))
      if (answer.hasNickOrSession(occupant)) yieldNick(turn, this.#links, occupant);
    const mine = this.#ours(room);
    const now: PhaseOf<'joined'> = { phase: 'joined', link, announced };
    this.#become(turn, now);
    turn.clearTimer('answer');
    link.watch(turn);
    const changes = answer.diff(turn, {
      from: this.peer,
      speaksFor: ({ home }) => home === this.peer,
      lastingIds: link.counts,
    });
    const messages = changes.filter(({ kind }) => kind === 'message').length;
    const what = `${answer.occupants.length} occupants, ${messages} messages`;
    turn.note('0289#5.1', `joined ${this.peer}: ${what}`, { peer: this.peer });
    for (const change of changes) commitPast(turn, change);
    // The text may be the same, but not the author or the time: users who enter later get those.
    if (answer.subject && answer.subject !== room.subject)
      turn.record({ kind: 'subjectChanged', subject: answer.subject });
    // After a lost link these were here all along.
    for (const occupant of mine) this.introduce(turn, link, occupant);
    // Decision #114: what was taken back here meanwhile.
    for (const item of link.counts ? retractionsFor(room, this.peer) : [])
      link.send(turn, nodeHistory(room, item, this.peer), '0425#3');
    this.#admitAll(turn, announced);
    // The user in whose name we joined left while they waited, or lost the nick.
    if (room.occupantByJid(announced.jid) === undefined) {
      const to = occupantJid(this.peer, announced.nick);
      link.send(turn, occupantPresence(room, announced, to, { type: 'unavailable' }), '0289#5.4');
    }
    now.announced = undefined;
    this.leaveIfEmpty(turn);
  }

  /** Without the other node: its users are out, and those who waited enter the room as it is. */
  #standAlone(turn: RoomTurn, alone: PhaseOf<'rejected' | 'split'>): void {
    const { room } = turn;
    const now = this.#now(room);
    turn.clearTimer('answer');
    this.#become(turn, alone);
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.home === this.peer && room.occupants.get(occupant.nick) === occupant)
        leave(turn, occupant, { statuses: [333], payloads: [] }, { spec: 'decision#24' });
    }
    this.#admitAll(turn, now.phase === 'asking' ? now.announced : undefined);
    this.leaveIfEmpty(turn);
  }

  /** @param first  in whose name we asked: who had their nick in the meantime may not be said to have it before */
  #admitAll(turn: RoomTurn, first?: Known): void {
    const { room, env } = turn;
    const waiting = first && this.#waiting.take(first.jid, env.now);
    for (const { occupant, join } of [...(waiting ? [waiting] : []), ...this.#waiting.takeAll()]) {
      // Decision #21: by the rules of now, and with the rank they have now.
      const no = mayEnter(room, occupant.jid, occupant.nick, join);
      if (room.occupantByJid(occupant.jid) !== undefined) this.#refuse(turn, occupant, conflict);
      else if (no !== undefined) this.#refuse(turn, occupant, no);
      else {
        // Another session of theirs may have entered before, under whatever nick.
        const occupantId = room.occupantIdOf(occupant.jid) ?? occupant.occupantId;
        commit(turn, entry(room, { ...occupant, ...rankOf(room, occupant.jid), occupantId }, join));
      }
    }
  }

  #refuse(turn: RoomTurn, { nick, jid }: Known, { type, condition, text, spec }: Refusal): void {
    const error = writeError(stanzaError(type, condition, text, turn.room.jid));
    turn.send(presence(occupantJid(turn.room.jid, nick), jid, { type: 'error' }, error), spec);
  }

  /** Those for whom we join: our own users, and those of the nodes that joined us. */
  #ours(room: RoomView): Occupant[] {
    return [...room.occupants.values()].filter((occupant) => occupant.home !== this.peer);
  }

  #hasAny(room: RoomView): boolean {
    for (const occupant of room.occupants.values()) if (occupant.home !== this.peer) return true;
    return false;
  }

  /** The phase; of one in a life before this only the record is left. */
  #now(room: RoomView): Phase {
    this.#current ??= remembered(room.peers.get(this.peer));
    return this.#current;
  }

  /** The one way from a phase to another. */
  #become(turn: RoomTurn, next: Exclude<Phase, { phase: 'interrupted' }>): void {
    this.#current = next;
    const { peer } = this;
    const state = kept[next.phase];
    if (next.phase === 'away' || next.phase === 'split' || next.phase === 'rejected') this.#links.end(turn, peer);
    // The link stays for what the other node says before its <left/>, but nobody asks any more whether it is there.
    if (next.phase === 'leaving') this.#links.of(peer)?.unwatch(turn);
    const record: FmucPeer | undefined = state && { kind: 'fmuc', state, since: turn.env.now, direction: 'outbound' };
    turn.record({ kind: 'peerChanged', peer, record });
  }
}

/** Something of a while ago happens here, too: told to our own users, and passed on to the nodes that joined this one. */
function commitPast(turn: RoomTurn, change: Change): void {
  if (change.kind !== 'message') return commit(turn, change, { spec: '0289#5.1' });
  // Decision #113.
  if (change.item.nick === '' && !turn.room.retracts(change.item)) return;
  const as = { kind: 'messageAccepted', n: turn.room.n + 1, item: change.item, past: true } as const;
  commit(turn, change, { spec: '0289#5.1', as });
}
