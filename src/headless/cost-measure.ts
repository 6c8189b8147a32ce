import type { OccupantAct } from '../core/occupant/occupant.ts';
import { isPing } from '../core/xep/xep0199.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { plus } from '../core/xmpp/time.ts';
import { utf8Length } from '../core/xmpp/xml.ts';
import { Names, textOf } from '../cost/names.ts';
import { type Network, spread } from '../cost/network.ts';
import { type DesignId, scenarioOf } from '../cost/scenario.ts';
import type { Traffic } from '../cost/traffic.ts';
import { Prng } from '../sim/prng.ts';
import { groundOf } from '../sim/scenario-ground.ts';
import type { SimRecord } from '../sim/trace.ts';
import type { User } from '../sim/user.ts';
import { World } from '../sim/world.ts';

/** What a part of a run took. */
export interface MeasuredPart extends Traffic {
  /** Stanzas that were handed to users. */
  readonly deliveries: number;
}

export interface Measured {
  readonly linking: MeasuredPart;
  readonly joins: MeasuredPart;
  readonly messages: MeasuredPart;
  readonly churn: MeasuredPart;
  /** Milliseconds from a message to its last delivery: the mean of all messages. */
  readonly lastDeliveryMs: number;
  /** Bytes of the largest snapshot of a node. */
  readonly memoryBytes: number;
  /** Absent where it was not asked for. */
  readonly idle?: Idle;
}

/** What comes when nobody says or does anything any more. */
export interface Idle {
  /** Pings of an hour, and their answers. */
  readonly upkeep: Traffic;
  /** What crosses the links of the last server from when it is back from a split until all is as it was. */
  readonly resync: Traffic;
}

/** More than that is not simulated: copies of presence grow as the square of the occupants, and links of a mesh as that of the servers. */
export const simulatedMax = { occupants: 10_000, servers: 100, meshServers: 12 };

/** Nodes have found each other by then, and asked again those that were not up yet. */
const startMs = 60_000;
/** A mesh has given up its spare links when so long nothing but pings crosses them. */
const restMs = 120_000;
/** Rounds in which a mesh finds its rings, at most. */
const roundsMax = 40;
/** A node that hears nothing asks twice, and then takes the other for gone. */
const noticeMs = 120_000;
const hourMs = 3_600_000;
const most = Number.MAX_SAFE_INTEGER;

/**
 * Plays what the formulas describe in a world of the simulator, and counts. The same seed is the same result.
 *
 * @param idle  whether an hour of silence and a split come at the end
 */
export function measure(network: Network, design: DesignId, seed: number, idle: boolean): Measured {
  return new Run(network, design, seed).measure(idle);
}

class Run {
  readonly #network: Network;
  readonly #design: DesignId;
  readonly #world: World;
  readonly #users: readonly User[];
  readonly #meter: Meter;
  /** Number of the first user of each server. */
  readonly #firsts: readonly number[];
  /** Numbers of all others. */
  readonly #others: readonly number[];

  constructor(network: Network, design: DesignId, seed: number) {
    this.#network = network;
    this.#design = design;
    const meter = new Meter((who) => this.#world.users.has(who));
    this.#meter = meter;
    const heard = (record: SimRecord) => meter.take(record);
    this.#world = new World(groundOf(scenarioOf(network, design)), new Prng(seed), { heard });
    this.#users = [...this.#world.users.values()];
    let next = 0;
    this.#firsts = network.occupants.map((here) => {
      next += here;
      return next - here;
    });
    const firsts = new Set(this.#firsts);
    this.#others = [...this.#users.keys()].filter((user) => !firsts.has(user));
  }

  measure(idle: boolean): Measured {
    const linking = this.#link();
    this.#lose(this.#network.link.loss);
    for (const user of this.#others) this.#act(user, { act: 'join' });
    const joins = this.#read();
    const lastDeliveryMs = this.#speak();
    const messages = this.#read();
    this.#change();
    const churn = this.#read();
    this.#lose(0);
    const nodes = [...this.#world.seats.values()].map(({ node }) => node);
    const memoryBytes = Math.max(...nodes.map((node) => utf8Length(JSON.stringify(node.snapshot()))));
    const measured = { linking, joins, messages, churn, lastDeliveryMs, memoryBytes };
    return idle ? { ...measured, idle: { upkeep: this.#rest(), resync: this.#resync() } } : measured;
  }

  /** The nodes find each other, and the first of each server enters. */
  #link(): MeasuredPart {
    this.#pass(startMs);
    for (const { person } of this.#users) this.#world.connect(person.jid);
    const isMesh = this.#design === '0289-mesh';
    for (const first of this.#firsts) {
      this.#act(first, { act: 'join' });
      if (isMesh) this.#settle();
    }
    if (isMesh) this.#untangle();
    return this.#meter.read();
  }

  /** @returns milliseconds until the last delivery, on average */
  #speak(): number {
    const { messages, bodyBytes } = this.#network;
    let waited = 0;
    for (const author of spread(messages, this.#users.length)) {
      const began = this.#world.now;
      this.#act(author, { act: 'say', text: textOf(bodyBytes) });
      waited += Math.max(0, this.#meter.lastOut - began);
    }
    return messages === 0 ? 0 : waited / messages;
  }

  #change(): void {
    const names = new Names(this.#network);
    const nicks = new Map<number, 0 | 1>();
    for (const other of spread(this.#network.churn, this.#others.length)) {
      const user = this.#others[other] as number;
      const which = nicks.get(user) === 1 ? 0 : 1;
      nicks.set(user, which);
      this.#act(user, { act: 'leave' });
      this.#act(user, { act: 'join' });
      this.#act(user, { act: 'nick', nick: names.nick(user, which) });
    }
  }

  /** An hour in which nothing happens. */
  #rest(): Traffic {
    this.#meter.read();
    this.#pass(hourMs);
    const { pings } = this.#meter;
    this.#meter.read();
    return pings;
  }

  /** The last server is cut off, somebody on the first says something, and the links are mended. */
  #resync(): Traffic {
    const world = this.#world;
    const last = world.plan.domains.at(-1) as Jid;
    const others = world.plan.domains.slice(0, -1);
    for (const other of others) world.relink(other, last, { state: 'bounce' });
    for (let i = 0; i < this.#network.missed; i++) this.#act(0, { act: 'say', text: textOf(this.#network.bodyBytes) });
    this.#pass(noticeMs);
    this.#meter.read();
    this.#meter.only = last;
    for (const other of others) world.relink(other, last, { state: 'up' });
    if (this.#design === 'plain' && others.length > 0)
      for (const [user, { person, server }] of this.#users.entries()) {
        if (server !== last) continue;
        world.vanish(person.jid);
        world.connect(person.jid);
        this.#act(user, { act: 'join' });
      }
    this.#pass(noticeMs);
    return this.#meter.read();
  }

  /** Until nothing but pings has crossed a link for a while. */
  #settle(): void {
    for (let before = -1; before !== this.#meter.crossed; ) {
      before = this.#meter.crossed;
      this.#pass(restMs);
    }
  }

  /** A node looks three times at a ring that it has seen, so in a large mesh some are left until it sees somebody by two ways again. */
  #untangle(): void {
    const links = this.#firsts.length - 1;
    for (let round = 0, widest = links + 1; widest > links && round < roundsMax; round++) {
      widest = 0;
      for (const first of this.#firsts) {
        const before = this.#meter.crossed;
        this.#act(first, { act: 'presence', show: round % 2 === 0 ? 'away' : '', status: '' });
        widest = Math.max(widest, this.#meter.crossed - before);
      }
      this.#settle();
    }
  }

  #act(user: number, act: OccupantAct): void {
    this.#world.act((this.#users[user] as User).person.jid, act);
    while (!this.#world.isQuiet && this.#world.step());
  }

  #pass(ms: number): void {
    this.#world.runUntil(plus(this.#world.now, ms), most);
  }

  #lose(loss: number): void {
    for (const link of this.#world.links) link.fault = { ...link.fault, loss };
  }

  /** Where links lose stanzas, the next ping shows what was lost last. */
  #read(): MeasuredPart {
    if (this.#network.link.loss > 0) this.#pass(noticeMs);
    return this.#meter.read();
  }
}

/** Counts what happens in a world. */
class Meter {
  /** Only what crosses the links of this server is counted. */
  only: string | undefined;
  /** When the last stanza was handed to a user. */
  lastOut = 0;
  /** Stanzas that crossed links, without pings. */
  crossed = 0;
  /** The pings since what was counted was read, and their answers. */
  pings = { stanzas: 0, bytes: 0 };
  #part = { stanzas: 0, bytes: 0, deliveries: 0 };
  readonly #asked = new Set<string>();
  readonly #isUser: (who: Stanza['to']) => boolean;

  constructor(isUser: (who: Stanza['to']) => boolean) {
    this.#isUser = isUser;
  }

  take(record: SimRecord): void {
    if (record.kind === 'out' && this.#isUser(record.to)) {
      this.#part.deliveries++;
      this.lastOut = record.t;
    }
    if (record.kind !== 'link' || record.outcome === 'bounced') return;
    const { stanza, server } = record;
    const bytes = stanzaLength(stanza);
    const counts = this.#isUpkeep(stanza) ? this.pings : this.#part;
    if (counts === this.#part) this.crossed++;
    if (this.only !== undefined && !server.some((one) => one === this.only)) return;
    counts.stanzas++;
    counts.bytes += bytes;
  }

  /** What was counted since this was asked last. */
  read(): MeasuredPart {
    const part = this.#part;
    this.#part = { stanzas: 0, bytes: 0, deliveries: 0 };
    this.pings = { stanzas: 0, bytes: 0 };
    return part;
  }

  #isUpkeep(stanza: Stanza): boolean {
    const { id = '', type } = stanza;
    if (isPing(stanza)) {
      this.#asked.add(id);
      return true;
    }
    return stanza.name === 'iq' && (type === 'result' || type === 'error') && this.#asked.delete(id);
  }
}
