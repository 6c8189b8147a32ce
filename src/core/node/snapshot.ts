import type { RoomSnapshot } from '../room/snapshot.ts';

/** All durable state of a node: `restore(snapshot)` and then `apply` of the later events gives the node back. */
export interface NodeSnapshot {
  readonly version: 1;
  readonly rooms: readonly RoomSnapshot[];
}
