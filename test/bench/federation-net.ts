import type { NodeConfig } from '../../src/core/node/config.ts';
import type { Input } from '../../src/core/node/input.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { MucNode } from '../../src/core/node/node.ts';
import type { TimerId } from '../../src/core/turn/effect.ts';
import { bareOf, domainOf, type Jid, jid, partsOf } from '../../src/core/xmpp/jid.ts';
import type { Stanza } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { nodeConfigOf } from '../../src/scenario/node-config.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

/** How long a stanza takes from one server to another; within one it takes no time. */
export const linkMs = 20;

interface Seat {
  readonly node: MucNode;
  readonly address: Jid;
  readonly server: Jid;
  readonly timers: Map<TimerId, Instant>;
}

/** A stanza on its way, which is at that server. */
interface Moving {
  readonly stanza: Stanza;
  readonly at: Jid;
  readonly sender?: Seat;
  readonly due: number;
}

/** Only moderators are told who enters: of ten thousand each would else be told of ten thousand. */
function hushed(config: NodeConfig): NodeConfig {
  if (config.kind === 'replica') return config;
  return { ...config, rooms: config.rooms.map((room) => ({ ...room, presenceBroadcast: ['moderator'] })) };
}

/**
 * The nodes of a scenario on a network that carries stanzas and counts them, and does nothing else: no log, no trace and no checks
 * (test/support/world.ts has these), which would be most of what is measured.
 */
export class Net {
  now = Date.UTC(1990, 9, 13);
  /** Stanzas between servers, messages that users were given, and when the last was, since `clear`. */
  crossed = 0;
  delivered = 0;
  lastDeliveredAt = 0;
  readonly #links = new Map<string, number>();
  readonly #byAddress = new Map<Jid, Seat>();
  /** Replicas, by their server and the room. */
  readonly #interceptors = new Map<string, Seat>();
  /** What has arrived, and what is between two servers: every link takes equally long, so that both are in order. */
  #here: Moving[] = [];
  #between: Moving[] = [];
  #ids = 0;

  constructor(scenario: Scenario) {
    for (const node of scenario.nodes) {
      const config = hushed(nodeConfigOf(scenario, node));
      const seat: Seat = {
        node: createMucNode(config),
        address: jid(node.address),
        server: config.server,
        timers: new Map(),
      };
      this.#byAddress.set(seat.address, seat);
      if (config.kind === 'replica') this.#interceptors.set(`${config.server} ${config.room.jid}`, seat);
    }
    for (const seat of this.#byAddress.values()) {
      this.#handle(seat, { kind: 'command', command: { name: 'start' } });
      this.#handle(seat, { kind: 'linkUp', peer: seat.server });
    }
    this.run();
  }

  get busiest(): number {
    return Math.max(0, ...this.#links.values());
  }

  clear(): void {
    this.crossed = 0;
    this.delivered = 0;
    this.#links.clear();
  }

  /** A user's stanza, at their server. */
  send(stanza: Stanza): void {
    this.#here.push({ stanza, at: domainOf(stanza.from), due: this.now });
  }

  /** Until nothing moves. */
  run(): void {
    for (;;) {
      const here = this.#here;
      if (here.length > 0) {
        this.#here = [];
        for (const moving of here) this.#arrive(moving);
        continue;
      }
      const [first] = this.#between;
      if (first === undefined) return;
      this.now = first.due;
      const later = this.#between.findIndex(({ due }) => due > first.due);
      this.#here = later < 0 ? this.#between.splice(0) : this.#between.splice(0, later);
    }
  }

  /** Lets time pass; timers fire in order. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      let next: { seat: Seat; timer: TimerId; at: Instant } | undefined;
      for (const seat of this.#byAddress.values())
        for (const [timer, at] of seat.timers) if (at <= end && (!next || at < next.at)) next = { seat, timer, at };
      if (!next) break;
      this.now = Math.max(this.now, next.at);
      next.seat.timers.delete(next.timer);
      this.#handle(next.seat, { kind: 'timer', timer: next.timer });
      this.run();
    }
    this.now = Math.max(this.now, end);
  }

  #arrive({ stanza, at, sender, due }: Moving): void {
    const { to } = stanza;
    const interceptor = this.#interceptors.get(`${at} ${bareOf(to)}`);
    const seat =
      interceptor !== undefined && interceptor !== sender
        ? interceptor
        : (this.#byAddress.get(bareOf(to)) ?? this.#byAddress.get(domainOf(to)));
    const server = seat?.server ?? domainOf(to);
    if (server !== at) {
      this.crossed++;
      const link = at < server ? `${at} ${server}` : `${server} ${at}`;
      this.#links.set(link, (this.#links.get(link) ?? 0) + 1);
      this.#between.push({ stanza, at: server, due: due + linkMs });
      return;
    }
    if (seat !== undefined) return this.#handle(seat, { kind: 'stanza', via: domainOf(stanza.from), stanza });
    if (partsOf(to).local === '' || stanza.type !== 'groupchat' || !this.#hasBody(stanza)) return;
    this.delivered++;
    this.lastDeliveredAt = due;
  }

  #hasBody({ payloads }: Stanza): boolean {
    return payloads.some(({ name }) => name === 'body');
  }

  #handle(seat: Seat, input: Input): void {
    const env = { now: instant(this.now), newId: () => `id${++this.#ids}` };
    for (const effect of seat.node.handle(input, env)) {
      if (effect.kind === 'send')
        this.#here.push({ stanza: effect.stanza, at: seat.server, sender: seat, due: this.now });
      else if (effect.kind === 'setTimer') seat.timers.set(effect.timer, effect.at);
      else if (effect.kind === 'clearTimer') seat.timers.delete(effect.timer);
    }
  }
}
