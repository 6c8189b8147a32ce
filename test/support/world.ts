import type { Command, Input } from '../../src/core/node/input.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { MucNode, NodeEffect } from '../../src/core/node/node.ts';
import { ArchiveList } from '../../src/core/room/archive-list.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import type { TimerId } from '../../src/core/turn/effect.ts';
import { writeJoin } from '../../src/core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorReply, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { nodeConfigOf } from '../../src/scenario/node-config.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

/** One stanza as it was handed over: `server` is the pair it crossed, if it crossed one. */
export interface Sent {
  readonly stanza: Stanza;
  readonly spec: string;
  readonly server?: readonly [string, string];
  /** Absent: it arrived. */
  readonly outcome?: 'lost' | 'bounced';
}

/** A service that is none of ours, of which only what it sends is known. */
export interface ForeignService {
  readonly domain: string;
  readonly server: string;
  /** @returns what it sends then, in order */
  receive(stanza: Stanza, now: Instant): readonly Stanza[];
}

interface Seat {
  readonly node: MucNode;
  readonly address: Jid;
  readonly server: Jid;
  readonly room: Jid | undefined;
  readonly timers: Map<TimerId, Instant>;
  readonly log: RoomEvent[];
  readonly archive: ArchiveList;
  up: boolean;
  /** While it is frozen: what came meanwhile. */
  held: Stanza[] | undefined;
}

/**
 * The nodes and users of a scenario in one process, stanzas carried in order and at once, time only when told: what
 * the spec tests look at. The embedded server and the simulator are tested on their own.
 */
export class World {
  now = instant(Date.UTC(1990, 9, 13, 23, 58, 37));
  /** Everything that was sent since the last `clear`, in order. */
  sent: Sent[] = [];
  /** What nodes said of themselves since the last `clear`. */
  notes: { readonly node: Jid; readonly spec: string; readonly what: string }[] = [];
  /** Nodes that asked for a snapshot in place of their log. */
  readonly compacted: Jid[] = [];
  readonly #cut = new Map<string, 'bounce' | 'silent'>();
  readonly #seats = new Map<Jid, Seat>();
  /** By how much the clocks of some nodes are ahead, in milliseconds. */
  readonly #skews = new Map<Jid, number>();
  readonly #foreign = new Map<string, ForeignService>();
  readonly #queue: { readonly stanza: Stanza; readonly spec: string; readonly at: Jid; readonly sender?: Seat }[] = [];
  readonly #senders = new WeakMap<Sent, Jid>();
  readonly #scenario: Scenario;
  #lose: ((stanza: Stanza) => boolean) | undefined;
  #ids = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    for (const node of scenario.nodes) this.boot(jid(node.address));
  }

  /** Starts a node, with what its log holds, and of that perhaps nobody heard; a node that ran before is forgotten first. */
  boot(address: Jid, log: readonly RoomEvent[] = [], untold: readonly RoomEvent[] = []): void {
    const node = this.#scenario.nodes.find((candidate) => candidate.address === address);
    if (!node) throw new RangeError(`no node ${address}`);
    const config = nodeConfigOf(this.#scenario, node);
    const seat: Seat = {
      node: createMucNode(config),
      address,
      server: config.server,
      room: config.kind === 'replica' ? config.room.jid : undefined,
      timers: new Map(),
      log: [...log],
      archive: new ArchiveList(),
      up: true,
      held: undefined,
    };
    for (const event of log) seat.archive.apply(seat.node.apply(structuredClone(event)));
    this.#seats.set(address, seat);
    this.#handle(seat, { kind: 'command', command: { name: 'start', untold } });
    this.#handle(seat, { kind: 'linkUp', peer: config.server });
    this.run();
  }

  /** From now on a service that is none of ours is reached at its domain. */
  host(service: ForeignService): void {
    this.#foreign.set(service.domain, service);
  }

  command(address: Jid, command: Command): void {
    this.#handle(this.seat(address), { kind: 'command', command });
    this.run();
  }

  crash(address: Jid): readonly RoomEvent[] {
    const seat = this.seat(address);
    seat.up = false;
    return seat.log;
  }

  /** The clock of a node that is down, or whose clock nobody sets back, is set. */
  setClock(address: Jid, byMs: number): void {
    this.#skews.set(address, this.#skewOf(address) + byMs);
  }

  #skewOf(address: Jid): number {
    return this.#skews.get(address) ?? 0;
  }

  /** As a browser freezes a tab: its connection stays, nothing is read, no timer fires. */
  freeze(address: Jid): void {
    this.seat(address).held = [];
  }

  /** The late timers fire, then it reads what has come meanwhile. */
  thaw(address: Jid): void {
    const seat = this.seat(address);
    const held = seat.held ?? [];
    seat.held = undefined;
    this.advance(0);
    for (const stanza of held) this.#handle(seat, { kind: 'stanza', via: domainOf(stanza.from), stanza });
    this.run();
  }

  seat(address: Jid): Seat {
    const seat = this.#seats.get(address);
    if (!seat) throw new RangeError(`no node ${address}`);
    return seat;
  }

  status(address: Jid, room = 0) {
    const status = this.seat(address).node.status().rooms[room];
    if (!status) throw new RangeError(`${address} has no room ${room}`);
    return status;
  }

  cut(a: string, b: string, how: 'bounce' | 'silent' | undefined): void {
    if (how) this.#cut.set(pair(a, b), how);
    else this.#cut.delete(pair(a, b));
  }

  /** The next stanza like this vanishes on its way. */
  lose(like: (stanza: Stanza) => boolean): void {
    this.#lose = like;
  }

  /** Hands stanzas of users (or of anybody) to the network, one on the heels of the other, and runs until nothing moves. */
  send(...stanzas: readonly Stanza[]): void {
    for (const stanza of stanzas) this.#queue.push({ stanza, spec: 'test', at: domainOf(stanza.from) });
    this.run();
  }

  /** Hands a stanza straight to a node, as `via` would. */
  inject(address: Jid, via: string, stanza: Stanza): void {
    this.#handle(this.seat(address), { kind: 'stanza', via: jid(via), stanza });
    this.run();
  }

  clear(): void {
    this.sent = [];
    this.notes = [];
  }

  /** Lets time pass; timers fire in order. */
  advance(ms: number): void {
    const end = instant(this.now + ms);
    for (;;) {
      let next: { seat: Seat; timer: TimerId; at: Instant } | undefined;
      for (const seat of this.#seats.values()) {
        if (!seat.up || seat.held) continue;
        for (const [timer, at] of seat.timers) if (at <= end && (!next || at < next.at)) next = { seat, timer, at };
      }
      if (!next) break;
      this.now = instant(Math.max(this.now, next.at));
      next.seat.timers.delete(next.timer);
      this.#handle(next.seat, { kind: 'timer', timer: next.timer });
      this.run();
    }
    this.now = end;
  }

  run(): void {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#route(next);
  }

  /** Stanzas that crossed links since the last `clear`. */
  crossed(): readonly Sent[] {
    return this.sent.filter((sent) => sent.server);
  }

  /** The node that sent it, in whatever name; undefined for users. */
  senderOf(sent: Sent): Jid | undefined {
    return this.#senders.get(sent);
  }

  /** What reached a user since the last `clear`. */
  got(user: string): readonly Stanza[] {
    return this.sent.filter(({ stanza }) => stanza.to === user).map(({ stanza }) => stanza);
  }

  /** Stanzas to a bare or full address since the last `clear`. */
  to(address: string): readonly Stanza[] {
    return this.sent
      .filter(({ stanza }) => stanza.to === address || bareOf(stanza.to) === address)
      .map(({ stanza }) => stanza);
  }

  #handle(seat: Seat, input: Input): void {
    if (!seat.up) return;
    const env = { now: instant(this.now + this.#skewOf(seat.address)), newId: () => `id${++this.#ids}` };
    const before = JSON.stringify(seat.node.snapshot());
    const effects = seat.node.handle(structuredClone(input), env);
    if (effects.some((effect, i) => effect.kind === 'append' && i > 0))
      throw new Error('an append after another effect');
    if (effects[0]?.kind !== 'append' && before !== JSON.stringify(seat.node.snapshot()))
      throw new Error('state changed without an event');
    for (const effect of effects) this.#effect(seat, effect);
  }

  #effect(seat: Seat, effect: NodeEffect): void {
    if (effect.kind === 'append') {
      seat.log.push(...structuredClone(effect.events));
      seat.archive.apply(structuredClone(effect.archived ?? []));
    } else if (effect.kind === 'search') {
      const { search, asked } = effect;
      this.#handle(seat, { kind: 'found', search, asked, found: { page: seat.archive.search(search) } });
    } else if (effect.kind === 'send')
      this.#queue.push({ stanza: effect.stanza, spec: effect.spec, at: seat.server, sender: seat });
    else if (effect.kind === 'setTimer') seat.timers.set(effect.timer, instant(effect.at - this.#skewOf(seat.address)));
    else if (effect.kind === 'clearTimer') seat.timers.delete(effect.timer);
    else if (effect.kind === 'compact') this.compacted.push(seat.address);
    else this.notes.push({ node: seat.address, spec: effect.spec, what: effect.what });
  }

  #route({ stanza, spec, at, sender }: { stanza: Stanza; spec: string; at: Jid; sender?: Seat }): void {
    // A replica stands where its users' stanzas to the room pass (architecture: interception); its own pass it by.
    const interceptor = [...this.#seats.values()].find(
      (seat) => seat.room === bareOf(stanza.to) && seat.server === at && seat !== sender,
    );
    const seat = interceptor ?? this.#seats.get(bareOf(stanza.to)) ?? this.#seats.get(domainOf(stanza.to));
    const foreign = this.#foreign.get(domainOf(stanza.to));
    const server = interceptor ? at : (seat?.server ?? foreign?.server ?? domainOf(stanza.to));
    const crossing = server === at ? {} : { server: [at, server] as const };
    const cut = this.#cut.get(pair(at, server));
    const lost = cut === 'silent' || this.#lose?.(stanza) === true;
    const bounces = !lost && (cut === 'bounce' || seat?.up === false);
    const outcome = lost ? { outcome: 'lost' as const } : bounces ? { outcome: 'bounced' as const } : {};
    const sent = { stanza, spec, ...crossing, ...outcome };
    this.sent.push(sent);
    if (sender) this.#senders.set(sent, sender.address);
    if (lost) {
      if (cut !== 'silent') this.#lose = undefined;
      return;
    }
    if (bounces) {
      const condition = cut ? 'remote-server-timeout' : 'service-unavailable';
      const bounce = errorReply(stanza, { type: 'wait', condition });
      const back =
        bounce &&
        [...this.#seats.values()].find(
          (other) => other.address === bareOf(bounce.to) || other.address === domainOf(bounce.to),
        );
      if (bounce) this.sent.push({ stanza: bounce, spec: 'bounce' });
      // The server that could not pass it on is trusted with the address it speaks for.
      if (bounce && back) this.#handle(back, { kind: 'stanza', via: domainOf(bounce.from), stanza: bounce });
      const sender = bounce && this.#foreign.get(domainOf(bounce.to));
      if (sender) this.#hand(sender, bounce);
      return;
    }
    if (seat?.held) seat.held.push(stanza);
    else if (seat) this.#handle(seat, { kind: 'stanza', via: domainOf(stanza.from), stanza });
    else if (foreign) this.#hand(foreign, stanza);
  }

  #hand(foreign: ForeignService, stanza: Stanza): void {
    for (const sent of foreign.receive(structuredClone(stanza), this.now))
      this.#queue.push({ stanza: sent, spec: 'foreign', at: jid(foreign.server) });
  }
}

function pair(a: string, b: string): string {
  return [a, b].sort().join(' ');
}

/** A join presence (XEP-0045 §7.2.1). */
export function joins(user: string, occupant: string, ...payloads: XmlElement[]): Stanza {
  return presence(jid(user), jid(occupant), { id: 'join' }, writeJoin({}), ...payloads);
}

export function leaves(user: string, occupant: string): Stanza {
  return presence(jid(user), jid(occupant), { type: 'unavailable' });
}

export function says(user: string, room: string, text: string, ...payloads: XmlElement[]): Stanza {
  return message(
    jid(user),
    jid(room),
    { type: 'groupchat', id: `say-${text}` },
    el('body', NS.client, {}, text),
    ...payloads,
  );
}

export function tells(user: string, occupant: string, text: string): Stanza {
  return message(jid(user), jid(occupant), { type: 'chat', id: `pm-${text}` }, el('body', NS.client, {}, text));
}
