import type { NodeConfig } from '../core/node/config.ts';
import type { RoomConfig } from '../core/room/config.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Ground } from './ground.ts';
import type { Step } from './step.ts';

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
  readonly primary: Ground['primary'];
}

/** A whole run before it happens: the network, who is where, and every step. A pure function of seed and options. */
export interface Plan extends Ground {
  readonly mode: Mode;
  readonly layout: Layout;
  readonly steps: readonly Step[];
  /** What somebody does when all is healed: `at` counts from there. Numbered after the steps. */
  readonly afterwards: readonly Step[];
  /** How long faults stay after the last step before all is healed. */
  readonly lingerMs: number;
  readonly emptyUntil: Circumstances['emptyUntil'];
  /** The same without the variety that its protocol adds. */
  readonly plainer?: Plan;
}
