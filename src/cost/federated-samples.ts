/** What nodes of XEP-0289 write to each other, as long as in a network. */
import { writeLinkPlace, writeResync, writeTrail, writeWay } from '../core/xep/fmuc-sync.ts';
import { type MucUser, writeJoin } from '../core/xep/xep0045.ts';
import { ping } from '../core/xep/xep0199.ts';
import { writeDelay } from '../core/xep/xep0203.ts';
import { writeFmuc, writeMode } from '../core/xep/xep0289.ts';
import { writeOriginId } from '../core/xep/xep0359.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { el, element, serializedLength, type XmlElement } from '../core/xmpp/xml.ts';
import { type Network, occupantsOf } from './network.ts';
import { at, id, Samples } from './samples.ts';

/** The stanzas as the node of a user sends them, and the bytes that further hops add. */
export class FederatedSamples extends Samples {
  readonly #place: XmlElement;
  /** Half of what a link carries, and of what one node sends of its own: numbers that are as long as most. */
  readonly #n: number;
  readonly #ofUser: number;
  readonly #mode: readonly XmlElement[];

  /** @param isReplica  whether the nodes are in the mode primary-replica */
  constructor(network: Network, isReplica: boolean) {
    super(network);
    this.#n = Math.ceil((occupantsOf(network) + network.messages + 4 * network.churn) / 2);
    this.#ofUser = Math.ceil(this.#n / network.occupants.length);
    this.#place = writeLinkPlace({ session: id, n: this.#n, h: this.#n });
    this.#mode = isReplica ? [writeMode('primary-replica')] : [];
  }

  /** The user, and where the change began (decision #145). @param change  its id; undefined: it is no news */
  #fmuc(change: string | undefined, ...more: readonly XmlElement[]): XmlElement {
    const { room, user } = this;
    const order = { run: id, n: this.#ofUser };
    const trail = writeTrail({ by: room, id: change, via: [], order }, room);
    const fmuc = writeFmuc({ kind: 'from', from: user });
    return element('fmuc', NS.fmuc, fmuc.attrs, [...trail, this.#place, ...more]);
  }

  /** §5.3, §5.4: about one user, from their own node. */
  news(about: Partial<MucUser> = {}, type?: string): Stanza {
    return presence(this.occupant, this.occupant, { id, type }, this.#fmuc(id), this.about(about));
  }

  /** §5.1: somebody who is in, in the answer to a join. */
  listed(): Stanza {
    return presence(this.occupant, this.room, { id }, this.#fmuc(undefined), this.about());
  }

  /** §5.2: a message, from the node of its author. */
  passed(): Stanza {
    const fmuc = this.#fmuc(id, ...writeOriginId(id));
    return message(this.occupant, this.room, { id, type: 'groupchat' }, this.body, fmuc, this.stanzaId);
  }

  /** §5.1: the history of an answer to a join. */
  past(): Stanza {
    const fmuc = element('fmuc', NS.fmuc, { from: this.user }, [this.#place, ...writeOriginId(id)]);
    const delay = writeDelay({ from: this.room, stamp: at });
    return message(this.occupant, this.room, { id, type: 'groupchat' }, this.body, fmuc, this.stanzaId, delay);
  }

  /** The end of the answer. */
  end(): Stanza {
    const fmuc = el('fmuc', NS.fmuc, {}, this.#place);
    return message(this.room, this.room, { id, type: 'groupchat' }, el('subject', NS.client), fmuc);
  }

  /** §5.1: a node joins. @param asks  decision #181: for what it missed */
  join(asks: boolean): Stanza {
    const resync = asks ? [writeResync({ since: at, now: at, maxstanzas: 200, have: [] })] : [];
    const fmuc = element('fmuc', NS.fmuc, { from: this.user }, [
      ...resync,
      ...this.#mode,
      ...(this.#fmuc(undefined).children as readonly XmlElement[]),
    ]);
    const history = { maxstanzas: 200, ...(asks ? { since: at } : {}) };
    return presence(this.occupant, this.occupant, { id }, fmuc, writeJoin({ history }), this.about());
  }

  /** Decision #181: the joined node asks in turn, and names what it has. */
  asksBack(have: number): Stanza {
    const list = Array.from({ length: have }, () => ({ by: this.room, id }));
    const resync = writeResync({ since: at, now: at, maxstanzas: 200, have: list });
    return presence(this.room, this.room, { id }, el('fmuc', NS.fmuc, {}, resync, this.#place));
  }

  /** §5.2, decision #60: a ping with what has been sent, and the answer. */
  pings(): readonly Stanza[] {
    const place = writeLinkPlace({ session: id, n: this.#n });
    return [ping(this.room, this.room, id, place), iq(this.room, this.room, { id, type: 'result' }, place)];
  }

  /** Decision #146: whether a user is reached by another way, over a link that stands by. */
  standbyPings(): readonly Stanza[] {
    const way = writeWay(this.user);
    return [ping(this.room, this.room, id, way), iq(this.room, this.room, { id, type: 'result' }, way)];
  }

  /** Bytes that say where it began, once it has left the node of its user. */
  get byBytes(): number {
    return lengthOf(el('change', NS.ext, { by: this.room })) - lengthOf(el('change', NS.ext));
  }

  /** Bytes that say which node it has passed. */
  get viaBytes(): number {
    return lengthOf(...writeTrail({ by: this.room, via: [this.room] }, this.room).slice(1));
  }

  /** Bytes of the place among all that its node has sent: what a replica asks for gets none before the primary has it. */
  get orderBytes(): number {
    return lengthOf(el('change', NS.ext, { e: id, n: String(this.#ofUser) })) - lengthOf(el('change', NS.ext));
  }
}

/** Bytes of elements inside of `<fmuc/>`. */
function lengthOf(...elements: readonly XmlElement[]): number {
  const within = (...children: readonly (XmlElement | string)[]) =>
    serializedLength(el('fmuc', NS.fmuc, {}, ...children));
  return within(...elements) - (within('x') - 1);
}
