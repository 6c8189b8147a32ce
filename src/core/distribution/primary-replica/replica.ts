import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { subjectOf } from '../../room/subject.ts';
import type { Traits } from '../../room/traits.ts';
import { type Position, type Standing, writeDestroy } from '../../xep/sync.ts';
import { changesSubject } from '../../xep/xep0045.ts';
import { type Dmuc, readDmuc } from '../../xep/xep0282.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, type Jid } from '../../xmpp/jid.ts';
import { errorOf, errorReply, iq, iqResult, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import { withoutExcess } from '../excess.ts';
import { defaultTimes, type KeepaliveTimes } from '../keepalive.ts';
import { readLinkTimer } from '../link.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import {
  ask,
  askAgain,
  created,
  dismissed,
  gap,
  otherUsers,
  overdue,
  refused,
  sounded,
  soundingBounced,
  split,
} from './asking.ts';
import { classify, type FromPrimary } from './from-primary.ts';
import { comesBack, counted } from './leavers.ts';
import { answered, lookAfterRelays } from './outcomes.ts';
import { isUnderWay } from './phase.ts';
import { clamp, itemOf, occupantOf } from './primary-stanzas.ts';
import { takeFromUser } from './relaying.ts';
import { Session } from './session.ts';
import { settle, settled, settlingBounced } from './settling.ts';
import { splitStatus } from './split-status.ts';
import { ready } from './syncing.ts';
import { usersDigest } from './users-digest.ts';

/**
 * XEP-0282, the replica's side. It stands where its users' stanzas to the room pass, relays them with `from` untouched
 * (§4.8), and gives its users what the primary broadcasts (§4.7, §4.9) without the primary's own elements.
 *
 * The room it keeps has the primary's address; `home` of an occupant is the primary for everyone but its own users.
 */
export class Replica implements Protocol {
  readonly traits = traits;
  readonly byService = false;
  readonly #session: Session;

  /** @param self the replica's own account; @param serves domains whose users it serves; @param wish its keepalive */
  constructor(self: Jid, serves: readonly Jid[], wish: KeepaliveTimes = defaultTimes) {
    this.#session = new Session(self, serves, wish);
  }

  status({ config }: RoomView): ProtocolStatus {
    return { role: 'replica', split: splitStatus(config.split) };
  }

  fromPeer(turn: RoomTurn, received: Stanza): boolean {
    const { room } = turn;
    if (bareOf(received.from) !== room.jid) return false;
    const stanza = withoutExcess(turn, received);
    const session = this.#session;
    const { self } = session;
    const isPing = (id: string | undefined) => session.link?.isPing(id) === true;
    const said = classify(stanza, { room, self, now: session.now(room), isPing });
    if (said.kind === 'users') this.#usersOwn(turn, stanza);
    else if (said.kind === 'error') this.#error(turn, said, stanza);
    else {
      session.heard(turn, stanza, !this.#isAfterAnswer(room, stanza));
      this.#take(turn, said, stanza);
      // It is there after all: no need to wait for the next try.
      const { phase, request } = session.now(room);
      if (phase === 'split' && !isUnderWay(request)) ask(turn, session);
    }
    return true;
  }

  #take(turn: RoomTurn, said: Exclude<FromPrimary, { kind: 'users' | 'error' }>, stanza: Stanza): void {
    const { room } = turn;
    const session = this.#session;
    switch (said.kind) {
      case 'ping': {
        const ack = session.isLive(room) ? [session.ack(room)] : [];
        turn.send(iqResult(stanza, ...ack), '0282#4.10', room.jid);
        if (session.isSplit(room)) askAgain(turn, session);
        return this.#noticePlace(turn, said.standing);
      }
      case 'result':
        answered(turn, session, stanza);
        return this.#noticePlace(turn, said.standing);
      case 'created':
        return created(turn, session, said.created);
      case 'sounded':
        return sounded(turn, session);
      case 'settled':
        return settled(turn, session, said.place);
      case 'destroyed':
        return dismissed(turn, session);
      case 'ready':
        return ready(turn, session, said.now, said.ready, stanza);
      case 'otherReady':
        // Repeated, or of a sync that was given up: an error would look like a bounce.
        if (session.isLive(room)) turn.send(iqResult(stanza, session.ack(room)), 'decision#5', room.jid);
        return;
      case 'destroy':
        turn.send(iqResult(stanza, session.ack(room)), 'decision#40', room.jid);
        return dismissed(turn, session);
      case 'request':
        return turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', room.jid);
      case 'offer':
        return askAgain(turn, session);
      case 'occupant': {
        const { state, nick, user, dmuc } = said;
        return state.addOccupant(occupantOf(room, nick, user, stanza.payloads), dmuc);
      }
      case 'past':
        return this.#past(turn, said, stanza);
      case 'user':
        return said.answer.addUser(said.nick, said.jid);
      case 'presence':
        return this.#presence(turn, said, stanza);
      case 'message':
        return this.#message(turn, said, stanza);
      case 'unexpected':
        return this.#unexpected(turn, stanza.name);
      case 'nothing':
        return;
      default:
        assertNever(said);
    }
  }

  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    takeFromUser(turn, this.#session, stanza);
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

  /** A new stream: whatever was under way is lost, so what was missed is asked for. */
  linkUp(turn: RoomTurn): void {
    const session = this.#session;
    session.begin(turn);
    const now = session.now(turn.room);
    if (now.phase === 'split') session.move({ phase: 'split', tries: now.tries });
    else session.become(turn, { phase: 'asking' });
    ask(turn, session);
  }

  /** Decision #40: the primary serves our users from its answer on. */
  stop(turn: RoomTurn): void {
    const { room } = turn;
    const now = this.#session.now(room);
    if (now.phase !== 'live') return;
    now.destroying = turn.env.newId();
    const destroy = writeDestroy({ epoch: room.epoch, n: room.n });
    turn.send(iq(this.#session.self, room.jid, { type: 'set', id: now.destroying }, destroy), 'decision#40', room.jid);
  }

  timer(turn: RoomTurn, name: string): void {
    const session = this.#session;
    if (name === 'create') return overdue(turn, session);
    if (name === 'relayed') return lookAfterRelays(turn, session);
    const now = session.now(turn.room);
    const { link } = session;
    if (now.phase !== 'live' || link === undefined) return;
    if (name === 'settle') return settle(turn, session);
    if (readLinkTimer(name) === undefined) return;
    if (!link.keepAlive(turn)) return split(turn, session, 'silence', 'two keepalives went unanswered');
    // A leave that the primary has not told us of since: its relay was lost.
    if (now.settling === undefined && turn.room.divergence.length > 0) settle(turn, session);
  }

  /** News from beyond the end of the answer that is coming in. */
  #isAfterAnswer(room: RoomView, { payloads }: Stanza): boolean {
    const now = this.#session.now(room);
    return now.phase === 'syncing' && (readDmuc(payloads)?.position?.n ?? 0) > now.answer.created.n;
  }

  /** Decision #2: the primary is further than we are, and what was between has had its time to come. */
  #noticePlace(turn: RoomTurn, place: Standing | undefined): void {
    const { room } = turn;
    const session = this.#session;
    const { live } = session;
    if (place === undefined || !session.isLive(room)) return;
    if (live.isAhead(room, place)) return gap(turn, session, place);
    // Decision #41. Of somebody who left and asks to come back neither side knows yet whether the other has heard.
    const { users, epoch, n } = place;
    if (users === undefined || epoch !== room.epoch || n !== room.n) return;
    if (comesBack(turn, session.tickets) || live.hasJustRefused(turn)) return;
    if (users !== usersDigest(counted(turn, session.tickets))) otherUsers(turn, session);
  }

  /** §4.4. */
  #past(turn: RoomTurn, said: Extract<FromPrimary, { kind: 'past' }>, stanza: Stanza): void {
    const { room, env } = turn;
    const { state, nick, dmuc, delay } = said;
    const at = clamp(delay.stamp, env.now);
    const item = itemOf(room, turn, stanza, nick, at, dmuc, this.#session.self);
    if (changesSubject(item.payloads)) state.setSubject(subjectOf(item));
    else state.addMessage(item);
  }

  #presence(turn: RoomTurn, said: Extract<FromPrimary, { kind: 'presence' }>, stanza: Stanza): void {
    const { nick, user, dmuc } = said;
    const isLate = this.#session.now(turn.room).phase === 'syncing';
    if (dmuc?.enter || dmuc?.leave) {
      if (!this.#inPlace(turn, dmuc)) return;
    } else if (dmuc?.position && !this.#inOrder(turn, dmuc.position)) return;
    if (!this.#session.live.presence(turn, nick, user, dmuc, stanza, isLate)) this.#unexpected(turn, 'presence');
  }

  #message(turn: RoomTurn, said: Extract<FromPrimary, { kind: 'message' }>, stanza: Stanza): void {
    const { nick, dmuc, position } = said;
    const { live } = this.#session;
    const isLate = this.#session.now(turn.room).phase === 'syncing';
    if (!this.#inOrder(turn, position)) return;
    if (stanza.type === 'groupchat') live.message(turn, nick, dmuc, stanza, isLate);
    else live.configured(turn, position.n, stanza);
  }

  /** Decisions #1, #2, #4: a repetition is dropped, a gap means that something is lost, and is asked for. */
  #inOrder(turn: RoomTurn, { epoch, n }: Position): boolean {
    const { room } = turn;
    if (epoch === room.epoch && n === room.n + 1) return true;
    this.#outOfPlace(turn, { epoch, n });
    return false;
  }

  /**
   * Decision #1: `<enter/>` follows its change and `<leave/>` goes ahead of it; about somebody who is not in it has the
   * room's place. What is told again is of the past, whatever has become of the user since. One without a place belongs to a
   * roster (decision #8), and tells nothing after it.
   */
  #inPlace(turn: RoomTurn, { leave, position }: Dmuc): boolean {
    const { room } = turn;
    if (position === undefined) {
      this.#unexpected(turn, 'roster entry');
      return false;
    }
    const { epoch, n } = position;
    const next = leave !== undefined && n === room.n + 1;
    if (epoch === room.epoch && (n === room.n || next)) return true;
    this.#outOfPlace(turn, { epoch, n });
    return false;
  }

  #outOfPlace(turn: RoomTurn, { epoch, n }: Position): void {
    if (this.#session.live.isAhead(turn.room, { epoch, n })) gap(turn, this.#session, { epoch, n });
    else turn.note('decision#2', `position ${epoch}/${n} is of the past: dropped`);
  }

  /** Decision #10: our server could not pass on what we relayed, and gives it back: the user is told, and it is a split. */
  #usersOwn(turn: RoomTurn, stanza: Stanza): void {
    const session = this.#session;
    if (stanza.type !== 'error' || !session.tickets.serves(stanza.to))
      return turn.note('0282#4.7', `a stanza of the room for ${stanza.to} came to the replica: ignored`);
    // Decisions #130, #133: unless its author has been told already, or would not miss it.
    if (session.relays.bounced(stanza, turn.env.now)) turn.send(stanza, '0282#4.8');
    if (saysGone(stanza)) split(turn, session, 'bounce', `a relay bounced: ${errorOf(stanza)?.condition}`);
  }

  #error(turn: RoomTurn, { about, condition }: Extract<FromPrimary, { kind: 'error' }>, stanza: Stanza): void {
    const session = this.#session;
    if (about === 'request') return refused(turn, session, stanza, condition);
    if (about === 'sounding') return soundingBounced(turn, session, stanza, condition);
    if (about === 'settling') return settlingBounced(turn, session, stanza, condition);
    if (about === 'ping' && saysGone(stanza)) return split(turn, session, 'bounce', `a ping bounced: ${condition}`);
    this.#unexpected(turn, `error (${condition})`);
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
  mayRemove: () => false,
};
