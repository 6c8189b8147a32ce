import type { RoomImage, RoomSnapshot } from '../room/snapshot.ts';

/** All durable state of a node: `restore(snapshot)` and then `apply` of the later events gives the node back. */
export interface NodeSnapshot {
  readonly version: 1;
  readonly rooms: readonly RoomSnapshot[];
}

/** The same with the messages that each room has at hand. */
export interface NodeImage extends NodeSnapshot {
  readonly rooms: readonly RoomImage[];
}
