/** XEP-0281 §3.7 "To follow", decision #202: how two instances begin a link, notice that it is lost, and begin another. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Neighbours } from '../../room/traits.ts';
import type { Sign } from '../../turn/spec.ts';
import { type Greeting, type Reached, readGreeting, writeGreeting } from '../../xep/instances.ts';
import { readRoster, writeRoster } from '../../xep/xep0281.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iq, iqResult, payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import { childrenOf, el, serializedLength } from '../../xmpp/xml.ts';
import { penaltyMs, usersMax } from '../budgets.ts';
import { defaultTimes, jitter, probeMs, timeoutMs } from '../keepalive.ts';
import { type InstancePeer, instancePeer } from '../peers.ts';
import { digestFor, ownDigest, pushConfig } from './configuration.ts';
import { instances, type Links, sourceOf } from './links.ts';
import { inParts, Parts } from './parts.ts';
import type { Past } from './past.ts';
import { lose, type Said, showAll } from './people.ts';
import { rosterItem } from './stanzas.ts';

/** Users in one part of a roster. */
const partMax = 100;

export class Linking {
  readonly #links: Links;
  readonly #past: Past;
  /** By peer: the session that this node asked for. */
  readonly #asked = new Map<Jid, string>();
  /** By peer: what has come of a roster whose end is not here yet. */
  readonly #rosters = new Map<Jid, Parts<Said>>();
  /** Peers from which this room has said that it is split. */
  readonly #apart = new Set<Jid>();

  constructor(links: Links, past: Past) {
    this.#links = links;
    this.#past = past;
  }

  /** Another instance is known from now on, and is greeted. */
  meet(turn: RoomTurn, peer: Jid, seat: InstancePeer['seat'], soonMs = 0): void {
    if (instancePeer(turn.room, peer)?.seat === seat) return;
    this.#become(turn, peer, { seat, state: 'split' });
    if (soonMs === 0) this.greet(turn, peer);
    else turn.setTimer(greeting(peer), soonMs);
  }

  /** The source has said what this shadow is: it may let users in. */
  accepted(turn: RoomTurn, source: Jid): void {
    this.#become(turn, source, { state: 'live', accepted: true });
  }

  /** It is no instance any more. */
  forget(turn: RoomTurn, peer: Jid): void {
    this.#end(turn, peer);
    turn.clearTimer(greeting(peer));
    this.#apart.delete(peer);
    lose(turn, this.#links, peer);
    turn.record({ kind: 'peerChanged', peer, record: undefined });
  }

  /** After a start, or on a new stream: what was under way is lost, or may be. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    for (const peer of instances(room)) {
      const link = this.#links.of(peer);
      if (link !== undefined) link.ping(turn);
      else if (instancePeer(room, peer)?.state !== 'rejected') this.greet(turn, peer);
    }
  }

  /** Asks an instance for a link. */
  greet(turn: RoomTurn, peer: Jid): void {
    const { room, env } = turn;
    const record = instancePeer(room, peer);
    if (record === undefined || record.state === 'joining' || record.state === 'rejected') return;
    if (this.#links.isAsked(peer, 'greeting')) return;
    if (this.#links.budgets.isCut(peer, env.now)) return turn.setTimer(greeting(peer), penaltyMs);
    const session = env.newId();
    this.#asked.set(peer, session);
    const request = iq(
      room.jid,
      peer,
      { type: 'set', id: env.newId() },
      writeGreeting(this.#greeting(room, peer, session)),
    );
    this.#links.ask(turn, request, 'greeting', 'decision#202');
    this.#links.tries(peer);
    turn.setTimer(greeting(peer), Math.max(timeoutMs, probeMs(env, this.#links.triesOf(peer), defaultTimes)));
  }

  #greeting(room: RoomView, peer: Jid, session: string): Greeting {
    const shadows = shadowsOf(room);
    const config =
      sourceOf(room) === undefined ? digestFor(room, this.#links, peer, shadows) : ownDigest(room, shadows);
    return { session, config, have: [...this.#links.reachedFor(room, peer)] };
  }

  timer(turn: RoomTurn, name: string): void {
    const peer = readGreetingTimer(name);
    if (peer === undefined || this.#links.of(peer) !== undefined) return;
    if (this.#asked.has(peer)) this.#failed(turn, peer, 'unanswered', 'a greeting was not answered in time');
    this.greet(turn, peer);
  }

  /** An instance asks for a link. Of two that ask each other the greeting of the one that sorts first counts. */
  take(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const { room } = turn;
    const greeted = readGreeting(stanza.payloads);
    if (greeted === undefined) return false;
    // Decision #160.
    if (this.#links.budgets.isCut(peer, turn.env.now)) {
      const error = stanzaError('wait', 'resource-constraint', 'your instance has sent too much');
      turn.send(errorReply(stanza, error), 'decision#160', peer);
      return true;
    }
    if (this.#links.isAsked(peer, 'greeting') && room.jid < peer) {
      turn.send(errorReply(stanza, stanzaError('wait', 'conflict', 'you have been greeted')), 'decision#202', peer);
      return true;
    }
    const answer = this.#greeting(room, peer, greeted.session);
    this.#begin(turn, peer, greeted, () => turn.send(iqResult(stanza, writeGreeting(answer)), 'decision#202', peer));
    return true;
  }

  /** The answer to our greeting. */
  takeAnswer(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const session = this.#asked.get(peer);
    this.#asked.delete(peer);
    if (session === undefined) return;
    const greeted = stanza.type === 'result' ? readGreeting(stanza.payloads) : undefined;
    if (greeted?.session === session) return this.#begin(turn, peer, greeted);
    const condition = errorOf(stanza)?.condition;
    // It greets us, and its greeting counts.
    if (condition === 'conflict') return;
    // A server answers so for a service that is away, and a service for what it does not know.
    if (condition === 'service-unavailable' || condition === 'feature-not-implemented') {
      const ask = iq(turn.room.jid, peer, { type: 'get', id: turn.env.newId() }, el('query', NS.discoInfo));
      return this.#links.ask(turn, ask, 'info', 'decision#202');
    }
    this.#failed(
      turn,
      peer,
      condition === 'forbidden' ? 'refused' : 'bounce',
      `${peer} answers ${condition ?? 'nonsense'}`,
    );
  }

  /** What an instance is that does not know of greetings: one of the plain XEP is linked all the same. */
  takeInfo(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const query = payloadOf(stanza, 'query', NS.discoInfo);
    const features =
      query === undefined ? [] : childrenOf(query, 'feature', NS.discoInfo).map(({ attrs }) => attrs['var']);
    if (stanza.type !== 'result' || !features.includes(NS.muc) || features.includes(NS.ext))
      return this.#failed(turn, peer, 'bounce', `${peer} is out of reach`);
    this.plain(turn, peer);
  }

  /** A link without places and greetings. */
  plain(turn: RoomTurn, peer: Jid): void {
    this.#begin(turn, peer, { session: 'plain', config: '', have: [] });
    this.#links.of(peer)?.doesNotCount();
    this.#past.begin(turn, peer);
  }

  #begin(turn: RoomTurn, peer: Jid, { session, config, have }: Greeting, answer?: () => void): void {
    const { room } = turn;
    this.#asked.delete(peer);
    this.#rosters.delete(peer);
    this.#past.forget(peer);
    turn.clearTimer(greeting(peer));
    this.#links.begin(turn, peer, session);
    answer?.();
    const record = instancePeer(room, peer);
    const isNew = record?.seat === 'source' && !record.accepted;
    this.#become(turn, peer, { state: isNew ? 'syncing' : 'live' });
    const isNetjoin = this.#apart.delete(peer) || record?.accepted;
    turn.note('0281#3.7', `linked with ${peer}`, isNetjoin ? { peer, sign: 'netjoin' } : { peer });
    const shadows = shadowsOf(room);
    if (sourceOf(room) === undefined && digestFor(room, this.#links, peer, shadows) !== config)
      pushConfig(turn, this.#links, peer, shadows, true);
    this.#pushRoster(turn, peer);
    // §3.2: "The new shadow SHOULD request the room history".
    if (peer === sourceOf(room) && !record?.accepted) this.#past.begin(turn, peer);
    else {
      const isLost = ({ by, epoch, n }: Reached) => by === room.jid && epoch !== room.epoch && n > 0;
      if (!have.some(isLost)) this.#links.returned(peer);
      this.#past.look(turn, peer, have);
    }
  }

  /** §3.2 Example 7: all users of this instance, which replaces what the other has of them. */
  #pushRoster(turn: RoomTurn, peer: Jid): void {
    const { room, env } = turn;
    const own = [...room.occupants.values()].filter(({ home }) => home === undefined);
    const items = own.map((occupant) => rosterItem(this.#links, occupant, peer));
    const parts = inParts(items, partMax, (item) => serializedLength(writeRoster([item])));
    for (const [i, part] of parts.entries()) {
      const roster = writeRoster(part, { n: i + 1, of: parts.length });
      this.#links.ask(turn, iq(room.jid, peer, { type: 'set', id: env.newId() }, roster), 'roster', '0281#3.2');
    }
  }

  /** The same from another instance. @returns whether it was a roster */
  takeRoster(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const roster = readRoster(stanza);
    if (roster === undefined) return false;
    const parts = this.#rosters.get(peer) ?? new Parts(usersMax);
    this.#rosters.set(peer, parts);
    turn.send(iqResult(stanza), '0281#3.2', peer);
    const said = roster.items.map(
      ({ name, role, ...item }): Said => ({ ...item, nick: name, role: role ?? 'participant' }),
    );
    const all = parts.take(roster.part, said);
    if (all === 'dropped')
      turn.note('decision#212', `a part of a roster of ${peer} that is not the next: dropped`, { peer });
    else if (all !== 'more') showAll(turn, this.#links, peer, all);
    return true;
  }

  /**
   * The link to an instance is lost, or out of step. Its users stay in sight until it is clear that it is out of reach: most links
   * come back at once.
   */
  lost(turn: RoomTurn, peer: Jid, sign: Sign, why: string): void {
    if (this.#links.of(peer) === undefined) return;
    this.#end(turn, peer);
    this.#become(turn, peer, { state: 'split' });
    this.#split(turn, peer, sign, why);
    if (sign === 'gap' || sign === 'unlinked') return this.greet(turn, peer);
    lose(turn, this.#links, peer);
    turn.setTimer(greeting(peer), jitter(turn.env, 5_000));
  }

  #split(turn: RoomTurn, peer: Jid, sign: Sign, why: string): void {
    this.#apart.add(peer);
    turn.note('0281#3.7', `split from ${peer}: ${why}`, { peer, sign });
  }

  /** An instance cannot be greeted. */
  #failed(turn: RoomTurn, peer: Jid, sign: Sign, why: string): void {
    this.#end(turn, peer);
    const record = instancePeer(turn.room, peer);
    if (record !== undefined && record.state !== 'split') {
      this.#become(turn, peer, { state: 'split' });
      this.#split(turn, peer, sign, why);
    }
    lose(turn, this.#links, peer);
    turn.setTimer(greeting(peer), probeMs(turn.env, this.#links.triesOf(peer), defaultTimes));
  }

  #end(turn: RoomTurn, peer: Jid): void {
    this.#links.end(turn, peer);
    this.#past.forget(peer);
    this.#rosters.delete(peer);
    this.#asked.delete(peer);
  }

  #become(turn: RoomTurn, peer: Jid, parts: Partial<InstancePeer>): void {
    const before = instancePeer(turn.room, peer);
    const { reason: _, ...rest } = before ?? { reason: undefined };
    const record: InstancePeer = {
      seat: 'shadow',
      state: 'split',
      ...rest,
      kind: 'instance',
      ...parts,
      since: before !== undefined && (parts.state ?? before.state) === before.state ? before.since : turn.env.now,
    };
    if (JSON.stringify(record) !== JSON.stringify(before)) turn.record({ kind: 'peerChanged', peer, record });
  }
}

/** All shadows that this room knows, and itself if it is one. */
export function shadowsOf(room: Neighbours): readonly Jid[] {
  const others = instances(room).filter((peer) => {
    const record = instancePeer(room, peer);
    return record?.seat === 'shadow' && record.state !== 'joining' && record.state !== 'rejected';
  });
  return sourceOf(room) === undefined ? others : [...others, room.jid];
}

function greeting(peer: Jid): string {
  return `greeting:${peer}`;
}
function readGreetingTimer(name: string): Jid | undefined {
  return name.startsWith('greeting:') ? (name.slice('greeting:'.length) as Jid) : undefined;
}
