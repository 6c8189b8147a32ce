/** XEP-0281 §3.2 at the firsthost: which services host a shadow, what they are asked, and what they answer. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { writeServiceOrder } from '../../xep/xep0281.ts';
import { bareOf, domainOf, type Jid, parseJid, partsOf } from '../../xmpp/jid.ts';
import { sha256 } from '../../xmpp/sha256.ts';
import { errorOf, iq, type Stanza } from '../../xmpp/stanza.ts';
import { utf8 } from '../../xmpp/utf8.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { readAddress } from '../../xmpp/xmpp-uri.ts';
import type { SourceConfig } from '../config.ts';
import { defaultTimes, jitter, probeMs, timeoutMs } from '../keepalive.ts';
import { type InstancePeer, instancePeer, instancePeers } from '../peers.ts';
import { pushConfig } from './configuration.ts';
import { type Linking, shadowsOf } from './linking.ts';
import type { Links } from './links.ts';

export class Replicating {
  readonly #config: SourceConfig;
  readonly #links: Links;
  readonly #linking: Linking;
  /** By shadow: the id of the last order about it. */
  readonly #asked = new Map<Jid, string>();
  readonly #tries = new Map<Jid, number>();
  /** By service: how many names of a shadow were tried in vain. */
  readonly #names = new Map<Jid, number>();

  constructor(config: SourceConfig, links: Links, linking: Linking) {
    this.#config = config;
    this.#links = links;
    this.#linking = linking;
  }

  /** The shadows are those that the configuration wants from now on. */
  look(turn: RoomTurn): void {
    const { room } = turn;
    const { nodes, distributed } = room.config;
    // XEP-0045 §10.1: a new room is its owner's alone until it is configured.
    if (room.locked) return;
    const wanted = distributed ? nodes : [];
    for (const [peer] of instancePeers(room)) if (!wanted.includes(domainOf(peer))) this.stop(turn, peer);
    const known = new Set(instancePeers(room).map(([peer]) => domainOf(peer)));
    for (const service of wanted) if (!known.has(service) && this.#isTime(room, service)) this.#begin(turn, service);
  }

  /** "at once on creation, or when users of that peerhost have joined". */
  #isTime({ occupants }: RoomView, service: Jid): boolean {
    const { replicate = 'at-once' } = this.#config;
    if (replicate === 'at-once') return true;
    const theirs = [...occupants.values()].filter(({ jid }) => jid !== undefined && this.#links.holds(service, jid));
    return theirs.length >= replicate;
  }

  #begin(turn: RoomTurn, service: Jid): void {
    const shadow = parseJid(`${this.#idOf(turn)}@${service}`);
    if (shadow === undefined || bareOf(shadow) !== shadow)
      return turn.note('0281#3.2', `a room at ${service} cannot have this id`);
    this.#become(turn, shadow, 'joining');
    this.#ask(turn, shadow);
  }

  /** §1.3: the local part that all shadows have. */
  #idOf({ room, env }: RoomTurn): string {
    const [known] = instancePeers(room).map(([peer]) => partsOf(peer).local);
    const { id = 'own' } = this.#config;
    const name = room.config.name === '' ? partsOf(room.jid).local : room.config.name;
    if (known !== undefined) return known;
    if (id === 'own') return partsOf(room.jid).local;
    if (id === 'sha-256') return sha256(utf8(name));
    return id === 'uuid' ? uuidOf(sha256(utf8(env.newId()))) : id.text;
  }

  /** §3.2 Example 3, from service to service. */
  #ask(turn: RoomTurn, shadow: Jid): void {
    const { room, env } = turn;
    const order = writeServiceOrder('replicate', { id: partsOf(shadow).local, instance: room.jid });
    this.#order(turn, domainOf(shadow), order, shadow);
    const tries = this.#tries.get(shadow) ?? 0;
    this.#tries.set(shadow, tries + 1);
    turn.setTimer(replicating(shadow), Math.max(timeoutMs, probeMs(env, tries, defaultTimes)));
  }

  /** @param shadow  whose answer matters; absent: nobody waits for it */
  #order(turn: RoomTurn, service: Jid, order: XmlElement, shadow?: Jid): void {
    const id = turn.env.newId();
    if (shadow !== undefined) this.#asked.set(shadow, id);
    turn.send(iq(domainOf(turn.room.jid), service, { type: 'set', id }, order), '0281#3.2', service);
  }

  /** A service answers. @returns whether it was asked by this room */
  take(turn: RoomTurn, stanza: Stanza): boolean {
    const [shadow] = [...this.#asked].find(([peer, id]) => id === stanza.id && domainOf(peer) === stanza.from) ?? [];
    if (shadow === undefined) return false;
    this.#asked.delete(shadow);
    if (instancePeer(turn.room, shadow)?.state !== 'joining') return true;
    if (stanza.type === 'result') this.#accepted(turn, shadow);
    else this.#refused(turn, shadow, stanza);
    return true;
  }

  /** "four things happen": two over the link, the third by the shadow, and the others hear of it. */
  #accepted(turn: RoomTurn, shadow: Jid): void {
    this.#agrees(turn, shadow);
    this.#linking.greet(turn, shadow);
  }

  /** It greets this room before its service has answered: it was a shadow before this room lost its log. */
  greets(turn: RoomTurn, shadow: Jid): void {
    if (instancePeer(turn.room, shadow)?.state === 'joining') this.#agrees(turn, shadow);
  }

  #agrees(turn: RoomTurn, shadow: Jid): void {
    const { room } = turn;
    const others = shadowsOf(room);
    turn.clearTimer(replicating(shadow));
    this.#tries.delete(shadow);
    this.#names.delete(domainOf(shadow));
    this.#become(turn, shadow, 'split');
    for (const other of others) {
      const { local: id } = partsOf(other);
      this.#order(turn, domainOf(other), writeServiceOrder('peerhost', { id, instance: shadow }));
      // A notice may be lost; what a link brings is not.
      if (this.#links.of(other)) pushConfig(turn, this.#links, other, shadowsOf(room), false);
    }
  }

  #refused(turn: RoomTurn, shadow: Jid, stanza: Stanza): void {
    const { type = 'cancel', condition, text, to = '' } = errorOf(stanza) ?? {};
    const why = text ?? condition ?? 'no reason given';
    if (condition === 'redirect' && this.#renames(turn, shadow, readAddress(to))) return;
    if (condition === 'conflict' && this.#renames(turn, shadow, otherName(shadow))) return;
    turn.note('0281#3.2', `${domainOf(shadow)} does not replicate the room: ${why}`, { peer: shadow, sign: 'refused' });
    const mayChange = type === 'wait' || condition === 'remote-server-not-found' || condition === 'service-unavailable';
    // Firsthost and peerhost often start together, so the first tries follow each other fast.
    if (mayChange) return turn.setTimer(replicating(shadow), jitter(turn.env, againMs(this.#tries.get(shadow) ?? 1)));
    turn.clearTimer(replicating(shadow));
    this.#become(turn, shadow, 'rejected', why);
  }

  /** The service is asked for a shadow of another name. @returns false if it cannot have that, or was asked for many already */
  #renames(turn: RoomTurn, shadow: Jid, name: Jid | undefined): boolean {
    const service = domainOf(shadow);
    const known = this.#names.get(service) ?? 0;
    if (name === undefined || name === shadow || known >= namesMax) return false;
    if (domainOf(name) !== service || bareOf(name) !== name || name === service) return false;
    this.#names.set(service, known + 1);
    this.#tries.delete(shadow);
    turn.clearTimer(replicating(shadow));
    this.#linking.forget(turn, shadow);
    turn.note('decision#211', `at ${service} the shadow is called ${partsOf(name).local}`, { peer: name });
    this.again(turn, name);
    return true;
  }

  timer(turn: RoomTurn, name: string): void {
    const shadow = readTimer(name);
    if (shadow !== undefined && instancePeer(turn.room, shadow)?.state === 'joining') this.#ask(turn, shadow);
  }

  /** After a start: what was asked is not known any more, and whoever refused may think otherwise. */
  linkUp(turn: RoomTurn): void {
    for (const [peer, { state }] of instancePeers(turn.room))
      if (state === 'joining' || state === 'rejected') this.again(turn, peer);
  }

  /** The peerhost has lost the shadow, or never had it: it is asked anew. */
  again(turn: RoomTurn, shadow: Jid): void {
    this.#become(turn, shadow, 'joining');
    this.#ask(turn, shadow);
  }

  /** The room itself ends. */
  end(turn: RoomTurn, destroy: XmlElement): void {
    for (const [shadow] of instancePeers(turn.room)) this.#stop(turn, shadow, destroy);
  }

  #stop(turn: RoomTurn, shadow: Jid, destroy?: XmlElement): void {
    this.#asked.delete(shadow);
    this.#tries.delete(shadow);
    const order = { id: partsOf(shadow).local, instance: turn.room.jid, stops: true, destroy };
    turn.clearTimer(replicating(shadow));
    this.#order(turn, domainOf(shadow), writeServiceOrder('replicate', order));
    this.#links.end(turn, shadow);
  }

  /** One that is none greets this room: it has not heard that it is none any more, or this room has forgotten it. */
  reminds(turn: RoomTurn, peer: Jid): void {
    const { nodes, distributed } = turn.room.config;
    const service = domainOf(peer);
    if (!distributed || !nodes.includes(service)) {
      const id = partsOf(peer).local;
      return this.#order(turn, service, writeServiceOrder('replicate', { id, instance: turn.room.jid, stops: true }));
    }
    if (instancePeers(turn.room).some(([known]) => domainOf(known) === service)) return;
    this.#become(turn, peer, 'joining');
    this.#ask(turn, peer);
  }

  /** §3.2: a service is to host the room no more. */
  stop(turn: RoomTurn, shadow: Jid): void {
    const { room } = turn;
    this.#stop(turn, shadow);
    this.#linking.forget(turn, shadow);
    for (const other of shadowsOf(room)) {
      const { local: id } = partsOf(other);
      this.#order(turn, domainOf(other), writeServiceOrder('peerhost', { id, instance: shadow, stops: true }));
      if (this.#links.of(other)) pushConfig(turn, this.#links, other, shadowsOf(room), false);
    }
  }

  #become(turn: RoomTurn, peer: Jid, state: InstancePeer['state'], reason?: string): void {
    const record: InstancePeer = {
      kind: 'instance',
      seat: 'shadow',
      state,
      since: turn.env.now,
      ...(reason === undefined ? {} : { reason }),
    };
    turn.record({ kind: 'peerChanged', peer, record });
  }
}

/** Names of a shadow that a service is asked for, one after the other. */
const namesMax = 8;

/** Decision #211: `theroom-2` instead of `theroom`, up to 9. */
function otherName(shadow: Jid): Jid | undefined {
  const { local, domain } = partsOf(shadow);
  const [, name = local, number = '1'] = /^(.+)-([2-9])$/.exec(local) ?? [];
  return number === '9' ? undefined : parseJid(`${name}-${Number(number) + 1}@${domain}`);
}

/** After so many tries that were answered with an error: 1, 2, 4 s, up to a minute. */
function againMs(tries: number): number {
  return Math.min(60_000, 1_000 * 2 ** (tries - 1));
}

/** RFC 9562 §5.8: a UUID of 128 of these bits. */
function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

function replicating(shadow: Jid): string {
  return `replicate:${shadow}`;
}
function readTimer(name: string): Jid | undefined {
  return name.startsWith('replicate:') ? (name.slice('replicate:'.length) as Jid) : undefined;
}
