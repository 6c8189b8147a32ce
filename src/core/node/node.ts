import type { RoomEvent } from '../room/event.ts';
import type { Instant } from '../xmpp/time.ts';
import type { Effect } from './effect.ts';
import type { Input } from './input.ts';
import type { NodeSnapshot } from './snapshot.ts';
import type { NodeStatus } from './trace.ts';

/** The only clock and the only randomness. */
export interface Env {
  readonly now: Instant;
  /** 128 random bits as text that may stand in an XML attribute. */
  newId(): string;
}

/** Rooms and their distributions behind one function; made by createMucNode (muc-node.ts). */
export interface MucNode {
  /** Decides; changes state only through `apply`, of the very events it returns in `append`. */
  handle(input: Input, env: Env): readonly Effect[];
  /** The one writer. Restart = `restore(snapshot)`, then `apply` for the tail of the log. */
  apply(event: RoomEvent): void;
  snapshot(): NodeSnapshot;
  restore(snapshot: NodeSnapshot): void;
  /** What the page shows. */
  status(): NodeStatus;
}
