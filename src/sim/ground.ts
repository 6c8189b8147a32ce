import type { LinkSettings } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Person } from './trace.ts';

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

/** What a world is made of: a plan has it, and so has a scenario. */
export interface Ground {
  readonly layout: { readonly nodes: readonly NodeConfig[] };
  readonly domains: readonly Jid[];
  readonly people: readonly Person[];
  /** What a link is at the beginning; absent: as luck has it. */
  linkOf?(a: Jid, b: Jid): LinkSettings;
  /** Address of the node that does what it likes. */
  readonly hostileNode: Jid | undefined;
  readonly faults: Faults;
  /** Milliseconds from a batch of events to its being durable, at most. */
  readonly appendMs: number;
  /** Probability that an archive cannot be searched. */
  readonly searchFails: number;
  /** Whether the bounce of a relayed stanza is given back to the replica that relayed it, or goes to the user. */
  readonly bounceToRelay: boolean;
  /** The node that all others depend on is sound, loses its whole disk in some crashes, or does what it likes. */
  readonly primary: 'sound' | 'forgetful' | 'hostile';
}
