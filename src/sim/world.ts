import type { Command } from '../core/node/input.ts';
import { createOccupant, type OccupantAct, type OccupantHalf } from '../core/occupant/occupant.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import { type Condition, stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { errorReply, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';
import { isOf } from './evidence.ts';
import { type LinkFault, Network, type SimLink } from './network.ts';
import { type Plan, protocols } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Protocol, Seating } from './protocol.ts';
import { Schedule } from './schedule.ts';
import { Seat } from './seat.ts';
import type { Statuses } from './statuses.ts';
import type { Person, SimRecord } from './trace.ts';

interface User {
  readonly person: Person;
  readonly server: Jid;
  half: OccupantHalf;
  online: boolean;
  /** Where the client sent presence: the server says goodbye there when it vanishes (RFC 6121 §4.6.3). */
  readonly directed: Set<Jid>;
}

/** Who gets what is sent to an address, behind which server; neither a node nor a user: nobody is there. */
interface Place {
  readonly server: Jid;
  readonly seat: Seat | undefined;
  readonly user: User | undefined;
}

interface Parcel {
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

/** Sizes of what a node holds, the largest so far. */
export interface Peaks {
  inbox: number;
  timers: number;
  history: number;
  occupants: number;
  peers: number;
  occupantIds: number;
}

/** Probability that a crash of a forgetful primary takes its whole disk. */
const forgetful = 0.5;

/** Sizes are looked at once in that many events: a look at everything a node holds costs more than an event. */
const lookEvery = 2_000;
/** What is told again of one user comes at most so much later. */
const replayMs = 60_000;

/**
 * A whole network in one process: servers, links, room nodes, users; nothing but the schedule makes anything happen, and
 * nothing but the seed decides.
 */
export class World {
  readonly plan: Plan;
  readonly trace: SimRecord[] = [];
  readonly seats = new Map<Jid, Seat>();
  readonly users = new Map<Jid, User>();
  readonly peaks = new Map<Jid, Peaks>();
  /** What every node held before all was repeated (G15). */
  before: ReadonlyMap<Jid, string> | undefined;
  /** Things that were planned and happened so far. */
  events = 0;
  /** Whether disks refuse and hostile nodes lie: they stop when all is healed, but for the lies. */
  #faulty = true;
  readonly #schedule = new Schedule(instant(Date.UTC(2026, 0, 1)));
  readonly #prng: Prng;
  readonly #network: Network;
  readonly #protocol: Protocol;
  /** Where a replica stands in the way of its users' stanzas: by server. */
  readonly #replicas = new Map<Jid, Seat[]>();
  readonly #places = new Map<Jid, Place>();
  readonly #ids = { newId: () => this.#prng.id() };
  /** Users who lost something to a link. */
  readonly #lost = new Set<Jid>();

  /** @param statuses  takes what the nodes become */
  constructor(plan: Plan, prng: Prng, statuses?: Statuses) {
    this.plan = plan;
    this.#prng = prng;
    this.#protocol = protocols[plan.mode];
    this.#network = new Network(plan.domains, prng.fork());
    for (const config of plan.layout.nodes) {
      const { address } = config;
      const skewMs = Math.round(plan.faults.skewMs * (2 * prng.unit() - 1));
      const seat: Seat = new Seat(config, skewMs, {
        now: () => this.now,
        at: (afterMs, run) => this.at(afterMs, run),
        newId: () => prng.id(),
        append: () =>
          this.#faulty && plan.faults.quota > 0 && prng.chance(plan.faults.quota)
            ? undefined
            : 1 + prng.below(plan.appendMs),
        appended: (events, cause) => this.record({ kind: 'append', t: this.now, node: address, events, cause }),
        note: ({ spec, what, peer, sign }, cause) =>
          this.record({ kind: 'note', t: this.now, node: address, spec, what, peer, sign, cause }),
        send: ({ stanza, spec }, cause) => this.#send(seat, stanza, spec, cause),
        failed: () => {
          this.record({ kind: 'fault', t: this.now, step: -1, what: `the disk of ${address} is full` });
          this.crash(address);
          this.at(1_000 + prng.below(5_000), () => this.start(address));
        },
        ...(statuses && { changed: () => statuses.look(seat, this.now, this.trace.length) }),
      });
      this.seats.set(address, seat);
      this.peaks.set(address, { inbox: 0, timers: 0, history: 0, occupants: 0, peers: 0, occupantIds: 0 });
      if (config.kind !== 'replica') continue;
      this.#replicas.set(config.server, [...(this.#replicas.get(config.server) ?? []), seat]);
    }
    for (const person of plan.people) {
      const { jid, nick, room } = person;
      const half = createOccupant({ jid, nick, room });
      this.users.set(jid, { person, server: domainOf(jid), half, online: false, directed: new Set() });
    }
    for (const address of this.seats.keys()) this.start(address);
  }

  get now(): Instant {
    return this.#schedule.now;
  }

  /** @returns its index */
  record(record: SimRecord): number {
    return this.trace.push(record) - 1;
  }

  /** Plans something; everything that happens is planned here. */
  at(afterMs: number, run: () => void): void {
    this.#schedule.add(plus(this.now, Math.max(0, afterMs)), run);
  }

  /**
   * Runs until a moment; what is planned for later stays.
   *
   * @param most  events; more of them mean that traffic does not stop
   * @returns false if there were more
   */
  runUntil(end: Instant, most: number): boolean {
    const schedule = this.#schedule;
    const last = this.events + most;
    while (schedule.isDue(end)) {
      if (this.events >= last) return false;
      const run = schedule.take();
      this.events++;
      if (this.events % lookEvery === 0) this.look();
      run();
    }
    schedule.now = end;
    return true;
  }

  /** Takes the sizes of everything that nodes hold (G13). */
  look(): void {
    for (const [address, seat] of this.seats) {
      const peaks = this.peaks.get(address) as Peaks;
      peaks.inbox = Math.max(peaks.inbox, seat.longest);
      peaks.timers = Math.max(peaks.timers, seat.timers);
      for (const room of seat.node.snapshot().rooms)
        for (const name of ['history', 'occupants', 'peers', 'occupantIds'] as const)
          peaks[name] = Math.max(peaks[name], room[name].length);
    }
  }

  /** What every honest node holds that others or the future depend on, as text. */
  portrait(): Map<Jid, string> {
    const portraits = new Map<Jid, string>();
    // Whom a hostile node serves is in or not as it likes, and said what it likes. In an FMUC set it has a node in the set for
    // its users, and takes nicks that are free for a moment, as they are when all links are begun anew.
    const theirs = new Set(this.plan.people.filter(({ hostile }) => hostile === 'node').map(({ jid }) => jid));
    const honest = (user: Jid | undefined) => user === undefined || !theirs.has(user);
    // Who is gone and could not say so stays until the room writes to them, and that the repetition does.
    const counts = (user: Jid | undefined) =>
      honest(user) && (user === undefined || this.users.get(user)?.online !== false);
    // Not every node knows whose a nick is.
    const strangers = new Set<string>();
    for (const { node } of this.seats.values())
      for (const { occupants } of node.snapshot().rooms)
        for (const { nick, jid } of occupants) if (!counts(jid)) strangers.add(nick);
    for (const [address, seat] of this.seats) {
      if (address === this.plan.hostileNode) continue;
      const shown = new Map(
        theirs.size > 0 ? [] : seat.node.status().rooms.map(({ room, historyLength }) => [room, historyLength]),
      );
      const rooms = seat.node.snapshot().rooms.map((room) => ({
        room: room.room,
        subject: room.subject?.text ?? '',
        affiliations: [...room.affiliations].map(([user, affiliation]) => `${user} ${affiliation}`).sort(),
        // Nicks and rank; who is behind which node may be known here and not there, and what another FMUC node claims of
        // its own users is its word.
        occupants: (theirs.size > 0 && this.plan.mode === '0289pp' ? [] : room.occupants)
          .filter(({ nick }) => !strangers.has(nick))
          .map(({ nick, affiliation, role, home }) =>
            home !== undefined && this.plan.mode === '0289pp' ? nick : `${nick} ${affiliation} ${role}`,
          )
          .sort(),
        // As much as the room shows: beyond that a replica keeps what it happened to hear. What hostile people said meanwhile
        // pushes others' words out of that, so then it is what the deciding node keeps.
        history: room.history
          .slice(
            theirs.size === 0
              ? room.history.length - (shown.get(room.room) ?? 0)
              : seat.room === undefined
                ? 0
                : room.history.length,
          )
          .filter(({ author }) => honest(author))
          .map(({ by, id }) => `${by} ${id}`),
      }));
      portraits.set(address, JSON.stringify(rooms));
    }
    return portraits;
  }

  /** Whether a link ever swallowed something on its way to this user. */
  everLost(user: Jid): boolean {
    return this.#lost.has(user);
  }

  get links(): readonly SimLink[] {
    return [...this.#network.links.values()];
  }

  link(a: Jid, b: Jid): SimLink | undefined {
    return this.#network.way(a, b)?.link;
  }

  // ---- what people and fate do ----

  connect(jid: Jid): void {
    const user = this.#user(jid);
    if (user.online) return;
    user.online = true;
    user.half = createOccupant({ jid, nick: user.half.state().nick, room: user.person.room });
    this.record({ kind: 'session', t: this.now, user: jid, up: true });
    this.#toHalf(user, { kind: 'linkUp' }, undefined);
  }

  /** The client is gone without a word; its server says so to whom it had sent presence. */
  vanish(jid: Jid): void {
    const user = this.#user(jid);
    if (!user.online) return;
    user.online = false;
    const cause = this.record({ kind: 'session', t: this.now, user: jid, up: false });
    this.#toHalf(user, { kind: 'linkDown' }, undefined);
    for (const to of user.directed) {
      const stanza = presence(jid, to, { type: 'unavailable' });
      this.#route({ stanza, at: user.server, by: undefined, via: user.server, bounce: false, cause });
    }
    user.directed.clear();
  }

  act(jid: Jid, act: OccupantAct, cause?: number): void {
    const user = this.#user(jid);
    if (user.online) this.#toHalf(user, { kind: 'act', act }, cause);
  }

  /** A user's client sends something that no rule gave it. */
  sendRaw(stanza: Stanza, spec: string, cause?: number): void {
    const user = this.users.get(stanza.from);
    if (user?.online) this.#submit(user, stanza, spec, cause);
  }

  setLink(a: Jid, b: Jid, fault: LinkFault): void {
    const link = this.link(a, b);
    if (link) link.fault = fault;
  }

  crash(address: Jid): void {
    const seat = this.#seat(address);
    if (!seat.up) return;
    const { relaxed, diskLost } = this.plan.faults;
    const prng = this.#prng;
    // A replica's log is durable in a relaxed way: its last batches may be gone.
    const lost = seat.room === undefined || relaxed === 0 || !this.#faulty ? 0 : prng.below(relaxed + 1);
    const loss = seat.room !== undefined ? diskLost : this.plan.primary === 'forgetful' ? forgetful : 0;
    const whole = loss > 0 && this.#faulty && prng.chance(loss);
    const { appends, untold } = seat.crash(lost === 0 && prng.chance(0.3), lost, whole);
    if (appends.length > 0) this.record({ kind: 'undone', t: this.now, node: address, appends });
    if (whole) this.record({ kind: 'forgotten', t: this.now, node: address });
    if (untold.length > 0) this.record({ kind: 'untold', t: this.now, node: address, appends: untold });
  }

  start(address: Jid): void {
    this.#seat(address).start();
  }

  command(address: Jid, command: Command): void {
    this.#seat(address).take({ kind: 'command', command });
  }

  /** Everything is mended: links up, nodes awake, disks large. Who is hostile stays so. */
  heal(): void {
    this.#faulty = false;
    for (const link of this.#network.links.values()) link.fault = { state: ['up', 'up'], loss: 0, twice: 0 };
    for (const seat of this.seats.values()) {
      seat.thaw();
      seat.start();
    }
  }

  // ---- users ----

  #toHalf(user: User, input: Parameters<OccupantHalf['handle']>[0], cause: number | undefined): void {
    for (const effect of user.half.handle(input, this.#ids))
      if (effect.kind === 'send') this.#submit(user, effect.stanza, effect.spec, cause);
  }

  #submit(user: User, stanza: Stanza, spec: string, cause: number | undefined): void {
    if (stanza.name === 'presence' && stanza.type !== 'error') {
      if (stanza.type === 'unavailable') user.directed.delete(stanza.to);
      else user.directed.add(stanza.to);
    }
    const { server } = user;
    const by = user.person.jid;
    const seq = this.record({ kind: 'in', t: this.now, by, stanza, spec, cause });
    this.#route({ stanza, at: server, by, via: server, bounce: false, cause: seq });
  }

  // ---- nodes ----

  #send(seat: Seat, stanza: Stanza, spec: string, cause: number | undefined): void {
    const { address } = seat.config;
    if (address !== this.plan.hostileNode) return this.#handOver(seat, stanza, spec, cause);
    for (const one of this.#protocol.tamper(stanza, this.#prng, this.#seating(address)))
      this.#handOver(seat, one, spec, cause);
  }

  #handOver(seat: Seat, stanza: Stanza, spec: string, cause: number | undefined): void {
    const { address, server } = seat.config;
    const seq = this.record({ kind: 'in', t: this.now, by: address, stanza, spec, cause });
    this.#route({ stanza, at: server, by: address, via: this.#voucher(seat, stanza), bounce: false, cause: seq });
  }

  /** A server lets nobody speak for another domain: a node for its own, a replica for its room to local users and for them. */
  #voucher(seat: Seat, stanza: Stanza): Jid {
    const { address, server } = seat.config;
    const { from, to } = stanza;
    const domain = domainOf(from);
    if (domain === address || domain === server) return domain;
    return isOf(stanza, seat.room) && this.users.get(to)?.server === server ? domain : server;
  }

  #seating(self: Jid): Seating {
    return { self, people: this.plan.people, nodes: [...this.seats.keys()] };
  }

  // ---- servers and links ----

  #place(to: Jid): Place {
    let place = this.#places.get(to);
    if (place === undefined) {
      const user = this.users.get(to);
      const seat = user === undefined ? (this.seats.get(bareOf(to)) ?? this.seats.get(domainOf(to))) : undefined;
      place = { server: user?.server ?? seat?.config.server ?? domainOf(to), seat, user };
      if (this.#places.size < 10_000) this.#places.set(to, place);
    }
    return place;
  }

  /** The replica that stands in the way to this address. */
  #replicaBefore(to: Jid, server: Jid): Seat | undefined {
    return this.#replicas.get(server)?.find(({ room }) => room === bareOf(to));
  }

  #route(parcel: Parcel): void {
    const { stanza, at: server, by } = parcel;
    // A replica stands where its users' stanzas to the room pass; its own, and answers to what came from afar, pass it by.
    if (!parcel.bounce && (by === undefined || by === stanza.from)) {
      const replica = this.#replicaBefore(stanza.to, server);
      if (replica !== undefined && this.users.has(stanza.from))
        return this.at(0, () => this.#arriveAt(replica, parcel));
    }
    const place = this.#place(stanza.to);
    if (place.server === server) this.at(0, () => this.#arrive(place, parcel));
    else this.#cross(place, parcel);
  }

  /** From one server to another. */
  #cross(place: Place, parcel: Parcel): void {
    const { stanza, at: server, by, via, bounce } = parcel;
    const there = place.server;
    const way = this.#network.way(server, there);
    if (way === undefined) return this.#bounce(parcel, 'remote-server-not-found');
    const between = place.seat !== undefined && !this.users.has(stanza.from);
    const passage = way.link.transmit(way.direction, stanza, between, this.now, this.#prng);
    const { outcome } = passage;
    const ends = [server, there] as const;
    const cause = this.record({ kind: 'link', t: this.now, server: ends, stanza, outcome, cause: parcel.cause });
    if (outcome === 'bounced' || outcome === 'dropped') this.#lost.add(stanza.to);
    const passed: Parcel = { stanza, at: outcome === 'bounced' ? server : there, by, via, bounce, cause };
    if (outcome === 'bounced') return this.#bounce(passed, 'remote-server-timeout');
    if (passage.arrives === undefined) return;
    const { stream } = way.link;
    const arrive = () => {
      if (between || way.link.stream === stream) return this.#arrive(place, passed);
      this.record({ kind: 'link', t: this.now, server: ends, stanza, outcome: 'dropped', cause });
      this.#lost.add(stanza.to);
    };
    this.at(passage.arrives - this.now, arrive);
    if (outcome !== 'twice') return;
    // What is told again of one user comes later, too, when they may be back (security: a captured stanza is sent again).
    const { enter, leave } = readDmuc(stanza.payloads) ?? {};
    const later = enter || leave ? this.#prng.below(replayMs) : 0;
    this.at(passage.arrives - this.now + later, arrive);
  }

  #arrive({ seat, user }: Place, parcel: Parcel): void {
    const { stanza, cause } = parcel;
    if (seat !== undefined) return this.#arriveAt(seat, parcel);
    if (user?.online) {
      const seq = this.record({ kind: 'out', t: this.now, to: stanza.to, stanza, cause });
      return this.#toHalf(user, { kind: 'stanza', stanza }, seq);
    }
    // RFC 6121 §8.5.3.2: presence to nobody is ignored, the rest bounces.
    const seq = this.record({ kind: 'nobody', t: this.now, stanza, cause });
    if (stanza.name !== 'presence') this.#bounce({ ...parcel, cause: seq }, 'service-unavailable');
  }

  #arriveAt(seat: Seat, parcel: Parcel): void {
    const { stanza, via, cause } = parcel;
    if (!seat.up) return this.#bounce(parcel, 'service-unavailable');
    const seq = this.record({ kind: 'out', t: this.now, to: seat.config.address, stanza, cause });
    seat.take({ kind: 'stanza', via, stanza }, seq);
  }

  /** The server that cannot pass a stanza on says so to its sender. */
  #bounce({ stanza, at, by, cause }: Parcel, condition: Condition): void {
    const reply = errorReply(stanza, stanzaError(condition === 'remote-server-timeout' ? 'wait' : 'cancel', condition));
    if (reply === undefined) return;
    const back: Parcel = { stanza: reply, at, by: undefined, via: domainOf(reply.from), bounce: true, cause };
    const replica = by === undefined ? undefined : this.seats.get(by);
    // What a replica gave its own users comes back to it; what it relayed for them, as the server's kind is.
    if (
      replica?.room !== undefined &&
      replica.config.server === at &&
      (!this.users.has(stanza.from) || this.plan.bounceToRelay) &&
      stanza.from !== replica.config.address
    )
      return this.at(0, () => this.#arriveAt(replica, back));
    this.#route(back);
  }

  #seat(address: Jid): Seat {
    const seat = this.seats.get(address);
    if (seat === undefined) throw new RangeError(`no node ${address}`);
    return seat;
  }

  #user(jid: Jid): User {
    const user = this.users.get(jid);
    if (user === undefined) throw new RangeError(`no user ${jid}`);
    return user;
  }
}
