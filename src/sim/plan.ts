import type { NodeConfig } from '../core/node/config.ts';
import type { RoomConfig } from '../core/room/config.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Step } from './step.ts';
import type { Person } from './trace.ts';

/** Which protocol a run is of, and in which of its modes. */
export const modes = ['plain', '0281', '0282', '0289pp', '0289pr'] as const;
export type Mode = (typeof modes)[number];

/** Whether the rooms of a run federate: every node has a room of its own, by XEP-0289. */
export function isFederated(mode: Mode | undefined): boolean {
  return mode === '0289pp' || mode === '0289pr';
}

/** Whether every node has an order of its own, in which what others say comes when it comes. */
export function isPlural(mode: Mode | undefined): boolean {
  return isFederated(mode) || mode === '0281';
}

/** Which kinds of trouble a run has, and how much of each (swarm testing: a random part of them in every run). */
export interface Faults {
  /** Steps that are a fault of this kind, as a part of all steps. */
  readonly cut: number;
  readonly oneWay: number;
  readonly lossy: number;
  readonly twice: number;
  readonly reconnect: number;
  readonly crash: number;
  readonly freeze: number;
  readonly vanish: number;
  /** Steps of hostile clients. */
  readonly forge: number;
  readonly moderate: number;
  /** Clocks that are wrong by up to this many milliseconds. */
  readonly skewMs: number;
  /** Probability that a disk refuses a batch. */
  readonly quota: number;
  /** A crash of a replica may lose this many of its last batches, which were durable only in a relaxed way. */
  readonly relaxed: number;
  /** Probability that a crash loses the whole disk. */
  readonly diskLost: number;
  /** Whether one node that may be is hostile. */
  readonly hostileNode: boolean;
}

export const noFaults: Faults = {
  cut: 0,
  oneWay: 0,
  lossy: 0,
  twice: 0,
  reconnect: 0,
  crash: 0,
  freeze: 0,
  vanish: 0,
  forge: 0,
  moderate: 0,
  skewMs: 0,
  quota: 0,
  relaxed: 0,
  diskLost: 0,
  hostileNode: false,
};

/** Where the nodes are, and which room the users of each domain enter. */
export interface Layout {
  readonly nodes: readonly NodeConfig[];
  roomOf(domain: Jid): Jid;
}

export interface Circumstances {
  /** What the rooms of a node have of their own. */
  settingsOf(node: Jid): Partial<RoomConfig>;
  /**
   * Servers whose users stay away at first, so that the room of their node is empty: until so many milliseconds of the run
   * have passed, or for ever (Infinity).
   */
  readonly emptyUntil: ReadonlyMap<Jid, number>;
  /** How long faults stay after the last step before all is healed, in milliseconds. */
  readonly lingerMs: number;
  /** The node that all others depend on is sound, loses its whole disk in some crashes, or does what it likes. */
  readonly primary: 'sound' | 'forgetful' | 'hostile';
}

/** A whole run before it happens: the network, who is where, and every step. A pure function of seed and options. */
export interface Plan {
  readonly mode: Mode;
  readonly layout: Layout;
  readonly domains: readonly Jid[];
  readonly people: readonly Person[];
  /** Address of the node that does what it likes. */
  readonly hostileNode: Jid | undefined;
  readonly faults: Faults;
  /** Milliseconds from a batch of events to its being durable, at most. */
  readonly appendMs: number;
  /** Whether the bounce of a relayed stanza is given back to the replica that relayed it, or goes to the user. */
  readonly bounceToRelay: boolean;
  readonly steps: readonly Step[];
  /** What somebody does when all is healed: `at` counts from there. Numbered after the steps. */
  readonly afterwards: readonly Step[];
  /** How long faults stay after the last step before all is healed. */
  readonly lingerMs: number;
  readonly primary: Circumstances['primary'];
  readonly emptyUntil: Circumstances['emptyUntil'];
  /** The same without the variety that its protocol adds. */
  readonly plainer?: Plan;
}
