import { type HistoryItem, type Occupant, type PeerRecord, type Subject, sameOccupant } from '../../room/event.ts';
import { admitNow, type Refusal, rankOf, refusalOf } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { stanzaError, writeError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { presence } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import { el } from '../../xmpp/xml.ts';
import { type Distribution, timerOf } from '../distribution.ts';
import { backoffMs, spread as jitter, keepaliveMs } from '../keepalive.ts';
import { NodeLink } from './node-link.ts';
import { joinRequest, occupantPresence, occupantRename } from './stanzas.ts';

/** How long the other node has for the next part of its answer, and for its `<left/>`, in milliseconds. Decision #21. */
export const answerMs = 10_000;
/** The nick is somebody else's. */
const conflict: Refusal = { type: 'cancel', condition: 'conflict', spec: '0045#7.2.8' };
/** Occupants and messages that an answer may hold; the rest is ignored. */
const answerMax = 10_000;

type WithJid = Occupant & { readonly jid: Jid };
type Waiting = { readonly occupant: WithJid; readonly join: JoinRequest };

/** What the joining node needs of the room's distribution. */
interface Seam extends Distribution {
  /** Decision #23: someone who lost their nick to another is told, and goes. */
  yield(turn: Turn, room: RoomView, loser: Occupant): void;
  /** The subject that came with a join, to the nodes that joined this one. */
  passSubject(turn: Turn, room: RoomView): void;
}

/**
 * XEP-0289, the joining node's half: it joins the other room with its first user and leaves with its last (§5.1, §5.4).
 * Users who ask to enter meanwhile wait for the answer, so that they get everything in the order of XEP-0045 §7.1.
 */
export class JoiningNode {
  readonly peer: Jid;
  readonly #links: Map<Jid, NodeLink>;
  readonly #waiting = new Map<Jid, Waiting>();
  /** In whose name the join under way was asked. */
  #announced: WithJid | undefined;
  /** `at`: when the last part of it came. */
  #answer: { readonly roster: Map<Jid, Occupant>; readonly history: HistoryItem[]; at: Instant } | undefined;
  #tries = 0;

  constructor(peer: Jid, links: Map<Jid, NodeLink>) {
    this.peer = peer;
    this.#links = links;
  }

  /** @returns false if the user waits for the other node */
  admit(turn: Turn, room: RoomView, occupant: WithJid, join: JoinRequest): boolean {
    const state = this.#state(room);
    if (state === 'live' || state === 'split' || state === 'rejected') return true;
    const holder = [...this.#waiting.values()].find(
      (other) => other.occupant.nick === occupant.nick && other.occupant.jid !== occupant.jid,
    );
    if (holder) {
      this.#refuse(turn, room, occupant, conflict);
      return false;
    }
    this.#waiting.set(occupant.jid, { occupant, join });
    if (state !== 'joining' || this.#announced === undefined) this.join(turn, room, occupant, join);
    return false;
  }

  /**
   * Asks the other node, in the name of `occupant`. §5.1 Example 2. Every try is a link of its own, so that what comes
   * of an earlier one is known for what it is (decision #60).
   */
  join(turn: Turn, room: RoomView, occupant: WithJid, join: JoinRequest): void {
    const link = new NodeLink(turn.env, this.peer, turn.env.newId());
    this.#links.set(this.peer, link);
    this.#announced = occupant;
    this.#answer = { roster: new Map(), history: [], at: turn.env.now };
    this.#become(turn, room, 'joining');
    link.send(turn, joinRequest(room, occupant, this.peer, join.history ? { history: join.history } : {}), '0289#5.1');
    turn.setTimer(timerOf(room.jid, 'answer'), answerMs);
  }

  /** Joins if there is somebody to join for: those who are in, else those who wait. */
  joinForAnyone(turn: Turn, room: RoomView): boolean {
    const here = this.#ours(room).find((occupant): occupant is WithJid => occupant.jid !== undefined);
    const next = here ? { occupant: here, join: {} } : this.#waiting.values().next().value;
    if (next) this.join(turn, room, next.occupant, next.join);
    return next !== undefined;
  }

  /**
   * With anybody in the room it is linked, or on its way to be: a user of a node that joined this one may be the first,
   * or may come while the other node still says goodbye to the last.
   */
  settle(turn: Turn, room: RoomView): void {
    const state = this.#state(room);
    if ((state === undefined || state === 'leaving') && this.#hasAny(room)) this.joinForAnyone(turn, room);
  }

  /** Someone who waits changed their mind. @returns whether they were waiting */
  withdraw(user: Jid): boolean {
    return this.#waiting.delete(user);
  }

  /** §5.1 Example 4: someone who is on the other node; the one in whose name we joined comes back in it. */
  answeredOccupant(occupant: WithJid, now: Instant): void {
    if (this.#answer) this.#answer.at = now;
    if (this.#answer && this.#answer.roster.size < answerMax && !this.isAnnounced(occupant.jid))
      this.#answer.roster.set(occupant.jid, occupant);
  }

  answeredMessage(item: HistoryItem, now: Instant): void {
    if (this.#answer) this.#answer.at = now;
    const { history } = this.#answer ?? {};
    if (!history || history.length >= answerMax || history.some(({ by, id }) => id === item.id && by === item.by))
      return;
    history.push(item);
  }

  /** §5.1: the subject ends the answer. Everything is taken as one, and those who waited enter. */
  answeredSubject(turn: Turn, room: RoomView, distribution: Seam, subject: Subject | undefined): void {
    const answer = this.#answer;
    const announced = this.#announced;
    const link = this.#links.get(this.peer);
    if (answer === undefined || link === undefined) return;
    this.#answer = undefined;
    const remote = [...answer.roster.values()];
    const names = new Set(remote.map(({ nick }) => nick));
    // Both sides may have given a nick away while they did not know of each other: the joined side's stays.
    for (const occupant of this.#ours(room)) {
      if (names.has(occupant.nick) || (occupant.jid !== undefined && answer.roster.has(occupant.jid)))
        distribution.yield(turn, room, occupant);
    }
    const mine = this.#ours(room);
    // A node without EXT gives no ids that last: there it is who said what under which id of their own.
    const said = new Set(link.counts ? [] : room.archive.map(contentOf));
    const fresh = answer.history.filter((item) => !room.holds(item) && !said.has(contentOf(item)));
    const subjectBefore = room.subject?.text ?? '';
    // §5.1 "re-ordering by delay?": yes, by (stamp, by, id), in what is kept; decision #25.
    const history =
      fresh.length === 0
        ? room.archive
        : [...room.archive, ...fresh].sort((a, b) => a.at - b.at || compare(`${a.by} ${a.id}`, `${b.by} ${b.id}`));
    turn.record({
      kind: 'stateReplaced',
      room: room.jid,
      epoch: room.epoch,
      whois: room.whois,
      occupants: [...mine, ...remote],
      history,
      subject: subject ?? room.subject,
    });
    this.#become(turn, room, 'live');
    turn.clearTimer(timerOf(room.jid, 'answer'));
    turn.setTimer(timerOf(room.jid, `keepalive:${this.peer}`), jitter(turn.env, keepaliveMs));
    this.#tries = 0;
    turn.note('0289#5.1', `joined ${this.peer}: ${remote.length} occupants, ${fresh.length} messages`, {
      room: room.jid,
      peer: this.peer,
    });
    for (const occupant of remote) {
      const change = { kind: 'entered', occupant, join: {}, statuses: [] } as const;
      tell(turn, room, change, '0289#5.1');
      distribution.spread(turn, room, change);
    }
    if (subject && subject.text !== subjectBefore) this.#tellSubject(turn, room, distribution, subject);
    // After a lost link: those who were here all along.
    for (const occupant of mine) this.introduce(turn, room, link, occupant);
    this.#admitAll(turn, room, distribution);
    // The one in whose name we joined left while waiting, or lost the nick.
    if (announced && room.occupantByJid(announced.jid) === undefined) {
      const parts = { type: 'unavailable' } as const;
      const to = occupantJid(this.peer, announced.nick);
      link.send(turn, occupantPresence(room, announced, to, parts), '0289#5.4');
    }
    this.#announced = undefined;
    this.leaveIfEmpty(turn, room);
  }

  /** Tells the other node of someone here; of the one in whose name we joined, what is different since. §5.3. */
  introduce(turn: Turn, room: RoomView, link: NodeLink, occupant: Occupant): void {
    const announced = this.isAnnounced(occupant.jid) ? this.#announced : undefined;
    if (announced !== undefined && announced.nick !== occupant.nick)
      for (const stanza of occupantRename(room, announced, occupant, this.peer)) link.send(turn, stanza, '0289#5.3');
    else if (announced === undefined || !sameOccupant(occupant, announced))
      link.send(turn, occupantPresence(room, occupant, occupantJid(this.peer, occupant.nick)), '0289#5.3');
  }

  /** Whether the other node learned of this user by the join itself. */
  isAnnounced(user: Jid | undefined): boolean {
    return user !== undefined && user === this.#announced?.jid;
  }

  /** §5.1 Example 3, decision #21: alone is better than not at all. */
  rejected(turn: Turn, room: RoomView, distribution: Seam, text: string): void {
    if (this.#state(room) !== 'joining') return;
    turn.note('0289#5.1', `${this.peer} rejects the federation: ${text}`, { room: room.jid, peer: this.peer });
    this.#standAlone(turn, room, distribution, 'rejected');
  }

  /** The other node says that the nick of the one in whose name we asked is taken there. Decision #23. */
  conflict(turn: Turn, room: RoomView, distribution: Seam): void {
    const loser = this.#announced;
    this.#answer = undefined;
    this.#announced = undefined;
    this.#links.delete(this.peer);
    const waiting = loser && this.#waiting.get(loser.jid);
    const occupant = loser && room.occupantByJid(loser.jid);
    if (waiting) {
      this.#waiting.delete(waiting.occupant.jid);
      this.#refuse(turn, room, waiting.occupant, { ...conflict, spec: 'decision#23' });
    } else if (occupant && occupant.nick === loser.nick) distribution.yield(turn, room, occupant);
    if (this.joinForAnyone(turn, room)) return;
    turn.clearTimer(timerOf(room.jid, 'answer'));
    this.#forget(turn, room);
  }

  /** The timer of an answer, or of a `<left/>`; one of an earlier try fires late where a page slept. */
  overdue(turn: Turn, room: RoomView, distribution: Seam): void {
    const record = room.peers.get(this.peer);
    if (record?.state !== 'joining' && record?.state !== 'leaving') return;
    const waited = turn.env.now - Math.max(record.since, this.#answer?.at ?? 0);
    if (waited >= answerMs) return this.lost(turn, room, distribution, 'no answer in time');
    // A long answer over a slow link: it would be no shorter another time, but nobody has to wait for it.
    if (turn.env.now - record.since >= answerMs) this.#admitAll(turn, room, distribution);
    turn.setTimer(timerOf(room.jid, 'answer'), answerMs - waited);
  }

  /** No answer in time, a bounce, or a link that was lost while live. Decision #24. */
  lost(turn: Turn, room: RoomView, distribution: Seam, why: string): void {
    const state = this.#state(room);
    if (state === 'leaving') return this.#forget(turn, room);
    if (state !== 'joining' && state !== 'live') return;
    turn.note('decision#24', `${this.peer} is lost: ${why}`, { room: room.jid, peer: this.peer });
    this.#standAlone(turn, room, distribution, 'split');
    turn.setTimer(timerOf(room.jid, 'retry'), backoffMs(this.#tries++));
  }

  /**
   * "Part and then full rejoin" (§8): the other node is there, but the two are not in step any more. Only from live: an
   * answer that goes wrong is tried again with back-off.
   */
  rejoin(turn: Turn, room: RoomView, distribution: Seam, why: string): void {
    if (this.#state(room) !== 'live') return this.lost(turn, room, distribution, why);
    turn.note('decision#61', `join ${this.peer} anew: ${why}`, { room: room.jid, peer: this.peer });
    this.#standAlone(turn, room, distribution, 'split');
    this.retry(turn, room);
  }

  /** A new stream, perhaps a new life: an answer under way will not come, and timers of the life before are gone. */
  linkUp(turn: Turn, room: RoomView, distribution: Seam): void {
    const state = this.#state(room);
    if (state === 'joining') this.lost(turn, room, distribution, 'our own stream is new');
    else if (state === 'split') turn.setTimer(timerOf(room.jid, 'retry'), backoffMs(this.#tries));
    else if (state === 'leaving') turn.setTimer(timerOf(room.jid, 'answer'), answerMs);
  }

  retry(turn: Turn, room: RoomView): void {
    if (this.#state(room) === 'split' && !this.joinForAnyone(turn, room)) this.#forget(turn, room);
  }

  /** §5.4: with our last user we are out of the set, and the others' users are out of this room. */
  leaveIfEmpty(turn: Turn, room: RoomView): void {
    const state = this.#state(room);
    if (state === undefined || state === 'joining' || state === 'leaving' || this.#hasAny(room)) return;
    for (const { nick } of [...room.occupants.values()]) turn.record({ kind: 'occupantLeft', room: room.jid, nick });
    if (state === 'live') {
      this.#become(turn, room, 'leaving');
      turn.clearTimer(timerOf(room.jid, `keepalive:${this.peer}`));
      turn.setTimer(timerOf(room.jid, 'answer'), answerMs);
    } else this.#forget(turn, room);
  }

  /** §5.4 `<left/>`. With users here it means that the other node forgot us: join again. */
  left(turn: Turn, room: RoomView, distribution: Seam): void {
    const state = this.#state(room);
    if (state === 'leaving') {
      turn.clearTimer(timerOf(room.jid, 'answer'));
      this.#forget(turn, room);
    } else if (state === 'live') this.rejoin(turn, room, distribution, 'it says that we left');
  }

  /** The subject of a join further up. */
  passedSubject(turn: Turn, room: RoomView, distribution: Seam, subject: Subject | undefined): void {
    if (subject === undefined || subject.text === room.subject?.text) return;
    turn.record({ kind: 'subjectChanged', room: room.jid, subject });
    this.#tellSubject(turn, room, distribution, subject);
  }

  /** §5.1: "SHOULD replace its own subject with the received one", also for those who were here all along. */
  #tellSubject(turn: Turn, room: RoomView, distribution: Seam, subject: Subject): void {
    const { nick, at, text, occupantId = '' } = subject;
    const { affiliation, role } = room.occupants.get(nick) ?? { affiliation: 'none', role: 'none' };
    const occupant = { nick, occupantId, affiliation, role, presence: [], home: this.peer } as const;
    const payloads = [el('subject', NS.client, {}, text)];
    const item = { by: room.jid, id: turn.env.newId(), nick, occupantId, at, payloads };
    tell(turn, room, { kind: 'subject', occupant, subject, item }, '0289#5.1');
    distribution.passSubject(turn, room);
  }

  #state(room: RoomView): PeerRecord['state'] | undefined {
    return room.peers.get(this.peer)?.state;
  }

  /** Those for whom we join: our own users, and those of the nodes that joined us. */
  #ours(room: RoomView): Occupant[] {
    return [...room.occupants.values()].filter((occupant) => occupant.home !== this.peer);
  }

  #hasAny(room: RoomView): boolean {
    for (const occupant of room.occupants.values()) if (occupant.home !== this.peer) return true;
    return false;
  }

  #standAlone(turn: Turn, room: RoomView, distribution: Seam, state: 'split' | 'rejected'): void {
    this.#answer = undefined;
    this.#announced = undefined;
    this.#links.delete(this.peer);
    turn.clearTimer(timerOf(room.jid, 'answer'));
    turn.clearTimer(timerOf(room.jid, `keepalive:${this.peer}`));
    this.#become(turn, room, state);
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.home !== this.peer || room.occupants.get(occupant.nick) !== occupant) continue;
      turn.record({ kind: 'occupantLeft', room: room.jid, nick: occupant.nick });
      const change = { kind: 'left', occupant, parts: { statuses: [333], payloads: [] } } as const;
      tell(turn, room, change, 'decision#24');
      distribution.spread(turn, room, change);
    }
    this.#admitAll(turn, room, distribution);
    this.leaveIfEmpty(turn, room);
  }

  #admitAll(turn: Turn, room: RoomView, distribution: Seam): void {
    // The one in whose name we joined first: who had their nick in the meantime may not be said to have it before.
    const first = this.#announced && this.#waiting.get(this.#announced.jid);
    for (const { occupant, join } of new Set([...(first ? [first] : []), ...this.#waiting.values()])) {
      this.#waiting.delete(occupant.jid);
      // Decision #21: by the rules of now, and with the rank they have now.
      const no = refusalOf(room, occupant.jid, occupant.nick, join);
      if (room.occupantByJid(occupant.jid) !== undefined) this.#refuse(turn, room, occupant, conflict);
      else if (no !== undefined) this.#refuse(turn, room, occupant, no);
      else admitNow(turn, room, distribution, { ...occupant, ...rankOf(room, occupant.jid) }, join);
    }
  }

  #refuse(turn: Turn, room: RoomView, { nick, jid }: WithJid, { type, condition, text, spec }: Refusal): void {
    const error = writeError(stanzaError(type, condition, text));
    turn.send(presence(occupantJid(room.jid, nick), jid, { type: 'error' }, error), spec);
  }

  #become(turn: Turn, room: RoomView, state: PeerRecord['state']): void {
    const record = { state, since: turn.env.now, direction: 'outbound' } as const;
    turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record });
  }

  #forget(turn: Turn, room: RoomView): void {
    this.#links.delete(this.peer);
    turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record: undefined });
  }
}

/** What makes a message the same one where no identity does: its author, their id for it, its text. */
function contentOf({ author, at, stanzaId, payloads }: HistoryItem): string {
  return JSON.stringify([author, stanzaId ?? at, payloads.filter(({ name }) => name === 'body')]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
