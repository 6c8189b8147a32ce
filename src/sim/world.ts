import { type Direction, Link } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { Effect } from '../core/node/effect.ts';
import type { Input, TimerId } from '../core/node/input.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import type { MucNode } from '../core/node/node.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import { createOccupant, type OccupantAct, type OccupantHalf } from '../core/occupant/occupant.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { errorReply, presence, type Stanza, stanzaText } from '../core/xmpp/stanza.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';
import { utf8Length } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';
import { Schedule } from './schedule.ts';
import type { SimRecord } from './trace.ts';

/** Who is where, before anything happens. */
export interface Setup {
  readonly nodes: readonly NodeConfig[];
  readonly users: readonly { readonly jid: Jid; readonly nick: string; readonly room: Jid }[];
  /** Milliseconds from a batch of events to its being durable, at most. */
  readonly appendMs: number;
  /** A crash of a replica may lose this many of its last batches, which were durable only in a relaxed way. */
  readonly relaxedBatches: number;
  /** Whether the bounce of a relayed stanza is given back to the replica that relayed it, or goes to the user. */
  readonly bounceToRelay: boolean;
}

/** The production node with its driver's order of things, its disk and its clock, all simulated. */
interface Seat {
  readonly config: NodeConfig;
  readonly room: Jid | undefined;
  node: MucNode;
  up: boolean;
  frozen: boolean;
  /** Raised by every start, so that what an earlier life planned is recognised. */
  life: number;
  busy: boolean;
  readonly inbox: Input[];
  readonly timers: Map<TimerId, number>;
  /** Durable batches, oldest first, after the snapshot. */
  log: RoomEvent[][];
  snapshot: NodeSnapshot | undefined;
}

interface User {
  readonly jid: Jid;
  readonly room: Jid;
  readonly nick: string;
  half: OccupantHalf;
  online: boolean;
  /** Where the client sent presence: the server says goodbye there when it vanishes (RFC 6121 §4.6.3). */
  readonly directed: Set<Jid>;
}

interface Parcel {
  readonly stanza: Stanza;
  /** The seat or user that handed it over, if it is not a server's own word. */
  readonly by?: Jid;
  /** A server's answer to something it could not pass on. */
  readonly bounce?: true;
}

/**
 * A whole network in one process: servers, links, room nodes, users; nothing in it but the schedule makes anything
 * happen, and nothing but the seed decides. A run is a pure function of (seed, setup, what the workload asks).
 */
export class World {
  now: Instant = instant(Date.UTC(2026, 0, 1));
  readonly trace: SimRecord[] = [];
  readonly seats = new Map<Jid, Seat>();
  readonly users = new Map<Jid, User>();
  readonly links = new Map<string, { readonly link: Link; readonly servers: readonly [Jid, Jid]; loss: number }>();
  /** Events of the simulation so far. */
  steps = 0;
  readonly #schedule = new Schedule();
  readonly #prng: Prng;
  readonly #setup: Setup;

  constructor(setup: Setup, prng: Prng) {
    this.#setup = setup;
    this.#prng = prng;
    const servers = new Set<Jid>();
    for (const config of setup.nodes) {
      servers.add(config.server);
      const seat: Seat = {
        config,
        room: config.kind === 'replica' ? config.room.jid : undefined,
        node: createMucNode(config),
        up: false,
        frozen: false,
        life: 0,
        busy: false,
        inbox: [],
        timers: new Map(),
        log: [],
        snapshot: undefined,
      };
      this.seats.set(config.address, seat);
    }
    for (const { jid, nick, room } of setup.users) {
      servers.add(domainOf(jid));
      this.users.set(jid, {
        jid,
        nick,
        room,
        half: createOccupant({ jid, nick, room }),
        online: false,
        directed: new Set(),
      });
    }
    const all = [...servers];
    for (const [i, a] of all.entries()) {
      for (const b of all.slice(i + 1))
        this.links.set(pair(a, b), {
          link: new Link({ latencyMs: 5 + prng.below(100), jitterMs: prng.below(50) }),
          servers: [a, b],
          loss: 0,
        });
    }
    for (const address of this.seats.keys()) this.start(address);
  }

  /** Plans something; everything that happens is planned here. */
  at(afterMs: number, run: () => void): void {
    this.#schedule.add(plus(this.now, Math.max(0, afterMs)), run);
  }

  /** Lets the next thing happen. @returns false if there is nothing left */
  step(): boolean {
    const next = this.#schedule.take();
    if (next === undefined) return false;
    this.now = instant(Math.max(next.at, this.now));
    this.steps++;
    next.run();
    return true;
  }

  /** Runs until a moment; what is planned for later stays. */
  runUntil(end: Instant): void {
    for (let next = this.#schedule.next(); next !== undefined && next <= end; next = this.#schedule.next()) this.step();
    this.now = end;
  }

  // ---- what a workload may do ----

  connect(jid: Jid): void {
    const user = this.#user(jid);
    if (user.online) return;
    user.online = true;
    user.half = createOccupant({ jid, nick: user.half.state().nick, room: user.room });
    this.trace.push({ kind: 'session', t: this.now, user: jid, up: true });
    this.#toHalf(user, { kind: 'linkUp' });
  }

  /** The client is gone without a word; its server says so to whom it had sent presence. */
  vanish(jid: Jid): void {
    const user = this.#user(jid);
    if (!user.online) return;
    user.online = false;
    this.trace.push({ kind: 'session', t: this.now, user: jid, up: false });
    this.#toHalf(user, { kind: 'linkDown' });
    for (const to of user.directed) this.#route({ stanza: presence(jid, to, { type: 'unavailable' }) }, domainOf(jid));
    user.directed.clear();
  }

  act(jid: Jid, act: OccupantAct): void {
    const user = this.#user(jid);
    if (user.online) this.#toHalf(user, { kind: 'act', act });
  }

  /** A user's client sends something that no rule gave it. */
  sendRaw(stanza: Stanza): void {
    if (this.users.get(stanza.from)?.online) this.#post(stanza, stanza.from, 'raw');
  }

  /** A server hands a node a stanza that it vouches for: what a hostile neighbour may do within its own domain. */
  inject(address: Jid, via: Jid, stanza: Stanza): void {
    this.#take(this.#seat(address), { kind: 'stanza', via, stanza });
  }

  setLink(a: Jid, b: Jid, state: 'up' | 'bounce' | 'silent', loss = 0): void {
    const found = this.links.get(pair(a, b));
    if (found === undefined) return;
    found.link.change({ state });
    found.loss = loss;
    this.trace.push({
      kind: 'fault',
      t: this.now,
      what: `link ${a} ${b} ${state}${loss > 0 ? ` loses ${Math.round(loss * 100)} %` : ''}`,
    });
  }

  crash(address: Jid): void {
    const seat = this.#seat(address);
    if (!seat.up) return;
    seat.up = false;
    seat.life++;
    seat.busy = false;
    seat.inbox.length = 0;
    seat.timers.clear();
    // A replica's log is durable in a relaxed way: the last batches may be gone (browser.md).
    const lost = seat.room === undefined ? 0 : this.#prng.below(this.#setup.relaxedBatches + 1);
    if (lost > 0) seat.log.splice(Math.max(0, seat.log.length - lost));
    this.trace.push({
      kind: 'fault',
      t: this.now,
      what: `${address} crashes${lost > 0 ? ` and loses ${lost} batches` : ''}`,
    });
  }

  start(address: Jid): void {
    const seat = this.#seat(address);
    if (seat.up) return;
    seat.up = true;
    seat.frozen = false;
    seat.life++;
    seat.node = createMucNode(seat.config);
    if (seat.snapshot !== undefined) seat.node.restore(seat.snapshot);
    for (const batch of seat.log) for (const event of batch) seat.node.apply(event);
    if (seat.life > 1) this.trace.push({ kind: 'fault', t: this.now, what: `${address} starts again` });
    this.#take(seat, { kind: 'command', command: { name: 'start' } });
    this.#take(seat, { kind: 'linkUp', peer: seat.config.server });
  }

  /** The page sleeps: nothing is handled, timers fire late, and everything waits. */
  freeze(address: Jid, forMs: number): void {
    const seat = this.#seat(address);
    if (!seat.up || seat.frozen) return;
    seat.frozen = true;
    const { life } = seat;
    this.trace.push({ kind: 'fault', t: this.now, what: `${address} is frozen for ${forMs} ms` });
    this.at(forMs, () => {
      if (seat.life !== life) return;
      seat.frozen = false;
      this.#pump(seat);
    });
  }

  /** A snapshot replaces the log so far. */
  compact(address: Jid): void {
    const seat = this.#seat(address);
    if (!seat.up || seat.busy) return;
    seat.snapshot = seat.node.snapshot();
    seat.log = [];
  }

  // ---- users ----

  #toHalf(user: User, input: Parameters<OccupantHalf['handle']>[0]): void {
    for (const effect of user.half.handle(input, { newId: () => this.#prng.id() })) {
      if (effect.kind === 'send') this.#post(effect.stanza, user.jid, effect.spec);
    }
  }

  // ---- nodes ----

  #take(seat: Seat, input: Input): void {
    if (!seat.up) return;
    seat.inbox.push(input);
    this.#pump(seat);
  }

  /** The driver: all that waits is handled as one batch, made durable, and only then heard of. */
  #pump(seat: Seat): void {
    if (seat.busy || seat.frozen || !seat.up || seat.inbox.length === 0) return;
    const effects: Effect[] = [];
    const batch: RoomEvent[] = [];
    for (const input of seat.inbox.splice(0)) {
      for (const effect of seat.node.handle(input, { now: this.now, newId: () => this.#prng.id() })) {
        if (effect.kind === 'append') batch.push(...effect.events);
        else if (effect.kind === 'setTimer') this.#setTimer(seat, effect.timer, effect.at);
        else if (effect.kind === 'clearTimer') seat.timers.delete(effect.timer);
        else effects.push(effect);
      }
    }
    if (batch.length === 0) return this.#release(seat, effects);
    seat.busy = true;
    const { life } = seat;
    this.at(1 + this.#prng.below(this.#setup.appendMs), () => {
      // Crashed before it was durable: all of the batch is gone, and nobody heard of it.
      if (seat.life !== life) return;
      seat.log.push(batch);
      seat.busy = false;
      this.#release(seat, effects);
      this.#pump(seat);
    });
  }

  #release(seat: Seat, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.#post(effect.stanza, seat.config.address, effect.spec);
      else if (effect.kind === 'trace')
        this.trace.push({ kind: 'note', t: this.now, node: seat.config.address, spec: effect.spec, what: effect.what });
    }
  }

  #setTimer(seat: Seat, timer: TimerId, at: Instant): void {
    const armed = (seat.timers.get(timer) ?? 0) + 1;
    const { life } = seat;
    seat.timers.set(timer, armed);
    this.at(at - this.now, () => {
      if (seat.life !== life || seat.timers.get(timer) !== armed) return;
      seat.timers.delete(timer);
      this.#take(seat, { kind: 'timer', timer });
    });
  }

  // ---- servers and links ----

  #post(stanza: Stanza, by: Jid, spec: string): void {
    this.trace.push({ kind: 'sent', t: this.now, by, stanza, spec });
    const user = this.users.get(by);
    if (user && stanza.name === 'presence' && stanza.type !== 'error') {
      if (stanza.type === 'unavailable') user.directed.delete(stanza.to);
      else user.directed.add(stanza.to);
    }
    this.#route({ stanza, by }, user ? domainOf(by) : this.#seat(by).config.server);
  }

  #route(parcel: Parcel, server: Jid): void {
    const { stanza, by, bounce } = parcel;
    // A replica stands where its users' stanzas to the room pass; its own, and answers to what came from afar, pass it by.
    const outbound = !bounce && this.users.has(stanza.from) && (by === undefined || by === stanza.from);
    for (const seat of outbound ? this.seats.values() : []) {
      if (seat.room === bareOf(stanza.to) && seat.config.server === server)
        return this.at(0, () => this.#arriveAt(seat, parcel, server));
    }
    const seat = this.seats.get(bareOf(stanza.to)) ?? this.seats.get(domainOf(stanza.to));
    const target = seat?.config.server ?? domainOf(stanza.to);
    if (target === server) return this.at(0, () => this.#arrive(parcel, server));
    const found = this.links.get(pair(server, target));
    if (found === undefined) return this.#bounce(parcel, server, 'remote-server-not-found');
    const direction: Direction = found.servers[0] === server ? 0 : 1;
    const outcome = found.link.transmit(direction, utf8Length(stanzaText(stanza)), this.now, this.#prng.unit());
    this.trace.push({ kind: 'sent', t: this.now, by: server, stanza, spec: 'link', link: [server, target] });
    if (outcome.outcome === 'bounced') return this.#bounce(parcel, server, 'remote-server-timeout');
    if (outcome.arrives === undefined || this.#prng.chance(found.loss)) {
      this.trace.push({ kind: 'lost', t: this.now, stanza, how: 'dropped' });
      return;
    }
    this.at(outcome.arrives - this.now, () => this.#arrive(parcel, target));
  }

  #arrive(parcel: Parcel, server: Jid): void {
    const { stanza } = parcel;
    const seat = this.seats.get(bareOf(stanza.to)) ?? this.seats.get(domainOf(stanza.to));
    if (seat) return this.#arriveAt(seat, parcel, server);
    const user = this.users.get(stanza.to);
    if (user?.online) {
      this.trace.push({ kind: 'delivered', t: this.now, to: stanza.to, stanza });
      return this.#toHalf(user, { kind: 'stanza', stanza });
    }
    // RFC 6121 §8.5.3.2: presence to nobody is ignored, the rest bounces.
    this.trace.push({ kind: 'lost', t: this.now, stanza, how: 'bounced' });
    if (stanza.name !== 'presence') this.#bounce(parcel, server, 'service-unavailable');
  }

  #arriveAt(seat: Seat, parcel: Parcel, server: Jid): void {
    if (!seat.up) return this.#bounce(parcel, server, 'service-unavailable');
    this.trace.push({ kind: 'delivered', t: this.now, to: seat.config.address, stanza: parcel.stanza });
    this.#take(seat, { kind: 'stanza', via: domainOf(parcel.stanza.from), stanza: parcel.stanza });
  }

  /** The server that cannot pass a stanza on says so to its sender. */
  #bounce(
    { stanza, by }: Parcel,
    server: Jid,
    condition: 'remote-server-not-found' | 'remote-server-timeout' | 'service-unavailable',
  ): void {
    const reply = errorReply(stanza, stanzaError(condition === 'remote-server-timeout' ? 'wait' : 'cancel', condition));
    if (reply === undefined) return;
    const replica = by === undefined ? undefined : this.seats.get(by);
    // What a replica gave its own users comes back to it; what it relayed for them, as the server's kind is.
    const relayed = this.users.has(stanza.from);
    if (
      replica?.room !== undefined &&
      replica.config.server === server &&
      (!relayed || this.#setup.bounceToRelay) &&
      stanza.from !== replica.config.address
    )
      return this.at(0, () => this.#arriveAt(replica, { stanza: reply, bounce: true }, server));
    this.#route({ stanza: reply, bounce: true }, server);
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

function pair(a: Jid, b: Jid): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
