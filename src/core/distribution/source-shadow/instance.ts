import type { Change } from '../../room/change.ts';
import { commitAll } from '../../room/commit.ts';
import type { Occupant, PeerRecord } from '../../room/event.ts';
import { handBack } from '../../room/hand-back.ts';
import { changesOfDestruction, readDestruction } from '../../room/owner.ts';
import type { Asked } from '../../room/passed.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { refuse } from '../../room/tell.ts';
import type { Traits } from '../../room/traits.ts';
import { readGreeting, readHave, readNews } from '../../xep/instances.ts';
import { isPing } from '../../xep/xep0199.ts';
import type { ServiceOrder } from '../../xep/xep0281.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iqResult, payloadOf, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import { el, type XmlElement } from '../../xmpp/xml.ts';
import { roomUri } from '../../xmpp/xmpp-uri.ts';
import { excessMax, type Kind } from '../budgets.ts';
import type { InstanceTrust, SourceConfig } from '../config.ts';
import { withoutExcess } from '../excess.ts';
import { readLinkTimer } from '../link.ts';
import { instancePeer, instancePeers } from '../peers.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { isWordless } from '../wordless.ts';
import { Asking, takeAsked } from './asking.ts';
import { Configuration, isPlainConfig, type Taken, takeEntries } from './configuration.ts';
import { Linking } from './linking.ts';
import { instances, Links, placeIn, readUnanswered, sourceOf } from './links.ts';
import { placed, routeIq, routePrivate, takeIq, takeMessage } from './messages.ts';
import { giveBack } from './nicks.ts';
import { Past } from './past.ts';
import { isElsewhere, refreshRanks, takePresence } from './people.ts';
import { redirect } from './redirect.ts';
import { Replicating } from './replicating.ts';
import { Spreading } from './spreading.ts';
import { shadowTraits, sourceTraits } from './traits.ts';

/** What an instance is: the source, or a shadow of one. */
export type Seat = SourceConfig | { readonly kind: 'shadow'; readonly source: Jid; readonly trust?: InstanceTrust };

/**
 * XEP-0281: one instance of a room that is on several services. Each delivers to its own users and to every other instance, which
 * delivers to its own: so an instance speaks of its own users alone, and passes nothing on. The source decides about the configuration,
 * the lists and the roles (§1.3, "first among equals"); a shadow asks it (asking.ts). Who is cut off from the source, or from any other,
 * goes on with the rest (§3.7).
 */
export class Instance implements Protocol {
  readonly byService = false;
  readonly traits: Traits;
  readonly #seat: Seat;
  readonly #links: Links;
  readonly #past: Past;
  readonly #linking: Linking;
  readonly #spreading: Spreading;
  readonly #configuration = new Configuration();
  /** At the source. */
  readonly #replicating: Replicating | undefined;
  /** At a shadow. */
  readonly #asking: Asking | undefined;
  /** Whether something is under way after which nicks are given back. */
  #isBusy = false;
  /** With what the room ends: as its users are told (XEP-0045 §10.9). */
  #destruction: XmlElement | undefined;

  constructor(seat: Seat) {
    this.#seat = seat;
    this.traits = seat.kind === 'source' ? sourceTraits(seat) : shadowTraits;
    this.#links = new Links(seat.trust);
    this.#past = new Past(this.#links);
    this.#linking = new Linking(this.#links, this.#past);
    this.#spreading = new Spreading(this.#links);
    if (seat.kind === 'source') this.#replicating = new Replicating(seat, this.#links, this.#linking);
    else this.#asking = new Asking(this.#links, seat.source);
  }

  status({ config }: RoomView): ProtocolStatus {
    const { distributed } = config;
    if (this.#seat.kind === 'shadow')
      return { role: 'shadow', instance: { distributed: true, source: this.#seat.source } };
    return { role: 'source', instance: { distributed, peerhosts: config.nodes } };
  }

  /** A shadow ends when its source says so; a source, not as long as somebody may be in at a shadow that is out of reach. */
  keeps(room: RoomView): boolean {
    return this.#seat.kind === 'shadow' || instancePeers(room).some(([, { state }]) => state === 'split');
  }

  ends(turn: RoomTurn): void {
    this.#replicating?.end(turn, this.#destruction ?? el('destroy', NS.mucUser));
  }

  fromPeer(turn: RoomTurn, received: Stanza): boolean {
    const { room } = turn;
    const peer = bareOf(received.from);
    const record = instancePeer(room, peer);
    if (record === undefined) return this.#stranger(turn, received);
    const stanza = withoutExcess(turn, received);
    const link = this.#links.of(peer);
    const isPong = link?.isPing(stanza.id) === true;
    // What a server says of a peer that it cannot reach is no sign of that.
    if (stanza.type !== 'error') link?.heard(turn.env.now);
    this.#spreading.hears(peer, () =>
      this.#whole(turn, () => {
        if (isPong) this.#pong(turn, peer, stanza);
        else if (stanza.name === 'iq') this.#iq(turn, peer, stanza);
        else if (stanza.type === 'error') this.#error(turn, peer, stanza);
        else this.#news(turn, peer, record, stanza);
      }),
    );
    return true;
  }

  /** Nicks that get free in between are given back when all is done. */
  #whole(turn: RoomTurn, what: () => void): void {
    this.#isBusy = true;
    what();
    this.#isBusy = false;
    giveBack(turn, this.#links);
  }

  /** S2, S3: what only instances say, from somebody who is none. */
  #stranger(turn: RoomTurn, stanza: Stanza): boolean {
    if (stanza.name !== 'iq' || (stanza.type !== 'set' && stanza.type !== 'get')) return false;
    const isOurs = stanza.payloads.some(
      ({ name, xmlns }) => xmlns === NS.dmuc1 || (xmlns === NS.ext && (name === 'resync' || name === 'asked')),
    );
    if (!isOurs) return false;
    turn.note('0281#3.2', `${stanza.from} is no instance of this room: refused`, { sign: 'refused' });
    turn.send(errorReply(stanza, stanzaError('auth', 'forbidden', 'you are no instance of this room')), 'decision#200');
    // Anybody may greet, so all strangers together are reminded now and then.
    if (readGreeting(stanza.payloads) && this.#links.budgets.spend(turn.room.jid, 'word', turn.env.now))
      this.#replicating?.reminds(turn, bareOf(stanza.from));
    return true;
  }

  #iq(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const isRequest = stanza.type === 'get' || stanza.type === 'set';
    if (!isRequest) return this.#answer(turn, peer, stanza);
    const link = this.#links.of(peer);
    if (resourceOf(stanza.to) !== '')
      return this.#affords(turn, peer, 'iq', stanza) ? takeIq(turn, this.#links, peer, stanza) : undefined;
    if (isPing(stanza)) {
      if (link) link.pong(turn, stanza);
      else turn.send(iqResult(stanza), '0199#4', peer);
      return this.#compare(turn, peer, stanza);
    }
    if (!this.#affords(turn, peer, 'iq', stanza)) return;
    if (readGreeting(stanza.payloads)) this.#replicating?.greets(turn, peer);
    if (this.#linking.take(turn, peer, stanza)) {
      if (peer === sourceOf(turn.room)) this.#asking?.linked(turn);
      return;
    }
    if (link === undefined && !this.#isOfPlainSource(turn, peer, stanza))
      return this.#refuse(turn, stanza, 'unexpected-request');
    if (this.#linking.takeRoster(turn, peer, stanza) || this.#past.answer(turn, peer, stanza)) return;
    if (this.#seat.kind === 'source' && this.#spreading.decides(() => takeAsked(turn, this.#links, peer, stanza)))
      return;
    if (peer !== sourceOf(turn.room)) return this.#refuse(turn, stanza, 'forbidden');
    const taken = this.#configuration.take(turn, stanza);
    if (taken === undefined) return this.#refuse(turn, stanza, 'service-unavailable');
    turn.send(iqResult(stanza), '0281#3.2', peer);
    this.#configured(turn, taken);
    refreshRanks(turn, this.#links);
  }

  /** A source of the plain XEP does not greet: it sends the configuration as soon as the shadow is there (§3.2). */
  #isOfPlainSource(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    if (peer !== sourceOf(turn.room) || instancePeer(turn.room, peer)?.accepted || !isPlainConfig(stanza)) return false;
    this.#linking.plain(turn, peer);
    return true;
  }

  #refuse(turn: RoomTurn, stanza: Stanza, condition: 'unexpected-request' | 'forbidden' | 'service-unavailable'): void {
    turn.send(errorReply(stanza, stanzaError('cancel', condition)), 'decision#200', bareOf(stanza.from));
  }

  /** The source has said what this shadow is, and who the others are. */
  #configured(turn: RoomTurn, { shadows, isWhole }: Taken): void {
    const { room } = turn;
    const source = sourceOf(room);
    const record = source === undefined ? undefined : instancePeer(room, source);
    const isNew = !record?.accepted;
    if (source !== undefined && isNew && isWhole) this.#linking.accepted(turn, source);
    if (shadows === undefined) return;
    for (const peer of instances(room))
      if (peer !== source && !shadows.includes(peer)) this.#linking.forget(turn, peer);
    // The newest greets the others, which know of it by then.
    for (const peer of shadows) if (peer !== room.jid) this.#linking.meet(turn, peer, 'shadow', isNew ? 0 : meetingMs);
  }

  /** The answer to a ping. One that does not know what a ping is answers, too (XEP-0199 §4). */
  #pong(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    if (stanza.type === 'error' && saysGone(stanza)) return this.#lost(turn, peer, stanza);
    this.#links.of(peer)?.heard(turn.env.now);
    this.#compare(turn, peer, stanza);
    if (peer === sourceOf(turn.room) && stanza.type === 'result') this.#asking?.pong(turn);
  }

  #answer(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const link = this.#links.of(peer);
    const what = this.#links.answered(turn, stanza, peer);
    switch (what) {
      case 'greeting':
        this.#linking.takeAnswer(turn, peer, stanza);
        if (this.#links.of(peer) === undefined) return this.#gone(turn, peer, stanza);
        if (peer === sourceOf(turn.room)) this.#asking?.linked(turn);
        return;
      case 'info':
        return this.#linking.takeInfo(turn, peer, stanza);
      case 'history':
        if (stanza.type === 'result') {
          // Example 11, which acknowledges an answer, is no iq: decision #203.
          if (this.#affords(turn, peer, 'iq', stanza)) this.#past.take(turn, peer, stanza);
        } else this.#past.forget(peer);
        return;
      case 'config':
      case 'roster':
        if (stanza.type === 'error') this.#linking.lost(turn, peer, 'bounce', `${peer} does not take a ${what}`);
        return;
      case undefined:
        if (!this.#asking?.take(turn, stanza)) handBack(turn, stanza);
        // A ping finds out whether it is the link that is lost.
        if (stanza.type === 'error' && link?.isOurs(stanza.id) && saysGone(stanza)) link.ping(turn);
        return;
      default:
        assertNever(what);
    }
  }

  /** The service of a shadow does not know it any more. */
  #gone(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    if (stanza.type === 'error' && errorOf(stanza)?.condition === 'item-not-found')
      this.#replicating?.again(turn, peer);
  }

  #lost(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    this.#linking.lost(turn, peer, 'bounce', `${peer} is out of reach: ${errorOf(stanza)?.condition ?? ''}`);
  }

  /** A bounce, or what another instance refuses. */
  #error(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    if (stanza.name === 'message' && handBack(turn, stanza)) return;
    if (this.#links.of(peer)?.isOurs(stanza.id) && saysGone(stanza)) this.#lost(turn, peer, stanza);
  }

  /** How far the other has come: what is missing is asked for, and what is lost on the way ends the link. */
  #compare(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const link = this.#links.of(peer);
    const place = placeIn(stanza);
    if (link?.misses(place)) return this.#linking.lost(turn, peer, 'gap', 'what it has sent last did not arrive');
    if (link === undefined || (link.counts && place?.session !== link.session))
      return this.#linking.lost(turn, peer, 'unlinked', 'it has another link in mind');
    const inner = payloadOf(stanza, 'ping', NS.ping);
    this.#past.look(turn, peer, [
      ...readHave({ children: stanza.payloads }),
      ...(inner === undefined ? [] : readHave(inner)),
    ]);
  }

  #news(turn: RoomTurn, peer: Jid, { state }: PeerRecord, stanza: Stanza): void {
    const link = this.#links.of(peer);
    if (link === undefined) {
      if (state !== 'joining' && state !== 'rejected') this.#linking.greet(turn, peer);
      return;
    }
    const taken = link.take(readNews(stanza.payloads)?.place);
    if (taken === 'past') return;
    if (taken === 'gap') return this.#linking.lost(turn, peer, 'gap', 'something before this did not arrive');
    if (stanza.name === 'presence') {
      if (stanza.type === 'unavailable' || this.#affords(turn, peer, 'presence', stanza))
        takePresence(turn, this.#links, peer, stanza);
      return;
    }
    if (!this.#affords(turn, peer, 'message', stanza)) return;
    if (peer === sourceOf(turn.room) && resourceOf(stanza.from) === '' && takeEntries(turn, stanza))
      return refreshRanks(turn, this.#links);
    if (this.#seat.kind === 'source' && this.#spreading.decides(() => takeAsked(turn, this.#links, peer, stanza)))
      return;
    takeMessage(turn, this.#links, peer, stanza);
  }

  /** Decision #160. What is dropped of messages is fetched again later, as far as the budget goes. */
  #affords(turn: RoomTurn, peer: Jid, kind: Kind, stanza: Stanza): boolean {
    const { budgets } = this.#links;
    const { now } = turn.env;
    if (budgets.spend(peer, kind, now)) return true;
    const excess = budgets.exceed(peer, now);
    if (stanza.name === 'iq' && stanza.type !== 'result')
      turn.send(
        errorReply(stanza, stanzaError('wait', 'resource-constraint', 'your instance sends too much')),
        'decision#160',
        peer,
      );
    if (budgets.spend(peer, 'word', now))
      turn.note('decision#160', `${peer} sends too much: ${excess} stanzas dropped lately`, { peer, sign: 'refused' });
    if (excess >= excessMax) {
      budgets.cut(peer, now);
      this.#linking.lost(turn, peer, 'refused', 'it sends too much');
    }
    return false;
  }

  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const known = room.occupantByJid(stanza.from);
    if (known?.home !== undefined && stanza.name !== 'iq') {
      // Decision #208: a session is at one instance.
      const error = stanza.name === 'presence' ? 'conflict' : 'not-acceptable';
      const why = refusal('cancel', error, 'decision#208', 'you are here by another instance of the room');
      if (stanza.type !== 'unavailable') refuse(turn, stanza, why);
      return true;
    }
    if (known === undefined && isWordless(stanza) && !this.#isReady(room)) return true;
    return this.#asking?.fromUser(turn, stanza) ?? false;
  }

  homeOf(): undefined {
    return undefined;
  }

  decide(turn: RoomTurn, change: Change, stanza: Stanza): 'commit' | 'held' | Refusal {
    const { room } = turn;
    if (change.kind === 'renamed' && room.occupants.get(change.after.nick)?.home !== undefined) return elsewhere;
    if (change.kind === 'presence' && change.before?.home !== undefined) return elsewhere;
    if (change.kind === 'entered') {
      if (!this.#isReady(room)) return notReady;
      const { jid, nick } = change.occupant;
      if (jid !== undefined && isElsewhere(room, jid, nick)) return elsewhere;
      if (this.#seat.kind === 'source') return redirect(turn, this.#links, this.#seat, stanza) ? 'held' : 'commit';
      if (jid !== undefined && !this.#links.holds(room.jid, jid)) return atTheSource(this.#seat.source);
    }
    return this.#asking?.decide(turn, change, stanza) ?? 'commit';
  }

  /** A shadow lets nobody in before it knows who may be. */
  #isReady(room: RoomView): boolean {
    const source = sourceOf(room);
    return source === undefined || instancePeer(room, source)?.accepted === true;
  }

  /** Decision #203. */
  placed(turn: RoomTurn, change: Change): Change {
    if (change.kind !== 'message' && change.kind !== 'subject') return change;
    const isOwn = change.item.by === turn.room.jid && change.item.order === undefined && !change.late;
    return isOwn ? placed(turn, change) : change;
  }

  spread(turn: RoomTurn, change: Change): void {
    this.#spreading.spread(turn, change);
    if (change.kind === 'destroyed') return this.ends(turn);
    if (change.kind === 'left' && change.alone) this.#destruction = change.parts.destroy;
    else if (change.kind === 'entered' || change.kind === 'configured') this.#replicating?.look(turn);
    else if (change.kind === 'left' || change.kind === 'renamed') this.#freed(turn);
  }

  /** Somebody's nick is free: it is given back when all is done that happens with that. */
  #freed(turn: RoomTurn): void {
    if (!this.#isBusy && instances(turn.room).some((peer) => this.#links.otherwise(peer).length > 0))
      turn.setTimer('nicks', 1);
  }

  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): void {
    routePrivate(turn, this.#links, from, to, stanza, asked);
  }

  routeIq(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): boolean {
    return routeIq(turn, this.#links, from, to, stanza, asked);
  }

  linkUp(turn: RoomTurn): void {
    this.#replicating?.linkUp(turn);
    this.#replicating?.look(turn);
    this.#linking.linkUp(turn);
  }

  timer(turn: RoomTurn, name: string): void {
    this.#whole(turn, () => this.#timer(turn, name));
  }

  #timer(turn: RoomTurn, name: string): void {
    this.#replicating?.timer(turn, name);
    this.#linking.timer(turn, name);
    const silent = readUnanswered(name);
    if (silent !== undefined)
      return this.#linking.lost(turn, silent, 'unanswered', 'a request was not answered in time');
    const peer = readLinkTimer(name);
    const link = peer && this.#links.of(peer);
    if (link?.keepAlive(turn) === false)
      this.#linking.lost(turn, link.peer, 'silence', 'two keepalives went unanswered');
  }

  /** §3.2: an order of the firsthost to this room's service, which is about this room. */
  fromFirsthost(turn: RoomTurn, order: ServiceOrder): void {
    this.#whole(turn, () => this.#order(turn, order));
  }

  #order(turn: RoomTurn, order: ServiceOrder): void {
    const { room } = turn;
    if (order.kind === 'replicate') {
      const source = sourceOf(room);
      if (source === undefined) return;
      if (!order.stops) return this.#linking.meet(turn, source, 'source', meetingMs);
      const why = order.destroy === undefined ? { venue: source } : readDestruction(order.destroy, NS.mucUser);
      return commitAll(turn, changesOfDestruction(room, why), { spec: '0281#3.2' });
    } else if (order.instance !== undefined && order.instance !== room.jid) {
      if (order.stops) this.#linking.forget(turn, order.instance);
      else this.#linking.meet(turn, order.instance, 'shadow', meetingMs);
    }
  }

  /** A service answers an order. @returns whether this room gave it */
  fromPeerhost(turn: RoomTurn, stanza: Stanza): boolean {
    return this.#replicating?.take(turn, stanza) ?? false;
  }
}

/** So long an instance waits to be greeted by one that is better placed to do so, in milliseconds. */
const meetingMs = 30_000;

const elsewhere = refusal('cancel', 'conflict', 'decision#208', 'you are here by another instance of the room');
const notReady = refusal(
  'wait',
  'remote-server-timeout',
  'decision#200',
  'this instance of the room is just being made',
);

/** Decision #155: a shadow vouches for the users of its own server. */
function atTheSource(source: Jid): Refusal {
  const text = `This instance of the room is for users of its own server: please enter ${source}.`;
  return { ...refusal('cancel', 'redirect', 'decision#155', text), to: `${roomUri(source)}?join` };
}
