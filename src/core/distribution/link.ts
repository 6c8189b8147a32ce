import type { RoomTurn } from '../room/room-turn.ts';
import type { RoomView } from '../room/state.ts';
import type { Env } from '../turn/env.ts';
import type { Spec } from '../turn/spec.ts';
import type { LinkPlace } from '../xep/fmuc-sync.ts';
import { subjectChange } from '../xep/xep0045.ts';
import { ping } from '../xep/xep0199.ts';
import type { Jid } from '../xmpp/jid.ts';
import { iqResult, type Stanza, withParts } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import { jitter, Keepalive, type KeepaliveTimes, probeMs } from './keepalive.ts';
import { Outstanding } from './outstanding.ts';

/** How a protocol writes what a link adds to its stanzas. */
export interface Wording {
  /** The rule by which a silent peer is pinged. */
  readonly keepalive: Spec;
  /**
   * The stanza with its place on the link inside the protocol's own element. Absent: the link numbers nothing, for stanzas
   * come to it with their place in the room's sequence, and their author's id, inside (XEP-0282, decision #1).
   *
   * @param origin  the id that its author gave a message; the stanza itself has one of ours
   */
  readonly placed?: (stanza: Stanza, place: LinkPlace, origin: string | undefined) => Stanza;
  /** The stanza as this peer may read it. */
  readonly readable?: (room: RoomView, stanza: Stanza) => Stanza;
  /**
   * What a ping, and the answer to one, says of how far this side has come.
   *
   * @param place  of what was sent last, and of what has arrived; undefined: the peer does not count
   */
  position(room: RoomView, place: LinkPlace | undefined): readonly XmlElement[];
}

/** The two ends of a link, and what they agreed on. */
export interface Ends {
  /** The address of our own by which the peer knows this end: the room, or a replica's account. */
  readonly self: Jid;
  readonly peer: Jid;
  /** Names this link, so that a stanza of an earlier link between the same two is recognised. */
  readonly session: string;
  /** Absent: decision #3. */
  readonly times?: KeepaliveTimes | undefined;
}

/**
 * What a node knows of its link to another: how far both have counted (decision #60), what went out lately (decision #10),
 * and when the peer was heard (decision #3). Each session is a link of its own. A node that starts again has no links.
 */
export class Link {
  readonly peer: Jid;
  readonly session: string;
  readonly #self: Jid;
  readonly #wording: Wording;
  readonly #keepalive: Keepalive;
  readonly #outstanding = new Outstanding();
  /** Whether the peer counts too. A peer without our extension does not, and gets the plain XEP. */
  #counts = true;
  /** What it is asked instead of a ping. */
  #question: ((self: Jid, peer: Jid, id: string) => Stanza) | undefined;
  /** How many stanzas were sent, how many were received, and how many the peer says it has. */
  #sent = 0;
  #received = 0;
  #acknowledged = 0;
  /** Number of the last change of subject that was sent. */
  #subject = 0;
  /** Number of the last presence that may have brought somebody in. */
  #introduced = 0;
  /** Pings since it is split. */
  #probes = 0;

  constructor(env: Env, { self, peer, session, times }: Ends, wording: Wording) {
    this.peer = peer;
    this.session = session;
    this.#self = self;
    this.#wording = wording;
    this.#keepalive = new Keepalive(env.now, times);
  }

  get counts(): boolean {
    return this.#counts;
  }

  /** The peer's first stanza has no place: it does not know of counting. */
  doesNotCount(): void {
    this.#counts = false;
  }

  /** From now on the peer is asked this instead of a ping; it has answered it before. @param question  undefined: it is pinged */
  asks(question: ((self: Jid, peer: Jid, id: string) => Stanza) | undefined): void {
    this.#question = question;
  }

  /** Whether it is asked something else than a ping. */
  get isAsked(): boolean {
    return this.#question !== undefined;
  }

  /**
   * Sends a message or presence with the next number and an id of ours, by which its bounce is known. The id that its author
   * gave a message goes inside. A peer that does not count reads the stanza's own id, so for it the author's stays there.
   *
   * @returns the id that the stanza has
   */
  send(turn: RoomTurn, stanza: Stanza, spec: Spec): string {
    const id = this.#counts ? turn.env.newId() : (stanza.id ?? turn.env.newId());
    this.#outstanding.add(id, stanza.id);
    const readable = this.#wording.readable?.(turn.room, stanza) ?? stanza;
    const named = id === stanza.id ? readable : withParts(readable, { id });
    turn.send(this.#counts ? this.#numbered(named, stanza.id) : named, spec, this.peer);
    return id;
  }

  #numbered(stanza: Stanza, origin: string | undefined): Stanza {
    const { placed } = this.#wording;
    if (placed === undefined) return stanza;
    this.#sent++;
    if (subjectChange(stanza) !== undefined) this.#subject = this.#sent;
    if (stanza.name === 'presence' && stanza.type === undefined) this.#introduced = this.#sent;
    return placed(stanza, this.#place(), origin);
  }

  /** Sends an iq of ours. An iq is answered, so it is not counted. */
  request(turn: RoomTurn, iq: Stanza, spec: Spec): void {
    if (iq.id !== undefined) this.#outstanding.add(iq.id);
    turn.send(iq, spec, this.peer);
  }

  /** Whether this id is of something that was sent over this link: only a bounce of that is believed. */
  isOurs(id: string | undefined): boolean {
    return id !== undefined && (this.#outstanding.has(id) || this.#keepalive.isPing(id));
  }

  /** The author's own id of the stanza that went out under this one. */
  originOf(id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#outstanding.originOf(id);
  }

  /**
   * Where a stanza of the peer stands: it is the next, or of the past (a repetition, or of an earlier link), or there is a
   * gap before it.
   */
  take(place: LinkPlace | undefined): 'next' | 'past' | 'gap' {
    // The first stanza of the answer says which kind of node this is.
    if (this.#received === 0 && place === undefined) this.#counts = false;
    if (!this.#counts) return 'next';
    if (place === undefined || place.session !== this.session || place.n <= this.#received) return 'past';
    if (place.n > this.#received + 1) return 'gap';
    this.#received = place.n;
    if (place.h !== undefined) this.#acknowledged = Math.max(this.#acknowledged, place.h);
    return 'next';
  }

  /** Whether the peer had not had our last subject yet when it sent what came last. Decision #63. */
  get subjectIsUnderWay(): boolean {
    return this.#counts && this.#acknowledged < this.#subject;
  }

  /** How many of our stanzas the peer had when it sent what came last. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Whether somebody may have been brought in since the peer had so many of our stanzas. */
  hasIntroducedSince(acknowledged: number): boolean {
    return this.#introduced > acknowledged;
  }

  /** Whether the peer has sent more than has arrived, as its ping, or its answer to ours, says. */
  misses(place: LinkPlace | undefined): boolean {
    return this.#counts && place?.session === this.session && place.n > this.#received;
  }

  /** Anything at all came from the peer. */
  heard(now: Instant): void {
    this.#keepalive.heard(now);
  }

  get lastHeard(): Instant {
    return this.#keepalive.lastHeard();
  }

  get times(): KeepaliveTimes {
    return this.#keepalive.times;
  }

  /** From now on silence is noticed. @param firstMs  when to look for the first time, if not after the agreed interval */
  watch(turn: RoomTurn, firstMs = jitter(turn.env, this.times.interval * 1000)): void {
    turn.setTimer(linkTimer(this.peer), firstMs);
  }

  /** Nobody asks any more whether the peer is there. */
  unwatch(turn: RoomTurn): void {
    turn.clearTimer(linkTimer(this.peer));
  }

  /**
   * The link's timer fired.
   *
   * @returns false if two pings went unanswered: the peer is lost
   */
  keepAlive(turn: RoomTurn): boolean {
    const due = this.#keepalive.due(turn.env);
    if (due.kind === 'lost') return false;
    if (due.kind === 'ping') this.#ping(turn, due.id, this.#wording.keepalive);
    turn.setTimer(linkTimer(this.peer), due.ms);
    return true;
  }

  /**
   * A ping at once, whatever the silence (XEP-0199). It says how far we have counted.
   *
   * @param more  what else is said in it
   * @returns its id
   */
  ping(turn: RoomTurn, ...more: readonly XmlElement[]): string {
    const { id, ms } = this.#keepalive.ping(turn.env);
    this.#ping(turn, id, this.#wording.keepalive, more);
    turn.setTimer(linkTimer(this.peer), ms);
    return id;
  }

  /** Whether a ping is in flight, and nothing has come since. */
  get isWaiting(): boolean {
    return this.#keepalive.isWaiting;
  }

  /** Whether this id is the one of the ping in flight. */
  isPing(id: string | undefined): boolean {
    return this.#keepalive.isPing(id);
  }

  /** The answer to the peer's own ping. */
  pong(turn: RoomTurn, request: Stanza): void {
    turn.send(iqResult(request, ...this.position(turn.room)), '0199#4', this.peer);
  }

  /** How far this side has come, in the words of the protocol. */
  position(room: RoomView): readonly XmlElement[] {
    return this.#wording.position(room, this.#counts ? this.#place() : undefined);
  }

  /** The peer is split: the first ping comes soon, the others at ever longer intervals (XEP-0282 §4.11.1.1). */
  watchSplit(turn: RoomTurn): void {
    this.#probes = 0;
    turn.setTimer(linkTimer(this.peer), probeMs(turn.env, this.#probes, this.times));
  }

  /** The link's timer fired while the peer is split: "pings at a higher frequency" than those of the keepalive. */
  probe(turn: RoomTurn, spec: Spec): void {
    this.#ping(turn, this.#keepalive.ping(turn.env).id, spec);
    this.#probes++;
    turn.setTimer(linkTimer(this.peer), probeMs(turn.env, this.#probes, this.times));
  }

  #ping(turn: RoomTurn, id: string, spec: Spec, more: readonly XmlElement[] = []): void {
    const question = this.#question?.(this.#self, this.peer, id);
    turn.send(question ?? ping(this.#self, this.peer, id, ...this.position(turn.room), ...more), spec, this.peer);
  }

  #place(): LinkPlace {
    return { session: this.session, n: this.#sent, h: this.#received };
  }
}

/** The timer of the link to this peer, of which a room has one at a time. */
function linkTimer(peer: Jid): string {
  return `keepalive:${peer}`;
}

/** The peer whose link's timer this is, if it is one. */
export function readLinkTimer(name: string): Jid | undefined {
  return name.startsWith('keepalive:') ? (name.slice('keepalive:'.length) as Jid) : undefined;
}
