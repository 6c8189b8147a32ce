import type { LinkSettings } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { Command } from '../core/node/input.ts';
import { createOccupant, type OccupantAct, type OccupantHalf } from '../core/occupant/occupant.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { presence, type Stanza } from '../core/xmpp/stanza.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';
import type { Peaks } from './aftermath.ts';
import { Delivery } from './delivery.ts';
import type { Ground } from './ground.ts';
import type { LinkFault, SimLink } from './network.ts';
import type { Prng } from './prng.ts';
import type { Protocol, Seating } from './protocol.ts';
import { Schedule } from './schedule.ts';
import { Seat } from './seat.ts';
import { isOf } from './stanzas.ts';
import type { Statuses } from './statuses.ts';
import type { Person, SimRecord } from './trace.ts';
import type { User } from './user.ts';

/** Probability that a crash of a forgetful primary takes its whole disk. */
const forgetful = 0.5;

/** Sizes are measured once in so many events: measuring everything that a node holds costs more than an event. */
const lookEvery = 2_000;

/** Who looks at a world, and what its hostile node does. */
export interface WorldOptions {
  /** Takes what the nodes become. */
  readonly statuses?: Statuses | undefined;
  /** What a hostile node makes of what its honest half sends. */
  tamper?: Protocol['tamper'];
  /** Takes each record instead of the trace, which stays empty: for who counts what does not fit into memory. */
  heard?(record: SimRecord): void;
}

/**
 * A whole network in one process: servers, links, room nodes, users, on a virtual clock. It does nothing by itself: a driver acts
 * and lets time pass (a plan in simulator.ts, a person in lab.ts). Only the schedule makes anything happen, and only the seed
 * decides.
 */
export class World<G extends Ground = Ground> {
  #plan: G;
  readonly trace: SimRecord[] = [];
  readonly seats = new Map<Jid, Seat>();
  readonly users = new Map<Jid, User>();
  readonly peaks = new Map<Jid, Peaks>();
  /** Where clients asked their users to go on. */
  readonly offers: { readonly user: Jid; readonly room: Jid; readonly from: Jid }[] = [];
  /** Scheduled things that have happened so far. */
  events = 0;
  /** Records so far. */
  #records = 0;
  /** Whether disks may refuse and crashes lose data: not after everything is healed. */
  #faulty = true;
  /** Timers that are planned, cleared ones among them. */
  #timers = 0;
  readonly #schedule = new Schedule(instant(Date.UTC(2026, 0, 1)));
  readonly #prng: Prng;
  readonly #delivery: Delivery;
  readonly #options: WorldOptions;
  readonly #ids = { newId: () => this.#prng.id() };

  constructor(plan: G, prng: Prng, options: WorldOptions = {}) {
    this.#plan = plan;
    this.#prng = prng;
    this.#options = options;
    this.#delivery = new Delivery(plan, prng, {
      now: () => this.now,
      at: (afterMs, run) => this.at(afterMs, run),
      record: (record) => this.record(record),
      seats: this.seats,
      users: this.users,
      hand: (user, stanza, cause) => {
        if (user.lingers === undefined) this.#toHalf(user, { kind: 'stanza', stanza }, cause);
      },
    });
    for (const config of plan.layout.nodes) this.place(config);
    for (const person of plan.people) this.admit(person);
    for (const address of this.seats.keys()) this.start(address);
  }

  /** Puts a node where it belongs; it does not run yet. */
  place(config: NodeConfig): void {
    const prng = this.#prng;
    const { faults, appendMs, searchFails } = this.#plan;
    const { statuses } = this.#options;
    const { address } = config;
    const skewMs = Math.round(faults.skewMs * (2 * prng.unit() - 1));
    const seat: Seat = new Seat(config, skewMs, {
      now: () => this.now,
      at: (afterMs, run) => this.at(afterMs, run),
      timer: (afterMs, run) => this.timer(afterMs, run),
      newId: () => prng.id(),
      append: () =>
        this.#faulty && faults.quota > 0 && prng.chance(faults.quota) ? undefined : 1 + prng.below(appendMs),
      search: () => (prng.chance(searchFails) ? undefined : prng.below(20 * appendMs)),
      appended: (events, cause) => this.record({ kind: 'append', t: this.now, node: address, events, cause }),
      note: ({ spec, what, peer, sign }, cause) =>
        this.record({ kind: 'note', t: this.now, node: address, spec, what, peer, sign, cause }),
      send: ({ stanza, spec }, cause) => this.#send(seat, stanza, spec, cause),
      failed: () => {
        const what = `the disk of ${address} is full`;
        const fault = { kind: 'disk', node: address, forMs: 6_000 } as const;
        this.record({ kind: 'fault', t: this.now, step: -1, what, fault });
        this.crash(address);
        this.at(1_000 + prng.below(5_000), () => this.start(address));
      },
      ...(statuses && { changed: () => statuses.look(seat, this.now, this.trace.length) }),
    });
    this.seats.set(address, seat);
    this.#delivery.moved();
    this.peaks.set(address, { inbox: 0, timers: 0, history: 0, occupants: 0, peers: 0, occupantIds: 0 });
    if (config.kind === 'replica') this.#delivery.intercept(seat);
  }

  /** Somebody has an account, and is not online yet. */
  admit(person: Person): void {
    const { jid, nick, room } = person;
    const half = createOccupant({ jid, nick, room });
    const server = domainOf(jid);
    this.users.set(jid, { person, server, half, online: false, lingers: undefined, directed: new Set() });
    this.#delivery.moved();
  }

  /** With all that is known since the nodes run. */
  get plan(): G {
    return this.#plan;
  }

  /** The nodes run, and nobody has come online: what was open in the plan is known now. */
  settle(plan: G): void {
    this.#plan = plan;
    for (const person of plan.people) this.admit(person);
  }

  get now(): Instant {
    return this.#schedule.now;
  }

  /** @returns its index */
  record(record: SimRecord): number {
    const { heard } = this.#options;
    if (heard === undefined) this.trace.push(record);
    else heard(record);
    return this.#records++;
  }

  /** Schedules something; everything that happens is scheduled here. */
  at(afterMs: number, run: () => void): void {
    this.#schedule.add(plus(this.now, Math.max(0, afterMs)), run);
  }

  /** Schedules what nobody waits for: a world in which nothing else is planned is quiet. */
  timer(afterMs: number, run: () => void): void {
    this.#timers++;
    this.at(afterMs, () => {
      this.#timers--;
      run();
    });
  }

  /**
   * Runs until a moment; what is scheduled for later stays.
   *
   * @param most  events; more than that means that traffic does not stop
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

  /** When the next thing happens; undefined: nothing is planned. */
  get next(): Instant | undefined {
    return this.#schedule.next;
  }

  /** Nothing is under way, and no disk writes: only timers of nodes are planned. */
  get isQuiet(): boolean {
    return this.#schedule.size === this.#timers;
  }

  /** The next thing happens. @returns false if nothing is planned */
  step(): boolean {
    if (this.next === undefined) return false;
    const run = this.#schedule.take();
    this.events++;
    run();
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

  /** Whether a link ever swallowed something on its way to this user. */
  everLost(user: Jid): boolean {
    return this.#delivery.everLost(user);
  }

  get links(): readonly SimLink[] {
    return this.#delivery.links;
  }

  link(a: Jid, b: Jid): SimLink | undefined {
    return this.#delivery.link(a, b);
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

  /** The client is gone without a word. Its server tells everybody to whom it had sent presence. */
  vanish(jid: Jid): void {
    const user = this.#user(jid);
    if (!user.online) return;
    user.online = false;
    user.lingers = undefined;
    const cause = this.record({ kind: 'session', t: this.now, user: jid, up: false });
    this.#toHalf(user, { kind: 'linkDown' }, undefined);
    for (const to of user.directed) {
      const stanza = presence(jid, to, { type: 'unavailable' });
      this.#delivery.route({ stanza, at: user.server, by: undefined, via: user.server, bounce: false, cause });
    }
    user.directed.clear();
  }

  /** The client is gone without a word, and its server goes on as if it were there until it notices. */
  linger(jid: Jid, forMs: number): void {
    const user = this.#user(jid);
    if (!user.online || user.lingers !== undefined) return;
    const gone = {};
    user.lingers = gone;
    this.at(forMs, () => {
      if (user.lingers === gone) this.vanish(jid);
    });
  }

  act(jid: Jid, act: OccupantAct, cause?: number): void {
    const user = this.#user(jid);
    if (user.online && user.lingers === undefined) this.#toHalf(user, { kind: 'act', act }, cause);
  }

  /** A user's client sends a stanza that no rule made. */
  sendRaw(stanza: Stanza, spec: string, cause?: number): void {
    const user = this.users.get(stanza.from);
    if (user?.online && user.lingers === undefined) this.#submit(user, stanza, spec, cause);
  }

  setLink(a: Jid, b: Jid, fault: LinkFault): void {
    const link = this.link(a, b);
    if (link) link.fault = fault;
  }

  /** Changes what a link is, and records it. */
  relink(a: Jid, b: Jid, settings: Partial<LinkSettings>, cause?: number): void {
    const link = this.link(a, b);
    if (link === undefined) return;
    link.change(settings);
    const { servers: server, settings: now, counters } = link;
    this.record({ kind: 'relink', t: this.now, server, settings: now, counters, cause });
  }

  crash(address: Jid): void {
    const seat = this.#seat(address);
    if (!seat.up) return;
    const { relaxed, diskLost } = this.plan.faults;
    const prng = this.#prng;
    // A replica's log is durable in a relaxed way: a crash may lose its last batches.
    const lost = seat.room === undefined || relaxed === 0 || !this.#faulty ? 0 : prng.below(relaxed + 1);
    const isCopy = seat.room !== undefined || (seat.config.kind === 'service' && seat.config.hosting !== undefined);
    const loss = isCopy ? diskLost : this.plan.primary === 'forgetful' ? forgetful : 0;
    const whole = loss > 0 && this.#faulty && prng.chance(loss);
    const { appends, untold } = seat.crash(lost === 0 && prng.chance(0.3), lost, whole);
    if (appends.length > 0) this.record({ kind: 'undone', t: this.now, node: address, appends });
    if (whole) this.record({ kind: 'forgotten', t: this.now, node: address });
    if (untold.length > 0) this.record({ kind: 'untold', t: this.now, node: address, appends: untold });
  }

  /** A node's clock never goes back while it runs (`host/steady-clock.ts`). */
  setClock(address: Jid, byMs: number): void {
    const seat = this.seats.get(address);
    if (seat === undefined) return;
    const restarts = byMs < 0 && seat.up;
    if (restarts) this.crash(address);
    seat.skewMs += byMs;
    if (restarts) this.at(1_000, () => this.start(address));
  }

  start(address: Jid): void {
    this.#seat(address).start();
  }

  command(address: Jid, command: Command): void {
    this.#seat(address).take({ kind: 'command', command });
  }

  /** Repairs everything: links are up, nodes awake, disks have room. Hostile nodes and clients stay hostile. */
  heal(): void {
    this.#faulty = false;
    for (const link of this.links) link.fault = { state: ['up', 'up'], loss: 0, twice: 0 };
    for (const seat of this.seats.values()) {
      seat.thaw();
      seat.start();
    }
  }

  // ---- users ----

  #toHalf(user: User, input: Parameters<OccupantHalf['handle']>[0], cause: number | undefined): void {
    const { offer: before } = user.half.state();
    for (const effect of user.half.handle(input, this.#ids))
      if (effect.kind === 'send') this.#submit(user, effect.stanza, effect.spec, cause);
    const { offer } = user.half.state();
    if (offer !== undefined && offer !== before) this.offers.push({ user: user.person.jid, ...offer });
  }

  #submit(user: User, stanza: Stanza, spec: string, cause: number | undefined): void {
    if (stanza.name === 'presence' && stanza.type !== 'error') {
      if (stanza.type === 'unavailable') user.directed.delete(stanza.to);
      else user.directed.add(stanza.to);
    }
    const { server } = user;
    const by = user.person.jid;
    const seq = this.record({ kind: 'in', t: this.now, by, stanza, spec, cause });
    this.#delivery.route({ stanza, at: server, by, via: server, bounce: false, cause: seq });
  }

  // ---- nodes ----

  #send(seat: Seat, stanza: Stanza, spec: string, cause: number | undefined): void {
    const { address } = seat.config;
    const { tamper } = this.#options;
    if (address !== this.plan.hostileNode || tamper === undefined) return this.#handOver(seat, stanza, spec, cause);
    for (const one of tamper(stanza, this.#prng, this.#seating(address))) this.#handOver(seat, one, spec, cause);
  }

  #handOver(seat: Seat, stanza: Stanza, spec: string, cause: number | undefined): void {
    const { address, server } = seat.config;
    const seq = this.record({ kind: 'in', t: this.now, by: address, stanza, spec, cause });
    this.#delivery.route({
      stanza,
      at: server,
      by: address,
      via: this.#voucher(seat, stanza),
      bounce: false,
      cause: seq,
    });
  }

  /**
   * A server lets nobody speak for another domain: a node for its own, a replica for its room to local users and for them.
   */
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
