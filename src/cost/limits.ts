import { pingsAnHour } from './design.ts';
import { type Memory, memoryOf, peersOf } from './memory.ts';
import { designs } from './model.ts';
import { type Network, occupantsMax, occupantsOf, serversMax } from './network.ts';
import type { DesignId } from './scenario.ts';
import type { Traffic } from './traffic.ts';

/** How busy a room is. */
export interface Rates {
  /** Messages of the whole room. */
  readonly messagesPerSecond: number;
  /** Rounds of change (leave, entry, nick) of each occupant. */
  readonly roundsPerHour: number;
}

/** What one link, and one node, can do. */
export interface Capacity {
  /** Of a link, in the direction that has more. */
  readonly linkBytesPerSecond: number;
  /** What a node sends to other servers. */
  readonly uplinkBytesPerSecond: number;
  /** What a node takes and hands on, on one core. */
  readonly stanzasPerSecond: number;
  /** What a node holds of the room, as text. */
  readonly memoryBytes: number;
}

export const usualRates: Rates = { messagesPerSecond: 1, roundsPerHour: 0.5 };
/** A link of 10 Mbit/s, a server with 100 Mbit/s, and a node that handles twenty thousand stanzas a second and has 4 GiB. */
export const usualCapacity: Capacity = {
  linkBytesPerSecond: 1_250_000,
  uplinkBytesPerSecond: 12_500_000,
  stanzasPerSecond: 20_000,
  memoryBytes: 4 * 2 ** 30,
};

export type Resource = 'link' | 'uplink' | 'stanzas' | 'memory';

/** How much of each resource is needed, in the units of `Capacity`. */
export type Load = Readonly<Record<Resource, number>>;

/** As many servers, and on each as many occupants, as a load is asked for. */
interface Size {
  readonly servers: number;
  readonly all: number;
  /** Occupants of the first server, and of the fullest of all others. */
  readonly near: number;
  readonly fullest: number;
}

/** How much the busiest link, and the busiest node, have to do a second. */
export function loadOf(network: Network, id: DesignId, rates: Rates): Load {
  const [near = 0, ...others] = network.occupants;
  const size = { servers: network.occupants.length, all: occupantsOf(network), near, fullest: Math.max(0, ...others) };
  return new Loads(network, id, rates).at(size);
}

/** The loads of a design in networks of any size, in which stanzas are as long as in one network. */
class Loads {
  readonly #network: Network;
  readonly #id: DesignId;
  readonly #rates: Rates;
  readonly #message: number;
  readonly #presence: number;
  readonly #ping: number;
  readonly #memory: Memory;

  constructor(network: Network, id: DesignId, rates: Rates) {
    this.#network = network;
    this.#id = id;
    this.#rates = rates;
    const mean = ({ stanzas, bytes }: Traffic) => (stanzas === 0 ? 0 : bytes / stanzas);
    const design = designs[id];
    this.#message = mean(design.messages({ ...network, messages: Math.max(1, network.messages) }));
    this.#presence = mean(design.joins(network));
    this.#ping = mean(design.upkeep(network));
    this.#memory = memoryOf(network, id);
  }

  /**
   * A message, and each of the four stanzas of a round, cross the busiest link and leave the busiest node so often as the formulas
   * of the design say. A node handles what comes, what it hands to its own users, and what it sends. Who enters is told of all who
   * are in: in a plain room over their own link, else by the node of their own server.
   */
  at(size: Size): Load {
    const { messagesPerSecond, roundsPerHour } = this.#rates;
    const { all, near, fullest } = size;
    const isPlain = this.#id === 'plain';
    const rounds = (roundsPerHour * all) / 3_600;
    const peers = peersOf(size.servers, this.#network.fanOut, this.#id);
    const once = this.#once(size, peers);
    const perSecond = messagesPerSecond + 4 * rounds;
    const bytes = (count: number) => count * (messagesPerSecond * this.#message + 4 * rounds * this.#presence);
    const listed = isPlain ? rounds * all * this.#presence : 0;
    const pings = (peers * pingsAnHour) / 3_600;
    const { occupants, history, log, peers: known } = this.#memory;
    const grown = all / occupantsOf(this.#network);
    const linked = peersOf(this.#network.occupants.length, this.#network.fanOut, this.#id);
    return {
      link: bytes(once.link) + listed * (fullest / all) + (peers === 0 ? 0 : (pings / peers / 2) * this.#ping),
      uplink: bytes(once.uplink) + listed * ((all - near) / all) + (pings / 2) * this.#ping,
      stanzas: perSecond * once.handled + rounds * (isPlain ? all : Math.max(near, fullest)) + pings,
      memory: occupants * grown + history + log + (linked === 0 ? 0 : (known * peers) / linked),
    };
  }

  /** Of one event: how often it crosses the busiest link, and leaves the busiest node for others; and what that node handles. */
  #once({ all, near, fullest }: Size, peers: number) {
    const most = Math.max(near, fullest);
    switch (this.#id) {
      case 'plain':
        return { link: fullest, uplink: all - near, handled: 1 + all };
      case '0282':
        return { link: Math.min(1, peers), uplink: peers, handled: 1 + Math.max(near + peers, fullest) };
      case '0281': {
        // An instance sends for its own users alone, and hears of all others.
        const own = most / all;
        return { link: own, uplink: own * peers, handled: 1 + most + own * peers };
      }
      case '0289-replica':
        return { link: Math.min(1, peers), uplink: peers, handled: 1 + most + peers };
      default:
        // It comes over one of the links, unless its author is the node's own user.
        return { link: Math.min(1, peers), uplink: Math.max(0, peers - 1 + near / all), handled: 1 + most + peers };
    }
  }
}

export interface Breaking {
  readonly resource: Resource;
  readonly servers: number;
  readonly occupants: number;
  readonly load: number;
  readonly most: number;
}

/**
 * The smallest number of servers, with as many occupants on each as now, at which something is more than can be done, and what that is.
 * Undefined: nothing is, up to 10,000 servers and a million occupants.
 */
export function firstToBreak(network: Network, id: DesignId, rates: Rates, capacity: Capacity): Breaking | undefined {
  const each = Math.max(1, Math.round(occupantsOf(network) / network.occupants.length));
  const most = Math.min(serversMax, Math.floor(occupantsMax / each));
  const loads = new Loads(network, id, rates);
  const at = (servers: number) =>
    loads.at({ servers, all: servers * each, near: each, fullest: servers === 1 ? 0 : each });
  if (worst(at(most), capacity).ratio <= 1) return undefined;
  let [fine, broken] = [0, most];
  while (broken - fine > 1) {
    const middle = Math.floor((fine + broken) / 2);
    if (worst(at(middle), capacity).ratio > 1) broken = middle;
    else fine = middle;
  }
  const { resource, load, limit } = worst(at(broken), capacity);
  return { resource, servers: broken, occupants: broken * each, load, most: limit };
}

function worst(load: Load, capacity: Capacity) {
  const limits: Load = {
    link: capacity.linkBytesPerSecond,
    uplink: capacity.uplinkBytesPerSecond,
    stanzas: capacity.stanzasPerSecond,
    memory: capacity.memoryBytes,
  };
  const all = (Object.keys(limits) as Resource[]).map((resource) => {
    const [needed, limit] = [load[resource], limits[resource]];
    return { resource, load: needed, limit, ratio: needed / limit };
  });
  return all.reduce((one, other) => (other.ratio > one.ratio ? other : one));
}
