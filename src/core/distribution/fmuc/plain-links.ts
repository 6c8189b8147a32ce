/**
 * Links with nodes that do not know our extension. They count nothing, keep a link whatever happens to it, and say nothing of one
 * that is gone: that, only their list of who is there shows. Decisions #193, #197.
 */
import { leave } from '../../room/commit.ts';
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { Sign } from '../../turn/spec.ts';
import { readJoin } from '../../xep/xep0045.ts';
import { readFmuc } from '../../xep/xep0289.ts';
import type { Condition } from '../../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, presence, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { Link } from '../link.ts';
import type { FmucPeer } from '../peers.ts';
import type { JoinedNode } from './joined-node.ts';
import type { JoiningNode } from './joining-node.ts';
import { type Links, stateOf } from './links.ts';
import { enter } from './occupants.ts';
import { placeOf } from './place.ts';
import { askWho, readWho, whoIsThere } from './probe.ts';
import { type Known, occupantOf } from './reading.ts';
import { addressOf, listed, nodeSubject, occupantPresence } from './stanzas.ts';
import { dropUsers } from './ways.ts';

/** How many of our users who left a peer is told of again, if it missed it. */
const leftMax = 100;

/** What is known of one link. */
interface Knowledge {
  /** Whether it was asked. */
  asked?: true;
  /** Whether it may have users of whom we know nothing. */
  missed?: true;
  /** Whether the peer's list has the users of other nodes, too. */
  lists: boolean;
  /** Whether its list and ours have been the same. */
  agreed: boolean;
  /** What differed when it was asked last: it may be asked while something is under way. */
  differed: string;
  /** Our users whom it was told of again, because it did not have them. */
  readonly told: Set<string>;
  /** Our users who left lately, by nick. */
  readonly left: Map<string, Occupant>;
  /** While the link is lost: since when, and its users before that. */
  lost?: { readonly since: Instant; readonly users: readonly Known[] };
}

/** The room is there, but does not say who is in it. */
const untold: ReadonlySet<Condition> = new Set<Condition>([
  'bad-request',
  'feature-not-implemented',
  'forbidden',
  'not-allowed',
  'service-unavailable',
]);

/** What is in an announcement. */
const announcing: ReadonlySet<string> = new Set([NS.fmuc, NS.muc, NS.mucUser]);

export class PlainLinks {
  readonly #links: Links;
  readonly #joining: ReadonlyMap<Jid, JoiningNode>;
  readonly #joined: JoinedNode;
  readonly #known = new WeakMap<Link, Knowledge>();

  constructor(links: Links, joining: ReadonlyMap<Jid, JoiningNode>, joined: JoinedNode) {
    this.#links = links;
    this.#joining = joining;
    this.#joined = joined;
  }

  /** One of ours has left: a peer may not hear of it. */
  left(turn: RoomTurn, occupant: Occupant): void {
    for (const peer of turn.room.peers.keys()) {
      const link = this.#links.of(peer);
      if (link === undefined || link.counts || occupant.home === peer) continue;
      const { left } = this.#of(link);
      left.delete(occupant.nick);
      left.set(occupant.nick, occupant);
      for (const oldest of left.keys()) if (left.size > leftMax) left.delete(oldest);
    }
  }

  /** It is time to ask who is there: for the first time, or because nothing came of it when it was asked for an announcement. */
  timer(turn: RoomTurn, name: string): void {
    const [, what, peer] = /^(who|announced):(.*)$/.exec(name) ?? [];
    const link = peer === undefined ? undefined : this.#links.of(peer as Jid);
    if (link === undefined || link.counts) return;
    if (what === 'announced') this.#joined.answerAnnounced(turn, link.peer, 'occupants');
    else if (this.#links.live(turn.room, link.peer)) askWho(turn, link);
  }

  /** While a link is lost: whether it is back. With nobody here it is of no use to anybody. */
  probe(turn: RoomTurn, peer: Jid): void {
    const { room } = turn;
    const link = this.#links.of(peer);
    if (link === undefined || !this.#isLost(turn, peer)) return;
    if (room.occupants.size === 0) this.#joined.forget(turn, peer);
    else link.probe(turn, 'decision#197');
  }

  #isLost({ room }: RoomTurn, peer: Jid): boolean {
    return stateOf(room, peer) === 'split' && this.#links.isInbound(room, peer);
  }

  /**
   * A node that joined this one does not join again, because it does not know that anything was lost. So its link stays: its users
   * are out as long as it cannot be reached.
   *
   * @returns whether the link is one of these
   */
  keeps(turn: RoomTurn, peer: Jid, how: Sign, why: string): boolean {
    const { room, env } = turn;
    const link = this.#links.of(peer);
    if (link === undefined || link.counts || !this.#links.isInbound(room, peer) || this.#joining.has(peer))
      return false;
    if (this.#isLost(turn, peer)) return true;
    // One stanza that comes back is no reason.
    if (how === 'bounce' && !link.isWaiting) {
      link.ping(turn);
      return true;
    }
    turn.note('decision#24', `${peer} is lost: ${why}`, { peer, sign: how });
    const users = [...room.occupants.values()].flatMap((user) =>
      user.home === peer && user.jid !== undefined ? [{ ...user, jid: user.jid }] : [],
    );
    this.#of(link).lost = { since: env.now, users };
    this.#record(turn, peer, 'split');
    dropUsers(turn, this.#links, peer, 'decision#24');
    link.watchSplit(turn);
    return true;
  }

  #record(turn: RoomTurn, peer: Jid, state: FmucPeer['state']): void {
    const record: FmucPeer = { kind: 'fmuc', state, since: turn.env.now, direction: 'inbound', plain: true };
    turn.record({ kind: 'peerChanged', peer, record });
  }

  /**
   * It speaks over a link that is lost, or of which nothing is known here (any more): it believes in it, and would not join again
   * before another user of its own comes. So it is one.
   *
   */
  resumes(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const { room } = turn;
    this.#hears(turn, peer, stanza);
    const isWord = stanza.name === 'message' ? stanza.type === 'groupchat' : stanza.type === undefined;
    if (!isWord || stanza.name === 'iq' || readFmuc(stanza.payloads)?.kind !== 'from') return;
    const isLost = this.#isLost(turn, peer);
    if (placeOf(stanza) !== undefined || (!isLost && readJoin(stanza.payloads))) return;
    if (
      !isLost &&
      (stateOf(room, peer) !== undefined || this.#joining.has(peer) || !this.#joined.allows(turn.room, peer))
    )
      return;
    turn.note('decision#197', `${peer} speaks over a link: it is one again`, { peer });
    this.#back(turn, peer);
    const link = this.#links.of(peer);
    if (link) askWho(turn, link);
  }

  /** A presence that says nothing new of a user, as Openfire announces whoever has joined: now it should have our users. */
  #hears(turn: RoomTurn, peer: Jid, { name, payloads }: Stanza): void {
    const isBare = name === 'presence' && payloads.every(({ xmlns }) => announcing.has(xmlns));
    const fmuc = isBare ? readFmuc(payloads) : undefined;
    if (fmuc?.kind !== 'from' || turn.room.occupantByJid(fmuc.from)?.home !== peer) return;
    const link = this.#links.live(turn.room, peer);
    if (link === undefined || link.counts || !this.#links.isInbound(turn.room, peer)) return;
    const known = this.#of(link);
    if (!known.asked) askWho(turn, link);
    known.asked = true;
  }

  #back(turn: RoomTurn, peer: Jid): Link {
    const link = this.#links.of(peer) ?? this.#links.begin(turn, peer);
    link.doesNotCount();
    link.heard(turn.env.now);
    this.#record(turn, peer, 'live');
    if (turn.room.config.federation.keepalive) link.watch(turn);
    this.#of(link).missed = true;
    return link;
  }

  /** @returns whether this is the answer to a question, or a ping, of such a link */
  answered(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const link = this.#links.of(peer);
    if (link === undefined || link.counts) return false;
    if (!link.isPing(stanza.id) && stanza.id !== `${link.session}-who`) return false;
    if (stanza.type === 'error') this.#failed(turn, link, stanza);
    else {
      const nicks = readWho(stanza, peer);
      link.heard(turn.env.now);
      if (nicks === undefined && this.#isLost(turn, peer)) this.#back(turn, peer);
      if (nicks !== undefined) this.#compare(turn, link, nicks);
    }
    return true;
  }

  #failed(turn: RoomTurn, link: Link, stanza: Stanza): void {
    const { peer } = link;
    const condition = errorOf(stanza)?.condition;
    const isQuestion = link.isAsked || stanza.id === `${link.session}-who`;
    if (isQuestion && condition !== undefined && untold.has(condition)) {
      link.asks(undefined);
      this.#joined.answerAnnounced(turn, peer, 'occupants');
      if (link.isPing(stanza.id)) link.ping(turn);
      return;
    }
    if (!saysGone(stanza)) return link.heard(turn.env.now);
    const why = `it bounced: ${condition}`;
    if (!this.keeps(turn, peer, 'silence', why)) this.#lost(turn, peer, why);
  }

  #lost(turn: RoomTurn, peer: Jid, why: string): void {
    if (this.#links.isInbound(turn.room, peer)) this.#joined.lost(turn, peer, 'bounce', why);
    else this.#joining.get(peer)?.lost(turn, 'bounce', why);
  }

  /** Who is there as the peer says, and as this room has it. */
  #compare(turn: RoomTurn, link: Link, nicks: ReadonlySet<string>): void {
    const { room } = turn;
    const { peer } = link;
    const known = this.#of(link);
    const all = [...room.occupants.values()];
    const ours = all.filter(({ home, jid }) => home !== peer && jid !== undefined);
    const missing = ours.filter(({ nick }) => !nicks.has(nick));
    if (missing.length < ours.length) {
      known.lists = true;
      link.asks(whoIsThere);
    }
    const isGone = known.lists && ours.length > 0 && missing.length === ours.length;
    const { lost } = known;
    if (this.#isLost(turn, peer)) {
      this.#back(turn, peer);
      delete known.lost;
      if (lost && !isGone) this.#comeBack(turn, link, lost, nicks);
    }
    if (isGone) return this.#isNoLink(turn, peer);
    this.#announced(turn, link, nicks);
    if (!known.lists) return;
    const theirs = [...room.occupants.values()].filter(({ home }) => home === peer);
    const gone = theirs.filter(({ nick }) => !nicks.has(nick));
    const strange = [...nicks].filter((nick) => !room.occupants.has(nick));
    const differs = [missing, gone].map((users) => users.map(({ nick }) => nick)).concat([strange]);
    if (differs.every(({ length }) => length === 0)) {
      Object.assign(known, { agreed: true, differed: '' });
      return known.told.clear();
    }
    const differed = JSON.stringify(differs);
    // Something may have been under way.
    if (known.differed !== differed && lost === undefined) {
      known.differed = differed;
      return askWho(turn, link);
    }
    known.differed = '';
    this.#mend(turn, link, known, { missing, gone, strange });
  }

  /** The link is there. What either side has missed of the other's users is said again. */
  #mend(
    turn: RoomTurn,
    link: Link,
    { left, told, agreed }: Knowledge,
    { missing, gone, strange }: { missing: Occupant[]; gone: Occupant[]; strange: string[] },
  ): void {
    const { room } = turn;
    const { peer } = link;
    for (const occupant of missing) {
      if (told.has(occupant.nick)) continue;
      told.add(occupant.nick);
      link.send(turn, listed(turn, this.#links, occupant, link), 'decision#193');
    }
    const others = strange.filter((nick) => {
      const occupant = left.get(nick);
      if (occupant === undefined) return true;
      left.delete(nick);
      const parts = { type: 'unavailable', payloads: [] } as const;
      link.send(turn, occupantPresence(room, asFirst(occupant), addressOf(link, nick), parts), 'decision#193');
      return false;
    });
    const side = this.#links.isInbound(room, peer) ? undefined : this.#joining.get(peer);
    if (side === undefined) {
      if (others.length > 0) this.#of(link).missed = true;
      for (const occupant of gone) leave(turn, occupant, { statuses: [333], payloads: [] }, { spec: 'decision#193' });
      if (gone.length > 0) this.#joined.leftIfEmpty(turn, peer);
    } else if (agreed && gone.length + others.length > 0)
      side.rejoin(turn, 'gap', 'it has other users than it has told of');
  }

  /** It was cut off, and has this room still: those of its users who are still there are here again. */
  #comeBack(
    turn: RoomTurn,
    link: Link,
    { since, users }: NonNullable<Knowledge['lost']>,
    nicks: ReadonlySet<string>,
  ): void {
    const { room } = turn;
    const { peer } = link;
    for (const user of users) {
      const isHere = room.occupantByJid(user.jid) !== undefined || room.occupants.has(user.nick);
      if (!isHere && nicks.has(user.nick)) enter(turn, this.#links, peer, user, { passed: [peer] });
    }
    if (room.subject && room.subject.at >= since && room.subject.via !== peer)
      link.send(turn, nodeSubject(turn, link), 'decision#197');
  }

  /** The room is there, but this one's users are not in it: it has started again, or the link has ended otherwise. */
  #isNoLink(turn: RoomTurn, peer: Jid): void {
    const why = 'it does not have our users';
    if (!this.#links.isInbound(turn.room, peer)) return this.#joining.get(peer)?.rejoin(turn, 'unlinked', why);
    if (!this.#joined.answerAnnounced(turn, peer, 'all')) this.#joined.lost(turn, peer, 'unlinked', why);
  }

  /** Decision #88: a join of a user over the link is the news of one, if the peer has ours, or users whom it had before. */
  #announced(turn: RoomTurn, link: Link, nicks: ReadonlySet<string>): void {
    const { room } = turn;
    const { peer } = link;
    const fresh = this.#joined.announcedBy(peer);
    if (fresh === undefined) return;
    const isLinked = [...room.occupants.values()].some(
      ({ home, jid, nick }) => nicks.has(nick) && jid !== undefined && !(home === peer && fresh.has(jid)),
    );
    this.#joined.answerAnnounced(turn, peer, isLinked ? 'nothing' : 'occupants');
  }

  /** A word of a user of whom the peer has not told: before this room heard of the link, or while it was lost. */
  introduces(turn: RoomTurn, peer: Jid, author: Jid, { from, to, type }: Stanza): void {
    const { room, env } = turn;
    const nick = resourceOf(from);
    if (type !== 'groupchat' || bareOf(author) === peer || !this.#mayHaveMore(room, peer)) return;
    if (nick === '' || room.occupants.has(nick) || room.occupantByJid(author) !== undefined) return;
    const occupant = occupantOf(
      room,
      this.#links,
      author,
      room.occupantIdOf(author) ?? env.newId(),
      presence(from, to, {}),
    );
    enter(turn, this.#links, peer, occupant, { passed: [peer] });
  }

  /** Whether it may have users of whom this room knows nothing. One with our extension has none: its link would begin anew. */
  #mayHaveMore(room: RoomView, peer: Jid): boolean {
    const link = this.#links.live(room, peer);
    return this.#joined.believes(peer) || (link !== undefined && this.#known.get(link)?.missed === true);
  }

  #of(link: Link): Knowledge {
    const known = this.#known.get(link) ?? {
      lists: false,
      agreed: false,
      differed: '',
      told: new Set<string>(),
      left: new Map<string, Occupant>(),
    };
    this.#known.set(link, known);
    return known;
  }
}
