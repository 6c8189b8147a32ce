import type { NodeConfig } from '../core/node/config.ts';
import type { MucNode } from '../core/node/node.ts';

import type { OccupantHalf } from '../core/occupant/occupant.ts';
import type { HistoryItem } from '../core/room/event.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Plan } from './plan.ts';

/** What checkers look at of a world when all is over. */
export interface Aftermath {
  readonly plan: Pick<Plan, 'mode' | 'layout' | 'hostileNode' | 'faults'> & Partial<Pick<Plan, 'steps'>>;
  readonly seats: ReadonlyMap<
    Jid,
    {
      readonly config: NodeConfig;
      readonly node: Pick<MucNode, 'status' | 'snapshot'>;
      /** All that its disk has of a room's messages; absent: what the node has at hand. */
      archive?(room: Jid): readonly HistoryItem[];
    }
  >;
  readonly users: ReadonlyMap<Jid, { readonly online: boolean; readonly half: Pick<OccupantHalf, 'state'> }>;
  readonly peaks: ReadonlyMap<Jid, Readonly<Peaks>>;
  /** Where clients asked their users to go on (XEP-0281 §3.5), and the room that sent them. */
  readonly offers?: readonly { readonly user: Jid; readonly room: Jid; readonly from: Jid }[];
  /** What every honest node held before everything was repeated, to compare with what it holds now (G15). */
  readonly before: ReadonlyMap<Jid, string> | undefined;
  portrait(): ReadonlyMap<Jid, string>;
  /** Whether a link ever lost something on its way to this user. */
  everLost(user: Jid): boolean;
}

/** Sizes of what a node holds, the largest so far. */
export interface Peaks {
  inbox: number;
  timers: number;
  history: number;
  occupants: number;
  peers: number;
  occupantIds: number;
}
