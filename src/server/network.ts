import { type Direction, Link, type LinkSettings } from '../core/net/link.ts';
import { type Condition, type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { domainOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { isStanzaText, message, type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';
import type { XmlElement } from '../core/xmpp/xml.ts';
import { Accounts } from './accounts.ts';
import { LoginAttempts } from './attempts.ts';
import { bindHost, bindResource } from './bind.ts';
import { Bucket, type Budgets, defaultBudgets } from './budget.ts';
import { Classes } from './classes.ts';
import type { NetworkConfig } from './config.ts';
import { Edges } from './edges.ts';
import type { Envelope } from './envelope.ts';
import type { Cancel, ServerHost } from './host.ts';
import { Lease } from './lease.ts';
import type { Outbox } from './outbox.ts';
import { Patience } from './patience.ts';
import { Readers } from './readers.ts';
import type { EdgeNetwork, Gateway, RealServer } from './real-server.ts';
import { Remembered } from './remembered.ts';
import { RoomBudgets } from './room-budgets.ts';
import { type RoutingNetwork, Server } from './server.ts';
import { Session, type StreamCondition } from './session.ts';
import { Share } from './shares.ts';
import type { Station } from './station.ts';
import { type ByKind, count, countedByKind, Tally } from './tally.ts';
import { TraceLog } from './trace.ts';
import { Turns } from './turns.ts';

/** How long counters of links are collected before they are published. */
const countersMs = 250;
/** Stanzas that may wait in one direction of a link; more are dropped (a link that is paused must not eat the memory). */
const queueMax = 50_000;
/** Accounts made while the server runs. */
const temporaryMax = 1000;
/** Above this much unread, nodes rest so long before it is looked at again. */
const restAboveBytes = 8 * 1024 * 1024;
const restMs = 5;
/**
 * A stanza of so many bytes is felt by others. Such ones are handled one at a time, with pauses that are longer than it
 * took to read it and to hand it to all who get it: so many bytes of them are read and handed out in a second.
 */
const costly = 32 * 1024;
const costlyPerSecond = 4_000_000;
const costlyOutPerSecond = 30_000_000;
/** Whatever others are sent, a costly stanza need not wait longer for them. */
const costlyMaxMs = 1000;

interface Waiting {
  readonly arrives: Instant;
  readonly envelope: Envelope;
  /** Order among stanzas that arrive at the same time on different links. */
  readonly order: number;
}

/** One direction of a link: the stanzas under way, first in first out. */
interface Way {
  readonly from: Station;
  readonly to: Station;
  readonly link: NetworkLink;
  readonly direction: Direction;
  queue: Waiting[];
  /** Index of the first waiting stanza: the array is trimmed now and then, not at each delivery. */
  head: number;
  timer: Cancel | undefined;
}

interface NetworkLink {
  readonly between: readonly [Jid, Jid];
  readonly link: Link;
  readonly carried: ByKind;
  /** Why it carries nothing to a real server, whatever its settings. */
  readonly away?: () => string | undefined;
}

/** A link between two servers as it is, and what it has carried in both directions together. */
export interface LinkState {
  readonly between: readonly [Jid, Jid];
  readonly settings: LinkSettings;
  readonly carried: ByKind;
  readonly dropped: number;
  /** Stanzas under way. */
  readonly waiting: number;
}

/** A session of a node in the same process; handed stanzas, not text. */
export interface LocalSession {
  readonly address: Jid;
  readonly server: Jid;
  readonly stream: string;
  /** @returns its number on the stream; undefined if the session has ended (also because of this very stanza) */
  send(stanza: Stanza): number | undefined;
  bindHost(host: Jid): StanzaError | undefined;
  /** Bytes for which it should rest: what it sent beyond its share, and what waits for those who read it. */
  unsent(): number;
  close(): void;
}

export interface LocalSessionHandlers {
  /** Called while the sender is still being served: queue it, do not answer at once. */
  stanza(stanza: Stanza, n: number): void;
  ended(condition: StreamCondition, text: string): void;
}

/** Several servers in one process and the links between them: what a scenario runs on. */
export class Network implements RoutingNetwork, EdgeNetwork {
  readonly id: string;
  /** Begins anew, without anything of what was; undefined: that is not possible. */
  readonly startOver: (() => void) | undefined;
  readonly host: ServerHost;
  readonly trace: TraceLog;
  readonly tally = new Tally();
  readonly accounts: Accounts;
  readonly servers: readonly Server[];
  readonly #edges: Edges;
  readonly budgets: Budgets;
  readonly rooms: RoomBudgets;
  readonly readers = new Readers();
  readonly classes: Classes;
  readonly shares: Remembered<Share>;
  readonly #turns: Turns;
  readonly #patience: Patience;
  readonly behind = new Set<Outbox>();
  readonly attempts = new LoginAttempts();
  /** The longest unused first. */
  readonly #temporary = new Set<Jid>();
  #forgetAbove = temporaryMax;
  /** When the next costly stanza may be handled. */
  #costlyAt = instant(0);
  readonly #hosting = new Map<Jid, Server>();
  readonly #links: NetworkLink[] = [];
  readonly #ways = new Map<string, Way>();
  readonly #changed = new Set<NetworkLink>();
  #countersTimer: Cancel | undefined;
  #paused = false;
  #order = 0;
  readonly #lease = new Lease();
  /** What ends the passwords of leased accounts. */
  #leaseSecret = '';
  /** Nodes in this process are nobody's to run. */
  #hasLocalNodes = false;

  /**
   * @param gateway  to the real servers, if there are any
   * @throws RangeError if the configuration names a malformed or unknown address, or one twice
   */
  constructor(config: NetworkConfig, host: ServerHost, startOver?: () => void, gateway?: Gateway) {
    this.id = config.id;
    this.startOver = startOver;
    this.host = host;
    this.budgets = { ...defaultBudgets, ...config.budgets };
    this.rooms = new RoomBudgets(this.budgets);
    this.shares = new Remembered(
      (now) => new Share(this.budgets, now),
      (share, now) => share.isUnused(now),
    );
    this.#turns = new Turns(this.budgets.turnsPerSecond);
    this.#patience = new Patience(host.now());
    this.trace = new TraceLog(host, this.budgets.traceBytes);
    this.classes = new Classes(host, (session, payload) => this.#tell(session, payload));
    const open = new Set(config.servers.filter((server) => server.open).map((server) => jid(server.domain)));
    this.accounts = new Accounts(host, config.accounts, config.grants ?? [], open);
    this.servers = config.servers.map((server) => new Server(this, server));
    for (const server of this.servers)
      for (const domain of [server.domain, ...server.services]) {
        if (this.#hosting.has(domain)) throw new RangeError(`${domain} is there twice`);
        this.#hosting.set(domain, server);
      }
    for (const [i, a] of this.servers.entries()) for (const b of this.servers.slice(i + 1)) this.#connect(a, b);
    this.#edges = new Edges(this, config.realServers ?? [], gateway);
    for (const real of this.#edges.servers) {
      if (this.#hosting.has(real.domain)) throw new RangeError(`${real.domain} is there twice`);
      for (const server of this.servers) {
        const known = new Set([...real.services].filter((service) => server.services.has(service)));
        if (known.size > 0) this.#connect(server, real, new Link({ latencyMs: 0 }), () => real.awayFor(known));
      }
    }
    for (const { between, ...settings } of config.links ?? []) {
      const link = this.#link(jid(between[0]), jid(between[1]));
      if (link === undefined) throw new RangeError(`no link between ${between.join(' and ')}`);
      link.link.change(settings);
    }
    for (const link of this.#links) this.#traceLink(link);
  }

  /** From the server of a session to it; no part of what is watched. */
  #tell(session: Session, payload: XmlElement): void {
    const { domain } = session.server;
    const stanza = message(domain, session.address, { type: 'headline' }, payload);
    this.hosting(domain)?.deliver(session, { stanza, hidden: true });
  }

  #connect(a: Station, b: Station, model = new Link(), away?: () => string | undefined): void {
    const link: NetworkLink = {
      ...{ between: [a.domain, b.domain], link: model, carried: countedByKind() },
      ...(away ? { away } : {}),
    };
    this.#links.push(link);
    const way = (from: Station, to: Station, direction: Direction) =>
      this.#ways.set(`${from.domain} ${to.domain}`, {
        from,
        to,
        link,
        direction,
        queue: [],
        head: 0,
        timer: undefined,
      });
    way(a, b, 0);
    way(b, a, 1);
  }

  /** The server that answers for a domain: its own, or that of a service of its. */
  hosting(domain: Jid): Server | undefined {
    return this.#hosting.get(domain);
  }

  get stations(): readonly Station[] {
    return [...this.servers, ...this.#edges.servers];
  }

  isComponent(domain: Jid): boolean {
    return this.#edges.of(domain) !== undefined;
  }

  wayTo(from: Jid, to: Jid): Station | undefined {
    return this.#edges.wayTo(from, to);
  }

  announced(session: Session, up: boolean): void {
    this.#edges.announced(session, up);
  }

  edgeChanged({ domain }: RealServer): void {
    for (const link of this.#links) if (link.between.includes(domain)) this.#traceLink(link);
  }

  log(line: string): void {
    this.host.log?.(line);
  }

  addGuest(address: Jid, password: string): void {
    this.accounts.add(address, password);
    this.noteTemporary(address);
  }

  /** A temporary account was made or is used: of too many, those that nobody has used for longest are forgotten. */
  noteTemporary(account: Jid): void {
    this.#temporary.delete(account);
    this.#temporary.add(account);
    if (this.#temporary.size <= this.#forgetAbove) return;
    for (const old of this.#temporary) {
      if (this.#temporary.size <= temporaryMax) break;
      if (old === account || this.hosting(domainOf(old))?.isOnline(old)) continue;
      this.#temporary.delete(old);
      this.accounts.delete(old);
    }
    // Where most are in use, they are not looked through each time.
    this.#forgetAbove = Math.max(temporaryMax, this.#temporary.size + 100);
  }

  /** Bytes that wait for readers who read. */
  worthWaiting(): number {
    let bytes = this.#edges.unsentBytes;
    for (const outbox of this.behind) bytes += outbox.worthWaiting();
    const isMuch = bytes > restAboveBytes;
    return this.#patience.lasts(isMuch, this.host.now()) || !isMuch ? bytes : 0;
  }

  waitMs(session: Session, cost: number): number {
    const now = this.host.now();
    if (session.isNode) return this.worthWaiting() > restAboveBytes ? restMs : 0;
    const { lastRoom, share } = session;
    const roomMs = lastRoom === undefined ? 0 : this.rooms.waitMs(lastRoom, now);
    const waitMs = Math.max(roomMs, share.answers.waitMs(now), this.#turns.waitMs(share, now));
    if (cost < costly || waitMs > 0) return waitMs;
    if (this.#costlyAt > now) return this.#costlyAt - now;
    this.#costlyAt = plus(now, (cost / costlyPerSecond) * 1000);
    return 0;
  }

  noteToRoom(session: Session, stanza: Stanza): void {
    const now = this.host.now();
    this.rooms.received(stanza.to, session.cost, now);
    const { share } = session;
    if (this.readers.asksForPage(stanza)) return this.#turns.take(share, share.ask(now), now);
    const weight = this.readers.weight(session, stanza, session.cost);
    share.fanOut.take(now, weight);
    this.#turns.take(share, weight, now);
  }

  noteDelivery(session: Session, stanza: Stanza, bytes: number): void {
    const now = this.host.now();
    const counted = this.tally.delivered[stanza.name];
    counted.stanzas++;
    counted.bytes += bytes;
    if (stanza.from.includes('@')) {
      this.rooms.sent(stanza.from, bytes, now);
      if (stanza.name === 'presence') this.readers.told(session, stanza);
      const weight = this.readers.answer(session, stanza, bytes);
      if (weight > 0) session.share.answer(weight, stanza.name === 'iq', now);
    }
    if (bytes < costly) return;
    const at = Math.max(this.#costlyAt, now) + (bytes / costlyOutPerSecond) * 1000;
    this.#costlyAt = instant(Math.min(at, now + costlyMaxMs));
  }

  /** All domains that may stand in the `to` of an `<open/>`. */
  domains(): Jid[] {
    return [...this.#hosting.keys()];
  }

  #link(a: Jid, b: Jid): NetworkLink | undefined {
    return this.#ways.get(`${a} ${b}`)?.link;
  }

  /** Changes a link from now on. @returns false if there is no such link */
  changeLink(a: Jid, b: Jid, settings: Partial<LinkSettings>): boolean {
    const link = this.#link(a, b);
    if (link === undefined) return false;
    link.link.change(settings);
    this.#traceLink(link);
    return true;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** While paused nothing arrives over any link; what waits goes on in order afterwards. */
  pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.trace.add({ kind: 'pause', paused });
    for (const way of this.#ways.values()) {
      way.timer?.();
      way.timer = undefined;
    }
    if (paused) return;
    this.#deliverDue();
    for (const way of this.#ways.values()) this.#schedule(way);
  }

  /** Whoever ran the nodes before is logged out, and stays out. */
  lease(session: Session, token: string): string | undefined {
    const how = this.#hasLocalNodes ? 'taken' : this.#lease.ask(session, token, this.host.now());
    if (how === 'taken') return undefined;
    if (how === 'kept') return this.#leaseSecret;
    this.#leaseSecret = this.host.randomId();
    this.accounts.renew(this.#leaseSecret);
    for (const one of this.servers.flatMap((server) => [...server.sessions()]))
      if (one.account.leased) one.peer.end('conflict', 'another page runs the nodes now');
    return this.#leaseSecret;
  }

  giveUpLease(session: Session): void {
    this.#lease.giveUp(session);
  }

  get isUsed(): boolean {
    return this.servers.some((server) => server.sessions().length > 0);
  }

  /** Ends every session. */
  end(why: string, condition: StreamCondition = 'reset'): void {
    for (const session of this.servers.flatMap((server) => server.sessions())) session.peer.end(condition, why);
  }

  links(): readonly LinkState[] {
    return this.#links.map(({ between, link, carried }) => {
      const ways = [...this.#ways.values()].filter((way) => way.link.link === link);
      const waiting = ways.reduce((sum, { queue, head }) => sum + queue.length - head, 0);
      return { between, settings: link.settings, carried, dropped: link.counters.dropped, waiting };
    });
  }

  noteReceived(session: Session, { name }: { readonly name: Stanza['name'] }): void {
    const counted = this.tally.received[name];
    counted.stanzas++;
    counted.bytes += session.cost;
  }

  noteRefused(condition: Condition): void {
    count(this.tally.refused, condition);
  }

  /** Addresses of all nodes that are logged in at the moment. */
  nodesRunning(): readonly Jid[] {
    const sessions = this.servers.flatMap((server) => server.sessions());
    return [...new Set(sessions.filter(({ isNode }) => isNode).map(({ account }) => account.address))];
  }

  /** Ends the sessions with that stream id or address. @returns how many there were */
  disconnect(which: { readonly stream?: string; readonly address?: Jid }): number {
    const sessions = this.servers
      .flatMap((server) => server.sessions())
      .filter(
        (s) =>
          s.stream === which.stream ||
          (which.address !== undefined &&
            (s.address === which.address || s.account.address === which.address || s.hosts.has(which.address))),
      );
    for (const session of sessions) session.peer.end('reset', 'closed by the operator');
    return sessions.length;
  }

  /** Sends a stanza over the link between two servers. */
  carry(from: Station, to: Station, envelope: Envelope): void {
    const way = this.#ways.get(`${from.domain} ${to.domain}`) as Way;
    const { stanza, cause, hidden } = envelope;
    const now = this.host.now();
    const overfull = way.queue.length - way.head >= queueMax;
    const bytes = stanzaLength(stanza);
    const carried = way.link.carried[stanza.name];
    carried.stanzas++;
    carried.bytes += bytes;
    const transmission = overfull
      ? ({ outcome: 'dropped' } as const)
      : way.link.link.transmit(way.direction, bytes, now, this.host.random());
    if (overfull)
      this.host.log?.(`link ${from.domain} to ${to.domain}: ${queueMax} stanzas wait, one more was dropped`);
    this.#noteCounters(way.link);
    const seq = hidden
      ? cause
      : this.trace.hop('link', from.domain, to.domain, stanza, envelope, {
          server: way.link.between,
          ...(transmission.outcome === undefined
            ? { arrives: transmission.arrives }
            : { outcome: transmission.outcome }),
        });
    const reached: Envelope = { ...envelope, ...(seq === undefined ? {} : { cause: seq }) };
    if (transmission.outcome === 'bounced')
      from.bounce(
        reached,
        stanzaError('wait', 'remote-server-timeout', `no connection from ${from.domain} to ${to.domain}`),
      );
    if (transmission.arrives === undefined) return;
    const { origin: _, ...onward } = reached;
    way.queue.push({ arrives: transmission.arrives, envelope: onward, order: ++this.#order });
    this.#schedule(way);
  }

  #schedule(way: Way): void {
    const first = way.queue[way.head];
    if (this.#paused || way.timer !== undefined || first === undefined) return;
    way.timer = this.host.setTimer(first.arrives, () => {
      way.timer = undefined;
      const now = this.host.now();
      // A timer may be early by less than a millisecond; the stanza then waits for the next one.
      while (!this.#paused && (way.queue[way.head]?.arrives ?? Number.POSITIVE_INFINITY) <= now) this.#arrive(way);
      this.#schedule(way);
    });
  }

  /** All links' due stanzas in the order in which they would have arrived. */
  #deliverDue(): void {
    const now = this.host.now();
    while (!this.#paused) {
      let next: { readonly way: Way; readonly waiting: Waiting } | undefined;
      for (const way of this.#ways.values()) {
        const waiting = way.queue[way.head];
        if (waiting === undefined || waiting.arrives > now) continue;
        if (
          next === undefined ||
          waiting.arrives < next.waiting.arrives ||
          (waiting.arrives === next.waiting.arrives && waiting.order < next.waiting.order)
        )
          next = { way, waiting };
      }
      if (next === undefined) return;
      this.#arrive(next.way);
    }
  }

  #arrive(way: Way): void {
    const waiting = way.queue[way.head++];
    if (way.head > 1000 && way.head * 2 > way.queue.length) {
      way.queue = way.queue.slice(way.head);
      way.head = 0;
    }
    if (waiting === undefined) return;
    const { envelope } = waiting;
    if (!way.from.speaksFor(domainOf(envelope.stanza.from))) {
      this.host.log?.(`link ${way.from.domain} to ${way.to.domain}: a stanza from ${envelope.stanza.from} was refused`);
      return;
    }
    way.to.deliverLocally(envelope);
  }

  #noteCounters(link: NetworkLink): void {
    this.#changed.add(link);
    this.#countersTimer ??= this.host.setTimer(plus(this.host.now(), countersMs), () => {
      this.#countersTimer = undefined;
      for (const changed of this.#changed) this.#traceLink(changed);
    });
  }

  #traceLink(link: NetworkLink): void {
    this.#changed.delete(link);
    const { settings, counters } = link.link;
    const away = link.away?.();
    const cut = away === undefined ? {} : ({ state: 'bounce', away } as const);
    this.trace.add({ kind: 'link', server: link.between, ...settings, ...counters, ...cut });
  }

  /**
   * Logs a node of this process in, no password asked, and binds what it asks for: same routing, same trace, same
   * authority as any stream.
   *
   * @param bind  for a service its domain, for a replica the rooms it intercepts; a replica also gets a resource
   */
  openSession(
    account: Jid,
    bind: readonly Jid[],
    handlers: LocalSessionHandlers,
    resource?: string,
  ): { readonly ok: true; readonly session: LocalSession } | { readonly ok: false; readonly error: StanzaError } {
    const server = this.hosting(domainOf(account));
    const known = this.accounts.get(account);
    if (server === undefined || known === undefined)
      return { ok: false, error: stanzaError('auth', 'not-authorized', `no account ${account}`) };
    const session = new Session(server, known, this.host.randomId(), {
      stanza: (stanza, n) => handlers.stanza(stanza, n),
      end: (condition, text) => {
        if (!session.alive) return;
        server.remove(session);
        handlers.ended(condition, text);
      },
      buffered: () => 0,
      charge: (bytes) => share.take(this.host.now(), bytes),
    });
    if (session.isNode) this.#hasLocalNodes = true;
    const share = new Bucket(this.budgets.node, this.host.now());
    let error = known.role === 'service' ? undefined : bindResource(session, resource);
    for (const host of bind) error ??= bindHost(session, host);
    if (error !== undefined) {
      server.remove(session);
      return { ok: false, error };
    }
    return {
      ok: true,
      session: {
        address: session.address,
        server: server.domain,
        stream: session.stream,
        send: (stanza) => {
          if (!session.alive) return undefined;
          const n = session.admit();
          share.take(this.host.now(), stanzaLength(stanza));
          if (n === undefined) session.peer.end('policy-violation', 'too many stanzas');
          else if (!isStanzaText(stanza)) session.peer.end('not-well-formed', 'a character XML 1.0 forbids');
          else server.receive(session, stanza, n);
          return session.alive ? n : undefined;
        },
        bindHost: (host) => bindHost(session, host),
        unsent: () => (share.waitMs(this.host.now()) > 0 ? Number.POSITIVE_INFINITY : this.worthWaiting()),
        close: () => server.remove(session),
      },
    };
  }
}
