import type { PeerRecord } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { writeAck } from '../../xep/sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import type { KeepaliveTimes } from '../keepalive.ts';
import { Link, type Wording } from '../link.ts';
import { type PrimaryPeer, primaryPeer } from '../peers.ts';
import { Live } from './live.ts';
import { kept, type Phase, remembered } from './phase.ts';
import { Provisional } from './provisional.ts';
import { Relays } from './relays.ts';
import { Tickets } from './tickets.ts';

/**
 * How long after a relay the replica waits for any sign of the primary, and for what it relayed to come back, before it pings;
 * in milliseconds. Decisions #72, #131.
 */
export const relayMs = 5_000;

/**
 * A replica's session with its primary: the phase (phase.ts), who asked to enter, and when the primary was heard. What
 * changes the phase is asking.ts, syncing.ts and settling.ts.
 */
export class Session {
  readonly self: Jid;
  readonly serves: readonly Jid[];
  readonly wish: KeepaliveTimes;
  readonly tickets: Tickets;
  readonly provisional = new Provisional();
  readonly relays = new Relays();
  readonly live: Live;
  /** Requests since the stream is up that bounced: the primary may only be a moment behind. */
  bounces = 0;
  /** Whether the timer for what was relayed is set. */
  looksAfterRelays = false;
  readonly #wording: Wording = { keepalive: '0282#4.10', position: (room) => [this.ack(room)] };
  #link: Link | undefined;
  #current: Phase | undefined;

  constructor(self: Jid, serves: readonly Jid[], wish: KeepaliveTimes) {
    this.self = self;
    this.serves = serves;
    this.wish = wish;
    this.tickets = new Tickets(serves);
    this.live = new Live(self, this.tickets, this.provisional, this.relays);
  }

  /** The phase; of one in a life before this only the record is left. */
  now(room: RoomView): Phase {
    this.#current ??= remembered(primaryPeer(room, room.jid));
    return this.#current;
  }

  isLive(room: RoomView): boolean {
    return this.now(room).phase === 'live';
  }

  isSplit(room: RoomView): boolean {
    return this.now(room).phase === 'split';
  }

  /** From a phase to another that looks the same to a life after this one. */
  move(next: Phase): void {
    this.#current = next;
  }

  /** From a phase to any other. @param id  given by the primary just now; absent: the session is the same */
  become(turn: RoomTurn, next: Phase, id?: string): void {
    const { room } = turn;
    this.#current = next;
    const session = next.phase === 'dismissed' ? undefined : (id ?? primaryPeer(room, room.jid)?.session);
    this.#record(turn, kept[next.phase], session);
  }

  /** The primary has no such session any more; everything is asked for anew. Decision #41. */
  forget(turn: RoomTurn, { state }: PrimaryPeer): void {
    this.#record(turn, state, undefined);
  }

  #record(turn: RoomTurn, state: PeerRecord['state'], session: string | undefined): void {
    const record: PrimaryPeer = {
      kind: 'primary',
      state,
      since: turn.env.now,
      ...(session === undefined ? {} : { session }),
    };
    turn.record({ kind: 'peerChanged', peer: turn.room.jid, record });
  }

  /** A new stream: nothing of the old one is in flight. */
  begin(turn: RoomTurn): void {
    this.tickets.clear();
    this.relays.asking = undefined;
    this.bounces = 0;
    this.#link = this.#newLink(turn);
  }

  /** Decision #3: after what was asked for, whatever the answer says. Nothing is numbered but the room's changes (#1). */
  #newLink({ env, room }: RoomTurn): Link {
    const session = primaryPeer(room, room.jid)?.session ?? '';
    return new Link(env, { self: this.self, peer: room.jid, session, times: this.wish }, this.#wording);
  }

  /** Anything but an error came from the primary. */
  heard(turn: RoomTurn, stanza: Stanza, isNews: boolean): void {
    this.#link?.heard(turn.env.now);
    const now = this.now(turn.room);
    if (now.phase === 'live') now.relayed = undefined;
    if (now.request && stanza.name !== 'iq' && isNews) now.request.moving = true;
  }

  /** From now on silence is noticed. */
  watch(turn: RoomTurn): void {
    this.#link = this.#newLink(turn);
    this.#link.watch(turn);
  }

  /** §4.8. */
  relay(turn: RoomTurn, stanza: Stanza): void {
    const { room, env } = turn;
    turn.send(stanza, '0282#4.8', room.jid);
    const now = this.now(room);
    if (now.phase !== 'dismissed') this.relays.add(room, stanza, env.now);
    if (now.phase !== 'live') return;
    // The bounce of a relayed stanza goes to its sender, not to us: silence after a relay is worth a ping.
    now.relayed ??= env.now;
    if (!this.looksAfterRelays) this.lookAfterRelays(turn, relayMs);
  }

  /** The timer for what was relayed. */
  lookAfterRelays(turn: RoomTurn, afterMs: number): void {
    this.looksAfterRelays = true;
    turn.setTimer('relayed', afterMs);
  }

  /** The link to the primary; undefined before the first stream is up. */
  get link(): Link | undefined {
    return this.#link;
  }

  ack(room: RoomView): XmlElement {
    return writeAck({ h: room.n, moderators: this.moderators(room) });
  }

  /** Moderators among the users of this replica: they may see real JIDs (decision #7). */
  moderators(room: RoomView): number {
    return room.locals.filter(({ role }) => role === 'moderator').length;
  }

  /** Whether the primary, which is out of reach, may still answer a join of theirs itself. */
  mayBeAnswered(turn: RoomTurn, user: Jid): boolean {
    return this.tickets.mayBeAnswered(turn, user, this.#link?.lastHeard ?? turn.env.now);
  }
}
