import type { RoomEvent } from '../room/event.ts';
import type { Effect } from '../turn/effect.ts';
import type { Env } from '../turn/env.ts';
import type { Input } from './input.ts';
import type { NodeSnapshot } from './snapshot.ts';
import type { NodeStatus } from './trace.ts';

/** What a node asks of its host. */
export type NodeEffect = Effect<RoomEvent>;

/** Rooms and their distributions behind one function; made by createMucNode (muc-node.ts). */
export interface MucNode {
  /** Decides; changes state only through `apply`, of the very events it returns in `append`. */
  handle(input: Input, env: Env): readonly NodeEffect[];
  /** The one writer. Restart = `restore(snapshot)`, then `apply` for the tail of the log. */
  apply(event: RoomEvent): void;
  snapshot(): NodeSnapshot;
  restore(snapshot: NodeSnapshot): void;
  /** What the page shows. */
  status(): NodeStatus;
}
