import type { HistoryItem, Occupant, PeerRecord, Subject } from '../../room/event.ts';
import { admitNow } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { stanzaError, writeError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { presence } from '../../xmpp/stanza.ts';
import { type Distribution, timerOf } from '../distribution.ts';
import { joinRequest, occupantPresence } from './stanzas.ts';

/** How long the other node has for its answer, and for its `<left/>`, in milliseconds. Decision #21. */
export const answerMs = 10_000;
/** Milliseconds until the next try after a lost link, by tries so far: 5, 10, 20, 40, then 60 s. Decision #24. */
const retryMs = (tries: number) => Math.min(60_000, 5_000 * 2 ** tries);
/** Occupants and messages that an answer may hold; the rest is ignored. */
const answerMax = 10_000;

type Waiting = { readonly occupant: Occupant & { readonly jid: Jid }; readonly join: JoinRequest };

/**
 * XEP-0289, the joining node's half: it joins the other room with its first user and leaves with its last (§5.1, §5.4).
 * Users who ask to enter meanwhile wait for the answer, so that they get everything in the order of XEP-0045 §7.1.
 */
export class JoiningNode {
  readonly peer: Jid;
  readonly #waiting = new Map<Jid, Waiting>();
  /** In whose name the join under way was asked. */
  #announced: (Occupant & { readonly jid: Jid }) | undefined;
  #answer: { readonly roster: Map<Jid, Occupant>; readonly history: HistoryItem[] } | undefined;
  #tries = 0;

  constructor(peer: Jid) {
    this.peer = peer;
  }

  /** @returns false if the user waits for the other node */
  admit(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, join: JoinRequest): boolean {
    const state = room.peers.get(this.peer)?.state;
    if (state === 'live' || state === 'split' || state === 'rejected') return true;
    const holder = [...this.#waiting.values()].find(
      (other) => other.occupant.nick === occupant.nick && other.occupant.jid !== occupant.jid,
    );
    if (holder) {
      this.#refuse(turn, room, occupant, 'conflict', '0045#7.2.8');
      return false;
    }
    this.#waiting.set(occupant.jid, { occupant, join });
    if (state !== 'joining' || this.#announced === undefined) this.join(turn, room, occupant, join);
    return false;
  }

  /** Asks the other node, in the name of `occupant`. §5.1 Example 2. */
  join(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, join: JoinRequest): void {
    this.#announced = occupant;
    this.#answer = { roster: new Map(), history: [] };
    this.#become(turn, room, 'joining');
    turn.send(
      joinRequest(room, occupant, this.peer, turn.env.newId(), join.history ? { history: join.history } : {}),
      '0289#5.1',
      this.peer,
    );
    turn.setTimer(timerOf(room.jid, 'answer'), answerMs);
  }

  /** Someone who waits changed their mind. @returns whether they were waiting */
  withdraw(user: Jid): boolean {
    return this.#waiting.delete(user);
  }

  isWaiting(user: Jid): boolean {
    return this.#waiting.has(user) || this.isAnnounced(user);
  }

  /** §5.1 Example 4: someone who is on the other node; our own users come back in it and are known already. */
  answeredOccupant(occupant: Occupant & { jid: Jid }): void {
    if (this.#answer && this.#answer.roster.size < answerMax && !this.isWaiting(occupant.jid))
      this.#answer.roster.set(occupant.jid, occupant);
  }

  answeredMessage(item: HistoryItem): void {
    const { history } = this.#answer ?? {};
    // What was still under way from an earlier life of the link may come again in the answer.
    if (!history || history.length >= answerMax || history.some(({ by, id }) => by === item.by && id === item.id))
      return;
    history.push(item);
  }

  /** §5.1: the subject ends the answer. Everything is taken as one, and those who waited enter. */
  answeredSubject(turn: Turn, room: RoomView, distribution: Distribution, subject: Subject | undefined): void {
    const answer = this.#answer;
    const announced = this.#announced;
    if (answer === undefined) return;
    this.#answer = undefined;
    // A local occupant of the same nick was here before: decision #23 lets the joined side's keep it.
    const remote = [...answer.roster.values()];
    const mine = [...room.occupants.values()].filter((occupant) => occupant.home !== this.peer);
    const occupants = [...mine, ...remote.filter((occupant) => !mine.some((other) => other.nick === occupant.nick))];
    const fresh = answer.history.filter((item) => !room.holds(item));
    // §5.1 "re-ordering by delay?": yes, by (stamp, by, id), in what is kept; decision #25.
    const history = [...room.archive, ...fresh].sort(
      (a, b) => a.at - b.at || compare(`${a.by} ${a.id}`, `${b.by} ${b.id}`),
    );
    turn.record({
      kind: 'stateReplaced',
      room: room.jid,
      epoch: room.epoch,
      whois: room.whois,
      occupants,
      history,
      subject: subject ?? room.subject,
    });
    this.#become(turn, room, 'live');
    turn.clearTimer(timerOf(room.jid, 'answer'));
    this.#tries = 0;
    turn.note('0289#5.1', `joined ${this.peer}: ${remote.length} occupants, ${fresh.length} messages`, {
      room: room.jid,
      peer: this.peer,
    });
    for (const occupant of remote) {
      if (room.occupants.get(occupant.nick) !== occupant) continue;
      const change = { kind: 'entered', occupant, join: {}, statuses: [] } as const;
      tell(turn, room, change, '0289#5.1');
      distribution.spread(turn, room, change);
    }
    // After a lost link: those who were here all along, except the one in whose name we joined.
    for (const occupant of mine) {
      if (occupant.jid !== announced?.jid)
        turn.send(occupantPresence(room, occupant, occupantJid(this.peer, occupant.nick)), '0289#5.3', this.peer);
    }
    this.#admitAll(turn, room, distribution);
    // The one in whose name we joined left while waiting, or lost the nick.
    if (announced && room.occupantByJid(announced.jid) === undefined) {
      turn.send(
        occupantPresence(room, announced, occupantJid(this.peer, announced.nick), { type: 'unavailable' }),
        '0289#5.4',
        this.peer,
      );
    }
    this.#announced = undefined;
    this.leaveIfEmpty(turn, room);
  }

  /** Whether the other node learned of this user by the join itself. */
  isAnnounced(user: Jid | undefined): boolean {
    return user !== undefined && user === this.#announced?.jid;
  }

  /** §5.1 Example 3, decision #21: alone is better than not at all. */
  rejected(turn: Turn, room: RoomView, distribution: Distribution, text: string): void {
    if (room.peers.get(this.peer)?.state !== 'joining') return;
    turn.note('0289#5.1', `${this.peer} rejects the federation: ${text}`, { room: room.jid, peer: this.peer });
    this.#standAlone(turn, room, distribution, 'rejected');
  }

  /** The other node says that the nick of the one in whose name we asked is taken there. Decision #23. */
  conflict(turn: Turn, room: RoomView): void {
    const first = this.#announced && this.#waiting.get(this.#announced.jid);
    this.#answer = undefined;
    this.#announced = undefined;
    if (first) {
      this.#waiting.delete(first.occupant.jid);
      this.#refuse(turn, room, first.occupant, 'conflict', 'decision#23');
    }
    const next = this.#waiting.values().next().value;
    if (next) return this.join(turn, room, next.occupant, next.join);
    turn.clearTimer(timerOf(room.jid, 'answer'));
    turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record: undefined });
  }

  /** No answer in time, a bounce, or a link that was lost while live. Decision #24. */
  lost(turn: Turn, room: RoomView, distribution: Distribution, why: string): void {
    const state = room.peers.get(this.peer)?.state;
    if (state === 'leaving')
      return turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record: undefined });
    if (state !== 'joining' && state !== 'live') return;
    turn.note('decision#24', `${this.peer} is lost: ${why}`, { room: room.jid, peer: this.peer });
    this.#standAlone(turn, room, distribution, 'split');
    turn.setTimer(timerOf(room.jid, 'retry'), retryMs(this.#tries++));
  }

  /** A new stream, perhaps a new life: an answer under way will not come, and timers of the life before are gone. */
  linkUp(turn: Turn, room: RoomView, distribution: Distribution): void {
    const state = room.peers.get(this.peer)?.state;
    if (state === 'joining') this.lost(turn, room, distribution, 'our own stream is new');
    else if (state === 'split') turn.setTimer(timerOf(room.jid, 'retry'), retryMs(this.#tries));
    else if (state === 'leaving') turn.setTimer(timerOf(room.jid, 'answer'), answerMs);
  }

  retry(turn: Turn, room: RoomView): void {
    if (room.peers.get(this.peer)?.state !== 'split') return;
    const first = [...room.occupants.values()].find(
      (occupant) => occupant.home !== this.peer && occupant.jid !== undefined,
    );
    if (first?.jid !== undefined) this.join(turn, room, { ...first, jid: first.jid }, {});
    else turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record: undefined });
  }

  /** §5.4: with our last user we are out of the set, and the others' users are out of this room. */
  leaveIfEmpty(turn: Turn, room: RoomView): void {
    const state = room.peers.get(this.peer)?.state;
    if (state === undefined || state === 'joining' || state === 'leaving') return;
    const occupants = [...room.occupants.values()];
    if (occupants.some((occupant) => occupant.home !== this.peer)) return;
    for (const occupant of occupants) turn.record({ kind: 'occupantLeft', room: room.jid, nick: occupant.nick });
    if (state === 'live') {
      this.#become(turn, room, 'leaving');
      turn.setTimer(timerOf(room.jid, 'answer'), answerMs);
    } else turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record: undefined });
  }

  /** §5.4 `<left/>`. With users here it means that the other node forgot us: join again. */
  left(turn: Turn, room: RoomView, distribution: Distribution): void {
    const state = room.peers.get(this.peer)?.state;
    if (state === 'leaving') {
      turn.clearTimer(timerOf(room.jid, 'answer'));
      turn.record({ kind: 'peerChanged', room: room.jid, peer: this.peer, record: undefined });
    } else if (state === 'live') {
      this.#standAlone(turn, room, distribution, 'split');
      this.retry(turn, room);
    }
  }

  #standAlone(turn: Turn, room: RoomView, distribution: Distribution, state: 'split' | 'rejected'): void {
    this.#answer = undefined;
    this.#announced = undefined;
    turn.clearTimer(timerOf(room.jid, 'answer'));
    this.#become(turn, room, state);
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.home !== this.peer) continue;
      turn.record({ kind: 'occupantLeft', room: room.jid, nick: occupant.nick });
      const change = { kind: 'left', occupant, parts: { statuses: [333], payloads: [] } } as const;
      tell(turn, room, change, 'decision#24');
      distribution.spread(turn, room, change);
    }
    this.#admitAll(turn, room, distribution);
    this.leaveIfEmpty(turn, room);
  }

  #admitAll(turn: Turn, room: RoomView, distribution: Distribution): void {
    for (const { occupant, join } of [...this.#waiting.values()]) {
      this.#waiting.delete(occupant.jid);
      if (room.occupants.has(occupant.nick)) this.#refuse(turn, room, occupant, 'conflict', '0045#7.2.8');
      else admitNow(turn, room, distribution, occupant, join);
    }
  }

  #refuse(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, condition: 'conflict', spec: string): void {
    turn.send(
      presence(
        occupantJid(room.jid, occupant.nick),
        occupant.jid,
        { type: 'error' },
        writeError(stanzaError('cancel', condition)),
      ),
      spec,
    );
  }

  #become(turn: Turn, room: RoomView, state: PeerRecord['state']): void {
    turn.record({
      kind: 'peerChanged',
      room: room.jid,
      peer: this.peer,
      record: { state, since: turn.env.now, direction: 'outbound' },
    });
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
