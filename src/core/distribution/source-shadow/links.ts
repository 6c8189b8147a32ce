import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Neighbours } from '../../room/traits.ts';
import { type LinkPlace, readLinkPlace, writeLinkPlace } from '../../xep/fmuc-sync.ts';
import { type News, type Reached, readNews, writeHave, writeNews } from '../../xep/instances.ts';
import type { Role } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { type Stanza, withPayloads } from '../../xmpp/stanza.ts';
import { Budgets } from '../budgets.ts';
import type { InstanceTrust } from '../config.ts';
import { Link, type Wording } from '../link.ts';
import { instancePeers } from '../peers.ts';
import { isOwnUser } from '../scope.ts';

/** What one instance has asked another by iq, and has no answer to yet. */
export type Question = 'greeting' | 'info' | 'config' | 'roster' | 'history';

/** The stanza with its place on the link, in the `<news/>` that it has or gets. */
function placed(stanza: Stanza, place: LinkPlace, origin: string | undefined): Stanza {
  const said: Partial<News> = readNews(stanza.payloads) ?? {};
  const news = writeNews({ ...said, place, origin });
  return withPayloads(stanza, [...stanza.payloads.filter((payload) => !isNews(payload)), news]);
}

function isNews({ name, xmlns }: { readonly name: string; readonly xmlns: string }): boolean {
  return name === 'news' && xmlns === NS.ext;
}

/** How far all that this room knows of has come. */
export function* reached(room: RoomView): Iterable<Reached> {
  for (const [by, { epoch, n }] of room.reached.entries) yield { by, epoch, n };
}

/** The place that a ping, or the answer to one, says. */
export function placeIn(stanza: Stanza): LinkPlace | undefined {
  return (
    readLinkPlace({ children: stanza.payloads.flatMap(({ name, children }) => (name === 'ping' ? children : [])) }) ??
    readLinkPlace({ children: stanza.payloads })
  );
}

/** The links of one instance to the others, while it runs. A node that starts again has none. */
export class Links {
  readonly budgets = new Budgets();
  readonly #trust: InstanceTrust;
  readonly #links = new Map<Jid, Link>();
  /** By id: what was asked of whom. */
  readonly #questions = new Map<string, { readonly peer: Jid; readonly what: Question }>();
  /** By peer: what it calls its users who are called otherwise here, because the nick is somebody else's. Decision #207. */
  readonly #aliases = new Map<Jid, Map<string, string>>();
  /** By peer: the roles of its users as it says. */
  readonly #claims = new Map<Jid, Map<string, Role>>();
  /** Decision #213: instances that have given back all that they had of what this room lost with its log, since it started. */
  readonly #returned = new Set<Jid>();
  readonly #wording: Wording = {
    keepalive: 'decision#3',
    placed,
    position: (room, place) => [
      ...(place === undefined ? [] : [writeLinkPlace({ session: place.session, n: place.n })]),
      ...writeHave(this.#told(room)),
    ],
  };
  /** By peer: how often it was greeted in vain. */
  readonly #tries = new Map<Jid, number>();

  constructor(trust: InstanceTrust = {}) {
    this.#trust = trust;
  }

  of(peer: Jid): Link | undefined {
    return this.#links.get(peer);
  }

  /** The links over which something can be said now. */
  *live(): Iterable<Link> {
    yield* this.#links.values();
  }

  /** A new link, instead of any earlier one. */
  begin(turn: RoomTurn, peer: Jid, session: string): Link {
    const link = new Link(turn.env, { self: turn.room.jid, peer, session }, this.#wording);
    this.#links.set(peer, link);
    this.#tries.delete(peer);
    this.#forgetQuestions(peer);
    link.watch(turn);
    return link;
  }

  hasReturned(peer: Jid): boolean {
    return this.#returned.has(peer);
  }

  /** The peer has nothing more of what this room has lost. */
  returned(peer: Jid): void {
    this.#returned.add(peer);
  }

  /**
   * How far this room says that it has come (decision #203). Of what it had lost with its log it may lack some as long as an instance
   * has not given back what it has, and nobody else would miss what a room does not claim of its own (decision #213).
   */
  *#told(room: RoomView): Iterable<Reached> {
    const isWhole = instances(room).every((peer) => this.#returned.has(peer));
    for (const one of reached(room)) if (isWhole || one.by !== room.jid || one.epoch === room.epoch) yield one;
  }

  /**
   * The same for a peer that may have lost its log (decision #213): of its own it is offered also what stands behind a gap here.
   * Nobody else may have that, and nothing comes any more that would close the gap.
   */
  *reachedFor(room: RoomView, peer: Jid): Iterable<Reached> {
    const last = new Map<number, number>();
    for (const { by, order } of room.atHand)
      if (by === peer && order !== undefined) last.set(order.epoch, Math.max(order.n, last.get(order.epoch) ?? 0));
    for (const { by, epoch, n } of this.#told(room)) {
      yield { by, epoch, n: by === peer ? Math.max(n, last.get(epoch) ?? 0) : n };
      if (by === peer) last.delete(epoch);
    }
    for (const [epoch, n] of last) yield { by: peer, epoch, n };
  }

  end(turn: RoomTurn, peer: Jid): void {
    this.#links.get(peer)?.unwatch(turn);
    this.#links.delete(peer);
    this.#forgetQuestions(peer);
    turn.clearTimer(unanswered(peer));
  }

  /** Sends an iq that the peer is to answer. */
  ask(turn: RoomTurn, iq: Stanza, what: Question, spec: string): void {
    const { id = '', to: peer } = iq;
    this.#questions.set(id, { peer, what });
    turn.send(iq, spec, peer);
    turn.setTimer(unanswered(peer), unansweredMs);
  }

  /** What this answers, if it was asked. There is one answer to each. */
  answered(turn: RoomTurn, { id = '' }: Stanza, peer: Jid): Question | undefined {
    const question = this.#questions.get(id);
    if (question?.peer !== peer) return undefined;
    this.#questions.delete(id);
    if (![...this.#questions.values()].some((other) => other.peer === peer)) turn.clearTimer(unanswered(peer));
    return question.what;
  }

  isAsked(peer: Jid, what: Question): boolean {
    for (const question of this.#questions.values()) if (question.peer === peer && question.what === what) return true;
    return false;
  }

  #forgetQuestions(peer: Jid): void {
    for (const [id, question] of this.#questions) if (question.peer === peer) this.#questions.delete(id);
  }

  /** How often it was greeted since it was linked. */
  triesOf(peer: Jid): number {
    return this.#tries.get(peer) ?? 0;
  }

  /** It is greeted once more. */
  tries(peer: Jid): void {
    this.#tries.set(peer, this.triesOf(peer) + 1);
  }

  /** Whether the peer is told real addresses. */
  sees(peer: Jid): boolean {
    const { seeJids } = this.#trust;
    return seeJids === undefined || seeJids.includes(domainOf(peer));
  }

  /** Whether the instance may bring in this user, or ask for them: decision #155. */
  holds(peer: Jid, user: Jid): boolean {
    const given = this.#trust.scope?.get(domainOf(peer));
    return given === undefined ? isOwnUser(peer, user) : given.includes(domainOf(user));
  }

  /** What a user of this peer is called here. */
  nickOf(peer: Jid, theirs: string): string {
    return this.#aliases.get(peer)?.get(theirs) ?? theirs;
  }

  /** What this peer calls its user who is called so here. */
  theirsOf(peer: Jid, nick: string): string {
    for (const [theirs, here] of this.#aliases.get(peer) ?? []) if (here === nick) return theirs;
    return nick;
  }

  /** From now on a user of this peer is called so here. */
  call(peer: Jid, theirs: string, nick: string): void {
    const aliases = this.#aliases.get(peer) ?? new Map<string, string>();
    if (nick === theirs) aliases.delete(theirs);
    else aliases.set(theirs, nick);
    this.#aliases.set(peer, aliases);
  }

  /** Which role the peer says that a user of its has, whom it calls so. */
  claims(peer: Jid, theirs: string, role: Role): void {
    const claimed = this.#claims.get(peer) ?? new Map<string, Role>();
    this.#claims.set(peer, claimed.set(theirs, role));
  }

  claimOf(peer: Jid, theirs: string): Role | undefined {
    return this.#claims.get(peer)?.get(theirs);
  }

  /** Its users who are called otherwise here: what it calls them, and what they are called. */
  otherwise(peer: Jid): readonly (readonly [string, string])[] {
    return [...(this.#aliases.get(peer) ?? [])];
  }

  /** A user whom this peer calls so is gone. */
  gone(peer: Jid, theirs: string): void {
    this.#aliases.get(peer)?.delete(theirs);
    this.#claims.get(peer)?.delete(theirs);
  }

  forgetNames(peer: Jid): void {
    this.#aliases.delete(peer);
    this.#claims.delete(peer);
  }
}

/** The source of which this room is a shadow; undefined: it is the source. */
export function sourceOf({ of }: Neighbours): Jid | undefined {
  return of;
}

/** All other instances that are known, whether they are linked or not. */
export function instances(room: Neighbours): readonly Jid[] {
  return instancePeers(room).map(([peer]) => peer);
}

/** An iq that is not answered within this time ends the link, in milliseconds. */
const unansweredMs = 60_000;

function unanswered(peer: Jid): string {
  return `unanswered:${peer}`;
}
export function readUnanswered(name: string): Jid | undefined {
  return name.startsWith('unanswered:') ? (name.slice('unanswered:'.length) as Jid) : undefined;
}
