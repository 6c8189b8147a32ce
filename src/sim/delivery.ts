import { readDmuc } from '../core/xep/xep0282.ts';
import { type Condition, stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { errorReply, type Stanza } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { Ground } from './ground.ts';
import { Network, randomLinks, type SimLink } from './network.ts';
import type { Prng } from './prng.ts';
import type { Seat } from './seat.ts';
import type { SimRecord } from './trace.ts';
import type { User } from './user.ts';

/** A stanza about one user is repeated at most so much later, in milliseconds. */
const replayMs = 60_000;

/** What the delivery needs of the world. */
interface Surroundings {
  now(): Instant;
  readonly seats: ReadonlyMap<Jid, Seat>;
  readonly users: ReadonlyMap<Jid, User>;
  at(afterMs: number, run: () => void): void;
  /** @returns its index */
  record(record: SimRecord): number;
  /** Gives a user's client what has reached it. */
  hand(user: User, stanza: Stanza, cause: number): void;
}

/** Where a stanza to an address goes: which server, and there a node, a user, or nobody. */
interface Place {
  readonly server: Jid;
  readonly seat: Seat | undefined;
  readonly user: User | undefined;
}

export interface Parcel {
  readonly stanza: Stanza;
  /** The server where it is. */
  readonly at: Jid;
  /** The seat or user that handed it over; undefined: it is a server's own word. */
  readonly by: Jid | undefined;
  /** The domain whose server vouches for it. */
  readonly via: Jid;
  /** A server's answer to something that it could not pass on. */
  readonly bounce: boolean;
  readonly cause: number | undefined;
}

/**
 * The servers and the links between them: what is handed to a server gets to whom it is for, or comes back. A replica stands
 * where its users' stanzas to the room pass.
 */
export class Delivery {
  readonly #around: Surroundings;
  readonly #prng: Prng;
  readonly #network: Network;
  readonly #bounceToRelay: boolean;
  /** Where a replica stands in the way of its users' stanzas: by server. */
  readonly #replicas = new Map<Jid, Seat[]>();
  readonly #places = new Map<Jid, Place>();
  /** Users who lost something to a link. */
  readonly #lost = new Set<Jid>();

  constructor({ domains, bounceToRelay, linkOf }: Ground, prng: Prng, around: Surroundings) {
    this.#around = around;
    this.#prng = prng;
    this.#network = new Network(domains, linkOf ?? randomLinks(prng.fork()));
    this.#bounceToRelay = bounceToRelay;
  }

  /** Somebody new has an address. */
  moved(): void {
    this.#places.clear();
  }

  /** What users send to this replica's room through their server reaches the replica from now on. */
  intercept(replica: Seat): void {
    const { server } = replica.config;
    this.#replicas.set(server, [...(this.#replicas.get(server) ?? []), replica]);
  }

  get links(): readonly SimLink[] {
    return [...this.#network.links.values()];
  }

  link(a: Jid, b: Jid): SimLink | undefined {
    return this.#network.way(a, b)?.link;
  }

  /** Whether a link ever swallowed something on its way to this user. */
  everLost(user: Jid): boolean {
    return this.#lost.has(user);
  }

  #place(to: Jid): Place {
    let place = this.#places.get(to);
    if (place === undefined) {
      const user = this.#around.users.get(to);
      const seat =
        user === undefined ? (this.#around.seats.get(bareOf(to)) ?? this.#around.seats.get(domainOf(to))) : undefined;
      place = { server: user?.server ?? seat?.config.server ?? domainOf(to), seat, user };
      if (this.#places.size < 10_000) this.#places.set(to, place);
    }
    return place;
  }

  /** The replica that stands in the way to this address. */
  #replicaBefore(to: Jid, server: Jid): Seat | undefined {
    return this.#replicas.get(server)?.find(({ room }) => room === bareOf(to));
  }

  route(parcel: Parcel): void {
    const { stanza, at: server, by } = parcel;
    // A replica intercepts its users' stanzas to the room. Its own stanzas, and answers to remote ones, pass it by.
    if (!parcel.bounce && (by === undefined || by === stanza.from)) {
      const replica = this.#replicaBefore(stanza.to, server);
      if (replica !== undefined && this.#around.users.has(stanza.from))
        return this.#around.at(0, () => this.#arriveAt(replica, parcel));
    }
    const place = this.#place(stanza.to);
    if (place.server === server) this.#around.at(0, () => this.#arrive(place, parcel));
    else this.#cross(place, parcel);
  }

  /** From one server to another. */
  #cross(place: Place, parcel: Parcel): void {
    const { stanza, at: server, by, via, bounce } = parcel;
    const there = place.server;
    const way = this.#network.way(server, there);
    if (way === undefined) return this.#bounce(parcel, 'remote-server-not-found');
    const between = place.seat !== undefined && !this.#around.users.has(stanza.from);
    const passage = way.link.transmit(way.direction, stanza, between, this.#around.now(), this.#prng);
    const { outcome } = passage;
    const ends = [server, there] as const;
    const cause = this.#around.record({
      kind: 'link',
      t: this.#around.now(),
      server: ends,
      stanza,
      outcome,
      arrives: passage.arrives,
      cause: parcel.cause,
    });
    if (outcome === 'bounced' || outcome === 'dropped') this.#lost.add(stanza.to);
    const passed: Parcel = { stanza, at: outcome === 'bounced' ? server : there, by, via, bounce, cause };
    if (outcome === 'bounced') return this.#bounce(passed, 'remote-server-timeout');
    if (passage.arrives === undefined) return;
    const { stream } = way.link;
    const arrive = () => {
      if (between || way.link.stream === stream) return this.#arrive(place, passed);
      const t = this.#around.now();
      this.#around.record({ kind: 'link', t, server: ends, stanza, outcome: 'dropped', cause });
      this.#lost.add(stanza.to);
    };
    this.#around.at(passage.arrives - this.#around.now(), arrive);
    if (outcome !== 'twice') return;
    // A stanza about one user is repeated later, too, when they may be back (security: a captured stanza is sent again).
    const { enter, leave } = readDmuc(stanza.payloads) ?? {};
    const later = enter || leave ? this.#prng.below(replayMs) : 0;
    this.#around.at(passage.arrives - this.#around.now() + later, arrive);
  }

  #arrive({ seat, user }: Place, parcel: Parcel): void {
    const { stanza, cause } = parcel;
    if (seat !== undefined) return this.#arriveAt(seat, parcel);
    if (user?.online) {
      const seq = this.#around.record({ kind: 'out', t: this.#around.now(), to: stanza.to, stanza, cause });
      return this.#around.hand(user, stanza, seq);
    }
    // RFC 6121 §8.5.3.2: presence to nobody is ignored, the rest bounces.
    const seq = this.#around.record({ kind: 'nobody', t: this.#around.now(), stanza, cause });
    if (stanza.name !== 'presence') this.#bounce({ ...parcel, cause: seq }, 'service-unavailable');
  }

  #arriveAt(seat: Seat, parcel: Parcel): void {
    const { stanza, via, cause } = parcel;
    if (!seat.up) return this.#bounce(parcel, 'service-unavailable');
    const seq = this.#around.record({ kind: 'out', t: this.#around.now(), to: seat.config.address, stanza, cause });
    seat.take({ kind: 'stanza', via, stanza }, seq);
  }

  /** The server that cannot pass a stanza on says so to its sender. */
  #bounce({ stanza, at, by, cause }: Parcel, condition: Condition): void {
    const reply = errorReply(stanza, stanzaError(condition === 'remote-server-timeout' ? 'wait' : 'cancel', condition));
    if (reply === undefined) return;
    const back: Parcel = { stanza: reply, at, by: undefined, via: domainOf(reply.from), bounce: true, cause };
    const replica = by === undefined ? undefined : this.#around.seats.get(by);
    // What a replica sent to its own users comes back to it. What it relayed for them comes back to it only on some servers.
    if (
      replica?.room !== undefined &&
      replica.config.server === at &&
      (!this.#around.users.has(stanza.from) || this.#bounceToRelay) &&
      stanza.from !== replica.config.address
    )
      return this.#around.at(0, () => this.#arriveAt(replica, back));
    this.route(back);
  }
}
